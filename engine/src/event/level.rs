//! Storage levels (R8.1): plain data, so that events and storage share them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a block is kept: in memory, on disk, as values or as bytes, in how many copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StorageLevel {
    /// May be kept on the executor's disk.
    pub use_disk: bool,
    /// May be kept in the executor's memory.
    pub use_memory: bool,
    /// The memory is that outside of the heap, which has a budget of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub use_off_heap: bool,
    /// Kept as values rather than as bytes.
    pub deserialized: bool,
    /// How many executors hold a copy.
    pub replication: u8,
}

const fn level(use_disk: bool, use_memory: bool, deserialized: bool, replication: u8) -> StorageLevel {
    StorageLevel { use_disk, use_memory, use_off_heap: false, deserialized, replication }
}

/// A level that asks for too many copies, in Spark's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Replication restricted to be less than 40 for calculating hash codes")]
pub struct TooManyCopies;

impl StorageLevel {
    /// Not kept.
    pub const NONE: Self = level(false, false, false, 1);
    /// On disk as bytes.
    pub const DISK_ONLY: Self = level(true, false, false, 1);
    /// On disk as bytes, two copies.
    pub const DISK_ONLY_2: Self = level(true, false, false, 2);
    /// On disk as bytes, three copies.
    pub const DISK_ONLY_3: Self = level(true, false, false, 3);
    /// In memory as values.
    pub const MEMORY_ONLY: Self = level(false, true, true, 1);
    /// In memory as values, two copies.
    pub const MEMORY_ONLY_2: Self = level(false, true, true, 2);
    /// In memory as bytes.
    pub const MEMORY_ONLY_SER: Self = level(false, true, false, 1);
    /// In memory as bytes, two copies.
    pub const MEMORY_ONLY_SER_2: Self = level(false, true, false, 2);
    /// In memory as values, else on disk.
    pub const MEMORY_AND_DISK: Self = level(true, true, true, 1);
    /// In memory as values, else on disk, two copies.
    pub const MEMORY_AND_DISK_2: Self = level(true, true, true, 2);
    /// In memory as bytes, else on disk.
    pub const MEMORY_AND_DISK_SER: Self = level(true, true, false, 1);
    /// In memory as bytes, else on disk, two copies.
    pub const MEMORY_AND_DISK_SER_2: Self = level(true, true, false, 2);

    /// In memory outside of the heap as bytes, else on disk.
    pub const OFF_HEAP: Self = Self { use_off_heap: true, ..level(true, true, false, 1) };

    /// Copies of a block are fewer than this.
    pub const COPIES_LIMIT: u8 = 40;

    /// Every level that has a name, with that name.
    pub const NAMED: [(&'static str, Self); 13] = [
        ("NONE", Self::NONE),
        ("DISK_ONLY", Self::DISK_ONLY),
        ("DISK_ONLY_2", Self::DISK_ONLY_2),
        ("DISK_ONLY_3", Self::DISK_ONLY_3),
        ("MEMORY_ONLY", Self::MEMORY_ONLY),
        ("MEMORY_ONLY_2", Self::MEMORY_ONLY_2),
        ("MEMORY_ONLY_SER", Self::MEMORY_ONLY_SER),
        ("MEMORY_ONLY_SER_2", Self::MEMORY_ONLY_SER_2),
        ("MEMORY_AND_DISK", Self::MEMORY_AND_DISK),
        ("MEMORY_AND_DISK_2", Self::MEMORY_AND_DISK_2),
        ("MEMORY_AND_DISK_SER", Self::MEMORY_AND_DISK_SER),
        ("MEMORY_AND_DISK_SER_2", Self::MEMORY_AND_DISK_SER_2),
        ("OFF_HEAP", Self::OFF_HEAP),
    ];

    /// Whether blocks are kept at all.
    pub const fn is_valid(self) -> bool {
        (self.use_disk || self.use_memory) && self.replication > 0
    }

    /// The same level with another number of copies, the first included.
    ///
    /// # Errors
    /// From 40 copies on.
    pub const fn with_copies(self, copies: u8) -> Result<Self, TooManyCopies> {
        if copies < Self::COPIES_LIMIT { Ok(Self { replication: copies, ..self }) } else { Err(TooManyCopies) }
    }

    /// Spark's name, if the level has one.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(_, l)| *l == self).map(|(n, _)| *n)
    }

    /// Spark's description, as `toDebugString` prints it: `Memory Deserialized 1x Replicated`.
    pub fn description(self) -> String {
        let mut text = String::new();
        if self.use_disk {
            text.push_str("Disk ");
        }
        if self.use_memory {
            text.push_str(if self.use_off_heap { "Memory (off heap) " } else { "Memory " });
        }
        text.push_str(if self.deserialized { "Deserialized " } else { "Serialized " });
        text + &format!("{}x Replicated", self.replication)
    }
}

impl Default for StorageLevel {
    fn default() -> Self {
        Self::NONE
    }
}

impl fmt::Display for StorageLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => f.write_str(&self.description()),
        }
    }
}

/// A level name that Spark does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown storage level {0:?}; the levels are {list}", list = StorageLevel::NAMED.map(|(n, _)| n).join(", "))]
pub struct UnknownLevel(pub String);

impl FromStr for StorageLevel {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let wanted = text.to_ascii_uppercase();
        Self::NAMED.iter().find(|(n, _)| *n == wanted).map(|(_, l)| *l).ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}
