//! When a token may be fetched. Pure: every new token kills all others (kabusapi #4), and a wrong password or a station
//! that nobody is logged in to must not be hammered.

use std::time::{Duration, Instant};

use super::RestError;

/// What asks for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// There is none yet.
    Missing,
    /// 4001009.
    Mismatch,
    /// 4001007, 4001017.
    NotLoggedIn,
}

/// The times of `POST /token`.
#[derive(Debug)]
pub(super) struct Login {
    /// Between attempts that may each replace a token.
    minute: Duration,
    /// Between attempts while the station refuses anyway.
    half_minute: Duration,
    /// Between attempts while it says that nobody is logged in. Asking whether that still holds is cheap and is no
    /// attempt ([`super::Job::Look`]); this is for a station whose answers to that question are wrong.
    five_minutes: Duration,
    last: Option<(Instant, Result<(), RestError>)>,
    /// Nobody is logged in: since when, and the answer that said so.
    out: Option<(Instant, RestError)>,
    /// Somebody was logged out since the last token, so that one is dead for certain.
    was_out: bool,
}

impl Login {
    /// `minute` on the clock in use.
    pub(super) fn new(minute: Duration) -> Self {
        Self {
            minute,
            half_minute: minute / 2,
            five_minutes: minute * 5,
            last: None,
            out: None,
            was_out: false,
        }
    }

    /// What a call with the token was answered; whether somebody is logged in can be told from it, or not.
    pub(super) fn heard(&mut self, now: Instant, outcome: Result<(), &RestError>) {
        match outcome {
            Err(error @ RestError::NotLoggedIn(_)) => {
                self.was_out = true;
                self.out.get_or_insert_with(|| (now, error.clone()));
            }
            Err(
                RestError::Transport(_) | RestError::Maintenance(_) | RestError::RateLimited(_) | RestError::Stopped,
            ) => {}
            Ok(()) | Err(_) => self.out = None,
        }
    }

    /// May a token be fetched now? Otherwise why the last attempt failed, if it did.
    pub(super) fn allowed(&self, now: Instant, why: Why) -> Result<(), Option<RestError>> {
        if let Some((since, error)) = &self.out {
            let from = self.last.as_ref().map_or(*since, |(at, _)| *since.max(at));
            return match now.saturating_duration_since(from) >= self.five_minutes {
                true => Ok(()),
                false => Err(Some(error.clone())),
            };
        }
        let Some((at, outcome)) = &self.last else {
            return Ok(());
        };
        // A wrong password does not get right by repeating it; only a restart with other settings helps.
        if let Err(e @ (RestError::WrongPassword(_) | RestError::WrongEnvironment(_))) = outcome {
            return Err(Some(e.clone()));
        }
        let pause = if !self.was_out && (outcome.is_ok() || why == Why::Mismatch) {
            self.minute
        } else {
            self.half_minute
        };
        if now.saturating_duration_since(*at) >= pause {
            Ok(())
        } else {
            Err(outcome.clone().err())
        }
    }

    /// An attempt ended. True if the outcome is another one than last time: worth a log line.
    pub(super) fn note(&mut self, now: Instant, outcome: Result<(), RestError>) -> bool {
        match &outcome {
            Ok(()) => self.was_out = false,
            Err(error) => self.heard(now, Err(error)),
        }
        let news = self.last.as_ref().is_none_or(|(_, last)| *last != outcome);
        self.last = Some((now, outcome));
        news
    }
}

#[cfg(test)]
mod tests {
    use super::super::Answer;
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HALF: Duration = Duration::from_secs(30);

    fn answer() -> Answer {
        Answer {
            status: 401,
            code: 1,
            message: String::new(),
        }
    }

    #[test]
    fn r03_r11_at_most_one_token_a_minute() {
        let mut login = Login::new(MINUTE);
        let t = Instant::now();
        assert_eq!(login.allowed(t, Why::Mismatch), Ok(()));
        login.note(t, Ok(()));
        for why in [Why::Mismatch, Why::NotLoggedIn, Why::Missing] {
            assert_eq!(login.allowed(t + HALF, why), Err(None));
            assert_eq!(login.allowed(t + MINUTE, why), Ok(()));
        }
    }

    #[test]
    fn r02_at_most_one_login_attempt_per_thirty_seconds() {
        let out = || RestError::NotLoggedIn(answer());
        let mismatch = RestError::KeyMismatch(answer());
        let mut login = Login::new(MINUTE);
        let t = Instant::now();
        assert!(login.note(t, Err(out())));
        assert!(!login.note(t, Err(out())), "said once");
        // A station that goes on saying so is not asked for a token, but for the case that it is wrong.
        for why in [Why::NotLoggedIn, Why::Missing] {
            assert_eq!(login.allowed(t + MINUTE * 5 - HALF, why), Err(Some(out())));
            assert_eq!(login.allowed(t + MINUTE * 5, why), Ok(()));
        }
        // Another answer means that somebody has logged in.
        login.heard(t + HALF / 2, Err(&mismatch));
        assert!(login.allowed(t + HALF / 2, Why::Mismatch).is_err());
        assert_eq!(login.allowed(t + HALF, Why::Mismatch), Ok(()));
    }

    #[test]
    fn r02_a_logout_and_a_login_cost_no_attempt_but_the_one_that_succeeds() {
        let mut login = Login::new(MINUTE);
        let t = Instant::now();
        login.note(t, Ok(()));
        let dawn = t + MINUTE * 600;
        login.heard(dawn, Err(&RestError::NotLoggedIn(answer())));
        assert!(login.allowed(dawn + MINUTE * 4, Why::NotLoggedIn).is_err());
        login.heard(dawn + MINUTE * 4, Err(&RestError::Maintenance(answer())));
        assert!(
            login.allowed(dawn + MINUTE * 4, Why::NotLoggedIn).is_err(),
            "that tells nothing"
        );
        login.heard(dawn + MINUTE * 4, Err(&RestError::KeyMismatch(answer())));
        assert_eq!(login.allowed(dawn + MINUTE * 4, Why::Mismatch), Ok(()));
    }

    #[test]
    fn r02_who_logs_in_right_after_a_logout_waits_thirty_seconds_and_not_sixty() {
        let mut login = Login::new(MINUTE);
        let t = Instant::now();
        login.note(t, Ok(()));
        login.heard(t + HALF / 3, Err(&RestError::NotLoggedIn(answer())));
        login.heard(t + HALF / 2, Err(&RestError::KeyMismatch(answer())));
        assert!(login.allowed(t + HALF / 2, Why::Mismatch).is_err());
        assert_eq!(login.allowed(t + HALF, Why::Mismatch), Ok(()));
    }

    #[test]
    fn r01_a_wrong_password_is_not_repeated() {
        let mut login = Login::new(MINUTE);
        let t = Instant::now();
        login.note(t, Err(RestError::WrongPassword(answer())));
        let later = login.allowed(t + MINUTE * 600, Why::Missing);
        assert_eq!(later, Err(Some(RestError::WrongPassword(answer()))));
    }
}
