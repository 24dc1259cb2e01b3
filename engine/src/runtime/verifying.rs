//! Parts of a large checkpoint are verified on two threads: nobody waits for the cut of a lineage but the next
//! checkpoint, and tasks keep the other cores.

use crate::checkpoint::format::{CheckpointError, PartCheck, one_by_one};
use crate::event::CheckpointPart;
use crate::sync::thread;
use std::panic::resume_unwind;

/// Bytes from which on a second thread is worth its start.
const SHARED_BYTES: u64 = 4 << 20;

/// The first half of the parts here, the others on a second thread, when they are large.
///
/// # Errors
/// That of the first bad part.
pub fn on_two_threads(parts: &[CheckpointPart], check: PartCheck<'_>) -> Result<(), CheckpointError> {
    let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
    if bytes < SHARED_BYTES || parts.len() < 2 {
        return one_by_one(parts, check);
    }
    let (first, others) = parts.split_at(parts.len() / 2);
    let check_others = || one_by_one(others, check);
    thread::scope(|scope| {
        let helper = thread::spawn_scoped(scope, check_others);
        let first = one_by_one(first, check);
        first.and_then(|()| match helper {
            Ok(helper) => helper.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // The system refused a thread.
            Err(_) => check_others(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it one of the halves could go unread, or a report name another part than the first bad one.
    #[test]
    fn every_part_is_checked_and_the_first_bad_one_reported() {
        let part = |n: u32, bytes| CheckpointPart { file: format!("part-{n:05}"), bytes, records: 1, crc32: 0 };
        for (count, bytes) in [(0, 1), (1, SHARED_BYTES), (2, 1), (2, SHARED_BYTES), (7, SHARED_BYTES)] {
            let parts: Vec<CheckpointPart> = (0..count).map(|n| part(n, bytes)).collect();
            let seen = crate::sync::Mutex::new(Vec::new());
            let all = on_two_threads(&parts, &|part| {
                seen.lock().push(part.file.clone());
                Ok(())
            });
            assert_eq!(all, Ok(()));
            let mut seen = seen.into_inner();
            seen.sort();
            assert_eq!(seen, parts.iter().map(|part| part.file.clone()).collect::<Vec<_>>());
            for bad in 0..parts.len() {
                let check = |part: &CheckpointPart| match parts[bad..].contains(part) {
                    true => Err(CheckpointError::NoDirectory { directory: part.file.clone() }),
                    false => Ok(()),
                };
                let error = CheckpointError::NoDirectory { directory: parts[bad].file.clone() };
                assert_eq!(on_two_threads(&parts, &check), Err(error), "{count} parts, {bad} is bad");
            }
        }
    }
}
