//! Who drives: every driver that starts a stream takes an epoch, and the highest one drives (D-17).

use super::names::prefix;
use crate::object_store::{ObjectStore, PutMode, PutOutcome, StoreError};

const EPOCH: &str = "epoch-";
/// Epochs whose objects are kept, for whoever looks.
const KEPT_EPOCHS: usize = 10;

pub(super) fn epochs(store: &dyn ObjectStore, dir: &str) -> Result<Vec<u64>, StoreError> {
    let before = format!("{}{EPOCH}", prefix(dir));
    let keys = store.list(&before)?;
    let number = |key: &String| {
        let digits = key.strip_prefix(&before)?;
        digits.parse::<u64>().ok().filter(|number| number.to_string() == digits)
    };
    let mut epochs: Vec<u64> = keys.iter().filter_map(number).collect();
    epochs.sort_unstable();
    Ok(epochs)
}

/// Takes the next epoch of a directory; from now on every older driver stops at its next write.
///
/// # Errors
/// When the store refuses.
pub fn take_epoch(store: &dyn ObjectStore, dir: &str, application: &str) -> Result<u64, StoreError> {
    let taken = epochs(store, dir)?;
    let mut epoch = taken.last().map_or(1, |last| last.saturating_add(1));
    // Somebody else may take the same one at the same moment: one of the two wins.
    while store.put(&key(dir, epoch), application.as_bytes(), PutMode::Create)? == PutOutcome::AlreadyExists {
        epoch = epoch.saturating_add(1);
    }
    for old in taken.iter().rev().skip(KEPT_EPOCHS - 1) {
        store.delete(&key(dir, *old))?;
    }
    Ok(epoch)
}

/// The epoch of a driver that took over from the one with `epoch`, if one did.
///
/// # Errors
/// When the store cannot be asked.
pub fn newer_epoch(store: &dyn ObjectStore, dir: &str, epoch: u64) -> Result<Option<u64>, StoreError> {
    Ok(epochs(store, dir)?.last().copied().filter(|newest| *newest > epoch))
}

fn key(dir: &str, epoch: u64) -> String {
    format!("{}{EPOCH}{epoch}", prefix(dir))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_store::MemoryObjectStore;

    /// Without it two drivers could both believe that they drive.
    #[test]
    fn epochs_rise_and_only_the_last_ten_stay() {
        let store = MemoryObjectStore::new();
        for (stray, epoch) in [("d/epoch-007", 1), ("d/epoch-x", 2), ("d/epoch-9/part", 3), ("e/epoch-50", 4)] {
            store.put(stray, b"", PutMode::Replace).expect("memory takes everything");
            assert_eq!(take_epoch(&store, "d", "app"), Ok(epoch));
        }
        assert_eq!(newer_epoch(&store, "d", 4), Ok(None));
        assert_eq!(newer_epoch(&store, "d", 3), Ok(Some(4)));
        for epoch in 5..=30 {
            assert_eq!(take_epoch(&store, "d", "app"), Ok(epoch));
        }
        assert_eq!(epochs(&store, "d").map(|kept| (kept.len(), kept[0])), Ok((10, 21)));
    }
}
