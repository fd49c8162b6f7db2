//! Recorded days again: the journal through the same engine as live, so that the same rows come out.
//!
//! Four threads and bounded channels between them: one unpacks lines, one thinks, one seals windows (burst columns and
//! checksums), one stores. What is thought is decided by the journal alone; nothing here looks at a clock, except to hold
//! back for `--speed`.

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
use ayumi_journal::{Damage, Harm, JournalError, JournalReader, Lines};
use ayumi_store::{Options, StoreError, Totals};
use ayumi_wire::jst::Date;

pub use plan::Plan;
pub use play::Played;

/// Blocks of lines, and groups of windows, that may wait between two threads.
const BLOCKS_AHEAD: usize = 4;
const GROUPS_AHEAD: usize = 2;

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
    /// Fingerprint that the settings of the recording should have; a warning says when they have not.
    pub expected: Option<String>,
    /// Windows that are kept back while nobody has looked at the journal's later lines.
    pub ahead: usize,
    /// Windows are stored one by one as they come, because somebody follows them.
    pub paced: bool,
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
    /// A line tells of a window that is stored already. Only without a first look.
    #[error("a late line of the journal changes windows that are stored; they have to be replayed after a first look")]
    TooLate,
}

/// Where the replay stands, for a progress bar and for pacing.
pub trait Watch: Send {
    /// So many bytes of the journal's files are done; the lines of the block were received up to `at`.
    fn on_block(&mut self, bytes: u64, messages: u64, at: Stamp);
    /// So many rows of a stored day are done; the newest is of `at`.
    fn on_rows(&mut self, rows: u64, at: Stamp);
    /// True when the user wants to stop.
    fn stopped(&self) -> bool;
    /// Waits before a window that was received at this time is told; false = stop.
    fn pace(&mut self, at: Stamp) -> bool;
}

/// Lines unpacked, on their way to the engine, and how many bytes of the files they and those before them took.
type Block = (Lines, u64);

/// Replays a journal into a database. `plan` is what [`survey`] found. Without one the journal is read only once; what
/// later lines tell of earlier windows is learnt in time then, unless they tell of very old ones.
///
/// # Errors
/// When the journal cannot be read at all or the database cannot be written. Damage in the journal is no error: it is
/// in the summary. [`ReplayError::TooLate`] without a plan only: the database holds windows then that are not those of
/// the recording.
pub fn run(setup: Setup, plan: Option<&Plan>, watch: &mut dyn Watch) -> Result<Summary, ReplayError> {
    let mut reader = JournalReader::open(&setup.journal, setup.date)?;
    let mut first = Lines::default();
    let begins = match reader.next_lines(&mut first)? {
        true => first.first_ns().map(Stamp),
        false => None,
    };
    let tickers = setup.options.tickers.clone();
    let date = begins.map_or(Date::from_days(0), Stamp::date);
    let player = play::Player::new(&setup.engine, plan, setup.ahead, setup.expected);
    std::thread::scope(|scope| {
        let (put, blocks) = mpsc::sync_channel(BLOCKS_AHEAD);
        let (back, spent) = mpsc::channel();
        let (thought, windows) = mpsc::sync_channel(GROUPS_AHEAD);
        let (seal, sealed) = mpsc::sync_channel(GROUPS_AHEAD);
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        let unpack = thread("unpack").spawn_scoped(scope, move || unpack(reader, first, &put, &spent))?;
        thread("seal").spawn_scoped(scope, move || store::seal(setup.bursts, &tickers, &windows, &seal))?;
        let write = thread("store").spawn_scoped(scope, move || store::run(setup.options, date, &sealed))?;
        let groups = store::Groups::new(thought, setup.paced);
        let played = think(player, &blocks, &back, groups, watch);
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
    let (mut plan, mut lines) = (Plan::default(), Lines::default());
    while reader.next_lines(&mut lines)? {
        lines.iter().for_each(|line| plan.line(&line));
    }
    Ok(plan)
}

fn think(
    mut player: play::Player<'_>,
    blocks: &mpsc::Receiver<Block>,
    back: &mpsc::Sender<Lines>,
    mut groups: store::Groups,
    watch: &mut dyn Watch,
) -> Result<Played, ReplayError> {
    let mut done = Vec::new();
    while let Ok((lines, bytes)) = blocks.recv() {
        if let (true, Some(first)) = (lines.after_hole(), lines.first_ns()) {
            player.hole(Stamp(first));
        }
        for line in lines.iter() {
            player.line(Stamp(line.at_ns), line.kind, &line.payload, &mut done);
            if player.is_too_late() {
                return Err(ReplayError::TooLate);
            }
            give(&mut done, &mut groups, watch)?;
        }
        if let Some(last) = lines.last_ns() {
            watch.on_block(bytes, player.played().messages, Stamp(last));
        }
        if watch.stopped() {
            return Err(ReplayError::Stopped);
        }
        // The unpacking thread has ended when it wants no memory any more.
        let _ = back.send(lines);
    }
    let played = player.finish(&mut done);
    give(&mut done, &mut groups, watch)?;
    match groups.finish() {
        true => Ok(played),
        false => Err(ReplayError::Stopped),
    }
}

fn give(done: &mut Vec<Batch>, groups: &mut store::Groups, watch: &mut dyn Watch) -> Result<(), ReplayError> {
    for batch in done.drain(..) {
        // A store that has ended says why by itself.
        if !watch.pace(Stamp::from_ms(batch.end_ms)) || !groups.put(batch) {
            return Err(ReplayError::Stopped);
        }
    }
    Ok(())
}

/// Unpacks until the end, `lines` first, which are read already.
fn unpack(
    mut reader: JournalReader,
    mut lines: Lines,
    put: &mpsc::SyncSender<Block>,
    spent: &mpsc::Receiver<Lines>,
) -> Result<(Vec<Damage>, u64), JournalError> {
    while !lines.is_empty() && put.send((lines, reader.packed().1)).is_ok() {
        lines = spent.try_recv().unwrap_or_default();
        reader.next_lines(&mut lines)?;
    }
    Ok((reader.damages().to_vec(), reader.skipped()))
}
