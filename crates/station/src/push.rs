//! The PUSH line: one WebSocket to `/kabusapi/websocket`, receive side only.
//!
//! Our own reader and no library: the station resets a client that falls behind (kabusapi #284, #792), so the hot path
//! reads straight into one buffer and hands out slices of it. Nothing is copied for an unfragmented message, oversized
//! messages are skipped without being stored, and memory stays bounded whatever the peer sends. Text is not checked for
//! UTF-8 here (the decoder does it), and we never send a ping: one ends the connection (kabusapi #8).

mod dial;
mod error;
pub mod frames;
mod handshake;
mod line;

use std::time::Duration;

use secrecy::SecretString;

pub use error::{ConnectError, LineLost};
pub use line::{Filled, Incoming, PushLine};

/// Where and how to open the line.
#[derive(Clone, Debug)]
pub struct PushConfig {
    /// `localhost`, `127.0.0.1` and `::1` all mean this machine and try both loopback families.
    pub host: String,
    /// 18080 production, 18081 verification.
    pub port: u16,
    /// Sent as `X-API-KEY` if present; the station asks for none (kabusapi #166).
    pub token: Option<SecretString>,
    /// For everything from the first SYN to the end of the handshake answer.
    pub connect_timeout: Duration,
    /// Wish for SO_RCVBUF in bytes; a refusal is no error. The default window of some systems holds about 330 messages.
    pub receive_buffer: usize,
    /// Longest message that is stored, in bytes; a longer one is skipped and reported as [`Incoming::TooLong`].
    pub max_message: usize,
}

impl Default for PushConfig {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 18080,
            token: None,
            connect_timeout: Duration::from_secs(6),
            receive_buffer: 4 << 20,
            max_message: 1 << 20,
        }
    }
}

/// Opens the line: dials, shakes hands, checks the answer. The future may be dropped at any await; nothing survives it.
///
/// Needs a tokio runtime with I/O and time. Environment proxies play no part and redirects are not followed.
///
/// # Errors
/// [`ConnectError`], each with a next step in [`ConnectError::advice`].
pub async fn connect(config: &PushConfig) -> Result<PushLine, ConnectError> {
    let deadline = tokio::time::Instant::now() + config.connect_timeout;
    let in_time = |stage| {
        move |_| ConnectError::Timeout {
            stage,
            after: config.connect_timeout,
        }
    };
    let mut stream = tokio::time::timeout_at(deadline, dial::dial(config))
        .await
        .map_err(in_time("connecting"))??;
    let remote = stream.peer_addr().map_err(|e| ConnectError::from_io(&e))?;
    let rest = tokio::time::timeout_at(deadline, handshake::shake(&mut stream, config.token.as_ref()))
        .await
        .map_err(in_time("waiting for the handshake answer"))??;
    Ok(PushLine::new(stream, remote, config.max_message, &rest))
}
