//! The frame of a zstd file from outside: whether a file that has no end stops between two blocks or within one.
//!
//! RFC 8878, section 3.1.1. Sizes are read, contents are skipped.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::path::Path;

const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();

/// True when the file's last frame lacks its end and nothing else: it stops exactly behind a block, or holds nothing.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn ends_between_blocks(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut input = BufReader::new(file);
    let mut at = 0;
    match last_border(&mut input, &mut at) {
        Ok(()) => Ok(at == length),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Moves `at` behind the last whole block; an error when bytes that are no frame or no whole block follow.
fn last_border(input: &mut (impl Read + Seek), at: &mut u64) -> io::Result<()> {
    while !is_at_end(input)? {
        let checksum = header(input)?;
        loop {
            *at = input.stream_position()?;
            if is_at_end(input)? {
                return Ok(());
            }
            let mut head = [0; 3];
            input.read_exact(&mut head)?;
            let Some((length, last)) = block(&head) else {
                return Err(ErrorKind::UnexpectedEof.into());
            };
            skip(input, length)?;
            if last {
                skip(input, if checksum { 4 } else { 0 })?;
                *at = input.stream_position()?;
                break;
            }
        }
    }
    Ok(())
}

/// Passes a frame's header; tells whether a checksum follows the last block.
fn header(input: &mut impl Read) -> io::Result<bool> {
    let mut start = [0; 5];
    input.read_exact(&mut start)?;
    let Some((rest, checksum)) = after_start(&start) else {
        return Err(ErrorKind::UnexpectedEof.into());
    };
    if io::copy(&mut input.take(rest), &mut io::sink())? < rest {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(checksum)
}

/// What the first five bytes of a frame say: how long the rest of its header is, and whether a checksum ends it. `None`
/// when they begin no frame.
pub(crate) fn after_start(start: &[u8]) -> Option<(u64, bool)> {
    let &[a, b, c, d, flags] = start else { return None };
    if [a, b, c, d] != MAGIC {
        return None;
    }
    let single_segment = flags & 0x20 != 0;
    let window = u64::from(!single_segment);
    let dictionary = [0, 1, 2, 4][usize::from(flags & 3)];
    let size = match flags >> 6 {
        0 => u64::from(single_segment),
        log => 1 << log,
    };
    Some((window + dictionary + size, flags & 4 != 0))
}

/// What the head of a block says: the length of its body, and whether it is the frame's last. `None` when it is no head.
pub(crate) fn block(head: &[u8]) -> Option<(u64, bool)> {
    let &[a, b, c] = head else { return None };
    let head = u32::from_le_bytes([a, b, c, 0]);
    let length = match (head >> 1) & 3 {
        1 => 1,
        3 => return None,
        _ => head >> 3,
    };
    Some((u64::from(length), head & 1 == 1))
}

/// Passes so many bytes, which must be there.
fn skip(input: &mut (impl Read + Seek), length: u64) -> io::Result<()> {
    if io::copy(&mut input.by_ref().take(length), &mut io::sink())? < length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn is_at_end(input: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut byte = [0];
    if input.read(&mut byte)? == 0 {
        return Ok(true);
    }
    input.seek_relative(-1)?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn only_the_borders_of_blocks_are_borders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zst");
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        let mut borders = vec![0];
        for n in 0..40u32 {
            // Raw, run-length and packed blocks, long ones too.
            let text = match n % 3 {
                0 => vec![b'a'; 300],
                1 => (0..n * 20_000).flat_map(u32::to_le_bytes).collect(),
                _ => n.to_le_bytes().to_vec(),
            };
            encoder.write_all(&text).unwrap();
            encoder.flush().unwrap();
            borders.push(encoder.get_ref().len());
        }
        let whole = encoder.finish().unwrap();
        for &border in &borders {
            for (length, expected) in [
                (border, true),
                (border + 1, false),
                (border.saturating_sub(1), border == 0),
            ] {
                std::fs::write(&path, &whole[..length]).unwrap();
                assert_eq!(ends_between_blocks(&path).unwrap(), expected, "{length} at {border}");
            }
        }
        std::fs::write(&path, b"no zstd at all").unwrap();
        assert!(!ends_between_blocks(&path).unwrap());
    }
}
