//! What the log says: notes of the engine, overload, the heartbeat and the totals at stop. Wordings that other tools
//! grep for are fixed.

mod unpriced;

use ayumi_engine::batch::Cause;
use ayumi_engine::counts::{Reason, Totals};
use ayumi_engine::output::{DeadLine, Note};
use ayumi_engine::{Engine, Stamp};

use self::unpriced::Unpriced;
use super::queue::Depth;

/// Time between two heartbeat lines.
const HEARTBEAT_MS: i64 = 60_000;
/// Time between two heartbeat lines that say the same, while a login is waited for.
const RARE_MS: i64 = 15 * 60_000;
/// Time between two statistics lines while the queue is full.
const OVERLOAD_MS: i64 = 5_000;
/// Fewer waiting windows than this count as calm.
const CALM_WINDOWS: usize = 8;
/// So long it must be calm before overload is over: a flood fills the queue anew in every window.
const CALM_MS: i64 = 1_000;
/// Lines about single gaps after one lost line; with fifty symbols the ledger is the better place.
const GAP_LINES_PER_LOSS: u32 = 5;

/// Periodic lines.
pub(super) struct Report {
    heartbeat_at: Stamp,
    /// Nothing can come, and everybody knows: messages received at the last heartbeat are worth a line once in a while.
    rare: bool,
    /// Messages received by the last heartbeat, and when that was.
    beat: (u64, Stamp),
    overload: Option<Overload>,
    /// Merged ticks and windows when all was calm last.
    calm: (u64, u64),
    gap_lines: u32,
    unpriced: Unpriced,
}

struct Overload {
    since: Stamp,
    said: Stamp,
    /// Merged ticks and windows before it began.
    before: (u64, u64),
    /// When it was last seen.
    seen: Stamp,
    /// Merged ticks and windows by then.
    merged: (u64, u64),
}

impl Report {
    pub(super) fn new(now: Stamp) -> Self {
        Self {
            heartbeat_at: now.plus_ms(HEARTBEAT_MS),
            rare: false,
            beat: (u64::MAX, now),
            overload: None,
            calm: (0, 0),
            gap_lines: 0,
            unpriced: Unpriced::default(),
        }
    }

    /// While nobody is logged in the books do not change, and a line a minute would hide the one that matters.
    pub(super) fn set_rare(&mut self, rare: bool) {
        self.rare = rare;
    }

    /// A line was lost: its gaps may be told again.
    pub(super) fn line_lost(&mut self) {
        self.gap_lines = 0;
    }

    pub(super) fn note(&mut self, note: &Note, tickers: &[String]) {
        let ticker = |symbol: &ayumi_engine::SymbolId| tickers.get(symbol.index()).map_or("?", String::as_str);
        match note {
            Note::GuardDrop {
                symbol,
                price,
                bounds,
                unsaid,
            } => log::warn!(
                "price guard drop symbol={} price={:.3} bounds={bounds}{}",
                ticker(symbol),
                price.yen(),
                more(*unsaid)
            ),
            Note::Odd { reason, sample, unsaid } => {
                log::warn!(
                    "message rejected reason={} sample={sample:?}{}",
                    reason.as_str(),
                    more(*unsaid)
                );
            }
            Note::GapVolume {
                symbol,
                volume,
                span_ms,
                unsaid,
            } => {
                self.gap_lines += 1;
                if self.gap_lines <= GAP_LINES_PER_LOSS {
                    log::warn!(
                        "gap symbol={} volume={volume} span={:.1}s -> volume_ledger (gap){}",
                        ticker(symbol),
                        *span_ms as f64 / 1000.0,
                        more(*unsaid)
                    );
                } else {
                    log::debug!("gap symbol={} volume={volume}", ticker(symbol));
                }
            }
            Note::VolumeFell { symbol, by, unsaid } => {
                log::warn!(
                    "cumulative volume fell symbol={} by={by} -> volume_ledger (decrease){}",
                    ticker(symbol),
                    more(*unsaid)
                );
            }
            Note::ForeignOffset => log::warn!(
                "the station's times carry another offset than +09:00; their digits are read as JST. Set the PC's time zone to Osaka, Sapporo, Tokyo (UTC+09:00)"
            ),
            Note::Quiet { silent_ms, unsaid } => log::info!(
                "no PUSH for {:.1} s; /board shows no new volume, so the market is quiet and the line is kept{}",
                *silent_ms as f64 / 1000.0,
                more(*unsaid)
            ),
        }
    }

    pub(super) fn dead_line(&self, why: &DeadLine, tickers: &[String]) -> String {
        match why {
            DeadLine::VolumeMoved {
                symbol,
                seen,
                board,
                silent_ms,
            } => format!(
                "no PUSH for {:.1} s while the volume of {} moved from {seen} to {board}: the line is dead",
                *silent_ms as f64 / 1000.0,
                tickers.get(symbol.index()).map_or("?", String::as_str)
            ),
            DeadLine::NoAnswer { silent_ms } => {
                format!(
                    "no PUSH for {:.1} s and /board does not answer either",
                    *silent_ms as f64 / 1000.0
                )
            }
        }
    }

    /// Whether detail is being merged, or was a moment ago.
    pub(super) fn is_overloaded(&self) -> bool {
        self.overload.is_some()
    }

    /// Called about every window; writes what is due.
    pub(super) fn tick(&mut self, engine: &mut Engine, depth: &Depth, tickers: &[String], now: Stamp) {
        self.overload(engine, depth, now);
        if let Some(words) = self.unpriced.look(engine, tickers, now) {
            log::warn!("{words}");
        }
        if now >= self.heartbeat_at {
            self.heartbeat_at = now.plus_ms(HEARTBEAT_MS);
            let received = engine.totals().received;
            let is_news = received != self.beat.0 || now.ms_since(self.beat.1) >= RARE_MS;
            if is_news || !self.rare {
                self.beat = (received, now);
                heartbeat(engine, depth);
            }
        }
    }

    /// Overload is what was merged since all was calm, or a queue that is full now: it may begin and end between two
    /// looks.
    fn overload(&mut self, engine: &Engine, depth: &Depth, now: Stamp) {
        let merged = (engine.totals().merged + depth.merged_ticks, depth.merged_windows);
        let full = depth.full || engine.open_ticks() >= depth.room;
        let overload = match &mut self.overload {
            Some(overload) => overload,
            None if full || merged.0 > self.calm.0 => {
                say_full(merged.0 - self.calm.0, merged.1 - self.calm.1, depth, 0);
                self.overload.insert(Overload {
                    since: now,
                    said: now,
                    before: self.calm,
                    seen: now,
                    merged,
                })
            }
            None => {
                self.calm = merged;
                return;
            }
        };
        let (ticks, windows) = (merged.0 - overload.before.0, merged.1 - overload.before.1);
        if full || depth.windows >= CALM_WINDOWS || merged != overload.merged {
            (overload.seen, overload.merged) = (now, merged);
            if now.ms_since(overload.said) >= OVERLOAD_MS {
                overload.said = now;
                say_full(ticks, windows, depth, now.ms_since(overload.since));
            }
        } else if now.ms_since(overload.seen) >= CALM_MS {
            log::warn!(
                "[PushTickReceiver] tick queue drained after {:.1}s; merged={ticks} merged_windows={windows}",
                overload.seen.ms_since(overload.since) as f64 / 1000.0
            );
            (self.overload, self.calm) = (None, merged);
        }
    }
}

fn say_full(ticks: u64, windows: u64, depth: &Depth, lasts_ms: i64) {
    log::warn!(
        "[PushTickReceiver] tick queue full; merged={ticks} merged_windows={windows} waiting_ticks={} waiting_windows={} since={:.0}s; volume is kept, detail is merged",
        depth.ticks,
        depth.windows,
        lasts_ms as f64 / 1000.0
    );
}

fn heartbeat(engine: &mut Engine, depth: &Depth) {
    let lag = engine
        .take_lag()
        .quantile_s(0.99)
        .map_or("-".to_owned(), |s| format!("{s:.1}s"));
    log::info!(
        "heartbeat {} lag_p99={lag} queue={}",
        balance(engine, depth),
        depth.windows
    );
}

/// `received=... stored=... merged=... rejected=...(...) inflight=... diff=... ledger=...`: the books of every message.
pub(super) fn balance(engine: &Engine, depth: &Depth) -> String {
    let totals = engine.totals();
    let stored = depth.stored.ticks;
    let merged = totals.merged + depth.merged_ticks;
    let inflight = depth.ticks + engine.open_ticks();
    let rejected = totals.rejected_sum();
    let diff = totals.received as i64 - (stored + merged + inflight + rejected) as i64;
    format!(
        "received={} stored={stored} merged={merged} rejected={rejected}{} inflight={inflight} diff={diff} ledger={}{}",
        totals.received,
        reasons(totals),
        ledger(totals),
        oddities(totals)
    )
}

fn reasons(totals: &Totals) -> String {
    parts(Reason::ALL.iter().map(|r| (r.as_str(), totals.rejected_by(*r) as i64)))
}

fn ledger(totals: &Totals) -> String {
    let sum: i64 = totals.ledger.iter().sum();
    format!(
        "{sum}{}",
        parts(Cause::ALL.iter().map(|c| (c.as_str(), totals.ledger_by(*c))))
    )
}

/// ` odd(book:3,rounded:1)`: messages that were used although a part of them was not; nothing when there are none.
fn oddities(totals: &Totals) -> String {
    let odd = parts([("book", totals.odd_books as i64), ("rounded", totals.rounded as i64)].into_iter());
    if odd.is_empty() { odd } else { format!(" odd{odd}") }
}

/// `(guard:41,no_price:2)` of what is not zero.
fn parts<'a>(all: impl Iterator<Item = (&'a str, i64)>) -> String {
    let some: Vec<String> = all
        .filter(|(_, n)| *n != 0)
        .map(|(name, n)| format!("{name}:{n}"))
        .collect();
    if some.is_empty() {
        String::new()
    } else {
        format!("({})", some.join(","))
    }
}

fn more(unsaid: u64) -> String {
    if unsaid == 0 {
        String::new()
    } else {
        format!(" ({unsaid} more since the last such line)")
    }
}
