//! A recorder that holds the database and stores nothing. What it says of itself in the table `health` cannot tell that:
//! who stands still writes no row. So the clock, the log, the locks and the process are asked.

use std::path::Path;

use ayumi_engine::{Stamp, calendar};
use ayumi_store::reader::{Owner, Reader, Span, StoredHealth};
use ayumi_wire::jst;

use super::finding::{Finding, words};
use super::{Context, Nobody, openers};

/// The log gets a line every 60 s, also when nothing comes; then it takes time to be written.
const ANY_SIGN_S: i64 = 75;
/// After a minute with a window at least every second, so long without any is no chance.
const STEADY_S: i64 = 15;
/// Windows of a minute that are steady.
const STEADY: u64 = 60;
/// Second of the day from which nothing trades until the closing auction: silence is normal.
const PRE_CLOSE: u32 = 15 * 3600 + 25 * 60;
/// So much of the log's end is read.
const TAIL: u64 = 128 << 10;

/// What the end of the log tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Time of the newest line, Unix ms.
    newest_ms: Option<i64>,
    /// It gets lines when all is well, too (not with `--quiet`).
    chatty: bool,
    /// The newest change of state.
    pub state: Option<StoredHealth>,
}

/// Reads the end of the log; nothing when it cannot be read.
pub fn log(path: &Path) -> Log {
    use std::io::{Read, Seek, SeekFrom};
    let read = || {
        if !std::fs::metadata(path)?.is_file() {
            return Ok(Vec::new());
        }
        let mut file = std::fs::File::open(path)?;
        let from = file.metadata()?.len().saturating_sub(TAIL);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    of_log(&String::from_utf8_lossy(&read().unwrap_or_default()))
}

fn of_log(text: &str) -> Log {
    let mut log = Log::default();
    for line in text.lines() {
        let Some((ts, (level, message))) = line
            .get(..24)
            .and_then(iso)
            .zip(line.get(24..).and_then(|rest| rest.split_once(' ')))
        else {
            continue;
        };
        log.newest_ms = jst::parse_ms(&ts);
        log.chatty |= level == "INFO";
        log.state = change(&ts, message).or(log.state);
    }
    log
}

/// `2026-11-20 09:00:00,300 ` as in the database.
fn iso(stamp: &str) -> Option<String> {
    let (date, time) = stamp.trim_end().split_once(' ')?;
    let ts = format!("{date}T{}+09:00", time.replace(',', "."));
    jst::parse_ms(&ts).map(|_| ts)
}

/// `state OK -> EVICTED: why; advice`.
fn change(ts: &str, message: &str) -> Option<StoredHealth> {
    let (_, after) = message.strip_prefix("state ")?.split_once(" -> ")?;
    let (said, advice) = after.split_once("; ").unwrap_or((after, ""));
    let (state, why) = said.split_once(": ").unwrap_or((said, ""));
    Some(StoredHealth {
        ts: ts.to_owned(),
        state: state.to_owned(),
        why: why.to_owned(),
        advice: advice.to_owned(),
    })
}

/// What keeps the recorder from storing, as the system sees it.
pub fn hindered(context: &Context) -> Option<Finding> {
    let Owner::Running(pid) = context.owner else {
        return None;
    };
    if let Some(pid) = pid.filter(|pid| is_stopped(*pid)) {
        return Some(Finding::problem(
            "recorder",
            words(
                format!("the recorder (PID {pid}) is stopped by a signal: it holds the database but stores nothing"),
                format!(
                    "記録係 (PID {pid}) がシグナルで止められています。データベースを持ったまま、何も保存していません"
                ),
            ),
            words(
                format!("let it go on: kill -CONT {pid}; the volume it missed is in the ledger then"),
                format!("kill -CONT {pid} で再開してください。その間の出来高は欠落として残ります"),
            ),
        ));
    }
    let holder = openers::writer(context)?;
    Some(Finding::problem(
        "recorder",
        words(
            format!("{holder} holds the database locked for writing: the recorder cannot store anything"),
            format!("{holder} がデータベースを書き込み用にロックしていて、記録係が保存できません"),
        ),
        words(
            "close that program, or let it commit at once; windows wait in memory meanwhile",
            "そのプログラムを閉じるか、すぐにコミットさせてください。その間、窓はメモリで待ちます",
        ),
    ))
}

/// Silence that nothing explains, in hours of trade and of recording; `state` is what the recorder said last.
pub fn silent(context: &Context, reader: &Reader, state: Option<&StoredHealth>, log: &Log) -> Option<Finding> {
    let now = context.clock.now();
    let opened_ms = open_since(now, &context.settings.market_window)?;
    let window = reader.recent().ok()?;
    let window_ms = window.ts_end.as_deref().and_then(jst::parse_ms).or(window.window_id);
    let state_ms = state.and_then(|state| jst::parse_ms(&state.ts));
    let signs = Signs {
        opened_ms,
        window_ms,
        state_ms,
        is_ok: state.is_some_and(|state| state.state == "OK"),
        log,
    };
    let steady = || {
        let span = Span {
            from_ms: window_ms.unwrap_or(0) - 60_000,
            to_ms: window_ms.unwrap_or(0) + 1,
        };
        let windows = reader.audit(span, &mut Nobody).map_or(0, |audit| audit.windows);
        windows >= STEADY || windows * u64::from(context.settings.window_ms) >= 30_000
    };
    let slack_s = i64::from(context.settings.window_ms) * 3 / 1000;
    let silent_s = unexplained(now, &signs, slack_s, steady)?;
    Some(Finding::warning(
        "recorder",
        words(
            format!("the recorder holds the database but has stored nothing for {silent_s} s, and says nothing either"),
            format!("記録係はデータベースを持ったまま、{silent_s} 秒間何も保存せず、何も知らせていません"),
        ),
        words(
            "look at the last lines of the log and whether the disk answers; if it stands still, end the process and \
             start it again (what it missed becomes a gap)",
            "ログの最後の行と、ディスクが応答するかを確認してください。止まったままなら、プロセスを終了して起動しなおしてください(その間は欠落として残ります)",
        ),
    ))
}

/// When each thing moved last, Unix ms.
struct Signs<'l> {
    opened_ms: i64,
    window_ms: Option<i64>,
    state_ms: Option<i64>,
    is_ok: bool,
    log: &'l Log,
}

/// Seconds without anything stored, when that is no quiet market.
fn unexplained(now: Stamp, signs: &Signs<'_>, slack_s: i64, steady: impl Fn() -> bool) -> Option<i64> {
    let since = |ms: i64| (now.ms() - ms) / 1000;
    let stored_s = since(signs.window_ms.into_iter().fold(signs.opened_ms, i64::max));
    let any = [signs.window_ms, signs.state_ms, signs.log.newest_ms];
    let any_s = since(any.into_iter().flatten().fold(signs.opened_ms, i64::max));
    if signs.log.chatty && any_s >= ANY_SIGN_S + slack_s {
        return Some(stored_s);
    }
    // A change of state or of hours after the newest window explains that none follows.
    let ours = signs.window_ms > signs.state_ms && signs.window_ms > Some(signs.opened_ms);
    let flows = signs.is_ok && ours && now.second_of_day() < PRE_CLOSE;
    (flows && stored_s >= STEADY_S + slack_s && steady()).then_some(stored_s)
}

/// Since when messages are traded and recorded without a break, Unix ms; `None` now are no such hours.
fn open_since(now: Stamp, market_window: &[(u32, u32)]) -> Option<i64> {
    let second = now.second_of_day();
    let within = |hours: &[(u32, u32)]| {
        let open = hours.iter().find(|(from, to)| (*from..*to).contains(&second));
        open.map(|(from, _)| *from)
    };
    let session = within(&calendar::SESSIONS).filter(|_| calendar::in_session(now))?;
    let recording = match market_window {
        [] => 0,
        hours => within(hours)?,
    };
    Some((now.date().midnight_s() + i64::from(session.max(recording))) * 1000)
}

/// Whether the system says that a process is stopped.
#[cfg(target_os = "linux")]
fn is_stopped(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stopped_in(&stat))
}

/// Only Linux tells.
#[cfg(not(target_os = "linux"))]
fn is_stopped(_pid: u32) -> bool {
    false
}

/// `T` by a signal, `t` by a debugger; the name before it may hold anything.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "its test runs everywhere"))]
fn stopped_in(stat: &str) -> bool {
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse_jst;

    fn at(text: &str) -> Stamp {
        parse_jst(text).expect("a time")
    }

    #[test]
    fn the_end_of_the_log_has_the_newest_line_and_state() {
        let log = of_log(
            "torn line\n2026-11-20 10:00:00,000 INFO state BOOT -> OK\n\
             2026-11-20 10:00:05,900 WARNING state OK -> DEGRADED(DB_LOCKED): busy; close the program; now\n\
             2026-11-20 10:01:00,100 INFO heartbeat received=1 stored=1\nno time\n",
        );
        assert_eq!(log.newest_ms, Some(at("2026-11-20T10:01:00").ms() + 100));
        assert!(log.chatty);
        let state = log.state.expect("a state");
        assert_eq!(
            (state.state.as_str(), state.why.as_str()),
            ("DEGRADED(DB_LOCKED)", "busy")
        );
        assert_eq!(state.advice, "close the program; now");
        assert_eq!(state.ts, "2026-11-20T10:00:05.900+09:00");
        assert_eq!(
            of_log("\u{3042}\u{3042}\u{3042}\u{3042}\u{3042}\u{3042}\u{3042}\u{3042}\u{3042}\n"),
            Log::default()
        );
    }

    #[test]
    fn n11_silence_counts_only_when_nothing_explains_it() {
        let (now, ms) = (at("2026-11-20T10:00:00"), at("2026-11-20T10:00:00").ms());
        let told = |window_s: i64, state_s: i64, log_s: i64, is_ok: bool, steady: bool| {
            let log = Log {
                newest_ms: Some(ms - log_s * 1000),
                chatty: true,
                state: None,
            };
            let signs = Signs {
                opened_ms: ms - 3_600_000,
                window_ms: Some(ms - window_s * 1000),
                state_ms: Some(ms - state_s * 1000),
                is_ok,
                log: &log,
            };
            unexplained(now, &signs, 0, || steady)
        };
        assert_eq!(told(20, 3_000, 50, true, true), Some(20), "windows came steadily");
        assert_eq!(told(20, 3_000, 50, true, false), None, "a thin symbol");
        assert_eq!(told(20, 3_000, 50, false, true), None, "the state says why");
        assert_eq!(told(20, 10, 50, true, true), None, "it began anew");
        assert_eq!(told(10, 3_000, 50, true, true), None, "a moment");
        assert_eq!(told(200, 3_000, 50, true, false), None, "the log goes on");
        assert_eq!(told(200, 3_000, 90, true, false), Some(200), "nothing moves");
        assert_eq!(
            told(9_000, 9_000, 9_000, true, false),
            Some(3_600),
            "since the hours began"
        );
    }

    #[test]
    fn hours_of_trade_and_of_recording() {
        let since = |text: &str, hours: &[(u32, u32)]| open_since(at(text), hours);
        let nine = Some(at("2026-11-20T09:00:00").ms());
        assert_eq!(since("2026-11-20T10:00:00", &[]), nine);
        let ten = [(36_000, 40_000)];
        assert_eq!(since("2026-11-20T10:00:00", &ten), Some(at("2026-11-20T10:00:00").ms()));
        assert_eq!(since("2026-11-20T09:59:59", &ten), None);
        assert_eq!(since("2026-11-20T12:00:00", &[]), None);
        assert_eq!(since("2026-11-22T10:00:00", &[]), None, "a Sunday");
    }

    #[test]
    fn a_stopped_process_is_told_by_its_letter() {
        assert!(stopped_in("812 (a) T b) T 1 812"));
        assert!(stopped_in("812 (ayumi) t 1 812"));
        assert!(!stopped_in("812 (T) S 1 812"));
        assert!(!stopped_in(""));
    }
}
