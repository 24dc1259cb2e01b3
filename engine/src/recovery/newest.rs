//! Whether what a driver goes on from is still the newest, once it has its epoch.

use super::files::{Recovered, read_newest};
use super::names::prefix;
use crate::object_store::ObjectStore;

/// A former driver may have gone on after its checkpoint was read and before this one took the epoch; from then on
/// nothing that it writes counts, for itself neither.
///
/// # Errors
/// When another checkpoint is the newest now, or the directory cannot be read.
pub fn still_newest(store: &dyn ObjectStore, dir: &str, recovered: &Recovered) -> Result<(), String> {
    // A program may go on in another directory than the one that it reads.
    if !recovered.key.starts_with(&prefix(dir)) {
        return Ok(());
    }
    let newest = read_newest(store, dir).map_err(|unreadable| unreadable.to_string())?;
    let key = newest.as_ref().map_or("none", |newest| newest.key.as_str());
    let of = |recovered: &Recovered| {
        let checkpoint = &recovered.checkpoint;
        (recovered.key.clone(), checkpoint.epoch, checkpoint.time, checkpoint.pending.clone(), checkpoint.next_rdd)
    };
    if newest.as_ref().map(of) == Some(of(recovered)) {
        return Ok(());
    }
    Err(format!(
        "a former driver went on after {} was read, the newest checkpoint is {key} now; start again to go on from there",
        recovered.key
    ))
}
