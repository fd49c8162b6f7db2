//! What a recorder asked the disk to do, read from `strace`: the shipping binary, nothing linked in.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::recorder::Told;

/// Arguments of `strace` that make a trace which [`read`] understands: with the time of every call, and long enough for
/// the largest write, a block of the journal.
pub(crate) fn wrapper(trace: &Path) -> Vec<String> {
    let mut words: Vec<String> = ["strace", "-f", "-ttt", "-y", "-xx", "-s", "300000"]
        .map(str::to_owned)
        .to_vec();
    words.extend([
        "-e".to_owned(),
        "trace=pwrite64,ftruncate,fsync,fdatasync,write,openat,unlink,rename".to_owned(),
    ]);
    words.extend(["-o".to_owned(), trace.display().to_string()]);
    words
}

/// Where a journal lies in the folder.
const JOURNAL: &str = "/journal/";

/// One thing that happened, in order.
#[derive(Debug)]
pub(crate) enum Op {
    /// A file of the database came to be, if it was not there.
    Create(usize),
    /// Bytes at an offset.
    Write(usize, u64, Vec<u8>),
    /// A new length.
    Truncate(usize, u64),
    /// Everything written to the file so far is on the disk.
    Sync(usize),
    /// The file is deleted.
    Unlink(usize),
    /// The file gets another name, and whatever had that one is gone.
    Rename(usize, usize),
    /// Everything created, deleted and renamed in this folder so far (its name with a `/`, or nothing) is on the disk.
    SyncFolder(String),
    /// The recorder said that a window is committed.
    Told(Told),
}

/// A trace: file names and what happened to them.
pub(crate) struct Trace {
    /// Names in the folder: `ticks.db`, `ticks.db-wal`, `journal/ayumi-...`
    pub(crate) files: Vec<String>,
    pub(crate) ops: Vec<Op>,
    /// When each of them began, microseconds since 1970; those that take their time stand where they end.
    pub(crate) times: Vec<i64>,
}

/// Reads a trace of a recorder that worked in `folder` on `ticks.db`, and on a journal in `journal`.
pub(crate) fn read(trace: &Path, folder: &Path) -> Result<Trace> {
    let text = std::fs::read_to_string(trace).context("the trace")?;
    let mut reader = Reader {
        folder: folder.display().to_string(),
        trace: Trace {
            files: Vec::new(),
            ops: Vec::new(),
            times: Vec::new(),
        },
        said: String::new(),
        ends: HashMap::new(),
    };
    let mut begun: HashMap<&str, &str> = HashMap::new();
    for line in text.lines() {
        let Some((pid, rest)) = line.split_once(' ') else {
            continue;
        };
        let Some((time, call)) = rest.trim_start().split_once(' ') else {
            continue;
        };
        if let Some(head) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(pid, head);
        } else if let Some(tail) = call.strip_prefix("<... ") {
            let head = begun.remove(pid);
            if let (Some(head), Some((_, tail))) = (head, tail.split_once(" resumed>")) {
                reader.call(&format!("{head}{tail}"))?;
            }
        } else {
            reader.call(call)?;
        }
        let micros = time
            .replace('.', "")
            .parse()
            .with_context(|| format!("a time: {time}"))?;
        reader.trace.times.resize(reader.trace.ops.len(), micros);
    }
    Ok(reader.trace)
}

struct Reader {
    folder: String,
    trace: Trace,
    /// What came to stdout and is no whole line yet.
    said: String,
    /// Where the next `write` into a file without offsets goes.
    ends: HashMap<usize, u64>,
}

impl Reader {
    fn call(&mut self, call: &str) -> Result<()> {
        let (Some((name, rest)), Some((_, result))) = (call.split_once('('), call.rsplit_once(" = ")) else {
            return Ok(());
        };
        let failed = result.starts_with('-');
        if failed {
            return Ok(());
        }
        match name {
            "openat" => self.opened(rest, result),
            "unlink" => {
                if let Some(file) = self.file(&text(quoted(rest)?)?) {
                    self.trace.ops.push(Op::Unlink(file));
                }
                Ok(())
            }
            "rename" => {
                let to = rest.split_once("\", ").context("the second name of rename")?.1;
                if let (Some(from), Some(to)) = (self.file(&text(quoted(rest)?)?), self.file(&text(quoted(to)?)?)) {
                    self.trace.ops.push(Op::Rename(from, to));
                }
                Ok(())
            }
            "fsync" | "fdatasync" => {
                let path = self.path_of_fd(rest)?;
                if path == self.folder {
                    self.trace.ops.push(Op::SyncFolder(String::new()));
                } else if path.strip_prefix(&self.folder) == Some(JOURNAL.trim_end_matches('/')) {
                    self.trace.ops.push(Op::SyncFolder(JOURNAL[1..].to_owned()));
                } else if let Some(file) = self.file(&path) {
                    self.trace.ops.push(Op::Sync(file));
                }
                Ok(())
            }
            "ftruncate" => self.truncated(rest),
            "pwrite64" => self.written(rest),
            "write" => self.spoke(rest),
            _ => Ok(()),
        }
    }

    /// The path as the system knows it stands behind the new descriptor; that of the call may be relative.
    fn opened(&mut self, rest: &str, result: &str) -> Result<()> {
        let path = self.path_of_fd(result)?;
        if rest.contains("O_CREAT")
            && let Some(file) = self.file(&path)
        {
            self.trace.ops.push(Op::Create(file));
        }
        Ok(())
    }

    fn truncated(&mut self, rest: &str) -> Result<()> {
        let path = self.path_of_fd(rest)?;
        let Some(file) = self.file(&path) else { return Ok(()) };
        let number = rest.split(", ").nth(1).and_then(|n| n.split(')').next());
        let length = number.and_then(|n| n.parse().ok()).context("the length of ftruncate")?;
        self.trace.ops.push(Op::Truncate(file, length));
        Ok(())
    }

    fn written(&mut self, rest: &str) -> Result<()> {
        let path = self.path_of_fd(rest)?;
        let Some(file) = self.file(&path) else { return Ok(()) };
        let data = bytes(quoted(rest)?)?;
        let tail = rest.rsplit_once("\", ").context("the end of pwrite64")?.1;
        let mut numbers = tail.split([',', ')']).map(str::trim);
        let (size, offset) = (numbers.next(), numbers.next());
        let size: usize = size.and_then(|n| n.parse().ok()).context("the size of pwrite64")?;
        let offset = offset.and_then(|n| n.parse().ok()).context("the offset of pwrite64")?;
        if size != data.len() {
            bail!("a write of {size} bytes is cut in the trace");
        }
        self.trace.ops.push(Op::Write(file, offset, data));
        Ok(())
    }

    /// What comes to stdout are events; a file is written behind what it has.
    fn spoke(&mut self, rest: &str) -> Result<()> {
        if !rest.starts_with("1<") {
            let path = self.path_of_fd(rest)?;
            let Some(file) = self.file(&path) else { return Ok(()) };
            let data = bytes(quoted(rest)?)?;
            let end = self.ends.entry(file).or_default();
            let at = std::mem::replace(end, *end + data.len() as u64);
            self.trace.ops.push(Op::Write(file, at, data));
            return Ok(());
        }
        self.said.push_str(&text(quoted(rest)?)?);
        while let Some((line, rest)) = self.said.split_once('\n') {
            let event: Value = serde_json::from_str(line).with_context(|| format!("an event: {line}"))?;
            if event["event"] == "window_committed"
                && let (Some(window_id), Some(durable)) = (event["window_id"].as_i64(), event["durable"].as_bool())
            {
                self.trace.ops.push(Op::Told(Told { window_id, durable }));
            }
            self.said = rest.to_owned();
        }
        Ok(())
    }

    /// `5<\x2f\x74...>, ...`
    fn path_of_fd(&self, rest: &str) -> Result<String> {
        let inside = rest.split_once('<').and_then(|(_, tail)| tail.split_once('>'));
        text(inside.context("a file descriptor with its path")?.0)
    }

    /// The number of a file of the database or the journal; `None` for every other one, and for the index in shared memory,
    /// which is made anew after a power cut.
    fn file(&mut self, path: &str) -> Option<usize> {
        let name = path.strip_prefix(&self.folder)?;
        let of_database = name.starts_with("/ticks.db") && !name.ends_with("-shm") && !name.ends_with(".lock");
        if !of_database && !name.starts_with(JOURNAL) {
            return None;
        }
        let name = &name[1..];
        let known = self.trace.files.iter().position(|f| f == name);
        Some(known.unwrap_or_else(|| {
            self.trace.files.push(name.to_owned());
            self.trace.files.len() - 1
        }))
    }
}

/// What stands between the first pair of quotes.
fn quoted(rest: &str) -> Result<&str> {
    let inside = rest.split_once('"').and_then(|(_, tail)| tail.split_once('"'));
    Ok(inside.context("a quoted argument")?.0)
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    let digits = |pair: &str| u8::from_str_radix(pair, 16).with_context(|| format!("hexadecimal: {pair}"));
    hex.split("\\x").skip(1).map(digits).collect()
}

fn text(hex: &str) -> Result<String> {
    Ok(String::from_utf8_lossy(&bytes(hex)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_in_order_and_calls_that_were_interrupted_are_put_together() {
        let folder = tempfile::tempdir().expect("a folder");
        let hex = |s: &str| s.bytes().map(|b| format!("\\x{b:02x}")).collect::<String>();
        let db = hex("/d/ticks.db");
        let event = hex("{\"event\":\"window_committed\",\"window_id\":7,\"durable\":true}\n");
        let (wal, part) = (hex("/d/ticks.db-wal"), hex("/d/journal/ayumi-1.zst"));
        let lines = [
            format!(
                "10  1.000001 openat(AT_FDCWD<{}>, \"{db}\", O_RDWR|O_CREAT, 0644) = 5<{db}>",
                hex("/d")
            ),
            format!("10  1.000002 pwrite64(5<{db}>, \"\\x01\\x02\", 2, 4096 <unfinished ...>"),
            format!("11  1.000003 write(1<{}>, \"{event}\", 60) = 60", hex("/out")),
            "10  1.000004 <... pwrite64 resumed>) = 2".to_owned(),
            format!("10  1.000005 pwrite64(5<{db}>, \"\\x01\", 1, 0) = -1 ENOSPC (No space left on device)"),
            format!(
                "10  1.000006 pwrite64(6<{}>, \"\\x01\", 1, 0) = 1",
                hex("/d/ticks.db-shm")
            ),
            format!("10  1.000007 ftruncate(5<{db}>, 100) = 0"),
            format!("10  1.000008 fdatasync(5<{db}>) = 0"),
            format!("10  1.000009 fsync(7<{}>) = 0", hex("/d")),
            format!("10  1.000010 write(8<{part}>, \"\\x01\\x02\", 2) = 2"),
            format!("10  1.000011 write(8<{part}>, \"\\x03\", 1) = 1"),
            format!("10  1.000012 fsync(7<{}>) = 0", hex("/d/journal")),
            format!("10  1.000013 rename(\"{wal}\", \"{db}\") = 0"),
        ];
        let path = folder.path().join("trace");
        std::fs::write(&path, lines.join("\n")).expect("written");
        let trace = read(&path, Path::new("/d")).expect("read");
        assert_eq!(trace.files, ["ticks.db", "journal/ayumi-1.zst", "ticks.db-wal"]);
        assert_eq!(
            trace.times,
            [
                1_000_001, 1_000_003, 1_000_004, 1_000_007, 1_000_008, 1_000_009, 1_000_010, 1_000_011, 1_000_012,
                1_000_013
            ]
        );
        let shown: Vec<String> = trace.ops.iter().map(|op| format!("{op:?}")).collect();
        assert_eq!(
            shown,
            [
                "Create(0)",
                "Told(Told { window_id: 7, durable: true })",
                "Write(0, 4096, [1, 2])",
                "Truncate(0, 100)",
                "Sync(0)",
                "SyncFolder(\"\")",
                "Write(1, 0, [1, 2])",
                "Write(1, 2, [3])",
                "SyncFolder(\"journal/\")",
                "Rename(2, 0)"
            ]
        );
    }
}
