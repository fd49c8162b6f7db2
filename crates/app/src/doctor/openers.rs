//! Who else has the database open. Linux tells; elsewhere we say that we cannot tell.

use super::Context;
use super::finding::{Finding, words};

/// Looks for other openers.
#[cfg(not(target_os = "linux"))]
pub fn check(_context: &Context) -> Vec<Finding> {
    vec![Finding::skipped(
        "openers",
        words(
            "who else has the database open: not checked, this system does not tell",
            "データベースを開いているほかのプログラム: この環境では調べられません",
        ),
    )]
}

/// Looks for other openers.
#[cfg(target_os = "linux")]
pub fn check(context: &Context) -> Vec<Finding> {
    use ayumi_store::reader::Owner;
    let Ok(db) = std::fs::canonicalize(&context.db) else {
        return Vec::new();
    };
    let others = linux::openers(&db, context.owner == Owner::Running(None));
    let owner = match context.owner {
        Owner::Running(pid) => pid,
        Owner::Nobody => None,
    };
    let mut found: Vec<Finding> = Vec::new();
    for opener in others.iter().filter(|o| Some(o.pid) != owner) {
        found.extend(linux::judge(opener));
    }
    if found.is_empty() {
        let n = others.iter().filter(|o| Some(o.pid) != owner).count();
        found.push(Finding::fine(
            "openers",
            words(
                format!("other programs that have the database open: {n}"),
                format!("データベースを開いているほかのプログラム: {n}"),
            ),
        ));
    }
    found
}

/// Programs that are in the middle of reading, but the recorder; nothing where the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn readers(_context: &Context) -> Vec<String> {
    Vec::new()
}

/// Programs that are in the middle of reading, but the recorder; nothing where the system does not tell.
#[cfg(target_os = "linux")]
pub fn readers(context: &Context) -> Vec<String> {
    let Some((text, inode)) = locks(context) else {
        return Vec::new();
    };
    let pids = linux::of_locks(&text, inode).into_iter();
    pids.filter(|pid| !is_ours(context, *pid)).map(named).collect()
}

/// The program that holds the right to write for longer than any write takes, when it is not the recorder; nothing
/// where the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn writer(_context: &Context) -> Option<String> {
    None
}

/// The program that holds the right to write for longer than any write takes, when it is not the recorder; nothing
/// where the system does not tell. Nobody is asked to wait for it: only the kernel's list is read.
#[cfg(target_os = "linux")]
pub fn writer(context: &Context) -> Option<String> {
    const LOOKS: usize = 3;
    const BETWEEN: std::time::Duration = std::time::Duration::from_millis(250);
    let mut holder = None;
    for look in 0..LOOKS {
        if look > 0 {
            std::thread::sleep(BETWEEN);
        }
        let (text, inode) = locks(context)?;
        let pid = linux::writer_of_locks(&text, inode).filter(|pid| !is_ours(context, *pid))?;
        if holder.is_some_and(|before| before != pid) {
            return None;
        }
        holder = Some(pid);
    }
    holder.map(named)
}

/// The kernel's list of locks, and the file in it that SQLite's locks are of.
#[cfg(target_os = "linux")]
fn locks(context: &Context) -> Option<(String, u64)> {
    use std::os::unix::fs::MetadataExt;
    let mut name = context.db.as_os_str().to_owned();
    name.push("-shm");
    let inode = std::fs::metadata(name).ok()?.ino();
    Some((std::fs::read_to_string("/proc/locks").ok()?, inode))
}

#[cfg(target_os = "linux")]
fn is_ours(context: &Context, pid: u32) -> bool {
    use ayumi_store::reader::Owner;
    // A recorder that did not say which process it is could be any of our name.
    let nameless = context.owner == Owner::Running(None) && comm(pid) == "ayumi";
    pid == std::process::id() || context.owner == Owner::Running(Some(pid)) || nameless
}

#[cfg(target_os = "linux")]
fn comm(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim().to_owned()
}

#[cfg(target_os = "linux")]
fn named(pid: u32) -> String {
    format!("{} (PID {pid})", comm(pid))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::super::finding::{Finding, words};
    use super::super::versions;

    /// A process that has the file open.
    pub struct Opener {
        pub pid: u32,
        name: String,
        /// One of its descriptors may write.
        writes: bool,
        /// The version of its SQLite library, when it is a shared one that can be read.
        sqlite: Option<(u32, String)>,
    }

    /// Everybody but us whose descriptors can be seen. `any_ayumi`: a recorder runs, and nobody knows which process it is.
    pub fn openers(db: &Path, any_ayumi: bool) -> Vec<Opener> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            if pid == std::process::id() {
                continue;
            }
            let Some(writes) = opens(&entry.path(), db) else {
                continue;
            };
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            if !(any_ayumi && name.trim() == "ayumi") {
                found.push(Opener {
                    pid,
                    name: name.trim().to_owned(),
                    writes,
                    sqlite: library(&entry.path()),
                });
            }
        }
        found
    }

    /// Whether the process has the file open, and for writing.
    fn opens(process: &Path, db: &Path) -> Option<bool> {
        let mut writes = None;
        for descriptor in fs::read_dir(process.join("fd")).ok()?.flatten() {
            if fs::read_link(descriptor.path()).is_ok_and(|target| target == db) {
                let info = process.join("fdinfo").join(descriptor.file_name());
                let text = fs::read_to_string(info).unwrap_or_default();
                let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
                let flags = flags
                    .and_then(|octal| u64::from_str_radix(octal.trim(), 8).ok())
                    .unwrap_or(0);
                writes = Some(writes.unwrap_or(false) || flags & 3 != 0);
            }
        }
        writes
    }

    /// The version that stands in the library that the process has mapped.
    fn library(process: &Path) -> Option<(u32, String)> {
        let maps = fs::read_to_string(process.join("maps")).ok()?;
        let path = maps
            .split_whitespace()
            .find(|word| word.starts_with('/') && word.contains("libsqlite3.so"))?;
        let bytes = fs::read(PathBuf::from(path)).ok()?;
        versions::inside(&bytes)
    }

    /// Processes that hold one of SQLite's five read marks (bytes 123 to 127 of the -shm file), of /proc/locks.
    pub fn of_locks(text: &str, inode: u64) -> Vec<u32> {
        const MARKS: std::ops::RangeInclusive<u64> = 123..=127;
        let held = text.lines().filter_map(|line| lock(line, "READ", inode));
        let mut pids: Vec<u32> = held
            .filter(|(_, from, _)| MARKS.contains(from))
            .map(|(pid, ..)| pid)
            .collect();
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    /// The process that holds SQLite's right to write (byte 120 of the -shm file), of /proc/locks.
    pub fn writer_of_locks(text: &str, inode: u64) -> Option<u32> {
        const WRITE: u64 = 120;
        let mut held = text.lines().filter_map(|line| lock(line, "WRITE", inode));
        held.find(|(_, from, to)| (*from..=*to).contains(&WRITE))
            .map(|(pid, ..)| pid)
    }

    /// Process, first and last byte of a line of /proc/locks; those that wait have one word more.
    fn lock(line: &str, kind: &str, inode: u64) -> Option<(u32, u64, u64)> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "POSIX", _, mode, pid, file, from, to] = fields[..] else {
            return None;
        };
        let of_file = mode == kind && file.rsplit(':').next()?.parse() == Ok(inode);
        let to = to.parse().unwrap_or(u64::MAX);
        of_file.then_some((pid.parse().ok()?, from.parse().ok()?, to))
    }

    /// What is wrong with how a process has it open.
    pub fn judge(opener: &Opener) -> Option<Finding> {
        let Opener { pid, name, .. } = opener;
        if let Some((_, version)) = opener
            .sqlite
            .as_ref()
            .filter(|(number, _)| opener.writes && !versions::is_good(*number))
        {
            return Some(Finding::warning(
                "openers",
                words(
                    format!(
                        "{name} (PID {pid}) has the database open to write, with SQLite {version}, which can damage it"
                    ),
                    format!(
                        "{name} (PID {pid}) が書き込み可で開いています。SQLite {version} はファイルを壊すおそれがあります"
                    ),
                ),
                mode_ro(),
            ));
        }
        opener.writes.then(|| {
            Finding::warning(
                "openers",
                words(
                    format!("{name} (PID {pid}) has the database open to write"),
                    format!("{name} (PID {pid}) がデータベースを書き込み可で開いています"),
                ),
                mode_ro(),
            )
        })
    }

    fn mode_ro() -> super::super::finding::Words {
        words(
            "let it open the file read-only: sqlite3.connect(\"file:...?mode=ro\", uri=True)",
            "読み取り専用で開いてください: sqlite3.connect(\"file:...?mode=ro\", uri=True)",
        )
    }
}
