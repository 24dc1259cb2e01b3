//! What can be wrong with a setting, with the key and the way out.

use super::keys::KEYS;
use thiserror::Error;

/// A setting that cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadSetting {
    /// It is not of the form KEY=VALUE.
    #[error("{text:?} is no setting; write KEY=VALUE, for example spark.task.maxFailures=2")]
    Shape {
        /// What was written.
        text: String,
    },
    /// There is no such key.
    #[error("there is no setting {key:?}; the nearest is {nearest}; `faultline conf` lists all")]
    Unknown {
        /// What was written.
        key: String,
        /// The key that looks most like it.
        nearest: &'static str,
    },
    /// The value is refused.
    #[error("{key}: {problem}")]
    Value {
        /// Key.
        key: String,
        /// Why, in Spark's words where Spark has them.
        problem: String,
    },
}

impl BadSetting {
    pub(super) fn shape(text: &str) -> Self {
        Self::Shape { text: shown(text) }
    }

    pub(super) fn unknown(key: &str) -> Self {
        Self::Unknown { key: shown(key), nearest: nearest(key) }
    }

    pub(super) fn value(key: &str, problem: String) -> Self {
        Self::Value { key: shown(key), problem }
    }
}

/// Longest piece of what was typed that an error repeats.
const SHOWN_CHARS: usize = 120;

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

/// The key with the fewest edits; of several the first in the table. A key that differs in its prefix only
/// is nearest to the one with the same last word.
fn nearest(key: &str) -> &'static str {
    let key = shown(key).to_lowercase();
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_lowercase();
    let same_last = KEYS.iter().filter(|k| last(k.key) == last(&key));
    let by_edits = |k: &&super::Setting| edits(&key, &k.key.to_lowercase());
    same_last.min_by_key(by_edits).or_else(|| KEYS.iter().min_by_key(by_edits)).map_or("", |k| k.key)
}

/// Levenshtein's distance in characters.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A typing error would be answered with a key that has nothing to do with it.
    #[test]
    fn the_nearest_key_is_the_one_that_was_meant() {
        for (typed, meant) in [
            ("spark.task.maxFailure", "spark.task.maxFailures"),
            ("spark.Task.MaxFailures", "spark.task.maxFailures"),
            ("task.maxFailures", "spark.task.maxFailures"),
            ("maxFailures", "spark.task.maxFailures"),
            ("spark.localty.wait", "spark.locality.wait"),
        ] {
            assert_eq!(nearest(typed), meant);
        }
        assert_eq!((edits("kitten", "sitting"), edits("", "abc"), edits("abc", "abc")), (3, 3, 0));
    }
}
