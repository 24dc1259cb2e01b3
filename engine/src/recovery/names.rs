//! Names of graph checkpoints, as in Spark (R15.6).

use crate::ids::Timestamp;
use std::fmt;

const PREFIX: &str = "checkpoint-";
const BACKUP: &str = ".bk";

/// `checkpoint-<ms>` or `checkpoint-<ms>.bk`. Ordered by time; of one time the backup is the older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckpointName {
    /// Latest batch time that the writer had seen, in milliseconds since 1970.
    pub time_ms: u64,
    /// Whether it is what stood under the name, and not its backup.
    pub is_main: bool,
}

impl CheckpointName {
    /// The newest of a batch time.
    pub const fn main(time: Timestamp) -> Self {
        Self { time_ms: time.as_millis(), is_main: true }
    }

    /// What was there before it.
    pub const fn backup(self) -> Self {
        Self { is_main: false, ..self }
    }

    /// Its key in the store.
    pub fn key(self, dir: &str) -> String {
        format!("{}{self}", prefix(dir))
    }

    /// The name behind a key; `None` for everything that [`CheckpointName::key`] never gives, such as what
    /// lies in a directory of such a name (V08).
    pub fn of(dir: &str, key: &str) -> Option<Self> {
        let name = key.strip_prefix(&prefix(dir))?;
        let number = name.strip_prefix(PREFIX)?;
        let (digits, is_main) = match number.strip_suffix(BACKUP) {
            Some(digits) => (digits, false),
            None => (number, true),
        };
        let parsed = Self { time_ms: digits.parse().ok()?, is_main };
        (parsed.to_string() == name).then_some(parsed)
    }
}

impl fmt::Display for CheckpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}{}", self.time_ms, if self.is_main { "" } else { BACKUP })
    }
}

/// What begins the keys of a directory.
pub(super) fn prefix(dir: &str) -> String {
    if dir.is_empty() { String::new() } else { format!("{dir}/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V08. Without it a directory of such a name, or somebody's stray file, would be read as a checkpoint.
    #[test]
    fn v08_only_exact_names_are_checkpoints() {
        let of = |key: &str| CheckpointName::of("checkpoint-500", key);
        for (key, name) in [
            ("checkpoint-500/checkpoint-1000", Some((1000, true))),
            ("checkpoint-500/checkpoint-1000.bk", Some((1000, false))),
            ("checkpoint-500/checkpoint-0", Some((0, true))),
            ("checkpoint-500", None),
            ("checkpoint-1000", None),
            ("checkpoint-500/checkpoint-1000000000/part-00000", None),
            ("checkpoint-500/checkpoint-1000.bak", None),
            ("checkpoint-500/checkpoint-1000.bk.bk", None),
            ("checkpoint-500/checkpoint-", None),
            ("checkpoint-500/checkpoint-+1000", None),
            ("checkpoint-500/checkpoint-01000", None),
            ("checkpoint-500/checkpoint-99999999999999999999999", None),
            ("checkpoint-500/receivedBlockMetadata/log-1000-2000", None),
            ("checkpoint-500/temp", None),
        ] {
            assert_eq!(of(key).map(|name| (name.time_ms, name.is_main)), name, "{key}");
        }
        let mut names = ["checkpoint-2000", "checkpoint-1000", "checkpoint-2000.bk", "checkpoint-10000"]
            .map(|name| CheckpointName::of("", name).expect("a name"));
        names.sort();
        let sorted = names.map(|name| name.to_string());
        assert_eq!(sorted, ["checkpoint-1000", "checkpoint-2000.bk", "checkpoint-2000", "checkpoint-10000"]);
    }
}
