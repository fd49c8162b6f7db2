//! One file per command: from parsed arguments to an exit code.

mod bar;
pub mod demo;
pub mod doctor;
pub mod export;
pub mod naut;
pub mod register;
pub mod replay;
pub mod sim;
pub mod stream;
pub mod verify;

use std::path::{Path, PathBuf};

use ayumi_engine::Symbol;

use crate::exit::Exit;
use crate::settings::{self, Overrides, Settings};
use crate::text;

/// The database of a command that only reads: as given, or that of the settings, which need no symbols then.
fn database(db: Option<&PathBuf>, config: Option<&PathBuf>, symbols: Option<&Vec<Symbol>>) -> Result<PathBuf, Exit> {
    let config = match (db, config) {
        (Some(db), _) => return Ok(db.clone()),
        (None, Some(config)) => config,
        (None, None) => return Err(Exit::Usage),
    };
    let overrides = Overrides {
        symbols: symbols.cloned(),
        offline: true,
        symbols_optional: true,
        ..Overrides::default()
    };
    Ok(settings_of(config, &overrides, false)?.db_path)
}

/// The settings of a command. `Err`: what the command ends with, because they are wrong, which is said, or because they
/// were only to be shown (`--check-config`).
fn settings_of(path: &Path, overrides: &Overrides, only_show: bool) -> Result<Settings, Exit> {
    match settings::load(path, overrides, &settings::process_env) {
        Ok(settings) if only_show => {
            text::stdout_line(&settings.table());
            Err(Exit::Done)
        }
        Ok(settings) => Ok(settings),
        Err(error) => {
            text::stderr_line(&error.to_string());
            Err(Exit::Usage)
        }
    }
}
