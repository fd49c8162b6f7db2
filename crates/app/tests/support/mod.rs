//! A desk to put the binary on: a folder of its own, settings, a child process whose output can be waited for, and its
//! database read as any other program would read it. Every wait is for a condition and has a limit.
#![allow(dead_code)]

pub mod again;
pub mod message;
pub mod pair;
pub mod process;
pub mod still;
pub mod store;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ayumi_sim::{Sim, SimConfig, SimError, SimHandle, Source, Speed};
use serde_json::{Value, json};

pub use process::Worker;
pub use store::Store;

/// No single wait is longer; a busy machine needs some of it.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// The station's token; must never be seen in anything that is written.
pub const TOKEN: &str = "canaryT0123456789abcdef0123456789";
/// A trading day at ten: nothing that depends on the calendar depends on the day a test runs.
pub const TEN: &str = "2026-11-20T10:00:00@1";
/// A Sunday at ten.
pub const SUNDAY: &str = "2026-11-22T10:00:00@1";

/// Says what is skipped, past the capture of the test runner.
pub fn skip(why: &str) {
    let line = format!("skipped: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("stderr");
}

/// Asks again and again until there is an answer.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder with settings, database and log of its own.
pub struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// An empty folder.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("ayumi-test-").tempdir();
        Self {
            folder: folder.expect("a folder"),
        }
    }

    /// A folder with settings for a station on `port`; `more` beats the usual ones, a null removes.
    pub fn online(port: u16, more: Value) -> Self {
        let desk = Self::new();
        let mut settings = json!({"port": port, "token": TOKEN, "symbols": ["7203"]});
        merge(&mut settings, more);
        desk.settings(&settings);
        desk
    }

    /// A folder with settings for the mock market.
    pub fn mock(more: Value) -> Self {
        let desk = Self::new();
        let mut settings = json!({"mode": "mock", "symbols": ["7203", "9984", "285A"]});
        merge(&mut settings, more);
        desk.settings(&settings);
        desk
    }

    /// Writes `c.json` with database and log of this folder, unless `settings` names others.
    pub fn settings(&self, settings: &Value) {
        let mut all = json!({"db_path": self.db(), "log_path": self.log()});
        merge(&mut all, settings.clone());
        std::fs::write(self.path("c.json"), all.to_string()).expect("written");
        // It holds a token.
        #[cfg(unix)]
        {
            let owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(self.path("c.json"), owner).expect("set");
        }
    }

    /// A path inside the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database.
    pub fn db(&self) -> PathBuf {
        self.path("ticks.db")
    }

    /// The log file.
    pub fn log(&self) -> PathBuf {
        self.path("stream.log")
    }

    /// Starts `ayumi stream -Config c.json` with these further arguments.
    pub fn stream(&self, args: &[&str]) -> Worker {
        let all = ["stream", "-Config", "c.json"].iter().chain(args);
        Worker::start(self.folder(), &all.copied().collect::<Vec<_>>())
    }

    /// Opens the database for reading.
    pub fn store(&self) -> Store {
        Store::open(&self.db())
    }

    /// The database once it exists and holds at least one window.
    pub fn stored(&self) -> Store {
        wait_for("the first window", || {
            Store::try_open(&self.db()).filter(|store| store.try_number("SELECT count(*) FROM window_log") > Some(0))
        })
    }

    /// Names of the files in the folder, sorted.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).expect("listed").flatten();
        let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Puts the keys of `more` into `settings`; null removes a key.
fn merge(settings: &mut Value, more: Value) {
    let (Value::Object(all), Value::Object(more)) = (settings, more) else {
        panic!("settings are objects");
    };
    for (key, value) in more {
        if value.is_null() {
            all.remove(&key);
        } else {
            all.insert(key, value);
        }
    }
}

/// A station without a rate limit that answers at once, changed as wanted.
pub fn station(change: impl FnOnce(&mut SimConfig)) -> SimHandle {
    Sim::start(station_config(change)).expect("the simulator starts")
}

/// The same on a port that a stopped one has just left.
pub fn station_again(port: u16, change: impl FnOnce(&mut SimConfig)) -> SimHandle {
    let mut config = station_config(change);
    config.port = port;
    wait_for("the port", || match Sim::start(config.clone()) {
        Ok(station) => Some(station),
        Err(SimError::PortTaken { .. }) => None,
        Err(other) => panic!("{other}"),
    })
}

fn station_config(change: impl FnOnce(&mut SimConfig)) -> SimConfig {
    let mut config = SimConfig {
        token: Some(TOKEN.to_owned()),
        source: Source::Silent,
        speed: Speed::Times(1.0),
        ..SimConfig::default()
    };
    config.faults.rate_limit = false;
    config.faults.answer_at_once();
    change(&mut config);
    config
}

/// A port on which nobody listens.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

/// Waits until the station has a client and its list has been filled.
pub fn connected(station: &SimHandle) {
    let registered = station.wait_until(PATIENCE, |c| c.push_clients_now > 0 && c.rest("PUT /register") >= 2);
    assert!(registered, "{:?}", station.counters());
}

/// Waits for something at the station.
pub fn at_station(station: &SimHandle, what: &str, ask: impl Fn(&ayumi_sim::Counters) -> bool) {
    assert!(
        station.wait_until(PATIENCE, ask),
        "waited in vain for {what}: {:?}",
        station.counters()
    );
}

/// The number of connections is `n` or more, and the newest one stands.
pub fn line(station: &SimHandle, n: u64) {
    at_station(station, "the line", |c| {
        c.push_connections >= n && c.push_clients_now > 0
    });
}

/// Waits until 7203 has this volume in the database.
pub fn stored_volume(desk: &Desk, volume: i64) -> Store {
    let store = desk.stored();
    wait_for("the volume", || {
        let last = store.try_number("SELECT last_volume FROM stream_state WHERE ticker = '7203'");
        (last == Some(volume)).then_some(())
    });
    store
}

/// A second program opens the WebSocket.
pub fn takeover(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let request = format!(
        "GET /kabusapi/websocket HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("answered");
    assert_eq!(&answer, b"HTTP/1.1 101");
    stream
}

/// Runs the cases at the same time: most of their time is spent waiting.
pub fn at_once<C: Send>(cases: impl IntoIterator<Item = C>, run: impl Fn(C) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| run(case));
        }
    });
}
