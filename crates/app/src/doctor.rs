//! Why does it not work? Looks once at settings, station, database, disk and clock, and says what to do, in Japanese or
//! English.
//!
//! Owns the sentences and the limits: at most six REST requests, never a new token unless asked for, three seconds
//! whatever hangs. Refuses to change anything, and to show a secret.

mod ask;
mod clock;
mod console;
mod database;
mod disk;
mod finding;
mod last_day;
mod list;
mod listener;
mod openers;
mod power;
pub mod promises;
mod push;
mod recorder;
mod report;
mod rest;
mod settings;
mod standing;
mod station;
mod station_log;
mod task;
#[cfg(test)]
mod tests;
mod versions;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use ayumi_store::reader::{self, AuditWatch, AuditedLedger, AuditedTick, LoggedWindow, Owner};

pub use finding::{Finding, Level};
pub use report::{Lang, text, to_json};

use crate::clock::Clock;
use crate::settings::{Mode, Settings, process_env};
use finding::words;

/// When it ends, however much still hangs.
const LIMIT: Duration = Duration::from_millis(2_600);
/// Between the end of a check's time and the end of all.
const SPARE: Duration = Duration::from_millis(400);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The settings file; `None` = the usual place.
    pub config: Option<PathBuf>,
    /// A token may be fetched, which kills the one in use.
    pub login: bool,
    /// PUSH was asked for by name: say why it is not tried while a recorder of this database runs.
    pub push: bool,
    /// Whose time it is.
    pub clock: Clock,
    /// The language of the page.
    pub lang: Lang,
}

/// What every check knows.
struct Context {
    settings: Settings,
    /// The database of today.
    db: PathBuf,
    owner: Owner,
    clock: Clock,
    login: bool,
    push: bool,
    lang: Lang,
    /// When a check that could go on says what it has.
    deadline: Instant,
}

/// A check that goes on in a thread, and what is said when it does not end.
type Pending = BTreeMap<&'static str, Finding>;
/// Where checks put what they found, under the name of the check; with a `?` behind it what is known until then.
type Told = Sender<(&'static str, Vec<Finding>)>;

/// A check.
type Check = fn(&Context) -> Vec<Finding>;

/// Everything that was found, worst first.
pub fn run(request: &Request) -> Vec<Finding> {
    let deadline = Instant::now() + LIMIT;
    let (settings, mut findings) = settings::check(request.config.as_deref());
    let db = database::today(&settings.db_path, request.clock.now().date());
    let context = Context {
        owner: reader::owner(&db),
        settings,
        db,
        clock: request.clock.clone(),
        login: request.login,
        push: request.push,
        lang: request.lang,
        deadline: deadline - SPARE,
    };
    findings.extend(versions::check());
    findings.extend(clock::check(&context));
    let (tell, told) = mpsc::channel();
    let mut pending = Pending::new();
    let context = std::sync::Arc::new(context);
    local(&context, &tell, &mut pending);
    match context.settings.mode {
        Mode::Online => findings.extend(online(&context, &tell, &mut pending)),
        Mode::Mock => findings.push(Finding::note(
            "station",
            words(
                "mode is mock: no station is asked",
                "mode が mock なので、kabuステーションは調べません",
            ),
        )),
    }
    drop(tell);
    while !pending.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok((name, found)) = told.recv_timeout(left) else {
            break;
        };
        if let Some(name) = name.strip_suffix('?') {
            // Not the end of the check, but what to say should it not end.
            pending.extend(found.into_iter().map(|finding| (name, finding)));
            continue;
        }
        pending.remove(name);
        findings.extend(found);
    }
    findings.extend(pending.into_values());
    // Only the order of severity: among equals the order in which they were looked at.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings
}

/// Checks on this machine. Those of the system's own commands are worth no alarm when they are slow.
fn local(context: &std::sync::Arc<Context>, tell: &Told, pending: &mut Pending) {
    start(context, tell, pending, "database", database::check);
    start(context, tell, pending, "disk", disk::check);
    start(context, tell, pending, "openers", openers::check);
    start(context, tell, pending, "recorder", recorder::check);
    let aside: [(&'static str, Check); 5] = [
        ("day", last_day::check),
        ("startup", |_| task::check()),
        ("console", |context| console::check(context.lang)),
        ("power", |_| power::check()),
        ("station_log", |_| station_log::check(process_env("APPDATA").as_deref())),
    ];
    for (name, check) in aside {
        start(context, tell, pending, name, check);
        pending.insert(name, finding::skipped(name));
    }
}

/// Checks that need the station, when it is there.
fn online(context: &std::sync::Arc<Context>, tell: &Told, pending: &mut Pending) -> Vec<Finding> {
    let (reachable, findings) = station::check(&context.settings);
    if !reachable {
        return findings;
    }
    for (name, late) in [("rest", rest::late()), ("board", rest::late_board())] {
        pending.insert(name, late);
    }
    let (theirs, tell_rest) = (std::sync::Arc::clone(context), tell.clone());
    spawn("rest", move || rest::check(&theirs, &tell_rest));
    start(context, tell, pending, "push", push::check);
    start(context, tell, pending, "listener", listener::check);
    pending.insert("listener", finding::skipped("listener"));
    findings
}

fn start(context: &std::sync::Arc<Context>, tell: &Told, pending: &mut Pending, name: &'static str, check: Check) {
    let (context, tell) = (std::sync::Arc::clone(context), tell.clone());
    pending.insert(name, finding::late(name));
    spawn(name, move || {
        // Nobody listens any more after the limit.
        let _ = tell.send((name, check(&context)));
    });
}

/// The thread is left alone when it hangs: the process ends soon. One that cannot be started is one that hangs.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    let _ = std::thread::Builder::new().name(name.to_owned()).spawn(work);
}

/// Only the outcome counts.
struct Nobody;

impl AuditWatch for Nobody {
    fn begin(&mut self, _rows: u64) {}
    fn rows(&mut self, _done: u64) {}
    fn stopped(&self) -> bool {
        false
    }
    fn window(&mut self, _window: &LoggedWindow) {}
    fn tick(&mut self, _row: &AuditedTick<'_>) {}
    fn ledger(&mut self, _row: &AuditedLedger<'_>) {}
}
