//! `ayumi naut` beside a replay: started on the file that is written, and ended when it has seen the last rows.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ayumi_store::reader::FeatureReader;

use crate::args::{NautBeside, ReplayArgs};

/// A naut that was asked to end needs well under a second; after this time it hangs.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks.
const NAP: Duration = Duration::from_millis(20);

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
        let child = command
            .args(&beside.extra)
            .spawn()
            .inspect_err(|error| log::error!("naut cannot be started: {error}; the replay goes on without it"))
            .ok()?;
        Some(Self {
            child,
            grace: beside.grace,
            leave: beside.leave,
        })
    }

    /// Gives it time to see the last rows, then ends it: by the end of its input, and by force only when it hangs.
    pub(super) fn end(mut self) {
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
        let deadline = Instant::now() + patience;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(NAP);
        }
        true
    }
}
