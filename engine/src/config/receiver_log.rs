//! The logs of what is received (R18).

use crate::write_ahead::LogSettings;

/// The write-ahead logs of receivers and of the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverLogSettings {
    /// `spark.streaming.receiver.writeAheadLog.enable`: whether blocks are logged beside being stored (R18.3).
    pub enabled: bool,
    /// `spark.streaming.receiver.writeAheadLog.*`: the logs of blocks.
    pub blocks: LogSettings,
    /// `spark.streaming.driver.writeAheadLog.*`: the log of which batch was given which block.
    pub metadata: LogSettings,
}
