//! PUSH: is the handshake accepted, does a message come? A new line takes over the recorder's, so it is only tried when
//! nobody records, or when asked for.

use std::time::Duration;

use ayumi_engine::calendar;
use ayumi_station::LineLost;
use ayumi_station::push::{ConnectError, Filled, PushConfig, connect};
use ayumi_store::reader::Owner;

use super::Context;
use super::finding::{Finding, words};
use super::words::push_advice;

const CONNECT: Duration = Duration::from_millis(1_200);
/// How long a first message is waited for.
const LISTEN: Duration = Duration::from_millis(400);

/// Opens a line for a moment.
pub fn check(context: &Context) -> Vec<Finding> {
    if let (Owner::Running(pid), false) = (context.owner, context.push) {
        let pid = pid.map_or_else(String::new, |pid| format!(" (PID {pid})"));
        return vec![Finding::fine(
            "push",
            words(
                format!(
                    "PUSH is not tried: the line belongs to the running recorder{pid}; --push takes it over for a moment"
                ),
                format!(
                    "PUSH は試しません: 回線は動作中の記録係{pid}のものです(--push を付けると一時的に奪って試します)"
                ),
            ),
        )];
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        return vec![super::finding::late("push")];
    };
    vec![match runtime.block_on(listen(context)) {
        Ok(outcome) => told(context, outcome),
        Err(error) => Finding::problem(
            "push",
            words(
                format!("PUSH cannot be opened: {error}"),
                format!("PUSH に接続できません: {error}"),
            ),
            push_advice(&error),
        ),
    }]
}

/// What came on the line.
enum Outcome {
    Message,
    Silence,
    Lost(LineLost),
}

async fn listen(context: &Context) -> Result<Outcome, ConnectError> {
    let settings = &context.settings;
    let mut line = connect(&PushConfig {
        host: settings.host.clone(),
        port: settings.port,
        token: settings.token.clone(),
        connect_timeout: CONNECT,
        ..PushConfig::default()
    })
    .await?;
    let first = async {
        loop {
            match line.next() {
                Ok(Some(_)) => return Outcome::Message,
                Ok(None) => {}
                Err(lost) => return Outcome::Lost(lost),
            }
            match line.fill() {
                Ok(Filled::Some(_)) => continue,
                Ok(Filled::WouldBlock) => {}
                Err(lost) => return Outcome::Lost(lost),
            }
            if line.readable().await.is_err() {
                return Outcome::Silence;
            }
        }
    };
    let outcome = tokio::time::timeout(LISTEN, first).await.unwrap_or(Outcome::Silence);
    line.close();
    Ok(outcome)
}

fn told(context: &Context, outcome: Outcome) -> Finding {
    let open = calendar::in_session(context.clock.now());
    match outcome {
        Outcome::Message => Finding::fine(
            "push",
            words(
                "PUSH is accepted, messages come",
                "PUSH 接続 可、メッセージを受信しました",
            ),
        ),
        Outcome::Silence if open => Finding::note(
            "push",
            words(
                "PUSH is accepted; no message in 0.4 s although the market is open (few or no symbols are registered?)",
                "PUSH 接続 可。取引時間中ですが 0.4 秒間メッセージがありません(登録銘柄がないか、少ない可能性があります)",
            ),
        ),
        Outcome::Silence => Finding::fine(
            "push",
            words(
                "PUSH is accepted; the market is closed: silence is normal",
                "PUSH 接続 可。取引時間外なので、メッセージがなくて正常です",
            ),
        ),
        Outcome::Lost(lost) => Finding::warning(
            "push",
            words(
                format!("PUSH was accepted and cut at once: {lost}"),
                format!("PUSH は接続後すぐに切断されました: {lost}"),
            ),
            words(
                "another program takes the line (the station has only one): close it, and try again",
                "ほかのプログラムが PUSH を受け取っています(1 本しか使えません)。それを閉じて、もう一度実行してください",
            ),
        ),
    }
}
