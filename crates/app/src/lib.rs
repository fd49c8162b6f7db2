//! `ayumi`: records kabu Station's PUSH messages into SQLite, one micro-batch every 300 ms.
//!
//! A library only so that its readers of other people's files can be fuzzed; the program is [`run`].

mod args;
mod clock;
mod commands;
mod doctor;
mod events;
mod exit;
mod export;
mod fault;
#[cfg(fuzzing)]
pub mod fuzzing;
mod journal;
mod logging;
mod naut;
mod register;
mod replay;
mod settings;
mod signals;
mod text;
mod verify;
mod watch;
mod worker;

use std::process::ExitCode;

use args::Command;
use exit::Exit;

/// The program: reads the command line, does what it says.
#[must_use]
pub fn run() -> ExitCode {
    exit::install_panic_hook();
    let exit = match args::parse(std::env::args_os().skip(1)) {
        Ok(command) => dispatch(&command),
        Err(message) => {
            let say = if message.exit == Exit::Done {
                text::stdout_line
            } else {
                text::stderr_line
            };
            say(&message.text);
            message.exit
        }
    };
    exit.into()
}

fn dispatch(command: &Command) -> Exit {
    match command {
        Command::Stream(args) => commands::stream::run(args),
        Command::Sim(args) => commands::sim::run(args),
        Command::Demo(args) => commands::demo::run(args),
        Command::Replay(args) => commands::replay::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Register(args) => commands::register::register(args),
        Command::Unregister(args) => commands::register::unregister(args),
        Command::Naut(args) => commands::naut::run(args),
        Command::Verify(args) => commands::verify::run(args),
        Command::Doctor(args) => commands::doctor::run(args),
    }
}
