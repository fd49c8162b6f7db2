//! Frames of a client, as they trickle in. Payloads of data frames are skipped: clients have nothing to say.

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A text, binary or continuation frame.
    Data,
    Ping(Vec<u8>),
    Pong,
    /// With its code, when it had one.
    Close(Option<u16>),
    /// Unmasked, reserved opcode, or a control frame that is too long or fragmented.
    Violation,
}

/// The bytes of a frame that has not arrived whole yet. Never holds more than a control frame.
#[derive(Default)]
pub(super) struct ClientFrames {
    head: Vec<u8>,
    skip: u64,
    broken: bool,
}

impl ClientFrames {
    /// Takes bytes and gives the frames that they completed. Nothing follows a violation.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        while !bytes.is_empty() && !self.broken {
            if self.skip > 0 {
                let n = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
                bytes = &bytes[n..];
                self.skip -= n as u64;
                continue;
            }
            let (&byte, rest) = bytes.split_first().expect("checked to be non-empty");
            self.head.push(byte);
            bytes = rest;
            if let Some(event) = self.event() {
                self.broken = event == Event::Violation;
                self.head.clear();
                events.push(event);
            }
        }
        events
    }

    /// The frame in `head`, when it is whole.
    fn event(&mut self) -> Option<Event> {
        let [first, second, ..] = self.head[..] else {
            return None;
        };
        let (opcode, short) = (first & 0x0F, usize::from(second & 0x7F));
        let control = opcode >= 0x8;
        if first & 0x70 != 0 || second & 0x80 == 0 || !matches!(opcode, 0..=2 | 8..=10) {
            return Some(Event::Violation);
        }
        if control && (short > 125 || first & 0x80 == 0) {
            return Some(Event::Violation);
        }
        let extended = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let header = 2 + extended + 4;
        if self.head.len() < header + if control { short } else { 0 } {
            return None;
        }
        if !control {
            self.skip = match extended {
                0 => short as u64,
                _ => self.head[2..2 + extended].iter().fold(0, |n, &b| n << 8 | u64::from(b)),
            };
            return Some(Event::Data);
        }
        let payload = self.unmasked(header);
        Some(match opcode {
            0x8 => Event::Close(payload.get(..2).map(|c| u16::from_be_bytes([c[0], c[1]]))),
            0x9 => Event::Ping(payload),
            _ => Event::Pong,
        })
    }

    fn unmasked(&self, header: usize) -> Vec<u8> {
        let mask = &self.head[header - 4..header];
        let payload = self.head[header..].iter();
        payload.zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect()
    }
}

#[cfg(test)]
mod tests {
    use ayumi_wire::ws::{Opcode, put_frame};

    use super::*;

    #[test]
    fn frames_in_any_pieces() {
        let mut bytes = Vec::new();
        let mask = Some([1, 2, 3, 4]);
        put_frame(&mut bytes, true, Opcode::Ping, mask, b"hello");
        put_frame(&mut bytes, false, Opcode::Text, mask, &[b'x'; 70_000]);
        put_frame(&mut bytes, true, Opcode::Continuation, mask, &[b'x'; 300]);
        put_frame(&mut bytes, true, Opcode::Pong, mask, b"");
        put_frame(&mut bytes, true, Opcode::Close, mask, &1001u16.to_be_bytes());
        let expected = [
            Event::Ping(b"hello".to_vec()),
            Event::Data,
            Event::Data,
            Event::Pong,
            Event::Close(Some(1001)),
        ];
        for size in [1, 2, 7, 1000, bytes.len()] {
            let mut frames = ClientFrames::default();
            let events: Vec<Event> = bytes.chunks(size).flat_map(|c| frames.feed(c)).collect();
            assert_eq!(events, expected, "pieces of {size}");
        }
    }

    #[test]
    fn garbage_keeps_memory_bounded() {
        let mut dice = 1u64;
        for _ in 0..2_000 {
            let mut frames = ClientFrames::default();
            for _ in 0..20 {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let mut bytes = dice.to_be_bytes();
                bytes[0] &= 0x8F;
                bytes[1] |= 0x80;
                frames.feed(&bytes);
                assert!(frames.head.len() <= 2 + 4 + 125);
            }
        }
    }

    #[test]
    fn violations_end_it() {
        for bytes in [
            &[0x81, 0x01, b'x'][..],
            &[0x83, 0x80],
            &[0xC1, 0x80],
            &[0x09, 0x80],
            &[0x89, 0xFE],
            b"GET / HTTP/1.1",
        ] {
            let mut frames = ClientFrames::default();
            assert_eq!(frames.feed(bytes), [Event::Violation], "{bytes:?}");
            assert_eq!(frames.feed(bytes), [], "nothing follows");
        }
    }
}
