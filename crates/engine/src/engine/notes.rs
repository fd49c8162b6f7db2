//! Log-worthy events, at most one per kind and interval; the rest is counted and told with the next one.

use crate::stamp::Stamp;

/// Rate limit of one kind of note.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limiter {
    last: Option<Stamp>,
    unsaid: u64,
}

impl Limiter {
    /// `Some(n)` when a note is due; n others were left unsaid since the last one.
    pub(super) fn say(&mut self, interval_ms: i64, now: Stamp) -> Option<u64> {
        if self.last.is_some_and(|last| now.ms_since(last) < interval_ms) {
            self.unsaid += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

/// The beginning of a payload as printable ASCII, for one log line.
pub(super) fn sample(payload: &[u8]) -> String {
    const SHOWN: usize = 60;
    let mut text: String = payload
        .iter()
        .take(SHOWN)
        .map(|&b| if (0x20..0x7F).contains(&b) { char::from(b) } else { '?' })
        .collect();
    if payload.len() > SHOWN {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d03_one_note_per_interval_tells_how_many_were_left_out() {
        let mut limiter = Limiter::default();
        let say: Vec<_> = [0, 10, 59_999, 60_000, 60_001]
            .iter()
            .map(|&ms| limiter.say(60_000, Stamp::from_ms(ms)))
            .collect();
        assert_eq!(say, [Some(0), None, None, Some(2), None]);
    }

    #[test]
    fn samples_are_short_and_printable() {
        assert_eq!(sample("{\"a\":\u{1b}[31m銘".as_bytes()), "{\"a\":?[31m???");
        assert_eq!(sample(&[b'x'; 61]).len(), 63);
    }
}
