//! Any bytes as a PUSH message: no panic, the three decoders agree, and the engine counts the message once.
#![no_main]

use ayumi_engine::settings::EngineSettings;
use ayumi_engine::{Engine, Stamp, Symbol};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let lenient = ayumi_wire::push::decode_lenient(bytes);
    if ayumi_wire::push::is_straight(bytes) {
        assert_eq!(ayumi_wire::push::decode(bytes), lenient);
    }
    if let Some(ordered) = ayumi_wire::push::decode_ordered(bytes) {
        assert_eq!(Ok(ordered), lenient);
    }
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
