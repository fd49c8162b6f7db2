//! The journal of a whole day of fifty symbols is what the station sent, message by message and byte by byte: as our own
//! reader gives it, as a plain zstd decoder does, and as `zstdcat` does.
#![cfg(unix)]

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ayumi_engine::{Stamp, Symbol};
use ayumi_journal::{JournalReader, Kind, journal_files};
use ayumi_sim::{Hours, MarketConfig, SimHandle, Source, Speed, well_known};
use serde_json::json;
use support::message::push;
use support::process::command;
use support::{Desk, TEN, Worker, at_station, connected, line, skip, station, wait_for};

/// Messages per second at 10:00, all symbols together.
const RATE: f64 = 6.0;
/// The day takes seven seconds. Not as fast as the client reads: a journal that a busy machine holds up for more than
/// 64 MB loses lines and says so, and that is another test.
const SPEED: f64 = 4_000.0;

#[test]
fn j01_the_journal_of_a_day_is_what_the_station_sent_byte_for_byte() {
    let symbols = well_known(50);
    let desk = Desk::new();
    let sent = desk.path("sent.log");
    let station = day(symbols.clone(), &sent);
    let tickers: Vec<String> = symbols.iter().map(Symbol::ticker).collect();
    desk.settings(&json!({
        "port": station.port(), "token": support::TOKEN, "symbols": tickers, "board_mode": "push",
        "journal_dir": "journal", "tick_queue_max": 2_000_000, "pending_max": 100_000,
    }));
    let worker = desk.stream(&["--clock", "2026-11-20T07:50:00@1"]);
    at_station(&station, "the end of the day", |c| c.source_finished);
    let messages = station.counters().messages_sent;
    let store = desk.stored();
    wait_for("the last message", || {
        (store.number("SELECT sum(messages) FROM window_log") as u64 == messages).then_some(())
    });
    let ended = worker.stop().expect(0);
    assert_eq!(ended.lines("is not whole"), Vec::<String>::new());
    // A second file, so that a day is more than one frame of zstd.
    let again = desk.stream(&["--clock", "2026-11-20T15:40:00@1"]);
    line(&station, 2);
    again.stop().expect(0);
    let counters = station.counters();
    assert_eq!((counters.messages_undelivered, counters.messages_sent), (0, messages));
    station.stop();
    assert!(messages > 40_000, "{messages}");

    let folder = desk.path("journal");
    let files = journal_files(&folder).expect("a journal");
    assert_eq!(files.len(), 2);
    let size = |path: &Path| std::fs::metadata(path).expect("there").len();
    let packed: u64 = files.iter().map(|file| size(file)).sum();
    let line = format!(
        "a day of 50 symbols: {messages} messages, {} bytes sent, {packed} bytes of journal (ratio {:.1})\n",
        size(&sent),
        size(&sent) as f64 / packed as f64
    );
    std::io::stderr().write_all(line.as_bytes()).expect("stderr");
    same_as_sent(&sent, "our reader", messages, ours(&folder));
    same_as_sent(&sent, "a plain decoder", messages, payloads(decoded(&files)));
    let zstdcat = Command::new("zstdcat").args(&files).stdout(Stdio::piped()).spawn();
    match zstdcat {
        Err(error) => skip(&format!("zstdcat is not here ({error})")),
        Ok(mut zstdcat) => {
            let text = zstdcat.stdout.take().expect("piped");
            same_as_sent(&sent, "zstdcat", messages, payloads(text));
            assert!(
                zstdcat.wait().expect("ended").success(),
                "it had nothing to complain about"
            );
        }
    }
}

fn day(symbols: Vec<Symbol>, sent: &Path) -> SimHandle {
    let at = |time: &str| ayumi_wire::jst::parse_ms(time).map(Stamp::from_ms);
    station(|c| {
        c.source = Source::Market(MarketConfig {
            hours: Hours::Session,
            ..MarketConfig::new(4, symbols, RATE)
        });
        c.start = at("2026-11-20T07:50:00+09:00");
        c.end = at("2026-11-20T15:35:00+09:00");
        c.speed = Speed::Times(SPEED);
        c.slow_reader_limit = 1 << 30;
        c.sent_log = Some(sent.to_owned());
    })
}

/// Windows of a minute: nothing but time hands the journal's lines over, as before the lunch break.
#[test]
fn j02_a_line_before_a_long_silence_is_synced_within_a_second() {
    let trace = ["-f", "-qq", "-y", "-e", "trace=write,fdatasync", "-o", "trace.txt"];
    let able = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    if !able.is_ok_and(|status| status.success()) {
        return skip("strace is not here or may not trace");
    }
    let station = station(|_| {});
    let usual = json!({"journal_dir": "journal", "board_mode": "push", "window_ms": 60_000, "durability": "balanced"});
    let desk = Desk::online(station.port(), usual);
    let program = command(desk.folder(), &[]).get_program().to_owned();
    let mut traced = Command::new("strace");
    traced.args(trace).arg(program).current_dir(desk.folder());
    traced.args(["stream", "-Config", "c.json", "--clock", TEN, "--duration", "6s"]);
    let mut worker = Worker::spawn(&mut traced);
    connected(&station);
    station.push_text(&push("7203", 2_000.0, 1_000));
    let pushed = Instant::now();
    wait_for("the message in the file", || {
        let there = journal_files(&desk.path("journal")).is_ok_and(|files| !files.is_empty());
        (there && ours(&desk.path("journal")).count() == 1).then_some(())
    });
    // What the system was asked for, in its order: a sync behind every write.
    let calls = || {
        let text = std::fs::read_to_string(desk.path("trace.txt")).unwrap_or_default();
        let ours = text.lines().filter(|line| line.contains("/journal/ayumi-"));
        ours.map(|line| line.contains(" fdatasync(")).collect::<Vec<bool>>()
    };
    wait_for("the sync of the message", || {
        (calls().last() == Some(&true)).then_some(())
    });
    let (took, running) = (pushed.elapsed(), worker.is_running());
    assert!(running, "it was the end of the run that synced: {}", worker.text());
    let windows = desk.store().try_number("SELECT count(*) FROM window_log");
    assert_eq!(windows.unwrap_or(0), 0, "there was no border of a window");
    // A second is promised; a traced process on a busy machine gets two.
    assert!(took < Duration::from_secs(2), "{took:?}");
    worker.ended().expect(0);
    let syncs = calls().into_iter().filter(|sync| *sync).count();
    assert!(syncs <= 6 + 2, "{syncs} syncs in six seconds and one at the end");
}

/// The messages in order, each exactly as it was sent, and none more.
fn same_as_sent(sent: &Path, who: &str, messages: u64, got: impl Iterator<Item = Vec<u8>>) {
    let mut sent = SentLog(BufReader::new(File::open(sent).expect("the station's log")));
    let mut count = 0;
    for payload in got {
        let expected = sent
            .next()
            .unwrap_or_else(|| panic!("{who} has more than the {count} that were sent"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            payload == expected,
            "{who}, message {count}: {}, sent was {}",
            text(&payload),
            text(&expected)
        );
        count += 1;
    }
    assert_eq!((count, sent.next()), (messages, None), "{who}");
}

/// What the simulator wrote down: `<length> <payload>` and a line break each.
struct SentLog(BufReader<File>);

impl Iterator for SentLog {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut length = Vec::new();
        if self.0.read_until(b' ', &mut length).expect("read") == 0 {
            return None;
        }
        let digits = std::str::from_utf8(&length).expect("digits").trim_end();
        let mut payload = vec![0; digits.parse::<usize>().expect("a length") + 1];
        self.0.read_exact(&mut payload).expect("the payload");
        assert_eq!(payload.pop(), Some(b'\n'));
        Some(payload)
    }
}

fn ours(folder: &Path) -> impl Iterator<Item = Vec<u8>> {
    let lines = JournalReader::open(folder, None).expect("a journal");
    lines.map(|line| line.expect("readable")).filter_map(|line| {
        assert_ne!(line.kind, Kind::Odd, "everything sent was one line of text");
        (line.kind == Kind::Push).then_some(line.payload)
    })
}

/// The files one behind the other through the decoder of the zstd library alone.
fn decoded(files: &[PathBuf]) -> impl Read {
    let mut all: Box<dyn Read> = Box::new(std::io::empty());
    for file in files {
        all = Box::new(all.chain(File::open(file).expect("opened")));
    }
    zstd::stream::read::Decoder::new(all).expect("zstd")
}

/// Payloads of the lines `<digits> P <payload>`, taken apart by hand.
fn payloads(text: impl Read) -> impl Iterator<Item = Vec<u8>> {
    let lines = BufReader::new(text)
        .split(b'\n')
        .map(|line| line.expect("whole to its end"));
    lines.filter_map(|line| {
        let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
        assert!(digits == 19, "{}", String::from_utf8_lossy(&line));
        match &line[digits..] {
            [b' ', b'P', b' ', payload @ ..] => Some(payload.to_vec()),
            [b' ', b'E', b' ', ..] => None,
            _ => panic!("no line of a journal: {}", String::from_utf8_lossy(&line)),
        }
    })
}
