//! A directory as a sink: one directory per batch, which appears whole.
//!
//! ```text
//! out/
//!   batch-1767225601000/          appears in one step, by a rename
//!     part-00000                  lines KEY<tab>VALUE
//!     _SUCCESS                    the manifest: which batch, by whom, with length and sum of each part
//!   .stage/
//!     epoch-3                     the drivers that wrote here
//!     1767225602000.3/            what tasks are writing
//!     1767225602000.3.ready/      what a commit has gathered of it
//! ```
//!
//! A batch that is there already stays as it is when a driver of a newer epoch runs it again: what was shown is not
//! taken back. The same epoch writes it twice only when runs without a checkpoint directory follow each other on one
//! directory; then the last one stands.

use super::{BatchOutput, Committed, OutputPart, OutputSink, Row, SinkError, Staged, StagedContent};
use crate::event::SinkOutcome;
use crate::object_store::{FileOps, StdFileOps};
use crate::sync::Mutex;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const STAGE: &str = ".stage";
const EPOCH: &str = "epoch-";
const BATCH: &str = "batch-";
const MANIFEST: &str = "_SUCCESS";
/// After the name of a batch in the stage: it was there, and another one is taking its place.
const REPLACED: &str = ".replaced";

/// A directory that receives batches.
#[derive(Debug)]
pub struct FileSink {
    root: PathBuf,
    ops: Arc<dyn FileOps>,
    /// The epoch under which the stage was put in order.
    opened: Mutex<Option<u64>>,
}

/// What `_SUCCESS` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    batch: u32,
    batch_time_ms: u64,
    output_op: u32,
    epoch: u64,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    name: String,
    records: u64,
    bytes: u64,
    crc32: u32,
}

fn failed(path: &Path) -> impl Fn(io::Error) -> SinkError {
    move |error| SinkError::Io(format!("{error} ({})", path.display()))
}

/// A name that is there, or gone, already is what was wanted.
fn unless(kind: io::ErrorKind, result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == kind => Ok(()),
        result => result,
    }
}

impl FileSink {
    /// The sink in the directory `root`, which is made with the first batch; the one above it must be there.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::with_ops(root, Arc::new(StdFileOps))
    }

    /// The same over other file operations.
    pub fn with_ops(root: impl Into<PathBuf>, ops: Arc<dyn FileOps>) -> Self {
        Self { root: root.into(), ops, opened: Mutex::default() }
    }

    fn stage_root(&self) -> PathBuf {
        self.root.join(STAGE)
    }

    fn stage_of(&self, output: &BatchOutput) -> PathBuf {
        self.stage_root().join(format!("{}.{}", output.time.as_millis(), output.epoch))
    }

    fn batch_of(&self, output: &BatchOutput) -> PathBuf {
        self.root.join(format!("{BATCH}{}", output.time.as_millis()))
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        unless(io::ErrorKind::AlreadyExists, self.ops.create_dir(path))
    }

    /// Makes the name of the root durable, or all of its batches would go with it. Also when it is there: who made it
    /// may have died before it came to this.
    fn sync_above(&self) -> io::Result<()> {
        let above = match self.root.parent() {
            Some(above) if above.as_os_str().is_empty() => Path::new("."),
            Some(above) => above,
            None => return Ok(()),
        };
        // Where we may not look, somebody else made the root.
        unless(io::ErrorKind::PermissionDenied, self.ops.sync_dir(above))
    }

    /// Names in a directory; none when it is not there.
    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        match self.ops.list(path) {
            Ok(entries) => Ok(entries.into_iter().map(|entry| entry.name).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// A directory of files, with what is in it.
    fn remove(&self, path: &Path) -> io::Result<()> {
        for name in self.names(path)? {
            unless(io::ErrorKind::NotFound, self.ops.unlink(&path.join(name)))?;
        }
        unless(io::ErrorKind::NotFound, self.ops.remove_dir(path))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        // What a crashed driver of this epoch left has the same name.
        unless(io::ErrorKind::NotFound, self.ops.unlink(path))?;
        let mut file = self.ops.create_new(path)?;
        file.write_all(bytes)?;
        file.sync()
    }

    /// Makes the stage ready for a driver of `epoch`: says that it is here, removes what earlier ones left, and
    /// puts back what one of them was replacing when it died.
    pub(super) fn open(&self, epoch: u64) -> Result<(), SinkError> {
        let mut opened = self.opened.lock();
        if *opened == Some(epoch) {
            return Ok(());
        }
        let stage = self.stage_root();
        let prepare = || -> io::Result<Vec<String>> {
            self.make_directory(&self.root)?;
            self.sync_above()?;
            self.make_directory(&stage)?;
            let mark = stage.join(format!("{EPOCH}{epoch}"));
            match self.ops.create_new(&mark).and_then(|mut file| file.sync()) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => self.ops.sync_dir(&stage)?,
            }
            self.names(&stage)
        };
        let names = prepare().map_err(failed(&self.root))?;
        refuse_older(epoch, &names)?;
        let tidy = || -> io::Result<()> {
            for name in names {
                let path = stage.join(&name);
                if name.strip_prefix(EPOCH).is_some_and(|n| n.parse().is_ok_and(|n: u64| n < epoch)) {
                    unless(io::ErrorKind::NotFound, self.ops.unlink(&path))?;
                } else if let Some(time) = name.strip_suffix(REPLACED) {
                    let batch = self.root.join(format!("{BATCH}{time}"));
                    if self.names(&batch)?.is_empty() {
                        self.ops.rename(&path, &batch)?;
                        self.ops.sync_dir(&self.root)?;
                    } else {
                        self.remove(&path)?;
                    }
                } else if !name.starts_with(EPOCH) {
                    self.remove(&path)?;
                }
            }
            Ok(())
        };
        tidy().map_err(failed(&stage))?;
        *opened = Some(epoch);
        Ok(())
    }

    /// The manifest of a batch that is there.
    fn published(&self, batch: &Path) -> Result<Option<Manifest>, SinkError> {
        let path = batch.join(MANIFEST);
        match self.ops.read(&path) {
            Ok(bytes) => {
                let foreign = |error| {
                    SinkError::Foreign(format!(
                        "{} is no manifest of this sink: {error}; give another directory",
                        path.display()
                    ))
                };
                serde_json::from_slice(&bytes).map(Some).map_err(foreign)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let there = self.names(batch).map_err(failed(batch))?;
                if there.is_empty() {
                    return Ok(None);
                }
                let message = format!(
                    "{} is there without {MANIFEST}, so somebody else wrote it; give another directory",
                    batch.display()
                );
                Err(SinkError::Foreign(message))
            }
            Err(error) => Err(failed(&path)(error)),
        }
    }

    /// Puts the parts that count into a directory of their own, and writes the manifest: then the batch is complete,
    /// and only its name is missing. Attempts that were given up may still write where they were told to.
    fn complete(
        &self,
        (stage, ready): (&Path, &Path),
        manifest: &Manifest,
        staged: &[(String, String)],
    ) -> Result<(), SinkError> {
        let complete = || -> io::Result<()> {
            self.remove(ready)?;
            self.ops.create_dir(ready)?;
            for (from, to) in staged {
                self.ops.rename(&stage.join(from), &ready.join(to))?;
            }
            let text = serde_json::to_vec_pretty(manifest)?;
            self.write(&ready.join(MANIFEST), &text)?;
            self.ops.sync_dir(ready)
        };
        complete().map_err(failed(ready))
    }

    fn publish(&self, ready: &Path, batch: &Path, replace: bool) -> Result<(), SinkError> {
        let publish = || -> io::Result<()> {
            if replace {
                let time = batch.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(BATCH));
                let aside = self.stage_root().join(format!("{}{REPLACED}", time.unwrap_or_default()));
                self.remove(&aside)?;
                self.ops.rename(batch, &aside)?;
                self.ops.rename(ready, batch)?;
                self.ops.sync_dir(&self.root)?;
                return self.remove(&aside);
            }
            self.ops.rename(ready, batch)?;
            self.ops.sync_dir(&self.root)
        };
        publish().map_err(failed(batch))
    }
}

/// Fails when a newer driver has been here.
fn refuse_older(ours: u64, names: &[String]) -> Result<(), SinkError> {
    let newest = names.iter().filter_map(|name| name.strip_prefix(EPOCH)?.parse::<u64>().ok()).max();
    match newest.filter(|theirs| *theirs > ours) {
        Some(theirs) => Err(SinkError::Fenced { ours, theirs }),
        None => Ok(()),
    }
}

impl OutputSink for FileSink {
    fn name(&self) -> String {
        format!("files:{}", self.root.display())
    }

    fn stage(&self, part: &OutputPart, rows: Vec<Row>) -> Result<Staged, SinkError> {
        self.open(part.output.epoch)?;
        let mut text = String::new();
        for Row { key, value } in &rows {
            text.extend([key, "\t", value, "\n"]);
        }
        let stage = self.stage_of(&part.output);
        let name = format!("part-{:05}.{}", part.partition.0, part.task);
        let path = stage.join(&name);
        self.make_directory(&stage).and_then(|()| self.write(&path, text.as_bytes())).map_err(failed(&path))?;
        let (bytes, crc32) = (text.len() as u64, crc32fast::hash(text.as_bytes()));
        Ok(Staged { records: rows.len() as u64, content: StagedContent::Named { name, bytes, crc32 } })
    }

    fn commit(&self, output: &BatchOutput, staged: Vec<Staged>) -> Result<Committed, SinkError> {
        self.open(output.epoch)?;
        let (stage, batch) = (self.stage_of(output), self.batch_of(output));
        let mut names = Vec::new();
        let mut parts = Vec::new();
        for Staged { records, content } in staged {
            let StagedContent::Named { name, bytes, crc32 } = content else {
                return Err(SinkError::Foreign("what was staged is not of this sink".to_owned()));
            };
            let part = name.split('.').next().unwrap_or_default().to_owned();
            names.push((name, part.clone()));
            parts.push(Part { name: part, records, bytes, crc32 });
        }
        let BatchOutput { batch: number, time, output_op, epoch } = *output;
        let (batch_number, batch_time_ms, op) = (number.0, time.as_millis(), output_op.0);
        let manifest = Manifest { batch: batch_number, batch_time_ms, output_op: op, epoch, parts };
        refuse_older(epoch, &self.names(&self.stage_root()).map_err(failed(&self.root))?)?;
        let before = self.published(&batch)?;
        if let Some(before) = &before {
            if before.output_op != op {
                let message = format!(
                    "output operation {} of the program writes batch {batch_time_ms} here; give each a directory of its own",
                    before.output_op
                );
                return Err(SinkError::Foreign(message));
            }
            if before.epoch > epoch {
                return Err(SinkError::Fenced { ours: epoch, theirs: before.epoch });
            }
            if before.epoch < epoch || before.parts == manifest.parts {
                // What stays is removed by the next driver.
                drop(self.remove(&stage));
                let (outcome, written_by) = (SinkOutcome::AlreadyThere, before.epoch);
                return Ok(Committed { outcome, same_key: 0, written_by });
            }
        }
        let ready = stage.with_extension(format!("{epoch}.ready"));
        self.complete((&stage, &ready), &manifest, &names)?;
        self.publish(&ready, &batch, before.is_some())?;
        drop(self.remove(&stage));
        let outcome = if before.is_some() { SinkOutcome::Replaced } else { SinkOutcome::Written };
        Ok(Committed { outcome, same_key: 0, written_by: epoch })
    }
}
