//! Files of programs: the only place, beside the stores, that reads them. What programs save goes
//! through a store of its own.

use super::processes;
use crate::error::{EngineError, Result};
use crate::ids::Timestamp;
use crate::object_store::{LocalObjectStore, ObjectStore};
use crate::rdd::{Files, PipedCommand, PipedProcess, glob};
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
            // A link to a file is a file; one to nowhere is none.
            let is_file = fs::metadata(entry.path()).is_ok_and(|meta| meta.is_file());
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

    fn directories(&self, pattern: &str) -> Result<Vec<String>> {
        if !glob::is_pattern(pattern) {
            return Ok(vec![pattern.to_owned()]);
        }
        let root = if pattern.starts_with('/') { "/" } else { "" };
        let mut found = vec![root.to_owned()];
        for component in pattern.split('/').filter(|component| !component.is_empty()) {
            let mut deeper = Vec::new();
            for base in found {
                let join = |name: &str| match base.as_str() {
                    "" => name.to_owned(),
                    _ if base.ends_with('/') => format!("{base}{name}"),
                    _ => format!("{base}/{name}"),
                };
                if glob::is_pattern(component) {
                    let names = directories_in(if base.is_empty() { "." } else { &base })?;
                    deeper.extend(names.iter().filter(|name| glob::matches(component, name)).map(|name| join(name)));
                } else if fs::metadata(join(component)).is_ok_and(|meta| meta.is_dir()) {
                    deeper.push(join(component));
                }
            }
            found = deeper;
        }
        found.sort();
        Ok(found)
    }
}

/// Names of the directories in a directory.
fn directories_in(path: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(|e| input_error(path, &e))? {
        let entry = entry.map_err(|e| input_error(path, &e))?;
        if fs::metadata(entry.path()).is_ok_and(|meta| meta.is_dir()) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}
