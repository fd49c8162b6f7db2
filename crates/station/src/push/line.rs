//! An open PUSH line: the socket around [`FrameReader`].

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use ayumi_wire::ws::{Opcode, put_frame};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop::unconstrained;

use super::LineLost;
use super::frames::{Broken, FrameReader, Span, Step};
use crate::{entropy, text};

/// A message that is begun must be finished within this time (N8).
const UNFINISHED_LIMIT: Duration = Duration::from_secs(5);

/// Answers that the peer does not take are kept up to this size; more are dropped (a peer that never reads has no use
/// for its pongs).
const OUTBOX_MAX: usize = 4 << 10;

/// What one read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// So many bytes. 0 means the buffer is full: call [`PushLine::next`] until it has no more, then read again.
    Some(usize),
    /// The socket has nothing now.
    WouldBlock,
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// Text, not checked for UTF-8; a slice of the read buffer.
    Text(&'a [u8]),
    /// Binary; the station sends none.
    Binary(&'a [u8]),
    /// A message over `max_message` was skipped: its payload bytes. The line goes on.
    TooLong(u64),
}

/// A message by the place of its payload.
enum Message {
    Text(Span),
    Binary(Span),
    TooLong(u64),
}

/// An open line. The intended loop: `readable().await`, then `fill` and `next` until `fill` says `WouldBlock`.
pub struct PushLine {
    stream: TcpStream,
    remote: SocketAddr,
    reader: FrameReader,
    outbox: Vec<u8>,
    /// When the message in progress was first seen unfinished.
    unfinished: Option<Instant>,
    unfinished_limit: Duration,
}

impl std::fmt::Debug for PushLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushLine")
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

impl PushLine {
    pub(super) fn new(stream: TcpStream, remote: SocketAddr, max_message: usize, rest: &[u8]) -> Self {
        let mut reader = FrameReader::new(max_message);
        let fitted = reader.put(rest);
        debug_assert_eq!(
            fitted,
            rest.len(),
            "the rest of the handshake is smaller than the buffer"
        );
        Self {
            stream,
            remote,
            reader,
            outbox: Vec::new(),
            unfinished: None,
            unfinished_limit: UNFINISHED_LIMIT,
        }
    }

    /// Waits until a read may bring something, or until an unfinished message is overdue (then the next [`Self::fill`]
    /// reports it). Call [`Self::next`] first after connecting: bytes may have come with the handshake. Cancel-safe.
    ///
    /// # Errors
    /// What the runtime reports; a lost connection counts as readable.
    pub async fn readable(&self) -> io::Result<()> {
        let Some(since) = self.unfinished else {
            return self.stream.readable().await;
        };
        let overdue = tokio::time::Instant::from_std(since + self.unfinished_limit);
        match tokio::time::timeout_at(overdue, self.stream.readable()).await {
            Ok(ready) => ready,
            Err(_) => Ok(()),
        }
    }

    /// One non-blocking read into the buffer.
    ///
    /// # Errors
    /// [`LineLost`]; messages that arrived before can still be taken with [`Self::next`].
    pub fn fill(&mut self) -> Result<Filled, LineLost> {
        self.flush();
        let space = self.reader.space();
        if space.is_empty() {
            return Ok(Filled::Some(0));
        }
        match read_now(&mut self.stream, space) {
            Poll::Ready(Ok(0)) => Err(LineLost::Eof),
            Poll::Ready(Ok(n)) => {
                self.reader.filled(n);
                Ok(Filled::Some(n))
            }
            Poll::Pending => {
                self.check_overdue()?;
                Ok(Filled::WouldBlock)
            }
            Poll::Ready(Err(e)) if e.kind() == io::ErrorKind::Interrupted => Ok(Filled::Some(0)),
            Poll::Ready(Err(e)) => Err(LineLost::from_io(&e)),
        }
    }

    /// The next complete message in the buffer; `None` = call [`Self::fill`]. Pings are answered on the way.
    ///
    /// # Errors
    /// [`LineLost::Closed`], [`LineLost::Protocol`].
    #[allow(clippy::should_implement_trait)] // it lends: no Iterator can do that
    pub fn next(&mut self) -> Result<Option<Incoming<'_>>, LineLost> {
        let found = self.advance();
        if !self.outbox.is_empty() {
            self.flush();
        }
        Ok(found?.map(|message| match message {
            Message::Text(span) => Incoming::Text(self.reader.bytes(span)),
            Message::Binary(span) => Incoming::Binary(self.reader.bytes(span)),
            Message::TooLong(bytes) => Incoming::TooLong(bytes),
        }))
    }

    /// The peer's address: tells which loopback family answered.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Since when a message is begun and not finished. The line watches this itself (5 s) as long as [`Self::readable`]
    /// or [`Self::fill`] is called.
    #[must_use]
    pub fn unfinished_since(&self) -> Option<Instant> {
        self.unfinished
    }

    /// Another limit than 5 s for unfinished messages.
    pub fn set_unfinished_limit(&mut self, limit: Duration) {
        self.unfinished_limit = limit;
    }

    /// Says goodbye and drops the connection. Best effort: nothing is waited for, no answer is read (kabusapi #8).
    pub fn close(mut self) {
        self.queue(Opcode::Close, &1000_u16.to_be_bytes());
        self.flush();
    }

    /// Steps to the next message and answers control frames on the way.
    fn advance(&mut self) -> Result<Option<Message>, LineLost> {
        let message = loop {
            match self.reader.step() {
                Ok(Some(Step::Text(span))) => break Message::Text(span),
                Ok(Some(Step::Binary(span))) => break Message::Binary(span),
                Ok(Some(Step::TooLong(bytes))) => break Message::TooLong(bytes),
                Ok(Some(Step::Ping(span))) => self.pong(span),
                Ok(Some(Step::Pong)) => {}
                Ok(Some(Step::Close(span))) => return Err(self.closed(span)),
                Ok(None) => {
                    self.watch_unfinished();
                    return Ok(None);
                }
                Err(Broken(why)) => return Err(self.protocol_error(why)),
            }
        };
        self.unfinished = None;
        Ok(Some(message))
    }

    fn watch_unfinished(&mut self) {
        if self.reader.in_message() {
            self.unfinished.get_or_insert_with(Instant::now);
        } else {
            self.unfinished = None;
        }
    }

    /// Asked only when the socket is empty: after a pause of the whole process the rest of the message waits in there.
    fn check_overdue(&self) -> Result<(), LineLost> {
        match self.unfinished {
            Some(since) if since.elapsed() >= self.unfinished_limit => Err(LineLost::Unfinished {
                after: self.unfinished_limit,
            }),
            _ => Ok(()),
        }
    }

    /// The error for a close frame; answers it as the protocol wants.
    fn closed(&mut self, span: Span) -> LineLost {
        let payload = self.reader.bytes(span).to_vec();
        let (code, reason) = match payload.as_slice() {
            [] => (None, &[][..]),
            [high, low, reason @ ..] => (Some(u16::from_be_bytes([*high, *low])), reason),
            [_] => return self.protocol_error("close frame with half a code"),
        };
        if code.is_some_and(|c| !matches!(c, 1000..=1003 | 1007..=1014 | 3000..=4999)) {
            return self.protocol_error("unknown close code");
        }
        self.queue(Opcode::Close, &payload[..payload.len().min(2)]);
        LineLost::Closed {
            code,
            reason: text::sanitised(&String::from_utf8_lossy(reason)),
        }
    }

    fn protocol_error(&mut self, why: &'static str) -> LineLost {
        self.queue(Opcode::Close, &1002_u16.to_be_bytes());
        LineLost::Protocol(why)
    }

    fn pong(&mut self, span: Span) {
        if self.outbox.len() > OUTBOX_MAX {
            self.flush();
        }
        if self.outbox.len() <= OUTBOX_MAX {
            put_frame(
                &mut self.outbox,
                true,
                Opcode::Pong,
                Some(entropy::mask()),
                self.reader.bytes(span),
            );
        }
    }

    fn queue(&mut self, opcode: Opcode, payload: &[u8]) {
        put_frame(&mut self.outbox, true, opcode, Some(entropy::mask()), payload);
    }

    /// Writes what the socket takes now. A broken socket is found by the next read.
    fn flush(&mut self) {
        while !self.outbox.is_empty() {
            match self.stream.try_write(&self.outbox) {
                Ok(n) if n > 0 => drop(self.outbox.drain(..n)),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                _ => return self.outbox.clear(),
            }
        }
    }
}

/// Reads what is there; `Pending` when the socket has nothing. Not `try_read`: here the runtime takes a read that does not
/// fill the buffer as the sign that the socket is empty (where the system promises that: not on Windows), and the next
/// read is answered without asking the system. That is one system call in three when messages come one by one.
/// Whoever waits does so with [`PushLine::readable`], so nobody has to be woken for this; and it is no work that the
/// runtime should interrupt: `Pending` must mean that there is nothing.
fn read_now(stream: &mut TcpStream, space: &mut [u8]) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(space);
    let polled = {
        let read = poll_fn(|context| Pin::new(&mut *stream).poll_read(context, &mut buffer));
        pin!(unconstrained(read)).poll(&mut Context::from_waker(Waker::noop()))
    };
    polled.map_ok(|()| buffer.filled().len())
}
