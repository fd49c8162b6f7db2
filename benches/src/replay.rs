//! Stage 8: a recorded day again, through the real binary: from its journal, and from its database.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ayumi_engine::Symbol;
use ayumi_hot_path::messages::{self, MORNING, Messages};
use ayumi_hot_path::{Pace, drive, engine, settings};
use ayumi_journal::{Journal, JournalConfig, Kind};
use rusqlite::Connection;
use serde_json::json;

use crate::cpu;
use crate::plan::Plan;
use crate::programs::Programs;
use crate::rounds::{Candidate, Series, digits, interleave, thousands};
use crate::store::bare::{Bulk, rows_in};
use crate::table::{Section, Table};
use crate::worker::Program;

const SYMBOLS: usize = 50;
/// A writer that needs longer has not ended.
const PATIENCE: Duration = Duration::from_secs(60);

const USUAL: Pace = Pace {
    name: "150/s, a usual day",
    gap_ns: 6_666_667,
    per_read: 1,
};
const DENSE: Pace = Pace {
    name: "1,500/s",
    gap_ns: 666_667,
    per_read: 1,
};

/// Three million messages in a day's session, and ten times as many: 45 and 450 in a window of 300 ms. So many messages
/// are replayed, 1.9 kB each: a minute of a dense day shows what beginning and end cost, eleven minutes what a day does.
const JOURNALS: [(Pace, usize); 3] = [(USUAL, 100_000), (DENSE, 100_000), (DENSE, 1_000_000)];

/// Replays both journals, then the database that came out of the first.
pub fn run(plan: &Plan, programs: &Programs) -> Result<Section> {
    let symbols = messages::symbols(SYMBOLS);
    let mut journals = Table::new([
        "messages come",
        "messages",
        "rows per message",
        "engine alone",
        "replay",
        "replay / engine (goal 0.70)",
        "bare insert of its rows",
        "replay / bare insert",
        "peak RSS",
    ]);
    let mut snapshot = None;
    for (pace, count) in &JOURNALS {
        let messages = messages::mixed(&symbols, plan.spin(*count));
        let desk = Desk::new(&symbols, programs)?;
        desk.record(&messages, pace)?;
        let measured = Measured::take(&desk, &symbols, &messages, pace, plan)?;
        journals.row(measured.row(pace, messages.len()));
        if snapshot.is_none() {
            snapshot = Some(from_database(&desk, plan)?);
        }
    }
    Ok(Section {
        title: "Replay",
        notes: vec![format!(
            "Messages of {SYMBOLS} symbols. *Replay* is the whole life of `ayumi replay --journal --no-sleep` into a new \
             file: the journal is read once, unpacked, parsed, put through the engine and stored, on two cores; opening and \
             closing the file, some 30 ms of waiting for the disk, are in it. *Engine alone* has the messages in memory, on \
             one. *Bare insert* is the replay's rows through prepared statements into the same tables and indexes, 10,000 \
             rows a transaction, and nothing else: with three rows a message a replay cannot be much faster than that. \
             Profiles and limits: [replay-speed](design/replay-speed.md)."
        )],
        tables: vec![journals, snapshot.context("a pace")?],
    })
}

/// Series of one journal, ns for all of it.
struct Measured {
    engine: Series,
    replay: Series,
    bare: Series,
    rows: usize,
    peak_kb: u64,
}

impl Measured {
    fn take(desk: &Desk, symbols: &[Symbol], messages: &Messages, pace: &Pace, plan: &Plan) -> Result<Self> {
        let first = desk.path("first.db");
        desk.replay_journal(&first)?;
        let stored: i64 =
            Connection::open(&first)?.query_row("SELECT sum(messages) FROM window_log", [], |r| r.get(0))?;
        ensure!(
            stored == messages.len() as i64,
            "{stored} of {} messages were stored",
            messages.len()
        );
        let tables = rows_in(&first, &["tick_batch", "orderbook_snapshot", "features_stream"])?;
        let rows = tables.iter().map(|(_, rows)| rows.len()).sum();
        let bulk = Bulk::new(&first, tables)?;
        let mut candidates: Vec<Candidate<'_>> = vec![
            Box::new(|| {
                let mut engine = engine(settings(symbols));
                let began = Instant::now();
                drive(&mut engine, messages.iter(), pace);
                began.elapsed().as_nanos() as f64
            }),
            Box::new(|| ns(desk.fresh(|path| timed(|| desk.replay_journal(path))))),
            Box::new(|| ns(desk.fresh(|path| bulk.insert_into(path)))),
        ];
        let mut series = interleave(plan.worker_rounds, &mut candidates).into_iter();
        let mut next = || series.next().context("as many series as candidates");
        Ok(Self {
            engine: next()?,
            replay: next()?,
            bare: next()?,
            rows,
            peak_kb: desk.take_peak(),
        })
    }

    fn row(&self, pace: &Pace, count: usize) -> [String; 9] {
        [
            pace.name.to_owned(),
            thousands(count as f64),
            digits(self.rows as f64 / count as f64),
            rate(&self.engine, count),
            rate(&self.replay, count),
            self.engine.over(&self.replay).ratio(),
            format!("{} rows/s", rate(&self.bare, self.rows)),
            self.bare.over(&self.replay).ratio(),
            megabytes(self.peak_kb),
        ]
    }
}

/// The features of a recorded database, computed again.
fn from_database(desk: &Desk, plan: &Plan) -> Result<Table> {
    let source = desk.path("first.db");
    let tables = rows_in(&source, &["features_stream"])?;
    let rows: usize = tables.iter().map(|(_, rows)| rows.len()).sum();
    let bulk = Bulk::new(&source, tables)?;
    let mut candidates: Vec<Candidate<'_>> = vec![
        Box::new(|| ns(desk.fresh(|path| timed(|| desk.replay_database(&source, path))))),
        Box::new(|| ns(desk.fresh(|path| bulk.insert_into(path)))),
    ];
    let series = interleave(plan.worker_rounds, &mut candidates);
    let [replay, bare] = <[Series; 2]>::try_from(series).ok().context("two")?;
    let mut table = Table::new([
        "rows of a database",
        "replay",
        "bare insert of them",
        "replay / bare insert",
        "peak RSS",
    ]);
    table.row([
        thousands(rows as f64),
        format!("{} rows/s", rate(&replay, rows)),
        format!("{} rows/s", rate(&bare, rows)),
        bare.over(&replay).ratio(),
        megabytes(desk.take_peak()),
    ]);
    Ok(table)
}

fn megabytes(kb: u64) -> String {
    match kb {
        // Not known on this system.
        0 => "-".to_owned(),
        kb => format!("{:.1} MB", kb as f64 / 1024.0),
    }
}

fn rate(series: &Series, count: usize) -> String {
    thousands(count as f64 / series.median() * 1e9)
}

/// A candidate has no way to say that it failed.
fn ns(took: Result<Duration>) -> f64 {
    match took {
        Ok(took) => took.as_nanos() as f64,
        Err(error) => panic!("{error:#}"),
    }
}

fn timed(run: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let began = Instant::now();
    run()?;
    Ok(began.elapsed())
}

/// A folder with settings and a journal.
struct Desk {
    folder: tempfile::TempDir,
    program: PathBuf,
    /// The most memory a replay had.
    peak_kb: Cell<u64>,
}

impl Desk {
    fn new(symbols: &[Symbol], programs: &Programs) -> Result<Self> {
        let Program::Ayumi(program) = &programs.ayumi else {
            anyhow::bail!("no ayumi");
        };
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let tickers: Vec<String> = symbols.iter().map(Symbol::ticker).collect();
        let settings = json!({
            "symbols": tickers, "board_mode": "push", "tick_queue_max": 10_000_000, "token": "bench",
            "db_path": folder.path().join("ticks.db"), "log_path": folder.path().join("log.txt"),
        });
        std::fs::write(folder.path().join("c.json"), settings.to_string())?;
        Ok(Self {
            folder,
            program: program.clone(),
            peak_kb: Cell::new(0),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A journal as the recorder writes it: a border every 300 ms.
    fn record(&self, messages: &Messages, pace: &Pace) -> Result<()> {
        let mut config = JournalConfig::new(self.path("journal"));
        config.max_pending = usize::MAX;
        let mut journal = Journal::start(config)?;
        journal.put(MORNING.0, Kind::Event, b"up");
        let mut window = 0;
        for (n, message) in messages.iter().enumerate() {
            let at = MORNING.0 + n as i64 * pace.gap_ns;
            if at / 300_000_000 != window {
                window = at / 300_000_000;
                journal.border();
            }
            journal.put(at, Kind::Push, message);
        }
        journal.put(MORNING.0 + messages.len() as i64 * pace.gap_ns, Kind::Event, b"stop");
        ensure!(journal.finish(PATIENCE), "the journal could not be written");
        Ok(())
    }

    /// The most memory a replay had since the last call, kB.
    fn take_peak(&self) -> u64 {
        self.peak_kb.take()
    }

    /// Runs with a path at which nothing is, and tidies up.
    fn fresh(&self, run: impl FnOnce(&Path) -> Result<Duration>) -> Result<Duration> {
        let folder = tempfile::tempdir_in(self.folder.path())?;
        run(&folder.path().join("new.db"))
    }

    fn replay_journal(&self, target: &Path) -> Result<()> {
        self.replay(&["--journal".as_ref(), self.path("journal").as_ref()], target)
    }

    fn replay_database(&self, source: &Path, target: &Path) -> Result<()> {
        self.replay(&["--source-db".as_ref(), source], target)
    }

    fn replay(&self, from: &[&Path], target: &Path) -> Result<()> {
        let child = Command::new(&self.program)
            .args(["replay", "--config"])
            .arg(self.path("c.json"))
            .args(from)
            .arg("--target-db")
            .arg(target)
            .args(["--no-sleep", "--quiet"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("ayumi does not start")?;
        let pid = child.id();
        let watch = std::thread::spawn(move || cpu::peak_until_end(pid));
        let out = child.wait_with_output()?;
        let peak_kb = watch.join().map_err(|_| anyhow::anyhow!("the watch panicked"))?;
        self.peak_kb.set(self.peak_kb.get().max(peak_kb));
        ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        Ok(())
    }
}
