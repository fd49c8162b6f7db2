//! What waits to be written to one client, in order. Bytes only; the writer owns the socket.

use std::collections::VecDeque;
use std::time::Duration;

use ayumi_wire::ws::{Opcode, put_frame};

use crate::faults::{Faults, RawFrame};

/// A chunk is written with as few calls as the socket allows.
const CHUNK: usize = 256 * 1024;
/// Written chunks whose memory is used again.
const SPARE: usize = 4;

/// The send queue of one client. It is the player's business not to let it grow ([`Outbox::pending`]).
pub(crate) struct Outbox {
    queue: VecDeque<Item>,
    /// Bytes queued or being written.
    pending: usize,
    /// Messages of the chunk that is being written.
    writing: u64,
    /// Messages accepted on this connection.
    accepted: u64,
    gate: Gate,
    spare: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    /// Connected, but the source's messages go nowhere.
    Stalled,
    /// An ending is queued: nothing may follow it.
    Shut,
}

enum Item {
    Data(Chunk),
    Close(u16),
    Reset,
}

/// Bytes to write.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub bytes: Vec<u8>,
    /// Offsets at which a TCP write ends.
    pub breaks: Vec<usize>,
    /// Pause after each break.
    pub pause: Duration,
    /// Messages of the source in it.
    pub messages: u64,
}

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    Data(Chunk),
    Close(u16),
    Reset,
}

impl Outbox {
    /// The handshake goes first, so that the first message may share its segment.
    pub(super) fn new(handshake: &[u8]) -> Self {
        let first = Chunk {
            bytes: handshake.to_vec(),
            ..Chunk::default()
        };
        Self {
            queue: VecDeque::from([Item::Data(first)]),
            pending: handshake.len(),
            writing: 0,
            accepted: 0,
            gate: Gate::Open,
            spare: Vec::new(),
        }
    }

    /// True while messages of the source are accepted.
    pub(crate) fn is_open(&self) -> bool {
        self.gate == Gate::Open
    }

    /// Bytes not yet taken by the socket.
    pub(crate) fn pending(&self) -> usize {
        self.pending
    }

    /// Queues a message of the source; false when it goes nowhere.
    pub(crate) fn put_message(&mut self, text: &[u8], faults: &Faults) -> bool {
        if self.gate != Gate::Open {
            return false;
        }
        let plain = faults.fragment <= 1 && faults.split_at.is_empty();
        let chunk = self.chunk();
        let start = chunk.bytes.len();
        match plain {
            true => put_frame(&mut chunk.bytes, true, Opcode::Text, None, text),
            false => put_odd(chunk, text, faults),
        }
        chunk.messages += 1;
        self.pending += self.back_len() - start;
        self.accepted += 1;
        self.after_message(faults);
        true
    }

    fn after_message(&mut self, faults: &Faults) {
        let now = Some(self.accepted);
        if faults.reset_after == now {
            self.queue.push_back(Item::Reset);
            self.gate = Gate::Shut;
        } else if faults.close_after == now {
            self.close(1001);
        } else if faults.stall_after == now {
            self.gate = Gate::Stalled;
        }
    }

    /// Queues any frame, also while stalled; false when an ending stands before it.
    pub(crate) fn put_raw(&mut self, frame: &RawFrame, pause: Duration) -> bool {
        if self.gate == Gate::Shut {
            return false;
        }
        let chunk = self.chunk();
        let start = chunk.bytes.len();
        put_frame_bits(&mut chunk.bytes, frame.fin, frame.opcode, &frame.payload);
        chunk.breaks.extend(frame.split_at.iter().map(|at| start + at));
        chunk.pause = pause;
        self.pending += self.back_len() - start;
        true
    }

    /// Queues one frame.
    pub(super) fn put_frame(&mut self, fin: bool, opcode: u8, payload: &[u8]) -> bool {
        self.put_raw(&RawFrame::of(fin, opcode, payload), Duration::ZERO)
    }

    /// Queues any bytes as they are.
    pub(crate) fn put_bytes(&mut self, bytes: &[u8]) -> bool {
        if self.gate == Gate::Shut {
            return false;
        }
        self.chunk().bytes.extend_from_slice(bytes);
        self.pending += bytes.len();
        true
    }

    /// Queues a close frame; nothing follows it.
    pub(crate) fn close(&mut self, code: u16) {
        if self.gate != Gate::Shut {
            self.queue.push_back(Item::Close(code));
            self.gate = Gate::Shut;
        }
    }

    /// The client wants to close: what is queued is dropped, the number of messages lost is returned.
    pub(super) fn answer_close(&mut self, code: u16) -> u64 {
        let lost = self.drop_queue();
        self.gate = Gate::Shut;
        self.queue.push_back(Item::Close(code));
        lost
    }

    /// Starts or ends silence; no effect after an ending.
    pub(crate) fn stall(&mut self, on: bool) {
        if self.gate != Gate::Shut {
            self.gate = if on { Gate::Stalled } else { Gate::Open };
        }
    }

    /// Accepts nothing more.
    pub(super) fn shut(&mut self) {
        self.gate = Gate::Shut;
    }

    /// What to write next.
    pub(super) fn next(&mut self) -> Next {
        match self.queue.pop_front() {
            None => Next::Nothing,
            Some(Item::Close(code)) => Next::Close(code),
            Some(Item::Reset) => Next::Reset,
            Some(Item::Data(chunk)) => {
                self.writing = chunk.messages;
                Next::Data(chunk)
            }
        }
    }

    /// A chunk is written; its memory is kept for the next.
    pub(super) fn written(&mut self, mut chunk: Chunk) {
        self.pending = self.pending.saturating_sub(chunk.bytes.len());
        self.writing = 0;
        if self.spare.len() < SPARE {
            chunk.bytes.clear();
            self.spare.push(chunk.bytes);
        }
    }

    /// The connection has ended; returns the messages that were not written.
    pub(super) fn abandon(&mut self) -> u64 {
        let lost = self.drop_queue() + std::mem::take(&mut self.writing);
        self.gate = Gate::Shut;
        self.pending = 0;
        lost
    }

    fn drop_queue(&mut self) -> u64 {
        let mut lost = 0;
        for item in self.queue.drain(..) {
            if let Item::Data(chunk) = item {
                lost += chunk.messages;
                self.pending = self.pending.saturating_sub(chunk.bytes.len());
            }
        }
        lost
    }

    /// The chunk to append to: the last one, or a new one when that is full or an ending.
    fn chunk(&mut self) -> &mut Chunk {
        let fits = matches!(self.queue.back(), Some(Item::Data(c)) if c.bytes.len() < CHUNK);
        if !fits {
            let bytes = self.spare.pop().unwrap_or_default();
            self.queue.push_back(Item::Data(Chunk {
                bytes,
                ..Chunk::default()
            }));
        }
        match self.queue.back_mut() {
            Some(Item::Data(chunk)) => chunk,
            _ => unreachable!("a data chunk was pushed above"),
        }
    }

    fn back_len(&self) -> usize {
        match self.queue.back() {
            Some(Item::Data(chunk)) => chunk.bytes.len(),
            _ => 0,
        }
    }
}

/// A message in several frames, its bytes in several writes.
fn put_odd(chunk: &mut Chunk, text: &[u8], faults: &Faults) {
    let start = chunk.bytes.len();
    let parts = faults.fragment.clamp(1, text.len().max(1));
    let size = text.len().div_ceil(parts).max(1);
    let mut left = text;
    let mut opcode = Opcode::Text;
    loop {
        let (part, rest) = left.split_at(size.min(left.len()));
        put_frame(&mut chunk.bytes, rest.is_empty(), opcode, None, part);
        (left, opcode) = (rest, Opcode::Continuation);
        if left.is_empty() {
            break;
        }
    }
    chunk.breaks.extend(faults.split_at.iter().map(|at| start + at));
    chunk.pause = faults.split_pause;
}

/// As [`put_frame`], with an opcode that need not exist.
fn put_frame_bits(out: &mut Vec<u8>, fin: bool, opcode: u8, payload: &[u8]) {
    let at = out.len();
    put_frame(out, fin, Opcode::Text, None, payload);
    out[at] = (out[at] & 0xF0) | (opcode & 0x0F);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Outbox {
        let mut outbox = Outbox::new(b"");
        assert!(matches!(outbox.next(), Next::Data(_)));
        outbox
    }

    fn data(outbox: &mut Outbox) -> Chunk {
        match outbox.next() {
            Next::Data(chunk) => chunk,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_ending_comes_after_exactly_n_messages() {
        for (faults, ending) in [
            (
                Faults {
                    close_after: Some(2),
                    ..Faults::default()
                },
                Next::Close(1001),
            ),
            (
                Faults {
                    reset_after: Some(2),
                    ..Faults::default()
                },
                Next::Reset,
            ),
        ] {
            let mut outbox = fresh();
            assert!(outbox.put_message(b"a", &faults) && outbox.put_message(b"b", &faults));
            assert!(!outbox.put_message(b"c", &faults), "nothing follows an ending");
            assert_eq!(data(&mut outbox).messages, 2);
            assert_eq!(outbox.next(), ending);
            assert_eq!(outbox.abandon(), 2, "taken but never written");
        }
    }

    #[test]
    fn fragments_and_splits() {
        let faults = Faults {
            fragment: 3,
            split_at: vec![1, 4],
            ..Faults::default()
        };
        let mut outbox = fresh();
        outbox.put_message(b"abcdefg", &faults);
        let chunk = data(&mut outbox);
        assert_eq!(chunk.bytes, b"\x01\x03abc\x00\x03def\x80\x01g");
        assert_eq!(chunk.breaks, [1, 4]);
        outbox.put_message(b"", &faults);
        assert_eq!(data(&mut outbox).bytes, b"\x81\x00");
    }

    #[test]
    fn pending_counts_what_is_not_written() {
        let (mut outbox, faults) = (fresh(), Faults::default());
        outbox.put_message(b"abc", &faults);
        outbox.put_raw(&RawFrame::of(true, 0xB, "x"), Duration::ZERO);
        assert_eq!(outbox.pending(), 8);
        let chunk = data(&mut outbox);
        assert_eq!((chunk.bytes[5], outbox.pending()), (0x8B, 8));
        outbox.written(chunk);
        assert_eq!((outbox.pending(), outbox.abandon()), (0, 0));
    }

    #[test]
    fn a_stalled_client_gets_raw_frames_only() {
        let (mut outbox, faults) = (fresh(), Faults::default());
        outbox.stall(true);
        assert!(!outbox.put_message(b"a", &faults));
        assert!(outbox.put_raw(&RawFrame::text("b"), Duration::ZERO));
        outbox.stall(false);
        assert!(outbox.put_message(b"c", &faults));
        outbox.close(1001);
        outbox.stall(false);
        assert!(!outbox.is_open());
    }
}
