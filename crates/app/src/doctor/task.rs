//! Does the recorder start by itself: Task Scheduler on Windows, systemd on Linux. Elsewhere we say that nobody looked.

use std::path::{Path, PathBuf};

use super::finding::{Finding, words};

/// How the settings of a task begin, and other places of its XML.
const LIMIT: &str = "ExecutionTimeLimit";
/// What Windows takes when a task says nothing.
const USUAL_LIMIT: &str = "PT72H";

/// A task or unit that starts a recorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// It will be started.
    pub enabled: bool,
    /// When, as the system writes it; empty when it does not say.
    pub at: String,
    /// After how long the system ends it, as the system writes it; `None` = never.
    pub limit: Option<String>,
    /// It is not started, or ended, on battery.
    pub mains_only: bool,
}

/// Asks the system.
pub fn check() -> Vec<Finding> {
    match os::entries() {
        Some(entries) => judge(&entries),
        None => vec![Finding::skipped(
            "startup",
            words(
                "start-up task: not checked (only Windows Task Scheduler and systemd are known)",
                "自動起動: 調べていません(Windows のタスク スケジューラと systemd だけに対応)",
            ),
        )],
    }
}

/// What there is to say of the tasks.
pub fn judge(entries: &[Entry]) -> Vec<Finding> {
    if entries.is_empty() {
        return vec![Finding::fine(
            "startup",
            words(
                "nothing starts the recorder by itself; docs/operations.md shows how",
                "記録係の自動起動は設定されていません(docs/operations.ja.md に方法があります)",
            ),
        )];
    }
    entries.iter().map(one).collect()
}

fn one(entry: &Entry) -> Finding {
    let name = &entry.name;
    let at = entry.at.replace('T', " ");
    let say = |en: &str, ja: &str| {
        words(
            format!(
                "start-up task {name}{}: {en}",
                if at.is_empty() {
                    String::new()
                } else {
                    format!(" ({at})")
                }
            ),
            format!(
                "自動起動 {name}{}: {ja}",
                if at.is_empty() {
                    String::new()
                } else {
                    format!(" ({at})")
                }
            ),
        )
    };
    match (&entry.limit, entry.enabled) {
        (_, false) => Finding::note(
            "startup",
            say("present, but switched off", "ありますが、無効になっています"),
        ),
        (Some(limit), _) => Finding::warning(
            "startup",
            say(
                &format!("the system ends it after {limit}"),
                &format!("{limit} 後に強制終了されます"),
            ),
            words(
                "Task Scheduler, Settings: take the mark from \"Stop the task if it runs longer than\"",
                "タスク スケジューラの「設定」で「タスクを停止するまでの時間」のチェックを外してください",
            ),
        ),
        (None, _) if entry.mains_only => Finding::note(
            "startup",
            say(
                "enabled; not started on battery",
                "有効。バッテリー駆動では開始されません",
            ),
        ),
        (None, _) => Finding::fine("startup", say("enabled", "有効")),
    }
}

/// The tasks that start us, of `schtasks /query /xml`: every task's XML behind a comment with its name.
#[cfg_attr(not(windows), allow(dead_code, reason = "its test runs everywhere"))]
pub fn of_schtasks(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut before = "";
    for (at, piece) in text.split("<Task ").enumerate() {
        let task = piece.split("</Task>").next().unwrap_or_default();
        if at > 0 && starts_us(task) {
            entries.push(of_task(name(before), task));
        }
        before = piece;
    }
    entries
}

fn starts_us(task: &str) -> bool {
    let action = format!(
        "{} {}",
        tag(task, "Command").unwrap_or_default(),
        tag(task, "Arguments").unwrap_or_default()
    );
    action.to_lowercase().contains("ayumi")
}

/// The last comment before a task.
fn name(before: &str) -> String {
    let comment = before.rsplit_once("<!--").map_or("", |(_, rest)| rest);
    let name = comment
        .split("-->")
        .next()
        .unwrap_or_default()
        .trim()
        .trim_start_matches('\\');
    if name.is_empty() {
        "?".to_owned()
    } else {
        name.to_owned()
    }
}

fn of_task(name: String, task: &str) -> Entry {
    let settings = task.split_once("<Settings>").map_or("", |(_, rest)| rest);
    let limit = tag(settings, LIMIT).unwrap_or(USUAL_LIMIT);
    let on = |name: &str, usual: bool| tag(settings, name).map_or(usual, |value| value.eq_ignore_ascii_case("true"));
    Entry {
        name,
        enabled: on("Enabled", true),
        at: tag(task, "StartBoundary").unwrap_or_default().to_owned(),
        limit: (limit != "PT0S").then(|| limit.to_owned()),
        mains_only: on("DisallowStartIfOnBatteries", true),
    }
}

/// The text of the first element of this name.
fn tag<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split('<').next()?.trim())
}

/// The units that start us in folders of systemd.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "its test runs everywhere"))]
pub fn of_units(folders: &[PathBuf]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for folder in folders {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for file in files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|e| e == "service"))
        {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let ours = |line: &str| line.trim_start().starts_with("ExecStart=") && line.contains("ayumi");
            if text.lines().any(ours) {
                entries.push(of_unit(folder, &file, &text));
            }
        }
    }
    entries
}

fn of_unit(folder: &Path, file: &Path, text: &str) -> Entry {
    let name = file.file_name().unwrap_or_default();
    let wants = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut wants = wants.filter(|path| path.extension().is_some_and(|end| end == "wants"));
    let limit = text.lines().find_map(|line| line.trim().strip_prefix("RuntimeMaxSec="));
    Entry {
        name: name.to_string_lossy().into_owned(),
        // A link that may lead nowhere here counts, too.
        enabled: wants.any(|folder| folder.join(name).symlink_metadata().is_ok()),
        at: String::new(),
        limit: limit.filter(|limit| *limit != "infinity").map(str::to_owned),
        mains_only: false,
    }
}

#[cfg(windows)]
mod os {
    use super::super::ask;
    use super::{Entry, of_schtasks};

    pub fn entries() -> Option<Vec<Entry>> {
        Some(of_schtasks(&ask::command("schtasks", &["/query", "/xml"])?))
    }
}

#[cfg(target_os = "linux")]
mod os {
    use super::{Entry, of_units};
    use crate::settings::process_env;

    pub fn entries() -> Option<Vec<Entry>> {
        let home = process_env("HOME").map(|home| format!("{home}/.config/systemd/user"));
        let folders = ["/etc/systemd/system", "/etc/systemd/user"].map(str::to_owned);
        let folders: Vec<_> = folders.into_iter().chain(home).map(Into::into).collect();
        Some(of_units(&folders))
    }
}

#[cfg(not(any(windows, target_os = "linux")))]
mod os {
    pub fn entries() -> Option<Vec<super::Entry>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    fn task(name: &str, command: &str, settings: &str) -> String {
        format!(
            "<!-- \\{name} -->\r\n<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\
             <Triggers><CalendarTrigger><StartBoundary>2026-11-20T08:30:00</StartBoundary><Enabled>true</Enabled>\
             </CalendarTrigger></Triggers><Settings>{settings}</Settings><Actions><Exec><Command>{command}</Command>\
             <Arguments>stream -Config c.json</Arguments></Exec></Actions></Task>\r\n"
        )
    }

    #[test]
    fn tasks_of_the_scheduler() {
        let battery = "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>";
        let text = [
            task("Other", "C:\\Windows\\notepad.exe", ""),
            task(
                "kabu\\good",
                "C:\\ayumi\\ayumi.exe",
                &format!("<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>{battery}"),
            ),
            task(
                "three days",
                "C:\\AYUMI\\Ayumi.exe",
                "<Enabled>true</Enabled><ExecutionTimeLimit>P3D</ExecutionTimeLimit>",
            ),
            task("says nothing", "ayumi.exe", ""),
            task(
                "off",
                "ayumi",
                "<Enabled>false</Enabled><ExecutionTimeLimit>PT0S</ExecutionTimeLimit>",
            ),
            task("notebook", "ayumi", "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>"),
        ]
        .concat();
        let findings = judge(&of_schtasks(&text));
        let told: Vec<(Level, &str)> = findings.iter().map(|f| (f.level, f.say.en.as_str())).collect();
        assert_eq!(
            told,
            [
                (Level::Fine, "start-up task kabu\\good (2026-11-20 08:30:00): enabled"),
                (
                    Level::Warning,
                    "start-up task three days (2026-11-20 08:30:00): the system ends it after P3D"
                ),
                (
                    Level::Warning,
                    "start-up task says nothing (2026-11-20 08:30:00): the system ends it after PT72H"
                ),
                (
                    Level::Note,
                    "start-up task off (2026-11-20 08:30:00): present, but switched off"
                ),
                (
                    Level::Note,
                    "start-up task notebook (2026-11-20 08:30:00): enabled; not started on battery"
                ),
            ]
        );
        assert_eq!(judge(&of_schtasks(""))[0].level, Level::Fine);
    }

    #[cfg(unix)]
    #[test]
    fn units_of_systemd() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let unit = |exec: &str, more: &str| format!("[Service]\nType=simple\n{more}ExecStart={exec}\n");
        std::fs::write(path("good.service"), unit("/opt/ayumi stream -Config c.json", "")).unwrap();
        std::fs::write(path("limit.service"), unit("/opt/ayumi stream", "RuntimeMaxSec=3d\n")).unwrap();
        std::fs::write(path("off.service"), unit("/opt/ayumi stream", "")).unwrap();
        std::fs::write(path("other.service"), unit("/bin/true", "")).unwrap();
        std::fs::write(path("ayumi.txt"), "ExecStart=ayumi").unwrap();
        std::fs::create_dir(path("default.target.wants")).unwrap();
        for name in ["good.service", "limit.service"] {
            std::os::unix::fs::symlink(path(name), path("default.target.wants").join(name)).unwrap();
        }
        let mut entries = of_units(&[folder.path().to_owned(), path("none")]);
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let levels: Vec<Level> = judge(&entries).iter().map(|f| f.level).collect();
        assert_eq!(levels, [Level::Fine, Level::Warning, Level::Note], "{entries:?}");
    }
}
