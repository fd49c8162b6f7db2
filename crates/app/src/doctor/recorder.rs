//! What a running recorder says of itself: its newest state, of the table `health` or, when it cannot write there, of its
//! log; and whether it goes on at all.

use ayumi_store::reader::{Owner, Reader, StoredHealth};

use super::finding::{Finding, Level, words};
use super::{Context, standing};

/// Looks at a recorder while it runs; afterwards its state is of no interest here.
pub fn check(context: &Context) -> Vec<Finding> {
    if !matches!(context.owner, Owner::Running(_)) {
        return Vec::new();
    }
    if let Some(hindered) = standing::hindered(context) {
        return vec![hindered];
    }
    let log = standing::log(&context.settings.log_path);
    // A file that cannot be read is the business of the check of the database.
    let reader = Reader::open(&context.db).ok();
    let stored = reader.as_ref().and_then(|reader| reader.newest_state().ok().flatten());
    let state = newer(stored, log.state.clone());
    let said = state.as_ref().map(judge);
    if said.as_ref().is_some_and(|said| said.level > Level::Fine) {
        return said.into_iter().collect();
    }
    let silent = reader.and_then(|reader| standing::silent(context, &reader, state.as_ref(), &log));
    silent.or(said).into_iter().collect()
}

/// A database that cannot be written keeps an old state; the log has the change. The line of the same change is a few
/// milliseconds younger than its row.
fn newer(stored: Option<StoredHealth>, logged: Option<StoredHealth>) -> Option<StoredHealth> {
    match (stored, logged) {
        (Some(row), Some(line)) if line.state == row.state || line.ts <= row.ts => Some(row),
        (row, None) => row,
        (_, line) => line,
    }
}

fn judge(state: &StoredHealth) -> Finding {
    let (word, since) = (&state.state, state.ts.get(11..19).unwrap_or("?"));
    let why = match state.why.as_str() {
        "" => String::new(),
        why => format!(": {why}"),
    };
    let say = words(
        format!("the recorder says {word} since {since}{why}"),
        format!("記録係の状態は {since} から {word} です{why}"),
    );
    match (word.as_str(), state.advice.as_str()) {
        (_, "") => Finding::fine("recorder", say),
        (word, advice) => Finding::warning("recorder", say, words(advice, japanese(word))),
    }
}

/// The next step in Japanese; the table holds the English one.
fn japanese(state: &str) -> &'static str {
    match state {
        "EVICTED" => {
            "1 本しかない PUSH をほかのプログラムが使っています。それを閉じるか、ayumi のデータベースを読むようにしてください"
        }
        "STORM" => {
            "接続が繰り返し切られています。何もしなくてかまいません(欠落は記録されます)。続くときは銘柄を減らしてください"
        }
        "WAITING_LOGIN" => "kabuステーションにログイン(2段階認証)してください。記録は自動で再開します",
        "WAIT_STATION" => "kabuステーションを起動してログインし、API を有効にしてください。記録は自動で始まります",
        "TOKEN" => "トークンについての最後の警告をログで確認してください。PUSH の受信は続いています",
        "REGISTER" => "登録についての最後の警告をログで確認してください",
        "DEGRADED(DISK_FULL)" => "ディスクの空きを増やしてください。記録は自動で再開します",
        "DEGRADED(DISK_ERROR)" => "ディスクを確認してください。その間、窓はメモリで待ちます",
        "DEGRADED(DB_LOCKED)" => "データベースに書き込んでいるプログラムを閉じてください。その間、窓はメモリで待ちます",
        "DEGRADED(WAL_PINNED)" | "DEGRADED(WAL_TOO_LARGE)" => {
            "データベースを開いたままのプログラムを閉じるか、問い合わせを終わらせてください"
        }
        "DEGRADED(CLOCK)" => "Windows の時刻の自動設定を有効にしてください",
        _ => "docs/operations.ja.md の、この状態の行を見てください",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n11_the_log_has_what_the_database_could_not_take() {
        let state = |ts: &str, state: &str| {
            Some(StoredHealth {
                ts: format!("2026-11-20T{ts}+09:00"),
                state: state.to_owned(),
                ..StoredHealth::default()
            })
        };
        let word = |stored, logged| newer(stored, logged).map(|state| state.state);
        let row = || state("10:00:00.000", "OK");
        assert_eq!(word(row(), state("10:00:05.000", "STORM")).as_deref(), Some("STORM"));
        assert_eq!(word(row(), state("09:00:05.000", "STORM")).as_deref(), Some("OK"));
        assert_eq!(newer(row(), state("10:00:00.004", "OK")), row());
        assert_eq!(word(None, state("10:00:05.000", "STORM")).as_deref(), Some("STORM"));
        assert_eq!(word(row(), None).as_deref(), Some("OK"));
    }

    #[test]
    fn n11_a_recorder_in_trouble_says_which_and_what_to_do() {
        let state = |state: &str, advice: &str| {
            judge(&StoredHealth {
                ts: "2026-11-20T09:04:10.000+09:00".to_owned(),
                state: state.to_owned(),
                why: "3 takeovers".to_owned(),
                advice: advice.to_owned(),
            })
        };
        assert_eq!(state("OK", "").level, Level::Fine);
        let evicted = state("EVICTED", "another program uses the line");
        assert_eq!(evicted.level, Level::Warning);
        assert_eq!(evicted.say.en, "the recorder says EVICTED since 09:04:10: 3 takeovers");
        assert!(evicted.fix.is_some_and(|fix| fix.ja.contains("ほかのプログラム")));
    }
}
