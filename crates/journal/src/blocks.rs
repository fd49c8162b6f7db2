//! A zstd file handed to its decoder block by block.
//!
//! The library unpacks as many blocks in one call as fit, and when one of them is damaged the call fails with everything
//! that it had unpacked before. With one block a call only the damaged one is lost.

use std::io::{self, BufRead, Read};

use crate::frame;

/// Bytes that the largest block unpacks to (RFC 8878, section 3.1.1.2.4); a reader behind the decoder must have room for
/// as many, so that nothing of a block waits for the next call.
pub(crate) const LARGEST: usize = 128 * 1024;

/// Gives out no more than up to the end of the part it is in.
pub(crate) struct Blocks<R> {
    input: R,
    part: Part,
    /// Bytes of the part that were not given out yet.
    left: u64,
    /// The heads' bytes as they go by.
    head: Vec<u8>,
    checksum: bool,
    last: bool,
}

#[derive(Clone, Copy)]
enum Part {
    /// Magic number and flags of a frame.
    Start,
    RestOfHeader,
    BlockHead,
    Body,
    Checksum,
    /// No zstd: the decoder will say so.
    Unknown,
}

impl<R: BufRead> Blocks<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            part: Part::Start,
            left: 5,
            head: Vec::with_capacity(5),
            checksum: false,
            last: false,
        }
    }

    /// Where the bytes come from.
    pub(crate) fn inner(&self) -> &R {
        &self.input
    }

    /// The part behind the one that is over; some are empty.
    fn next_part(&mut self) {
        (self.part, self.left) = match self.part {
            Part::Start => match frame::after_start(&self.head) {
                Some((rest, checksum)) => {
                    self.checksum = checksum;
                    (Part::RestOfHeader, rest)
                }
                None => (Part::Unknown, u64::MAX),
            },
            Part::RestOfHeader => (Part::BlockHead, 3),
            Part::BlockHead => match frame::block(&self.head) {
                Some((length, last)) => {
                    self.last = last;
                    (Part::Body, length)
                }
                None => (Part::Unknown, u64::MAX),
            },
            Part::Body if !self.last => (Part::BlockHead, 3),
            Part::Body => (Part::Checksum, if self.checksum { 4 } else { 0 }),
            Part::Checksum => (Part::Start, 5),
            Part::Unknown => (Part::Unknown, u64::MAX),
        };
        self.head.clear();
    }
}

impl<R: BufRead> BufRead for Blocks<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.left == 0 {
            self.next_part();
        }
        let bytes = self.input.fill_buf()?;
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        Ok(&bytes[..bytes.len().min(most)])
    }

    fn consume(&mut self, amount: usize) {
        if matches!(self.part, Part::Start | Part::BlockHead)
            && let Ok(bytes) = self.input.fill_buf()
        {
            self.head.extend_from_slice(&bytes[..amount.min(bytes.len())]);
        }
        self.input.consume(amount);
        self.left -= amount as u64;
    }
}

impl<R: BufRead> Read for Blocks<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut bytes = self.fill_buf()?;
        let n = bytes.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::JournalReader;

    /// A journal of 60 blocks with 5 lines each, and where they end.
    fn journal() -> (Vec<u8>, Vec<usize>) {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        let mut ends = Vec::new();
        for n in 0..300u32 {
            writeln!(encoder, "{n} P {{\"Symbol\":\"{}\"}}", n.wrapping_mul(2_654_435_761)).unwrap();
            if n % 5 == 4 {
                encoder.flush().unwrap();
                ends.push(encoder.get_ref().len());
            }
        }
        (encoder.finish().unwrap(), ends)
    }

    fn lines(bytes: &[u8]) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ayumi-1.zst");
        std::fs::write(&path, bytes).unwrap();
        let mut reader = JournalReader::open(&path, None).unwrap();
        let mut lines = 0;
        while reader.next_line().unwrap().is_some() {
            lines += 1;
        }
        lines
    }

    #[test]
    fn j02_every_block_before_garbage_is_read() {
        let (whole, ends) = journal();
        assert_eq!(lines(&whole), 300);
        for (block, &end) in ends.iter().enumerate() {
            let written = 5 * (block + 1);
            assert_eq!(lines(&whole[..end]), written, "cut at {end}");
            // What a power cut leaves of sectors that were never written: zeros, and whatever was there.
            for garbage in [0xA5, 0xFF, 0x00, 0x0E] {
                let torn = [&whole[..end], &[garbage; 600]].concat();
                assert!(
                    lines(&torn) >= written,
                    "{garbage:x} behind {end}: {} of {written} lines",
                    lines(&torn)
                );
            }
        }
    }

    #[test]
    fn what_is_no_zstd_passes_as_it_is() {
        let mut out = Vec::new();
        Blocks::new(&b"no zstd, but bytes"[..]).read_to_end(&mut out).unwrap();
        assert_eq!(out, b"no zstd, but bytes");
        let two_frames = [journal().0, journal().0].concat();
        out.clear();
        Blocks::new(&two_frames[..]).read_to_end(&mut out).unwrap();
        assert_eq!(out, two_frames);
        assert_eq!(lines(&two_frames), 600);
    }
}
