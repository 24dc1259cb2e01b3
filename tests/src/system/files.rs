//! A directory of files that appear at virtual times.

use faultline_engine::error::{EngineError, Result};
use faultline_engine::ids::*;
use faultline_engine::object_store::ObjectStore;
use faultline_engine::rdd::{Files, PipedCommand, PipedProcess};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The directory that a file stream watches.
pub const DIRECTORY: &str = "incoming";

/// A file: when it was changed last, when it became visible, and what it says.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path.
    pub path: String,
    /// When it was changed.
    pub modified: Timestamp,
    /// When it can be seen, not before it was changed.
    pub visible: Timestamp,
    /// Its lines.
    pub text: String,
}

/// Files as a virtual clock shows them.
#[derive(Debug, Default)]
pub struct TimedFiles {
    /// All of them.
    pub files: Vec<File>,
    /// The time.
    pub now: Arc<AtomicU64>,
}

fn no(what: &str) -> EngineError {
    EngineError::IllegalState(format!("{what} is nowhere in this world"))
}

impl TimedFiles {
    fn find(&self, path: &str) -> Result<&File> {
        self.visible().find(|file| file.path == path).ok_or_else(|| no(path))
    }

    fn visible(&self) -> impl Iterator<Item = &File> {
        let now = self.now.load(Ordering::Relaxed);
        self.files.iter().filter(move |file| file.visible.0 <= now)
    }
}

impl Files for TimedFiles {
    fn len(&self, path: &str) -> Result<u64> {
        self.find(path).map(|file| file.text.len() as u64)
    }

    fn read(&self, path: &str, offset: u64, len: usize) -> Result<Vec<u8>> {
        let bytes = self.find(path)?.text.as_bytes();
        let from = (offset as usize).min(bytes.len());
        Ok(bytes[from..(from + len).min(bytes.len())].to_vec())
    }

    fn modified(&self, path: &str) -> Result<Timestamp> {
        self.find(path).map(|file| file.modified)
    }

    fn list(&self, path: &str) -> Result<Vec<String>> {
        if path != DIRECTORY {
            return self.find(path).map(|file| vec![file.path.clone()]);
        }
        let mut paths: Vec<String> = self.visible().map(|file| file.path.clone()).collect();
        paths.sort();
        Ok(paths)
    }

    fn exists(&self, path: &str) -> bool {
        path == DIRECTORY || self.find(path).is_ok()
    }

    fn output(&self, path: &str) -> Result<Arc<dyn ObjectStore>> {
        Err(no(path))
    }

    fn spawn(&self, _command: &PipedCommand) -> Result<Box<dyn PipedProcess>> {
        Err(no("a process"))
    }

    fn directories(&self, pattern: &str) -> Result<Vec<String>> {
        Ok(vec![pattern.to_owned()])
    }
}
