//! Bugs of the past, switched on one at a time: the cases that are there for one must fail with it.

use crate::quiet::silence_deliberate_panics;
use faultline_engine::seeded::{SeededBug, with_seeded};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// `case` holds, and fails with `bug`.
///
/// # Panics
/// When it does not notice the bug.
pub fn caught(bug: SeededBug, case: fn()) {
    case();
    silence_deliberate_panics();
    let result = catch_unwind(AssertUnwindSafe(|| with_seeded(bug, case)));
    assert!(result.is_err(), "{bug:?} is not noticed");
}
