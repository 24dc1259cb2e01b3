//! The file operations that the local store is built of: what a crash simulator replaces.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::Path;
use tempfile::TempPath;

/// Bytes of a file that are looked at together: what stays in the cache of a core.
const SCAN_BYTES: usize = 256 << 10;

/// Bytes of a long write after each of which the disk is asked to begin.
const BEGUN_BYTES: usize = 1 << 20;

/// Operations of a POSIX-like file system, each with the guarantees of its system call and no more.
pub trait FileOps: Send + Sync + Debug {
    /// Creates a file that must not exist.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OpenFile>>;
    /// Renames a file and replaces the target.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames a file; fails with `AlreadyExists` when there is a target.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Creates one directory; fails with `AlreadyExists` when it is there.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory; fails when there is anything in it.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes a file.
    fn unlink(&self, path: &Path) -> io::Result<()>;
    /// Reads a whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Reads a whole file in pieces, in order.
    fn scan(&self, path: &Path, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.read(path).map(|bytes| each(&bytes))
    }
    /// Reads a part of a file; fails with `UnexpectedEof` when the file ends before.
    fn read_range(&self, path: &Path, range: Range<u64>) -> io::Result<Vec<u8>> {
        let file = self.read(path)?;
        let part = super::usize_range(&range).and_then(|range| file.get(range));
        part.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
    /// Removes a file unless a process that lives [holds](OpenFile::hold) it; says whether it did. A file system that
    /// cannot tell keeps the file.
    fn remove_abandoned(&self, _path: &Path) -> io::Result<bool> {
        Ok(false)
    }
    /// The entries of a directory in any order; names that are not UTF-8 are left out.
    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>>;
}

/// A file open for writing. Written bytes are durable after `sync`; after an error they may not be,
/// and `sync` must not be tried again.
pub trait OpenFile: Send + Debug {
    /// Writes all bytes at the end.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes content and length durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Shows others that the writer of this file, created at `path`, lives, until it is closed; some file systems have
    /// no locks. Returns false when the file is no longer at its path, or going: a [sweep](FileOps::remove_abandoned)
    /// came between its creation and this, and by now the path may be another writer's.
    #[must_use]
    fn hold(&mut self, _path: &Path) -> bool {
        true
    }
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirectoryEntry {
    /// The name.
    pub name: String,
    /// Whether it is a directory itself.
    pub is_directory: bool,
}

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct StdFileOps;

impl FileOps for StdFileOps {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        Ok(Box::new(OpenOptions::new().write(true).create_new(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// By `renameat2` where there is one, else by a hard link.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        TempPath::try_from_path(from)?.persist_noclobber(to).map_err(|failed| {
            // The caller decides what becomes of the file; keeping it only disarms its removal on drop.
            let _ = failed.path.keep();
            failed.error
        })
    }

    #[cfg(unix)]
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Other systems cannot open directories; their file systems order names themselves.
    #[cfg(not(unix))]
    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_abandoned(&self, path: &Path) -> io::Result<bool> {
        let file = OpenOptions::new().write(true).open(path)?;
        // Who else removed the file meanwhile may have made room for one that lives.
        if file.try_lock().is_err() || !is_at(&file, path) {
            return Ok(false);
        }
        fs::remove_file(path).map(|()| true)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn scan(&self, path: &Path, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut piece = vec![0; SCAN_BYTES];
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(read) => each(&piece[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn read_range(&self, path: &Path, range: Range<u64>) -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(range.start))?;
        let wanted = range.end.saturating_sub(range.start);
        let mut part = Vec::new();
        // What is there is read, not what was asked for: a length that lies reserves nothing.
        file.take(wanted).read_to_end(&mut part)?;
        if part.len() as u64 == wanted { Ok(part) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let is_directory = entry.file_type()?.is_dir();
            entries.extend(entry.file_name().into_string().ok().map(|name| DirectoryEntry { name, is_directory }));
        }
        Ok(entries)
    }
}

impl OpenFile for File {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut pieces = bytes.chunks_exact(BEGUN_BYTES);
        for piece in pieces.by_ref() {
            Write::write_all(self, piece)?;
            begin_writing(self, piece.len());
        }
        Write::write_all(self, pieces.remainder())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }

    fn hold(&mut self, path: &Path) -> bool {
        match self.try_lock() {
            Err(TryLockError::WouldBlock) => false,
            // Without locks the file looks abandoned to nobody: who sweeps cannot lock it either.
            Ok(()) | Err(TryLockError::Error(_)) => is_at(self, path),
        }
    }
}

/// Lets the system begin to write the last bytes to the disk while more are copied: a sync then finds less to do. Linux
/// does so when it hears that pages will not be needed; those that are not written yet stay. It is advice, so that it
/// is not followed is no error.
#[cfg(target_os = "linux")]
fn begin_writing(file: &mut File, last: usize) {
    use rustix::fs::{Advice, fadvise};
    let start = file.stream_position().ok().and_then(|end| end.checked_sub(last as u64));
    if let Some(start) = start {
        let _ = fadvise(&*file, start, NonZeroU64::new(last as u64), Advice::DontNeed);
    }
}

/// Other systems choose the time themselves.
#[cfg(not(target_os = "linux"))]
fn begin_writing(_file: &mut File, _last: usize) {}

/// Whether `path` is the name of this open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |of: io::Result<fs::Metadata>| of.ok().map(|of| (of.dev(), of.ino()));
    identity(file.metadata()).is_some_and(|open| identity(fs::metadata(path)) == Some(open))
}

/// Other systems do not remove the name of a file that is open.
#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}
