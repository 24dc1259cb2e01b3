//! A file system in memory whose process dies at a chosen operation, and whose power fails: what a crash
//! simulator puts below [`super::LocalObjectStore`].
//!
//! Written bytes survive a loss of power when the file was synced after them, names when their directory was.
//! Of everything else the loss decides, as real disks do: gone, torn, in part, or there.

use super::file_ops::{DirectoryEntry, FileOps, OpenFile};
use crate::rng::{Rng, Seed};
use crate::sync::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes that a disk writes at once: a write is torn between them, not within, unless [`PowerLoss::TornAt`].
const SECTOR: usize = 512;

/// What a loss of power does to bytes and names that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerLoss {
    /// All of it is gone.
    Lost,
    /// All of it is there, as if it had been synced.
    Kept,
    /// Of each file so many unsynced bytes are there; names are.
    TornAt(usize),
    /// Files have the length that they had, with zeros where unsynced bytes were; names are there.
    Zeros,
    /// Any of the unsynced sectors are there, others are zeros or missing at the end, and any of the names.
    Sectors(Seed),
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimulatedDisk(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    files: Vec<FileBytes>,
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    /// What was done to names since their directories were synced, in order.
    pending: Vec<Pending>,
    /// Counts what changes anything.
    operations: u64,
    failing: Range<u64>,
    lies: Option<Lies>,
    deceived: bool,
}

/// Below a directory these operations answer a sync and do nothing.
#[derive(Clone, Debug)]
struct Lies {
    below: PathBuf,
    operations: Range<u64>,
}

/// A file only grows: what is behind `synced` is not durable, although a sync answered for what is before `promised`.
#[derive(Debug, Default)]
struct FileBytes {
    bytes: Vec<u8>,
    synced: usize,
    promised: usize,
}

#[derive(Clone, Debug)]
struct Pending {
    change: NameChange,
    /// Whether a sync answered for it.
    promised: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Directory,
    File(usize),
}

/// One step that a journal applies whole.
#[derive(Clone, Debug)]
enum NameChange {
    Set(PathBuf, Node),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, Node),
}

impl NameChange {
    fn directory(&self) -> Option<&Path> {
        match self {
            Self::Set(path, _) | Self::Remove(path) | Self::Rename(_, path, _) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        match self {
            Self::Set(path, node) => drop(names.insert(path.clone(), *node)),
            Self::Remove(path) => drop(names.remove(path)),
            Self::Rename(from, to, node) => {
                if *node == Node::Directory {
                    let inside: Vec<PathBuf> = below(names, from).map(|(path, _)| path.clone()).collect();
                    for path in inside {
                        if let (Ok(name), Some(node)) = (path.strip_prefix(from), names.remove(&path)) {
                            names.insert(to.join(name), node);
                        }
                    }
                }
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// What is in a directory, however deep.
fn below<'a>(names: &'a BTreeMap<PathBuf, Node>, directory: &'a Path) -> impl Iterator<Item = (&'a PathBuf, &'a Node)> {
    let all = names.range::<Path, _>((Bound::Excluded(directory), Bound::Unbounded));
    all.take_while(move |(path, _)| path.starts_with(directory))
}

/// What is right in a directory. What is in its directories is skipped, not looked at.
fn entries(names: &BTreeMap<PathBuf, Node>, directory: &Path) -> Vec<(PathBuf, Node)> {
    // Behind every name in a directory, in the order of paths.
    let behind = |path: &Path| path.join("\u{10FFFF}");
    let mut found = Vec::new();
    let mut after = directory.to_owned();
    while let Some((path, node)) = names.range::<Path, _>((Bound::Excluded(&*after), Bound::Unbounded)).next() {
        if !path.starts_with(directory) {
            break;
        }
        after = if *node == Node::Directory { behind(path) } else { path.clone() };
        found.push((path.clone(), *node));
    }
    found
}

/// Whether a directory is there without having been made.
fn is_root(path: &Path) -> bool {
    path.parent().is_none() || path.as_os_str().is_empty()
}

impl SimulatedDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many operations changed something, or tried to.
    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// These operations fail, counted from the first of the disk; a write that fails has written half.
    pub fn fail(&self, operations: Range<u64>) {
        self.0.lock().failing = operations;
    }

    /// From now on syncs answer and do nothing.
    pub fn lie(&self) {
        self.lie_below(Path::new(""), 0..u64::MAX);
    }

    /// Below a directory syncs answer and do nothing, in these operations, counted from the first of the disk.
    pub fn lie_below(&self, directory: &Path, operations: Range<u64>) {
        self.0.lock().lies = Some(Lies { below: directory.to_owned(), operations });
    }

    /// Whether a loss of power took anything for which a sync had answered.
    pub fn deceived(&self) -> bool {
        self.0.lock().deceived
    }

    /// The process died and is started again: nothing fails any more, and what was written is there.
    pub fn restart(&self) {
        self.0.lock().failing = 0..0;
    }

    /// The machine lost its power and is started again.
    pub fn lose_power(&self, how: PowerLoss) {
        let mut disk = self.0.lock();
        (disk.failing, disk.lies) = (0..0, None);
        disk.lose_power(how);
    }

    /// Flips one bit of a file.
    ///
    /// # Errors
    /// When there is no such file, or it is shorter.
    pub fn flip(&self, path: &Path, bit: usize) -> io::Result<()> {
        let mut disk = self.0.lock();
        let file = disk.file(path)?;
        let byte = disk.files[file].bytes.get_mut(bit / 8).ok_or(io::ErrorKind::UnexpectedEof)?;
        *byte ^= 1 << (bit % 8);
        Ok(())
    }

    fn step(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let mut disk = self.0.lock();
        disk.step()?;
        Ok(disk)
    }
}

impl Disk {
    fn step(&mut self) -> io::Result<()> {
        let n = self.operations;
        self.operations += 1;
        if self.failing.contains(&n) { Err(io::Error::other(format!("operation {n} fails"))) } else { Ok(()) }
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(file)) => Ok(*file),
            Some(Node::Directory) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The directory of a name must be there.
    fn vacant(&self, path: &Path) -> io::Result<()> {
        match path.parent().filter(|parent| !is_root(parent)).map(|parent| self.names.get(parent)) {
            Some(Some(Node::File(_))) => Err(io::ErrorKind::NotADirectory.into()),
            Some(None) => Err(io::ErrorKind::NotFound.into()),
            _ if self.names.contains_key(path) => Err(io::ErrorKind::AlreadyExists.into()),
            _ => Ok(()),
        }
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending.push(Pending { change, promised: false });
    }

    /// Whether the sync that was counted last lies about a path.
    fn lies(&self, path: &Path) -> bool {
        let n = self.operations.saturating_sub(1);
        self.lies.as_ref().is_some_and(|lies| lies.operations.contains(&n) && path.starts_with(&lies.below))
    }

    fn sync_names(&mut self, directory: &Path) {
        if self.lies(directory) {
            let here = self.pending.iter_mut().filter(|pending| pending.change.directory() == Some(directory));
            here.for_each(|pending| pending.promised = true);
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            pending.into_iter().partition(|pending| pending.change.directory() == Some(directory));
        here.iter().for_each(|pending| pending.change.apply(&mut self.durable_names));
        self.pending = elsewhere;
    }

    fn lose_power(&mut self, how: PowerLoss) {
        let mut random = match how {
            PowerLoss::Sectors(seed) => Some(seed.rng()),
            _ => None,
        };
        for file in &mut self.files {
            self.deceived |= file.lose_power(how, random.as_mut());
        }
        for Pending { change, promised } in std::mem::take(&mut self.pending) {
            let kept = match (&mut random, how) {
                (Some(random), _) => random.below(2) == 1,
                (None, how) => how != PowerLoss::Lost,
            };
            if kept {
                change.apply(&mut self.durable_names);
            }
            self.deceived |= promised && !kept;
        }
        // A name below a directory that is not there leads nowhere.
        let mut reachable = BTreeSet::new();
        self.durable_names.retain(|path, node| {
            let parent = path.parent().filter(|parent| !is_root(parent));
            let there = parent.is_none_or(|parent| reachable.contains(parent));
            if there && *node == Node::Directory {
                reachable.insert(path.clone());
            }
            there
        });
        self.names = self.durable_names.clone();
    }
}

impl FileBytes {
    /// Returns whether a byte is lost for which a sync had answered.
    fn lose_power(&mut self, how: PowerLoss, random: Option<&mut Rng>) -> bool {
        let tail = self.synced..self.bytes.len();
        let promised = self.bytes[self.synced..self.promised.max(self.synced)].to_vec();
        match (how, random) {
            (PowerLoss::Kept, _) => {}
            (PowerLoss::TornAt(kept), _) => self.bytes.truncate(self.synced + kept.min(tail.len())),
            (PowerLoss::Zeros, _) => self.bytes[tail].fill(0),
            (PowerLoss::Sectors(_), Some(random)) => {
                let kept = random.below(tail.len() as u64 + 1) as usize;
                self.bytes.truncate(self.synced + kept);
                for sector in self.bytes[self.synced..].chunks_mut(SECTOR) {
                    if random.below(2) == 0 {
                        sector.fill(0);
                    }
                }
            }
            (PowerLoss::Lost | PowerLoss::Sectors(_), _) => self.bytes.truncate(self.synced),
        }
        let kept = self.bytes[self.synced..].starts_with(&promised);
        (self.synced, self.promised) = (self.bytes.len(), 0);
        !kept
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    /// Under which name it was made.
    path: PathBuf,
    file: usize,
}

impl OpenFile for SimulatedFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk.0.lock();
        let failed = disk.step();
        let written = if failed.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        disk.files[self.file].bytes.extend_from_slice(written);
        failed
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.disk.step()?;
        let lies = disk.lies(&self.path);
        let file = &mut disk.files[self.file];
        file.promised = file.bytes.len();
        if !lies {
            file.synced = file.bytes.len();
        }
        Ok(())
    }
}

impl FileOps for SimulatedDisk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let mut disk = self.step()?;
        disk.vacant(path)?;
        let file = disk.files.len();
        disk.files.push(FileBytes::default());
        disk.change(NameChange::Set(path.to_owned(), Node::File(file)));
        Ok(Box::new(SimulatedFile { disk: self.clone(), path: path.to_owned(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.step()?;
        let node = *disk.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        // A directory takes the place of nothing that has anything in it.
        if node == Node::Directory && disk.names.contains_key(to) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        disk.change(NameChange::Rename(from.to_owned(), to.to_owned(), node));
        Ok(())
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.step()?;
        let file = Node::File(disk.file(from)?);
        disk.vacant(to)?;
        disk.change(NameChange::Rename(from.to_owned(), to.to_owned(), file));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.step()?;
        disk.sync_names(path);
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.step()?;
        disk.vacant(path)?;
        disk.change(NameChange::Set(path.to_owned(), Node::Directory));
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.step()?;
        if disk.names.get(path) != Some(&Node::Directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if below(&disk.names, path).next().is_some() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        disk.change(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.step()?;
        disk.file(path)?;
        disk.change(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let disk = self.0.lock();
        Ok(disk.files[disk.file(path)?].bytes.clone())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let disk = self.0.lock();
        let entries: Vec<DirectoryEntry> = entries(&disk.names, path)
            .into_iter()
            .filter_map(|(name, node)| {
                let name = name.file_name()?.to_str()?.to_owned();
                Some(DirectoryEntry { name, is_directory: node == Node::Directory })
            })
            .collect();
        let known = disk.names.get(path) == Some(&Node::Directory) || !entries.is_empty();
        if known { Ok(entries) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}
