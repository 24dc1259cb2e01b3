//! The boundary to what the types of records implement: `Serialize`, `Deserialize`, `Debug`.
//!
//! Stores call these wherever a block happens to move, on behalf of another task or of none. So a panic there is
//! an error of the record, and never unwinds through a store or a loop.

use crate::error::panic_text;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of a record's type; what a panic of it said is the error.
pub(super) fn guarded<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    // Whoever calls gives up what the code was writing to.
    catch_unwind(AssertUnwindSafe(code)).map_err(|panic| panic_text(&*panic, "it panicked without a message"))
}
