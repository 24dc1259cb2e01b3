//! The lanes of a race: what each policy sets on the operator whose data decides how far recovery walks, and where the
//! input is received, whether it is logged.

use clap::ValueEnum;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::StorageLevel;
use faultline_engine::programs::{BuiltIn, InputSource};
use serde::Serialize;

/// Batches between two checkpoints, in the lanes that set an interval.
pub const CHECKPOINT_EVERY: u32 = 5;

/// What is kept of the operator's data, or of what is received, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Policy {
    /// Nothing.
    None,
    /// One copy in memory.
    Cache,
    /// Two copies in memory, on different executors.
    Cache2,
    /// Files in the reliable store every few batches, nothing in memory.
    Checkpoint,
    /// What the program says, which for state is Spark's default.
    #[serde(rename = "cache+checkpoint")]
    #[value(name = "cache+checkpoint")]
    CacheAndCheckpoint,
    /// What receivers store is in the write-ahead log before it counts.
    #[serde(rename = "wal-on")]
    #[value(name = "wal-on")]
    LogOn,
    /// It is in the memory of executors only.
    #[serde(rename = "wal-off")]
    #[value(name = "wal-off")]
    LogOff,
}

impl Policy {
    /// The lanes of an input that can be read again, in the order of the table.
    pub const ALL: [Self; 5] = [Self::None, Self::Cache, Self::Cache2, Self::Checkpoint, Self::CacheAndCheckpoint];

    /// The lanes of an input that is received, in the order of the table. The others keep what is computed, which gives
    /// the same results only when the same input is there again.
    pub const OF_RECEIVED: [Self; 2] = [Self::LogOn, Self::LogOff];

    /// The lanes of this input.
    pub const fn of_input(source: &InputSource) -> &'static [Self] {
        if source.simulated().is_some() { &Self::OF_RECEIVED } else { &Self::ALL }
    }

    /// Whether it says what is kept of what is received.
    pub const fn is_of_received(self) -> bool {
        matches!(self, Self::LogOn | Self::LogOff)
    }

    /// The name on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cache => "cache",
            Self::Cache2 => "cache2",
            Self::Checkpoint => "checkpoint",
            Self::CacheAndCheckpoint => "cache+checkpoint",
            Self::LogOn => "wal-on",
            Self::LogOff => "wal-off",
        }
    }

    /// The title of its lane.
    pub const fn title(self) -> &'static str {
        match self {
            Self::None => "Nothing",
            Self::Cache => "Cache",
            Self::Cache2 => "Cache ×2",
            Self::Checkpoint => "Checkpoint",
            Self::CacheAndCheckpoint => "Cache + checkpoint",
            Self::LogOn => "Write-ahead log",
            Self::LogOff => "No log",
        }
    }

    /// What it does with the kept operator of `program`, in a few words.
    pub fn explanation(self, program: &BuiltIn) -> String {
        let operator = program.kept_operator;
        match self {
            Self::None => "nothing is kept".to_owned(),
            Self::Cache => format!("{}, lineage kept", program.level),
            Self::Cache2 => format!("{}, lineage kept", twice(program.level)),
            Self::Checkpoint if program.streaming => {
                format!("every {CHECKPOINT_EVERY} batches, nothing in memory")
            }
            Self::Checkpoint => format!("{operator} in the store, nothing in memory"),
            Self::CacheAndCheckpoint if program.must_checkpoint => "as the program says, as Spark insists".to_owned(),
            Self::CacheAndCheckpoint => format!("{} and the store", program.level),
            Self::LogOn => "a block counts when it is logged".to_owned(),
            Self::LogOff => "blocks are on two executors only".to_owned(),
        }
    }

    /// Sets level and interval of the program's kept operator. They apply after validation, so that
    /// lanes run that Spark would refuse.
    pub fn configure(self, program: &BuiltIn, config: &mut EngineConfig) {
        if self.is_of_received() {
            config.receiver_log.enabled = self == Self::LogOn;
            return;
        }
        let (level, every) = match self {
            Self::None => (Some(StorageLevel::NONE), Some(0)),
            // The program's own level, so that lanes differ in one thing.
            Self::Cache => (Some(program.level), Some(0)),
            Self::Cache2 => (Some(twice(program.level)), Some(0)),
            Self::Checkpoint => (Some(StorageLevel::NONE), Some(CHECKPOINT_EVERY)),
            // A program without batches has no checkpoint of its own.
            Self::CacheAndCheckpoint => (None, (!program.must_checkpoint).then_some(CHECKPOINT_EVERY)),
            Self::LogOn | Self::LogOff => (None, None),
        };
        config.persist.extend(level.map(|level| (program.kept(), level)));
        config.checkpoint.extend(every.map(|every| (program.kept(), every)));
    }

    /// Whether Spark would run `program` this way. What Spark insists on checkpointing is refused
    /// without an interval, and any stream with an interval but no storage level.
    pub const fn spark_allows(self, program: &BuiltIn) -> bool {
        match self {
            Self::CacheAndCheckpoint | Self::LogOn | Self::LogOff => true,
            Self::Checkpoint => !program.streaming,
            Self::None | Self::Cache | Self::Cache2 => !program.must_checkpoint,
        }
    }
}

/// The same level with two copies.
const fn twice(level: StorageLevel) -> StorageLevel {
    StorageLevel { replication: 2, ..level }
}
