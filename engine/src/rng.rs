//! Randomness as a function of what it is for: a seed forked by labels, never by attempts.

use crate::ids::{OpKey, PartitionId};

/// A seed. Forking gives independent, repeatable streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed for what `label` names.
    #[must_use]
    pub fn fork(self, label: &str) -> Self {
        let mut state = self.0 ^ 0x9E37_79B9_7F4A_7C15;
        for byte in label.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Self(mix(state))
    }

    /// The seed for the `n`-th of something.
    #[must_use]
    pub const fn nth(self, n: u64) -> Self {
        Self(mix(self.0 ^ mix(n.wrapping_add(1))))
    }

    /// The stream of one partition of one operator: the same in every attempt.
    pub fn task(self, op: &OpKey, partition: PartitionId) -> Self {
        let seed = self.fork(op.operator.as_str()).nth(u64::from(op.ordinal));
        seed.nth(op.batch.map_or(0, |b| u64::from(b.0))).nth(u64::from(partition.0))
    }

    /// A generator of numbers.
    pub const fn rng(self) -> Rng {
        Rng(self.0)
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, seedable, good enough for jitter and choices.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { ((self.next_u64() as u128 * bound as u128) >> 64) as u64 }
    }

    /// Puts values into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, self.below(i as u64 + 1) as usize);
        }
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
