//! `ayumi register` and `ayumi unregister`: the station's list from a watchlist, and back.
//!
//! Commands beside a running recorder: they write no log file, take no lock, and touch the settings file only when
//! `--write-guard` says so.

mod guard;
mod say;

use std::path::Path;
use std::time::Duration;

use ayumi_engine::Symbol;
use ayumi_station::{Client, Entry, RestConfig, RestError};
use secrecy::ExposeSecret;

use super::replay::console_log;
use crate::args::{RegisterArgs, UnregisterArgs};
use crate::exit::Exit;
use crate::logging::LogHandle;
use crate::register::{self, Watchlist};
use crate::settings::{self, Mode, Overrides, Settings};
use crate::text::{self, redact};

/// How long the console may take for what was logged.
const FLUSH: Duration = Duration::from_millis(500);

/// Runs `ayumi register`.
pub fn register(args: &RegisterArgs) -> Exit {
    let read = || {
        let settings = settings(Some(&args.config), args.dry_run, true)?;
        let list = register::read(&args.input, args.exchange).map_err(|e| e.to_string())?;
        Ok::<_, String>((settings, list))
    };
    let (settings, mut list) = match read() {
        Ok(read) => read,
        Err(why) => {
            text::stderr_line(&why);
            return Exit::Usage;
        }
    };
    let log = console_log(args.level);
    warnings(&settings);
    let most = args.max.unwrap_or(settings.register_max);
    let left_out = list.cut(most);
    say::watchlist(&args.input, &list, &left_out, most);
    if args.dry_run {
        log.flush(FLUSH);
        say::dry_run(args, &settings, &list, &left_out);
        return Exit::Done;
    }
    let mut task = Task::new(&settings, args, &log);
    let exit = task.register(&list, left_out.len());
    log.flush(FLUSH);
    exit
}

/// Runs `ayumi unregister`.
pub fn unregister(args: &UnregisterArgs) -> Exit {
    let has_symbols = args.all || args.input.is_some();
    let read = || {
        let settings = settings(args.config.as_deref(), args.dry_run, has_symbols)?;
        let list = args.input.as_ref().map(|path| register::read(path, args.exchange));
        Ok::<_, String>((settings, list.transpose().map_err(|e| e.to_string())?))
    };
    let (settings, list) = match read() {
        Ok(read) => read,
        Err(why) => {
            text::stderr_line(&why);
            return Exit::Usage;
        }
    };
    let log = console_log(args.level);
    warnings(&settings);
    if let (Some(path), Some(list)) = (&args.input, &list) {
        say::watchlist(path, list, &[], u16::MAX);
    }
    let symbols = entries(list.as_ref().map_or(&settings.symbols, |list| &list.symbols));
    if args.dry_run {
        log.flush(FLUSH);
        say::dry_unregister(&settings, (!args.all).then_some(symbols.as_slice()));
        return Exit::Done;
    }
    let mut client = client(&settings);
    let removal = match args.all {
        true => client.unregister_all(),
        false => client.unregister(&symbols),
    };
    forbid_token(&client);
    let exit = say::removal(&settings, &removal);
    log.flush(FLUSH);
    text::stdout_line(&say::removal_line(&removal));
    exit
}

/// One `ayumi register` with valid settings.
struct Task<'a> {
    settings: &'a Settings,
    args: &'a RegisterArgs,
    log: &'a LogHandle,
    client: Client,
}

impl<'a> Task<'a> {
    fn new(settings: &'a Settings, args: &'a RegisterArgs, log: &'a LogHandle) -> Self {
        Self {
            settings,
            args,
            log,
            client: client(settings),
        }
    }

    fn register(&mut self, list: &Watchlist, left_out: usize) -> Exit {
        let asked = entries(&list.symbols);
        let registered = self.client.register(&asked);
        forbid_token(&self.client);
        let exit = say::registered(self.settings, &self.args.config, &asked, &registered);
        self.log.flush(FLUSH);
        text::stdout_line(&say::registered_line(&asked, &registered, left_out));
        if !self.args.write_guard {
            return exit;
        }
        if registered.report.error.is_some() {
            log::warn!("price_guard was not written: the registration did not come to its end");
            return exit;
        }
        // Others would take a slot of the list, or are unknown to the station anyway.
        let on_list = |symbol: &&Symbol| registered.list.contains(&entry(symbol));
        let symbols: Vec<Symbol> = list.symbols.iter().filter(on_list).cloned().collect();
        match guard::write(&mut self.client, self.settings, &self.args.config, &symbols) {
            Ok(written) => {
                self.log.flush(FLUSH);
                text::stdout_line(&written.line);
                if written.failed { Exit::StationError } else { exit }
            }
            Err(failed) => failed,
        }
    }
}

/// Settings for asking the station; with `other_symbols` those of the file may be missing.
fn settings(config: Option<&Path>, dry_run: bool, other_symbols: bool) -> Result<Settings, String> {
    let overrides = Overrides {
        // These commands ask the station also when the recorder is set to invented ticks.
        mode: Some(Mode::Online),
        offline: dry_run,
        symbols_optional: other_symbols,
        ..Overrides::default()
    };
    match config {
        Some(path) => settings::load(path, &overrides, &settings::process_env).map_err(|e| e.to_string()),
        None => settings::without_file(&overrides, &settings::process_env).map_err(|_| {
            "error: no settings file is given, and the environment holds no usable KABU_TOKEN or KABU_API_PASSWORD\n  \
             next: ayumi unregister -Config config/stream_settings.json"
                .to_owned()
        }),
    }
}

fn client(settings: &Settings) -> Client {
    Client::new(RestConfig {
        host: settings.host.clone(),
        port: settings.port,
        token: settings.token.clone(),
        api_password: settings.api_password.clone(),
        ..RestConfig::default()
    })
}

/// A token that was fetched must not be printed either, should the station echo it.
fn forbid_token(client: &Client) {
    if let Some(token) = client.token() {
        redact::forbid(token.expose_secret());
    }
}

fn warnings(settings: &Settings) {
    for note in settings.notes.iter().filter(|note| note.warning) {
        log::warn!("{}", note.text);
    }
}

/// How a failed call ends the command.
fn exit_of(error: &RestError) -> Exit {
    match error {
        RestError::Transport(_) => Exit::Unreachable,
        _ => Exit::StationError,
    }
}

fn entry(symbol: &Symbol) -> Entry {
    Entry {
        symbol: symbol.code.clone(),
        exchange: symbol.exchange,
    }
}

fn entries(symbols: &[Symbol]) -> Vec<Entry> {
    symbols.iter().map(entry).collect()
}
