//! Follows `features_stream` row by row, through the night and through whatever happens to the file.
//!
//! A poll reads what is new and lets go of the database. With `{date}` in the path the file of the next day is taken
//! as soon as it is there, after the last row of the old one. A place in a file is a row id; when that row is no longer
//! there (the file was replaced, rows were deleted), the place is found again by time, so that no row is told twice.

use std::path::{Path, PathBuf};

use ayumi_engine::jst::Date;
use ayumi_store::reader::{FeatureReader, FollowedRow, Mark};
use ayumi_store::{StoreError, path_for};
use ayumi_wire::jst;

/// Rows per query: a few milliseconds, so that a stop is heard and no query lasts.
pub const CHUNK: usize = 4_096;

/// Who is told about rows.
pub trait Listener {
    /// A row that was there before the start.
    fn on_old(&mut self, row: &FollowedRow);
    /// A new row of this database.
    fn on_new(&mut self, path: &Path, row: &FollowedRow);
    /// A place was found again by time: what happened, in words.
    fn on_moved(&mut self, path: &Path, why: &str);
    /// The user wants to stop.
    fn stopped(&self) -> bool;
}

/// How a poll ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything that is in the file was told.
    Following(PathBuf),
    /// There is no such file yet, or it has no feature rows.
    Waiting(PathBuf),
}

/// The follower of one path.
#[derive(Debug)]
pub struct Follower {
    template: PathBuf,
    /// Rows behind this one are new; `None` = those that come after the first look.
    behind: Option<i64>,
    place: Option<Place>,
    /// `ts` of the newest row told; such texts sort by time.
    newest: Option<String>,
    /// There was a first look: what a file holds that appears later is new.
    looked: bool,
}

#[derive(Debug)]
struct Place {
    reader: FeatureReader,
    rowid: i64,
    mark: Option<Mark>,
}

impl Follower {
    /// Follows the database at `template`, in which `{date}` stands for the day.
    pub fn new(template: PathBuf, behind: Option<i64>) -> Self {
        Self {
            template,
            behind,
            place: None,
            newest: None,
            looked: false,
        }
    }

    /// Tells everything that came since the last poll.
    ///
    /// # Errors
    /// What SQLite reports; the next poll opens the file again.
    pub fn poll(&mut self, today: Date, listener: &mut dyn Listener) -> Result<State, StoreError> {
        let told = self.try_poll(today, listener);
        if told.is_err() {
            self.place = None;
        }
        self.looked = true;
        told
    }

    fn try_poll(&mut self, today: Date, listener: &mut dyn Listener) -> Result<State, StoreError> {
        let wanted = path_for(&self.template, today);
        let mut next = None;
        if let Some(place) = &self.place {
            let gone = place.reader.is_elsewhere();
            if gone || place.reader.path() != wanted {
                // When the next file is there, the old one is complete: looked at in this order, nothing is missed.
                next = FeatureReader::open(&wanted)?;
            }
            self.drain(listener)?;
            if next.is_none() && !gone {
                return Ok(self.following().unwrap_or(State::Waiting(wanted)));
            }
            self.place = None;
            if gone {
                listener.on_moved(&wanted, "the file was deleted, moved or replaced");
            }
        }
        let opened = match next {
            Some(reader) => Some(reader),
            None => FeatureReader::open(&wanted)?,
        };
        let Some(reader) = opened else {
            return Ok(State::Waiting(wanted));
        };
        let rowid = self.begin(&reader, listener)?;
        let mark = reader.at_or_before(rowid)?;
        self.place = Some(Place { reader, rowid, mark });
        self.drain(listener)?;
        Ok(self.following().unwrap_or(State::Waiting(wanted)))
    }

    fn following(&self) -> Option<State> {
        let place = self.place.as_ref()?;
        Some(State::Following(place.reader.path().to_owned()))
    }

    /// The row id behind which the rows of a file just opened are new.
    fn begin(&mut self, reader: &FeatureReader, listener: &mut dyn Listener) -> Result<i64, StoreError> {
        if let Some(newest) = &self.newest {
            return reader.behind(newest);
        }
        if self.looked {
            return Ok(0);
        }
        let Some(newest) = reader.newest()? else { return Ok(0) };
        let behind = self.behind.unwrap_or(newest.rowid).min(newest.rowid);
        self.remember(reader, behind, listener)?;
        Ok(behind)
    }

    /// Tells the rows of the newest day up to a row id: a start in the middle of the day then decides like one in the
    /// morning.
    fn remember(&mut self, reader: &FeatureReader, until: i64, listener: &mut dyn Listener) -> Result<(), StoreError> {
        let Some(last) = reader.at_or_before(until)? else {
            return Ok(());
        };
        let Some((mut rowid, _)) = last.day().map(|day| reader.day(day)).transpose()?.flatten() else {
            return Ok(());
        };
        while rowid < until && !listener.stopped() {
            let rows = reader.after(rowid, CHUNK)?;
            let Some(newest) = rows.last().map(|row| row.rowid) else {
                break;
            };
            rowid = newest;
            for row in rows.iter().filter(|row| row.rowid <= until) {
                note_newest(&mut self.newest, &row.ts);
                listener.on_old(row);
            }
        }
        Ok(())
    }

    /// Tells every row behind the place.
    fn drain(&mut self, listener: &mut dyn Listener) -> Result<(), StoreError> {
        let Self { place, newest, .. } = self;
        let Some(Place { reader, rowid, mark }) = place else {
            return Ok(());
        };
        if let Some(lost) = mark.take() {
            if reader.holds(&lost)? {
                *mark = Some(lost);
            } else {
                *rowid = reader.behind(newest.as_deref().unwrap_or_default())?;
                listener.on_moved(reader.path(), "rows were deleted or renumbered");
            }
        }
        while !listener.stopped() {
            let rows = reader.after(*rowid, CHUNK)?;
            for row in &rows {
                note_newest(newest, &row.ts);
                listener.on_new(reader.path(), row);
            }
            let Some(last) = rows.last() else { break };
            *rowid = last.rowid;
            *mark = Some(Mark {
                rowid: last.rowid,
                ts: last.ts.clone(),
                ticker: last.ticker.clone(),
            });
            if rows.len() < CHUNK {
                break;
            }
        }
        Ok(())
    }
}

fn note_newest(newest: &mut Option<String>, ts: &str) {
    // What is no time must not stand behind all times.
    if newest.as_deref().is_none_or(|newest| newest < ts) && jst::parse_ms(ts).is_some() {
        *newest = Some(ts.to_owned());
    }
}
