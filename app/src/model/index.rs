//! What the reducer remembers so that every event costs no more than what it is about.
//!
//! Nothing here is a fact of its own: each entry can be derived from the rest of the model by a scan.

use faultline_engine::ids::*;
use imbl::{OrdMap, OrdSet, Vector};
use std::sync::Arc;

/// An operator's partition in a batch: how recomputation is counted, as drawn.
pub(super) type OperatorPartition = (OperatorName, Option<BatchId>, PartitionId);

/// The reducer's own bookkeeping.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// Grows with every event that can change which RDDs there are, how they hang together, or which of
    /// them are kept: what is derived from these alone can be cached by it.
    pub(super) structure: u64,
    /// Time of the first envelope.
    pub(super) first: Option<Timestamp>,
    /// The job that each stage runs for: the first unfinished one that announced it.
    pub(super) stage_job: OrdMap<StageId, JobId>,
    /// Jobs that have started and not ended.
    pub(super) running_jobs: OrdSet<JobId>,
    /// Batches submitted and not started.
    pub(super) waiting_batches: OrdSet<BatchId>,
    /// Batches started and not completed.
    pub(super) running_batches: OrdSet<BatchId>,
    /// How many batches completed.
    pub(super) completed_batches: u64,
    /// Operators that read their own earlier batches.
    pub(super) stateful: OrdSet<OperatorName>,
    /// Partitions shown as being computed, by the task that computes them.
    pub(super) computing: OrdMap<TaskId, Arc<Vec<BlockId>>>,
    /// Partitions with a mark that lasts until the next fault.
    pub(super) marked: OrdSet<BlockId>,
    /// Map outputs with a mark that lasts until the next fault.
    pub(super) marked_outputs: OrdSet<(ShuffleId, PartitionId)>,
    /// Operator partitions that the recovery of the last fault computed again.
    pub(super) recovered: OrdSet<OperatorPartition>,
    /// Jobs that did work only because something was lost.
    pub(super) repaired_jobs: OrdSet<JobId>,
    /// The batches of those jobs.
    pub(super) repaired_batches: OrdSet<BatchId>,
    /// RDDs that a checkpoint's own job writes.
    pub(super) second_jobs: OrdSet<RddId>,
    /// Released RDDs, oldest first.
    pub(super) released: Vector<RddId>,
    /// How many RDDs that recovery reaches read each one.
    pub(super) readers: OrdMap<RddId, u32>,
    /// RDDs that some reader needs no longer, because of a cut.
    pub(super) behind_cuts: OrdSet<RddId>,
    /// Removed shuffles, oldest first.
    pub(super) removed_shuffles: Vector<ShuffleId>,
    /// The first id that is no RDD of an earlier life of the driver.
    pub(super) former_rdds: RddId,
    /// Whether the engine's last answer to a command was a no.
    pub(super) refused_last: bool,
    /// Lines kept in `output`.
    pub(super) output_lines: usize,
}
