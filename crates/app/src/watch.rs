//! Who looks on while rows are read, and may end it.

/// Looks on.
pub trait Watch {
    /// About so many rows will come.
    fn begin(&mut self, rows: u64);
    /// So many have come.
    fn rows(&mut self, done: u64);
    /// True when the user wants it to end.
    fn stopped(&self) -> bool;
}
