//! `/ranking`: the last boards, sorted. Fields, key order and number style follow real answers.
//!
//! What this market cannot know is invented once per symbol and seed (margin balances, the usual volume) or said to be
//! unknown (places of earlier days). All symbols are ranked, rising and falling ones; equal values share a place.

mod row;
mod sectors;

use ayumi_engine::Stamp;

use self::row::Row;
use super::body::{Object, array};
use super::symbols::BAD_QUERY;
use super::{Reply, Station};
use crate::http::{Answer, Request};

/// `Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rise,
    Fall,
    Volume,
    Value,
    Ticks,
    VolumeSurge,
    ValueSurge,
    /// Types 8 to 13.
    Margin(u8),
    SectorRise,
    SectorFall,
}

impl Kind {
    fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Rise,
            2 => Self::Fall,
            3 => Self::Volume,
            4 => Self::Value,
            5 => Self::Ticks,
            6 => Self::VolumeSurge,
            7 => Self::ValueSurge,
            8..=13 => Self::Margin(number),
            14 => Self::SectorRise,
            15 => Self::SectorFall,
            _ => return None,
        })
    }
}

/// Seconds of the day: prices are cleared from "about 07:53" to "a little after 09:00" on weekdays.
const CLEARED: std::ops::Range<u32> = 7 * 3600 + 53 * 60..9 * 3600 + 60;

impl Station {
    /// `/ranking`. Both parameters have defaults (the documents call them required and name defaults).
    pub(super) fn ranking(&self, request: &Request) -> Result<Reply, Answer> {
        let (number, division) = parameters(request).ok_or_else(|| Answer::error(400, BAD_QUERY))?;
        let kind = Kind::of(number).ok_or_else(|| Answer::error(400, BAD_QUERY))?;
        let items = match kind {
            Kind::Margin(_) => self.ranked(kind, &division),
            _ if is_cleared(self.now) => Vec::new(),
            Kind::SectorRise | Kind::SectorFall => {
                sectors::ranked(self.seed, &self.rows("ALL"), kind == Kind::SectorFall)
            }
            _ => self.ranked(kind, &division),
        };
        Ok(Reply::now(list(number, kind, &division, items).answer()))
    }

    fn ranked(&self, kind: Kind, division: &str) -> Vec<String> {
        let rows = self.rows(division).into_iter();
        let rows = rows.filter_map(|row| Some((row.key(kind)?, row))).collect();
        placed(rows, |place, row| row.body(place, kind))
    }

    /// Shares and funds of a part of the market that have a profile and a board.
    fn rows(&self, division: &str) -> Vec<Row> {
        let boards = self.boards.iter().filter(|(_, board)| board.symbol.is_equity());
        let rows = boards.filter_map(|(slot, board)| {
            let profile = self.profile(&board.symbol);
            Row::of(self.seed, &profile, board.text(), self.tapes.moves(slot))
        });
        rows.filter(|row| row.is_in(division)).collect()
    }
}

/// An answer without anything, as in the early morning.
pub(super) fn empty(request: &Request) -> Result<Reply, Answer> {
    let (number, division) = parameters(request).ok_or_else(|| Answer::error(400, BAD_QUERY))?;
    let kind = Kind::of(number).ok_or_else(|| Answer::error(400, BAD_QUERY))?;
    Ok(Reply::now(list(number, kind, &division, Vec::new()).answer()))
}

fn list(number: u8, kind: Kind, division: &str, items: Vec<String>) -> Object {
    let head = Object::new().text("Type", &number.to_string());
    let head = match kind {
        // On the wire null, whatever was asked for (kabusapi issue 478).
        Kind::SectorRise | Kind::SectorFall => head.null("ExchangeDivision"),
        _ => head.text("ExchangeDivision", division),
    };
    head.raw("Ranking", array(items))
}

fn parameters(request: &Request) -> Option<(u8, String)> {
    let number = match request.query("Type").as_deref() {
        None | Some("") => 1,
        Some(text) => text.parse().ok()?,
    };
    let division = request
        .query("ExchangeDivision")
        .unwrap_or_default()
        .to_ascii_uppercase();
    match division.as_str() {
        "" => Some((number, "ALL".to_owned())),
        "ALL" | "T" | "TP" | "TS" | "TG" | "M" | "FK" | "S" => Some((number, division)),
        _ => None,
    }
}

fn is_cleared(now: Stamp) -> bool {
    now.date().weekday() < 5 && CLEARED.contains(&now.second_of_day())
}

/// Highest key first; equal keys share a place, and the next one counts them all.
fn placed<T>(mut rows: Vec<(i64, T)>, body: impl Fn(usize, &T) -> String) -> Vec<String> {
    rows.sort_by_key(|(key, _)| std::cmp::Reverse(*key));
    let (mut place, mut last) = (0, None);
    let bodies = rows.iter().enumerate().map(|(at, (key, row))| {
        if last != Some(*key) {
            (place, last) = (at + 1, Some(*key));
        }
        body(place, row)
    });
    bodies.collect()
}

#[cfg(test)]
mod tests {
    use ayumi_wire::jst::Date;

    use super::*;

    #[test]
    fn equal_values_share_a_place() {
        let rows = vec![(5, "a"), (7, "b"), (5, "c"), (1, "d")];
        let places = placed(rows, |place, name| format!("{place}{name}"));
        assert_eq!(places, ["1b", "2a", "2c", "4d"]);
    }

    #[test]
    fn the_morning_clears_on_weekdays() {
        let at = |day: &str, h: i64, m: i64| Stamp::from_s(Date::parse(day).unwrap().midnight_s() + h * 3600 + m * 60);
        for (h, m, cleared) in [
            (7, 52, false),
            (7, 53, true),
            (9, 0, true),
            (9, 1, false),
            (15, 0, false),
        ] {
            assert_eq!(is_cleared(at("2026-09-18", h, m)), cleared, "{h}:{m}");
            assert!(!is_cleared(at("2026-09-19", h, m)), "a Saturday");
        }
    }
}
