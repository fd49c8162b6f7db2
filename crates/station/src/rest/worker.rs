//! The worker's thread and its handle.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::call::{self, Caller};
use super::http::{Http, Method, Request};
use super::queue::{Full, Shared};
use super::{Entry, Job, Reply, RestConfig, register};

/// `/board` answers from the station's cache in 10 ms, and gives up by itself after 5 s (kabusapi #416).
const BOARD_LIMIT: Duration = Duration::from_secs(6);

/// A request that hangs may hold up [`RestWorker::stop`] for this long, then its connection is left to itself.
const STOP_PATIENCE: Duration = Duration::from_millis(200);

/// Handle of a worker; dropping it stops the worker without waiting.
pub struct RestWorker {
    shared: Arc<Shared>,
    http: Http,
}

/// Starts the worker's thread. `replies` is called from it and must not block for long.
pub fn spawn(config: RestConfig, replies: impl Fn(Reply) + Send + 'static) -> RestWorker {
    let shared = Arc::new(Shared::default());
    if let Some(token) = config.token.clone() {
        shared.set_token(token);
    }
    let http = Http::new(&config);
    let worker = RestWorker {
        shared: Arc::clone(&shared),
        http: http.clone(),
    };
    let thread = std::thread::Builder::new()
        .name("ayumi-rest".to_owned())
        .spawn(move || {
            let ending = Ending(Arc::clone(&shared));
            work(&mut Caller::new(config, http, Arc::clone(&shared)), &shared, &replies);
            drop(ending);
        });
    if let Err(e) = thread {
        // Every job is then refused as `Full`: PUSH alone still records.
        log::error!("the REST worker could not be started: {e}");
        worker.shared.end();
    }
    worker
}

impl RestWorker {
    /// Queues a job; never blocks.
    ///
    /// # Errors
    /// [`Full`] when too many jobs wait already or the worker has stopped.
    pub fn send(&self, job: Job) -> Result<(), Full> {
        self.shared.push(job)
    }

    /// The current token: the configured one, or the one fetched last.
    #[must_use]
    pub fn token(&self) -> Option<SecretString> {
        self.shared.token()
    }

    /// Stops the worker: waiting jobs are dropped, the request in flight is cut, no reply comes after this returns true.
    /// Waits at most 200 ms; false = the thread did not end in that time and ends by itself.
    pub fn stop(&self) -> bool {
        self.shared.stop();
        self.http.shut_down();
        self.shared.wait_for_end(STOP_PATIENCE)
    }
}

impl Drop for RestWorker {
    fn drop(&mut self) {
        self.shared.stop();
        self.http.shut_down();
    }
}

impl std::fmt::Debug for RestWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestWorker").finish_non_exhaustive()
    }
}

/// Says that the thread is gone, also when `replies` panicked.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn work(caller: &mut Caller, shared: &Shared, replies: &impl Fn(Reply)) {
    while let Some(job) = shared.pop(caller.next_start()) {
        let reply = match job {
            Job::EnsureRegistered { symbols } => Reply::Registered(register::ensure(caller, &symbols)),
            Job::Board { entry, tag } => {
                let result = caller.call(&board(&entry));
                Reply::Board {
                    tag,
                    entry,
                    result,
                    took: caller.took(),
                }
            }
            Job::Look => Reply::Looked(caller.look()),
            Job::Probe { entry } => {
                let result = caller.call(&board(&entry));
                Reply::Probed {
                    entry,
                    result,
                    took: caller.took(),
                }
            }
        };
        if shared.stopping() {
            return;
        }
        if caller.take_renewed() {
            replies(Reply::TokenChanged);
        }
        replies(reply);
    }
}

fn board(entry: &Entry) -> Request {
    Request {
        method: Method::Get,
        path: call::path_of("board", entry),
        body: Vec::new(),
        limit: BOARD_LIMIT,
    }
}
