//! Will the PC fall asleep, is it on battery. Windows tells both, Linux the second; what nobody looked at is said.

use std::path::Path;

use super::finding::{Finding, words};

/// Batteries and mains of Linux.
#[cfg(target_os = "linux")]
const SUPPLIES: &str = "/sys/class/power_supply";

/// Asks the system.
#[cfg(windows)]
pub fn check() -> Vec<Finding> {
    let asked = super::ask::command("powercfg", &["/query", "SCHEME_CURRENT", "SUB_SLEEP", "STANDBYIDLE"]);
    vec![sleep(asked.as_deref().and_then(of_powercfg))]
}

/// Asks the system.
#[cfg(target_os = "linux")]
pub fn check() -> Vec<Finding> {
    let not_checked = words(
        "sleep on idle: not checked (Windows only)",
        "アイドル時のスリープ: 調べていません(Windows だけ)",
    );
    vec![battery(Path::new(SUPPLIES)), Finding::skipped("power", not_checked)]
}

/// Nothing is known of this system.
#[cfg(not(any(windows, target_os = "linux")))]
pub fn check() -> Vec<Finding> {
    vec![sleep(None)]
}

/// What idle minutes on mains and battery mean; 0 = never.
#[cfg_attr(target_os = "linux", allow(dead_code, reason = "its test runs everywhere"))]
pub fn sleep(seconds: Option<(u32, u32)>) -> Finding {
    match seconds {
        None => Finding::skipped(
            "power",
            words("sleep on idle: not checked", "アイドル時のスリープ: 調べていません"),
        ),
        Some((0, 0)) => Finding::fine(
            "power",
            words("the PC never sleeps when idle", "PC はアイドル時にスリープしません"),
        ),
        Some((0, battery)) => {
            let minutes = battery.div_ceil(60);
            Finding::note(
                "power",
                words(
                    format!("on battery the PC sleeps after {minutes} idle minutes"),
                    format!("バッテリー駆動では {minutes} 分でスリープします"),
                ),
            )
        }
        Some((mains, _)) => {
            let minutes = mains.div_ceil(60);
            Finding::warning(
                "power",
                words(
                    format!("the PC sleeps after {minutes} idle minutes: the recording then has a gap"),
                    format!("PC は {minutes} 分間操作しないとスリープし、記録が途切れます"),
                ),
                words(
                    "powercfg /change standby-timeout-ac 0",
                    "powercfg /change standby-timeout-ac 0 を実行してください",
                ),
            )
        }
    }
}

/// Seconds on mains and on battery: the last two numbers of `powercfg /query`, whose words are translated.
#[cfg_attr(not(windows), allow(dead_code, reason = "its test runs everywhere"))]
pub fn of_powercfg(text: &str) -> Option<(u32, u32)> {
    let numbers = text
        .lines()
        .filter_map(|line| line.rsplit_once(':')?.1.trim().strip_prefix("0x"));
    let numbers: Vec<u32> = numbers.filter_map(|hex| u32::from_str_radix(hex, 16).ok()).collect();
    match numbers[..] {
        [.., mains, battery] => Some((mains, battery)),
        _ => None,
    }
}

/// What a folder like Linux' says of batteries.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "its test runs everywhere"))]
pub fn battery(folder: &Path) -> Finding {
    let supplies = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let discharging = supplies.filter_map(|supply| {
        let read = |name: &str| std::fs::read_to_string(supply.path().join(name)).unwrap_or_default();
        let runs_down = read("type").trim() == "Battery" && read("status").trim() == "Discharging";
        // A mouse has one, too.
        (runs_down && read("scope").trim() != "Device").then(|| read("capacity").trim().to_owned())
    });
    let Some(left) = discharging.min_by_key(|left| left.parse::<u32>().unwrap_or(u32::MAX)) else {
        return Finding::fine(
            "power",
            words("no battery is running down", "バッテリー駆動ではありません"),
        );
    };
    Finding {
        fix: Some(words(
            "plug it in before the market opens",
            "取引開始前に電源につないでください",
        )),
        ..Finding::note(
            "power",
            words(
                format!("the PC runs on battery ({left} %)"),
                format!("PC がバッテリーで動いています ({left}%)"),
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn sleep_on_idle_in_windows_words() {
        let text = |mains: &str, battery: &str| {
            format!(
                "電源設定の GUID: 29f6c1db  (次の時間が経過後スリープする)\r\n      使用可能な設定の最小値: 0x00000000\r\n      \
                 使用可能な設定の最大値: 0xffffffff\r\n    現在の AC 電源設定のインデックス: {mains}\r\n    現在の DC \
                 電源設定のインデックス: {battery}\r\n\r\n"
            )
        };
        for (mains, battery, level) in [
            ("0x00000708", "0x00000384", Level::Warning),
            ("0x00000000", "0x00000384", Level::Note),
            ("0x00000000", "0x00000000", Level::Fine),
        ] {
            assert_eq!(sleep(of_powercfg(&text(mains, battery))).level, level);
        }
        assert!(
            sleep(of_powercfg(&text("0x00000708", "0x0")))
                .say
                .en
                .contains("30 idle minutes")
        );
        assert_eq!(of_powercfg("access denied"), None);
        assert!(sleep(None).say.en.contains("not checked"));
    }

    #[test]
    fn a_battery_that_runs_down_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let put = |supply: &str, pairs: &[(&str, &str)]| {
            std::fs::create_dir(folder.path().join(supply)).unwrap();
            for (name, value) in pairs {
                std::fs::write(folder.path().join(supply).join(name), format!("{value}\n")).unwrap();
            }
        };
        put("AC", &[("type", "Mains"), ("online", "0")]);
        put(
            "mouse",
            &[
                ("type", "Battery"),
                ("status", "Discharging"),
                ("scope", "Device"),
                ("capacity", "3"),
            ],
        );
        assert_eq!(battery(folder.path()).level, Level::Fine);
        put(
            "BAT0",
            &[("type", "Battery"), ("status", "Discharging"), ("capacity", "43")],
        );
        let finding = battery(folder.path());
        assert_eq!(
            (finding.level, finding.say.en.as_str()),
            (Level::Note, "the PC runs on battery (43 %)")
        );
        assert_eq!(battery(&folder.path().join("none")).level, Level::Fine);
    }
}
