//! The logs of what is received (R18).

use crate::ids::Millis;
use crate::write_ahead::LogSettings;

/// The write-ahead logs of receivers and of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverLogSettings {
    /// `spark.streaming.receiver.writeAheadLog.enable`: whether blocks are logged beside being stored (R18.3).
    pub enabled: bool,
    /// `spark.streaming.receiver.writeAheadLog.*`: the logs of blocks.
    pub blocks: LogSettings,
    /// `spark.streaming.receiver.blockStoreTimeout`: how long storing and logging one block may take (R18.3).
    pub store_timeout: Millis,
    /// `spark.streaming.driver.writeAheadLog.*`: the log of which batch was given which block.
    pub metadata: LogSettings,
    /// `spark.streaming.driver.writeAheadLog.batchingTimeout`: how long somebody waits for that log (R18.8).
    pub metadata_timeout: Millis,
}

impl Default for ReceiverLogSettings {
    fn default() -> Self {
        let (blocks, metadata) = (LogSettings::default(), LogSettings::default());
        Self { enabled: false, blocks, store_timeout: Millis(30_000), metadata, metadata_timeout: Millis(5000) }
    }
}
