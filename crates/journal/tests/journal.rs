//! What the journal promises: every line comes back, a kill costs the open block at most, the reader never waits.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ayumi_journal::{Journal, JournalConfig, JournalError, JournalReader, Kind, Owned, journal_files};
use ayumi_wire::jst::Date;
use proptest::prelude::*;

const PATIENCE: Duration = Duration::from_secs(20);
/// 2026-11-20 07:50:00 JST.
const MORNING: i64 = 1_795_128_600_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn journal(folder: &Path, change: impl FnOnce(&mut JournalConfig)) -> Journal {
    let mut config = JournalConfig::new(folder.to_owned());
    change(&mut config);
    Journal::start(config).unwrap()
}

fn message(n: i64) -> Vec<u8> {
    format!(r#"{{"Symbol":"7203","TradingVolume":{n}.0,"SymbolName":"トヨタ自動車"}}"#).into_bytes()
}

fn read(path: &Path) -> (Vec<Owned>, usize) {
    let mut reader = JournalReader::open(path, None).unwrap();
    let lines = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!(reader.skipped(), 0);
    (lines, reader.damages().len())
}

fn payloads(lines: &[Owned], kind: Kind) -> Vec<Vec<u8>> {
    lines
        .iter()
        .filter(|l| l.kind == kind)
        .map(|l| l.payload.clone())
        .collect()
}

fn wait_until(what: &str, come: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !come() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_was_put_in_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path(), |_| {});
    journal.put(MORNING, Kind::Event, b"start");
    for n in 0..10_000 {
        journal.put(MORNING + n, Kind::Push, &message(n));
        if n % 30 == 0 {
            journal.border();
        }
    }
    journal.put(MORNING + 10_000, Kind::Board, b"{}\n{}");
    assert!(journal.finish(PATIENCE));
    let (lines, damages) = read(folder.path());
    assert_eq!((lines.len(), damages), (10_002, 0));
    let pushed = payloads(&lines, Kind::Push);
    assert!(pushed.iter().enumerate().all(|(n, text)| *text == message(n as i64)));
    assert_eq!(lines[10_001].kind, Kind::Odd);
    assert_eq!(lines[10_001].payload, b"{}\n{}");
    assert!(lines.is_sorted_by_key(|l| l.at_ns));
}

#[test]
fn j01_a_done_ticket_is_in_the_file_whatever_happens_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path(), |_| {});
    let written = journal.written();
    for n in 0..200 {
        journal.put(MORNING + n, Kind::Push, &message(n));
        let ticket = journal.border();
        assert!(written.wait(ticket, PATIENCE));
        // As a kill would leave it: no end of the zstd frame.
        let (lines, damages) = read(folder.path());
        assert_eq!((lines.len() as i64, damages), (n + 1, 1));
    }
    assert!(journal.finish(PATIENCE));
    assert_eq!(read(folder.path()).1, 0, "a clean end leaves no damage");
}

#[test]
fn j01_what_lies_open_between_long_windows_is_in_the_file_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    // A busy disk is no concern of this test.
    let mut journal = journal(folder.path(), |c| c.sync_every = None);
    for n in 0..3 {
        let put = Instant::now();
        journal.put(MORNING + n, Kind::Push, &message(n));
        wait_until("the line", || {
            let there = journal_files(folder.path()).is_ok_and(|files| !files.is_empty());
            there && read(folder.path()).0.len() as i64 == n + 1
        });
        // Half a second is meant; a busy machine needs some of the rest.
        assert!(put.elapsed() < Duration::from_secs(1), "{:?}", put.elapsed());
    }
    assert!(journal.finish(PATIENCE));
}

#[test]
fn j02_what_is_written_is_synced_within_its_time_and_not_more_often() {
    let folder = tempfile::tempdir().unwrap();
    let every = Duration::from_millis(200);
    let mut journal = journal(folder.path(), |c| c.sync_every = Some(every));
    let (written, began) = (journal.written(), Instant::now());
    let mut ticket = 0;
    // As fast as windows never come: a sync for each would be hundreds.
    while began.elapsed() < 5 * every {
        journal.put(MORNING, Kind::Push, &message(1));
        ticket = journal.border();
        assert!(written.wait(ticket, PATIENCE));
    }
    // The last block before a long silence.
    let silent = Instant::now();
    assert!(written.wait_synced(ticket, PATIENCE));
    assert!(
        silent.elapsed() < every + Duration::from_millis(500),
        "{:?}",
        silent.elapsed()
    );
    let most = began.elapsed().as_millis() / every.as_millis() + 1;
    let syncs = journal.syncs();
    assert!(syncs >= 2 && u128::from(syncs) <= most, "{syncs} syncs, {most} at most");
    // Nothing new, nothing to sync.
    std::thread::sleep(2 * every);
    assert_eq!(journal.syncs(), syncs);
    assert!(journal.finish(PATIENCE));
}

#[test]
fn j02_without_a_time_the_system_decides() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path(), |c| c.sync_every = None);
    let written = journal.written();
    journal.put(MORNING, Kind::Push, &message(1));
    let ticket = journal.border();
    assert!(written.wait(ticket, PATIENCE));
    assert!(!written.wait_synced(ticket, Duration::from_millis(100)));
    assert_eq!(journal.syncs(), 0);
    assert!(journal.finish(PATIENCE));
}

#[test]
fn j04_a_tail_cut_anywhere_costs_only_the_tail() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path(), |_| {});
    for n in 0..300 {
        journal.put(MORNING + n, Kind::Push, &message(n));
        if n % 10 == 9 {
            journal.border();
        }
    }
    assert!(journal.finish(PATIENCE));
    let file = journal_files(folder.path()).unwrap().remove(0);
    let whole = fs::read(&file).unwrap();
    let mut most = 0;
    for length in 0..whole.len() {
        fs::write(&file, &whole[..length]).unwrap();
        let (lines, _) = read(folder.path());
        let pushed = payloads(&lines, Kind::Push);
        assert!(
            pushed.iter().enumerate().all(|(n, text)| *text == message(n as i64)),
            "{length}"
        );
        assert!(pushed.len() >= most, "a longer file holds no less");
        most = pushed.len();
    }
    assert!(most >= 290, "{most}");
    let mut torn = whole.clone();
    for at in (0..torn.len()).step_by(7) {
        torn[at] ^= 0x55;
        fs::write(&file, &torn).unwrap();
        let mut reader = JournalReader::open(folder.path(), None).unwrap();
        assert!(reader.by_ref().all(|line| line.is_ok()), "damage is no error");
        torn[at] ^= 0x55;
    }
}

#[test]
fn one_file_per_start_and_day_and_size() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = 1u64;
    let mut noise = || {
        let mut letter = || {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b' ' + ((dice >> 33) % 95) as u8
        };
        (0..2_000).map(|_| letter()).collect::<Vec<u8>>()
    };
    for start in 0..2 {
        let mut journal = journal(folder.path(), |c| c.file_bytes = 40_000);
        for n in 0..100 {
            // 16 hours and 10 minutes after the morning it is the next day.
            let at = MORNING + start * SECOND + n * 600 * SECOND;
            journal.put(at, Kind::Push, &noise());
            journal.border();
        }
        assert!(journal.finish(PATIENCE));
    }
    let files = journal_files(folder.path()).unwrap();
    assert!(files.len() > 6, "{files:?}");
    let of = |date: &str| {
        let mut reader = JournalReader::open(folder.path(), Date::parse(date)).unwrap();
        let lines: Vec<Owned> = reader.by_ref().map(Result::unwrap).collect();
        payloads(&lines, Kind::Push).len()
    };
    assert_eq!((of("2026-11-20"), of("2026-11-21")), (2 * 97, 2 * 3));
    let newest = JournalReader::newest_date(folder.path()).unwrap();
    assert_eq!(newest, Date::parse("2026-11-21"));
    let (lines, damages) = read(folder.path());
    assert_eq!((payloads(&lines, Kind::Push).len(), damages), (200, 0));
    let continued = payloads(&lines, Kind::Event);
    assert_eq!(
        continued.len(),
        files.len() - 2,
        "all but the first of a start name the one before"
    );
    assert!(continued.iter().all(|e| e.starts_with(b"continues ayumi-2026")));
}

#[test]
fn j03_a_disk_that_cannot_keep_up_costs_lines_that_are_counted_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path(), |c| c.max_pending = 1);
    journal.put(MORNING, Kind::Push, b"too much for one byte of memory");
    let ticket = journal.border();
    assert!(
        journal.written().wait(ticket, PATIENCE),
        "nobody waits for what is lost"
    );
    assert_eq!(journal.lost(), 1);
    assert!(journal.finish(PATIENCE));
    assert!(matches!(
        JournalReader::open(folder.path(), None),
        Err(JournalError::Empty { .. })
    ));
}

#[cfg(unix)]
#[test]
fn j03_a_folder_that_goes_away_does_not_stop_anybody() {
    let folder = tempfile::tempdir().unwrap();
    let inner: PathBuf = folder.path().join("journal");
    let mut journal = journal(&inner, |_| {});
    fs::remove_dir_all(&inner).unwrap();
    // It cannot be made anew.
    fs::write(&inner, "in the way").unwrap();
    for n in 0..5 {
        journal.put(MORNING + n, Kind::Push, &message(n));
        let ticket = journal.border();
        assert!(journal.written().wait(ticket, PATIENCE));
    }
    assert_eq!(journal.lost(), 5);
    assert!(journal.finish(PATIENCE));
}

#[cfg(unix)]
#[test]
fn j03_a_folder_deleted_under_the_journal_is_made_anew_and_the_hole_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let inner: PathBuf = folder.path().join("journal");
    let mut journal = journal(&inner, |_| {});
    let mut put = |n| {
        journal.put(MORNING + n, Kind::Push, &message(n));
        let ticket = journal.border();
        assert!(journal.written().wait(ticket, PATIENCE));
        journal.lost()
    };
    assert_eq!(put(0), 0);
    fs::remove_dir_all(&inner).unwrap();
    let began = Instant::now();
    let mut n = 1;
    while put(n) == 0 {
        n += 1;
        assert!(began.elapsed() < PATIENCE, "nobody notices");
        std::thread::sleep(Duration::from_millis(20));
    }
    let lost = put(n + 1);
    assert!(lost > 1, "what was in the file is counted, too");
    assert_eq!(put(n + 2), lost, "and nothing more");
    assert!(journal.finish(PATIENCE));
    let (back, damages) = read(&inner);
    assert_eq!(damages, 0);
    let mark = format!("lost {lost}");
    assert!(
        back.iter().any(|line| line.payload == mark.as_bytes()),
        "{mark} is not in {back:?}"
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&inner).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700, "nobody else may read it, as at the start");
}

#[test]
fn a_folder_that_cannot_be_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Journal::start(JournalConfig::new(file.join("journal"))).err().unwrap();
    assert!(error.to_string().contains("cannot be created"), "{error}");
}

#[cfg(unix)]
#[test]
fn zstdcat_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(folder.path(), |_| {});
    journal.put(MORNING, Kind::Push, &message(1));
    assert!(journal.finish(PATIENCE));
    let file = journal_files(folder.path()).unwrap().remove(0);
    match std::process::Command::new("zstdcat").arg(&file).output() {
        Ok(out) => {
            let text = String::from_utf8(out.stdout).unwrap();
            assert!(text.starts_with("1795128600000000000 P {\"Symbol\""), "{text}");
        }
        Err(error) => {
            use std::io::Write;
            std::io::stderr()
                .write_all(format!("skipped: zstdcat is not here ({error})\n").as_bytes())
                .unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_lines_come_back_in_order(lines in prop::collection::vec((any::<Vec<u8>>(), 0usize..3, any::<bool>()), 1..200)) {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = journal(folder.path(), |_| {});
        for (n, (payload, kind, border)) in lines.iter().enumerate() {
            let kind = [Kind::Push, Kind::Board, Kind::Event][*kind];
            journal.put(MORNING + n as i64, kind, payload);
            if *border {
                journal.border();
            }
        }
        prop_assert!(journal.finish(PATIENCE));
        let (back, damages) = read(folder.path());
        prop_assert_eq!(damages, 0);
        let back: Vec<(i64, Vec<u8>)> = back.into_iter().map(|l| (l.at_ns - MORNING, l.payload)).collect();
        let put: Vec<(i64, Vec<u8>)> = lines.into_iter().enumerate().map(|(n, l)| (n as i64, l.0)).collect();
        prop_assert_eq!(back, put);
    }
}
