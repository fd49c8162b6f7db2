//! What was put on the PUSH line, as a file: one side of every comparison with what a client kept.
//!
//! Written by the sender itself and in no format of a recorder, so that it proves one. Each message is
//! `<length in bytes> <payload>` and a line break; the length lets payloads hold anything.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::config::SimError;
use crate::shared::lock;

/// The file. After the first write error it says so once and is silent: a full disk does not stop the market.
pub(crate) struct SentLog {
    path: PathBuf,
    /// `None` after an error.
    file: Mutex<Option<BufWriter<File>>>,
}

impl SentLog {
    /// Creates the file; never one that exists.
    pub(crate) fn create(path: &Path) -> Result<Self, SimError> {
        let file = File::create_new(path).map_err(|source| SimError::SentLog {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(Some(BufWriter::with_capacity(1 << 16, file))),
        })
    }

    /// A message on its way, in the order of the line.
    pub(crate) fn note(&self, text: &[u8]) {
        let mut place = lock(&self.file);
        let Some(file) = place.as_mut() else { return };
        let written = write!(file, "{} ", text.len())
            .and_then(|()| file.write_all(text))
            .and_then(|()| file.write_all(b"\n"));
        if let Err(error) = written {
            self.complain(&error);
            *place = None;
        }
    }

    fn complain(&self, error: &io::Error) {
        log::error!("cannot write {}: {error}; it ends here", self.path.display());
    }
}

impl Drop for SentLog {
    fn drop(&mut self) {
        let flushed = lock(&self.file).take().map_or(Ok(()), |mut file| file.flush());
        if let Err(error) = flushed {
            self.complain(&error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_payload_is_told_apart_and_no_file_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sent.log");
        let log = SentLog::create(&path).unwrap();
        for text in [&b"{\"a\":1}"[..], b"two\nlines", b""] {
            log.note(text);
        }
        drop(log);
        assert_eq!(std::fs::read(&path).unwrap(), b"7 {\"a\":1}\n9 two\nlines\n0 \n");
        let again = SentLog::create(&path).err().unwrap();
        assert!(again.to_string().contains("sent.log"), "{again}");
    }
}
