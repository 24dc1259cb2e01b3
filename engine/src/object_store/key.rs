//! Which keys a store accepts: those that are safe file names on every system.

use super::StoreError;

/// Longest key.
pub const MAX_KEY_BYTES: usize = 1024;

/// Longest name between two slashes; leaves room for the decoration of temporary files.
pub const MAX_SEGMENT_BYTES: usize = 200;

/// Checks the key of an object.
pub(super) fn validate_key(key: &str) -> Result<(), StoreError> {
    check(key, key.split('/'))
}

/// Checks the prefix of a listing: empty, or a key whose last name may be unfinished or missing.
pub(super) fn validate_prefix(prefix: &str) -> Result<(), StoreError> {
    let (directories, unfinished) = split_prefix(prefix);
    if directories.is_empty() && prefix.starts_with('/') {
        return invalid(prefix, "a name is empty");
    }
    let directories = (!directories.is_empty()).then_some(directories).into_iter().flat_map(|d| d.split('/'));
    check(prefix, directories.chain((!unfinished.is_empty()).then_some(unfinished)))
}

/// The directories of a prefix, and the start of a name after them.
pub(super) fn split_prefix(prefix: &str) -> (&str, &str) {
    prefix.rsplit_once('/').unwrap_or(("", prefix))
}

fn check<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Result<(), StoreError> {
    if key.len() > MAX_KEY_BYTES {
        return invalid(key, "it is too long");
    }
    for name in names {
        if name.is_empty() {
            return invalid(key, "a name is empty");
        }
        if name.len() > MAX_SEGMENT_BYTES {
            return invalid(key, "a name is too long");
        }
        if name.starts_with('.') {
            return invalid(key, "a name starts with a dot");
        }
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-=".contains(&b)) {
            return invalid(key, "a name has a character outside A-Z a-z 0-9 . _ - =");
        }
    }
    Ok(())
}

fn invalid(key: &str, reason: &'static str) -> Result<(), StoreError> {
    Err(StoreError::InvalidKey { key: key.to_owned(), reason })
}
