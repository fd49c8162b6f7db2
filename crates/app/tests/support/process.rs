//! The binary as a child process.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::PATIENCE;

/// A running `ayumi`; killed when dropped.
pub struct Worker {
    child: Child,
    said: Arc<Said>,
    readers: Vec<JoinHandle<()>>,
    started: Instant,
}

/// How a process ended and all it said.
pub struct Ended {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error: the log.
    pub err: String,
    /// Real time from the start to the end.
    pub lived: Duration,
    /// Real time from the request to stop to the end.
    pub took: Duration,
}

#[derive(Default)]
struct Said {
    text: Mutex<Text>,
    changed: Condvar,
}

#[derive(Default)]
struct Text {
    out: String,
    err: String,
}

/// A command with nothing of the user's secrets in its environment.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ayumi"));
    for name in ["KABU_TOKEN", "KABU_API_KEY", "KABU_API_PASSWORD"] {
        command.env_remove(name);
    }
    command.current_dir(folder).args(args);
    command
}

impl Worker {
    /// Starts it with both outputs read.
    pub fn start(folder: &Path, args: &[&str]) -> Self {
        Self::spawn(&mut command(folder, args))
    }

    /// Starts a command with both outputs read.
    pub fn spawn(command: &mut Command) -> Self {
        let started = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let said = Arc::new(Said::default());
        let out = child.stdout.take().expect("piped");
        let err = child.stderr.take().expect("piped");
        let readers = vec![
            read_lines(out, Arc::clone(&said), |text| &mut text.out),
            read_lines(err, Arc::clone(&said), |text| &mut text.err),
        ];
        Self {
            child,
            said,
            readers,
            started,
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until one of the outputs holds `part`, and returns the line that does.
    pub fn wait_line(&mut self, part: &str) -> String {
        self.wait_lines(part, 1).remove(0)
    }

    /// Waits until `part` stands in `count` lines, and returns them.
    pub fn wait_lines(&mut self, part: &str, count: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let said = Arc::clone(&self.said);
        let mut text = said.lock();
        loop {
            let found = text.lines_with(part);
            if found.len() >= count {
                return found;
            }
            let gone = self.child.try_wait().expect("can be asked").is_some();
            // A process that has just ended may have left words that the readers are about to take.
            let silent = gone && self.readers.iter().all(JoinHandle::is_finished);
            assert!(
                !silent && Instant::now() < deadline,
                "no {count} lines with {part:?} (process {}):\n{}{}",
                if gone { "ended" } else { "runs" },
                text.out,
                text.err
            );
            text = said
                .changed
                .wait_timeout(text, Duration::from_millis(50))
                .expect("no panic while reading")
                .0;
        }
    }

    /// Lines with `part` so far.
    pub fn lines(&self, part: &str) -> Vec<String> {
        self.said.lock().lines_with(part)
    }

    /// Everything said so far.
    pub fn text(&self) -> String {
        let text = self.said.lock();
        format!("{}{}", text.out, text.err)
    }

    /// True while the process lives.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("can be asked").is_none()
    }

    /// Sends a signal by its name without `SIG`.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(sent.expect("kill runs").success(), "signal {name}");
    }

    /// Asks for a stop with SIGTERM and waits for the end.
    #[cfg(unix)]
    pub fn stop(self) -> Ended {
        self.stop_with("TERM")
    }

    /// Asks for a stop with a signal and waits for the end.
    #[cfg(unix)]
    pub fn stop_with(self, name: &str) -> Ended {
        let asked = Instant::now();
        self.signal(name);
        self.ended_after(asked)
    }

    /// Ends it as a crash would, and waits until it is gone.
    pub fn kill(mut self) -> Ended {
        let asked = Instant::now();
        self.child.kill().expect("killed");
        self.ended_after(asked)
    }

    /// Waits until it ends by itself.
    pub fn ended(self) -> Ended {
        let now = Instant::now();
        self.ended_after(now)
    }

    fn ended_after(mut self, asked: Instant) -> Ended {
        let code = self.wait();
        let took = asked.elapsed();
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader never panics");
        }
        let text = self.said.lock();
        Ended {
            code,
            out: text.out.clone(),
            err: text.err.clone(),
            lived: self.started.elapsed(),
            took,
        }
    }

    fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("can be asked") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the process does not end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Only after a failed assertion does it still run; then nobody is interested in how this goes.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Everything it said.
    pub fn text(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// Asserts on the exit code and shows what was said otherwise.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.text());
        assert!(!self.text().contains("panicked"), "{}", self.text());
        self
    }

    /// Asserts that all of these stand in what was said.
    pub fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.text().contains(part), "{part:?} is missing:\n{}", self.text());
        }
    }

    /// Lines with `part`.
    pub fn lines(&self, part: &str) -> Vec<String> {
        let text = self.text();
        let found = text.lines().filter(|line| line.contains(part));
        found.map(str::to_owned).collect()
    }

    /// The numbers of the last line, `name=number` and those in brackets as `name.part`; the books must close.
    pub fn totals(&self) -> BTreeMap<String, i64> {
        let line = self.lines("stream_microbatch stop").pop();
        let line = line.unwrap_or_else(|| panic!("no stop line:\n{}", self.text()));
        let totals = numbers(&line);
        assert_eq!(totals["diff"], 0, "{line}");
        assert_eq!(totals["inflight"], 0, "{line}");
        totals
    }
}

/// `a=1 b=5(x:2,y:3)` as `a`, `b`, `b.x`, `b.y`.
fn numbers(line: &str) -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    for (name, value) in line.split_whitespace().filter_map(|word| word.split_once('=')) {
        let (whole, parts) = value.split_once('(').unwrap_or((value, ""));
        found.extend(whole.parse().map(|n| (name.to_owned(), n)));
        for part in parts.trim_end_matches(')').split(',') {
            if let Some((cause, n)) = part.split_once(':') {
                found.extend(n.parse().map(|n| (format!("{name}.{cause}"), n)));
            }
        }
    }
    found
}

impl Said {
    fn lock(&self) -> MutexGuard<'_, Text> {
        self.text.lock().expect("no panic while reading")
    }
}

impl Text {
    fn lines_with(&self, part: &str) -> Vec<String> {
        let all = self.out.lines().chain(self.err.lines());
        all.filter(|line| line.contains(part)).map(str::to_owned).collect()
    }
}

fn read_lines(
    stream: impl Read + Send + 'static,
    said: Arc<Said>,
    place: fn(&mut Text) -> &mut String,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            place(&mut said.lock()).push_str(&String::from_utf8_lossy(&line));
            said.changed.notify_all();
            line.clear();
        }
        said.changed.notify_all();
    })
}
