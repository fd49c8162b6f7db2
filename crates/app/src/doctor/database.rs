//! The database of today: is it one, whole, whose, and how far.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ayumi_store::StoreError;
use ayumi_store::reader::{Integrity, Owner, Reader, Span};
use ayumi_wire::jst::Date;

use super::finding::{Finding, Words, words};
use super::{Context, Nobody, openers};
use crate::verify;

/// The structure of a day is checked in a second; of a file of many days `ayumi verify` takes its time.
const STRUCTURE: Duration = Duration::from_millis(900);
/// The newest windows are compared with their rows.
const NEWEST_MS: i64 = 30_000;
/// Sizes of the write-ahead log that are worth a word, and an alarm.
const LARGE_WAL: u64 = 64 << 20;
const HUGE_WAL: u64 = 256 << 20;

/// The file that is written today.
pub fn today(db_path: &Path, date: Date) -> PathBuf {
    match db_path.to_str() {
        Some(text) => PathBuf::from(text.replace("{date}", &date.to_string())),
        None => db_path.to_owned(),
    }
}

/// Looks at file, owner, log and newest windows.
pub fn check(context: &Context) -> Vec<Finding> {
    let db = &context.db;
    let mut found = vec![owner(context)];
    found.extend(wal(context));
    if !db.exists() {
        let shown = db.display();
        found.push(Finding::fine(
            "database",
            words(
                format!("there is no database {shown} yet; the recorder creates it"),
                format!("データベース {shown} はまだありません。記録を始めると作られます"),
            ),
        ));
        return found;
    }
    if std::fs::metadata(db).is_ok_and(|file| file.permissions().readonly()) {
        found.push(Finding::problem(
            "database",
            words(
                format!("{} is read-only", db.display()),
                format!("{} が読み取り専用です", db.display()),
            ),
            words(
                "take the read-only mark from the file (Properties), or set another db_path",
                "ファイルのプロパティで読み取り専用を解除するか、db_path を変えてください",
            ),
        ));
    }
    match look(db) {
        Ok(more) => found.extend(more),
        Err(error) => found.push(unusable(db, &error)),
    }
    found
}

fn owner(context: &Context) -> Finding {
    let (en, ja) = match context.owner {
        Owner::Nobody => (
            "no recorder runs on this database".to_owned(),
            "このデータベースで動いている記録係はありません".to_owned(),
        ),
        Owner::Running(pid) => {
            let pid = pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
            (
                format!("a recorder is running (PID {pid})"),
                format!("記録係が動いています (PID {pid})"),
            )
        }
    };
    Finding::fine("owner", words(en, ja))
}

fn wal(context: &Context) -> Option<Finding> {
    let mut name = context.db.as_os_str().to_owned();
    name.push("-wal");
    let bytes = std::fs::metadata(PathBuf::from(name)).ok()?.len();
    let mb = bytes >> 20;
    if bytes < LARGE_WAL {
        return Some(Finding::fine(
            "wal",
            words(format!("WAL {mb} MB"), format!("WAL {mb}MB")),
        ));
    }
    let readers = openers::readers(context);
    let (en, ja) = match readers.as_slice() {
        [] => ("a reader holds it back".to_owned(), "読み手が止まっています".to_owned()),
        readers => {
            let named = readers.join(", ");
            (
                format!("held back by {named}"),
                format!("{named} が読み終わっていません"),
            )
        }
    };
    let say = words(format!("WAL {mb} MB: {en}"), format!("WAL {mb}MB: {ja}"));
    let fix = words(
        "close the program that keeps a transaction open, or let it open the file with mode=ro and fetch all rows of a query",
        "トランザクションを開いたままのプログラムを閉じるか、mode=ro で開き、結果をすべて読みきるようにしてください",
    );
    Some(match bytes {
        HUGE_WAL.. => Finding::problem("wal", say, fix),
        _ => Finding::warning("wal", say, fix),
    })
}

fn look(db: &Path) -> Result<Vec<Finding>, StoreError> {
    let reader = Reader::open(db)?;
    // Another application's file is no damaged one of ours.
    let shape = reader.shape();
    let mut found = Vec::new();
    match reader.quick_check(STRUCTURE)? {
        Integrity::Whole => found.push(Finding::fine(
            "structure",
            words("the database's structure is whole", "データベースの構造は正常です"),
        )),
        Integrity::Unfinished => found.push(Finding::note(
            "structure",
            words(
                "the structure was not checked to its end, the file is large: ayumi verify does it",
                "ファイルが大きいため構造の確認を途中でやめました。ayumi verify で確認できます",
            ),
        )),
        Integrity::Damaged(lines) => {
            let places = verify::places(&reader, &lines);
            let lines: Vec<&str> = lines
                .iter()
                .flat_map(|line| line.lines())
                .filter(|l| !l.starts_with("***"))
                .collect();
            let first = lines.first().copied().unwrap_or("?");
            return Ok(vec![damaged(db, &format!("{first}{places}"))]);
        }
    }
    shape?;
    let recent = reader.recent()?;
    let (schema, end) = (recent.schema, recent.ts_end.as_deref());
    let version = schema.map_or_else(|| "-".to_owned(), |v| v.to_string());
    let last = end.map_or("-", |end| end.get(..19).unwrap_or(end));
    found.push(Finding::fine(
        "tables",
        words(
            format!("tables version {version}, last window {last}"),
            format!("表のバージョン {version}、最後の窓 {last}"),
        ),
    ));
    if let Some(id) = recent.window_id {
        found.extend(newest(db, &reader, id)?);
    }
    Ok(found)
}

/// The newest windows against their checksums.
fn newest(db: &Path, reader: &Reader, id: i64) -> Result<Option<Finding>, StoreError> {
    let span = Span {
        from_ms: id.saturating_sub(NEWEST_MS),
        to_ms: id.saturating_add(1),
    };
    let audit = reader.audit(span, &mut Nobody)?;
    let faults = audit.damaged.len() as u64 + audit.more_damaged;
    Ok(match (faults, audit.unreadable.first()) {
        (0, None) => None,
        (_, Some(table)) => Some(damaged(db, &format!("{}: {}", table.table, table.detail))),
        (n, None) => Some(Finding::problem(
            "windows",
            words(
                format!("{n} of the newest windows are not what was written"),
                format!("最新の窓のうち {n} 個が、書かれた内容と違います"),
            ),
            words(
                format!("see which: ayumi verify --db \"{}\"", db.display()),
                format!("ayumi verify --db \"{}\" で詳細を確認してください", db.display()),
            ),
        )),
    })
}

fn unusable(db: &Path, error: &StoreError) -> Finding {
    let shown = db.display();
    match error {
        StoreError::Damaged { detail, .. } => damaged(db, detail),
        StoreError::NotADatabase { why, .. } => damaged(db, why),
        other => Finding::problem(
            "database",
            words(other.to_string(), format!("データベース {shown} が使えません: {other}")),
            words(
                "set another db_path, or move this file away",
                "db_path を変えるか、このファイルを移動してください",
            ),
        ),
    }
}

fn damaged(db: &Path, detail: &str) -> Finding {
    let shown = db.display();
    Finding::problem(
        "database",
        words(
            format!("the database {shown} is damaged: {detail}"),
            format!("データベース {shown} が壊れています: {detail}"),
        ),
        salvage(db),
    )
}

fn salvage(db: &Path) -> Words {
    let command = format!("sqlite3 \"{}\" .recover | sqlite3 saved.db", db.display());
    words(
        format!("stop the recorder, move the file away, and save what is readable: {command}"),
        format!("記録を止めてファイルを移動し、読める分を救ってください: {command}"),
    )
}
