use super::*;
use crate::faults::{Bend, Dose};

fn fresh() -> Outbox {
    let mut outbox = Outbox::new(b"", Arc::default());
    assert!(matches!(outbox.next(), Next::Data(_)));
    outbox
}

fn data(outbox: &mut Outbox) -> Chunk {
    match outbox.next() {
        Next::Data(chunk) => chunk,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fault_set_on_a_line_that_is_past_its_count_is_met_by_the_next_message() {
    let mut outbox = fresh();
    for _ in 0..5 {
        assert!(outbox.put_message(b"a", &Faults::default()));
    }
    let stall = Faults {
        stall_after: Some(3),
        ..Faults::default()
    };
    assert!(outbox.put_message(b"b", &stall) && !outbox.put_message(b"c", &stall));
    outbox.stall(false);
    assert!(outbox.put_message(b"d", &stall), "a line that was let go stays so");
    let reset = Faults {
        reset_after: Some(3),
        ..Faults::default()
    };
    assert!(outbox.put_message(b"e", &reset) && !outbox.put_message(b"f", &reset));
}

#[test]
fn an_ending_comes_after_exactly_n_messages() {
    for (faults, ending) in [
        (
            Faults {
                close_after: Some(2),
                ..Faults::default()
            },
            Next::Close(1001u16.to_be_bytes().to_vec()),
        ),
        (
            Faults {
                reset_after: Some(2),
                ..Faults::default()
            },
            Next::Reset,
        ),
    ] {
        let mut outbox = fresh();
        assert!(outbox.put_message(b"a", &faults) && outbox.put_message(b"b", &faults));
        assert!(!outbox.put_message(b"c", &faults), "nothing follows an ending");
        assert_eq!(data(&mut outbox).messages, 2);
        assert_eq!(outbox.next(), ending);
        assert_eq!(outbox.abandon(), 2, "taken but never written");
    }
}

#[test]
fn fragments_and_splits() {
    let faults = Faults {
        fragment: 3,
        split_at: vec![1, 4],
        ..Faults::default()
    };
    let mut outbox = fresh();
    outbox.put_message(b"abcdefg", &faults);
    let chunk = data(&mut outbox);
    assert_eq!(chunk.bytes, b"\x01\x03abc\x00\x03def\x80\x01g");
    assert_eq!(chunk.breaks, [1, 4]);
    outbox.put_message(b"", &faults);
    assert_eq!(data(&mut outbox).bytes, b"\x81\x00");
}

#[test]
fn n02_a_burst_ends_in_a_reset() {
    let faults = Faults {
        reset_on_burst: Some(40),
        ..Faults::default()
    };
    let mut outbox = fresh();
    // All of them within a few milliseconds, unless the machine sleeps: then there is no burst to find.
    let began = Instant::now();
    let taken = (0..100).filter(|_| outbox.put_message(b"x", &faults)).count();
    if began.elapsed() < BURST {
        assert_eq!(taken, 41, "the one too many is the last");
        assert_eq!(data(&mut outbox).messages, 41);
        assert_eq!(outbox.next(), Next::Reset);
    }
    let mut calm = fresh();
    for _ in 0..40 {
        assert!(calm.put_message(b"x", &faults));
    }
}

#[test]
fn chances_are_drawn_from_the_seed_and_go_on_over_connections() {
    let faults = |seed| Faults {
        seed: Some(seed),
        reset_chance: 50.0,
        ..Faults::default()
    };
    let lives = |seed| -> Vec<usize> {
        let trouble = Arc::<Trouble>::default();
        let life = |_| {
            let mut outbox = Outbox::new(b"", Arc::clone(&trouble));
            (0..1_000)
                .take_while(|_| outbox.put_message(b"x", &faults(seed)))
                .count()
        };
        (0..20).map(life).collect()
    };
    assert_eq!(lives(1), lives(1));
    assert_ne!(lives(1), lives(2));
    let mean = lives(1).iter().sum::<usize>() / 20;
    assert!((8..40).contains(&mean), "one in twenty: {mean}");
    assert!(lives(1).windows(2).any(|pair| pair[0] != pair[1]));
}

#[test]
fn odd_frames_and_bent_messages_are_queued() {
    let mut faults = Faults {
        empty_frames: 1_000.0,
        binary_frames: 1_000.0,
        ..Faults::default()
    };
    let mut outbox = fresh();
    assert!(outbox.put_message(b"{}", &faults));
    assert_eq!(data(&mut outbox).bytes, b"\x81\x00\x82\x02{}");
    faults = Faults {
        half_open_after: Some(3),
        ..Faults::default()
    };
    faults.messages.insert(Bend::Duplicated, Dose::default());
    assert!(outbox.put_message(b"{}", &faults));
    let chunk = data(&mut outbox);
    assert_eq!((chunk.messages, &chunk.bytes[..]), (2, &b"\x81\x02{}\x81\x02{}"[..]));
    assert_eq!(outbox.next(), Next::HalfOpen);
    assert!(!outbox.is_open());
}

#[test]
fn pending_counts_what_is_not_written() {
    let (mut outbox, faults) = (fresh(), Faults::default());
    outbox.put_message(b"abc", &faults);
    outbox.put_raw(&RawFrame::of(true, 0xB, "x"), Duration::ZERO);
    assert_eq!(outbox.pending(), 8);
    let chunk = data(&mut outbox);
    assert_eq!((chunk.bytes[5], outbox.pending()), (0x8B, 8));
    outbox.written(chunk);
    assert_eq!((outbox.pending(), outbox.abandon()), (0, 0));
}

#[test]
fn a_stalled_client_gets_raw_frames_only() {
    let (mut outbox, faults) = (fresh(), Faults::default());
    outbox.stall(true);
    assert!(!outbox.put_message(b"a", &faults));
    assert!(outbox.put_raw(&RawFrame::text("b"), Duration::ZERO));
    outbox.stall(false);
    assert!(outbox.put_message(b"c", &faults));
    outbox.close(1001);
    outbox.stall(false);
    assert!(!outbox.is_open());
}
