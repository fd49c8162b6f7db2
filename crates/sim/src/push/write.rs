//! Writing what is queued, at the pace and in the pieces that the faults ask for.

use std::time::Duration;

use ayumi_wire::ws::{self, Opcode};
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::WriteHalf;

use super::outbox::{Chunk, Next};
use super::{Client, Ending};
use crate::shared::Shared;

/// Pieces per second of a line that drips.
const DRIPS: u32 = 20;

/// Writes until the line ends.
pub(super) async fn write_all(shared: &Shared, client: &Client, mut writer: WriteHalf<'_>) -> Ending {
    loop {
        let next = client.outbox().next();
        match next {
            Next::Nothing => client.wake.notified().await,
            Next::Reset => return Ending::Reset,
            Next::HalfOpen => return Ending::HalfOpen,
            Next::Close(payload) => {
                let mut frame = Vec::new();
                ws::put_frame(&mut frame, true, Opcode::Close, None, &payload);
                return match writer.write_all(&frame).await {
                    Ok(()) => Ending::Closed,
                    Err(_) => Ending::Gone,
                };
            }
            Next::Data(chunk) => {
                if write_chunk(shared, &mut writer, &chunk).await.is_err() {
                    return Ending::Gone;
                }
                shared.tally.count(|c| {
                    c.messages_sent += chunk.messages;
                    c.bytes_sent += chunk.bytes.len() as u64;
                });
                client.outbox().written(chunk);
                client.drained.notify_one();
            }
        }
    }
}

/// Writes a chunk, ending a TCP write at each of its breaks.
async fn write_chunk(shared: &Shared, writer: &mut WriteHalf<'_>, chunk: &Chunk) -> std::io::Result<()> {
    let mut from = 0;
    for &to in &chunk.breaks {
        let to = to.clamp(from, chunk.bytes.len());
        write_piece(shared, writer, &chunk.bytes[from..to]).await?;
        from = to;
        match chunk.pause.is_zero() {
            true => tokio::task::yield_now().await,
            false => tokio::time::sleep(chunk.pause).await,
        }
    }
    write_piece(shared, writer, &chunk.bytes[from..]).await
}

/// Writes bytes at once, or drop by drop while the line drips.
async fn write_piece(shared: &Shared, writer: &mut WriteHalf<'_>, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let rate = shared.station().faults.drip;
        let Some(rate) = rate.map(|rate| rate.max(1)) else {
            return writer.write_all(bytes).await;
        };
        let size = (rate / DRIPS).max(1);
        let (piece, rest) = bytes.split_at(bytes.len().min(size as usize));
        writer.write_all(piece).await?;
        tokio::time::sleep(Duration::from_secs_f64(f64::from(size) / f64::from(rate))).await;
        bytes = rest;
    }
    Ok(())
}
