//! Simulator and worker as the two programs that a user starts, and what must hold after every run of the two: nothing
//! uncounted, the volume equation closed in the database alone, the last volumes those of the market's own trades, no
//! alarm that was not expected, no secret, little memory.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::process::Ended;
use super::{Desk, PATIENCE, Store, TOKEN, Worker};

/// The station's API password; must never be seen in anything that is written.
pub const PASSWORD: &str = "canaryP-secret-password";
/// Real seconds that the worker's clock is behind the station's at most. The station's clock begins with the first
/// registration, the worker's with its process; a worker that is ahead by more than a minute of its own time sees
/// opening prints of the future, one that is behind loses nothing.
const BEHIND_S: f64 = 0.3;
/// A worker that stores nothing new for so long has nothing more to store.
const NO_NEWS: Duration = Duration::from_secs(10);
/// Promise G14.
const MOST_MEMORY_MB: f64 = 64.0;

/// What is run.
pub struct Plan {
    /// Arguments of `ayumi sim`, without its ports, its token and `--truth`.
    pub sim: Vec<String>,
    /// What the worker watches.
    pub symbols: Vec<String>,
    /// Where the station's clock begins, seconds since 1970.
    pub start_s: i64,
    /// Speed of both clocks; `None`: the station goes at full speed, the worker's clock at real time.
    pub speed: Option<u32>,
    /// Width of a window, ms of the worker's clock.
    pub window_ms: i64,
    /// The station issues its own tokens, and the worker has the password.
    pub password: bool,
    /// The line is never cut: every message arrives.
    pub whole: bool,
    /// Further settings of the worker.
    pub settings: Value,
}

/// A run that has ended.
pub struct Day {
    /// Folder of the run.
    pub desk: Desk,
    /// What the simulator counted.
    pub sent: Sent,
    /// The simulator's words.
    pub station: Ended,
    /// The worker's words.
    pub worker: Ended,
    /// The worker's last line.
    pub totals: BTreeMap<String, i64>,
    /// The database.
    pub store: Store,
    /// Every true trade.
    pub truth: Truth,
    /// Real seconds until everything was sent.
    pub seconds: f64,
}

/// The simulator's counters.
pub struct Sent(Value);

/// Every true trade by symbol.
pub struct Truth(BTreeMap<String, Trades>);

#[derive(Default)]
struct Trades {
    /// Cumulative, one per trade.
    volumes: Vec<i64>,
    /// The kinds of all that are no ordinary trade.
    auctions: Vec<String>,
    ends_in_auction: bool,
}

/// A running simulator.
struct Station {
    program: Worker,
    port: u16,
    control: u16,
}

impl Plan {
    /// Runs both programs until everything that was sent is stored, stops them, and checks what holds after every run.
    pub fn run(&self, name: &str) -> Day {
        let desk = Desk::new();
        let began = Instant::now();
        let mut station = Station::start(&desk, self);
        desk.settings(&self.settings_for(station.port));
        let mut worker = desk.stream(&["--clock", &self.clock()]);
        let sent = station.finished(&mut worker);
        let seconds = began.elapsed().as_secs_f64();
        let store = desk.stored();
        self.wait_until_stored(&store, &sent, &worker, name);
        let peak_mb = high_water_mb(worker.pid());
        let worker = worker.stop().expect(0);
        let station = station.program.stop().expect(0);
        assert!(peak_mb < MOST_MEMORY_MB, "{name}: {peak_mb} MB");
        let day = Day {
            totals: worker.totals(),
            truth: Truth::read(&desk.path("truth.csv")),
            desk,
            sent,
            station,
            worker,
            store,
            seconds,
        };
        day.check(self, name);
        day
    }

    fn settings_for(&self, port: u16) -> Value {
        let speed = f64::from(self.speed.unwrap_or(1));
        let mut settings = json!({
            "port": port, "symbols": self.symbols, "window_ms": self.window_ms,
            // An accelerated day loses no detail, and a machine that is busy for 0.4 s is no dead line.
            "tick_queue_max": 2_000_000, "pending_max": 100_000, "rest_poll_ms": (speed * 100.0).max(500.0) as i64,
            "websocket": {"recv_timeout": (speed * 0.4).clamp(2.0, 600.0)},
        });
        match self.password {
            true => settings["api_password"] = json!(PASSWORD),
            false => settings["token"] = json!(TOKEN),
        }
        for (key, value) in self.settings.as_object().into_iter().flatten() {
            settings[key] = value.clone();
        }
        settings
    }

    fn clock(&self) -> String {
        let behind = self.speed.map_or(0.0, |speed| f64::from(speed) * BEHIND_S);
        let time = ayumi_wire::jst::iso_s(self.start_s - behind.ceil() as i64);
        format!("{}@{}", &time[..19], self.speed.unwrap_or(1))
    }

    /// Waits for the last volumes, and for every message where all arrive; not beyond a time in which nothing new came.
    fn wait_until_stored(&self, store: &Store, sent: &Sent, worker: &Worker, name: &str) {
        let (mut before, mut since) = (0, Instant::now());
        loop {
            let messages = store.number("SELECT sum(messages) FROM window_log") as u64;
            let all = !self.whole || messages == sent.count("messages_sent");
            let missing = sent.other_last_volumes(store);
            if all && missing.is_empty() {
                return;
            }
            if messages > before {
                (before, since) = (messages, Instant::now());
            }
            assert!(
                since.elapsed() < NO_NEWS,
                "{name}: {messages} messages are stored and no more; missing: {missing:?}\n{}\n{}",
                sent.0,
                worker.text()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Station {
    fn start(desk: &Desk, plan: &Plan) -> Self {
        let truth = desk.path("truth.csv");
        let secret = if plan.password {
            ["--password", PASSWORD]
        } else {
            ["--token", TOKEN]
        };
        let speed = plan.speed.map_or("full".to_owned(), |speed| speed.to_string());
        let start = &ayumi_wire::jst::iso_s(plan.start_s)[..19];
        let mut args = vec![
            "sim",
            "--port",
            "0",
            "--control",
            "0",
            "--start",
            start,
            "--speed",
            &speed,
        ];
        args.extend(["--truth", truth.to_str().expect("UTF-8")]);
        args.extend(secret);
        args.extend(plan.sim.iter().map(String::as_str));
        let mut program = Worker::start(desk.folder(), &args);
        let ready = program.wait_line("ready port=");
        let number = |name: &str| {
            let found = ready.split_whitespace().find_map(|word| word.strip_prefix(name));
            found
                .and_then(|n| n.parse().ok())
                .unwrap_or_else(|| panic!("no {name} in {ready}"))
        };
        Self {
            port: number("port="),
            control: number("control="),
            program,
        }
    }

    /// Waits until everything is sent or lost; the counters then.
    fn finished(&mut self, worker: &mut Worker) -> Sent {
        let wait = "/wait?counter=source_finished&timeout_ms=";
        let answer = self.get(&format!("{wait}{}", PATIENCE.as_millis()));
        assert_eq!(
            answer["reached"],
            true,
            "{}\n{}\n{}",
            self.get("/counters"),
            self.program.text(),
            worker.text()
        );
        assert!(worker.is_running(), "{}", worker.text());
        Sent(self.get("/counters"))
    }

    fn get(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.control)).expect("the control port");
        stream.set_read_timeout(Some(PATIENCE * 2)).expect("set");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"))
    }
}

impl Sent {
    /// One counter; one of a map as `faults.reset_after`; 0 when nothing was counted.
    pub fn count(&self, path: &str) -> u64 {
        let found = path.split('.').try_fold(&self.0, |value, name| value.get(name));
        found.and_then(Value::as_u64).unwrap_or(0)
    }

    /// Symbols and one of their volumes, where there is one.
    fn volumes(&self, which: &str) -> BTreeMap<String, i64> {
        let symbols = self.0["symbols"].as_object().into_iter().flatten();
        let volumes = symbols.filter_map(|(ticker, counts)| Some((ticker.clone(), counts[which].as_i64()?)));
        volumes.collect()
    }

    /// Volume of the last message of each symbol, sent or not.
    pub fn last_volumes(&self) -> BTreeMap<String, i64> {
        self.volumes("last_volume")
    }

    /// Symbols of which the database knows another last volume.
    fn other_last_volumes(&self, store: &Store) -> Vec<String> {
        let stored = states(store, "last_volume");
        let missing = self
            .last_volumes()
            .into_iter()
            .filter(|(t, v)| stored.get(t) != Some(v));
        missing
            .map(|(ticker, volume)| format!("{ticker} {volume}, not {:?}", stored.get(&ticker)))
            .collect()
    }
}

impl Truth {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("the ground truth");
        let mut all = BTreeMap::<String, Trades>::new();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let (symbol, qty, volume, kind) = (fields[1], number(fields[3]), number(fields[4]), fields[5]);
            if !all.contains_key(symbol) {
                all.insert(symbol.to_owned(), Trades::default());
            }
            let trades = all.get_mut(symbol).expect("it is there now");
            assert_eq!(trades.sum() + qty, volume, "{line}");
            trades.volumes.push(volume);
            trades.ends_in_auction = kind != "trade";
            if trades.ends_in_auction {
                trades.auctions.push(kind.to_owned());
            }
        }
        Self(all)
    }

    /// Sum of all trades by symbol.
    pub fn sums(&self) -> BTreeMap<String, i64> {
        self.0
            .iter()
            .map(|(ticker, trades)| (ticker.clone(), trades.sum()))
            .collect()
    }

    /// The auctions of a symbol, in order.
    pub fn auctions(&self, ticker: &str) -> Vec<&str> {
        self.0[ticker].auctions.iter().map(String::as_str).collect()
    }

    /// True when nothing was traded after a symbol's last auction.
    pub fn ends_in_auction(&self, ticker: &str) -> bool {
        self.0[ticker].ends_in_auction
    }

    fn knows(&self, ticker: &str, volume: i64) -> bool {
        self.0
            .get(ticker)
            .is_some_and(|trades| trades.volumes.binary_search(&volume).is_ok())
    }
}

impl Trades {
    fn sum(&self) -> i64 {
        self.volumes.last().copied().unwrap_or(0)
    }
}

impl Day {
    fn check(&self, plan: &Plan, name: &str) {
        self.check_counts(plan, name);
        self.store.check(plan.window_ms, 1);
        self.check_volumes(plan, name);
        for said in [&self.worker, &self.station] {
            clean(name, "the output", said.text().as_bytes());
        }
        for file in self.desk.files().iter().filter(|file| *file != "c.json") {
            clean(name, file, &std::fs::read(self.desk.path(file)).expect("read"));
        }
        let alarm = |line: &&str| line.contains(" WARNING ") || line.contains(" ERROR ");
        assert_eq!(self.station.err.lines().find(alarm), None, "{name}");
    }

    /// Every message is in exactly one count, in memory and in the database.
    fn check_counts(&self, plan: &Plan, name: &str) {
        let (received, sent) = (self.totals["received"], self.sent.count("messages_sent") as i64);
        let stored = |column: &str| self.store.number(&format!("SELECT sum({column}) FROM window_log"));
        let counted = (
            stored("messages"),
            stored("ticks"),
            stored("merged"),
            stored("rejected"),
        );
        let said = ["received", "stored", "merged", "rejected"].map(|word| self.totals[word]);
        assert_eq!(counted, (said[0], said[1], said[2], said[3]), "{name}");
        assert!(received <= sent && received > 0, "{name}: {received} of {sent}");
        if plan.whole {
            let lost = self.sent.count("messages_undelivered") + self.sent.count("messages_unregistered");
            assert_eq!((received, lost), (sent, 0), "{name}");
            assert_eq!(self.sent.count("push_connections"), 1, "{name}: {}", self.worker.text());
            assert_eq!(self.store.ledger("gap"), 0, "{name}");
        }
        for line in self.worker.lines(" heartbeat ") {
            assert!(line.contains(" diff=0 "), "{name}: {line}");
        }
    }

    /// The day's accounts end where the market's own trades do, and begin with its opening or where we came in.
    fn check_volumes(&self, plan: &Plan, name: &str) {
        assert_eq!(
            self.sent.other_last_volumes(&self.store),
            Vec::<String>::new(),
            "{name}"
        );
        let first = self.sent.volumes("first_volume_queued");
        let bases = states(&self.store, "base_volume");
        for (ticker, volume) in self.sent.last_volumes() {
            assert!(
                self.truth.knows(&ticker, volume),
                "{name}: no trade led {ticker} to {volume}"
            );
            let base = bases[&ticker];
            // Without the whole line, the first message may be one that never arrived.
            assert!(
                !plan.whole || base == 0 || base == first[&ticker],
                "{name}: {ticker} begins with {base}"
            );
        }
    }

    /// Every symbol's sizes are its whole day: the opening print was seen, and nothing but ticks followed.
    pub fn check_from_the_open(&self) {
        let sizes = self.store.column("SELECT ticker || '=' || CAST(sum(vol_sum) AS INTEGER) FROM tick_batch WHERE ticker IN (SELECT ticker FROM stream_state WHERE last_volume > 0) GROUP BY ticker ORDER BY ticker");
        let last = self.sent.last_volumes();
        let last: Vec<String> = last
            .iter()
            .map(|(ticker, volume)| format!("{ticker}={volume}"))
            .collect();
        assert_eq!(sizes, last, "{}", self.worker.text());
        assert!(states(&self.store, "base_volume").values().all(|base| *base == 0));
    }

    /// Lines of these levels that hold none of `expected`: what would frighten a trader although all is well. Where
    /// something is expected, its state may be told, too.
    pub fn alarms(&self, expected: &[&str]) -> Vec<String> {
        let lines = self.worker.err.lines();
        let alarms = lines.filter(|line| line.contains(" WARNING ") || line.contains(" ERROR "));
        let states = |line: &str| !expected.is_empty() && line.contains(" WARNING state ");
        let unexpected = alarms.filter(|line| !states(line) && !expected.iter().any(|part| line.contains(part)));
        unexpected.map(str::to_owned).collect()
    }
}

/// A column of `stream_state` by symbol, where it is known.
fn states(store: &Store, column: &str) -> BTreeMap<String, i64> {
    let sql = format!("SELECT ticker || '=' || {column} FROM stream_state WHERE {column} IS NOT NULL");
    let rows = store.column(&sql).into_iter();
    let split = |row: String| row.split_once('=').map(|(ticker, n)| (ticker.to_owned(), number(n)));
    rows.filter_map(split).collect()
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no whole number"))
}

fn clean(name: &str, what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for canary in [TOKEN, PASSWORD] {
        assert!(!text.contains(canary), "{name}: {what} holds a secret");
    }
}

/// The most memory a process ever had, MB.
fn high_water_mb(pid: u32) -> f64 {
    if !cfg!(target_os = "linux") {
        return 0.0;
    }
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("read");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("there");
    let kb = line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok());
    kb.expect("a number") / 1024.0
}
