//! What a race found out, lane by lane, as plain data.

use super::{Fates, Policy, Struck, WayBack};
use crate::model::Tally;
use serde::Serialize;

/// The result; serialized it is what `compare --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Race {
    /// Program.
    pub program: String,
    /// Seed of every lane.
    pub seed: u64,
    /// The faults, as on the command line.
    pub faults: Vec<String>,
    /// Where durations come from.
    pub time_source: &'static str,
    /// One per policy.
    pub lanes: Vec<Lane>,
    /// Whether the program runs in batches.
    #[serde(skip)]
    pub streaming: bool,
    /// Faults that did not strike, and in which lanes.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// One policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lane {
    /// Policy.
    pub policy: Policy,
    /// Whether Spark would run the program this way.
    pub spark_allows: bool,
    /// The first batch after the fault; see [`Struck`] for programs without batches.
    pub struck: WithAndWithout,
    /// The whole run.
    pub run: WithAndWithout,
    /// What the policy costs when nothing fails.
    pub upkeep: LaneUpkeep,
    /// Hash over everything written in the run with the fault.
    pub output_sha256: String,
    /// The same of the run without the fault.
    #[serde(skip)]
    pub output_sha256_without_fault: String,
    /// Of an input that is received: what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fates: Option<Fates>,
    /// What the policy does, in a few words.
    #[serde(skip)]
    pub explanation: String,
    /// What a fault struck; without it `struck` counts nothing.
    #[serde(skip)]
    pub struck_at: Option<Struck>,
    /// What the fault took in this lane, and how far the way back reached.
    #[serde(skip)]
    pub way_back: WayBack,
}

/// The same part of two runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WithAndWithout {
    /// Nothing fails.
    pub without_fault: Tally,
    /// The faults strike.
    pub with_fault: Tally,
}

/// The price of a policy in the run without the fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LaneUpkeep {
    /// The most that executors held at once, all copies.
    pub cached_bytes_peak: u64,
    /// Bytes of checkpoint parts.
    pub checkpoint_bytes_written: u64,
}

impl Lane {
    /// What its columns count, without the fault and with it: partitions computed again in the struck part. A driver
    /// that begins again does not know what its earlier life computed: after its loss, all that the run computed.
    pub fn counted(&self) -> (u64, u64) {
        let WithAndWithout { without_fault, with_fault } = &self.struck;
        match self.struck_at {
            Some(Struck::DriverLoss) => (without_fault.computed_partitions, with_fault.computed_partitions),
            _ => (without_fault.computed_again, with_fault.computed_again),
        }
    }

    /// How much the fault added to that; negative when it saved work.
    pub fn added(&self) -> i64 {
        let (without, with) = self.counted();
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        signed(with).saturating_sub(signed(without))
    }
}

impl Race {
    /// Whether its lanes say what is kept of a received input. Then a fault changes what is received when, and a record
    /// may be lost: their results are no proof, and the ledger says what became of each record.
    pub fn is_of_received(&self) -> bool {
        self.lanes.iter().any(|lane| lane.policy.is_of_received())
    }

    /// Whether a policy or a fault changed a result, which none may.
    pub fn results_differ(&self) -> bool {
        !self.is_of_received() && self.common_hash().is_none()
    }

    /// The hash that all runs of all lanes share; `None` when two differ.
    pub fn common_hash(&self) -> Option<&str> {
        let mut hashes = self.lanes.iter().flat_map(|l| [&l.output_sha256, &l.output_sha256_without_fault]);
        let first = hashes.next()?;
        hashes.all(|hash| hash == first).then_some(first)
    }

    /// The lane of a policy.
    pub fn lane(&self, policy: Policy) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.policy == policy)
    }
}
