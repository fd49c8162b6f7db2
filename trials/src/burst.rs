//! N6: the opening comes while the disk stands still: 2,000 messages within 100 ms, once and again and again. Nothing is
//! lost or folded, nobody is disconnected, the socket is drained at once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use ayumi_engine::market::{Market, Profile};
use ayumi_engine::{Stamp, Symbol};
use ayumi_sim::{Sim, SimConfig, SimHandle, Source};
use rusqlite::Connection;
use serde_json::json;

use crate::check;
use crate::recorder::{Desk, Recorder, symbols};
use crate::report::Row;
use crate::stall::receive_queue;

const TOKEN: &str = "trial";
const PATIENCE: Duration = Duration::from_secs(60);
/// Messages of a burst, and the time in which they are sent: 20 in each millisecond.
const BURST: u64 = 2_000;
const PER_MS: u64 = 20;
/// Slower is no burst any more.
const SLOWEST_BURST: Duration = Duration::from_millis(400);
/// Between two bursts.
const CALM: Duration = Duration::from_millis(900);
/// Without a committed window for so long, with messages coming, the disk stands still.
const SILENCE: Duration = Duration::from_millis(1_200);
/// A burst is 3.8 MB: more than a quarter of it must never wait in the kernel.
const MOST_UNREAD: u64 = 1 << 20;
/// The socket is empty again after this time.
const DRAINED: Duration = Duration::from_secs(1);

/// The disk stands still for `seconds`: once with one burst in this time, once with as many as fit.
pub(crate) fn run(ayumi: &Path, seconds: u64) -> Result<Vec<Row>> {
    // One takes 1.1 s, and before the first the stall has been watched for a while.
    let most = seconds.saturating_sub(4).max(2);
    Ok(vec![
        one_stall(ayumi, seconds, 1, "n06_burst")?,
        one_stall(ayumi, seconds, most, "n06_burst, several")?,
    ])
}

fn one_stall(ayumi: &Path, seconds: u64, bursts: u64, trial: &'static str) -> Result<Row> {
    let began = Instant::now();
    let mut desk = Opening::open()?;
    let mut recorder = Recorder::start(ayumi, &desk.desk, &slow_disk(seconds), &[])?;
    let connected = desk.station.wait_until(PATIENCE, |c| c.push_clients_now == 1);
    ensure!(connected, "the recorder does not connect\n{}", desk.desk.log());
    desk.until_disk_stalls(&mut recorder)?;
    let before = recorder.told_by_now();
    let watch = Watch::start(desk.station.port());
    let mut longest = Duration::ZERO;
    for burst in 0..bursts {
        if burst > 0 {
            desk.calm(CALM);
        }
        longest = longest.max(desk.burst());
        let sent = desk.sent;
        let left = desk.station.wait_until(DRAINED, |c| c.messages_sent >= sent);
        ensure!(left, "the station could not get rid of the burst");
        let drained = Instant::now();
        while receive_queue(desk.station.port()).unwrap_or_default() > 0 {
            ensure!(drained.elapsed() < DRAINED, "the socket is not drained after a burst");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let unread = watch.end()?;
    ensure!(
        longest < SLOWEST_BURST,
        "a burst took {longest:?}: this machine is too busy for this trial"
    );
    let after = recorder.told_by_now();
    ensure!(
        before == after,
        "the disk did not stand still: {before} windows told, then {after}"
    );
    ensure!(unread < MOST_UNREAD, "{unread} bytes were left unread in the kernel");
    // The disk works again.
    recorder.wait_told(after + 2)?;
    desk.close(recorder, seconds)?;
    Ok(Row {
        trial,
        promise: "N6, G1, G2, G3",
        amount: format!(
            "disk stands still for {seconds} s, meanwhile {bursts} x {BURST} messages within {} ms",
            longest.as_millis()
        ),
        result: format!(
            "{} sent, all stored, 0 folded, 0 disconnects, volume closed; at most {unread} bytes unread in the kernel",
            desk.sent
        ),
        took: began.elapsed(),
    })
}

/// The recorder behind a disk that lets one sync wait so long.
fn slow_disk(seconds: u64) -> [String; 9] {
    let inject = format!("inject=fsync,fdatasync:delay_enter={}:when=15", seconds * 1_000_000);
    let words = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-o",
        "/dev/null",
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        &inject,
    ];
    words.map(str::to_owned)
}

/// A station that sends what this trial's own market makes.
struct Opening {
    desk: Desk,
    station: SimHandle,
    market: Market,
    next: usize,
    sent: u64,
}

impl Opening {
    fn open() -> Result<Self> {
        let station = Sim::start(SimConfig {
            token: Some(TOKEN.to_owned()),
            source: Source::Silent,
            ..SimConfig::default()
        })?;
        let desk = Desk::new(json!({
            "mode": "online", "port": station.port(), "token": TOKEN, "board_mode": "push", "durability": "full",
        }))?;
        let profiles = symbols().into_iter().map(|s| Profile::of(&Symbol::tse(&s), 1));
        Ok(Self {
            desk,
            station,
            market: Market::new(1, profiles.collect()),
            next: 0,
            sent: 0,
        })
    }

    /// The next message, each symbol in turn.
    fn message(&mut self) -> String {
        let index = self.next % self.market.profiles().len();
        self.next += 1;
        self.market.step(index, now());
        let mut text = Vec::with_capacity(2048);
        self.market.message(index).write(&mut text);
        String::from_utf8(text).expect("JSON is UTF-8")
    }

    fn send(&mut self, text: &str) {
        self.station.push_text(text);
        self.sent += 1;
    }

    /// A message every 10 ms.
    fn calm(&mut self, span: Duration) {
        let end = Instant::now() + span;
        while Instant::now() < end {
            let text = self.message();
            self.send(&text);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Until the recorder, which is sent messages, has told no window for a while.
    fn until_disk_stalls(&mut self, recorder: &mut Recorder) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let (mut told, mut since) = (0, Instant::now());
        while told == 0 || since.elapsed() < SILENCE {
            ensure!(
                Instant::now() < deadline,
                "the disk does not stall: {told} windows told"
            );
            self.calm(Duration::from_millis(50));
            let by_now = recorder.told_by_now();
            if by_now > told {
                (told, since) = (by_now, Instant::now());
            }
        }
        Ok(())
    }

    /// 20 messages in each of 100 ms; how long that took.
    fn burst(&mut self) -> Duration {
        let texts: Vec<String> = (0..BURST).map(|_| self.message()).collect();
        let began = Instant::now();
        for (chunk, at) in texts.chunks(PER_MS as usize).zip(0..) {
            std::thread::sleep(Duration::from_millis(at).saturating_sub(began.elapsed()));
            for text in chunk {
                self.send(text);
            }
        }
        began.elapsed()
    }

    /// Ends the recorder and takes stock: every message is a tick or was rejected for a reason, none was folded, every
    /// symbol's volume is the last one sent.
    fn close(&self, recorder: Recorder, seconds: u64) -> Result<()> {
        recorder.ask_to_stop()?;
        let (status, _) = recorder.ended()?;
        ensure!(status.success(), "{status}\n{}", self.desk.log());
        let counters = self.station.counters();
        let (connections, undelivered) = (counters.push_connections, counters.messages_undelivered);
        ensure!(
            (connections, undelivered) == (1, 0),
            "{connections} connections, {undelivered} undelivered\n{}",
            self.desk.log()
        );
        check::whole(&self.desk.db())?;
        let connection = Connection::open(self.desk.db())?;
        let sums = "SELECT sum(messages), sum(merged), max(merged_windows) FROM window_log";
        let sums = connection.query_row(sums, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let expected: (i64, i64, i64) = (self.sent.cast_signed(), 0, 0);
        ensure!(sums == expected, "messages, folded, joined: {sums:?} after {seconds} s");
        self.volumes(&connection)
    }

    fn volumes(&self, connection: &Connection) -> Result<()> {
        let mut select = connection.prepare("SELECT last_volume FROM stream_state WHERE ticker = ?1")?;
        for (index, profile) in self.market.profiles().iter().enumerate() {
            let ticker = profile.symbol.ticker();
            let stored: Option<i64> = select.query_row([&ticker], |row| row.get(0)).context(ticker.clone())?;
            let sent = self.market.message(index).trading_volume.map(|volume| volume.0);
            ensure!(stored == sent, "{ticker}: volume {stored:?} stored, {sent:?} sent");
        }
        Ok(())
    }
}

/// Looks every millisecond at what is unread in the kernel.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Watch {
    fn start(port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut most = 0;
            while !stopped.load(Ordering::Relaxed) {
                most = most.max(receive_queue(port).unwrap_or_default());
                std::thread::sleep(Duration::from_millis(1));
            }
            most
        });
        Self { stop, thread }
    }

    /// The most that was seen.
    fn end(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the watch panicked"))
    }
}

fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp::from_ms(i64::try_from(since.as_millis()).unwrap_or_default())
}
