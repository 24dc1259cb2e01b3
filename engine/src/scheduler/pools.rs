//! Whose turn it is (R7.5): task sets in the order of their jobs, or fairly between pools.
//!
//! As in Spark a pool that nobody configured has weight 1, no share of its own, and serves its sets in the
//! order of their jobs; jobs without a pool are in the pool `default`.

use super::Scheduler;
use super::task_set::TaskSet;
use crate::ids::*;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Name of a pool.
pub(super) type PoolName = Arc<str>;

/// The pool of jobs that name none.
pub(super) const DEFAULT_POOL: &str = "default";

/// How task sets are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchedulingMode {
    /// In the order of their jobs.
    #[default]
    Fifo,
    /// Whoever has the least of what is due to it comes first.
    Fair,
}

impl SchedulingMode {
    /// The modes by their names.
    pub const NAMES: &'static [&'static str] = &["FIFO", "FAIR"];

    /// The name in settings: `FIFO` or `FAIR`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fifo => "FIFO",
            Self::Fair => "FAIR",
        }
    }
}

/// What is due to a pool, with `spark.scheduler.mode` = `FAIR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// How its own task sets are served.
    pub mode: SchedulingMode,
    /// Its share beside other pools; at least 1.
    pub weight: u32,
    /// Slots that it gets before others get more than theirs.
    pub min_share: u32,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { mode: SchedulingMode::Fifo, weight: 1, min_share: 0 }
    }
}

impl PoolSettings {
    /// Reads `MODE,weight,minShare`: `FAIR,2,4`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem = || format!("'{text}' is no pool; write MODE,weight,minShare, for example FIFO,2,0");
        let [mode, weight, min_share] = text.split(',').collect::<Vec<_>>()[..] else { return Err(problem()) };
        let mode = [SchedulingMode::Fifo, SchedulingMode::Fair].into_iter().find(|known| known.name() == mode);
        let number = |text: &str| text.parse::<u32>().map_err(|_| problem());
        let pool = Self { mode: mode.ok_or_else(problem)?, weight: number(weight)?, min_share: number(min_share)? };
        if pool.weight == 0 { Err(problem()) } else { Ok(pool) }
    }

    /// As [`PoolSettings::parse`] reads it.
    pub fn text(&self) -> String {
        format!("{},{},{}", self.mode.name(), self.weight, self.min_share)
    }
}

/// What a pool, or a set in a fair pool, has and is due.
struct Claim {
    running: u64,
    weight: u64,
    min_share: u64,
}

impl Claim {
    const fn is_needy(&self) -> bool {
        self.running < self.min_share
    }

    /// Spark's `FairSchedulingAlgorithm`: who is below its minimum comes first, by how far; then the least
    /// running for its weight.
    fn before(&self, other: &Self) -> Ordering {
        // Ratios are compared crosswise, without division.
        let ratio = |a: u64, of_a: u64, b: u64, of_b: u64| {
            (u128::from(a) * u128::from(of_b)).cmp(&(u128::from(b) * u128::from(of_a)))
        };
        match (self.is_needy(), other.is_needy()) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (true, true) => ratio(self.running, self.min_share, other.running, other.min_share),
            (false, false) => ratio(self.running, self.weight, other.running, other.weight),
        }
    }
}

impl Scheduler {
    /// Sets that want slots, in the order in which they are served.
    pub(super) fn served(&self) -> Vec<StageAttempt> {
        let mut wanting: Vec<(&TaskSet, StageAttempt)> =
            self.task_sets.iter().filter(|(_, set)| set.wants_slots()).map(|(id, set)| (set, *id)).collect();
        wanting.sort_unstable_by_key(|(set, id)| (set.priority, *id));
        let pools = match self.config.scheduler.mode {
            SchedulingMode::Fifo => return wanting.into_iter().map(|(_, id)| id).collect(),
            SchedulingMode::Fair => self.in_pools(wanting),
        };
        pools.into_iter().flat_map(|(_, sets)| sets).collect()
    }

    /// The pools of `wanting`, which is in the order of jobs, in their order and each in its own.
    fn in_pools(&self, wanting: Vec<(&TaskSet, StageAttempt)>) -> Vec<(Claim, Vec<StageAttempt>)> {
        let mut pools: BTreeMap<&str, Vec<(&TaskSet, StageAttempt)>> = BTreeMap::new();
        for (set, id) in wanting {
            pools.entry(&set.pool).or_default().push((set, id));
        }
        // What zombie sets still run counts too.
        let mut running: BTreeMap<&str, u64> = BTreeMap::new();
        for set in self.task_sets.values() {
            *running.entry(&set.pool).or_default() += u64::from(set.running);
        }
        let mut claims: Vec<(Claim, Vec<StageAttempt>)> = Vec::new();
        for (name, mut sets) in pools {
            let pool = self.config.scheduler.pools.get(name).copied().unwrap_or_default();
            if pool.mode == SchedulingMode::Fair {
                sets.sort_by_key(|(set, _)| set.running);
            }
            let claim = Claim {
                running: running.get(name).copied().unwrap_or(0),
                weight: u64::from(pool.weight),
                min_share: u64::from(pool.min_share),
            };
            claims.push((claim, sets.into_iter().map(|(_, id)| id).collect()));
        }
        // Stable: of equal claims the first name wins, as in Spark.
        claims.sort_by(|(a, _), (b, _)| a.before(b));
        claims
    }
}
