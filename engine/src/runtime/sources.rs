//! Files of programs: the only place, beside the stores, that reads them. What programs save goes
//! through a store of its own.

use super::processes;
use crate::error::{EngineError, Result};
use crate::ids::Timestamp;
use crate::object_store::{LocalObjectStore, ObjectStore};
use crate::rdd::{Files, PipedCommand, PipedProcess};
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

fn input_error(path: &str, error: &std::io::Error) -> EngineError {
    EngineError::Input { path: path.to_owned(), message: error.to_string() }
}

impl Files for SystemFiles {
    fn len(&self, path: &str) -> Result<u64> {
        fs::metadata(path).map(|m| m.len()).map_err(|e| input_error(path, &e))
    }

    fn read(&self, path: &str, offset: u64, len: usize) -> Result<Vec<u8>> {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = fs::File::open(path)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(len as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|e| input_error(path, &e))
    }

    fn modified(&self, path: &str) -> Result<Timestamp> {
        let modified = fs::metadata(path).and_then(|m| m.modified()).map_err(|e| input_error(path, &e))?;
        let since_1970 = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Timestamp(u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)))
    }

    fn list(&self, path: &str) -> Result<Vec<String>> {
        let meta = fs::metadata(path).map_err(|e| input_error(path, &e))?;
        if meta.is_file() {
            return Ok(vec![path.to_owned()]);
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(|e| input_error(path, &e))? {
            let entry = entry.map_err(|e| input_error(path, &e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_file = entry.file_type().is_ok_and(|t| t.is_file());
            if is_file && !name.starts_with(['.', '_']) {
                files.push(entry.path().to_string_lossy().into_owned());
            }
        }
        files.sort();
        Ok(files)
    }

    fn exists(&self, path: &str) -> bool {
        // What cannot be looked at may be there.
        fs::exists(path).unwrap_or(true)
    }

    fn output(&self, path: &str) -> Result<Arc<dyn ObjectStore>> {
        let path = std::path::absolute(path).map_err(|e| input_error(path, &e))?;
        Ok(Arc::new(LocalObjectStore::new(path)))
    }

    fn spawn(&self, command: &PipedCommand) -> Result<Box<dyn PipedProcess>> {
        Ok(Box::new(processes::spawn(command)?))
    }
}
