//! What waits to be written to one client, in order. Bytes only; the writer owns the socket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ayumi_wire::ws::{Opcode, put_frame};

use super::odd::{close_payload, put_odd};
use super::trouble::Trouble;
use crate::faults::{Faults, RawFrame};

/// A chunk is written with as few calls as the socket allows.
const CHUNK: usize = 256 * 1024;
/// Written chunks whose memory is used again.
const SPARE: usize = 4;
/// Messages of so long count as one burst ([`Faults::reset_on_burst`]).
const BURST: Duration = Duration::from_millis(100);

/// The send queue of one client. It is the player's business not to let it grow ([`Outbox::pending`]).
pub(crate) struct Outbox {
    queue: VecDeque<Item>,
    /// Bytes queued or being written.
    pending: usize,
    /// Messages of the chunk that is being written.
    writing: u64,
    /// When the chunk that is being written was begun.
    writing_since: Option<Instant>,
    /// Messages accepted on this connection.
    accepted: u64,
    /// `stall_after` has had its turn: a line that was let go again stays so.
    was_stalled: bool,
    /// When the last ones were accepted; kept only while bursts are a fault.
    recent: VecDeque<Instant>,
    gate: Gate,
    spare: Vec<Vec<u8>>,
    trouble: Arc<Trouble>,
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
    /// With what the frame carries.
    Close(Vec<u8>),
    Reset,
    HalfOpen,
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
    /// When its first byte was queued.
    pub since: Option<Instant>,
}

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    Data(Chunk),
    /// With what the frame carries.
    Close(Vec<u8>),
    Reset,
    HalfOpen,
}

impl Outbox {
    /// The handshake goes first, so that the first message may share its segment.
    pub(super) fn new(handshake: &[u8], trouble: Arc<Trouble>) -> Self {
        let first = Chunk {
            bytes: handshake.to_vec(),
            ..Chunk::default()
        };
        Self {
            queue: VecDeque::from([Item::Data(first)]),
            pending: handshake.len(),
            writing: 0,
            writing_since: None,
            accepted: 0,
            was_stalled: false,
            recent: VecDeque::new(),
            gate: Gate::Open,
            spare: Vec::new(),
            trouble,
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

    /// Since when the oldest byte has waited.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let first = self.queue.iter().find_map(|item| match item {
            Item::Data(chunk) => chunk.since,
            _ => None,
        });
        self.writing_since.or(first)
    }

    /// Queues a message of the source; false when it goes nowhere.
    pub(crate) fn put_message(&mut self, text: &[u8], faults: &Faults) -> bool {
        if self.gate != Gate::Open {
            return false;
        }
        if !faults.bends() {
            self.put_text(text, faults);
            return true;
        }
        let trouble = Arc::clone(&self.trouble);
        for bent in trouble.bend(text, faults) {
            self.put_text(&bent, faults);
        }
        true
    }

    /// Queues a text, unless the one before has ended the line.
    fn put_text(&mut self, text: &[u8], faults: &Faults) {
        if self.gate != Gate::Open {
            return;
        }
        self.accepted += 1;
        self.trouble.sent(text);
        if !faults.is_smooth() {
            return self.put_roughly(text, faults);
        }
        let chunk = self.chunk();
        let start = chunk.bytes.len();
        put_frame(&mut chunk.bytes, true, Opcode::Text, None, text);
        chunk.messages += 1;
        self.pending += self.back_len() - start;
    }

    /// Queues a text with whatever the faults of the line make of it.
    fn put_roughly(&mut self, text: &[u8], faults: &Faults) {
        let trouble = Arc::clone(&self.trouble);
        let number = trouble.number();
        let drawn = |name: &str, chance: f64| {
            let hit = chance > 0.0 && trouble.dice(faults, name, number).chance(chance);
            if hit {
                trouble.note(name);
            }
            hit
        };
        if drawn("empty_frames", faults.empty_frames) {
            self.put_frame(true, Opcode::Text as u8, b"");
        }
        let binary = drawn("binary_frames", faults.binary_frames);
        let mut dice = (faults.split_drawn > 0).then(|| trouble.dice(faults, "split_drawn", number));
        let chunk = self.chunk();
        let start = chunk.bytes.len();
        put_odd(chunk, text, faults, binary, dice.as_mut());
        chunk.messages += 1;
        self.pending += self.back_len() - start;
        self.after_message(faults, &drawn);
    }

    /// What the faults do to the line behind a message.
    fn after_message(&mut self, faults: &Faults, drawn: &dyn Fn(&str, f64) -> bool) {
        let trouble = Arc::clone(&self.trouble);
        let (now, was_stalled) = (self.accepted, self.was_stalled);
        // A line that is past the count already when the fault is set has met it.
        let counted = |name: &str, after: Option<u64>| {
            let hit = after.is_some_and(|after| now >= after);
            if hit {
                trouble.note(name);
            }
            hit
        };
        if self.is_burst(faults.reset_on_burst) {
            trouble.note("reset_on_burst");
            self.end(Item::Reset);
        } else if counted("reset_after", faults.reset_after) || drawn("reset_chance", faults.reset_chance) {
            self.end(Item::Reset);
        } else if counted("close_after", faults.close_after) || drawn("close_chance", faults.close_chance) {
            self.close_with(faults.close_code, &faults.close_reason);
        } else if counted("half_open_after", faults.half_open_after) {
            self.end(Item::HalfOpen);
        } else if (!was_stalled && counted("stall_after", faults.stall_after))
            || drawn("stall_chance", faults.stall_chance)
        {
            self.gate = Gate::Stalled;
            self.was_stalled = true;
        }
    }

    /// True when this message is one too many within 100 ms.
    fn is_burst(&mut self, most: Option<usize>) -> bool {
        let Some(most) = most else {
            self.recent.clear();
            return false;
        };
        let now = Instant::now();
        while self.recent.front().is_some_and(|at| now.duration_since(*at) > BURST) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.recent.len() > most
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
        self.close_with(Some(code), "");
    }

    /// Queues a close frame with a reason, or without a code; nothing follows it.
    pub(super) fn close_with(&mut self, code: Option<u16>, reason: &str) {
        self.end(Item::Close(close_payload(code, reason)));
    }

    fn end(&mut self, ending: Item) {
        if self.gate != Gate::Shut {
            self.queue.push_back(ending);
            self.gate = Gate::Shut;
        }
    }

    /// The client wants to close: what is queued is dropped, the number of messages lost is returned.
    pub(super) fn answer_close(&mut self, code: u16) -> u64 {
        let lost = self.drop_queue();
        self.gate = Gate::Shut;
        self.queue.push_back(Item::Close(close_payload(Some(code), "")));
        lost
    }

    /// Nothing is written any more; what waits is lost, and the number of messages returned.
    pub(super) fn forget(&mut self) -> u64 {
        self.abandon()
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
            Some(Item::Close(payload)) => Next::Close(payload),
            Some(Item::Reset) => Next::Reset,
            Some(Item::HalfOpen) => Next::HalfOpen,
            Some(Item::Data(chunk)) => {
                self.writing = chunk.messages;
                self.writing_since = chunk.since;
                Next::Data(chunk)
            }
        }
    }

    /// A chunk is written; its memory is kept for the next.
    pub(super) fn written(&mut self, mut chunk: Chunk) {
        self.pending = self.pending.saturating_sub(chunk.bytes.len());
        self.writing = 0;
        self.writing_since = None;
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
                since: Some(Instant::now()),
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

/// As [`put_frame`], with an opcode that need not exist.
fn put_frame_bits(out: &mut Vec<u8>, fin: bool, opcode: u8, payload: &[u8]) {
    let at = out.len();
    put_frame(out, fin, Opcode::Text, None, payload);
    out[at] = (out[at] & 0xF0) | (opcode & 0x0F);
}

#[cfg(test)]
mod tests;
