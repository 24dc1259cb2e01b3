//! Directories of disk stores. Each belongs to a process that lives: it holds a lock on a file in it, which
//! the system gives back when the process ends, however it ends. What dead processes left is removed.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Once;
use tempfile::TempDir;

const PREFIX: &str = "faultline-blocks-";
/// The locked file; no block or output has such a name.
const OWNER: &str = ".owner";
/// How often a new directory may be swept away before its lock is taken.
const TRIES: u32 = 16;

/// A directory that goes when this value goes.
#[derive(Debug)]
pub(super) struct Scratch {
    /// Closed before the directory is removed: some systems remove no open file.
    _owner: Option<File>,
    dir: TempDir,
}

impl Scratch {
    /// A new directory among the system's temporary ones. The first call removes what dead processes left.
    pub fn new() -> io::Result<Self> {
        static SWEPT: Once = Once::new();
        let root = env::temp_dir();
        SWEPT.call_once(|| sweep(&root));
        Self::new_in(&root)
    }

    fn new_in(root: &Path) -> io::Result<Self> {
        for _ in 0..TRIES {
            let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(root)?;
            let path = dir.path().join(OWNER);
            let owner = File::create_new(&path)?;
            match owner.try_lock() {
                Ok(()) if fs::exists(&path)? => return Ok(Self { _owner: Some(owner), dir }),
                // Another process swept between the creation of the file and its lock.
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                // Where there are no locks, nobody can sweep either.
                Err(TryLockError::Error(_)) => return Ok(Self { _owner: None, dir }),
            }
        }
        Err(io::Error::other("a new temporary directory was removed again and again"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl From<TempDir> for Scratch {
    fn from(dir: TempDir) -> Self {
        Self { _owner: None, dir }
    }
}

/// Removes directories whose process is gone. What cannot be looked at is somebody else's.
fn sweep(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        // Locked until the directory is gone, so that two processes do not sweep the same.
        if let Ok(owner) = File::open(entry.path().join(OWNER))
            && owner.try_lock().is_ok()
        {
            // One that stays is tried again by the next process.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it every run that was killed would leave its blocks on the disk for ever; or a run would
    /// remove the blocks of another that lives.
    #[test]
    fn what_dead_processes_left_is_removed_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let living = Scratch::new_in(root.path()).unwrap();
        let at = |name: &str| root.path().join(name);
        for (name, file) in [("faultline-blocks-dead", OWNER), ("faultline-blocks-other", "rdd_1_2"), ("mine", OWNER)] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join(file), "").unwrap();
        }
        fs::write(at("faultline-blocks-dead").join("rdd_3_4"), "a block").unwrap();
        sweep(root.path());
        assert!(living.path().exists() && at("faultline-blocks-other").exists() && at("mine").exists());
        assert!(!at("faultline-blocks-dead").exists());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }
}
