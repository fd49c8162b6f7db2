//! The station's own log, where it leaves one: who connected to PUSH, which questions took it too long, what was reset.
//!
//! Only counts and times are taken from it; no line is shown, because nobody promises what stands in one.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::ask;
use super::finding::{Finding, words};

/// Below %APPDATA%.
const FOLDER: [&str; 2] = ["KabuS", "Log"];
/// The end of the newest file; a day of debug lines has many megabytes.
const TAIL: u64 = 4 << 20;

/// What was counted, each with the last time of day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// PUSH connections that were accepted.
    pub accepted: (u64, String),
    /// Questions that took more than five (or thirty) seconds.
    pub slow: (u64, String),
    /// Connections that were reset.
    pub resets: (u64, String),
}

/// Looks into the folder of the user whose `%APPDATA%` this is.
pub fn check(appdata: Option<&str>) -> Vec<Finding> {
    let Some(appdata) = appdata.filter(|path| !path.is_empty()) else {
        return vec![Finding::skipped(
            "station_log",
            words(
                "kabu Station's own log: not checked (no %APPDATA% on this system)",
                "kabuステーションのログ: 調べていません(%APPDATA% がない環境です)",
            ),
        )];
    };
    let folder: PathBuf = [appdata].into_iter().chain(FOLDER).collect();
    vec![of_folder(&folder)]
}

/// What the newest file of a folder says.
pub fn of_folder(folder: &Path) -> Finding {
    let Some((path, text)) = newest(folder) else {
        let shown = folder.display();
        return Finding::fine(
            "station_log",
            words(
                format!("kabu Station's own log: nothing in {shown}"),
                format!("kabuステーションのログ: {shown} にはありません"),
            ),
        );
    };
    judge(&path.file_name().unwrap_or_default().to_string_lossy(), &count(&text))
}

fn judge(file: &str, counts: &Counts) -> Finding {
    let told = |(n, last): &(u64, String)| match last.as_str() {
        "" => n.to_string(),
        last => format!("{n} ({last})"),
    };
    let (accepted, slow, resets) = (told(&counts.accepted), told(&counts.slow), told(&counts.resets));
    let say = words(
        format!(
            "kabu Station's log {file}: PUSH connections {accepted}, answers over 5 s {slow}, resets {resets} (last time)"
        ),
        format!(
            "kabuステーションのログ {file}: PUSH 接続 {accepted}、5 秒超の応答 {slow}、切断 {resets} (かっこ内は最後の時刻)"
        ),
    );
    let fix = match (counts.slow.0, counts.resets.0) {
        (0, 0) => return Finding::fine("station_log", say),
        (0, _) => words(
            "resets come around 09:00; the recorder reconnects by itself. If there are many: fewer symbols",
            "切断は 09:00 前後に起こります。記録係が自分でつなぎ直します。多い場合は銘柄を減らしてください",
        ),
        _ => words(
            "slow answers come from symbols that are not registered, or from several programs asking at once",
            "遅い応答は、未登録の銘柄か、複数のプログラムが同時に問い合わせるのが原因です",
        ),
    };
    Finding {
        fix: Some(fix),
        ..Finding::note("station_log", say)
    }
}

/// The newest file and its end.
fn newest(folder: &Path) -> Option<(PathBuf, String)> {
    let files = fs::read_dir(folder).ok()?.flatten();
    let dated = files.filter_map(|entry| {
        let meta = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        Some((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path()))
    });
    let (_, path) = dated.max()?;
    let mut file = File::open(&path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    Some((path, ask::decoded(&bytes)))
}

/// Counts the lines that are known.
pub fn count(text: &str) -> Counts {
    let mut counts = Counts::default();
    for line in text.lines() {
        let lower = line.to_lowercase();
        let of = if lower.contains("5000msec") || lower.contains("30000msec") {
            &mut counts.slow
        } else if lower.contains("websocket") && lower.contains("accept") {
            &mut counts.accepted
        } else if lower.contains("10054") || lower.contains("connection reset") {
            &mut counts.resets
        } else {
            continue;
        };
        of.0 += 1;
        if let Some(time) = time_of_day(line) {
            of.1 = time;
        }
    }
    counts
}

/// The first `09:04:10` of a line.
fn time_of_day(line: &str) -> Option<String> {
    let shape = |eight: &[u8]| {
        eight.iter().enumerate().all(|(at, byte)| match at {
            2 | 5 => *byte == b':',
            _ => byte.is_ascii_digit(),
        })
    };
    let found = line.as_bytes().windows(8).find(|eight| shape(eight))?;
    Some(String::from_utf8_lossy(found).into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    const LINES: &str = "2026-11-20 08:50:01.123 DEBUG WebSocket Accept 127.0.0.1\n\
        2026-11-20 09:00:02.001 WARN BoardData(9265@1)の取得処理に5000msec以上経過しました。\n\
        2026-11-20 09:00:09.500 WARN BoardData(9265@1)の取得処理に30000msec以上経過しました。\n\
        2026-11-20 09:04:10.777 ERROR SocketException 10054 token=canary-of-a-log\n\
        something else\n";

    #[test]
    fn lines_are_counted_with_their_last_time_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        assert!(of_folder(folder.path()).say.en.contains("nothing in"));
        let old = folder.path().join("old.log");
        fs::write(&old, "2026-11-19 09:00:00 10054\n").unwrap();
        let file = File::options().write(true).open(&old).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        fs::create_dir(folder.path().join("APILog")).unwrap();
        // As the station writes it in Japan.
        let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(LINES);
        fs::write(folder.path().join("kabuS_20261120.log"), &bytes).unwrap();
        let finding = of_folder(folder.path());
        assert_eq!(finding.level, Level::Note);
        assert_eq!(
            finding.say.en,
            "kabu Station's log kabuS_20261120.log: PUSH connections 1 (08:50:01), answers over 5 s 2 (09:00:09), \
             resets 1 (09:04:10) (last time)"
        );
        assert!(!format!("{finding:?}").contains("canary"));
        fs::write(
            folder.path().join("newer.log"),
            "2026-11-20 09:00:00 WebSocket accepted\n",
        )
        .unwrap();
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        File::options()
            .write(true)
            .open(folder.path().join("newer.log"))
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert_eq!(of_folder(folder.path()).level, Level::Fine);
    }

    #[test]
    fn off_windows_it_says_that_nobody_looked() {
        assert!(check(None)[0].say.en.contains("not checked"));
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("KabuS").join("Log");
        fs::create_dir_all(&log).unwrap();
        fs::write(log.join("a.log"), LINES).unwrap();
        assert!(check(folder.path().to_str())[0].say.en.contains("answers over 5 s 2"));
    }
}
