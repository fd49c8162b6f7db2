//! Any bytes from the peer, in any slices: no panic, bounded memory, and the slicing changes nothing.
#![no_main]

use ayumi_station::push::frames::{FrameReader, Step};
use libfuzzer_sys::fuzz_target;

const MAX_MESSAGE: usize = 4096;

/// What a reader makes of `bytes` given in slices of `size`; `None` marks a broken stream.
fn read(bytes: &[u8], size: usize) -> Vec<Option<(u8, Vec<u8>, u64)>> {
    let mut reader = FrameReader::new(MAX_MESSAGE);
    let mut seen = Vec::new();
    for slice in bytes.chunks(size) {
        let mut rest = slice;
        while !rest.is_empty() {
            let taken = reader.put(rest);
            if taken == 0 {
                // Only after a close frame, when nothing is read any more.
                return seen;
            }
            rest = &rest[taken..];
            loop {
                match reader.step() {
                    Ok(Some(step)) => seen.push(Some(show(&reader, &step))),
                    Ok(None) => break,
                    Err(_) => {
                        seen.push(None);
                        return seen;
                    }
                }
            }
        }
    }
    seen
}

/// Kind and content; places in the buffer depend on the slicing.
fn show(reader: &FrameReader, step: &Step) -> (u8, Vec<u8>, u64) {
    match *step {
        Step::Text(span) => (1, reader.bytes(span).to_vec(), 0),
        Step::Binary(span) => (2, reader.bytes(span).to_vec(), 0),
        Step::TooLong(length) => (3, Vec::new(), length),
        Step::Ping(span) => (4, reader.bytes(span).to_vec(), 0),
        Step::Pong => (5, Vec::new(), 0),
        Step::Close(span) => (6, reader.bytes(span).to_vec(), 0),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&size, bytes)) = bytes.split_first() else {
        return;
    };
    let whole = read(bytes, bytes.len().max(1));
    let sliced = read(bytes, usize::from(size).max(1));
    assert_eq!(whole, sliced);
});
