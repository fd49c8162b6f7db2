//! How much is measured: the usual few minutes, `--quick` for a smoke test, `--long` for calmer figures.

use std::time::Duration;

/// Sizes of a run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rounds of the stages that run in this process.
    pub rounds: usize,
    /// Rounds with a worker process.
    pub worker_rounds: usize,
    /// How long a worker is flooded.
    pub flood: Duration,
    /// How long a worker is watched at a fixed rate.
    pub paced: Duration,
    /// Windows stored.
    pub windows: usize,
    /// Rows of the databases that windows are added to; the first is the empty one.
    pub grown: &'static [u64],
    /// Shrinks inner loops.
    divide: usize,
}

impl Plan {
    /// About six minutes.
    pub const USUAL: Self = Self {
        rounds: 15,
        worker_rounds: 7,
        flood: Duration::from_millis(1_800),
        paced: Duration::from_secs(20),
        windows: 1_200,
        grown: &[0, 1_000_000],
        divide: 1,
    };

    /// About a minute: shows that everything runs, not how fast.
    pub const QUICK: Self = Self {
        rounds: 7,
        worker_rounds: 1,
        flood: Duration::from_millis(1_500),
        paced: Duration::from_secs(3),
        windows: 60,
        grown: &[0, 50_000],
        divide: 4,
    };

    /// Some twelve minutes, six of them for databases of 10 and 50 million rows.
    pub const LONG: Self = Self {
        rounds: 31,
        worker_rounds: 15,
        flood: Duration::from_secs(4),
        paced: Duration::from_secs(60),
        windows: 3_000,
        grown: &[0, 1_000_000, 10_000_000, 50_000_000],
        divide: 1,
    };

    /// Length of an inner loop.
    pub fn spin(&self, usual: usize) -> usize {
        (usual / self.divide).max(1)
    }
}
