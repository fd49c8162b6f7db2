//! The journal's thread: records to lines, lines through zstd, blocks to the file.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ayumi_wire::jst::Date;
use zstd::stream::write::Encoder;

use crate::files;
use crate::line::{self, Kind};
use crate::sync::Syncer;
use crate::write::{Block, HEAD, JournalConfig, Shared, Ticket};

/// A file that could not be written is followed by a new one after this time.
const AGAIN: Duration = Duration::from_secs(5);
/// A file that was deleted or moved is noticed in this time. It would take every line, and nobody would find one.
const STILL_THERE: Duration = Duration::from_secs(1);
/// What lies open for so long is taken without a border: between long windows a kill must not cost more than a second.
const LOOK: Duration = Duration::from_millis(500);

/// Runs until the journal is over.
pub(crate) fn run(config: &JournalConfig, shared: &Arc<Shared>) {
    let mut out = Out::new(config, shared);
    loop {
        match shared.next(out.wake_at()) {
            Err(()) => {
                shared.border();
                out.look_at = Instant::now() + LOOK;
            }
            Ok(None) => break,
            Ok(Some(block)) => {
                let written = out.write(&block);
                out.upto = block.ticket;
                shared.done(block, !written);
            }
        }
        out.sync();
        shared.add_lost(out.forget_when_moved());
    }
    out.close();
    drop(out);
    shared.end();
}

struct Out<'a> {
    config: &'a JournalConfig,
    file: Option<Part>,
    text: Vec<u8>,
    part: u32,
    /// Not before this: the last attempt failed.
    not_before: Option<Instant>,
    lost: u64,
    /// When what lies open is looked for.
    look_at: Instant,
    /// When it was looked whether the file is still there.
    seen_at: Instant,
    /// Something was written since the last sync.
    dirty: bool,
    /// The last block that was written or given up.
    upto: Ticket,
    syncer: Option<Syncer>,
}

struct Part {
    path: PathBuf,
    date: Date,
    /// Messages and events in it.
    lines: u64,
    encoder: Encoder<'static, Counted>,
}

/// A file that knows how much went into it.
struct Counted {
    file: Arc<File>,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = (&*self.file).write(bytes)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.file).flush()
    }
}

impl<'a> Out<'a> {
    fn new(config: &'a JournalConfig, shared: &Arc<Shared>) -> Self {
        let started = config.sync_every.map(|every| Syncer::start(every, Arc::clone(shared)));
        let syncer = started.and_then(|started| {
            let failed = |error| log::error!("no thread to sync the journal: {error}; the system decides when");
            started.map_err(failed).ok()
        });
        Self {
            config,
            file: None,
            text: Vec::new(),
            part: 0,
            not_before: None,
            lost: 0,
            look_at: Instant::now() + LOOK,
            seen_at: Instant::now(),
            dirty: false,
            upto: 0,
            syncer,
        }
    }

    /// When there is something to do even without a block.
    fn wake_at(&self) -> Instant {
        self.sync_at().map_or(self.look_at, |at| at.min(self.look_at))
    }

    /// When the next sync is due; `None` = nothing to sync, or one is under way.
    fn sync_at(&self) -> Option<Instant> {
        let syncer = self.syncer.as_ref().filter(|_| self.dirty && self.file.is_some())?;
        syncer.due_at()
    }

    fn sync(&mut self) {
        if self.syncer.as_ref().is_some_and(Syncer::has_failed) {
            // Nobody knows what is in this one; the next block begins another.
            self.file = None;
        }
        if self.sync_at().is_none_or(|at| at > Instant::now()) {
            return;
        }
        if let (Some(syncer), Some(part)) = (&mut self.syncer, &self.file) {
            self.dirty = false;
            syncer.sync(&part.encoder.get_ref().file, &part.path, self.upto);
        }
    }

    /// Writes a block and lets nothing of it wait in memory. False when it is lost.
    fn write(&mut self, block: &Block) -> bool {
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            self.lost += block.lines;
            return false;
        }
        match self.try_write(block) {
            Ok(()) => {
                if self.not_before.take().is_some() {
                    log::warn!("the journal is written again; {} lines are missing in it", self.lost);
                    self.lost = 0;
                }
                true
            }
            Err(error) => {
                if self.not_before.is_none() {
                    let folder = self.config.folder.display();
                    log::error!(
                        "the journal in {folder} cannot be written: {error}; recording goes on without it, tried again every {} s",
                        AGAIN.as_secs()
                    );
                }
                self.file = None;
                self.lost += block.lines;
                self.not_before = Some(Instant::now() + AGAIN);
                false
            }
        }
    }

    fn try_write(&mut self, block: &Block) -> io::Result<()> {
        let missing = block.lost_before + self.lost;
        let mut told = missing == 0;
        for record in Records(&block.bytes) {
            self.turn_page(record.at_ns)?;
            if !std::mem::replace(&mut told, true) {
                line::put(
                    &mut self.text,
                    record.at_ns,
                    Kind::Event,
                    format!("lost {missing}").as_bytes(),
                );
            }
            line::put(&mut self.text, record.at_ns, record.kind, record.payload);
        }
        self.put_text()?;
        self.dirty = true;
        match &mut self.file {
            Some(part) => {
                part.lines += block.lines;
                part.encoder.flush()
            }
            None => Ok(()),
        }
    }

    /// A file that is no longer where it was is given up with what is in it; how many lines that are.
    fn forget_when_moved(&mut self) -> u64 {
        if self.seen_at.elapsed() < STILL_THERE {
            return 0;
        }
        self.seen_at = Instant::now();
        let gone = |part: &mut Part| !files::is_still(&part.path, &part.encoder.get_ref().file);
        let Some(part) = self.file.take_if(gone) else { return 0 };
        log::error!(
            "the journal {} was deleted or moved while it was written, with {} lines; going on in a new file",
            part.path.display(),
            part.lines
        );
        self.lost += part.lines;
        part.lines
    }

    /// Opens the first file, or the next one: one per start and day, and not larger than wanted.
    fn turn_page(&mut self, at_ns: i64) -> io::Result<()> {
        let date = Date::of_unix_s(at_ns.div_euclid(1_000_000_000));
        let full = |part: &Part| part.encoder.get_ref().bytes >= self.config.file_bytes;
        let previous = match &self.file {
            Some(part) if part.date == date && !full(part) => return Ok(()),
            Some(part) => Some(part.path.clone()),
            None => None,
        };
        self.put_text()?;
        self.end_file()?;
        self.part = if previous.is_some() { self.part + 1 } else { 1 };
        // Somebody may have deleted it since the start.
        files::create_folder(&self.config.folder)?;
        let (path, file) = files::create(&self.config.folder, at_ns, self.part)?;
        if self.config.sync_every.is_some() {
            files::sync_names(&self.config.folder);
        }
        log::debug!("journal file {}", path.display());
        let counted = Counted {
            file: Arc::new(file),
            bytes: 0,
        };
        let mut encoder = Encoder::new(counted, self.config.level)?;
        // Without it a flipped bit may come out as another digit, and nobody would know.
        encoder.include_checksum(true)?;
        self.file = Some(Part {
            encoder,
            path,
            date,
            lines: 0,
        });
        if let Some(name) = previous.as_deref().and_then(|p| p.file_name()?.to_str()) {
            line::put(
                &mut self.text,
                at_ns,
                Kind::Event,
                format!("continues {name}").as_bytes(),
            );
        }
        Ok(())
    }

    fn put_text(&mut self) -> io::Result<()> {
        let Some(part) = &mut self.file else { return Ok(()) };
        let written = part.encoder.write_all(&self.text);
        self.text.clear();
        written
    }

    fn end_file(&mut self) -> io::Result<()> {
        match self.file.take() {
            None => Ok(()),
            Some(part) => part.encoder.finish()?.file.sync_data(),
        }
    }

    fn close(&mut self) {
        if let Err(error) = self.put_text().and_then(|()| self.end_file()) {
            log::error!("the journal's end could not be written: {error}");
        }
    }
}

/// The records of a block.
struct Records<'a>(&'a [u8]);

struct Record<'a> {
    at_ns: i64,
    kind: Kind,
    payload: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (head, rest) = self.0.split_first_chunk::<HEAD>()?;
        let at_ns = i64::from_le_bytes(*head.first_chunk()?);
        let length = u32::from_le_bytes(*head.last_chunk()?) as usize;
        let kind = [Kind::Push, Kind::Board, Kind::Event, Kind::Odd][usize::from(head[8])];
        let (payload, rest) = rest.split_at(length);
        self.0 = rest;
        Some(Record { at_ns, kind, payload })
    }
}
