//! Any bytes as a watchlist: no panic, and no more codes than bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    ayumi::fuzzing::watchlist(bytes);
});
