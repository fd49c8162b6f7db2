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
    last: Option<(Instant, Result<(), RestError>)>,
}

impl Login {
    pub(super) fn new(minute: Duration, half_minute: Duration) -> Self {
        Self {
            minute,
            half_minute,
            last: None,
        }
    }

    /// May a token be fetched now? Otherwise why the last attempt failed, if it did.
    pub(super) fn allowed(&self, now: Instant, why: Why) -> Result<(), Option<RestError>> {
        let Some((at, outcome)) = &self.last else {
            return Ok(());
        };
        // A wrong password does not get right by repeating it; only a restart with other settings helps.
        if let Err(e @ (RestError::WrongPassword(_) | RestError::WrongEnvironment(_))) = outcome {
            return Err(Some(e.clone()));
        }
        let pause = if outcome.is_ok() || why == Why::Mismatch {
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
        let mut login = Login::new(MINUTE, HALF);
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
        let mut login = Login::new(MINUTE, HALF);
        let t = Instant::now();
        assert!(login.note(t, Err(RestError::NotLoggedIn(answer()))));
        assert!(!login.note(t, Err(RestError::NotLoggedIn(answer()))), "said once");
        assert!(login.allowed(t + HALF / 2, Why::NotLoggedIn).is_err());
        assert_eq!(login.allowed(t + HALF, Why::NotLoggedIn), Ok(()));
        assert_eq!(login.allowed(t + HALF, Why::Missing), Ok(()));
        assert!(login.allowed(t + HALF, Why::Mismatch).is_err());
    }

    #[test]
    fn r01_a_wrong_password_is_not_repeated() {
        let mut login = Login::new(MINUTE, HALF);
        let t = Instant::now();
        login.note(t, Err(RestError::WrongPassword(answer())));
        let later = login.allowed(t + MINUTE * 600, Why::Missing);
        assert_eq!(later, Err(Some(RestError::WrongPassword(answer()))));
    }
}
