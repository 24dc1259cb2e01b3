//! The model: what the events say, folded. `apply` is a pure reducer and never fails.
//!
//! Owns every fact on screen. Knows no egui, no clock, no file, no channel: "now" is the time of the
//! last envelope. States are shared through `imbl` maps and `Arc`, so a clone for a snapshot is cheap.
//! Each concept has a file with its state and with one small function per event about it.

mod application;
mod apply;
mod batches;
mod cells;
mod checkpoints;
mod chunked;
mod computing;
mod driver;
mod driver_story;
mod executors;
mod faults;
mod index;
mod jobs;
mod ledger;
mod lineage;
pub mod lints;
mod logs;
mod marks;
mod output;
mod queries;
mod reach;
mod reads;
mod receivers;
mod refusals;
mod repairs;
mod retention;
mod sentences;
mod shuffles;
mod slots;
mod stages;
mod standing;
mod storage;
mod story;
mod streams;
mod tally;
mod tasks;
mod timeline;

#[cfg(test)]
mod tests;

pub use application::Application;
pub use batches::BatchState;
pub use cells::{Cell, Sign};
pub use checkpoints::{CHECKPOINT_RDD_CLASS, CheckpointState, LOCAL_CHECKPOINT_RDD_CLASS};
pub use chunked::Chunked;
pub use computing::narrow_parents;
pub use driver::{
    DriverLife, DriverPhase, DriverRecovery, DriverState, GraphCheckpointState, GraphFile, GraphFileInfo,
};
pub use driver_story::LostWithDriver;
pub use executors::ExecutorState;
pub use faults::{FaultRecord, RunningTask};
pub use index::Index;
pub use jobs::JobState;
pub use ledger::{ComputedUnit, Count, Fate, InputUnit, Ledger, LedgerFact, LedgerUnit, MAX_LEDGER_UNITS, Totals};
pub use lineage::RddState;
pub use logs::{LogId, LogSegment, Logs};
pub use marks::{Mark, MarkKind, Stride, Way};
pub use output::PrintedLines;
pub use reads::{JudgedRow, judge};
pub use receivers::ReceiverState;
pub use refusals::Refusal;
pub use shuffles::{MapOutput, MapOutputSign, ShuffleState};
pub use slots::{BusyPeriod, ExecutorSlots, SlotTask, Slots, TaskMarks};
pub use stages::{StageAttemptState, StageState};
pub use standing::{Condition, ConditionPeriod, Leaving, Standing};
pub use storage::{BlockCopy, Left, PartitionState};
pub use story::{Story, StoryPhase};
pub use streams::Streams;
pub use tally::{Tally, Upkeep};
pub use tasks::TaskState;
pub use timeline::{IDLE_NS_MAX, Shown, Timeline};

use faultline_engine::event::Finding;
use faultline_engine::ids::*;
use imbl::{OrdMap, Vector};
use std::sync::Arc;

/// Everything that the events said so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Grows with every applied envelope; views cache by it.
    pub revision: u64,
    /// Time of the last envelope.
    pub now: Timestamp,
    /// Application, clock, seed, settings.
    pub application: Application,
    /// The driver.
    pub driver: DriverState,
    /// RDDs by id; parents as they are now (a checkpoint changes them).
    pub rdds: OrdMap<RddId, Arc<RddState>>,
    /// RDDs by the operator and the batch that made them, in order of creation. The RDDs that read
    /// checkpoint files are not among them: no operator of the program made those.
    pub operators: OrdMap<OperatorName, OrdMap<Option<BatchId>, Vector<RddId>>>,
    /// Template of a streaming program.
    pub streams: Streams,
    /// Receivers by input stream.
    pub receivers: OrdMap<StreamId, Arc<ReceiverState>>,
    /// What became of everything that was received.
    pub ledger: Ledger,
    /// The write-ahead logs of what is received.
    pub logs: Logs,
    /// Batches by number.
    pub batches: OrdMap<BatchId, Arc<BatchState>>,
    /// Jobs by id.
    pub jobs: OrdMap<JobId, Arc<JobState>>,
    /// Stages by id.
    pub stages: OrdMap<StageId, Arc<StageState>>,
    /// Task attempts by id.
    pub tasks: OrdMap<TaskId, Arc<TaskState>>,
    /// Executors by id, dead ones too.
    pub executors: OrdMap<ExecutorId, Arc<ExecutorState>>,
    /// Which task ran in which slot, and when anything ran.
    pub slots: Slots,
    /// Map outputs by shuffle.
    pub shuffles: OrdMap<ShuffleId, Arc<ShuffleState>>,
    /// Finished checkpoints by the RDD they hold.
    pub checkpoints: OrdMap<RddId, Arc<CheckpointState>>,
    /// What the program printed, newest last, bounded.
    pub output: Vector<Arc<PrintedLines>>,
    /// Findings in order, bounded.
    pub findings: Vector<Arc<Finding>>,
    /// Refused commands in order, bounded.
    pub refusals: Vector<Arc<Refusal>>,
    /// Faults in order, bounded.
    pub faults: Vector<Arc<FaultRecord>>,
    /// What happened since the last fault, and the sentence about it.
    pub story: Story,
    /// What was done in the whole run, jobs outside of batches too.
    pub run: Tally,
    /// The price paid when nothing fails.
    pub upkeep: Upkeep,
    /// Events of unknown kinds, by name.
    pub unknown: OrdMap<String, u64>,
    /// What `apply` remembers so that no event needs a scan.
    pub index: Index,
}
