//! The header of one server frame.

use ayumi_wire::ws::Opcode;

use super::{Broken, MAX_CLAIM};

/// Longest header of an unmasked frame.
pub(super) const LONGEST: usize = 10;

/// A valid header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    /// Payload bytes.
    pub(super) len: u64,
    /// Header bytes.
    pub(super) size: usize,
}

/// A header, or how many bytes it needs.
pub(super) enum Parsed {
    Head(Head),
    Needs(usize),
}

/// Reads the header at the start of `bytes`. What the first two bytes give away is refused without waiting for more.
#[inline]
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, Broken> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(Parsed::Needs(2));
    };
    if first & 0x70 != 0 {
        return Err(Broken("reserved bits set"));
    }
    let opcode = Opcode::from_bits(*first).ok_or(Broken("reserved opcode"))?;
    let fin = first & 0x80 != 0;
    if second & 0x80 != 0 {
        return Err(Broken("masked frame from the server"));
    }
    if opcode.is_control() && (!fin || *second > 125) {
        return Err(Broken("control frame fragmented or too long"));
    }
    let (len, size) = match (second, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 4),
        (126, _) => return Ok(Parsed::Needs(4)),
        (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), LONGEST),
        (127, _) => return Ok(Parsed::Needs(LONGEST)),
        (short, _) => (u64::from(*short), 2),
    };
    if len > MAX_CLAIM {
        return Err(Broken("message claims more than 64 MiB"));
    }
    Ok(Parsed::Head(Head { fin, opcode, len, size }))
}
