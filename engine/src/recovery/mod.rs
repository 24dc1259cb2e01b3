//! What a driver leaves in the reliable store so that another one can go on (R15).
//!
//! ```text
//! <directory>/checkpoint-1767225604000      the newest description of that batch time
//! <directory>/checkpoint-1767225604000.bk   the one before it
//! <directory>/epoch-2                       who drives: the highest number does
//! ```
//!
//! A description is plain data: which streams there are, what each batch reads, which batches are not
//! completed, where state was saved. Functions are not in it. After a crash the program builds its streams
//! again, and they are held against the description ([`differences`]). Knows the store and plain data; which
//! batch is described when, and what is done with what is read, the driver decides.

mod compare;
mod description;
mod epoch;
mod files;
mod format;
mod inspect;
mod migrate;
mod names;
mod newest;
mod settings;

pub use compare::{Difference, OnChange, differences};
pub use description::{BatchPlan, GraphDescription, LogPosition, SavedRdd, StreamingCheckpoint};
pub use epoch::{newer_epoch, take_epoch};
pub use files::{
    CheckpointUnreadable, DamagedFile, KEPT_FILES, Recovered, SavedStreamRdd, Written, list, read_newest, write,
};
pub use format::{FORMAT_VERSION, MAX_CHECKPOINT_BYTES, OLDEST_VERSION, decode, encode};
pub use inspect::{
    InspectedFile, InspectedLog, InspectedPlan, InspectedPosition, InspectedRdd, Inspection, Restored, directories,
    inspect,
};
pub use migrate::{left_behind, rename};
pub use names::CheckpointName;
pub use newest::still_newest;
pub use settings::{SettingFate, fate_of, restored_properties};
