//! A directory that receives files (R19).

use super::context::StreamingContext;
use super::dstream::{DStream, StreamNode, StreamSpec};
use super::inputs::PlannedInput;
use super::instances::Generation;
use crate::driver::BatchTick;
use crate::error::{EngineError, Result};
use crate::event::{Event, Finding, InputPlan};
use crate::ids::*;
use crate::rdd::{Line, Notice, Rdd};
use crate::sync::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;
use std::sync::Arc;

/// Names of files that a finding lists.
const NAMES_SHOWN: usize = 3;

/// A directory, or a pattern of directories, whose new files are the batches: Spark's `FileInputDStream`.
struct NewFiles {
    directory: String,
    new_files_only: bool,
    files: Arc<ChosenFiles>,
}

/// Which files of a directory each batch took.
struct ChosenFiles {
    directory: String,
    chosen: Mutex<Chosen>,
}

/// A batch that is asked for again takes the same files.
#[derive(Default)]
struct Chosen {
    by_batch: BTreeMap<u32, Vec<String>>,
    /// Files that are still there and were reported as too old, or taken by a batch that is forgotten.
    too_old: BTreeSet<String>,
    /// The last listing failed, and that was said.
    unreadable: bool,
    /// The last batch that a former driver generated.
    restored_to: u32,
    /// Of batches that are remembered no more nobody knows what they read.
    restored: bool,
}

impl PlannedInput for ChosenFiles {
    fn describe(&self) -> String {
        format!("new files of {}", self.directory)
    }

    fn plan(&self, batch: u32) -> Option<InputPlan> {
        self.chosen.lock().by_batch.get(&batch).map(|paths| InputPlan::Files { paths: paths.clone() })
    }

    fn restore(&self, batch: u32, plan: &InputPlan) {
        if let InputPlan::Files { paths } = plan {
            self.chosen.lock().by_batch.insert(batch, paths.clone());
        }
    }

    fn restored(&self, last: u32) {
        let mut chosen = self.chosen.lock();
        // What was generated before the oldest plan is forgotten for good.
        chosen.restored_to = chosen.by_batch.first_key_value().map_or(last, |(first, _)| *first).saturating_sub(1);
        chosen.restored = true;
    }
}

/// What one listing found.
struct Listing {
    new: Vec<String>,
    too_old: Vec<String>,
    /// Those of them that are older than the stream: no batch can have read them.
    never_read: Vec<String>,
    /// Files known as too old that are there no more.
    gone: Vec<String>,
}

impl NewFiles {
    /// R19.1, R19.2: files changed after the threshold and not after the batch, which no remembered batch
    /// took.
    fn list(&self, generation: &Generation<'_>, tick: BatchTick, chosen: &Chosen) -> Result<Listing> {
        let files = generation.sc.files();
        let interval = generation.interval.0.max(1);
        let window = interval * generation.sc.config().file_remember.0.div_ceil(interval);
        let started = if self.new_files_only { generation.zero } else { Timestamp(0) };
        let reach = Timestamp(tick.time.0.saturating_sub(window * 1_000_000));
        let threshold = started.max(reach);
        let taken: BTreeSet<&String> = chosen.by_batch.values().flatten().collect();
        let mut listing = Listing { new: Vec::new(), too_old: Vec::new(), never_read: Vec::new(), gone: Vec::new() };
        let mut paths = Vec::new();
        for directory in files.directories(&self.directory)? {
            paths.extend(files.list(&directory)?);
        }
        let there: BTreeSet<&String> = paths.iter().collect();
        listing.gone.extend(chosen.too_old.iter().filter(|path| !there.contains(path)).cloned());
        for path in paths {
            // A file that went away between the two looks was not meant for us.
            let Ok(modified) = files.modified(&path) else { continue };
            if taken.contains(&path) || modified > tick.time {
                continue;
            }
            if modified > threshold {
                listing.new.push(path);
            } else if !chosen.too_old.contains(&path) {
                if modified <= started {
                    listing.never_read.push(path.clone());
                }
                listing.too_old.push(path);
            }
        }
        Ok(listing)
    }

    /// The files of a batch, listed now or remembered. A listing that fails is an empty batch (R19.4).
    fn files_of(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Vec<String>> {
        let mut chosen = self.files.chosen.lock();
        if let Some(files) = chosen.by_batch.get(&tick.batch.0) {
            return Ok(files.clone());
        }
        if tick.batch.0 <= chosen.restored_to {
            return Err(EngineError::IllegalState(format!(
                "which files of {} batch {} read is not in the checkpoint any more: batches up to {} cannot be computed again",
                self.directory, tick.batch, chosen.restored_to
            )));
        }
        let listing = match self.list(generation, tick, &chosen) {
            Ok(listing) => {
                chosen.unreadable = false;
                listing
            }
            Err(error) => {
                if !std::mem::replace(&mut chosen.unreadable, true) {
                    let message = format!("{error}; batches are empty until the directory can be listed");
                    self.report(generation, "file-listing-failed", message);
                }
                // Whoever asks for this batch again must get the same.
                chosen.by_batch.insert(tick.batch.0, Vec::new());
                return Ok(Vec::new());
            }
        };
        // A file that an earlier batch took is not too old: its batch is only no longer remembered.
        // What a former driver's batches read is not known any more, but not what was there before all of them.
        let restored = std::mem::take(&mut chosen.restored);
        let old = if restored { &listing.never_read } else { &listing.too_old };
        if !old.is_empty() {
            let names: Vec<&str> =
                old.iter().take(NAMES_SHOWN).filter_map(|path| path.rsplit(['/', '\\']).next()).collect();
            let more = if old.len() > NAMES_SHOWN { ", …" } else { "" };
            let message = format!(
                "{} older than the stream and not read: {}{more}; change or copy them while the stream runs",
                if old.len() == 1 { "1 file is".to_owned() } else { format!("{} files are", old.len()) },
                names.join(", "),
            );
            self.report(generation, "files-older-than-the-stream", message);
        }
        chosen.too_old.extend(listing.too_old);
        listing.gone.iter().for_each(|path| drop(chosen.too_old.take(path)));
        let interval = generation.interval.0.max(1);
        let remembered = generation.sc.config().file_remember.0.div_ceil(interval);
        let oldest = u64::from(tick.batch.0).saturating_sub(remembered);
        chosen.forget_before(u32::try_from(oldest).unwrap_or(u32::MAX));
        chosen.by_batch.insert(tick.batch.0, listing.new.clone());
        Ok(listing.new)
    }

    fn report(&self, generation: &Generation<'_>, kind: &str, message: String) {
        let finding = Finding { kind: kind.to_owned(), message, place: self.directory.clone() };
        generation.sc.tell(Notice::Fact(Event::FindingReported { finding }));
    }
}

impl Chosen {
    /// Files of forgotten batches lie before the threshold: they count as seen.
    fn forget_before(&mut self, oldest: u32) {
        let kept = self.by_batch.split_off(&oldest);
        let forgotten = std::mem::replace(&mut self.by_batch, kept);
        self.too_old.extend(forgotten.into_values().flatten());
    }
}

impl StreamNode<Line> for NewFiles {
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<Line>>> {
        let mut rdds = Vec::new();
        for path in self.files_of(generation, tick)? {
            // R19.3 asks for files that appear whole and stay; one that is gone already is not read.
            match generation.sc.new_text_file(&path) {
                Ok((rdd, lines)) => {
                    generation.count_records(tick, lines);
                    rdds.push(rdd);
                }
                Err(error) => self.report(generation, "file-unreadable", error.to_string()),
            }
        }
        Ok(Some(generation.sc.union(&rdds)))
    }
}

impl StreamingContext {
    /// The lines of files that appear in `directory` while the stream runs, each file in one batch. Files
    /// must appear whole, for example by renaming them into it; names that begin with `.` or `_` are not
    /// read. `directory` may be a pattern of directories, as `logs/*/[0-9]*`; what is below them is not
    /// read (R19.1).
    #[track_caller]
    pub fn text_file_stream(&self, directory: &str) -> DStream<Line> {
        self.text_file_stream_from(directory, true)
    }

    /// The same; with `new_files_only` false also files that were there before the stream began, as far
    /// back as it remembers (R19.2).
    #[track_caller]
    pub fn text_file_stream_from(&self, directory: &str, new_files_only: bool) -> DStream<Line> {
        let at = Location::caller();
        let spec = StreamSpec::narrow("fileStream", "FileInputDStream", self.interval());
        let chosen = Arc::new(ChosenFiles { directory: directory.to_owned(), chosen: Mutex::default() });
        let node = NewFiles { directory: directory.to_owned(), new_files_only, files: Arc::clone(&chosen) };
        let files = DStream::create(self, spec, Vec::new(), node, at);
        self.add_planned_input(files.core.id, chosen);
        // As Spark: as long as it knows which files were read.
        let interval = self.interval().0.max(1);
        let batches = self.spark_context().config().file_remember.0.div_ceil(interval);
        files.core.info.lock().remember = Some(Millis(batches * interval));
        files.per_batch("textFileStream", "MappedDStream", false, at, |rdd| rdd.map(|line| line))
    }
}
