//! What goes wrong in a soak.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::Result;
use ayumi_sim::{Cut, SimHandle};
use rusqlite::Connection;

use crate::random::Random;
use crate::recorder::Desk;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Reset,
    Silence,
    TokenLost,
    ListLost,
    Logout,
    Kill,
    Lock,
}

impl Fault {
    pub(super) fn draw(random: &mut Random) -> Self {
        match random.below(10) {
            0..=2 => Self::Reset,
            3 => Self::Silence,
            4 => Self::TokenLost,
            5 => Self::ListLost,
            6 => Self::Logout,
            7 => Self::Kill,
            _ => Self::Lock,
        }
    }
}

/// How often each happened.
#[derive(Default)]
pub(super) struct Faults(BTreeMap<Fault, u64>);

impl Faults {
    pub(super) fn count(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |fault: &Fault| match fault {
            Fault::Reset => "resets",
            Fault::Silence => "silences",
            Fault::TokenLost => "tokens replaced",
            Fault::ListLost => "lists lost",
            Fault::Logout => "logouts",
            Fault::Kill => "kills",
            Fault::Lock => "locks",
        };
        let counts: Vec<String> = self.0.iter().map(|(fault, n)| format!("{n} {}", name(fault))).collect();
        f.write_str(&counts.join(", "))
    }
}

/// Lets it happen, and passes when it lasts; a kill is the caller's.
pub(super) fn apply(fault: Fault, station: &SimHandle, desk: &Desk, random: &mut Random) -> Result<()> {
    let span = Duration::from_millis(200 + random.below(3_000));
    match fault {
        Fault::Reset => station.cut(Cut::Reset),
        Fault::Silence => {
            station.cut(Cut::Stall);
            std::thread::sleep(span);
            station.cut(Cut::Resume);
        }
        Fault::TokenLost => station.replace_token(),
        Fault::ListLost => {
            station.lose_list();
            // The station forgets it when the application starts anew, and that cuts the line, too.
            station.cut(Cut::Reset);
        }
        Fault::Logout => {
            station.kill_token();
            std::thread::sleep(span);
            station.login();
        }
        Fault::Lock => {
            let other = Connection::open(desk.db())?;
            other.busy_timeout(Duration::from_secs(5))?;
            other.execute_batch("BEGIN IMMEDIATE")?;
            std::thread::sleep(span);
            other.execute_batch("ROLLBACK")?;
        }
        Fault::Kill => {}
    }
    Ok(())
}
