//! Fault points: named places where a test makes a thread panic or stand still.
//!
//! They exist in the unit tests of this crate only. In the program, whatever it is built with, a point is an empty
//! function: no flag and no variable of the environment can reach one.

#[cfg(not(test))]
use std::time::Duration;

/// A place where a fault can be. The name is the thread's, or that of what the thread does there.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn point(_name: &str) {}

/// A place that any thread passes; its name is the thread's own.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn here() {}

/// How long the watchdog waits; shorter under a test's fault.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn patience(usual: Duration) -> Duration {
    usual
}

#[cfg(test)]
pub(crate) use armed::{here, patience, point};

#[cfg(test)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    /// What happens at which point, once.
    static ARMED: OnceLock<(String, Fault)> = OnceLock::new();
    static DONE: AtomicBool = AtomicBool::new(false);

    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Fault {
        Panic,
        Sleep(Duration),
    }

    /// Arms one point of this process, for good.
    pub(crate) fn arm(name: &str, fault: Fault) {
        ARMED.set((name.to_owned(), fault)).expect("armed once");
    }

    pub(crate) fn point(name: &str) {
        let Some((armed, fault)) = ARMED.get() else { return };
        if armed != name || DONE.swap(true, Ordering::SeqCst) {
            return;
        }
        match fault {
            Fault::Panic => panic!("the fault of a test, with canary-5f1d0c"),
            Fault::Sleep(span) => std::thread::sleep(*span),
        }
    }

    pub(crate) fn here() {
        if let Some(name) = std::thread::current().name() {
            point(name);
        }
    }

    pub(crate) fn patience(usual: Duration) -> Duration {
        match ARMED.get() {
            Some((_, Fault::Sleep(_))) => Duration::from_secs(1),
            // To find the names for a backtrace may take longer than that.
            Some((_, Fault::Panic)) | None => usual,
        }
    }
}

#[cfg(test)]
mod tests;
