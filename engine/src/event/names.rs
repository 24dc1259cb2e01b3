//! The names of events, as moments of faults and people write them.

use super::Event;

macro_rules! names {
    ($($name:ident)*) => {
        impl Event {
            /// Every name but that of events which are not known.
            pub const NAMES: &[&'static str] = &[$(stringify!($name)),*];

            /// The name of the variant; of an unknown event `Unknown`.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => stringify!($name),)*
                    Self::Unknown { .. } => "Unknown",
                }
            }
        }
    };
}

names! {
    LogStart EnvironmentUpdate ApplicationStart ApplicationEnd DriverLost DriverRestartScheduled DriverStarted
    ExecutorAdded ExecutorRemoved BlockManagerAdded BlockManagerRemoved
    JobStart JobEnd StageSubmitted StageCompleted TaskStart TaskEnd
    SpeculativeTaskSubmitted ExecutorExcluded ExecutorUnexcluded
    DecommissionStarted BlocksMigrated MapOutputsMigrated
    BlockUpdated UnpersistRdd InputBlockUpdated
    ReceiverStarted ReceiverError ReceiverStopped ReceivedBlockAdded ReceiverRateUpdated
    ReceivedBlocksRecovered ReceivedBlocksLost ReceivedBlockRefused ReceivedRecordsLost ReceivedLogUpdated
    StreamingStarted StreamingStopping StreamingStopped BatchSubmitted BatchStarted BatchCompleted OutputOperationStarted OutputOperationCompleted
    DriverEpochTaken StreamingRecovered GraphCheckpointWritten GraphCheckpointFailed
    StreamGraphDefined RddRegistered PersistChanged
    CheckpointMarked CheckpointStarted CheckpointCompleted CheckpointFailed CheckpointDeleted
    MapOutputsLost ShuffleRemoved RddReleased OutputPrinted OutputDigest OutputCommitted
    FaultInjected CommandApplied CommandRejected FindingReported
}
