//! Values of flags: texts in, typed values or one sentence out.

use std::time::Duration;

use ayumi_engine::Symbol;
use ayumi_sim::{Speed, Time, well_known};
use ayumi_wire::jst::Date;
use secrecy::SecretString;

use crate::text;

/// The longest `--duration`: a year.
const LONGEST_MS: u64 = 366 * 86_400_000;

/// Reads `500ms`, `30s`, `5m`, `1h`, also put together: `1h30m`.
pub(super) fn duration(written: &str) -> Result<Duration, String> {
    let wrong = || "write a time with its unit, like 500ms, 30s, 5m, 1h or 1h30m (at most a year)".to_owned();
    let plain = text::half_width(written).trim().to_ascii_lowercase();
    let (mut rest, mut total_ms) = (plain.as_str(), 0u64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let unit = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(unit);
        let unit_ms: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        let part = number
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(unit_ms))
            .ok_or_else(wrong)?;
        total_ms = total_ms.checked_add(part).ok_or_else(wrong)?;
        rest = tail;
    }
    if (1..=LONGEST_MS).contains(&total_ms) {
        Ok(Duration::from_millis(total_ms))
    } else {
        Err(wrong())
    }
}

/// Reads `7203,9984@1`: commas or blanks between, empty items dropped, at least one symbol.
pub(super) fn symbols(written: &str) -> Result<Vec<Symbol>, String> {
    let plain = text::half_width(written);
    let items = plain
        .split([',', ' ', '、', ';'])
        .filter(|item| !item.trim().is_empty());
    let symbols = items
        .map(|item| item.parse().map_err(|error| text::cut(&format!("{error}"), 200)))
        .collect::<Result<Vec<Symbol>, String>>()?;
    if symbols.is_empty() {
        return Err("write codes with commas between, like 7203,9984".to_owned());
    }
    Ok(symbols)
}

/// As [`symbols`], or how many well-known ones: a number of one or two digits, since no code is that short.
pub(super) fn symbols_or_number(written: &str) -> Result<Vec<Symbol>, String> {
    let plain = text::half_width(written);
    let digits = plain.trim();
    if !(1..=2).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return symbols(written);
    }
    let number = digits.parse().unwrap_or(0);
    let found = well_known(number);
    match found.len() == number && number > 0 {
        true => Ok(found),
        false => Err(format!(
            "there are {} well-known symbols; name others by their codes",
            well_known(99).len()
        )),
    }
}

/// Reads a JST time: `08:59:30` alone, or with a date before it.
pub(super) fn time(written: &str) -> Result<Time, String> {
    Time::parse(&text::half_width(written))
        .ok_or_else(|| "write a time in JST like 08:59:30 (today) or 2026-11-20T08:59:30".to_owned())
}

/// Reads `0` or `1`, also PowerShell's `True` and `False`.
pub(super) fn verbose(written: &str) -> Result<u8, String> {
    match written.trim().trim_start_matches('$').to_ascii_lowercase().as_str() {
        "0" | "false" => Ok(0),
        "1" | "true" => Ok(1),
        _ => Err("0 shows warnings only, 1 shows everything worth knowing".to_owned()),
    }
}

/// Reads an exchange of the station.
pub(super) fn exchange(written: &str) -> Result<u16, String> {
    match text::half_width(written).trim().parse::<u16>() {
        Ok(exchange @ (1 | 2 | 3 | 5 | 6 | 23 | 24)) => Ok(exchange),
        _ => Err("write one of 1 (Tokyo), 3 (Nagoya), 5 (Fukuoka), 6 (Sapporo), 2, 23, 24 (derivatives)".to_owned()),
    }
}

/// Reads a factor above 0, with or without an `x` (`20`, `20x`, `x20`), or `full`.
pub(super) fn speed(written: &str) -> Result<Speed, String> {
    let plain = written.trim().to_ascii_lowercase();
    if plain == "full" {
        return Ok(Speed::Full);
    }
    match plain.trim_matches('x').parse::<f64>() {
        Ok(times) if (0.001..=100_000.0).contains(&times) => Ok(Speed::Times(times)),
        _ => Err("write a factor like 1, 20 or 0.5, or full".to_owned()),
    }
}

/// Reads a date as in `2026-11-20`.
pub(super) fn date(written: &str) -> Result<Date, String> {
    Date::parse(text::half_width(written).trim()).ok_or_else(|| "write a date like 2026-11-20".to_owned())
}

/// Reads a factor of real time; 0 = no waiting.
pub(super) fn replay_speed(written: &str) -> Result<f64, String> {
    match written.trim().trim_matches(['x', 'X']).parse::<f64>() {
        Ok(times) if times == 0.0 || (0.001..=100_000.0).contains(&times) => Ok(times),
        _ => Err("write a factor like 1, 20 or 0.5; 0 = no waiting".to_owned()),
    }
}

/// Reads seconds, with a fraction or without.
pub(super) fn seconds(written: &str) -> Result<Duration, String> {
    let plain = written.trim().trim_end_matches(['s', 'S']);
    let seconds = plain.parse::<f64>().ok().filter(|s| (0.0..=86_400.0).contains(s));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "write seconds, from 0 to 86400".to_owned())
}

/// Reads messages per second.
pub(super) fn rate(written: &str) -> Result<f64, String> {
    match written.trim().parse::<f64>() {
        Ok(rate) if (0.01..=1_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("write messages per second, from 0.01 to 1000000".to_owned()),
    }
}

/// Takes any text but an empty one as a secret of the simulator.
pub(super) fn secret(written: &str) -> Result<SecretString, String> {
    match written.trim().is_empty() {
        true => Err("it must not be empty; leave the option away, and any will do".to_owned()),
        false => Ok(SecretString::from(written.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (written, ms) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("1h30m", 5_400_000),
            (" 30S ", 30_000),
            ("３０s", 30_000),
        ] {
            assert_eq!(duration(written), Ok(Duration::from_millis(ms)), "{written}");
        }
        for wrong in [
            "",
            "30",
            "s",
            "0s",
            "-5s",
            "1.5h",
            "5d",
            "5 m",
            "99999999999999999999s",
            "9999999h",
            "30sec",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn symbols_as_people_type_them() {
        let codes = |written| symbols(written).map(|list| list.iter().map(Symbol::to_string).collect::<Vec<_>>());
        assert_eq!(codes("7203, 9984 ,"), Ok(vec!["7203@1".into(), "9984@1".into()]));
        assert_eq!(
            codes("285a 167060019@23"),
            Ok(vec!["285A@1".into(), "167060019@23".into()])
        );
        assert_eq!(codes("７２０３、９９８４"), Ok(vec!["7203@1".into(), "9984@1".into()]));
        for wrong in ["", " , ", "7203,x!y", "7203@9"] {
            assert!(codes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn factors_and_switches() {
        assert_eq!(speed("20"), Ok(Speed::Times(20.0)));
        assert_eq!(speed("x20"), Ok(Speed::Times(20.0)));
        assert_eq!(speed("Full"), Ok(Speed::Full));
        assert!(
            ["", "0", "-1", "nan", "inf", "fast"]
                .iter()
                .all(|wrong| speed(wrong).is_err())
        );
        assert!(["", "0", "nan", "x"].iter().all(|wrong| rate(wrong).is_err()));
        assert_eq!(verbose("$True"), Ok(1));
        assert!(verbose("2").is_err());
    }
}
