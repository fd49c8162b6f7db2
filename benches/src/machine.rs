//! Facts about the machine that a reader needs to judge the figures; nothing that names the machine or its owner.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use ayumi_engine::jst::Date;

/// One line per fact, `name: value`.
pub fn facts() -> Vec<(&'static str, String)> {
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = after(&memory, "MemTotal")
        .and_then(|kb| kb.split_whitespace().next()?.parse::<f64>().ok())
        .map(|kb| format!("{:.0} GB", kb / 1048576.0));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let unknown = || "unknown".to_owned();
    vec![
        ("date", today()),
        ("CPU", format!("{}, {cores} cores", cpu().unwrap_or_else(unknown))),
        ("memory", memory.unwrap_or_else(unknown)),
        (
            "system",
            format!("{} {}, {}", std::env::consts::OS, kernel(), std::env::consts::ARCH),
        ),
        (
            "temporary files on",
            file_system(&std::env::temp_dir()).unwrap_or_else(unknown),
        ),
        ("compiler", rustc().unwrap_or_else(unknown)),
        ("commit", commit().unwrap_or_else(unknown)),
    ]
}

/// The JST date.
pub fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Date::of_unix_s(i64::try_from(since.as_secs()).unwrap_or_default()).to_string()
}

fn cpu() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    after(&info, "model name").map(str::to_owned)
}

fn kernel() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(|_| String::new(), |text| text.trim().to_owned())
}

fn rustc() -> Option<String> {
    let program = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(program).arg("-V").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What was measured; marked when files differ from it.
fn commit() -> Option<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--exclude=*"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// Load average of the last one and five minutes: tells what else the machine does.
pub fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").map_or_else(
        |_| "unknown".to_owned(),
        |text| text.split_whitespace().take(2).collect::<Vec<_>>().join(", "),
    )
}

/// Type of the file system that holds `path`: the mount with the longest matching mount point.
fn file_system(path: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    let mount = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?, words.next()?))
        })
        .filter(|(point, _)| path.starts_with(point))
        .max_by_key(|(point, _)| point.len())?;
    Some(mount.1.to_owned())
}

/// What follows `key :` on its line.
fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_name_no_machine() {
        let facts = facts();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        for (name, value) in &facts {
            assert!(!value.contains('/'), "{name}: {value}");
            assert!(host.trim().len() < 4 || !value.contains(host.trim()), "{name}: {value}");
        }
        assert_eq!(after("model name\t: X 1\n", "model name"), Some("X 1"));
    }
}
