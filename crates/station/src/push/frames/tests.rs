use ayumi_wire::ws::put_frame;
use proptest::prelude::*;

use super::*;

/// What a test expects to come out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Out {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    TooLong(u64),
    Ping(Vec<u8>),
    Pong,
    Close(Vec<u8>),
}

/// Feeds `bytes` in pieces of the given sizes (the last one repeats) and collects what comes out.
fn run(reader: &mut FrameReader, bytes: &[u8], pieces: &[usize]) -> Result<Vec<Out>, Broken> {
    let mut out = Vec::new();
    let mut rest = bytes;
    let mut pieces = pieces
        .iter()
        .copied()
        .chain(std::iter::repeat(pieces.last().copied().unwrap_or(usize::MAX)));
    while !rest.is_empty() {
        let piece = pieces.next().unwrap_or(usize::MAX).clamp(1, rest.len());
        let fitted = reader.put(&rest[..piece]);
        assert!(fitted > 0, "no room although everything was read");
        rest = &rest[fitted..];
        while let Some(step) = reader.step()? {
            out.push(match step {
                Step::Text(s) => Out::Text(reader.bytes(s).to_vec()),
                Step::Binary(s) => Out::Binary(reader.bytes(s).to_vec()),
                Step::TooLong(n) => Out::TooLong(n),
                Step::Ping(s) => Out::Ping(reader.bytes(s).to_vec()),
                Step::Pong => Out::Pong,
                Step::Close(s) => Out::Close(reader.bytes(s).to_vec()),
            });
        }
    }
    Ok(out)
}

fn frame(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_frame(&mut out, fin, opcode, None, payload);
    out
}

#[test]
fn n14_three_messages_sliced_at_every_offset() {
    let texts: Vec<Vec<u8>> = [120, 1612, 300]
        .iter()
        .map(|n| (0..*n).map(|i| i as u8).collect())
        .collect();
    let bytes: Vec<u8> = texts.iter().flat_map(|t| frame(true, Opcode::Text, t)).collect();
    let expected: Vec<Out> = texts.into_iter().map(Out::Text).collect();
    for cut in 1..bytes.len() {
        let got = run(&mut FrameReader::new(1 << 20), &bytes, &[cut, usize::MAX]).expect("valid frames");
        assert_eq!(got, expected, "cut at {cut}");
    }
    assert_eq!(
        run(&mut FrameReader::new(1 << 20), &bytes, &[1]).expect("valid frames"),
        expected
    );
}

#[test]
fn n14_continuation_frames_are_joined_with_control_frames_between() {
    let mut bytes = frame(false, Opcode::Text, b"ab");
    bytes.extend(frame(true, Opcode::Ping, b"p"));
    bytes.extend(frame(false, Opcode::Continuation, b""));
    bytes.extend(frame(true, Opcode::Pong, b""));
    bytes.extend(frame(true, Opcode::Continuation, b"cd"));
    bytes.extend(frame(true, Opcode::Binary, b"e"));
    let got = run(&mut FrameReader::new(100), &bytes, &[3]).expect("valid frames");
    let expected = [
        Out::Ping(b"p".to_vec()),
        Out::Pong,
        Out::Text(b"abcd".to_vec()),
        Out::Binary(b"e".to_vec()),
    ];
    assert_eq!(got, expected);
}

#[test]
fn n08_sixteen_megabytes_are_skipped_without_being_stored() {
    let mut reader = FrameReader::new(1 << 20);
    let mut bytes = frame(true, Opcode::Text, &vec![b'x'; 16 << 20]);
    bytes.extend(frame(true, Opcode::Text, b"next"));
    let got = run(&mut reader, &bytes, &[65_536]).expect("valid frames");
    assert_eq!(got, [Out::TooLong(16 << 20), Out::Text(b"next".to_vec())]);
    assert!(reader.capacity() < 2 << 20, "{} bytes held", reader.capacity());
}

#[test]
fn n08_ten_thousand_fragments_join_or_are_skipped() {
    for (size, expected) in [(100, None), (1000, Some(Out::TooLong(10_000_000)))] {
        let mut reader = FrameReader::new(1 << 20);
        let mut bytes = frame(false, Opcode::Text, &vec![b'x'; size]);
        for i in 1..10_000 {
            bytes.extend(frame(i == 9_999, Opcode::Continuation, &vec![b'x'; size]));
        }
        bytes.extend(frame(true, Opcode::Text, b"next"));
        let got = run(&mut reader, &bytes, &[8192]).expect("valid frames");
        let first = expected.unwrap_or_else(|| Out::Text(vec![b'x'; size * 10_000]));
        assert_eq!(got, [first, Out::Text(b"next".to_vec())]);
        assert!(reader.capacity() < 3 << 20, "{} bytes held", reader.capacity());
    }
}

#[test]
fn message_at_the_limit_passes_and_one_byte_more_does_not() {
    for max in [0, 1, 125, 126, 65_535, 65_536, 300_000, 1 << 20] {
        let mut bytes = frame(true, Opcode::Text, &vec![b'x'; max]);
        bytes.extend(frame(true, Opcode::Text, &vec![b'y'; max + 1]));
        let mut reader = FrameReader::new(max);
        let got = run(&mut reader, &bytes, &[50_000]).expect("valid frames");
        assert_eq!(got, [Out::Text(vec![b'x'; max]), Out::TooLong(max as u64 + 1)]);
        assert!(
            reader.capacity() <= START_CAPACITY.max(max + 10),
            "{} for {max}",
            reader.capacity()
        );
    }
}

#[test]
fn a_stream_of_full_reads_needs_no_growth_and_never_gets_stuck() {
    let message = frame(true, Opcode::Text, &[b'x'; 70_000]);
    let stream = message.repeat(50);
    let (mut reader, mut rest, mut seen) = (FrameReader::new(1 << 20), stream.as_slice(), 0);
    while !rest.is_empty() {
        let fitted = reader.put(rest);
        assert!(fitted > 0, "stuck after {seen}");
        rest = &rest[fitted..];
        while let Some(Step::Text(span)) = reader.step().expect("valid frames") {
            assert_eq!(reader.bytes(span).len(), 70_000);
            seen += 1;
        }
    }
    assert_eq!((seen, reader.capacity()), (50, START_CAPACITY));
}

#[test]
fn n07_n08_broken_frames_are_named() {
    let claim = |len: u64| [&[0x81, 127][..], &len.to_be_bytes()].concat();
    let open = frame(false, Opcode::Text, b"a");
    let many: Vec<u8> = (0..40)
        .flat_map(|i| {
            let opcode = if i == 0 { Opcode::Text } else { Opcode::Continuation };
            frame(false, opcode, &vec![0; 2 << 20])
        })
        .collect();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("reserved bits set", vec![0xC1, 0]),
        ("reserved bits set", vec![0x91, 0]),
        ("reserved opcode", vec![0x83, 0]),
        ("reserved opcode", vec![0x8B, 0]),
        ("masked frame from the server", vec![0x81, 0x80, 1, 2, 3, 4]),
        ("control frame fragmented or too long", vec![0x09, 0]),
        ("control frame fragmented or too long", vec![0x89, 126, 0, 200]),
        (
            "continuation frame without a message",
            frame(true, Opcode::Continuation, b"a"),
        ),
        (
            "new message inside a fragmented one",
            [open.clone(), frame(true, Opcode::Text, b"b")].concat(),
        ),
        ("message claims more than 64 MiB", claim(MAX_CLAIM + 1)),
        ("message claims more than 64 MiB", claim(u64::MAX)),
        ("message claims more than 64 MiB", many),
    ];
    for (why, bytes) in cases {
        let mut reader = FrameReader::new(1 << 20);
        assert_eq!(run(&mut reader, &bytes, &[usize::MAX]), Err(Broken(why)));
        assert_eq!(reader.step(), Err(Broken(why)), "it stays broken");
    }
}

#[test]
fn nothing_is_read_after_a_close_frame() {
    let mut bytes = frame(true, Opcode::Close, b"\x03\xE8bye");
    bytes.extend(frame(true, Opcode::Text, b"late"));
    let mut reader = FrameReader::new(100);
    let got = run(&mut reader, &bytes, &[usize::MAX]).expect("valid frames");
    assert_eq!(got, [Out::Close(b"\x03\xE8bye".to_vec())]);
    assert!(!reader.in_message());
}

#[test]
fn an_unfinished_message_is_known() {
    let mut reader = FrameReader::new(100);
    assert!(!reader.in_message());
    for (bytes, unfinished) in [
        (vec![0x81], true),
        (vec![3, b'a'], true),
        (vec![b'b', b'c'], false),
        (frame(false, Opcode::Text, b"x"), true),
        (frame(true, Opcode::Ping, b""), true),
        (frame(true, Opcode::Continuation, b"x"), false),
        (frame(true, Opcode::Text, &[0; 200])[..50].to_vec(), true),
    ] {
        run(&mut reader, &bytes, &[usize::MAX]).expect("valid frames");
        assert_eq!(reader.in_message(), unfinished, "after {bytes:?}");
    }
}

#[test]
fn a_full_buffer_gives_no_room_until_it_is_read() {
    let message = frame(true, Opcode::Text, &[b'x'; 2000]);
    let mut reader = FrameReader::new(1 << 20);
    let mut put = 0;
    loop {
        let n = reader.put(&message);
        put += n;
        if n < message.len() {
            break;
        }
    }
    assert!(reader.space().is_empty());
    let mut seen = 0;
    while let Some(Step::Text(_)) = reader.step().expect("valid frames") {
        seen += 1;
    }
    assert_eq!(seen, put / message.len());
    assert!(!reader.space().is_empty());
}

/// A message as a server may send it.
#[derive(Clone, Debug)]
struct Sent {
    text: bool,
    parts: Vec<Vec<u8>>,
    /// Control frame before each part: none, ping, pong.
    between: Vec<u8>,
}

fn sent() -> impl Strategy<Value = Sent> {
    let part = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..300),
        1 => proptest::collection::vec(any::<u8>(), 60_000..70_000),
    ];
    (
        any::<bool>(),
        proptest::collection::vec(part, 1..5),
        proptest::collection::vec(0u8..3, 5),
    )
        .prop_map(|(text, parts, between)| Sent { text, parts, between })
}

fn on_the_wire(messages: &[Sent], max: usize) -> (Vec<u8>, Vec<Out>) {
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    for message in messages {
        for (i, part) in message.parts.iter().enumerate() {
            match message.between[i] {
                1 => {
                    bytes.extend(frame(true, Opcode::Ping, &[i as u8]));
                    expected.push(Out::Ping(vec![i as u8]));
                }
                2 => {
                    bytes.extend(frame(true, Opcode::Pong, b""));
                    expected.push(Out::Pong);
                }
                _ => {}
            }
            let opcode = match (i, message.text) {
                (0, true) => Opcode::Text,
                (0, false) => Opcode::Binary,
                _ => Opcode::Continuation,
            };
            bytes.extend(frame(i + 1 == message.parts.len(), opcode, part));
        }
        let whole = message.parts.concat();
        expected.push(match (whole.len() > max, message.text) {
            (true, _) => Out::TooLong(whole.len() as u64),
            (false, true) => Out::Text(whole),
            (false, false) => Out::Binary(whole),
        });
    }
    (bytes, expected)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn n14_any_split_gives_the_same_messages(
        messages in proptest::collection::vec(sent(), 1..12),
        pieces in proptest::collection::vec(1usize..5000, 1..50),
        max in prop_oneof![Just(200usize), Just(100_000), Just(1 << 20)],
    ) {
        let (bytes, expected) = on_the_wire(&messages, max);
        let mut reader = FrameReader::new(max);
        prop_assert_eq!(run(&mut reader, &bytes, &pieces), Ok(expected));
        prop_assert!(!reader.in_message());
        prop_assert!(reader.capacity() <= START_CAPACITY.max(max + 64) + (2 * max).max(1024));
    }

    #[test]
    fn n07_garbage_never_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..4000),
        pieces in proptest::collection::vec(1usize..400, 1..10),
        max in 0usize..2000,
    ) {
        let _ = run(&mut FrameReader::new(max), &bytes, &pieces);
    }

    #[test]
    fn n07_damaged_frames_never_panic(
        messages in proptest::collection::vec(sent(), 1..4),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        piece in 1usize..5000,
    ) {
        let (mut bytes, _) = on_the_wire(&messages, 1000);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = run(&mut FrameReader::new(1000), &bytes, &[piece]);
    }
}
