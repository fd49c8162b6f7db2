//! What to do about an answer of the station, in both languages.

use ayumi_station::{ConnectError, RestError};

use super::finding::{Words, words};

/// The check that an error belongs to, and the next step.
pub fn advice(error: &RestError) -> (&'static str, Words) {
    let (check, ja) = match error {
        RestError::NotLoggedIn(_) => (
            "login",
            "kabuステーションでログイン(2段階認証)してください。ログイン済みに見えるときは再起動してください。記録係は待ったままで大丈夫です",
        ),
        RestError::KeyMismatch(_) => (
            "token",
            "ほかのプログラムが新しいトークンを取得したか、kabuステーションが再起動されました。今のトークンを設定するか、\"api_password\" を設定して自動取得にしてください",
        ),
        RestError::WrongPassword(_) => (
            "environment",
            "\"api_password\" を確認してください。本番と検証では API パスワードが違います",
        ),
        RestError::ApiDisabled(_) => (
            "api",
            "kabuステーションで API を有効にし(Professional または Premium プラン)、再起動してください",
        ),
        RestError::WrongEnvironment(_) => (
            "environment",
            "ポートと API パスワードの環境が違います。18080 が本番、18081 が検証です",
        ),
        RestError::WrongHost(_) => (
            "host",
            "間にあるプロキシが Host を書きかえています。\"Host: localhost\" にするか、SSH トンネルを使ってください",
        ),
        RestError::NotTheStation(_) => (
            "port",
            "このポートでは kabuステーション以外のプログラムが応答しています。host と port を確認してください",
        ),
        RestError::RateLimited(_) => (
            "rest",
            "問い合わせが多すぎます。ほかのプログラムを止めて、少し待ってからもう一度実行してください",
        ),
        RestError::Maintenance(_) => (
            "rest",
            "kabuステーションはメンテナンス中か起動中です。しばらく待ってください",
        ),
        RestError::BadToken => (
            "token",
            "トークンをもう一度コピーしてください(32 文字の英数字、空白や改行なし)",
        ),
        RestError::Transport(_) | RestError::BadBody(_) => (
            "rest",
            "もう一度実行し、変わらなければ kabuステーションを再起動してください。host と port も確認してください",
        ),
        _ => (
            "rest",
            "kabuステーションを再起動し、変わらなければこの行を添えて報告してください",
        ),
    };
    (check, words(error.advice(), ja))
}

/// The next step after a PUSH line that could not be opened.
pub fn push_advice(error: &ConnectError) -> Words {
    words(
        error.advice(),
        "kabuステーションの API が有効か、ほかのプログラムが PUSH を使っていないか、host と port が正しいかを確認してください",
    )
}
