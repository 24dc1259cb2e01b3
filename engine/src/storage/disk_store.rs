//! Named byte strings on the disk of an executor: blocks and spilled shuffle outputs.
//!
//! Two backings of the same behaviour: real files in a temporary directory, and memory for the
//! simulator. What is kept is scratch, so nothing is synced; the frames inside carry the checksums.

use super::error::BlockError;
use super::scratch::Scratch;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use tempfile::TempDir;

/// The disk of an executor. Its directory goes when the store goes.
#[derive(Debug)]
pub struct DiskStore {
    sizes: BTreeMap<String, u64>,
    backing: Backing,
}

#[derive(Debug)]
enum Backing {
    Memory(BTreeMap<String, Arc<[u8]>>),
    Directory(Scratch),
}

/// What a fault does to a file behind the store's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskDamage {
    /// The file is gone.
    Deleted,
    /// The second half of the file is gone.
    Truncated,
    /// The last bit of the file is flipped.
    BitFlipped,
}

impl DiskStore {
    /// A disk that is simulated in memory.
    pub fn in_memory() -> Self {
        Self { sizes: BTreeMap::new(), backing: Backing::Memory(BTreeMap::new()) }
    }

    /// A disk of real files in `dir`, which should be empty.
    pub fn directory(dir: TempDir) -> Self {
        Self { sizes: BTreeMap::new(), backing: Backing::Directory(dir.into()) }
    }

    /// A disk of real files in a new directory of the system's temporary directory. What processes that are
    /// gone left there is removed.
    pub fn temporary() -> io::Result<Self> {
        Scratch::new().map(|dir| Self { sizes: BTreeMap::new(), backing: Backing::Directory(dir) })
    }

    /// Keeps `bytes` under `name`, replacing what was there. On error nothing is kept under `name`.
    pub fn put(&mut self, name: &str, bytes: &Arc<[u8]>) -> Result<(), BlockError> {
        match &mut self.backing {
            Backing::Memory(files) => {
                files.insert(name.to_owned(), Arc::clone(bytes));
            }
            Backing::Directory(dir) => {
                let path = dir.path().join(name);
                if let Err(error) = fs::write(&path, bytes) {
                    // The first error is the one to report; a partial file is no longer listed.
                    let _ = fs::remove_file(&path);
                    self.sizes.remove(name);
                    return Err(disk_error(name, &error));
                }
            }
        }
        self.sizes.insert(name.to_owned(), bytes.len() as u64);
        Ok(())
    }

    /// Everything kept under `name`; an error when it is unknown, missing or of another length.
    pub fn get(&self, name: &str) -> Result<Arc<[u8]>, BlockError> {
        let expected = self.size(name).ok_or_else(|| missing(name))?;
        let bytes = match &self.backing {
            Backing::Memory(files) => Arc::clone(files.get(name).ok_or_else(|| missing(name))?),
            Backing::Directory(dir) => {
                let path = dir.path().join(name);
                fs::read(path).map_err(|error| disk_error(name, &error))?.into()
            }
        };
        check_length(name, expected, bytes.len() as u64)?;
        Ok(bytes)
    }

    /// A part of what is kept under `name`.
    pub fn get_range(&self, name: &str, range: Range<u64>) -> Result<Arc<[u8]>, BlockError> {
        let size = self.size(name).ok_or_else(|| missing(name))?;
        if range.start > range.end || range.end > size {
            let message = format!("bytes {}..{} of {size} do not exist", range.start, range.end);
            return Err(BlockError::Disk { name: name.to_owned(), message });
        }
        match &self.backing {
            Backing::Memory(files) => {
                let bytes = files.get(name).ok_or_else(|| missing(name))?;
                check_length(name, size, bytes.len() as u64)?;
                Ok(bytes[range.start as usize..range.end as usize].into())
            }
            Backing::Directory(dir) => {
                let mut bytes = vec![0; (range.end - range.start) as usize];
                File::open(dir.path().join(name))
                    .and_then(|mut file| {
                        file.seek(SeekFrom::Start(range.start))?;
                        file.read_exact(&mut bytes)
                    })
                    .map_err(|error| disk_error(name, &error))?;
                Ok(bytes.into())
            }
        }
    }

    /// Bytes kept under `name`.
    pub fn size(&self, name: &str) -> Option<u64> {
        self.sizes.get(name).copied()
    }

    /// Bytes kept in all.
    pub fn bytes(&self) -> u64 {
        self.sizes.values().sum()
    }

    /// Forgets `name` and returns how many bytes that freed.
    pub fn remove(&mut self, name: &str) -> Option<u64> {
        let size = self.sizes.remove(name)?;
        match &mut self.backing {
            Backing::Memory(files) => {
                files.remove(name);
            }
            // A scratch file that cannot be removed is not found any more, and goes with its directory.
            Backing::Directory(dir) => {
                let _ = fs::remove_file(dir.path().join(name));
            }
        }
        Some(size)
    }

    /// Damages a file behind the store's back, as a fault does. Returns whether there was one.
    pub fn damage(&mut self, name: &str, damage: DiskDamage) -> bool {
        let Ok(bytes) = self.get(name) else { return false };
        let mut bytes = bytes.to_vec();
        match damage {
            DiskDamage::Deleted => {}
            DiskDamage::Truncated => bytes.truncate(bytes.len() / 2),
            DiskDamage::BitFlipped => {
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
            }
        }
        match (&mut self.backing, damage) {
            (Backing::Memory(files), DiskDamage::Deleted) => files.remove(name).is_some(),
            (Backing::Memory(files), _) => files.insert(name.to_owned(), bytes.into()).is_some(),
            (Backing::Directory(dir), DiskDamage::Deleted) => fs::remove_file(dir.path().join(name)).is_ok(),
            (Backing::Directory(dir), _) => fs::write(dir.path().join(name), bytes).is_ok(),
        }
    }
}

fn check_length(name: &str, expected: u64, found: u64) -> Result<(), BlockError> {
    if expected == found {
        return Ok(());
    }
    Err(BlockError::Disk { name: name.to_owned(), message: format!("file has {found} bytes, expected {expected}") })
}

fn missing(name: &str) -> BlockError {
    BlockError::Disk { name: name.to_owned(), message: "file is missing".to_owned() }
}

fn disk_error(name: &str, error: &io::Error) -> BlockError {
    match error.kind() {
        io::ErrorKind::NotFound => missing(name),
        _ => BlockError::Disk { name: name.to_owned(), message: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_backings_behave_alike() {
        // Without it the simulator would prove things about a disk that the live engine does not have.
        for mut disk in [DiskStore::in_memory(), DiskStore::temporary().unwrap()] {
            let bytes: Arc<[u8]> = (0..100).collect::<Vec<u8>>().into();
            disk.put("a", &bytes).unwrap();
            disk.put("b", &bytes).unwrap();
            assert_eq!(disk.get("a").unwrap(), bytes);
            assert_eq!(disk.get_range("a", 10..13).unwrap()[..], [10, 11, 12]);
            assert!(disk.get_range("a", 90..101).is_err());
            assert_eq!(disk.get("c"), Err(missing("c")));
            assert_eq!(disk.bytes(), 200);
            assert!(disk.damage("b", DiskDamage::Truncated));
            assert!(disk.get("b").is_err() && disk.get_range("b", 60..70).is_err());
            assert!(disk.damage("a", DiskDamage::BitFlipped));
            assert_ne!(disk.get("a").unwrap(), bytes);
            assert!(disk.damage("a", DiskDamage::Deleted));
            assert_eq!(disk.get("a"), Err(missing("a")));
            assert_eq!((disk.remove("a"), disk.remove("a"), disk.bytes()), (Some(100), None, 100));
        }
    }

    #[test]
    fn a_disk_that_cannot_be_written_keeps_nothing() {
        // Without it a full disk would leave a block that is listed but cannot be read.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let mut disk = DiskStore::directory(dir);
        fs::remove_dir(&path).unwrap();
        assert!(disk.put("a", &Arc::from([1_u8].as_slice())).is_err());
        assert_eq!((disk.size("a"), disk.bytes()), (None, 0));
    }
}
