//! What happens to a line by the clock: pings of ours, going half-open, losing patience with a slow reader.

use std::time::{Duration, Instant};

use ayumi_wire::ws::Opcode;

use super::{Client, Ending};
use crate::shared::Shared;

/// How often the clock is looked at.
const PULSE: Duration = Duration::from_millis(20);
/// Pings at one look; more would be a flood that nobody asked for.
const MOST_PINGS: u32 = 1_000;

/// Watches one connection until it is to end.
pub(super) async fn pulse(shared: &Shared, client: &Client) -> Ending {
    let began = Instant::now();
    let mut pings = Pings::default();
    loop {
        tokio::time::sleep(PULSE).await;
        let (ping_every, half_open_in, slow) = {
            let station = shared.station();
            let faults = &station.faults;
            // A line that drips is slow by itself.
            let slow = faults.reset_slow_after.filter(|_| faults.drip.is_none());
            (faults.ping_every, faults.half_open_in, slow)
        };
        let now = Instant::now();
        if half_open_in.is_some_and(|after| now.duration_since(began) >= after) {
            shared.trouble.note("half_open_in");
            client.outbox().shut();
            return Ending::HalfOpen;
        }
        let waiting = client.outbox().waiting_since().map(|since| now.duration_since(since));
        if slow.zip(waiting).is_some_and(|(most, waiting)| waiting >= most) {
            shared.trouble.note("reset_slow_after");
            shared.tally.count(|c| c.slow_reader_resets += 1);
            client.outbox().shut();
            return Ending::Reset;
        }
        pings.send(shared, client, ping_every, now);
    }
}

#[derive(Default)]
struct Pings {
    next: Option<Instant>,
    sent: u64,
}

impl Pings {
    /// Sends the pings that are due, to clients that get anything at all.
    fn send(&mut self, shared: &Shared, client: &Client, every: Option<Duration>, now: Instant) {
        let Some(every) = every.filter(|_| client.outbox().is_open()) else {
            self.next = None;
            return;
        };
        let mut next = self.next.unwrap_or(now);
        let mut count = 0;
        while next <= now && count < MOST_PINGS {
            self.sent += 1;
            client
                .outbox()
                .put_frame(true, Opcode::Ping as u8, self.sent.to_string().as_bytes());
            shared.trouble.note("ping_every");
            next += every;
            count += 1;
        }
        self.next = Some(if next <= now { now + every } else { next });
        if count > 0 {
            client.wake();
        }
    }
}
