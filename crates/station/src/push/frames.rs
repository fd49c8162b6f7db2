//! Server frames out of a byte stream (RFC 6455, receive side). Pure: no socket, no clock, no allocation per message.
//!
//! Owns the one read buffer and the bounded buffer for fragmented messages. Refuses to check UTF-8, to answer pings and
//! to know about time; [`super::PushLine`] does the I/O. Usable without tokio: read into [`FrameReader::space`], say how
//! much with [`FrameReader::filled`], then call [`FrameReader::step`] until it has no more.

mod head;

use ayumi_wire::ws::Opcode;
use head::{Head, Parsed};

/// A message that claims more than this ends the line: nobody can mean it.
pub const MAX_CLAIM: u64 = 64 << 20;

/// First size of the read buffer: about 130 messages of 2 kB.
const START_CAPACITY: usize = 256 << 10;

/// An unfinished rest of at most this many bytes is moved to the front before each read: the same few cache lines are
/// used again and again, and the copy costs less than the cache misses it saves.
const CHEAP_MOVE: usize = 4 << 10;

/// Where the payload of a [`Step`] is; valid until the next call of [`FrameReader::step`] or [`FrameReader::space`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    joined: bool,
    start: usize,
    len: usize,
}

/// What came next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A whole text message; bytes, not checked.
    Text(Span),
    /// A whole binary message.
    Binary(Span),
    /// A message over the limit was skipped; its payload length.
    TooLong(u64),
    /// A ping, to be answered with a pong of the same payload.
    Ping(Span),
    /// A pong; nobody asked for it.
    Pong,
    /// A close frame: nothing follows.
    Close(Span),
}

/// The peer broke the protocol; the line is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

/// The reader; see the module's head.
pub struct FrameReader {
    buf: Vec<u8>,
    /// Unread bytes are `buf[start..end]`.
    start: usize,
    end: usize,
    /// Bytes from `start` on without which `step` cannot go on; 0 = any byte helps.
    need: usize,
    max_message: usize,
    joined: Vec<u8>,
    /// The message whose payload is being joined or skipped.
    open: Option<Open>,
    /// Inside a payload that is joined or skipped.
    payload: Option<Payload>,
    closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    text: bool,
    total: u64,
}

#[derive(Clone, Copy, Debug)]
struct Payload {
    left: u64,
    fin: bool,
}

impl std::fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unread = self.end - self.start;
        f.debug_struct("FrameReader")
            .field("unread", &unread)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

/// What the start of a frame led to.
enum Begun {
    Incomplete,
    Whole(Step),
    Payload,
}

impl FrameReader {
    /// A reader that stores messages of up to `max_message` bytes.
    #[must_use]
    pub fn new(max_message: usize) -> Self {
        Self {
            buf: vec![0; START_CAPACITY],
            start: 0,
            end: 0,
            need: 0,
            max_message,
            joined: Vec::new(),
            open: None,
            payload: None,
            closed: false,
        }
    }

    /// Room for the next read. Empty only when the buffer is full of messages that [`Self::step`] was not asked for.
    pub fn space(&mut self) -> &mut [u8] {
        let pending = self.end - self.start;
        let tail = self.buf.len() - self.end;
        let cramped = tail < self.buf.len() / 4 || self.start + self.need > self.buf.len();
        if self.start > 0 && (pending <= CHEAP_MOVE || cramped) {
            self.buf.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, pending);
        }
        if self.need > self.buf.len() {
            // `need` is a header and a payload of at most `max_message`: that bounds the growth.
            let doubled = (self.buf.len() * 2).min(self.max_message + head::LONGEST);
            let size = self.need.max(doubled);
            // Exact, or the vector would double once more by itself.
            self.buf.reserve_exact(size - self.buf.len());
            self.buf.resize(size, 0);
        }
        &mut self.buf[self.end..]
    }

    /// The first `n` bytes of [`Self::space`] now hold data.
    pub fn filled(&mut self, n: usize) {
        self.end = (self.end + n).min(self.buf.len());
    }

    /// Takes bytes that were read elsewhere (what came with the handshake answer); returns how many fitted.
    pub fn put(&mut self, bytes: &[u8]) -> usize {
        let space = self.space();
        let n = bytes.len().min(space.len());
        space[..n].copy_from_slice(&bytes[..n]);
        self.filled(n);
        n
    }

    /// The next message or control frame; `None` = more bytes are needed. After a close frame always `None`.
    ///
    /// # Errors
    /// [`Broken`] when the peer breaks the protocol; it repeats on every further call.
    pub fn step(&mut self) -> Result<Option<Step>, Broken> {
        while !self.closed {
            let step = match self.payload {
                Some(payload) => self.take_payload(payload),
                None => match self.begin_frame()? {
                    Begun::Incomplete => return Ok(None),
                    Begun::Whole(step) => Some(step),
                    Begun::Payload => continue,
                },
            };
            match step {
                Some(step) => return Ok(Some(step)),
                None if self.payload.is_some() => return Ok(None),
                None => {}
            }
        }
        Ok(None)
    }

    /// The bytes of a step. Empty for a span that is no longer valid.
    #[must_use]
    pub fn bytes(&self, span: Span) -> &[u8] {
        let from = if span.joined { &self.joined } else { &self.buf };
        from.get(span.start..span.start + span.len).unwrap_or_default()
    }

    /// True if, after [`Self::step`] returned `None`, a message is begun and not finished.
    #[must_use]
    pub fn in_message(&self) -> bool {
        !self.closed && (self.open.is_some() || self.start < self.end)
    }

    /// Bytes of memory held: for tests and statistics.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buf.capacity() + self.joined.capacity()
    }

    fn begin_frame(&mut self) -> Result<Begun, Broken> {
        let unread = &self.buf[self.start..self.end];
        let head = match head::parse(unread)? {
            Parsed::Needs(n) => {
                self.need = n;
                return Ok(Begun::Incomplete);
            }
            Parsed::Head(head) => head,
        };
        let whole = if head.opcode.is_control() {
            true
        } else {
            self.check_order(head.opcode)?;
            head.fin && self.open.is_none() && head.len <= self.max_message as u64
        };
        if !whole {
            self.begin_payload(head)?;
            return Ok(Begun::Payload);
        }
        // Both kinds of whole frame are at most `max_message` or 125 bytes long: the length fits.
        let len = head.len as usize;
        if unread.len() < head.size + len {
            self.need = head.size + len;
            return Ok(Begun::Incomplete);
        }
        let span = Span {
            joined: false,
            start: self.start + head.size,
            len,
        };
        self.start += head.size + len;
        self.need = 0;
        Ok(Begun::Whole(match head.opcode {
            Opcode::Text => Step::Text(span),
            Opcode::Binary | Opcode::Continuation => Step::Binary(span),
            Opcode::Ping => Step::Ping(span),
            Opcode::Pong => Step::Pong,
            Opcode::Close => {
                self.closed = true;
                Step::Close(span)
            }
        }))
    }

    fn check_order(&self, opcode: Opcode) -> Result<(), Broken> {
        match (opcode, self.open.is_some()) {
            (Opcode::Continuation, false) => Err(Broken("continuation frame without a message")),
            (Opcode::Text | Opcode::Binary, true) => Err(Broken("new message inside a fragmented one")),
            _ => Ok(()),
        }
    }

    /// Enters a payload that is joined to a message or skipped. Only here is anything copied.
    fn begin_payload(&mut self, head: Head) -> Result<(), Broken> {
        let mut open = self.open.unwrap_or(Open {
            text: head.opcode == Opcode::Text,
            total: 0,
        });
        if self.open.is_none() {
            self.joined.clear();
        }
        open.total += head.len;
        if open.total > MAX_CLAIM {
            return Err(Broken("message claims more than 64 MiB"));
        }
        self.open = Some(open);
        self.payload = Some(Payload {
            left: head.len,
            fin: head.fin,
        });
        self.start += head.size;
        self.need = 0;
        Ok(())
    }

    /// Consumes what is there of the payload; a step when that ended the message.
    fn take_payload(&mut self, payload: Payload) -> Option<Step> {
        let open = self.open?;
        let here = (self.end - self.start).min(usize::try_from(payload.left).unwrap_or(usize::MAX));
        let skip = open.total > self.max_message as u64;
        if !skip {
            self.joined.extend_from_slice(&self.buf[self.start..self.start + here]);
        }
        self.start += here;
        let left = payload.left - here as u64;
        if left > 0 {
            self.payload = Some(Payload { left, ..payload });
            return None;
        }
        self.payload = None;
        if !payload.fin {
            return None;
        }
        self.open = None;
        let span = Span {
            joined: true,
            start: 0,
            len: self.joined.len(),
        };
        Some(match (skip, open.text) {
            (true, _) => Step::TooLong(open.total),
            (false, true) => Step::Text(span),
            (false, false) => Step::Binary(span),
        })
    }
}

#[cfg(test)]
mod tests;
