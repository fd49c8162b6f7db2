//! Recording hours: `09:00-11:30,12:30-15:30`.

use crate::text;

const DAY_S: u32 = 86_400;

/// Reads spans of JST times of day, as seconds `[from, to)`, sorted. A span over midnight becomes two.
///
/// The error says what is wrong, as the end of a sentence that starts with what is allowed.
pub(super) fn parse(written: &str) -> Result<Vec<(u32, u32)>, String> {
    let plain = text::half_width(written).replace(['~', '〜', '–', '−'], "-");
    let mut spans = Vec::new();
    for part in plain.split([',', '、']).map(str::trim).filter(|part| !part.is_empty()) {
        let (from, to) = part
            .split_once('-')
            .ok_or_else(|| format!("\"{part}\" has no - between two times"))?;
        let (from, to) = (time(from)?, time(to)?);
        if from == to || from >= DAY_S {
            return Err(format!("\"{part}\" has no length"));
        }
        if from < to {
            spans.push((from, to));
        } else {
            spans.push((from, DAY_S));
            if to > 0 {
                spans.push((0, to));
            }
        }
    }
    spans.sort_unstable();
    if let Some(pair) = spans.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        return Err(format!(
            "the span that begins at {} overlaps the one before it",
            clock(pair[1].0)
        ));
    }
    Ok(spans)
}

/// The spans as text, `09:00-11:30,12:30-15:30`.
pub(super) fn show(spans: &[(u32, u32)]) -> String {
    let parts: Vec<String> = spans
        .iter()
        .map(|(from, to)| format!("{}-{}", clock(*from), clock(*to)))
        .collect();
    parts.join(",")
}

fn clock(second: u32) -> String {
    let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
    if seconds == 0 {
        format!("{hours:02}:{minutes:02}")
    } else {
        format!("{hours:02}:{minutes:02}:{seconds:02}")
    }
}

fn time(written: &str) -> Result<u32, String> {
    let written = written.trim();
    let wrong = || format!("\"{}\" is no time of day", text::cut(written, 20));
    let number = |part: &str| {
        let digits = !part.is_empty() && part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<u32>().ok()).flatten().ok_or_else(wrong)
    };
    let parts = written.split(':').map(number).collect::<Result<Vec<u32>, String>>()?;
    let (hours, minutes, seconds) = match parts[..] {
        [h, m] => (h, m, 0),
        [h, m, s] => (h, m, s),
        _ => return Err(wrong()),
    };
    let second = hours * 3600 + minutes * 60 + seconds;
    if minutes > 59 || seconds > 59 || second > DAY_S {
        return Err(wrong());
    }
    Ok(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_in_every_spelling() {
        let day = Ok(vec![(32_400, 41_400), (45_000, 55_800)]);
        assert_eq!(parse("09:00-11:30,12:30-15:30"), day);
        assert_eq!(parse(" 12:30 - 15:30 , 9:00-11:30, "), day);
        assert_eq!(parse("０９：００〜１１：３０，１２：３０～１５：３０"), day);
        assert_eq!(parse("00:00-24:00"), Ok(vec![(0, 86_400)]));
        assert_eq!(parse("16:30-06:00"), Ok(vec![(0, 21_600), (59_400, 86_400)]));
        assert_eq!(parse("16:30-00:00"), Ok(vec![(59_400, 86_400)]));
        assert_eq!(
            parse("09:00:30-09:00:45").map(|spans| show(&spans)),
            Ok("09:00:30-09:00:45".into())
        );
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(
            show(&parse("9:00-11:30,12:30-15:30").expect("valid")),
            "09:00-11:30,12:30-15:30"
        );
    }

    #[test]
    fn c03_wrong_spans_say_what_is_wrong() {
        for (written, said) in [
            ("09:00", "no -"),
            ("09:00-09:00", "no length"),
            ("24:00-25:00", "no time"),
            ("24:00-06:00", "no length"),
            ("09:60-10:00", "no time"),
            ("9-11", "no time"),
            ("-", "no time"),
            ("a-b", "no time"),
            ("09:00-11:30,11:00-12:00", "overlaps"),
            ("22:00-06:00,05:00-07:00", "overlaps"),
            ("99999999999:00-11:00", "no time"),
        ] {
            let error = parse(written).expect_err(written);
            assert!(error.contains(said), "{written}: {error}");
        }
    }
}
