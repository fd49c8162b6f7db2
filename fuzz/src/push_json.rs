//! Any bytes as a PUSH message: no panic, and what a fast decoder takes, the lenient one takes with the same result.
//!
//! Each execution is one message through the parser and nothing else: what the engine makes of it is `push_engine`,
//! values within well-formed messages are `push_values`.
#![no_main]

mod decoders;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| decoders::agree(bytes));
