//! Files with a time of their own.

use faultline_engine::ids::Timestamp;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// A file that was last changed at `at`.
pub fn file_at(directory: &Path, name: &str, text: &str, at: Timestamp) {
    let path = directory.join(name);
    fs::write(&path, text).expect("a file can be written");
    let file = File::options().write(true).open(&path).expect("the file is there");
    file.set_modified(UNIX_EPOCH + Duration::from_nanos(at.0)).expect("a file can be dated");
}
