//! A REST worker under test and one question to it.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ayumi_station::{Entry, Job, Reply, RestConfig, RestError, RestWorker, rest};

use super::PATIENCE;

pub const BOARD: &str = r#"{"Symbol":"7203","TradingVolume":100}"#;

pub fn entry() -> Entry {
    Entry {
        symbol: "7203".to_owned(),
        exchange: 1,
    }
}

/// No pacing to speak of.
pub fn config(port: u16) -> RestConfig {
    RestConfig {
        port,
        spacing: Duration::ZERO,
        silence_after_429: Duration::ZERO,
        ..RestConfig::default()
    }
}

pub fn start(config: RestConfig) -> (RestWorker, Receiver<Reply>) {
    let (send, replies) = channel();
    (rest::spawn(config, move |reply| drop(send.send(reply))), replies)
}

/// Asks for one board; the reply that is not `TokenChanged`, and how often that came before.
pub fn board(worker: &RestWorker, replies: &Receiver<Reply>) -> (Result<Vec<u8>, RestError>, usize) {
    worker.send(Job::Board { entry: entry(), tag: 7 }).expect("room");
    let mut changed = 0;
    loop {
        match replies.recv_timeout(PATIENCE).expect("a reply") {
            Reply::TokenChanged => changed += 1,
            Reply::Board {
                tag: 7,
                entry: e,
                result,
                ..
            } if e == entry() => return (result, changed),
            other => panic!("{other:?}"),
        }
    }
}

pub fn board_of(config: RestConfig) -> Result<Vec<u8>, RestError> {
    let (worker, replies) = start(config);
    board(&worker, &replies).0
}
