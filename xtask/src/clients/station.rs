//! The simulator that the clients talk to: the real binary, on the port that clients hard-code.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// The production port, which most programs have in their code.
pub const PORT: u16 = 18080;
/// A busy minute of a normal morning, so that every symbol has traded and goes on trading.
const START: &str = "2026-11-20T09:30:00";
/// What the samples register or ask for, among them the futures codes of their time.
const SYMBOLS: &str = "9433,5401,8001,7203,9984,1320,1329,1346,1369,1397,165120018@2,145123218@2";

/// A running simulator; it ends with this value.
pub struct Station {
    child: Child,
}

impl Station {
    /// Starts the program `ayumi` with `token` as its one valid token and waits until it answers.
    pub fn start(ayumi: &Path, token: &str) -> Result<Self> {
        let mut child = Command::new(ayumi)
            .args(["sim", "--port", &PORT.to_string(), "--token", token])
            .args(["--symbols", SYMBOLS, "--seed", "1", "--start", START])
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start ayumi sim")?;
        let out = child.stdout.take().context("the simulator has no output")?;
        let station = Self { child };
        let mut first = String::new();
        let mut lines = BufReader::new(out);
        lines.read_line(&mut first)?;
        if !first.starts_with("ready") {
            bail!("ayumi sim did not get ready: {first}");
        }
        // Read on, or a full pipe would stop the simulator.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Ok(station)
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Why the port cannot be used, if so: a real station may be running on this PC, and it must not be disturbed.
pub fn port_taken() -> Option<String> {
    let taken = TcpStream::connect((Ipv4Addr::LOCALHOST, PORT)).is_ok()
        || TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).is_err();
    taken.then(|| format!("port {PORT} is in use; stop kabu Station or the other simulator and run this again"))
}
