//! A directory as a reliable store. A local path is not replicated; it stands in for a store that is.
//!
//! An object is published in five steps: temporary file in the same directory, write, sync, rename,
//! sync the directory. A crash between any two of them leaves the old object or the new one, and at
//! worst a temporary file, which listings do not show and which the next writer in its directory removes. A
//! directory goes with its last object. A segment of a
//! log is a file of its own, created under a name that nobody had.

use super::file_ops::{FileOps, OpenFile, StdFileOps};
use super::key::{split_prefix, validate_key, validate_prefix};
use super::{LogWriter, ObjectStore, PutMode, PutOutcome, StoreError, segment_key, segments_of, too_short};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Temporary files start like this; no valid key does.
const TEMPORARY: &str = ".tmp-";
/// How often a directory is made again that somebody empties and removes at the same time.
const TRIES: u32 = 16;

/// Objects as files under one root directory. Clones share what they know of it.
#[derive(Clone, Debug)]
pub struct LocalObjectStore {
    root: PathBuf,
    ops: Arc<dyn FileOps>,
    temporaries: Arc<AtomicU64>,
    /// Directories whose names this store has made durable.
    durable: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl LocalObjectStore {
    /// The store under `root`, which is created with the first object. Give an absolute path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::with_ops(root, Arc::new(StdFileOps))
    }

    /// The same over other file operations.
    pub fn with_ops(root: impl Into<PathBuf>, ops: Arc<dyn FileOps>) -> Self {
        Self { root: root.into(), ops, temporaries: Arc::default(), durable: Arc::default() }
    }

    fn path_of(&self, key: &str) -> Result<PathBuf, StoreError> {
        validate_key(key)?;
        Ok(self.root.join(key))
    }

    fn publish(&self, path: &Path, bytes: &[u8], mode: PutMode) -> io::Result<PutOutcome> {
        let directory = parent_of(path)?;
        let (temporary, mut file) = self.in_directory(directory, || self.create_temporary(directory))?;
        let renamed = file.write_all(bytes).and_then(|()| file.sync()).and_then(|()| match mode {
            PutMode::Create => self.ops.rename_new(&temporary, path),
            PutMode::Replace => self.ops.rename(&temporary, path),
        });
        let outcome = match renamed {
            Ok(()) => PutOutcome::Created,
            Err(error) => {
                // The first error is the one to report; a temporary file that stays is harmless.
                let _ = self.ops.unlink(&temporary);
                if error.kind() != io::ErrorKind::AlreadyExists || mode == PutMode::Replace {
                    return Err(error);
                }
                PutOutcome::AlreadyExists
            }
        };
        // Also for an object that was there: its writer may have died before it came to this.
        self.ops.sync_dir(directory)?;
        Ok(outcome)
    }

    /// Makes something in a directory, which is made first. It may vanish meanwhile with its last object.
    fn in_directory<T>(&self, directory: &Path, make: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.ensure_directory(directory).and_then(|()| make()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => self.durable.lock().clear(),
                made => return made,
            }
        }
    }

    /// Creates what is missing of `directory`. The first time this store sees one of its directories it
    /// syncs the parent even if the directory is there: an earlier process may have died before it did.
    fn ensure_directory(&self, directory: &Path) -> io::Result<()> {
        if self.durable.lock().contains(directory) {
            return Ok(());
        }
        let below_root = directory.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let mut path = self.root.clone();
        self.make_durable(&path)?;
        for name in below_root {
            path.push(name);
            self.make_durable(&path)?;
        }
        Ok(())
    }

    fn make_durable(&self, path: &Path) -> io::Result<()> {
        if self.durable.lock().contains(path) {
            return Ok(());
        }
        let mut created = self.ops.create_dir(path);
        if let (Err(error), Some(parent)) = (&created, path.parent())
            && error.kind() == io::ErrorKind::NotFound
        {
            self.create_ancestors(parent)?;
            created = self.ops.create_dir(path);
        }
        let existed = match created {
            Ok(()) => false,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => true,
            Err(error) => return Err(error),
        };
        match self.sync_parent(path) {
            // A directory whose parent we may not open was not made by us, so its maker answers for it.
            Err(error) if existed && error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
        if existed {
            self.remove_abandoned(path);
        }
        self.durable.lock().insert(path.to_owned());
        Ok(())
    }

    /// Removes the temporary files of writers that died. What cannot be removed stays: it is in nobody's way.
    fn remove_abandoned(&self, directory: &Path) {
        let entries = self.ops.list(directory).unwrap_or_default();
        for entry in entries.iter().filter(|e| !e.is_directory && e.name.starts_with(TEMPORARY)) {
            let _ = self.ops.remove_abandoned(&directory.join(&entry.name));
        }
    }

    /// Creates the missing directories above the root, from the topmost down.
    fn create_ancestors(&self, path: &Path) -> io::Result<()> {
        let mut missing = Vec::new();
        for ancestor in path.ancestors().filter(|a| !a.as_os_str().is_empty()) {
            match self.ops.create_dir(ancestor) {
                Ok(()) => {
                    self.sync_parent(ancestor)?;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(ancestor),
                Err(error) => return Err(error),
            }
        }
        for directory in missing.into_iter().rev() {
            self.ops.create_dir(directory)?;
            self.sync_parent(directory)?;
        }
        Ok(())
    }

    fn sync_parent(&self, path: &Path) -> io::Result<()> {
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.ops.sync_dir(parent),
            _ => self.ops.sync_dir(Path::new(".")),
        }
    }

    /// Skips the names that other writers use, and files that somebody swept before they were held.
    fn create_temporary(&self, directory: &Path) -> io::Result<(PathBuf, Box<dyn OpenFile>)> {
        loop {
            let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(format!("{TEMPORARY}{}-{number}", std::process::id()));
            match self.ops.create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => {
                    let mut file = created?;
                    if file.hold(&path) {
                        return Ok((path, file));
                    }
                }
            }
        }
    }

    /// Removes a file. Also when it is not there: who removed it may have died before it came to the rest.
    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut directory = parent_of(path)?;
        for step in [self.ops.unlink(path), self.ops.sync_dir(directory)] {
            match step {
                Err(error) if !is_absence(error.kind()) => return Err(error),
                _ => {}
            }
        }
        // One that is not empty stays, and so do those above it.
        while directory != self.root && directory.starts_with(&self.root) && self.ops.remove_dir(directory).is_ok() {
            self.durable.lock().remove(directory);
            directory = parent_of(directory)?;
            match self.ops.sync_dir(directory) {
                // Somebody else went on from here.
                Err(error) if is_absence(error.kind()) => return Ok(()),
                synced => synced?,
            }
        }
        Ok(())
    }

    /// The first segment after `last` that nobody has created yet, empty and with a durable name.
    fn create_segment(&self, log: &str, last: u64) -> Result<(u64, Box<dyn OpenFile>), StoreError> {
        let mut number = last;
        loop {
            number += 1;
            let key = segment_key(log, number);
            let path = self.root.join(&key);
            let create = || {
                let directory = parent_of(&path)?;
                let file = self.in_directory(directory, || self.ops.create_new(&path))?;
                self.ops.sync_dir(directory)?;
                Ok(file)
            };
            match create() {
                Err(error) if io::Error::kind(&error) == io::ErrorKind::AlreadyExists => {}
                created => return created.map(|file| (number, file)).map_err(|error| store_error(&key, &error)),
            }
        }
    }

    fn list_under(&self, directories: &str, start: &str) -> io::Result<Vec<String>> {
        let mut keys = Vec::new();
        let mut pending = vec![(directories.to_owned(), start)];
        while let Some((directory, start)) = pending.pop() {
            let entries = match self.ops.list(&self.root.join(&directory)) {
                Err(error) if is_absence(error.kind()) => continue,
                entries => entries?,
            };
            for entry in entries.into_iter().filter(|entry| entry.name.starts_with(start)) {
                let key = if directory.is_empty() { entry.name } else { format!("{directory}/{}", entry.name) };
                // What no put could have made is not an object: temporary files, and files of others.
                if validate_key(&key).is_err() {
                    continue;
                }
                if entry.is_directory {
                    pending.push((key, ""));
                } else {
                    keys.push(key);
                }
            }
        }
        keys.sort();
        Ok(keys)
    }
}

impl ObjectStore for LocalObjectStore {
    fn put(&self, key: &str, bytes: &[u8], mode: PutMode) -> Result<PutOutcome, StoreError> {
        self.publish(&self.path_of(key)?, bytes, mode).map_err(|error| store_error(key, &error))
    }

    fn get(&self, key: &str) -> Result<Vec<u8>, StoreError> {
        self.ops.read(&self.path_of(key)?).map_err(|error| read_error(key, &error))
    }

    fn scan(&self, key: &str, each: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        self.ops.scan(&self.path_of(key)?, each).map_err(|error| read_error(key, &error))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        validate_prefix(prefix)?;
        let (directories, start) = split_prefix(prefix);
        self.list_under(directories, start).map_err(|error| store_error(prefix, &error))
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        let path = self.path_of(key)?;
        self.remove(&path).map_err(|error| store_error(key, &error))
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let read = self.ops.read_range(&self.path_of(key)?, range.clone());
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => too_short(key, &range),
            _ => read_error(key, &error),
        })
    }

    fn open_log(&self, log: &str) -> Result<Box<dyn LogWriter>, StoreError> {
        validate_key(&segment_key(log, u64::MAX))?;
        let last = segments_of(self, log)?.last().copied().unwrap_or(0);
        Ok(Box::new(LocalLog::create(self.clone(), log.to_owned(), last)?))
    }
}

/// The writer of a log. Its file is created with its first segment, so that there is always one that grows.
#[derive(Debug)]
struct LocalLog {
    store: LocalObjectStore,
    log: String,
    segment: u64,
    file: Box<dyn OpenFile>,
    state: LogState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LogState {
    Sound,
    /// A write or sync failed: what the file ends with is unknown, and syncing again could report
    /// success for pages that the system has dropped.
    Failed,
}

impl LocalLog {
    fn create(store: LocalObjectStore, log: String, last: u64) -> Result<Self, StoreError> {
        let (segment, file) = store.create_segment(&log, last)?;
        Ok(Self { store, log, segment, file, state: LogState::Sound })
    }

    fn run(&mut self, operation: impl FnOnce(&mut dyn OpenFile) -> io::Result<()>) -> Result<(), StoreError> {
        let key = || segment_key(&self.log, self.segment);
        if self.state == LogState::Failed {
            return Err(StoreError::LogFailed { key: key() });
        }
        let done = operation(self.file.as_mut()).map_err(|error| store_error(&key(), &error));
        if done.is_err() {
            self.state = LogState::Failed;
        }
        done
    }
}

impl LogWriter for LocalLog {
    fn segment(&self) -> u64 {
        self.segment
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.run(|file| file.write_all(bytes))
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.run(|file| file.sync())
    }

    fn roll(&mut self) -> Result<(), StoreError> {
        // Until there is another segment, nothing is to be written behind what the last one ends with.
        self.state = LogState::Failed;
        (self.segment, self.file) = self.store.create_segment(&self.log, self.segment)?;
        self.state = LogState::Sound;
        Ok(())
    }
}

fn parent_of(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| io::Error::other("the store has no root directory"))
}

/// There is no such file.
fn is_absence(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn read_error(key: &str, error: &io::Error) -> StoreError {
    match error.kind() {
        kind if is_absence(kind) => StoreError::NotFound { key: key.to_owned() },
        _ => store_error(key, error),
    }
}

fn store_error(key: &str, error: &io::Error) -> StoreError {
    StoreError::Io { key: key.to_owned(), message: error.to_string() }
}
