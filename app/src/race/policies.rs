//! The lanes of a race: what each policy sets on the operator whose data decides how far recovery walks.

use clap::ValueEnum;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::StorageLevel;
use faultline_engine::programs::BuiltIn;
use serde::Serialize;

/// Batches between two checkpoints, in the lanes that set an interval.
pub const CHECKPOINT_EVERY: u32 = 5;

/// What is kept of the operator's data, and where.
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
}

impl Policy {
    /// All lanes, in the order of the table.
    pub const ALL: [Self; 5] = [Self::None, Self::Cache, Self::Cache2, Self::Checkpoint, Self::CacheAndCheckpoint];

    /// The name on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cache => "cache",
            Self::Cache2 => "cache2",
            Self::Checkpoint => "checkpoint",
            Self::CacheAndCheckpoint => "cache+checkpoint",
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
        }
    }

    /// Sets level and interval of the program's kept operator. They apply after validation, so that
    /// lanes run that Spark would refuse.
    pub fn configure(self, program: &BuiltIn, config: &mut EngineConfig) {
        let (level, every) = match self {
            Self::None => (Some(StorageLevel::NONE), Some(0)),
            // The program's own level, so that lanes differ in one thing.
            Self::Cache => (Some(program.level), Some(0)),
            Self::Cache2 => (Some(twice(program.level)), Some(0)),
            Self::Checkpoint => (Some(StorageLevel::NONE), Some(CHECKPOINT_EVERY)),
            // A program without batches has no checkpoint of its own.
            Self::CacheAndCheckpoint => (None, (!program.must_checkpoint).then_some(CHECKPOINT_EVERY)),
        };
        config.persist.extend(level.map(|level| (program.kept(), level)));
        config.checkpoint.extend(every.map(|every| (program.kept(), every)));
    }

    /// Whether Spark would run `program` this way. What Spark insists on checkpointing is refused
    /// without an interval, and any stream with an interval but no storage level.
    pub const fn spark_allows(self, program: &BuiltIn) -> bool {
        match self {
            Self::CacheAndCheckpoint => true,
            Self::Checkpoint => !program.streaming,
            Self::None | Self::Cache | Self::Cache2 => !program.must_checkpoint,
        }
    }
}

/// The same level with two copies.
const fn twice(level: StorageLevel) -> StorageLevel {
    StorageLevel { replication: 2, ..level }
}
