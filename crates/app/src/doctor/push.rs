//! PUSH: is the handshake accepted, does a message come? A new line takes over the recorder's, so it is only tried when
//! nobody records.

use std::time::Duration;

use ayumi_engine::calendar;
use ayumi_station::LineLost;
use ayumi_station::push::{ConnectError, Filled, Incoming, PushConfig, PushLine, connect};
use ayumi_store::reader::Owner;
use ayumi_wire::push::decode;

use super::finding::{Finding, words};
use super::words::push_advice;
use super::{Context, clock};

const CONNECT: Duration = Duration::from_millis(1_200);
/// How long a line is listened to.
const LISTEN: Duration = Duration::from_millis(400);
/// Two quick cuts after data are another program, one is a reset.
const LINES: usize = 2;
/// So many messages say something of the clock: the youngest of them is fresh.
const ENOUGH: u32 = 20;

/// Opens a line for a moment.
pub fn check(context: &Context) -> Vec<Finding> {
    if let Owner::Running(pid) = context.owner {
        return vec![spared(pid, context.push)];
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        return vec![super::finding::late("push")];
    };
    match runtime.block_on(listen(context)) {
        Ok(heard) => told(context, &heard),
        Err(error) => vec![Finding::problem(
            "push",
            words(
                format!("PUSH cannot be opened: {error}"),
                format!("PUSH に接続できません: {error}"),
            ),
            push_advice(&error),
        )],
    }
}

/// The station has one line only, and a recorder would miss what comes while it is taken.
fn spared(pid: Option<u32>, asked: bool) -> Finding {
    let pid = pid.map_or_else(String::new, |pid| format!(" (PID {pid})"));
    let (en, ja) = match asked {
        false => ("", ""),
        true => (
            ", also with --push; stop the recorder first, then try again",
            "(--push を付けても試しません。先に記録を止めてください)",
        ),
    };
    let say = words(
        format!("PUSH is not tried: the line belongs to the running recorder{pid}{en}"),
        format!("PUSH は試しません: 回線は動作中の記録係{pid}のものです{ja}"),
    );
    match asked {
        true => Finding::note("push", say),
        false => Finding::fine("push", say),
    }
}

/// What came on one line or two.
#[derive(Debug, Default)]
struct Heard {
    messages: u32,
    /// Smallest age of a message by its own time, seconds; a rounding away from zero.
    youngest_s: Option<i64>,
    /// How each line that was cut ended; the first one or two.
    cuts: Vec<LineLost>,
    /// Data had come on each line that was cut.
    after_data: bool,
}

/// Listens; a line that is cut after data is opened once more, because a reset is no other program.
async fn listen(context: &Context) -> Result<Heard, ConnectError> {
    let settings = &context.settings;
    let mut heard = Heard::default();
    for _ in 0..LINES {
        let before = heard.messages;
        let mut line = connect(&PushConfig {
            host: settings.host.clone(),
            port: settings.port,
            token: settings.token.clone(),
            connect_timeout: CONNECT,
            ..PushConfig::default()
        })
        .await?;
        let lost = tokio::time::timeout(LISTEN, hear(context, &mut line, &mut heard)).await;
        line.close();
        // Over without a loss: the time is.
        let Ok(lost) = lost else { break };
        heard.after_data = heard.messages > before;
        heard.cuts.push(lost);
        if !heard.after_data {
            break;
        }
    }
    Ok(heard)
}

/// Reads until the line is lost.
async fn hear(context: &Context, line: &mut PushLine, heard: &mut Heard) -> LineLost {
    loop {
        loop {
            match line.next() {
                Ok(Some(Incoming::Text(text))) => {
                    heard.messages += 1;
                    let age = age_s(context, text);
                    heard.youngest_s = heard.youngest_s.into_iter().chain(age).min();
                }
                Ok(Some(_)) => heard.messages += 1,
                Ok(None) => break,
                Err(lost) => return lost,
            }
        }
        match line.fill() {
            Ok(Filled::Some(_)) => {}
            // An error of the wait comes back with the next read.
            Ok(Filled::WouldBlock) => drop(line.readable().await),
            Err(lost) => return lost,
        }
    }
}

/// How old a message is by its own time.
fn age_s(context: &Context, text: &[u8]) -> Option<i64> {
    let time = decode(text).ok()?.current_price_time?;
    Some(context.clock.now().s() - time.unix_s)
}

fn told(context: &Context, heard: &Heard) -> Vec<Finding> {
    let mut found = vec![match heard.cuts.as_slice() {
        [] => quiet(context, heard),
        [_] if heard.after_data => Finding::note(
            "push",
            words(
                "PUSH is accepted, messages come; the line was cut once and opened again",
                "PUSH 接続 可、メッセージを受信しました(1 度切断され、つなぎ直しました)",
            ),
        ),
        [first, ..] => taken(heard, first),
    }];
    if calendar::in_session(context.clock.now()) && heard.messages >= ENOUGH {
        found.extend(heard.youngest_s.and_then(clock::of_messages));
    }
    found
}

fn taken(heard: &Heard, first: &LineLost) -> Finding {
    let say = match heard.after_data {
        true => words(
            format!("another program takes the PUSH line: it was cut twice right after data ({first})"),
            format!("ほかのプログラムが PUSH を受け取っています: データ到着直後に 2 回切断されました ({first})"),
        ),
        false => words(
            format!("PUSH was accepted and cut at once: {first}"),
            format!("PUSH は接続後すぐに切断されました: {first}"),
        ),
    };
    Finding::warning(
        "push",
        say,
        words(
            "the station has only one line: close the other program (or let it read the database), and try again",
            "PUSH は 1 本しか使えません。ほかのプログラムを閉じるか、データベースを読むようにして、もう一度実行してください",
        ),
    )
}

/// A line that held.
fn quiet(context: &Context, heard: &Heard) -> Finding {
    let open = calendar::in_session(context.clock.now());
    match heard.messages {
        0 if open => Finding::note(
            "push",
            words(
                "PUSH is accepted; no message in 0.4 s although the market is open (few or no symbols are registered?)",
                "PUSH 接続 可。取引時間中ですが 0.4 秒間メッセージがありません(登録銘柄がないか、少ない可能性があります)",
            ),
        ),
        0 => Finding::fine(
            "push",
            words(
                "PUSH is accepted; the market is closed: silence is normal",
                "PUSH 接続 可。取引時間外なので、メッセージがなくて正常です",
            ),
        ),
        n => Finding::fine(
            "push",
            words(
                format!("PUSH is accepted, messages come ({n} in 0.4 s)"),
                format!("PUSH 接続 可、メッセージを受信しました (0.4 秒間に {n} 通)"),
            ),
        ),
    }
}
