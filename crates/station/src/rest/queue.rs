//! What the worker's thread shares with its owner: two bounded queues, the token, the word "stop".

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use thiserror::Error;

use super::Job;

const URGENT_MAX: usize = 16;
const BOARDS_MAX: usize = 256;

/// The job was not taken: its queue is full, or the worker has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("REST queue full")]
pub struct Full;

#[derive(Default)]
pub(super) struct Shared {
    inner: Mutex<Inner>,
    changed: Condvar,
    token: Mutex<Option<SecretString>>,
}

#[derive(Default)]
struct Inner {
    urgent: VecDeque<Job>,
    boards: VecDeque<Job>,
    stopping: bool,
    ended: bool,
}

impl Shared {
    /// Takes a job without ever waiting for the thread's work.
    pub(super) fn push(&self, job: Job) -> Result<(), Full> {
        let mut inner = self.lock();
        if inner.stopping {
            return Err(Full);
        }
        let urgent = !matches!(job, Job::Board { .. });
        let (queue, max) = if urgent {
            (&mut inner.urgent, URGENT_MAX)
        } else {
            (&mut inner.boards, BOARDS_MAX)
        };
        if queue.len() >= max {
            return Err(Full);
        }
        queue.push_back(job);
        self.changed.notify_all();
        Ok(())
    }

    /// The next job, not before `not_before`: what is urgent by then goes first. `None` = stop.
    pub(super) fn pop(&self, not_before: Option<Instant>) -> Option<Job> {
        let mut inner = self.lock();
        loop {
            if inner.stopping {
                return None;
            }
            let wait = not_before.map_or(Duration::ZERO, |t| t.saturating_duration_since(Instant::now()));
            let empty = inner.urgent.is_empty() && inner.boards.is_empty();
            inner = match (empty, wait) {
                (true, _) => self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner),
                (false, Duration::ZERO) => return inner.urgent.pop_front().or_else(|| inner.boards.pop_front()),
                (false, wait) => {
                    self.changed
                        .wait_timeout(inner, wait)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }

    /// Waits until `until`; false = stop.
    pub(super) fn wait_until(&self, until: Option<Instant>) -> bool {
        let mut inner = self.lock();
        while !inner.stopping {
            let wait = until.map_or(Duration::ZERO, |t| t.saturating_duration_since(Instant::now()));
            if wait.is_zero() {
                return true;
            }
            inner = self
                .changed
                .wait_timeout(inner, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        false
    }

    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }

    pub(super) fn stopping(&self) -> bool {
        self.lock().stopping
    }

    /// The thread is gone.
    pub(super) fn end(&self) {
        let mut inner = self.lock();
        inner.ended = true;
        inner.stopping = true;
        self.changed.notify_all();
    }

    /// Waits for the end of the thread, at most `patience`; says whether it came.
    pub(super) fn wait_for_end(&self, patience: Duration) -> bool {
        let inner = self.lock();
        let waited = self.changed.wait_timeout_while(inner, patience, |inner| !inner.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    pub(super) fn token(&self) -> Option<SecretString> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_token(&self, token: SecretString) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics while it holds the lock; if it did, the queues would still be whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ayumi_wire::rest::Entry;

    fn entry() -> Entry {
        Entry {
            symbol: "7203".to_owned(),
            exchange: 1,
        }
    }

    #[test]
    fn urgent_jobs_go_before_boards_and_both_queues_are_bounded() {
        let shared = Shared::default();
        let boards = (0..)
            .take_while(|tag| {
                shared
                    .push(Job::Board {
                        entry: entry(),
                        tag: *tag,
                    })
                    .is_ok()
            })
            .count();
        assert_eq!(boards, BOARDS_MAX);
        let urgent = (0..)
            .take_while(|_| shared.push(Job::Probe { entry: entry() }).is_ok())
            .count();
        assert_eq!(urgent, URGENT_MAX);
        for _ in 0..URGENT_MAX {
            assert!(matches!(shared.pop(None), Some(Job::Probe { .. })));
        }
        assert_eq!(shared.pop(None), Some(Job::Board { entry: entry(), tag: 0 }));
    }

    #[test]
    fn stop_ends_every_wait() {
        let shared = Shared::default();
        shared.push(Job::Probe { entry: entry() }).expect("room");
        shared.stop();
        assert_eq!(shared.pop(None), None);
        assert!(!shared.wait_until(Some(Instant::now() + Duration::from_secs(60))));
        assert_eq!(shared.push(Job::Probe { entry: entry() }), Err(Full));
        assert!(!shared.wait_for_end(Duration::ZERO));
        shared.end();
        assert!(shared.wait_for_end(Duration::from_secs(60)));
    }
}
