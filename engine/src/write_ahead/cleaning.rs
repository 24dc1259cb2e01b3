//! What goes, and what is kept for whoever wants to look: by the numbers of segments, never by times (D-29).

use crate::object_store::{ObjectStore, PutMode, StoreError, segment_key};

/// Deletes segments, the oldest first: what is left when this fails half-way has no hole.
///
/// # Errors
/// When the store refuses.
pub fn delete_segments(store: &dyn ObjectStore, log: &str, numbers: &[u64]) -> Result<(), StoreError> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers.into_iter().try_for_each(|number| store.delete(&segment_key(log, number)))
}

/// Copies a segment to where nobody cleans, and returns the key of the copy: `<log>/quarantine/log-0000000007`.
///
/// # Errors
/// When the store refuses.
pub fn quarantine(store: &dyn ObjectStore, log: &str, number: u64) -> Result<String, StoreError> {
    let bytes = store.get(&segment_key(log, number))?;
    let key = segment_key(&format!("{log}/quarantine"), number);
    // A copy that is there already was made by an earlier start.
    store.put(&key, &bytes, PutMode::Create)?;
    Ok(key)
}
