//! Conservation over whole histories: midnights, 16:30, kills, restarts, gaps, guards, closed hours.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Ev {
    Push {
        s: u8,
        p: Option<i64>,
        v: Option<i64>,
        o: u8,
        bad: u8,
    },
    Down,
    Up,
    Kill,
    Restart,
    Board(u8, i64),
    Jump(u32),
}

fn ev() -> impl Strategy<Value = Ev> {
    prop_oneof![
        30 => (0u8..3, prop::option::weighted(0.9, 0i64..120), prop::option::weighted(0.9, prop_oneof![6 => 0i64..50_000, 1 => Just(0)]), 0u8..6, 0u8..30).prop_map(|(s, p, v, o, bad)| Ev::Push { s, p, v, o, bad }),
        1 => Just(Ev::Down), 1 => Just(Ev::Up), 1 => Just(Ev::Kill), 1 => Just(Ev::Restart),
        2 => (0u8..3, 0i64..50_000).prop_map(|(s, v)| Ev::Board(s, v)),
        2 => (0u32..9 * 3_600_000).prop_map(Ev::Jump),
    ]
}
const CODES: [(&str, u16); 3] = [("7203", 1), ("167060019", 2), ("167060019", 24)];
fn text(s: u8, p: Option<i64>, v: Option<i64>, o: u8, bad: u8, now: Stamp) -> String {
    let (code, ex) = CODES[s as usize];
    let n = |x: Option<i64>| x.map_or("null".into(), |x| x.to_string());
    let t = |s: i64| format!("\"{}\"", jst::iso_s(s));
    let (c, ot) = match o {
        0 => ("null".into(), "null".into()),
        1 => (t(now.s()), t(now.s())),
        2 => (t(now.s()), t(now.s() - 30)),
        3 => (t(now.s() - 86_400), "null".into()),
        4 => (t(now.s()), t(now.s() - 7200)),
        _ => (t(now.s()), "null".into()),
    };
    let extra = if bad == 0 { r#","TradingVolume":-3"# } else { "" };
    format!(
        r#"{{"Symbol":"{code}","Exchange":{ex},"CurrentPrice":{},"TradingVolume":{},"CurrentPriceTime":{c},"OpeningPriceTime":{ot}{extra}}}"#,
        n(p),
        n(v)
    )
}
fn settings(w: i64, closed: bool, trade: bool, guard: bool) -> EngineSettings {
    let mut s = EngineSettings::new(CODES.iter().map(|(c, e)| format!("{c}@{e}").parse().unwrap()).collect());
    s.window_ms = w;
    s.tick_rule = if trade { TickRule::Trade } else { TickRule::Push };
    if closed {
        s.market_window = vec![(32_400, 41_400), (45_000, 55_800)];
    }
    if guard {
        s.watched[0].guard = Bounds {
            min: Some(Price::from_yen(20)),
            max: Some(Price::from_yen(100)),
        };
        s.watched[1].guard = s.watched[0].guard;
    }
    s
}
proptest! {
    #![proptest_config(ProptestConfig::with_cases(6000))]
    #[test]
    fn conservation_over_days(evs in prop::collection::vec((0u32..700, ev()), 1..150), w in prop_oneof![Just(300i64), 10i64..60_001], closed: bool, trade: bool, guard: bool, start in 0i64..86_400, room in 1u64..30) {
        let mk = |now| { let mut e = Engine::new(settings(w, closed, trade, guard), now); e.set_room(room); e };
        let mut now = at("00:00:00").plus_ms(start * 1000);
        let mut e = mk(now);
        let mut stored: Vec<Batch> = vec![];
        let mut received = 0u64;
        for (ms, ev) in evs {
            now = now.plus_ms(i64::from(ms));
            match ev {
                Ev::Push { s, p, v, o, bad } => { e.on_push(text(s, p, v, o, bad, now).as_bytes(), now); received += 1; }
                Ev::Down => e.on_line_down(now), Ev::Up => e.on_line_up(now),
                Ev::Board(s, v) => e.on_board(SymbolId(s.into()), text(s, Some(50), Some(v), 1, 9, now).as_bytes(), now),
                Ev::Jump(ms) => { now = now.plus_ms(ms.into()); e.on_clock(now); }
                Ev::Kill | Ev::Restart => {
                    if matches!(ev, Ev::Restart) { e.finish(now); }
                    while let Some(o) = e.poll(now) { if let Output::Batch(b) = o { stored.push(b); } }
                    if let Some(b) = stored.last() { now = now.max(Stamp::from_ms(b.end_ms)); }
                    let mut states: BTreeMap<(SymbolId, ayumi_wire::jst::Date), StateRow> = BTreeMap::new();
                    for b in &stored { for s in &b.states { states.insert((s.symbol, s.trading_date), *s); } }
                    e = mk(now); e.restore(&states.into_values().collect::<Vec<_>>()); e.on_line_up(now);
                }
            }
            while let Some(o) = e.poll(now) { if let Output::Batch(b) = o { stored.push(b); } }
            prop_assert!(e.next_deadline(now) > now);
            prop_assert_eq!(e.totals().received, e.totals().ticks + e.totals().rejected_sum());
        }
        let _ = received;
        e.finish(now);
        while let Some(o) = e.poll(now) { if let Output::Batch(b) = o { stored.push(b); } }
        prop_assert!(stored.windows(2).all(|w| w[0].end_ms <= w[1].start_ms));
        let mut acc: BTreeMap<(SymbolId, ayumi_wire::jst::Date), i64> = BTreeMap::new();
        let mut first: BTreeMap<(SymbolId, ayumi_wire::jst::Date), (Option<i64>, Option<i64>)> = BTreeMap::new();
        for b in &stored {
            let start = Stamp::from_ms(b.start_ms);
            prop_assert!(b.end_ms > b.start_ms && b.end_ms - b.start_ms <= w);
            prop_assert_eq!(b.counts.messages, b.counts.ticks + b.counts.merged + b.counts.rejected);
            for r in &b.symbols {
                let day = start.date();
                let roll = r.symbol.0 > 0 && start.second_of_day() >= 59_400;
                let date = if roll { ayumi_wire::jst::Date::from_days(day.days() + 1) } else { day };
                *acc.entry((r.symbol, date)).or_default() += r.volume.0;
                prop_assert!(r.ticks > 0 || r.volume.0 == 0);
            }
            for l in &b.ledger { prop_assert!(l.from <= l.to); *acc.entry((l.symbol, l.trading_date)).or_default() += l.volume.0; }
            for s in &b.states { first.insert((s.symbol, s.trading_date), (s.base.map(|q| q.0), s.last.map(|q| q.0))); }
        }
        for (k, (base, last)) in &first {
            prop_assert_eq!(acc.remove(k).unwrap_or(0), last.unwrap_or(0) - base.unwrap_or(0), "{:?}", k);
        }
        prop_assert!(acc.values().all(|v| *v == 0), "{:?}", acc);
    }
}
