//! Recorded days again: the journal through the same engine as live, so that the same rows come out.
//!
//! Three threads and bounded channels between them: one unpacks lines, one thinks, one stores. What is thought is
//! decided by the journal alone; nothing here looks at a clock, except to hold back for `--speed`.

mod plan;
mod play;
pub mod snapshot;
mod store;

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use ayumi_engine::Stamp;
use ayumi_engine::batch::Batch;
use ayumi_engine::burst::Bursts;
use ayumi_engine::settings::EngineSettings;
use ayumi_journal::{Damage, Harm, JournalError, JournalReader, Kind};
use ayumi_store::{Options, StoreError, Totals};
use ayumi_wire::jst::Date;

pub use plan::Plan;
pub use play::Played;

/// Blocks of lines, and windows, that may wait between two threads.
const BLOCKS_AHEAD: usize = 4;
const WINDOWS_AHEAD: usize = 256;
/// Lines in a block.
const LINES: usize = 4_096;

/// What is replayed, and whereto.
pub struct Setup {
    /// Folder or file of the journal.
    pub journal: PathBuf,
    /// One day of it; `None` = all.
    pub date: Option<Date>,
    /// The core's settings.
    pub engine: EngineSettings,
    /// The database.
    pub options: Options,
    /// Computes the burst columns; `None` = they stay cold.
    pub bursts: Option<Bursts>,
}

/// What a replay did.
#[derive(Debug)]
pub struct Summary {
    /// What was told to the engine.
    pub played: Played,
    /// What was stored.
    pub totals: Totals,
    /// File ends that could not be read.
    pub damages: Vec<Damage>,
    /// Whole lines that are no lines of a journal.
    pub foreign: u64,
}

impl Summary {
    /// Nothing that stood in the files was passed over.
    pub fn is_whole(&self) -> bool {
        self.foreign == 0 && self.damages.iter().all(|damage| damage.harm == Harm::Unclosed)
    }
}

/// Why a replay did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread could not be started.
    #[error("the system gives no thread: {0}")]
    Thread(#[from] std::io::Error),
    /// Somebody asked for a stop.
    #[error("stopped")]
    Stopped,
}

/// Where the replay stands, for a progress bar and for pacing.
pub trait Watch: Send {
    /// So much of the journal's text is done; the lines of the block were received up to `at`.
    fn on_block(&mut self, bytes: u64, messages: u64, at: Stamp);
    /// So many rows of a stored day are done; the newest is of `at`.
    fn on_rows(&mut self, rows: u64, at: Stamp);
    /// True when the user wants to stop.
    fn stopped(&self) -> bool;
    /// Waits before a window that was received at this time is told; false = stop.
    fn pace(&mut self, at: Stamp) -> bool;
}

/// Lines unpacked, on their way to the engine.
struct Block {
    text: Vec<u8>,
    lines: Vec<(i64, Kind, usize)>,
    /// Places of lines before which others could not be read.
    holes: Vec<usize>,
    bytes: u64,
}

/// Replays a journal into a database.
///
/// # Errors
/// When the journal cannot be read at all or the database cannot be written. Damage in the journal is no error: it is
/// in the summary.
pub fn run(setup: Setup, plan: &Plan, watch: &mut dyn Watch) -> Result<Summary, ReplayError> {
    let reader = JournalReader::open(&setup.journal, setup.date)?;
    let date = plan.first.map_or(Date::from_days(0), Stamp::date);
    let sink = store::open(setup.options, date)?;
    std::thread::scope(|scope| {
        let (put, blocks) = mpsc::sync_channel(BLOCKS_AHEAD);
        let (store, windows) = mpsc::sync_channel::<Batch>(WINDOWS_AHEAD);
        let unpack = std::thread::Builder::new()
            .name("unpack".into())
            .spawn_scoped(scope, move || unpack(reader, &put))?;
        let write = std::thread::Builder::new()
            .name("store".into())
            .spawn_scoped(scope, move || store::run(sink, setup.bursts, &windows))?;
        let played = think(&setup.engine, plan, &blocks, store, watch);
        // Whoever still sends finds nobody and ends.
        drop(blocks);
        let totals = write.join().expect("the storing thread does not panic");
        let damages = unpack.join().expect("the unpacking thread does not panic");
        // The root cause first: a store that fails makes the others stop.
        let (totals, (damages, foreign)) = (totals?, damages?);
        Ok(Summary {
            played: played?,
            totals,
            damages,
            foreign,
        })
    })
}

/// Looks through the journal once: what was merged, and how each run ended.
///
/// # Errors
/// As [`run`].
pub fn survey(journal: &Path, date: Option<Date>) -> Result<Plan, ReplayError> {
    let mut reader = JournalReader::open(journal, date)?;
    let mut plan = Plan::default();
    while let Some(line) = reader.next_line()? {
        plan.line(&line);
    }
    plan.bytes = reader.bytes();
    plan.damages = reader.damages().len();
    Ok(plan)
}

fn think(
    settings: &EngineSettings,
    plan: &Plan,
    blocks: &mpsc::Receiver<Block>,
    store: mpsc::SyncSender<Batch>,
    watch: &mut dyn Watch,
) -> Result<Played, ReplayError> {
    let mut player = play::Player::new(settings, plan);
    let mut done = Vec::new();
    while let Ok(block) = blocks.recv() {
        let mut from = 0;
        for (place, &(at, kind, to)) in block.lines.iter().enumerate() {
            if block.holes.contains(&place) {
                player.hole(Stamp(at));
            }
            player.line(Stamp(at), kind, &block.text[from..to], &mut done);
            from = to;
            give(&mut done, &store, watch)?;
        }
        if let Some(&(at, ..)) = block.lines.last() {
            watch.on_block(block.bytes, player.played().messages, Stamp(at));
        }
        if watch.stopped() {
            return Err(ReplayError::Stopped);
        }
    }
    let played = player.finish(&mut done);
    give(&mut done, &store, watch)?;
    Ok(played)
}

fn give(done: &mut Vec<Batch>, store: &mpsc::SyncSender<Batch>, watch: &mut dyn Watch) -> Result<(), ReplayError> {
    for batch in done.drain(..) {
        // A store that has ended says why by itself.
        if !watch.pace(Stamp::from_ms(batch.end_ms)) || store.send(batch).is_err() {
            return Err(ReplayError::Stopped);
        }
    }
    Ok(())
}

fn unpack(mut reader: JournalReader, put: &mpsc::SyncSender<Block>) -> Result<(Vec<Damage>, u64), JournalError> {
    let mut lost = 0;
    loop {
        let mut block = Block {
            text: Vec::with_capacity(4 << 20),
            lines: Vec::with_capacity(LINES),
            holes: Vec::new(),
            bytes: 0,
        };
        while block.lines.len() < LINES {
            let Some(line) = reader.next_line()? else { break };
            block.text.extend_from_slice(&line.payload);
            block.lines.push((line.at_ns, line.kind, block.text.len()));
            // A file that was only never closed lacks nothing.
            let now_lost = reader
                .damages()
                .iter()
                .filter(|damage| damage.harm == Harm::Tail)
                .count();
            if now_lost > lost {
                lost = now_lost;
                block.holes.push(block.lines.len() - 1);
            }
        }
        block.bytes = reader.bytes();
        if block.lines.is_empty() || put.send(block).is_err() {
            return Ok((reader.damages().to_vec(), reader.skipped()));
        }
    }
}
