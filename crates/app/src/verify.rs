//! Whether a database holds what was recorded: structure, whole windows, volume, gaps; a grade per day and symbol.
//!
//! Owns the grades (docs/design/verify.md). Refuses to change anything: it reads, in steps that hold no recorder back.

mod absent;
mod books;
mod files;
mod grade;
mod hollow;
mod json;
mod newest;
mod report;
mod structure;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use ayumi_store::StoreError;
use ayumi_store::reader::{Reader, Span};
use ayumi_wire::jst::Date;

use books::Books;
use structure::salvage;

use crate::watch::Watch;
pub use absent::Seen;
pub use grade::{Day, Grade};
pub use json::{ascii, to_json};
pub use newest::{Newest, newest};
pub use report::text;
pub use structure::places;

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
    /// Files are there and whole as far as they were read, but none of them has a row of these days and symbols.
    #[error(
        "nothing was recorded of {asked}, so nothing was checked{there}\n  next: ask for what is there, or name another file with --db"
    )]
    Nothing {
        /// What was asked for.
        asked: String,
        /// What is there instead.
        there: String,
    },
    /// Tables without a row, and nothing says that there never was one.
    #[error(
        "{0} has its tables, but nothing is in them, and no recorder says that it ended with nothing: nothing was checked. \
         A copy without the file {1} beside it lacks what was only there\n  next: copy both files together, or after \
         the recorder has stopped; or name another file with --db"
    )]
    Hollow(PathBuf, String),
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
    /// Tables without a row, of which nobody says that it is all there was.
    pub hollow: bool,
    /// What is in it, also of days and symbols that were not asked for.
    pub seen: Seen,
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
    hollow::judge(&report)?;
    absent::judge(request, &mut report)?;
    Ok(report)
}

fn check(file: &files::File, request: &Request, watch: &mut dyn Watch) -> Result<FileReport, VerifyError> {
    let mut report = FileReport {
        path: file.path.clone(),
        ..FileReport::default()
    };
    let lone = hollow::is_lone(&file.path);
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
    structure::check(&reader, &mut report)?;
    if watch.stopped() {
        return Err(VerifyError::Stopped);
    }
    audit(&reader, file, request, watch, &mut report)?;
    hollow::note(lone, &reader, &mut report);
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
            // The check of the structure has said it already, with the tables.
            if report.problems.is_empty() {
                report.problems.push(sentence(&error));
            }
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
    report.notes.extend(rejected(books.rejected(), request.days));
    let days = books.close(&audit, &file.carried);
    report
        .seen
        .note_all(&days, reader.recent().ok().and_then(|recent| recent.window_id));
    let wanted = |day: &Day| {
        request.days.is_none_or(|(from, to)| (from..=to).contains(&day.date))
            && (request.tickers.is_empty() || request.tickers.contains(&day.ticker))
    };
    report.days = days.into_iter().filter(wanted).collect();
    if report.days.is_empty() {
        report.notes.push("nothing was recorded".to_owned());
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

/// `window_log` counts rejected messages per window and says neither whose they were nor why.
fn rejected(per_day: &BTreeMap<Date, i64>, days: Option<(Date, Date)>) -> Vec<String> {
    let wanted = per_day
        .iter()
        .filter(|(date, _)| days.is_none_or(|(from, to)| (from..=to).contains(*date)));
    let note = |(date, count): (&Date, &i64)| {
        format!(
            "{date}: {count} messages were rejected (price guard, hours, unusable); the volume of a guarded message stands in \
             volume_ledger, but before a symbol's first good price of a day there is nothing to count from, and none is \
             booked. Which and why: the log, \"price guard drop\""
        )
    };
    wanted.map(note).collect()
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
