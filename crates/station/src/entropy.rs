//! A few unpredictable bytes for WebSocket keys and masks.
//!
//! They keep intermediaries from mistaking our frames for HTTP (RFC 6455, 10.3); they protect no secret, so the
//! operating system's seed of the standard hasher is enough and no generator crate is needed.

use std::hash::{BuildHasher as _, RandomState};

/// 16 bytes for `Sec-WebSocket-Key`.
pub(crate) fn bytes16() -> [u8; 16] {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&word().to_le_bytes());
    out[8..].copy_from_slice(&word().to_le_bytes());
    out
}

/// A frame mask.
pub(crate) fn mask() -> [u8; 4] {
    let [a, b, c, d, ..] = word().to_le_bytes();
    [a, b, c, d]
}

fn word() -> u64 {
    RandomState::new().hash_one(0x6179_756d_6975_u64)
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_keys_differ() {
        assert_ne!(super::bytes16(), super::bytes16());
        assert_ne!(super::bytes16()[..8], super::bytes16()[8..]);
    }
}
