//! Asks the station: logged in, API on, token valid, the list, and how fast `/board` is. At most
//! four requests, five with `--login`; the list is asked for once more when a token had to be fetched or the station resets
//! a connection.

use std::time::{Duration, Instant};

use ayumi_station::rest::Transport;
use ayumi_station::{Client, Entry, RestConfig, RestError};
use ayumi_store::reader::Owner;
use secrecy::ExposeSecret;

use super::finding::{Finding, words};
use super::words::advice;
use super::{Context, Told, clock, list};
use crate::settings::Settings;
use crate::text::redact;

/// Time limits of a request are divided by it: ten seconds become one and a half.
const SPEED: f64 = 6.5;
/// A `/board` of a registered symbol takes milliseconds.
const SLOW: Duration = Duration::from_secs(1);
/// How often it is asked when nothing else is.
const BOARDS: usize = 3;

/// What is said when the station takes the connection and does not answer.
pub fn late() -> Finding {
    Finding::problem(
        "rest",
        words(
            "kabu Station takes the connection, but does not answer",
            "kabuステーションは接続を受けますが、応答しません",
        ),
        words(
            "another program may be asking it all the time: close it; if it stays, restart kabu Station",
            "ほかのプログラムが連続して問い合わせている可能性があります。それを閉じ、変わらなければ kabuステーションを再起動してください",
        ),
    )
}

/// What is said when `/board` does not answer.
pub fn late_board() -> Finding {
    slow_board("?", None)
}

/// Tells "rest" as soon as the first answer is there, then "board".
pub fn check(context: &Context, tell: &Told) {
    let settings = &context.settings;
    let mut client = client(settings, context.login);
    let answer = client.list();
    if let Some(token) = client.token() {
        redact::forbid(token.expose_secret());
    }
    let first = answer.as_ref().ok().and_then(|list| on_list(settings, list));
    let found = match &answer {
        Ok(on_station) => list::check(context, on_station),
        Err(error) => refused(settings, context.login, error),
    };
    let _ = tell.send(("rest", found));
    let board = first.map_or_else(Vec::new, |entry| board(context, &mut client, &entry, tell));
    let _ = tell.send(("board", board));
}

fn client(settings: &Settings, login: bool) -> Client {
    let usual = RestConfig::default();
    Client::new(RestConfig {
        host: settings.host.clone(),
        port: settings.port,
        token: settings.token.clone(),
        // With it the client would fetch a token, which kills the one that the recorder uses.
        api_password: settings.api_password.clone().filter(|_| login),
        // The pace is the station's and stays.
        spacing: usual.spacing.mul_f64(SPEED),
        silence_after_429: usual.silence_after_429.mul_f64(SPEED),
        time_scale: SPEED,
    })
}

/// One of our symbols that has a slot: asking for another one would take one.
fn on_list(settings: &Settings, list: &[Entry]) -> Option<Entry> {
    let ours = settings.symbols.iter().map(list::entry);
    ours.into_iter().find(|entry| list.contains(entry))
}

fn refused(settings: &Settings, login: bool, error: &RestError) -> Vec<Finding> {
    let without_token = settings.token.is_none() && !login;
    if let (RestError::KeyMismatch(_), true) = (error, without_token) {
        return vec![Finding::note(
            "token",
            words(
                "the station answers; no token is set, the recorder fetches one with the API password (--login tries it, \
                 and ends the token in use)",
                "kabuステーションは応答します。トークンの設定はなく、記録係が API パスワードで取得します(--login で試せますが、使用中のトークンは無効になります)",
            ),
        )];
    }
    if matches!(error, RestError::Transport(Transport::Timeout(_))) {
        return vec![late()];
    }
    let (check, fix) = advice(error);
    let source = settings.source("token");
    let token = match error {
        RestError::KeyMismatch(_) => (format!("; token from: {source}"), format!("、トークンの出所: {source}")),
        _ => (String::new(), String::new()),
    };
    vec![Finding::problem(
        check,
        words(
            format!("kabu Station refuses: {error}{}", token.0),
            format!("kabuステーションが断りました: {error}{}", token.1),
        ),
        fix,
    )]
}

/// The middle one of three: a single slow answer is chance.
fn board(context: &Context, client: &mut Client, entry: &Entry, tell: &Told) -> Vec<Finding> {
    let name = format!("{}@{}", entry.symbol, entry.exchange);
    let mut took: Vec<Duration> = Vec::new();
    let mut found = Vec::new();
    while took.len() < boards(context) && !is_slow(&took) {
        // The client would wait for the pace anyway, and that is no time of the station's.
        std::thread::sleep(RestConfig::default().spacing);
        let began = Instant::now();
        match client.board(entry) {
            Err(RestError::Transport(Transport::Timeout(_))) => return vec![slow_board(&name, None)],
            Err(error) => {
                let (_, fix) = advice(&error);
                let what = words(format!("/board {name}: {error}"), format!("/board {name}: {error}"));
                return vec![Finding::warning("board", what, fix)];
            }
            Ok(body) if took.is_empty() => found.extend(clock::of_board(context, &body)),
            Ok(_) => {}
        }
        took.push(began.elapsed());
        if let Some(slow) = took.last().filter(|took| **took > SLOW) {
            // Should the next answer not come in time, this is what is known.
            let _ = tell.send(("board?", vec![slow_board(&name, Some(*slow))]));
        }
    }
    took.sort_unstable();
    let Some(&middle) = took.get(took.len() / 2) else {
        return found;
    };
    if middle > SLOW {
        found.push(slow_board(&name, Some(middle)));
    } else {
        let ms = middle.as_millis();
        let (en, ja) = match took.len() {
            1 => (String::new(), String::new()),
            n => (format!(" (middle of {n})"), format!(" ({n} 回の中央値)")),
        };
        let line = words(
            format!("/board {name} in {ms} ms{en}"),
            format!("/board {name} は {ms} ms{ja}"),
        );
        found.push(Finding::fine("board", line));
    }
    found
}

/// A recorder may use eight of the ten calls that the station allows in a second; a token takes two of our six.
fn boards(context: &Context) -> usize {
    match (context.owner, context.login) {
        (Owner::Running(_), _) => 1,
        (Owner::Nobody, true) => 2,
        (Owner::Nobody, false) => BOARDS,
    }
}

/// Two slow answers outvote the third.
fn is_slow(took: &[Duration]) -> bool {
    took.iter().filter(|took| **took > SLOW).count() >= 2
}

fn slow_board(name: &str, took: Option<Duration>) -> Finding {
    let (en, ja) = match took {
        Some(took) => (
            format!("took {:.1} s", took.as_secs_f64()),
            format!("{:.1} 秒かかりました", took.as_secs_f64()),
        ),
        None => (
            "did not answer in time".to_owned(),
            "時間内に応答がありません".to_owned(),
        ),
    };
    Finding::warning(
        "board",
        words(format!("/board {name} {en}"), format!("/board {name}: {ja}")),
        words(
            "another program asks at the same time, or kabu Station is overloaded: close other programs, or set board_mode \
             to push",
            "ほかのプログラムが同時に問い合わせているか、kabuステーションの負荷が高い状態です。ほかのプログラムを閉じるか、board_mode を push にしてください",
        ),
    )
}
