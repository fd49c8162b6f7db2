//! Whether a database holds what was recorded: structure, whole windows, volume, gaps; a grade per day and symbol.
//!
//! Owns the grades (docs/design/verify.md). Refuses to change anything: it reads, in steps that hold no recorder back.

mod books;
mod files;
mod grade;
mod json;
mod report;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use ayumi_store::StoreError;
use ayumi_store::reader::{self, Integrity, Owner, Reader, Span};
use ayumi_wire::jst::Date;

use books::Books;

use crate::watch::Watch;
pub use grade::{Day, Grade};
pub use json::{ascii, to_json};
pub use report::text;

/// How long the structure of a running recorder's file is checked; a read of 30 s would make it report a stuck reader.
const BESIDE_A_RECORDER: Duration = Duration::from_secs(20);
/// And of a file that nobody writes.
const ALONE: Duration = Duration::from_secs(3600);

/// What to check.
#[derive(Clone, Debug)]
pub struct Request {
    /// The database; `{date}` stands for the day.
    pub db: PathBuf,
    /// First and last trading day; `None` = all.
    pub days: Option<(Date, Date)>,
    /// Only these tickers; empty = all.
    pub tickers: Vec<String>,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no such file.
    #[error("there is no database {0}\n  next: check db_path in the settings, or name the file with --db")]
    Missing(PathBuf),
    /// There is a file per day, but none of these days.
    #[error("there is no database {0} of these days{1}\n  next: choose one of the days that exist, or another --db")]
    NoDays(PathBuf, String),
    /// It cannot be read, or is none of ours.
    #[error("{0}")]
    Unusable(String),
    /// Ended by the user.
    #[error("stopped: the check is not complete")]
    Stopped,
}

/// What was found in one file.
#[derive(Clone, Debug, Default)]
pub struct FileReport {
    /// Which.
    pub path: PathBuf,
    /// What is wrong with the file as a whole, each with what to do.
    pub problems: Vec<String>,
    /// What should be known and is no problem.
    pub notes: Vec<String>,
    /// Windows in it.
    pub windows: u64,
    /// Rows of a recorder.
    pub rows: u64,
    /// Rows of the scripts.
    pub of_scripts: u64,
    /// Per day and symbol, ascending.
    pub days: Vec<Day>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// File by file.
    pub files: Vec<FileReport>,
}

impl Report {
    /// Every day and symbol.
    pub fn days(&self) -> impl Iterator<Item = &Day> {
        self.files.iter().flat_map(|file| &file.days)
    }

    /// How many have a grade.
    #[must_use]
    pub fn count(&self, grade: Grade) -> usize {
        self.days().filter(|day| day.grade() == grade).count()
    }

    /// How many problems the files have as a whole.
    #[must_use]
    pub fn problems(&self) -> usize {
        self.files.iter().map(|file| file.problems.len()).sum()
    }

    /// True when the exit code is 0.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.problems() == 0 && self.days().all(|day| day.grade() <= Grade::B)
    }
}

/// Checks the files.
///
/// # Errors
/// When nothing could be checked; damage is no error but part of the report.
pub fn run(request: &Request, watch: &mut dyn Watch) -> Result<Report, VerifyError> {
    let mut report = Report::default();
    for file in files::of(&request.db, request.days)? {
        report.files.push(check(&file, request, watch)?);
    }
    Ok(report)
}

fn check(file: &files::File, request: &Request, watch: &mut dyn Watch) -> Result<FileReport, VerifyError> {
    let mut report = FileReport {
        path: file.path.clone(),
        ..FileReport::default()
    };
    let reader = Reader::open(&file.path).map_err(|e| VerifyError::Unusable(sentence(&e)))?;
    match reader.shape() {
        Ok(shape) if shape.tables.is_empty() => return Err(nothing_of_ours(&file.path, shape.marked)),
        Ok(shape) if shape.marked && !shape.missing.is_empty() => {
            report.problems.push(format!(
                "tables are missing: {}; restore the file from a backup, or replay the journal into a new one",
                shape.missing.join(", ")
            ));
        }
        Ok(_) => {}
        Err(error @ (StoreError::Damaged { .. } | StoreError::WrongSchema { .. })) => {
            report.problems.push(sentence(&error));
            return Ok(report);
        }
        Err(error) => return Err(VerifyError::Unusable(sentence(&error))),
    }
    structure(&reader, &mut report)?;
    if watch.stopped() {
        return Err(VerifyError::Stopped);
    }
    audit(&reader, file, request, watch, &mut report)?;
    Ok(report)
}

fn nothing_of_ours(path: &std::path::Path, marked: bool) -> VerifyError {
    let length = std::fs::metadata(path).map_or(u64::MAX, |file| file.len());
    let what = match (length, marked) {
        (0, _) => "is empty: 0 bytes, no table",
        // What is shorter than a page is an empty database to SQLite.
        (1..512, _) => "is cut off: too short to hold a table",
        (_, true) => "has lost all its tables",
        _ => "holds no table of ayumi or of the scripts",
    };
    VerifyError::Unusable(format!(
        "{} {what}; nothing was checked\n  next: check db_path in the settings, or name the file with --db",
        path.display()
    ))
}

fn structure(reader: &Reader, report: &mut FileReport) -> Result<(), VerifyError> {
    let running = matches!(reader::owner(&report.path), Owner::Running(_));
    let limit = if running { BESIDE_A_RECORDER } else { ALONE };
    // SQLite takes what is left of the last page for a page.
    let torn = std::fs::metadata(&report.path).is_ok_and(|file| file.len() % 512 != 0);
    if torn && !running {
        let salvage = salvage(&report.path);
        report
            .problems
            .push(format!("the file ends inside a page: it was cut off; {salvage}"));
    }
    match reader.quick_check(limit) {
        Ok(Integrity::Whole) => {}
        Ok(Integrity::Unfinished) => report.notes.push(format!(
            "the structure was checked for {} s only, because a recorder is running; check again when it has stopped",
            limit.as_secs()
        )),
        Ok(Integrity::Damaged(lines)) => {
            let lines: Vec<String> = lines.iter().flat_map(|line| line.lines()).map(str::to_owned).collect();
            let named = lines.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
            let more = if lines.len() > 5 {
                format!(" (and {} more)", lines.len() - 5)
            } else {
                String::new()
            };
            report
                .problems
                .push(format!("the file is damaged: {named}{more}; {}", salvage(&report.path)));
        }
        Err(error) => return Err(VerifyError::Unusable(sentence(&error))),
    }
    Ok(())
}

fn audit(
    reader: &Reader,
    file: &files::File,
    request: &Request,
    watch: &mut dyn Watch,
    report: &mut FileReport,
) -> Result<(), VerifyError> {
    let span = request.days.map_or(Span::ALL, |(from, to)| Span {
        // Derivatives begin their trading date at 16:30 of the day before.
        from_ms: (from.midnight_s() - 86_400) * 1000,
        to_ms: (to.midnight_s() + 86_400) * 1000,
    });
    let mut books = Books::new(watch);
    let audit = match reader.audit(span, &mut books) {
        Ok(audit) => audit,
        Err(error @ StoreError::Damaged { .. }) => {
            report.problems.push(sentence(&error));
            return Ok(());
        }
        Err(error) => return Err(VerifyError::Unusable(sentence(&error))),
    };
    if audit.stopped {
        return Err(VerifyError::Stopped);
    }
    for table in &audit.unreadable {
        report.problems.push(format!(
            "table {} cannot be read behind row {}: {}; {}",
            table.table,
            table.behind,
            table.detail,
            salvage(&report.path)
        ));
    }
    (report.windows, report.rows, report.of_scripts) = (audit.windows, audit.rows, audit.of_scripts);
    notes(&audit, report);
    let days = books.close(&audit, &file.carried);
    let wanted = |day: &Day| {
        request.days.is_none_or(|(from, to)| (from..=to).contains(&day.date))
            && (request.tickers.is_empty() || request.tickers.contains(&day.ticker))
    };
    report.days = days.into_iter().filter(wanted).collect();
    if report.days.is_empty() {
        report
            .notes
            .push("nothing was recorded of these days and symbols".to_owned());
    }
    // Windows of days without a symbol, and those that are not described, would otherwise be told nowhere.
    let shown: usize = report.days.iter().map(|day| day.damaged().count()).sum();
    let damage = audit.damaged.iter().filter(|w| !w.fault.is_loss_only()).count();
    if audit.more_damaged > 0 || (damage > 0 && shown == 0 && request.tickers.is_empty()) {
        let first = audit
            .damaged
            .first()
            .map_or_else(String::new, |w| format!(", the first {}", grade::window(w)));
        let count = audit.damaged.len() as u64 + audit.more_damaged;
        report
            .problems
            .push(format!("{count} windows are not what was written{first}"));
    }
    Ok(())
}

fn notes(audit: &ayumi_store::reader::Audit, report: &mut FileReport) {
    if audit.of_scripts > 0 {
        report.notes.push(format!(
            "{} rows were written by the scripts, without windows: they were not checked",
            audit.of_scripts
        ));
    }
    if audit.replayed > 0 {
        report.notes.push(format!(
            "{} rows of features_stream come from a replay of a snapshot database: they were not checked",
            audit.replayed
        ));
    }
}

/// What to do with a damaged file.
fn salvage(path: &std::path::Path) -> String {
    let path = path.display();
    format!("stop the recorder, keep a copy, and save what is readable: sqlite3 \"{path}\" .recover | sqlite3 saved.db")
}

fn sentence(error: &StoreError) -> String {
    match error {
        StoreError::Damaged { path, detail, .. } => format!("the file is damaged: {detail}; {}", salvage(path)),
        StoreError::NotADatabase { path, why } => format!(
            "{} is no SQLite database, or its first page is damaged ({why})\n  next: name another file with --db, or {}",
            path.display(),
            salvage(path)
        ),
        other => other.to_string(),
    }
}
