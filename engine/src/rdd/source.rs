//! Where lineages begin: collections, text files, ranges of a replayed text.

use super::Rdd;
use super::chunk::{Chunk, Sink, Stop, TaskError, deliver_shared};
use super::context::{Files, SparkContext};
use super::node::RddNode;
use crate::error::Result;
use crate::event::Determinism;
use crate::ids::{PartitionId, TaskLocation};
use crate::storage::Data;
use crate::task_context::TaskContext;
use hipstr::HipStr;
use std::ops::{ControlFlow, Range};
use std::panic::Location;
use std::sync::Arc;

/// A line or a word: a shared slice of what was read, or inline when short.
pub type Line = HipStr<'static>;

/// Bytes read from a file at once.
const READ_LEN: usize = 1 << 20;

/// `fs.local.block.size`: bytes of a file that one partition of a file stream reads.
const BLOCK_LEN: u64 = 32 << 20;

/// Bytes and lines of a file; a last line without an end counts.
fn count_lines(files: &dyn Files, path: &str) -> Result<(u64, u64)> {
    let (mut len, mut lines, mut open) = (0, 0, false);
    loop {
        let bytes = files.read(path, len, READ_LEN)?;
        len += bytes.len() as u64;
        lines += bytes.iter().filter(|&&b| b == b'\n').count() as u64;
        open = bytes.last().map_or(open, |&b| b != b'\n');
        if bytes.len() < READ_LEN {
            return Ok((len, lines + u64::from(open)));
        }
    }
}

/// Slice `i` of `0..len` cut into `n` nearly equal slices, as Spark's `parallelize` cuts.
pub(crate) fn slice_of(len: usize, n: u32, i: PartitionId) -> Range<usize> {
    let (n, i) = (n.max(1) as usize, i.0 as usize);
    (i * len / n)..((i + 1) * len / n)
}

/// `ParallelCollectionRDD`.
struct Collection<T> {
    values: Arc<Vec<T>>,
    partitions: u32,
}

impl<T: Data> RddNode<T> for Collection<T> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, T>) -> ControlFlow<Stop> {
        let values = &self.values[slice_of(self.values.len(), self.partitions, part)];
        ctx.count_source(values.len() as u64);
        deliver_shared(values, ctx.chunk_len(), sink)
    }
}

/// Nothing: Spark's `EmptyRDD`.
struct Empty;

impl<T: Data> RddNode<T> for Empty {
    fn compute(&self, _: PartitionId, _: &TaskContext, _: Sink<'_, T>) -> ControlFlow<Stop> {
        ControlFlow::Continue(())
    }
}

/// Lines of byte ranges of files: Spark's `HadoopRDD`. A split begins after the first line break past
/// its start, except at 0, and reads through the line that crosses its end.
struct TextSplits {
    splits: Vec<Split>,
    files: Arc<dyn Files>,
}

#[derive(Clone, Debug)]
struct Split {
    path: String,
    start: u64,
    end: u64,
}

impl Split {
    /// A file in pieces of `goal` bytes.
    fn cut(path: &str, len: u64, goal: u64) -> Vec<Self> {
        let mut splits = Vec::new();
        let mut start = 0;
        // A last piece of up to a tenth over the goal is not split off, as in Hadoop.
        while len - start > goal + goal / 10 {
            splits.push(Self { path: path.to_owned(), start, end: start + goal });
            start += goal;
        }
        if start < len {
            splits.push(Self { path: path.to_owned(), start, end: len });
        }
        splits
    }
}

impl TextSplits {
    fn read(&self, split: &Split, ctx: &TaskContext, sink: Sink<'_, Line>) -> Result<ControlFlow<Stop>> {
        let mut lines: Vec<Line> = Vec::new();
        let mut carry: Vec<u8> = Vec::new();
        // Reading begins one byte early: when that byte is a line break, the first line is whole.
        let mut at = split.start.saturating_sub(1);
        let mut skip_first = split.start > 0;
        let mut line_start = at;
        loop {
            let bytes = self.files.read(&split.path, at, READ_LEN)?;
            let ended = bytes.len() < READ_LEN;
            at += bytes.len() as u64;
            // What is carried holds no line break: a line of many pieces is looked at once.
            let last_break = bytes.iter().rposition(|&b| b == b'\n').map(|i| carry.len() + i + 1);
            carry.extend_from_slice(&bytes);
            let whole = match last_break {
                _ if ended => carry.len(),
                Some(whole) => whole,
                None => continue,
            };
            let rest = carry.split_off(whole);
            let text = Line::from(text_of(std::mem::replace(&mut carry, rest)));
            let mut past_end = false;
            let mut from = 0;
            while from < text.len() {
                let to = text[from..].find('\n').map_or(text.len(), |i| from + i);
                let next = line_start + (to + 1 - from) as u64;
                if skip_first {
                    skip_first = false;
                } else if line_start < split.end {
                    lines.push(text.slice(from..to.min(text.len())).trim_end_matches_cr());
                }
                line_start = next;
                from = to + 1;
                if line_start >= split.end {
                    past_end = true;
                    break;
                }
            }
            ctx.count_source(lines.len() as u64);
            let flow = super::deliver_owned(std::mem::take(&mut lines), ctx.chunk_len(), sink);
            if flow.is_break() || past_end || ended {
                return Ok(flow);
            }
        }
    }
}

/// The bytes as text, without a copy when they are UTF-8.
fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// A line without the carriage return of a CRLF file.
trait WithoutCr {
    fn trim_end_matches_cr(self) -> Line;
}

impl WithoutCr for Line {
    fn trim_end_matches_cr(self) -> Line {
        if self.ends_with('\r') { self.slice(..self.len() - 1) } else { self }
    }
}

impl RddNode<Line> for TextSplits {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, Line>) -> ControlFlow<Stop> {
        match self.read(&self.splits[part.0 as usize], ctx, sink) {
            Ok(flow) => flow,
            Err(error) => ControlFlow::Break(Stop::Failed(TaskError::Exception(error.to_string()))),
        }
    }
}

/// The lines of a text that is replayed as a stream.
#[derive(Clone, Debug)]
pub struct ReplayText {
    /// What it is: a path.
    pub name: String,
    lines: Arc<Vec<Line>>,
}

impl ReplayText {
    /// Loads a file, or all files of a directory in name order.
    ///
    /// # Errors
    /// When a file cannot be read, or holds no line.
    pub fn load(files: &dyn Files, path: &str) -> Result<Self> {
        let mut lines = Vec::new();
        for file in files.list(path)? {
            let len = usize::try_from(files.len(&file)?).unwrap_or(usize::MAX);
            let bytes = files.read(&file, 0, len)?;
            Self::split(&String::from_utf8_lossy(&bytes), &mut lines);
        }
        if lines.is_empty() {
            return Err(crate::error::EngineError::Input {
                path: path.to_owned(),
                message: "it holds no line of text; give a text file, or a directory of text files".into(),
            });
        }
        Ok(Self { name: path.to_owned(), lines: Arc::new(lines) })
    }

    /// A text that is already here.
    pub fn from_text(name: &str, text: &str) -> Self {
        let mut lines = Vec::new();
        Self::split(text, &mut lines);
        Self { name: name.to_owned(), lines: Arc::new(lines) }
    }

    fn split(text: &str, lines: &mut Vec<Line>) {
        let text = Line::from(text.to_owned());
        let mut from = 0;
        for line in text.split('\n') {
            let end = from + line.len();
            let kept = text.slice(from..end).trim_end_matches_cr();
            if !kept.trim().is_empty() {
                lines.push(kept);
            }
            from = end + 1;
        }
    }

    /// Number of lines that are not blank.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The first `count` lines, fewer when there are fewer.
    pub fn first_lines(&self, count: usize) -> Vec<Line> {
        self.lines.iter().take(count).cloned().collect()
    }

    /// The n-th line, from 0; after the last line comes the first again. An empty text has none.
    pub(crate) fn line(&self, n: u64) -> Option<Line> {
        let n = n.checked_rem(self.lines.len() as u64)?;
        self.lines.get(n as usize).cloned()
    }

    /// `count` lines from `first` on; after the last line comes the first again.
    fn lines(&self, first: usize, count: usize) -> impl Iterator<Item = Line> + '_ {
        (first..first + count).map(|i| self.lines[i % self.lines.len()].clone())
    }
}

/// A range of lines of a replayed text, cut into partitions: any of them can be read again.
struct ReplayRange {
    text: ReplayText,
    first: usize,
    count: usize,
    partitions: u32,
}

impl RddNode<Line> for ReplayRange {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, Line>) -> ControlFlow<Stop> {
        let range = slice_of(self.count, self.partitions, part);
        let mut lines: Vec<Line> = self.text.lines(self.first + range.start, range.len()).collect();
        ctx.count_source(lines.len() as u64);
        if lines.is_empty() { ControlFlow::Continue(()) } else { sink(Chunk::Owned(&mut lines)) }
    }
}

impl SparkContext {
    /// An RDD of the given records in `partitions` slices.
    #[track_caller]
    pub fn parallelize<T: Data>(&self, values: Vec<T>, partitions: u32) -> Rdd<T> {
        let _scope = self.open("parallelize", Location::caller());
        let core = self.new_core("ParallelCollectionRDD", partitions, None, Determinism::Determinate, Vec::new());
        Rdd::new(core, Collection { values: Arc::new(values), partitions })
    }

    /// An RDD of one partition per record, each with the places where it would rather be computed (R2.14).
    /// Places that do not exist are no error: such a partition is computed anywhere.
    #[track_caller]
    pub fn make_rdd<T: Data>(&self, values: Vec<(T, Vec<TaskLocation>)>) -> Rdd<T> {
        let _scope = self.open("makeRDD", Location::caller());
        let (values, locations): (Vec<T>, Vec<_>) = values.into_iter().unzip();
        let partitions = values.len() as u32;
        let core = self.new_core("ParallelCollectionRDD", partitions, None, Determinism::Determinate, Vec::new());
        core.set_locations(locations);
        Rdd::new(core, Collection { values: Arc::new(values), partitions })
    }

    /// An RDD of no partitions.
    #[track_caller]
    pub fn empty_rdd<T: Data>(&self) -> Rdd<T> {
        let _scope = self.open("emptyRDD", Location::caller());
        Rdd::new(self.new_core("EmptyRDD", 0, None, Determinism::Determinate, Vec::new()), Empty)
    }

    /// The lines of a file, or of all files of a directory, in at least `min_partitions` splits.
    ///
    /// # Errors
    /// When the path cannot be listed.
    #[track_caller]
    pub fn text_file(&self, path: &str, min_partitions: u32) -> Result<Rdd<Line>> {
        let _scope = self.open("textFile", Location::caller());
        let files = Arc::clone(&self.0.files);
        let mut lengths = Vec::new();
        for file in files.list(path)? {
            let len = files.len(&file)?;
            lengths.push((file, len));
        }
        let total: u64 = lengths.iter().map(|(_, len)| len).sum();
        let goal = total.div_ceil(u64::from(min_partitions.max(1))).max(1);
        let splits: Vec<Split> = lengths.into_iter().flat_map(|(path, len)| Split::cut(&path, len, goal)).collect();
        let count = u32::try_from(splits.len()).unwrap_or(u32::MAX);
        let core = self.new_core("HadoopRDD", count, None, Determinism::Determinate, Vec::new());
        let splits = Rdd::new(core, TextSplits { splits, files }).set_name(path);
        Ok(splits.map(|line| line).set_name(path))
    }

    /// The lines of one file of a file stream, and how many there are. What it holds now is what it is
    /// taken to hold later.
    pub(crate) fn new_text_file(&self, path: &str) -> Result<(Rdd<Line>, u64)> {
        let files = Arc::clone(&self.0.files);
        let (len, lines) = count_lines(&*files, path)?;
        let splits = Split::cut(path, len, BLOCK_LEN);
        let count = u32::try_from(splits.len()).unwrap_or(u32::MAX);
        let core = self.new_core("NewHadoopRDD", count, None, Determinism::Determinate, Vec::new());
        Ok((Rdd::new(core, TextSplits { splits, files }).set_name(path), lines))
    }

    /// The files of programs.
    pub(crate) fn files(&self) -> &dyn Files {
        &*self.0.files
    }

    /// `count` lines of a replayed text from `first` on, in `partitions` slices.
    pub(crate) fn replay_range(&self, text: &ReplayText, first: usize, count: usize, partitions: u32) -> Rdd<Line> {
        let core = self.new_core("TextReplayRDD", partitions, None, Determinism::Determinate, Vec::new());
        Rdd::new(core, ReplayRange { text: text.clone(), first, count, partitions }).set_name(&text.name)
    }
}
