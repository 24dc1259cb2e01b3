//! Logs that were opened or saved lately.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Files that are remembered.
pub const RECENT_MAX: usize = 10;

/// Paths, newest first, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recent(Vec<PathBuf>);

impl Recent {
    /// Newest first.
    pub fn paths(&self) -> &[PathBuf] {
        &self.0
    }

    /// Puts a file in front.
    pub fn add(&mut self, path: PathBuf) {
        self.0.retain(|known| *known != path);
        self.0.insert(0, path);
        self.0.truncate(RECENT_MAX);
    }

    /// Keeps files for which this holds.
    pub fn retain(&mut self, keep: impl Fn(&Path) -> bool) {
        self.0.retain(|path| keep(path));
        // A saved file may say anything.
        self.0.truncate(RECENT_MAX);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this the menu grows for ever, names a file twice, or hides the one just used.
    #[test]
    fn newest_first_each_once_and_bounded() {
        let mut recent = Recent::default();
        for n in 0..2 * RECENT_MAX {
            recent.add(PathBuf::from(format!("{n}.log")));
        }
        recent.add(PathBuf::from("12.log"));
        assert_eq!(recent.paths().len(), RECENT_MAX);
        assert_eq!(recent.paths()[..2], [PathBuf::from("12.log"), PathBuf::from("19.log")]);
        assert_eq!(recent.paths().iter().filter(|p| **p == Path::new("12.log")).count(), 1);
        recent.retain(|path| path != Path::new("12.log"));
        assert_eq!(recent.paths()[0], PathBuf::from("19.log"));
    }
}
