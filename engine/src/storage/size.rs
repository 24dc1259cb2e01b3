//! How much memory a block of values is taken to need.
//!
//! Counted from encodings and never from capacities, so that evictions replay.

use super::data::Data;
use super::guard::guarded;
use postcard::ser_flavors::Size;
use std::cell::Cell;

/// How many records are looked at.
pub const SAMPLED_RECORDS: usize = 64;

/// Bytes of `values` kept as values: the size of their type, plus what an even sample of them
/// encodes to, scaled up. The encoding stands in for what the values own on the heap.
pub fn estimate_bytes<T: Data>(values: &[T]) -> u64 {
    let own = (values.len() as u64).saturating_mul(size_of::<T>() as u64);
    own.saturating_add(estimate_encoded_bytes(values))
}

/// Bytes to which `values` encode, scaled up from an even sample of them.
pub fn estimate_encoded_bytes<T: Data>(values: &[T]) -> u64 {
    let sampled = values.len().min(SAMPLED_RECORDS);
    if sampled == 0 {
        return 0;
    }
    let encoded: u128 = (0..sampled).map(|i| encoded_bytes(&values[i * values.len() / sampled])).sum();
    u64::try_from(encoded * values.len() as u128 / sampled as u128).unwrap_or(u64::MAX)
}

thread_local! {
    /// While a record is weighed: what its parts that weigh themselves weigh.
    static WEIGHED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// For `Serialize` of what would be too expensive to encode only to be weighed. Whether it is being
/// weighed; if so `weight` counts for it, and nothing needs to be written.
pub fn weigh_instead(weight: impl FnOnce() -> u64) -> bool {
    let Some(weighed) = WEIGHED.get() else { return false };
    WEIGHED.set(Some(weighed + weight()));
    true
}

/// Ends the weighing of a record, also when its `Serialize` panics: what is encoded next is meant.
struct Weighing {
    outer: Option<u64>,
}

impl Drop for Weighing {
    fn drop(&mut self) {
        WEIGHED.set(self.outer);
    }
}

/// A record that cannot be encoded counts as nothing here; the put that has to encode it reports it.
fn encoded_bytes<T: Data>(value: &T) -> u128 {
    let weighing = Weighing { outer: WEIGHED.replace(Some(0)) };
    let encoded = guarded(|| postcard::serialize_with_flavor(value, Size::default()));
    let encoded = encoded.ok().and_then(Result::ok).map_or(0, |bytes| bytes as u128);
    let weighed = WEIGHED.get().unwrap_or(0);
    drop(weighing);
    encoded + u128::from(weighed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_count_records_and_ignore_capacity() {
        // Without it the same data would weigh differently in two runs, and evictions would differ.
        assert_eq!(estimate_bytes::<u64>(&[]), 0);
        assert_eq!(estimate_bytes(&[1_u64; 1000]), 1000 * (8 + 1));
        let mut roomy = String::with_capacity(10_000);
        roomy.push_str("abc");
        assert_eq!(estimate_bytes(&[roomy]), estimate_bytes(&["abc".to_owned()]));
        assert_eq!(estimate_bytes(&["abc".to_owned()]), size_of::<String>() as u64 + 4);
        assert_eq!(estimate_bytes(&[(); 5]), 0);
    }

    #[test]
    fn samples_are_spread_over_the_whole_block() {
        // Without it a block sorted by size would be taken for much smaller than it is.
        let values: Vec<String> = (0..6400).map(|i| "x".repeat(i / 64)).collect();
        let exact: u64 = values.iter().map(|v| (v.len() + 1 + size_of::<String>()) as u64).sum();
        let estimate = estimate_bytes(&values);
        assert!(estimate.abs_diff(exact) < exact / 50, "{estimate} for {exact}");
    }
}
