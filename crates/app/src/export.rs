//! A table of a database into a file for other programs.
//!
//! Owns what a column becomes in CSV and Parquet, and that a file is there whole or not at all. Refuses to write into
//! the database, to hold a read transaction for longer than a page, and to round, cut or leave out a value: a column
//! that holds something unexpected gets a wider type, and the user is told.

mod columnar;
mod csv;
mod error;
pub mod files;
mod kind;
mod output;
mod source;

use std::path::PathBuf;

use rusqlite::types::ValueRef;

pub use error::{Days, ExportError, SinkError};
use kind::Kind;
use output::{Format, Output};
use source::{Extent, Selection, Source, Table};

use crate::watch::Watch;

/// What to export.
#[derive(Clone, Debug)]
pub struct Request {
    /// The database; `{date}` in it stands for the day.
    pub db: PathBuf,
    /// The table's name, in any letter case.
    pub table: String,
    /// By the JST date of the row's time.
    pub days: Days,
    /// As the tables write them; empty = all.
    pub tickers: Vec<String>,
    /// Ends with `.csv` or `.parquet`.
    pub out: PathBuf,
    /// CSV for Excel.
    pub excel: bool,
    /// Replace a file that exists.
    pub force: bool,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Rows.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Databases that were read.
    pub databases: usize,
    /// What the user should know: columns that got another type than usual, files without the table.
    pub notes: Vec<String>,
}

/// Writes the file.
///
/// # Errors
/// [`ExportError`], with the next step; nothing is left behind then, and a file that was there is as it was.
pub fn run(request: &Request, watch: &mut dyn Watch) -> Result<Summary, ExportError> {
    let format = Format::of(&request.out, request.excel)?;
    let paths = files::of_days(&request.db, request.days)?;
    let output = Output::create(&request.out, request.force, &paths)?;
    let mut job = Job::survey(request, paths)?;
    watch.begin(job.rows());
    while let Err(halt) = job.write(format, &output, watch) {
        match halt {
            Halt::Error(error) => return Err(error),
            Halt::Misfit(misfit) => job.widen(misfit),
        }
        output
            .rewind()
            .map_err(|error| ExportError::writing(&request.out, error.into()))?;
    }
    Ok(Summary {
        rows: job.rows(),
        bytes: output.complete()?,
        databases: job.parts.len(),
        notes: job.notes,
    })
}

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    kind: Kind,
}

/// The values of a row.
trait Cells {
    /// The value of a column, by its place.
    fn cell(&self, at: usize) -> ValueRef<'_>;
}

/// A format.
trait RowSink {
    /// Takes a row; or tells which column has the wrong kind for it. The file is of no use then.
    fn row(&mut self, cells: &dyn Cells) -> Result<Option<Misfit>, SinkError>;

    /// Nothing comes any more.
    fn finish(&mut self) -> Result<(), SinkError>;
}

/// A value that its column's kind cannot take.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Misfit {
    column: usize,
    wider: Kind,
    value: String,
}

impl Misfit {
    fn new(column: usize, kind: Kind, value: ValueRef<'_>) -> Self {
        Self {
            column,
            wider: kind.wider(value),
            value: match value {
                ValueRef::Null => "NULL".to_owned(),
                ValueRef::Integer(n) => n.to_string(),
                ValueRef::Real(x) => format!("{x:?}"),
                ValueRef::Text(text) => format!("\"{}\"", String::from_utf8_lossy(text)),
                ValueRef::Blob(_) => "binary data".to_owned(),
            },
        }
    }
}

/// Why an attempt ended early.
enum Halt {
    Misfit(Misfit),
    Error(ExportError),
}

impl From<ExportError> for Halt {
    fn from(error: ExportError) -> Self {
        Self::Error(error)
    }
}

/// One database with rows of the selection.
struct Part {
    path: PathBuf,
    table: Table,
    extent: Extent,
}

/// An export whose rows are counted and whose columns are known.
struct Job<'a> {
    request: &'a Request,
    selection: Selection,
    parts: Vec<Part>,
    columns: Vec<Column>,
    notes: Vec<String>,
}

impl<'a> Job<'a> {
    fn survey(request: &'a Request, paths: Vec<PathBuf>) -> Result<Self, ExportError> {
        let mut job = Self {
            request,
            selection: Selection {
                days: request.days,
                tickers: request.tickers.clone(),
            },
            parts: Vec::new(),
            columns: Vec::new(),
            notes: Vec::new(),
        };
        let mut missing = None;
        for path in paths {
            match job.add(path) {
                Ok(()) => {}
                Err(error @ ExportError::NoTable { .. }) => missing = Some(error),
                Err(error) => return Err(error),
            }
        }
        match missing {
            Some(error) if job.parts.is_empty() => return Err(error),
            Some(error) => {
                let sentence = error.to_string();
                job.notes.extend(sentence.lines().next().map(str::to_owned));
            }
            None => {}
        }
        match job.rows() {
            0 => Err(job.empty()?),
            _ => Ok(job),
        }
    }

    fn add(&mut self, path: PathBuf) -> Result<(), ExportError> {
        let source = Source::open(&path)?;
        let table = find_table(&path, source.tables()?, &self.request.table)?;
        if table.ticker.is_none() && !self.request.tickers.is_empty() {
            return Err(ExportError::NoTicker(table.name));
        }
        for (name, declared) in &table.columns {
            if !self.columns.iter().any(|known| known.name.eq_ignore_ascii_case(name)) {
                self.columns.push(Column {
                    kind: Kind::of(name, declared),
                    name: name.clone(),
                });
            }
        }
        let extent = source.extent(&table, &self.selection)?;
        self.parts.push(Part { path, table, extent });
        Ok(())
    }

    fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.extent.rows).sum()
    }

    /// Why there is nothing, with what there is instead: symbols of these days, or else days.
    fn empty(&self) -> Result<ExportError, ExportError> {
        let mut exist = Vec::new();
        for part in &self.parts {
            let source = Source::open(&part.path)?;
            if !self.request.tickers.is_empty() {
                exist.extend(source.tickers(&part.table, self.request.days)?);
            }
        }
        if exist.is_empty() {
            exist = files::existing(&self.request.db);
        }
        for part in self.parts.iter().take(usize::from(exist.is_empty())) {
            exist = Source::open(&part.path)?.days(&part.table)?;
        }
        exist.sort();
        exist.dedup();
        Ok(ExportError::Empty {
            table: self
                .parts
                .first()
                .map_or_else(String::new, |part| part.table.name.clone()),
            days: self.request.days,
            symbols: self.request.tickers.clone(),
            exist,
        })
    }

    fn write(&self, format: Format, output: &Output, watch: &mut dyn Watch) -> Result<(), Halt> {
        let failed = |error| ExportError::writing(&self.request.out, error);
        let table = &self.parts[0].table.name;
        let mut sink: Box<dyn RowSink + '_> = match format {
            Format::Csv { excel } => Box::new(csv::Csv::new(output.file(), &self.columns, excel).map_err(failed)?),
            Format::Parquet => Box::new(columnar::Columnar::new(output.file(), &self.columns, table).map_err(failed)?),
        };
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let mut done = 0;
        for part in &self.parts {
            let source = Source::open(&part.path)?;
            let mut pages = source.pages(&part.table, &self.selection, part.extent, &names)?;
            loop {
                let more = pages.next(|cells| match sink.row(cells).map_err(failed)? {
                    None => {
                        done += 1;
                        Ok(())
                    }
                    Some(misfit) => Err(Halt::Misfit(misfit)),
                })?;
                watch.rows(done);
                if watch.stopped() {
                    return Err(ExportError::Stopped.into());
                }
                if !more {
                    break;
                }
            }
        }
        sink.finish().map_err(failed)?;
        Ok(())
    }

    fn widen(&mut self, misfit: Misfit) {
        let column = &mut self.columns[misfit.column];
        self.notes.push(format!(
            "column {} holds {}, which is no {}; it is written as {}",
            column.name,
            crate::text::cut(&crate::text::one_line(&misfit.value), 60),
            column.kind.name(),
            misfit.wider.name()
        ));
        column.kind = misfit.wider;
    }
}

/// The table of that name, in any letter case.
fn find_table(path: &std::path::Path, tables: Vec<Table>, name: &str) -> Result<Table, ExportError> {
    let wanted = name.to_ascii_lowercase();
    if let Some(at) = tables
        .iter()
        .position(|table| table.name.to_ascii_lowercase() == wanted)
    {
        return Ok(tables.into_iter().nth(at).expect("a place in the list"));
    }
    let names: Vec<String> = tables.into_iter().map(|table| table.name).collect();
    let distance = |name: &&String| strsim::damerau_levenshtein(&name.to_ascii_lowercase(), &wanted);
    let near = names.iter().min_by_key(distance);
    let near = near.filter(|name| distance(name) <= 3 || name.to_ascii_lowercase().contains(&wanted));
    Err(ExportError::NoTable {
        path: path.to_owned(),
        name: crate::text::cut(&crate::text::one_line(name), 40),
        near: near.cloned(),
        tables: names.clone(),
    })
}

#[cfg(test)]
mod tests;
