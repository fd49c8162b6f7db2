//! Any bytes as a PUSH message and as an answer of `/board`: no panic, and the engine counts each once.
#![no_main]

use ayumi_engine::settings::EngineSettings;
use ayumi_engine::{Engine, Stamp, Symbol};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let now = Stamp::from_s(1_763_600_400);
    let mut engine = Engine::new(EngineSettings::new(vec![Symbol::tse("7203")]), now);
    engine.on_line_up(now);
    engine.on_push(bytes, now);
    engine.on_push(bytes, now.plus_ms(1));
    engine.on_board(ayumi_engine::SymbolId(0), bytes, now.plus_ms(2));
    engine.finish(now.plus_ms(3));
    let totals = engine.totals();
    assert_eq!(totals.received, totals.ticks + totals.rejected_sum());
});
