//! What each tier of the read order answered: memory, checkpoint, lineage.

use super::names::{Tense, count};
use super::reads::{Origin, Read, Reads};
use super::{Focus, Step};
use crate::model::{Left, Model, RddState, Sign};
use faultline_engine::event::{BlockRemoval, RecomputeCause};
use faultline_engine::ids::*;

/// Earlier batches among which the last checkpoint of an operator is looked for.
const BATCHES_SEARCHED: usize = 64;

/// Whether blocks of a partition are, or were, meant to be found in a tier above lineage.
pub(super) fn is_kept(rdd: &RddState, partition: PartitionId) -> bool {
    let stored = rdd.partition(partition).is_some_and(|p| p.left.is_some() || !p.copies.is_empty());
    rdd.info.level.is_valid() || rdd.checkpoint_marked || rdd.checkpoint_path.is_some() || stored
}

/// Where a stored block was found: its sign and its words.
pub(super) fn found(origin: Origin) -> Option<(Sign, String)> {
    match origin {
        Origin::Memory(executor) => Some((Sign::InMemory, format!("in memory on executor {executor}"))),
        Origin::Disk(executor) => Some((Sign::OnDisk, format!("on the disk of executor {executor}"))),
        Origin::Remote(executor) => Some((Sign::InMemory, format!("kept by executor {executor}"))),
        Origin::Checkpoint | Origin::WriteAheadLog | Origin::Computed => None,
    }
}

/// `in memory? lost with executor 2`.
pub(super) fn memory(model: &Model, reads: &Reads, read: &Read) -> Step {
    let (sign, words) = found(read.origin).unwrap_or_else(|| absence(model, reads, read));
    Step::new(sign, format!("in memory? {words}"))
}

/// Why no stored block served a read.
fn absence(model: &Model, reads: &Reads, read: &Read) -> (Sign, String) {
    let plain = |words: &str| (Sign::ComputedNotKept, words.to_owned());
    let Some(rdd) = model.rdds.get(&read.block.rdd) else { return plain("no") };
    let left = rdd.partition(read.block.partition).and_then(|p| p.left).filter(|l| l.at <= reads.launched);
    if read.origin == Origin::Computed && !read.repeats {
        return (Sign::NeverComputed, "not computed before".to_owned());
    }
    if let Some(left) = left {
        return departure(left);
    }
    let kept = is_kept(rdd, read.block.partition);
    match read.cause {
        Some(RecomputeCause::LostWithExecutor(executor)) if kept => {
            (Sign::Lost, format!("lost with executor {executor}"))
        }
        Some(RecomputeCause::Evicted) if kept => (Sign::Evicted, "it did not fit, or made room".to_owned()),
        Some(RecomputeCause::Dropped) if kept => (Sign::Lost, "dropped".to_owned()),
        _ if !rdd.info.level.is_valid() => plain("not persisted"),
        _ => plain("not there"),
    }
}

fn departure(left: Left) -> (Sign, String) {
    let executor = left.executor;
    match left.removal {
        None => (Sign::Lost, format!("lost with executor {executor}")),
        Some(BlockRemoval::Dropped) => (Sign::Lost, format!("dropped on executor {executor}")),
        Some(BlockRemoval::Unreadable) => (Sign::Lost, format!("unreadable on executor {executor}")),
        Some(BlockRemoval::Evicted) => (Sign::Evicted, format!("evicted from executor {executor}")),
        Some(BlockRemoval::Unpersisted) => (Sign::ComputedNotKept, "unpersisted".to_owned()),
    }
}

/// `in a checkpoint? not this batch, batch 5 has one`.
pub(super) fn checkpoint(model: &Model, reads: &Reads, read: &Read) -> Step {
    if read.origin == Origin::Checkpoint {
        let step = Step::new(
            Sign::ReadBack,
            format!("in a checkpoint? read back from {}{}", directory(model, read.block.rdd), after(model, read)),
        );
        return led(model, read, step);
    }
    Step::new(Sign::NeverComputed, format!("in a checkpoint? {}", no_checkpoint(model, reads, read.block.rdd)))
}

/// `read back from the write-ahead log, 12 records`.
pub(super) fn logged(read: &Read) -> String {
    let records = read.records.map_or_else(String::new, |n| format!(", {}", count(n as usize, "record")));
    format!("read back from the write-ahead log{records}")
}

/// `, which driver 2 found in checkpoint-1767225607000` of what an earlier life had saved.
pub(super) fn after(model: &Model, read: &Read) -> String {
    let found =
        model.saved_before(read.block.rdd).and_then(|(life, _)| Some((life.number, life.from_checkpoint.as_ref()?)));
    found.map_or_else(String::new, |(life, recovery)| {
        format!(", which driver {life} found named in {}", super::driver::name(&recovery.path))
    })
}

/// A step about a file that an earlier life saved leads to the life that found it.
pub(super) fn led(model: &Model, read: &Read, step: Step) -> Step {
    match model.saved_before(read.block.rdd) {
        Some((life, _)) => step.to(Focus::Driver(life.number)),
        None => step,
    }
}

/// `rdd-28`, or its file when the log does not name it.
pub(super) fn directory(model: &Model, rdd: RddId) -> String {
    let path = model.rdds.get(&rdd).and_then(|r| r.checkpoint_path.as_deref());
    let path = path.or_else(|| Some(model.saved_before(rdd)?.1.dir.as_str()));
    let name = path.and_then(|p| p.trim_end_matches('/').rsplit('/').next());
    name.filter(|name| !name.is_empty()).unwrap_or("its file").to_owned()
}

fn no_checkpoint(model: &Model, reads: &Reads, id: RddId) -> String {
    let Some(rdd) = model.rdds.get(&id) else { return "none".to_owned() };
    let written_later = model.checkpoints.get(&id).is_some_and(|c| c.at > reads.launched);
    if written_later {
        return "not written yet".to_owned();
    }
    if rdd.checkpoint_marked && rdd.checkpoint_path.is_none() {
        return "marked, not written".to_owned();
    }
    let op = &rdd.info.op;
    let Some(batch) = op.batch else { return "not checkpointed".to_owned() };
    match last_checkpointed(model, &op.operator, batch, reads.launched) {
        Some(found) => format!("not this batch, batch {found} has one"),
        None if has_interval(model, &op.operator) => "none so far".to_owned(),
        None => "not checkpointed".to_owned(),
    }
}

fn has_interval(model: &Model, operator: &OperatorName) -> bool {
    model.streams.streams.iter().any(|s| s.operator == *operator && s.checkpoint_interval.is_some())
}

/// The last batch before `batch` whose RDD of an operator had a checkpoint at a time.
fn last_checkpointed(model: &Model, operator: &OperatorName, batch: BatchId, at: Timestamp) -> Option<BatchId> {
    let instances = model.operator_instances(operator)?;
    let before = instances.range(..Some(batch)).rev().take(BATCHES_SEARCHED);
    let written = |id: &RddId| model.checkpoints.get(id).is_some_and(|c| c.at <= at);
    before.into_iter().find(|(_, rdds)| rdds.iter().any(written)).and_then(|(batch, _)| *batch)
}

/// `so it was computed again, from`.
pub(super) fn lineage(model: &Model, reads: &Reads, read: &Read) -> Step {
    let verb = reads.tense.of("is", "was");
    if !read.repeats {
        let sign = reads.tense.of_sign(Sign::Computing, Sign::ComputedNotKept);
        return Step::new(sign, format!("so it {verb} computed, from"));
    }
    let sign =
        if read.loss { Sign::ComputingAgain } else { reads.tense.of_sign(Sign::Computing, Sign::ComputedNotKept) };
    let source = model.rdds.get(&read.block.rdd).is_some_and(|r| r.info.parents.is_empty());
    let from = if source { "from its source" } else { "from" };
    Step::new(sign, format!("so it {verb} computed again, {from}"))
}

impl Tense {
    pub(super) const fn of_sign(self, now: Sign, then: Sign) -> Sign {
        match self {
            Self::Now => now,
            Self::Then => then,
        }
    }
}
