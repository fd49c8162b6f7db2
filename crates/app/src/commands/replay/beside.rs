//! `ayumi naut` beside a replay: started on the file that is written, and ended when it has seen the last rows.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ayumi_store::reader::FeatureReader;

use crate::args::{NautBeside, ReplayArgs};

/// A naut that was asked to end needs well under a second; after this time it hangs.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks.
const NAP: Duration = Duration::from_millis(20);

/// Wrong settings or flags end it within this time.
const FIRST: Duration = Duration::from_millis(300);

/// A running `ayumi naut`.
pub(super) struct Beside {
    child: Child,
    grace: Duration,
    leave: bool,
}

impl Beside {
    /// Starts it with the same settings, its output on this console. What the replay adds is new to it, however long its
    /// start takes. Unless it is to be left running, the end of its input is the end of it: that is understood on every
    /// system, and reaches it also when this process dies.
    pub(super) fn start(args: &ReplayArgs, beside: &NautBeside, file: &Path) -> Option<Self> {
        let newest = FeatureReader::open(file).and_then(|reader| reader.map_or(Ok(None), |reader| reader.newest()));
        let behind = newest.ok().flatten().map_or(0, |mark| mark.rowid);
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("ayumi"));
        let mut command = Command::new(program);
        command
            .args(["naut".as_ref(), "-Config".as_ref(), args.config.as_os_str()])
            .args(["--db".as_ref(), file.as_os_str()])
            .arg(format!("--after-row={behind}"));
        if beside.leave {
            command.stdin(Stdio::null());
        } else {
            command.arg("--while-stdin").stdin(Stdio::piped());
        }
        let mut child = command
            .args(&beside.extra)
            .spawn()
            .inspect_err(|error| log::error!("naut cannot be started: {error}; the replay goes on without it"))
            .ok()?;
        if !lives(&mut child) {
            return None;
        }
        Some(Self {
            child,
            grace: beside.grace,
            leave: beside.leave,
        })
    }

    /// Gives it time to see the last rows, then ends it: by the end of its input, and by force only when it hangs.
    pub(super) fn end(mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            say_over(status);
            return;
        }
        if self.leave {
            log::info!("naut goes on (pid {})", self.child.id());
            return;
        }
        if self.ends_within(self.grace) {
            return;
        }
        drop(self.child.stdin.take());
        if self.ends_within(PATIENCE) {
            return;
        }
        log::warn!("naut did not end within {} s; it is ended by force", PATIENCE.as_secs());
        // It may have ended by itself in this moment.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn ends_within(&mut self, patience: Duration) -> bool {
        ends_within(&mut self.child, patience).is_some()
    }
}

/// Whether it is still there after a moment; says what it ended with otherwise.
fn lives(child: &mut Child) -> bool {
    match ends_within(child, FIRST) {
        Some(status) => {
            say_over(status);
            false
        }
        None => true,
    }
}

/// Its end, if it comes in time.
fn ends_within(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(NAP);
    }
}

/// Nobody asked it to end yet.
fn say_over(status: ExitStatus) {
    log::error!(
        "naut ended by itself ({status}) before the replay did: no signals of the rest; see its own lines, and \
         --naut-extra for its flags"
    );
}
