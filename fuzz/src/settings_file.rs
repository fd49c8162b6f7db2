//! Any bytes as a settings file: no panic, and never the secret in what is said of it.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// Long enough that chance does not write it.
const SECRET: &str = "canary-7b1e94d0";

fuzz_target!(|bytes: &[u8]| {
    // Half of the inputs carry a token; the rest of them is around it.
    let Some((&how, bytes)) = bytes.split_first() else { return };
    if how % 2 == 0 {
        ayumi::fuzzing::settings(bytes, SECRET);
    } else {
        let at = bytes.len() * usize::from(how) / 256;
        let token = format!("\"{}\":\"{SECRET}\"", ["token", "api_password"][usize::from(how) / 2 % 2]);
        let whole = [&bytes[..at], token.as_bytes(), &bytes[at..]].concat();
        ayumi::fuzzing::settings(&whole, SECRET);
    }
});
