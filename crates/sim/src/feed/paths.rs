//! Price paths from a file: one day of it, read once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use ayumi_engine::Symbol;
use ayumi_wire::jst::Date;
use ayumi_wire::num::{Decimal, Price};
use flate2::read::MultiGzDecoder;

use crate::config::SimError;
use crate::exchange::{Dice, Path as PricePath};

/// Columns of the file.
const COLUMNS: &str = "date,symbol,time,price";
/// A longer line is no line of prices.
const MAX_LINE: u64 = 4_096;

/// The paths of the day to play: that of `start`, or one drawn from the seed when the file does not have it.
///
/// The file is a CSV of `date,symbol,time,price` (dates `20250317` or `2025-03-17`), plain or gzip, its days in
/// any order. It is read once from end to end; beside the day drawn so far only the last price of every day is kept.
pub(crate) fn read(path: &Path, start: Date, seed: u64) -> Result<BTreeMap<Symbol, PricePath>, SimError> {
    let failed = |line: u64, reason: String| SimError::Prices {
        path: path.to_owned(),
        line,
        reason,
    };
    let mut input = open(path).map_err(|e| failed(0, e.to_string()))?;
    let mut reading = Reading::new(start, seed);
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        let read = input.by_ref().take(MAX_LINE).read_line(&mut text);
        if read.map_err(|e| failed(line, e.to_string()))? == 0 {
            break;
        }
        let row = text.trim();
        if row.is_empty() || (line == 1 && row.eq_ignore_ascii_case(COLUMNS)) {
            continue;
        }
        reading.row(row).map_err(|reason| failed(line, reason))?;
    }
    let paths = reading.finish();
    match paths.is_empty() {
        true => Err(failed(1, "there is no price in it".to_owned())),
        false => Ok(paths),
    }
}

/// What is known of the file so far.
struct Reading {
    start: Date,
    dice: Dice,
    /// Last prices, by symbol and day.
    closes: BTreeMap<Symbol, BTreeMap<Date, Price>>,
    seen: BTreeSet<Date>,
    date: Option<Date>,
    /// The day kept, and its rows.
    kept: Option<Date>,
    points: BTreeMap<Symbol, Vec<(u32, Price)>>,
    /// The symbol of the last row, so that a run of rows costs one look-up.
    current: Option<(String, Symbol)>,
}

impl Reading {
    fn new(start: Date, seed: u64) -> Self {
        Self {
            start,
            dice: Dice::new(seed, "paths", "day"),
            closes: BTreeMap::new(),
            seen: BTreeSet::new(),
            date: None,
            kept: None,
            points: BTreeMap::new(),
            current: None,
        }
    }

    fn row(&mut self, row: &str) -> Result<(), String> {
        let fields: Vec<&str> = row.split(',').map(str::trim).collect();
        let [date, symbol, time, price] = fields[..] else {
            return Err(format!("expected the columns {COLUMNS}"));
        };
        let date = date_of(date).ok_or_else(|| format!("{date:?} is no date; write 20250317 or 2025-03-17"))?;
        let second = second_of(time).ok_or_else(|| format!("{time:?} is no time; write 09:00:00"))?;
        let price = Decimal::parse(price)
            .filter(|p| p.exact && p.e4 > 0)
            .map(|p| Price(p.e4))
            .ok_or_else(|| format!("{price:?} is no price above 0 with up to four decimals"))?;
        if self.current.as_ref().is_none_or(|(text, _)| text != symbol) {
            let parsed = symbol.parse::<Symbol>().map_err(|e| e.to_string())?;
            self.current = Some((symbol.to_owned(), parsed));
        }
        self.enter(date);
        let Some((_, symbol)) = &self.current else {
            return Ok(());
        };
        if self.kept == self.date {
            let points = at_or_new(&mut self.points, symbol);
            if points.last().is_some_and(|last| last.0 >= second) {
                return Err(format!("the times of {symbol} must rise within a day"));
            }
            points.push((second, price));
        }
        at_or_new(&mut self.closes, symbol).insert(date, price);
        Ok(())
    }

    /// A new day is kept with a chance of one in the days so far, so that at the end all were equally likely; that of
    /// the start is kept for good.
    fn enter(&mut self, date: Date) {
        if self.date == Some(date) {
            return;
        }
        self.date = Some(date);
        if !self.seen.insert(date) {
            return;
        }
        let drawn = self.dice.below(self.seen.len() as i64) == 0;
        if date == self.start || (drawn && self.kept != Some(self.start)) {
            self.kept = Some(date);
            self.points.clear();
        }
    }

    fn finish(self) -> BTreeMap<Symbol, PricePath> {
        let Some(kept) = self.kept else {
            return BTreeMap::new();
        };
        let closes = &self.closes;
        let path = |(symbol, points): (Symbol, Vec<(u32, Price)>)| {
            let before = closes.get(&symbol).and_then(|days| days.range(..kept).next_back());
            let first = points.first().map(|point| point.1);
            let previous_close = before.map(|day| *day.1).or(first).unwrap_or_default();
            (symbol, PricePath { previous_close, points })
        };
        self.points.into_iter().map(path).collect()
    }
}

/// The entry of a symbol; its name is copied only once.
fn at_or_new<'a, T: Default>(map: &'a mut BTreeMap<Symbol, T>, symbol: &Symbol) -> &'a mut T {
    if !map.contains_key(symbol) {
        map.insert(symbol.clone(), T::default());
    }
    map.get_mut(symbol).expect("it was put in where it was missing")
}

/// `20250317` or `2025-03-17`.
fn date_of(text: &str) -> Option<Date> {
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        let number: u32 = text.parse().ok()?;
        return Date::new(
            (number / 10_000) as i32,
            (number / 100 % 100) as u8,
            (number % 100) as u8,
        );
    }
    Date::parse(text)
}

/// `09:00:00`, with or without a fraction.
fn second_of(text: &str) -> Option<u32> {
    let whole = text.split('.').next()?;
    let mut parts = whole.split(':').map(|part| part.parse::<u32>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    (parts.next().is_none() && hour < 24 && minute < 60 && second < 60).then_some((hour * 60 + minute) * 60 + second)
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file = File::open(path)?;
    let mut magic = [0u8; 2];
    let packed = file.read_exact(&mut magic).is_ok() && magic == [0x1F, 0x8B];
    file.seek(SeekFrom::Start(0))?;
    Ok(match packed {
        true => Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file))),
        false => Box::new(BufReader::with_capacity(1 << 16, file)),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const FILE: &str = "date,symbol,time,price\n\
        20250317,7203,09:00:00,2750.5\n20250317,7203,15:30:00,2760\n\
        20250317,8306,09:00:01,2018\n20250317,8306,15:30:00,2030\n\
        2025-03-18,7203,09:00:00,2804.5\n2025-03-18,7203,09:00:01,2805\n2025-03-18,7011,09:02:30,2600\n";

    fn read_text(text: &[u8], start: &str, seed: u64) -> Result<BTreeMap<Symbol, PricePath>, SimError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        read(file.path(), Date::parse(start).unwrap(), seed)
    }

    #[test]
    fn the_day_of_the_start_with_the_close_before() {
        let paths = read_text(FILE.as_bytes(), "2025-03-18", 1).unwrap();
        assert_eq!(paths.len(), 2, "8306 has no path on this day");
        let toyota = &paths[&Symbol::tse("7203")];
        assert_eq!(toyota.previous_close, Price::from_yen(2_760));
        assert_eq!(
            toyota.points,
            [(32_400, Price(28_045_000)), (32_401, Price(28_050_000))]
        );
        let late = &paths[&Symbol::tse("7011")];
        assert_eq!(
            late.previous_close,
            Price::from_yen(2_600),
            "no day before: its first price"
        );
        let first = read_text(FILE.as_bytes(), "2025-03-17", 1).unwrap();
        assert_eq!(first[&Symbol::tse("7203")].previous_close, Price(27_505_000));
    }

    #[test]
    fn days_may_come_in_any_order() {
        let late = format!("{FILE}20250314,7203,15:30:00,2740\n");
        let paths = read_text(late.as_bytes(), "2025-03-17", 1).unwrap();
        assert_eq!(paths[&Symbol::tse("7203")].previous_close, Price::from_yen(2_740));
        assert_eq!(
            paths[&Symbol::tse("8306")].previous_close,
            Price::from_yen(2_018),
            "no day before"
        );
    }

    #[test]
    fn another_day_is_drawn_from_the_seed() {
        let drawn = |seed| {
            read_text(FILE.as_bytes(), "2026-11-20", seed)
                .unwrap()
                .contains_key(&Symbol::tse("8306"))
        };
        assert_eq!(drawn(3), drawn(3));
        let drawn: Vec<bool> = (0..20).map(drawn).collect();
        assert!(drawn.contains(&true) && drawn.contains(&false));
    }

    #[test]
    fn gzip_is_read_as_it_is() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(FILE.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(
            read_text(&packed, "2025-03-18", 1).unwrap(),
            read_text(FILE.as_bytes(), "2025-03-18", 1).unwrap()
        );
    }

    #[test]
    fn errors_name_file_and_line() {
        for (text, line, word) in [
            ("", 1, "no price"),
            ("date,symbol,time,price\nhello\n", 2, "columns"),
            ("2025-13-17,7203,09:00:00,1\n", 1, "no date"),
            ("20250317,7203,9h,1\n", 1, "no time"),
            ("20250317,7203,09:00:00,-1\n", 1, "no price"),
            ("20250317,72 03,09:00:00,1\n", 1, "symbol"),
            ("20250317,7203,09:00:01,1\n20250317,7203,09:00:01,1\n", 2, "rise"),
        ] {
            let error = read_text(text.as_bytes(), "2025-03-17", 1).unwrap_err().to_string();
            assert!(
                error.contains(&format!("line {line}")) && error.contains(word),
                "{error}"
            );
        }
        let missing = read(Path::new("nowhere.csv"), Date::parse("2025-03-17").unwrap(), 1).unwrap_err();
        assert!(missing.to_string().contains("nowhere.csv"));
    }
}
