//! Places for connections. When none is left, the one that has said nothing for the longest time goes: clients that open
//! connections and forget them do not lock the others out.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::shared::lock;

/// How often somebody who waits for a place looks for a connection that has become idle.
const LOOK: Duration = Duration::from_millis(50);

/// All places of a port.
pub(super) struct Room {
    places: Arc<Semaphore>,
    /// Who waits for a request, the longest first.
    idle: Mutex<BTreeMap<u64, Arc<Notify>>>,
    last: AtomicU64,
}

impl Room {
    pub(super) fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            idle: Mutex::default(),
            last: AtomicU64::new(0),
        }
    }

    /// A place; while all are taken by connections that are at work, it is waited for.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        loop {
            if let Some((_, longest)) = lock(&self.idle).pop_first() {
                longest.notify_one();
            }
            let place = Arc::clone(&self.places).acquire_owned();
            if let Ok(place) = tokio::time::timeout(LOOK, place).await {
                return place.ok();
            }
        }
    }

    /// Waits for a client that has nothing to say yet; `None` = its place is needed.
    pub(super) async fn idle<T>(&self, heard: impl Future<Output = T>) -> Option<T> {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let go = Arc::new(Notify::new());
        lock(&self.idle).insert(number, Arc::clone(&go));
        let heard = tokio::select! {
            biased;
            heard = heard => Some(heard),
            () = go.notified() => None,
        };
        lock(&self.idle).remove(&number);
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three connections and two places: who has been idle for longer goes, who is at work stays.
    #[test]
    fn the_longest_idle_connection_makes_room() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let room = Arc::new(Room::new(2));
            let silent = |place| {
                let room = Arc::clone(&room);
                tokio::spawn(async move {
                    let heard = room.idle(std::future::pending::<()>()).await;
                    drop(place);
                    heard
                })
            };
            let first = silent(room.place().await);
            tokio::task::yield_now().await;
            let second = silent(room.place().await);
            tokio::task::yield_now().await;
            let at_work = room.place().await;
            assert!(at_work.is_some());
            assert_eq!(first.await.expect("ended"), None, "the longest idle one");
            assert!(!second.is_finished());
            let third = room.place().await;
            assert_eq!(second.await.expect("ended"), None);
            let late = tokio::time::timeout(Duration::from_millis(120), room.place()).await;
            assert!(late.is_err(), "nobody is idle: it waits");
            drop(third);
            assert!(room.place().await.is_some());
        });
    }
}
