//! Any bytes as a journal file, compressed or not: no panic, no end, what is read are lines, and a damage is told.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use ayumi_journal::JournalReader;
use libfuzzer_sys::fuzz_target;

/// One folder for the whole run.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("ayumi-fuzz-journal-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, bytes)) = bytes.split_first() else {
        return;
    };
    let content = match how % 3 {
        0 => bytes.to_vec(),
        1 => zstd::encode_all(bytes, 1).expect("compressed"),
        _ => {
            let mut whole = zstd::encode_all(bytes, 1).expect("compressed");
            whole.truncate(whole.len() * usize::from(how) / 256);
            whole
        }
    };
    let path = folder().join("ayumi-1.zst");
    std::fs::write(&path, content).expect("written");
    let Ok(mut reader) = JournalReader::open(&path, None) else {
        return;
    };
    let mut lines = 0;
    while let Ok(Some(_)) = reader.next_line() {
        lines += 1;
        assert!(lines <= bytes.len() + 1, "more lines than bytes");
    }
});
