//! How the recorder is, in one word: the gravest of everything that is wrong at the moment.
//!
//! Pure: whoever sees a trouble raises it, whoever sees it gone clears it, and [`Health::change`] tells what there is to
//! tell. The words stand in the log, in the table `health` and in `--events`; docs/operations.md explains each.

use ayumi_engine::Stamp;

/// The states, the gravest first: the order decides which one is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Stopping,
    DiskFull,
    DiskError,
    DbLocked,
    WalTooLarge,
    Evicted,
    Storm,
    WaitingLogin,
    Token,
    WaitStation,
    Overflow,
    SchemaChanged,
    RestDown,
    Journal,
    Clock,
    WalPinned,
    Register,
    Quiet,
    /// Nothing is known yet.
    Boot,
    /// Nothing is wrong.
    Ok,
}

impl State {
    /// The word, as other programs see it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Stopping => "STOPPING",
            Self::DiskFull => "DEGRADED(DISK_FULL)",
            Self::DiskError => "DEGRADED(DISK_ERROR)",
            Self::DbLocked => "DEGRADED(DB_LOCKED)",
            Self::Evicted => "EVICTED",
            Self::Storm => "STORM",
            Self::WaitingLogin => "WAITING_LOGIN",
            Self::Token => "TOKEN",
            Self::WaitStation => "WAIT_STATION",
            Self::Overflow => "DEGRADED(OVERFLOW)",
            Self::SchemaChanged => "DEGRADED(SCHEMA_CHANGED)",
            Self::RestDown => "DEGRADED(REST_DOWN)",
            Self::Journal => "DEGRADED(JOURNAL)",
            Self::Clock => "DEGRADED(CLOCK)",
            Self::WalTooLarge => "DEGRADED(WAL_TOO_LARGE)",
            Self::WalPinned => "DEGRADED(WAL_PINNED)",
            Self::Register => "REGISTER",
            Self::Quiet => "QUIET",
            Self::Boot => "BOOT",
            Self::Ok => "OK",
        }
    }

    /// What to do, one sentence; empty when there is nothing to do.
    pub(crate) const fn advice(self) -> &'static str {
        match self {
            Self::DiskFull => "free some disk space; recording goes on by itself",
            Self::DiskError => "check the disk; windows wait in memory meanwhile",
            Self::DbLocked => "close the program that writes to the database; windows wait in memory meanwhile",
            Self::Evicted => {
                "another program uses the station's one PUSH line: stop it, or let it read the database of this one"
            }
            Self::Storm => {
                "the station cuts the line again and again; nothing to do, every gap is booked. Fewer symbols help if it lasts"
            }
            Self::WaitingLogin => "log in to kabu Station (two-factor); recording goes on by itself",
            Self::Token => "see the last warning about the token; PUSH is read all the same",
            Self::WaitStation => "start kabu Station, log in and switch the API on; recording starts by itself",
            Self::Overflow => "the disk is too slow for the messages: detail is merged, no volume is lost",
            Self::SchemaChanged => "kabu Station's messages have changed: look for a newer version of ayumi",
            Self::RestDown => "the station's REST does not answer; books come from PUSH meanwhile",
            Self::Journal => "check the disk of journal_dir; recording to the database goes on",
            Self::Clock => "let Windows set the time automatically",
            Self::WalTooLarge => {
                "close the program that keeps the database open: the -wal file grows until the disk is full"
            }
            Self::WalPinned => "close the program that keeps the database open, or let it finish its query",
            Self::Register => "see the last warning about registration",
            Self::Stopping | Self::Quiet | Self::Boot | Self::Ok => "",
        }
    }

    /// Whether the log has said why in a line of its own, right before.
    pub(crate) fn has_its_own_warning(self) -> bool {
        matches!(
            self,
            Self::DiskFull
                | Self::DiskError
                | Self::DbLocked
                | Self::WaitingLogin
                | Self::Token
                | Self::WaitStation
                | Self::RestDown
        )
    }

    /// Whether somebody should look at it.
    pub(crate) fn is_trouble(self) -> bool {
        !matches!(
            self,
            Self::Stopping | Self::Quiet | Self::Boot | Self::Ok | Self::Register
        )
    }
}

/// From one state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) at: Stamp,
    pub(crate) was: State,
    pub(crate) state: State,
    /// In a few words; may be empty.
    pub(crate) why: String,
}

/// Everything that is wrong now.
#[derive(Debug)]
pub(crate) struct Health {
    /// Sorted, the gravest first.
    standing: Vec<(State, String)>,
    shown: State,
}

impl Health {
    /// A recorder that has just started.
    pub(crate) fn new() -> Self {
        Self {
            standing: vec![(State::Boot, String::new())],
            shown: State::Boot,
        }
    }

    /// This is the case; said again it changes nothing.
    pub(crate) fn raise(&mut self, state: State, why: impl FnOnce() -> String) {
        if let Err(at) = self.standing.binary_search_by_key(&state, |(s, _)| *s) {
            self.standing.insert(at, (state, why()));
        }
    }

    /// This is not, or no longer, the case.
    pub(crate) fn clear(&mut self, state: State) {
        self.standing.retain(|(s, _)| *s != state);
    }

    /// [`Self::raise`] or [`Self::clear`].
    pub(crate) fn set(&mut self, state: State, is: bool, why: impl FnOnce() -> String) {
        if is {
            self.raise(state, why);
        } else {
            self.clear(state);
        }
    }

    /// Whether this is the case.
    pub(crate) fn is(&self, state: State) -> bool {
        self.standing.iter().any(|(s, _)| *s == state)
    }

    /// Nothing stands that would have to be watched; a quiet market ends with a message.
    pub(crate) fn is_well(&self) -> bool {
        self.standing.iter().all(|(s, _)| *s == State::Quiet)
    }

    /// The state to show, when it is another one than before.
    pub(crate) fn change(&mut self, now: Stamp) -> Option<Change> {
        let (state, why) = self.standing.first().map_or((State::Ok, ""), |(s, why)| (*s, why));
        if state == self.shown {
            return None;
        }
        let was = std::mem::replace(&mut self.shown, state);
        Some(Change {
            at: now,
            was,
            state,
            why: why.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Stamp = Stamp(7);

    fn shown(health: &mut Health) -> Option<(&'static str, String)> {
        health.change(NOW).map(|c| (c.state.word(), c.why))
    }

    #[test]
    fn the_gravest_is_shown_and_what_stands_behind_it_comes_back() {
        let mut health = Health::new();
        assert_eq!(shown(&mut health), None);
        health.clear(State::Boot);
        assert_eq!(shown(&mut health), Some(("OK", String::new())));
        health.raise(State::Register, || "2 symbols".into());
        assert_eq!(shown(&mut health), Some(("REGISTER", "2 symbols".into())));
        health.raise(State::DiskFull, || "disk".into());
        health.raise(State::WaitStation, || "refused".into());
        assert_eq!(shown(&mut health), Some(("DEGRADED(DISK_FULL)", "disk".into())));
        assert_eq!(shown(&mut health), None, "said once");
        health.raise(State::DiskFull, || unreachable!("it stands already"));
        health.clear(State::DiskFull);
        assert_eq!(shown(&mut health), Some(("WAIT_STATION", "refused".into())));
        health.set(State::WaitStation, false, String::new);
        assert_eq!(shown(&mut health), Some(("REGISTER", "2 symbols".into())));
        health.clear(State::Register);
        assert_eq!(shown(&mut health), Some(("OK", String::new())));
    }

    #[test]
    fn a_trouble_that_came_and_went_between_two_looks_is_no_news() {
        let mut health = Health::new();
        health.raise(State::Overflow, String::new);
        health.clear(State::Overflow);
        assert_eq!(shown(&mut health), None);
    }

    #[test]
    fn every_trouble_has_an_advice() {
        let all = [
            State::DiskFull,
            State::DiskError,
            State::DbLocked,
            State::Evicted,
            State::Storm,
            State::WaitingLogin,
            State::Token,
            State::WaitStation,
            State::Overflow,
            State::SchemaChanged,
            State::RestDown,
            State::Journal,
            State::Clock,
            State::WalPinned,
            State::WalTooLarge,
        ];
        for state in all {
            assert!(state.is_trouble() && !state.advice().is_empty() && state.advice().is_ascii());
        }
    }
}
