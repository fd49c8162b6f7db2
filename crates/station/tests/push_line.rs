//! The open line: no byte lost, odd peers named, pings answered, memory bounded.

mod common;

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ayumi_station::push::connect;
use ayumi_station::{Filled, LineLost};
use ayumi_wire::ws::{Opcode, put_frame};
use common::{Got, client_frame, config, frame, next, peer, read_request, run, until_lost, upgrade, welcome};

#[test]
fn n14_first_messages_in_the_segment_of_the_answer_split_at_every_offset() {
    let texts: Vec<Vec<u8>> = [90, 130, 40].iter().map(|n| vec![b'a'; *n]).collect();
    let frames: Vec<u8> = texts.iter().flat_map(|t| frame(Opcode::Text, t)).collect();
    let expected: Vec<Got> = texts.into_iter().map(Got::Text).collect();
    let head = 200; // more than the answer has; a cut beyond the end is the end
    for cut in 0..head + frames.len() {
        let frames = frames.clone();
        let (connected, when_connected) = mpsc::channel();
        let (port, thread) = peer(move |mut stream| {
            let request = read_request(&mut stream);
            let mut bytes = welcome(&request);
            let head = bytes.len();
            bytes.extend(frames);
            let cut = cut.min(bytes.len());
            stream.write_all(&bytes[..cut]).expect("first part");
            if cut >= head {
                when_connected.recv().expect("the client connects on the first part");
            }
            stream.write_all(&bytes[cut..]).expect("second part");
            stream
        });
        run(async {
            let mut line = connect(&config(port)).await.expect("connected");
            let _ = connected.send(());
            for message in &expected {
                assert_eq!(next(&mut line).await.as_ref(), Ok(message), "cut at {cut}");
            }
        });
        thread.join().expect("peer");
    }
}

#[test]
fn n14_one_frame_in_two_segments() {
    let (port, thread) = peer(|mut stream| {
        upgrade(&mut stream);
        let bytes = frame(Opcode::Text, &[b'x'; 1606]);
        for part in bytes.chunks(1440) {
            stream.write_all(part).expect("part");
        }
        stream
    });
    run(async {
        let mut line = connect(&config(port)).await.expect("connected");
        assert_eq!(next(&mut line).await, Ok(Got::Text(vec![b'x'; 1606])));
        assert_eq!(line.unfinished_since(), None);
        assert_eq!(line.remote().port(), port);
    });
    thread.join().expect("peer");
}

#[test]
fn n09_a_thousand_pings_get_a_thousand_pongs_and_no_ping() {
    let (port, thread) = peer(|mut stream| {
        upgrade(&mut stream);
        let mut bytes = Vec::new();
        for i in 0..1000u32 {
            bytes.extend(frame(Opcode::Ping, &i.to_be_bytes()));
        }
        bytes.extend(frame(Opcode::Pong, b"unasked"));
        bytes.extend(frame(Opcode::Text, b"end"));
        stream.write_all(&bytes).expect("pings");
        for i in 0..1000u32 {
            assert_eq!(
                client_frame(&mut stream),
                Some((Opcode::Pong as u8, i.to_be_bytes().to_vec()))
            );
        }
        assert_eq!(
            client_frame(&mut stream),
            Some((Opcode::Close as u8, 1000u16.to_be_bytes().to_vec()))
        );
        assert_eq!(client_frame(&mut stream), None);
    });
    run(async {
        let mut line = connect(&config(port)).await.expect("connected");
        assert_eq!(next(&mut line).await, Ok(Got::Text(b"end".to_vec())));
        line.close();
    });
    thread.join().expect("peer");
}

#[test]
fn n09_a_peer_that_never_reads_its_pongs_does_not_stop_the_messages() {
    let (port, thread) = peer(|mut stream| {
        upgrade(&mut stream);
        let pings = frame(Opcode::Ping, &[0; 125]).repeat(1000);
        for _ in 0..100 {
            stream.write_all(&pings).expect("pings");
        }
        stream.write_all(&frame(Opcode::Text, b"end")).expect("text");
        stream
    });
    run(async {
        let mut line = connect(&config(port)).await.expect("connected");
        assert_eq!(next(&mut line).await, Ok(Got::Text(b"end".to_vec())));
    });
    thread.join().expect("peer");
}

#[test]
fn n08_oversized_messages_are_reported_and_the_line_goes_on() {
    let (port, thread) = peer(|mut stream| {
        upgrade(&mut stream);
        stream
            .write_all(&frame(Opcode::Text, &vec![b'x'; 16 << 20]))
            .expect("huge frame");
        let mut fragments = Vec::new();
        put_frame(&mut fragments, false, Opcode::Text, None, &[b'y'; 200]);
        for i in 1..10_000 {
            put_frame(&mut fragments, i == 9_999, Opcode::Continuation, None, &[b'y'; 200]);
        }
        stream.write_all(&fragments).expect("fragments");
        stream.write_all(&frame(Opcode::Binary, b"end")).expect("end");
        stream
    });
    run(async {
        let mut line = connect(&config(port)).await.expect("connected");
        assert_eq!(next(&mut line).await, Ok(Got::TooLong(16 << 20)));
        assert_eq!(next(&mut line).await, Ok(Got::TooLong(2_000_000)));
        assert_eq!(next(&mut line).await, Ok(Got::Binary(b"end".to_vec())));
    });
    thread.join().expect("peer");
}

#[test]
fn n08_a_message_that_is_never_finished_ends_the_line() {
    let mut fragment = Vec::new();
    put_frame(&mut fragment, false, Opcode::Text, None, b"begun");
    for begun in [fragment, vec![0x81], frame(Opcode::Text, &[0; 100])[..50].to_vec()] {
        let (port, thread) = peer(move |mut stream| {
            upgrade(&mut stream);
            stream.write_all(&begun).expect("fragment");
            stream
        });
        run(async {
            let mut line = connect(&config(port)).await.expect("connected");
            let limit = Duration::from_millis(30);
            line.set_unfinished_limit(limit);
            let start = Instant::now();
            assert_eq!(next(&mut line).await, Err(LineLost::Unfinished { after: limit }));
            assert!(start.elapsed() >= limit && line.unfinished_since().is_some());
        });
        drop(thread.join().expect("peer"));
    }
}

#[test]
fn n05_a_trickled_message_ends_the_line_too() {
    let (port, thread) = peer(move |mut stream| {
        upgrade(&mut stream);
        for byte in frame(Opcode::Text, &[0; 120]) {
            std::thread::sleep(Duration::from_millis(2));
            if stream.write_all(&[byte]).is_err() {
                return;
            }
        }
    });
    run(async {
        let mut line = connect(&config(port)).await.expect("connected");
        line.set_unfinished_limit(Duration::from_millis(40));
        // One read per wake-up: such a caller never sees the socket empty.
        let lost = loop {
            line.readable().await.expect("runtime");
            match line.fill().and_then(|_| line.next().map(drop)) {
                Ok(()) => {}
                Err(lost) => break lost,
            }
        };
        assert!(matches!(lost, LineLost::Unfinished { .. }), "{lost}");
    });
    thread.join().expect("peer");
}

#[test]
fn n05_a_stream_that_always_stops_inside_a_message_is_no_unfinished_message() {
    const STEPS: usize = 60;
    let limit = Duration::from_millis(500);
    let (port, thread) = peer(move |mut stream| {
        upgrade(&mut stream);
        let bytes = frame(Opcode::Text, &[b'x'; 98]).repeat(STEPS + 1);
        stream.write_all(&bytes[..50]).expect("half a message");
        for part in bytes[50..].chunks(100) {
            std::thread::sleep(limit.mul_f64(1.2) / STEPS as u32);
            stream.write_all(part).expect("two halves");
        }
    });
    run(async {
        let mut line = connect(&config(port)).await.expect("connected");
        line.set_unfinished_limit(limit);
        for _ in 0..=STEPS {
            assert_eq!(next(&mut line).await, Ok(Got::Text(vec![b'x'; 98])));
        }
    });
    thread.join().expect("peer");
}

fn lost_after(bytes: Vec<u8>, end: impl FnOnce(TcpStream) + Send + 'static) -> (Vec<Got>, LineLost) {
    let (port, thread) = peer(move |mut stream| {
        let request = read_request(&mut stream);
        stream
            .write_all(&[welcome(&request), bytes].concat())
            .expect("answer and frames");
        end(stream);
    });
    let out = run(async {
        let mut line = connect(&config(port)).await.expect("connected");
        until_lost(&mut line).await
    });
    thread.join().expect("peer");
    out
}

#[test]
fn the_end_of_a_line_is_told_in_short_words() {
    let close = |payload: &[u8]| frame(Opcode::Close, payload);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (close(b"\x03\xE9"), "closed by the station: 1001 going away"),
        (
            close(b"\x03\xE9moving\x1b[2J\r\n out"),
            "closed by the station: 1001 moving[2J out",
        ),
        (close(b"\x0F\xA0"), "closed by the station: 4000"),
        (
            close(b"\x03\xE8\xFF\xFE"),
            "closed by the station: 1000 \u{FFFD}\u{FFFD}",
        ),
        (close(b""), "closed by the station: no code"),
        (close(b"\x03"), "protocol error: close frame with half a code"),
        (close(b"\x03\xED"), "protocol error: unknown close code"),
        (close(b"\x27\x10"), "protocol error: unknown close code"),
        (vec![0xC1, 0x00], "protocol error: reserved bits set"),
        (
            vec![0x81, 0x81, 0, 0, 0, 0, 0],
            "protocol error: masked frame from the server",
        ),
        (vec![], "connection ended by the station without a close frame"),
    ];
    for (bytes, expected) in cases {
        let before = frame(Opcode::Text, b"before");
        let (messages, lost) = lost_after([before, bytes].concat(), drop);
        assert_eq!(lost.to_string(), expected);
        assert_eq!(messages, [Got::Text(b"before".to_vec())]);
    }
}

#[test]
fn n02_a_reset_is_told_as_a_reset() {
    let (seen, when_seen) = mpsc::channel::<()>();
    let (port, thread) = peer(move |mut stream| {
        upgrade(&mut stream);
        stream.write_all(&frame(Opcode::Text, b"x").repeat(42)).expect("burst");
        stream
            .write_all(&frame(Opcode::Text, b"half")[..3])
            .expect("half a frame");
        when_seen.recv().expect("seen");
        socket2::SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .expect("linger");
    });
    run(async {
        let mut line = connect(&config(port)).await.expect("connected");
        for _ in 0..42 {
            assert_eq!(next(&mut line).await, Ok(Got::Text(b"x".to_vec())));
        }
        seen.send(()).expect("peer");
        let lost = next(&mut line).await.expect_err("reset");
        assert_eq!(lost, LineLost::Reset);
        assert_eq!(lost.to_string(), "connection reset by the station");
    });
    thread.join().expect("peer");
}

#[test]
fn messages_that_arrived_before_the_end_can_still_be_taken() {
    let (port, thread) = peer(|mut stream| {
        upgrade(&mut stream);
        stream.write_all(&frame(Opcode::Text, b"x").repeat(3)).expect("frames");
    });
    thread_then(port, thread);
}

fn thread_then(port: u16, thread: std::thread::JoinHandle<()>) {
    run(async {
        let mut line = connect(&config(port)).await.expect("connected");
        // Reads on to the end before taking a single message.
        let lost = loop {
            match line.fill() {
                Ok(Filled::WouldBlock) => line.readable().await.expect("runtime"),
                Ok(Filled::Some(_)) => {}
                Err(lost) => break lost,
            }
        };
        assert_eq!(lost, LineLost::Eof);
        for _ in 0..3 {
            assert!(matches!(line.next(), Ok(Some(_))));
        }
        assert_eq!(line.next(), Ok(None));
    });
    thread.join().expect("peer");
}
