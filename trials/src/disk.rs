//! A disk while a recorder works on it, and what may be left of it when the power goes: what was synced, all of the rest,
//! or any part of it, with torn 512-byte sectors and garbage in them. Names come and go as writes do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use crate::random::Random;
use crate::trace::{Op, Trace};

const SECTOR: usize = 512;

/// What is left of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Nothing,
    Everything,
    Some,
    Torn,
}

impl How {
    pub(crate) const ALL: [Self; 4] = [Self::Nothing, Self::Everything, Self::Some, Self::Torn];
}

/// Which file stands under which name; files are numbers in `inodes`.
type Names = BTreeMap<usize, usize>;

/// The disk while the operations of a trace go by.
pub(crate) struct Disk<'t> {
    trace: &'t Trace,
    at: usize,
    inodes: Vec<Inode<'t>>,
    /// Files that lay there before and were not touched.
    untouched: Vec<(String, Vec<u8>)>,
    now: Names,
    /// What a power cut leaves for sure.
    kept: Names,
    /// Names that were made, taken away or changed since their folder was synced.
    pending: Vec<&'t Op>,
    /// Windows told so far, and those of them that a power cut can no longer take.
    pub(crate) told: BTreeSet<i64>,
    pub(crate) safe: BTreeSet<i64>,
}

#[derive(Default)]
struct Inode<'t> {
    synced: Vec<u8>,
    pending: Vec<&'t Op>,
}

impl<'t> Disk<'t> {
    /// With what lay in the folder before: its names in the trace and their content.
    pub(crate) fn new(trace: &'t Trace, before: &[(String, Vec<u8>)]) -> Self {
        let mut disk = Self {
            trace,
            at: 0,
            inodes: Vec::new(),
            untouched: Vec::new(),
            now: Names::new(),
            kept: Names::new(),
            pending: Vec::new(),
            told: BTreeSet::new(),
            safe: BTreeSet::new(),
        };
        for (name, content) in before {
            match trace.files.iter().position(|known| known == name) {
                Some(file) => {
                    let inode = disk.inode(content.clone());
                    disk.now.insert(file, inode);
                }
                None => disk.untouched.push((name.clone(), content.clone())),
            }
        }
        disk.kept = disk.now.clone();
        disk
    }

    fn inode(&mut self, synced: Vec<u8>) -> usize {
        self.inodes.push(Inode {
            synced,
            pending: Vec::new(),
        });
        self.inodes.len() - 1
    }

    /// Lets the operations before `point` happen.
    pub(crate) fn go_to(&mut self, point: usize) {
        let trace = self.trace;
        for op in &trace.ops[self.at..point] {
            self.happen(op);
        }
        self.at = point;
    }

    fn happen(&mut self, op: &'t Op) {
        match op {
            Op::Create(file) => {
                if !self.now.contains_key(file) {
                    let inode = self.inode(Vec::new());
                    self.now.insert(*file, inode);
                    self.pending.push(op);
                }
            }
            Op::Unlink(_) | Op::Rename(..) => {
                rename(op, &self.now.clone(), &mut self.now);
                self.pending.push(op);
            }
            Op::Write(file, ..) | Op::Truncate(file, _) => {
                if let Some(inode) = self.now.get(file) {
                    self.inodes[*inode].pending.push(op);
                }
            }
            Op::Sync(file) => {
                if let Some(inode) = self.now.get(file) {
                    let inode = &mut self.inodes[*inode];
                    for op in std::mem::take(&mut inode.pending) {
                        apply(op, &mut inode.synced, || Sector::New);
                    }
                }
            }
            Op::SyncFolder(folder) => {
                let files = &self.trace.files;
                let inside = |file: &usize| {
                    files[*file]
                        .strip_prefix(folder.as_str())
                        .is_some_and(|n| !n.contains('/'))
                };
                self.kept.retain(|file, _| !inside(file));
                self.kept.extend(self.now.iter().filter(|(file, _)| inside(file)));
                self.pending.retain(|op| !op.file().is_some_and(|file| inside(&file)));
            }
            Op::Told(told) => {
                self.told.insert(told.window_id);
                if told.durable {
                    self.safe.extend(&self.told);
                }
            }
        }
    }

    /// Writes into `folder` what may be found there after the power went.
    pub(crate) fn image(&self, how: How, random: &mut Random, folder: &Path) -> Result<()> {
        for (name, content) in &self.untouched {
            put(folder, name, content)?;
        }
        for (file, inode) in self.names_left(how, random) {
            put(
                folder,
                &self.trace.files[file],
                &content(&self.inodes[inode], how, random),
            )?;
        }
        Ok(())
    }

    fn names_left(&self, how: How, random: &mut Random) -> Names {
        match how {
            How::Nothing => self.kept.clone(),
            How::Everything => self.now.clone(),
            How::Some | How::Torn => {
                let mut names = self.kept.clone();
                for op in &self.pending {
                    if random.one_in(2) {
                        rename(op, &self.now, &mut names);
                    }
                }
                names
            }
        }
    }
}

fn put(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = folder.join(name);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::write(path, content)?)
}

impl Op {
    /// The file whose name an operation changes.
    fn file(&self) -> Option<usize> {
        match self {
            Self::Create(file) | Self::Unlink(file) | Self::Rename(file, _) => Some(*file),
            _ => None,
        }
    }
}

/// Lets an operation happen to names; a file that was made is the one that `now` knows.
fn rename(op: &Op, now: &Names, names: &mut Names) {
    match op {
        Op::Create(file) => names.extend(now.get(file).map(|inode| (*file, *inode))),
        Op::Unlink(file) => drop(names.remove(file)),
        Op::Rename(from, to) => {
            if let Some(inode) = names.remove(from).or_else(|| now.get(to).copied()) {
                names.insert(*to, inode);
            }
        }
        _ => {}
    }
}

/// What becomes of a sector of a write.
enum Sector {
    Old,
    New,
    Garbage,
}

fn content(inode: &Inode<'_>, how: How, random: &mut Random) -> Vec<u8> {
    let mut bytes = inode.synced.clone();
    for op in &inode.pending {
        match how {
            How::Nothing => {}
            How::Everything => apply(op, &mut bytes, || Sector::New),
            How::Some => {
                if random.one_in(2) {
                    apply(op, &mut bytes, || Sector::New);
                }
            }
            How::Torn => apply(op, &mut bytes, || match random.below(8) {
                0..=3 => Sector::New,
                4..=6 => Sector::Old,
                _ => Sector::Garbage,
            }),
        }
    }
    bytes
}

/// Lets an operation happen to a file, sector by sector.
fn apply(op: &Op, bytes: &mut Vec<u8>, mut fate: impl FnMut() -> Sector) {
    match op {
        Op::Write(_, offset, data) => {
            let offset = *offset as usize;
            if bytes.len() < offset + data.len() {
                bytes.resize(offset + data.len(), 0);
            }
            let mut at = 0;
            while at < data.len() {
                // Sectors are aligned in the file.
                let end = data.len().min(at + SECTOR - (offset + at) % SECTOR);
                let place = &mut bytes[offset + at..offset + end];
                match fate() {
                    Sector::Old => {}
                    Sector::New => place.copy_from_slice(&data[at..end]),
                    Sector::Garbage => place.fill(0xA5),
                }
                at = end;
            }
        }
        Op::Truncate(_, length) => {
            if matches!(fate(), Sector::New) {
                bytes.resize(*length as usize, 0);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(ops: Vec<Op>) -> Trace {
        Trace {
            files: ["ticks.db", "ticks.db.tmp", "journal/a.zst"]
                .map(str::to_owned)
                .to_vec(),
            times: vec![0; ops.len()],
            ops,
        }
    }

    fn left(disk: &Disk<'_>, how: How) -> Vec<(String, Vec<u8>)> {
        let folder = tempfile::tempdir().expect("a folder");
        disk.image(how, &mut Random(1), folder.path()).expect("an image");
        disk.trace
            .files
            .iter()
            .filter_map(|name| Some((name.clone(), std::fs::read(folder.path().join(name)).ok()?)))
            .collect()
    }

    #[test]
    fn a_name_without_its_folder_synced_and_a_write_without_its_file_synced_may_be_gone() {
        let trace = trace(vec![
            Op::Create(0),
            Op::Write(0, 0, vec![1]),
            Op::Sync(0),
            Op::SyncFolder(String::new()),
            Op::Write(0, 1, vec![2]),
            Op::Create(2),
            Op::SyncFolder("journal/".to_owned()),
        ]);
        let mut disk = Disk::new(&trace, &[]);
        disk.go_to(3);
        assert_eq!(left(&disk, How::Nothing), []);
        disk.go_to(6);
        assert_eq!(left(&disk, How::Nothing), [("ticks.db".to_owned(), vec![1])]);
        assert_eq!(
            left(&disk, How::Everything),
            [
                ("ticks.db".to_owned(), vec![1, 2]),
                ("journal/a.zst".to_owned(), vec![])
            ]
        );
        disk.go_to(7);
        assert_eq!(left(&disk, How::Nothing).len(), 2);
    }

    #[test]
    fn what_was_there_before_stays_until_it_is_replaced() {
        let trace = trace(vec![
            Op::Create(1),
            Op::Write(1, 0, vec![7]),
            Op::Sync(1),
            Op::Rename(1, 0),
        ]);
        let before = [("ticks.db".to_owned(), vec![9])];
        let mut disk = Disk::new(&trace, &before);
        disk.go_to(4);
        assert_eq!(left(&disk, How::Nothing), before);
        assert_eq!(left(&disk, How::Everything), [("ticks.db".to_owned(), vec![7])]);
    }
}
