//! The whole client against the simulated station: its habits, its limits, its token.

mod common;

use std::sync::mpsc::{Receiver, channel};

use ayumi_sim::{Cut, Sim, SimConfig, SimHandle};
use ayumi_station::push::connect;
use ayumi_station::{Entry, Job, LineLost, Registration, Reply, RestConfig, RestError, RestWorker, rest};
use common::{Got, PATIENCE, config, next, run, until_lost};
use secrecy::SecretString;

fn entries(n: u32) -> Vec<Entry> {
    (0..n)
        .map(|i| Entry {
            symbol: (1000 + i).to_string(),
            exchange: 1,
        })
        .collect()
}

fn station(list_limit: usize) -> SimHandle {
    let mut sim = SimConfig {
        token: Some("0123456789abcdef0123456789abcdef".to_owned()),
        password: Some("pass0word".to_owned()),
        list_limit,
        ..SimConfig::default()
    };
    sim.faults.answer_at_once();
    Sim::start(sim).expect("a free port")
}

/// At the pace of the real worker: the simulator's limiter counts real seconds.
fn worker(sim: &SimHandle) -> (RestWorker, Receiver<Reply>) {
    let (send, replies) = channel();
    let config = RestConfig {
        port: sim.port(),
        token: Some(SecretString::from("0123456789abcdef0123456789abcdef")),
        api_password: Some(SecretString::from("pass0word")),
        ..RestConfig::default()
    };
    (rest::spawn(config, move |reply| drop(send.send(reply))), replies)
}

fn registered(worker: &RestWorker, replies: &Receiver<Reply>, symbols: Vec<Entry>) -> Registration {
    worker.send(Job::EnsureRegistered { symbols }).expect("room");
    loop {
        match replies.recv_timeout(PATIENCE).expect("a reply") {
            Reply::TokenChanged => {}
            Reply::Registered(registration) => return registration,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn messages_arrive_as_they_were_sent_and_every_end_is_told() {
    let sim = station(50);
    let text = r#"{"Symbol":"7203","SymbolName":"トヨタ自動車","Exchange":1,"TradingVolume":100}"#;
    for (cut, lost) in [(Cut::Reset, LineLost::Reset), (Cut::Close(1001), closed(1001))] {
        run(async {
            let mut line = connect(&config(sim.port())).await.expect("connected");
            // The 101 may overtake the simulator's own notice of its new client.
            assert!(sim.wait_until(PATIENCE, |c| c.push_clients_now == 1));
            for _ in 0..100 {
                sim.push_text(text);
            }
            for _ in 0..100 {
                assert_eq!(next(&mut line).await, Ok(Got::Text(text.as_bytes().to_vec())));
            }
            sim.cut(cut);
            assert_eq!(until_lost(&mut line).await, (Vec::new(), lost));
        });
        assert!(sim.wait_until(PATIENCE, |c| c.push_clients_now == 0));
    }
    assert_eq!(sim.counters().pings_received, 0);
}

fn closed(code: u16) -> LineLost {
    LineLost::Closed {
        code: Some(code),
        reason: String::new(),
    }
}

#[test]
fn r04_the_worker_stays_below_the_limit_and_boards_come() {
    let sim = station(50);
    let (worker, replies) = worker(&sim);
    let symbols = entries(2);
    let list = registered(&worker, &replies, symbols.clone());
    assert_eq!((list.registered, list.error), (2, None));
    for tag in 0..14 {
        worker
            .send(Job::Board {
                entry: symbols[0].clone(),
                tag,
            })
            .expect("room");
    }
    for _ in 0..14 {
        let reply = replies.recv_timeout(PATIENCE).expect("a reply");
        assert!(
            matches!(&reply, Reply::Board { result: Ok(body), .. } if body.starts_with(b"{")),
            "{reply:?}"
        );
    }
    let counters = sim.counters();
    assert_eq!((counters.rate_limited, counters.bad_hosts), (0, 0));
}

#[test]
fn r07_a_bad_symbol_and_a_full_list_are_named() {
    let sim = station(3);
    sim.set_fault(|f| f.bad_symbols = ["1001".to_owned()].into());
    let (worker, replies) = worker(&sim);
    let wanted = entries(6);
    let list = registered(&worker, &replies, wanted.clone());
    let refused: Vec<&Entry> = list.refused.iter().map(|(e, _)| e).collect();
    assert_eq!((list.registered, list.on_list, refused), (3, 3, vec![&wanted[1]]));
    assert_eq!((list.not_fitting, list.error), (wanted[4..].to_vec(), None));
}

#[test]
fn r02_r03_a_replaced_token_is_fetched_and_a_logout_is_told() {
    let sim = station(50);
    let (worker, replies) = worker(&sim);
    sim.replace_token();
    let list = registered(&worker, &replies, entries(1));
    assert_eq!((list.registered, list.error), (1, None));
    sim.kill_token();
    let list = registered(&worker, &replies, entries(1));
    assert!(matches!(list.error, Some(RestError::NotLoggedIn(_))), "{list:?}");
    assert_eq!(list.registered, 0, "nothing is known of the list");
}
