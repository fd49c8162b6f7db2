//! What the rules say, put down once more and in another way: per row, by looking back over all rows before it.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::Key;

#[derive(Clone, Debug)]
pub struct Row {
    pub ticker: String,
    pub ts: String,
    pub ms: i64,
    pub u: f64,
    pub v: f64,
    pub s: Option<f64>,
    pub m: f64,
    pub burst: Option<(bool, f64)>,
}

/// uptick, imbalance, spread, volume; those of SELL are mirrored.
pub struct Profile {
    pub name: &'static str,
    u: f64,
    m: f64,
    s: f64,
    v: f64,
    k: usize,
    unknown: bool,
}

pub const PROFILES: [Profile; 3] = [
    Profile {
        name: "prod",
        u: 0.62,
        m: 0.15,
        s: 3.0,
        v: 600.0,
        k: 5,
        unknown: false,
    },
    Profile {
        name: "prodlite",
        u: 0.65,
        m: 0.0,
        s: 5.0,
        v: 1200.0,
        k: 4,
        unknown: false,
    },
    Profile {
        name: "demo",
        u: 0.40,
        m: -1.0,
        s: 9999.0,
        v: 0.0,
        k: 4,
        unknown: true,
    },
];

pub fn rows(path: &Path) -> Vec<Row> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).expect("opened");
    let ms = super::support::store::ms("ts");
    let mut statement = db
        .prepare(&format!(
            "SELECT ticker, ts, {ms}, uptick_ratio, vol_sum, spread_bp, coalesce(depth_imbalance, 0.0),
                    burst_buy, burst_sell, burst_score FROM features_stream ORDER BY rowid"
        ))
        .expect("valid");
    let read = |r: &rusqlite::Row<'_>| {
        let flags: (bool, bool) = (r.get(7)?, r.get(8)?);
        let score: f64 = r.get(9)?;
        Ok(Row {
            ticker: r.get(0)?,
            ts: r.get(1)?,
            ms: r.get(2)?,
            u: r.get(3)?,
            v: r.get(4)?,
            s: r.get(5)?,
            m: r.get(6)?,
            burst: (flags.0 || flags.1).then_some((flags.0, score)),
        })
    };
    let rows = statement.query_map([], read).expect("runs");
    rows.map(|row| row.expect("a row")).collect()
}

fn side(p: &Profile, past: &[&Row], buy: bool) -> Result<f64, usize> {
    let now = past[past.len() - 1];
    let up = |r: &Row| if buy { r.u } else { 1.0 - r.u };
    let leans = |r: &Row| if buy { r.u >= p.u } else { r.u <= 1.0 - p.u };
    let toward = if buy { now.m } else { -now.m };
    let last = &past[past.len().saturating_sub(p.k)..];
    let checks = [
        (
            1,
            last.len() == p.k && last.iter().filter(|r| leans(r)).count() > p.k / 2,
        ),
        (2, now.v > p.v),
        (3, now.s.map_or(p.unknown, |s| s <= p.s)),
        (4, leans(now)),
        (5, toward >= p.m),
    ];
    if let Some((at, _)) = checks.into_iter().find(|(_, met)| !met) {
        return Err(at);
    }
    let helps = |r: &&&Row| now.ms - r.ms <= 8_000 && r.burst.is_some_and(|(b, score)| b == buy && score >= 0.20);
    let bonus = past.iter().rev().find(helps).map_or(0.0, |r| {
        0.30 * r.burst.map_or(0.0, |(_, score)| score) * (-((now.ms - r.ms) as f64) / 12_000.0).exp()
    });
    let over = if p.v == 0.0 {
        1.0
    } else {
        (now.v / p.v - 1.0).clamp(0.0, 1.0)
    };
    let score = (0.80 * up(now) + 0.15 * toward.max(0.0) + 0.05 * over).min(1.0) + bonus;
    if score >= 0.60 { Ok(score) } else { Err(6) }
}

/// Signals in order, and rows skipped by reason.
pub fn judge(p: &Profile, cooldown_ms: i64, rows: &[Row]) -> (Vec<Key>, [u64; 7]) {
    let (mut signals, mut skipped) = (Vec::new(), [0; 7]);
    let mut past: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    let mut rested: BTreeMap<&str, i64> = BTreeMap::new();
    for row in rows {
        let past = past.entry(&row.ticker).or_default();
        past.push(row);
        if rested.get(row.ticker.as_str()).is_some_and(|until| row.ms < *until) {
            skipped[0] += 1;
            continue;
        }
        let won = match (side(p, past, true), side(p, past, false)) {
            (Ok(buy), Ok(sell)) => Ok(buy >= sell),
            (Ok(_), Err(_)) => Ok(true),
            (Err(_), Ok(_)) => Ok(false),
            (Err(a), Err(b)) => Err(a.max(b)),
        };
        match won {
            Err(reason) => skipped[reason] += 1,
            Ok(buy) => {
                rested.insert(&row.ticker, row.ms + cooldown_ms);
                let word = if buy { "BUY" } else { "SELL" };
                signals.push((row.ts.clone(), row.ticker.clone(), word.to_owned()));
            }
        }
    }
    (signals, skipped)
}
