//! The names of the segments of a log.

use super::{ObjectStore, StoreError};

const PREFIX: &str = "log-";

/// The key of a segment: `<log>/log-0000000007`. Keys of one log sort as their numbers do.
pub fn segment_key(log: &str, number: u64) -> String {
    format!("{log}/{PREFIX}{number:010}")
}

/// The number of a segment of `log`; `None` for a key that [`segment_key`] never gives.
pub fn segment_number(log: &str, key: &str) -> Option<u64> {
    let number = key.strip_prefix(log)?.strip_prefix('/')?.strip_prefix(PREFIX)?.parse().ok()?;
    (segment_key(log, number) == key).then_some(number)
}

/// The numbers of the segments of a log, ascending.
///
/// # Errors
/// When the store refuses to list.
pub fn segments_of(store: &dyn ObjectStore, log: &str) -> Result<Vec<u64>, StoreError> {
    let keys = store.list(&format!("{log}/{PREFIX}"))?;
    let mut numbers: Vec<u64> = keys.iter().filter_map(|key| segment_number(log, key)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
