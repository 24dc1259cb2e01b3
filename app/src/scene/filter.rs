//! What of the model is drawn.

use faultline_engine::ids::BatchId;
use std::ops::RangeInclusive;

/// What of the model is drawn. The cost of a scene is proportional to what its filter lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Batch columns to fill; `None` is all. Bounds and positions do not depend on it.
    pub batches: Option<RangeInclusive<BatchId>>,
}

impl Filter {
    /// Only these batches.
    pub fn batches(range: RangeInclusive<BatchId>) -> Self {
        Self { batches: Some(range) }
    }
}
