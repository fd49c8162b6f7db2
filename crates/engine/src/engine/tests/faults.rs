//! Faults that were found by trying to break the engine, each with the input that showed it.

use super::*;

fn on(day: &str, time: &str) -> Stamp {
    let (hms, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let whole = jst::parse(format!("{day}T{hms}+09:00").as_bytes()).expect("time");
    let micros: i64 = format!("{fraction:0<6}").parse().expect("digits");
    Stamp(whole.unix_s * 1_000_000_000 + micros * 1000)
}
fn outs(e: &mut Engine, now: Stamp) -> Vec<Output> {
    std::iter::from_fn(|| e.poll(now)).collect()
}
fn eng(f: impl FnOnce(&mut EngineSettings), now: Stamp) -> Engine {
    let mut s = EngineSettings::new(vec![Symbol::tse("7203")]);
    s.board_mode = BoardMode::Push;
    f(&mut s);
    let mut e = Engine::new(s, now);
    e.on_line_up(now);
    e
}
fn msg(price: &str, v: &str, c: &str, o: &str) -> String {
    let t = |x: &str| if x == "null" { x.to_string() } else { format!("\"{x}\"") };
    format!(
        r#"{{"Symbol":"7203","Exchange":1,"CurrentPrice":{price},"CurrentPriceTime":{},"OpeningPriceTime":{},"TradingVolume":{v}}}"#,
        t(c),
        t(o)
    )
}

/// Lets time pass from `from` to `until` while `/board` answers as told; the moment at which the line is given up.
fn given_up(
    e: &mut Engine,
    from: Stamp,
    until: Stamp,
    mut board: impl FnMut(SymbolId, Stamp) -> String,
) -> Option<Stamp> {
    let mut now = from;
    while now < until {
        e.on_clock(now);
        for output in outs(e, now) {
            match output {
                Output::BoardWanted(id) => e.on_board(id, board(id, now).as_bytes(), now),
                Output::Reconnect(_) => return Some(now),
                _ => {}
            }
        }
        now = now.plus_ms(50);
    }
    None
}

#[test]
fn e28_outside_recorded_hours_yesterdays_volume_is_no_base() {
    let mut e = eng(|s| s.market_window = vec![(9 * 3600, 41400)], at("08:00:00"));
    e.on_push(
        msg(
            "2838",
            "2741300",
            "2026-11-19T15:30:00+09:00",
            "2026-11-19T09:00:00+09:00",
        )
        .as_bytes(),
        at("08:30:00"),
    );
    e.on_push(
        msg(
            "2845",
            "84200",
            "2026-11-20T09:00:00+09:00",
            "2026-11-20T09:00:00+09:00",
        )
        .as_bytes(),
        at("09:00:00.15"),
    );
    assert_eq!((e.totals().volume, e.totals().ledger_by(Cause::Decrease)), (84_200, 0));
}

#[test]
fn n04_no_false_alarm_after_a_reconnect_in_a_thin_market() {
    let mut e = eng(|_| {}, at("10:00:00"));
    e.on_push(quote("100", "1000").as_bytes(), at("10:00:00.01"));
    e.on_line_down(at("10:00:01"));
    e.on_line_up(at("10:05:00"));
    let found = given_up(&mut e, at("10:05:00"), at("10:10:00"), |_, _| quote("100", "1500"));
    assert_eq!(found, None);
}
#[test]
fn n04_the_opening_print_on_board_is_no_proof_in_the_first_seconds() {
    let mut e = eng(|_| {}, at("11:29:00"));
    e.on_push(quote("100", "1000").as_bytes(), at("11:29:59"));
    outs(&mut e, at("12:00:00"));
    e.on_clock(at("12:30:00"));
    outs(&mut e, at("12:30:00"));
    e.on_board(SymbolId(0), quote("100", "23500").as_bytes(), at("12:30:00.06"));
    assert!(
        !outs(&mut e, at("12:30:00.06"))
            .iter()
            .any(|o| matches!(o, Output::Reconnect(_))),
        "60 ms into the session"
    );
}
#[test]
fn a_book_is_used_while_its_age_is_under_the_limit() {
    let mut e = eng(|_| {}, at("10:00:00"));
    e.on_push(quote("100", "1000").as_bytes(), at("10:00:00.0"));
    let bare = r#"{"Symbol":"7203","Exchange":1,"CurrentPrice":100,"TradingVolume":1100}"#;
    e.on_push(bare.as_bytes(), at("10:00:59.9"));
    e.finish(at("10:00:59.999"));
    let b: Vec<_> = outs(&mut e, at("10:01:01"))
        .into_iter()
        .filter_map(|o| if let Output::Batch(b) = o { Some(b) } else { None })
        .collect();
    assert!(b.last().unwrap().symbols[0].book.is_none(), "exactly 60,000 ms old");
}
#[test]
fn a_board_answer_without_levels_gets_a_row() {
    let mut e = eng(|s| s.board_mode = BoardMode::Auto, at("10:00:00"));
    outs(&mut e, at("10:00:00"));
    e.on_push(quote("100", "1000").as_bytes(), at("10:00:00.0"));
    e.on_board(
        SymbolId(0),
        br#"{"Symbol":"7203","Exchange":1,"CurrentPrice":100,"TradingVolume":1100}"#,
        at("10:00:01"),
    );
    e.finish(at("10:00:01.1"));
    assert_eq!(
        outs(&mut e, at("10:00:02"))
            .iter()
            .filter(|o| matches!(o, Output::Batch(_)))
            .count(),
        2
    );
}
#[test]
fn e28_totals_shown_in_the_night_do_not_spoil_the_opening() {
    let y = |t: &str, v: &str| msg("2838", v, t, "2026-11-19T09:00:00+09:00");
    let mut e = eng(|_| {}, at("00:00:00"));
    e.on_push(y("2026-11-19T15:30:00+09:00", "2741300").as_bytes(), at("00:05:00"));
    e.on_push(y("2026-11-19T15:30:00+09:00", "2741300").as_bytes(), at("08:30:00"));
    e.on_push(
        msg(
            "2845",
            "84200",
            "2026-11-20T09:00:00+09:00",
            "2026-11-20T09:00:00+09:00",
        )
        .as_bytes(),
        at("09:00:00.15"),
    );
    assert_eq!((e.totals().volume, e.totals().ledger_by(Cause::Decrease)), (84_200, 0));
}
#[test]
fn a_board_of_today_is_not_measured_by_yesterdays_volume() {
    let mut e = eng(|s| s.board_mode = BoardMode::Rest, on("2026-11-19", "15:00:00"));
    e.on_push(
        msg(
            "2838",
            "2741300",
            "2026-11-19T15:29:00+09:00",
            "2026-11-19T09:00:00+09:00",
        )
        .as_bytes(),
        on("2026-11-19", "15:29:00"),
    );
    e.on_board(SymbolId(0), quote("100", "84200").as_bytes(), at("09:00:01"));
    assert_eq!((e.totals().boards, e.totals().boards_stale), (1, 0));
}
#[test]
fn n04_no_false_alarm_after_a_restart() {
    let mut first = eng(|_| {}, at("10:00:00"));
    first.on_push(quote("100", "1000").as_bytes(), at("10:00:00.01"));
    first.finish(at("10:00:00.1"));
    let states = outs(&mut first, at("10:00:01"))
        .into_iter()
        .find_map(|o| if let Output::Batch(b) = o { Some(b.states) } else { None })
        .unwrap();
    let mut e = eng(|_| {}, at("10:30:00"));
    e.restore(&states);
    e.on_clock(at("10:30:02"));
    outs(&mut e, at("10:30:02"));
    e.on_board(SymbolId(0), quote("100", "1500").as_bytes(), at("10:30:02.01"));
    assert!(
        !outs(&mut e, at("10:30:02.01"))
            .iter()
            .any(|o| matches!(o, Output::Reconnect(_)))
    );
}

#[test]
fn n04_looks_on_an_earlier_line_prove_nothing() {
    let mut e = eng(|_| {}, at("10:00:00"));
    e.on_clock(at("10:00:02"));
    outs(&mut e, at("10:00:02"));
    e.on_board(SymbolId(0), quote("100", "1000").as_bytes(), at("10:00:02.01"));
    outs(&mut e, at("10:00:02.02"));
    e.on_line_down(at("10:00:03"));
    e.on_line_up(at("10:10:00"));
    e.on_clock(at("10:10:02"));
    assert_eq!(outs(&mut e, at("10:10:02")).len(), 1);
    e.on_board(SymbolId(0), quote("100", "9000").as_bytes(), at("10:10:02.01"));
    assert!(
        !outs(&mut e, at("10:10:02.01"))
            .iter()
            .any(|o| matches!(o, Output::Reconnect(_)))
    );
}

#[test]
fn n04_a_line_that_died_in_the_night_is_found_after_the_open() {
    // Thursday 2026-11-19: 2.7 million shares; then silence through the night. Friday: the market trades, PUSH is dead.
    let mut e = eng(|s| s.board_mode = BoardMode::Auto, on("2026-11-19", "15:00:00"));
    e.on_push(
        msg(
            "2838",
            "2741300",
            "2026-11-19T15:29:00+09:00",
            "2026-11-19T09:00:00+09:00",
        )
        .as_bytes(),
        on("2026-11-19", "15:29:00"),
    );
    let found = given_up(&mut e, at("08:59:00"), at("09:10:00"), |_, now| {
        let volume = if now < at("09:00:00") {
            "null".to_string()
        } else {
            (84_200 + (now.ms() - at("09:00:00").ms()) / 10).to_string()
        };
        quote("100", &volume)
    });
    assert_eq!(e.totals().boards_stale, 0);
    assert!(
        found.is_some_and(|at_| at_ < at("09:00:10")),
        "found {found:?}; stale {}",
        e.totals().boards_stale
    );
}

#[test]
fn n04_growth_seen_by_polls_counts_between_looks() {
    let mut e = eng(|s| s.board_mode = BoardMode::Auto, at("10:00:00"));
    e.on_push(quote("100", "1000").as_bytes(), at("10:00:00.01"));
    let moved = at("10:00:50");
    let found = given_up(&mut e, at("10:00:00.02"), at("10:03:00"), |_, now| {
        quote("100", if now >= moved { "5000" } else { "1000" })
    });
    let took = found.map(|f| f.ms_since(moved));
    assert!(took.is_some_and(|ms| ms <= 5_000), "{took:?} ms after the market moved");
}

#[test]
fn t05_the_session_gives_push_its_two_seconds() {
    let mut e = eng(|_| {}, at("11:29:00"));
    e.on_push(quote("100", "1000").as_bytes(), at("11:29:59"));
    outs(&mut e, at("12:00:00"));
    e.on_clock(at("12:30:00"));
    let o = outs(&mut e, at("12:30:00"));
    assert!(
        !o.contains(&Output::BoardWanted(SymbolId(0))),
        "asked at 12:30:00.000 sharp"
    );
}

#[test]
fn t03_a_price_time_in_the_year_9999() {
    let mut e = eng(|_| {}, at("10:00:00"));
    e.on_push(msg("100", "1000", "null", "null").as_bytes(), at("10:00:00.01"));
    e.on_push(
        msg("100", "1100", "9999-12-31T23:59:59+09:00", "9999-12-31T23:59:59+09:00").as_bytes(),
        at("10:00:00.02"),
    );
    assert_eq!(e.totals().volume, 100);
}
#[test]
fn t03_an_opening_time_in_the_year_9999() {
    let mut e = eng(|_| {}, at("10:00:00"));
    e.on_push(
        msg("100", "1100", "9999-12-31T23:59:59+09:00", "9999-12-31T23:59:59+09:00").as_bytes(),
        at("10:00:00.02"),
    );
    assert_eq!(e.totals().volume, 0);
}
#[test]
fn d02_a_spread_of_absurd_prices() {
    let m = r#"{"Symbol":"7203","Exchange":1,"CurrentPrice":100,"TradingVolume":1,"Sell1":{"Price":9000000000000.0,"Qty":1.0,"Sign":"0101"},"Buy1":{"Price":1.0,"Qty":1.0,"Sign":"0101"}}"#;
    let mut e = eng(|_| {}, at("10:00:00"));
    e.on_push(m.as_bytes(), at("10:00:00.02"));
    e.finish(at("10:00:01"));
    let b = outs(&mut e, at("10:00:01"))
        .into_iter()
        .find_map(|o| if let Output::Batch(b) = o { Some(b) } else { None })
        .unwrap();
    let s = b.symbols[0].book.unwrap().spread_bp();
    assert!(s.is_some_and(|s| s > 0.0 && s <= 20_000.0), "{s:?}");
}
#[test]
fn s19_messages_after_the_end_open_no_window_twice() {
    let mut e = eng(|_| {}, at("10:00:00"));
    e.on_push(quote("100", "1000").as_bytes(), at("10:00:00.299"));
    e.finish(at("10:00:00.299"));
    e.on_push(quote("100", "1100").as_bytes(), at("10:00:00.2995"));
    e.finish(at("10:00:00.2999"));
    let b: Vec<_> = outs(&mut e, at("10:00:01"))
        .into_iter()
        .filter_map(|o| {
            if let Output::Batch(b) = o {
                Some((b.start_ms, b.end_ms))
            } else {
                None
            }
        })
        .collect();
    assert!(b[0].1 <= b[1].0, "{b:?}");
}
#[test]
fn e05_a_volume_without_price_before_the_open_counts_as_none() {
    // Zero, as on a day without trades, and yesterday's.
    for volume in ["0", "2741300"] {
        let mut e = eng(|_| {}, at("08:30:00"));
        e.on_push(msg("null", volume, "null", "null").as_bytes(), at("08:59:59.5"));
        // The opening print at 09:00:00, merged with a trade at 09:00:01.
        let opened = "2026-11-20T09:00:00+09:00";
        let merged = msg("2845", "84600", "2026-11-20T09:00:01+09:00", opened);
        e.on_push(merged.as_bytes(), at("09:00:01.2"));
        assert_eq!(e.totals().volume, 84_600, "{volume}");
    }
}
#[test]
fn d12_under_tick_rule_trade_the_gap_message_is_the_next_reference() {
    let mut e = eng(|s| s.tick_rule = TickRule::Trade, at("10:00:00"));
    e.on_push(quote("100", "1000").as_bytes(), at("10:00:00.01"));
    e.on_push(quote("100", "1100").as_bytes(), at("10:00:00.02"));
    e.on_line_down(at("10:00:00.03"));
    e.on_line_up(at("10:00:00.04"));
    e.on_push(quote("105", "4000").as_bytes(), at("10:00:00.05"));
    e.on_push(quote("106", "4100").as_bytes(), at("10:00:00.06"));
    e.finish(at("10:00:00.1"));
    let b = outs(&mut e, at("10:00:01"))
        .into_iter()
        .find_map(|o| if let Output::Batch(b) = o { Some(b) } else { None })
        .unwrap();
    assert_eq!((b.symbols[0].upticks, e.totals().rejected_by(Reason::NoTrade)), (1, 1));
}
#[test]
fn d04_an_unusable_exchange_is_not_the_watched_symbol() {
    let mut e = eng(|_| {}, at("10:00:00"));
    for x in ["-1", "70000", "true", "[]", "\"T\"", "1.5"] {
        e.on_push(
            format!(r#"{{"Symbol":"7203","Exchange":{x},"CurrentPrice":5,"TradingVolume":10}}"#).as_bytes(),
            at("10:00:00.01"),
        );
    }
    assert_eq!(e.totals().ticks, 0);
}
#[test]
fn n04_an_index_is_no_witness_for_ever() {
    let mut s = EngineSettings::new(vec![Symbol::tse("101"), Symbol::tse("7203")]);
    s.board_mode = BoardMode::Push;
    let mut e = Engine::new(s, at("10:00:00"));
    e.on_line_up(at("10:00:00"));
    for n in 0..5 {
        e.on_push(
            br#"{"Symbol":"101","CurrentPrice":40000}"#,
            at("10:00:00").plus_ms(n * 100),
        );
    }
    e.on_push(quote("100", "1000").as_bytes(), at("10:00:00.5"));
    let mut asked = Vec::new();
    let found = given_up(&mut e, at("10:00:00.6"), at("10:20:00"), |id, _| {
        asked.push(id.0);
        if id.0 == 0 {
            r#"{"Symbol":"101","CurrentPrice":40001}"#.to_string()
        } else {
            quote("100", "9000")
        }
    })
    .is_some();
    assert!(found, "asked {asked:?}");
}
#[test]
fn n03_notes_are_limited() {
    let mut e = eng(|_| {}, at("10:00:00"));
    for n in 0..1000i64 {
        e.on_push(
            quote("100", if n % 2 == 0 { "1000" } else { "900" }).as_bytes(),
            at("10:00:00.01"),
        );
    }
    let n = outs(&mut e, at("10:00:00.02"))
        .iter()
        .filter(|o| matches!(o, Output::Note(_)))
        .count();
    assert!(n <= 10, "{n} notes in one millisecond");
}
#[test]
fn n06_merging_keeps_trading_dates_apart() {
    use crate::backlog::Backlog;
    let mut settings = EngineSettings::new(vec!["167060019@2".parse().expect("f")]);
    settings.board_mode = BoardMode::Push;
    let mut e = Engine::new(settings, at("16:29:00"));
    let m = |v: i64| format!(r#"{{"Symbol":"167060019","Exchange":2,"CurrentPrice":26720.0,"TradingVolume":{v}}}"#);
    for (v, t) in [
        (1000, "16:29:59"),
        (1010, "16:29:59.5"),
        (0, "16:30:00"),
        (15, "16:30:01"),
    ] {
        e.on_push(m(v).as_bytes(), at(t));
    }
    e.finish(at("16:30:02"));
    let mut b = Backlog::new(1, 2);
    for o in outs(&mut e, at("16:30:02")) {
        if let Output::Batch(x) = o {
            b.push(x);
        }
    }
    let rolled = at("16:30:00").ms();
    while let Some(x) = b.pop() {
        assert!(
            !(x.start_ms < rolled && x.end_ms > rolled),
            "one row holds sizes of two trading dates: {:?}",
            x.symbols
        );
    }
}
#[test]
fn the_plan_never_spins() {
    // Random walk of the shell's loop: count how often the deadline is within 2 ms without any output.
    for mode in [BoardMode::Auto, BoardMode::Rest, BoardMode::Push, BoardMode::Off] {
        for start in ["08:59:50", "11:29:50", "12:29:50", "15:29:50", "10:00:00"] {
            for delay in [-1i64, 0, 10, 700, 3000] {
                let mut e = eng(
                    |s| {
                        s.board_mode = mode;
                        s.market_window = if delay == 700 {
                            vec![(9 * 3600, 41400), (45000, 55800)]
                        } else {
                            vec![]
                        }
                    },
                    at(start),
                );
                let end = at(start).plus_ms(60_000);
                let (mut now, mut wakes, mut reply): (Stamp, u32, Option<(Stamp, SymbolId)>) = (at(start), 0, None);
                while now < end {
                    for o in outs(&mut e, now) {
                        match o {
                            Output::BoardWanted(id) => {
                                if delay < 0 {
                                    e.on_board_not_sent(now)
                                } else {
                                    reply = Some((now.plus_ms(delay), id))
                                }
                            }
                            Output::Reconnect(_) => {
                                e.on_line_down(now);
                                e.on_line_up(now.plus_ms(5));
                                now = now.plus_ms(5);
                            }
                            _ => {}
                        }
                    }
                    let d = e.next_deadline(now);
                    assert!(d > now, "deadline not after now");
                    now = match reply {
                        Some((t, _)) if t <= d => t.max(now),
                        _ => d,
                    };
                    e.on_clock(now);
                    if let Some((t, id)) = reply
                        && t <= now
                    {
                        reply = None;
                        if delay == 3000 {
                            e.on_board_failed(false, now)
                        } else {
                            e.on_board(id, quote("100", "1000").as_bytes(), now)
                        }
                    }
                    wakes += 1;
                }
                assert!(wakes < 60 * 30, "{mode:?} {start} {delay}: {wakes} wakes a minute");
            }
        }
    }
}
#[test]
fn n04_a_halted_witness_is_followed_by_another() {
    // Two symbols; the busier one is halted; the line dies; the other trades on. PUSH-only mode.
    let mut s = EngineSettings::new(vec![Symbol::tse("285A"), Symbol::tse("7203")]);
    s.board_mode = BoardMode::Push;
    let mut e = Engine::new(s, at("10:00:00"));
    e.on_line_up(at("10:00:00"));
    let other = quote("100", "1000").replace("7203", "285A");
    for n in 0..9 {
        e.on_push(other.as_bytes(), at("10:00:00").plus_ms(n));
    }
    e.on_push(quote("100", "1000").as_bytes(), at("10:00:00.5"));
    let found = given_up(&mut e, at("10:00:00.6"), at("10:30:00"), |id, _| {
        if id.0 == 0 { other.clone() } else { quote("100", "9000") }
    })
    .is_some();
    assert!(found, "dead for half an hour");
}
