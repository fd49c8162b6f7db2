//! The three decoders of a PUSH message against each other.

use ayumi_wire::push;

/// Reads the bytes as the product does, each decoder once: the fast ones, and the lenient one, which is what the product
/// falls back to when they pass, and the reference when they do not.
pub fn agree(bytes: &[u8]) {
    let straight = push::decode_straight(bytes);
    let ordered = push::decode_ordered(bytes);
    let lenient = push::decode_lenient(bytes);
    for fast in [straight, ordered].into_iter().flatten() {
        assert_eq!(Ok(&fast), lenient.as_ref());
    }
}
