//! `getOrCreate`: a context that goes on where a former driver stood (R15.7 to R15.11).
//!
//! Functions are not in a checkpoint: the program builds its streams again, and they are held against the
//! description when the context starts.

use super::context::StreamingContext;
use crate::driver::{Reply, Request};
use crate::error::{EngineError, Result};
use crate::event::{Event, Finding};
use crate::ids::*;
use crate::rdd::{Notice, SparkContext};
use crate::recovery::{
    BatchPlan, CheckpointUnreadable, Difference, GraphDescription, OnChange, Recovered, SavedRdd, StreamingCheckpoint,
    differences, left_behind, rename,
};
use crate::runtime::slots;
use std::collections::BTreeMap;

/// Differences that a message names; there may be very many.
const DIFFERENCES_SHOWN: usize = 20;

/// What `getOrCreate` does when there are checkpoints and none can be read (R15.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnreadable {
    /// It says so and makes no context: Spark's default.
    #[default]
    Fail,
    /// It begins anew: Spark's `createOnError = true`.
    Create,
}

fn read(dir: &str) -> Result<std::result::Result<Option<Box<Recovered>>, CheckpointUnreadable>> {
    match slots::call(Request::Recover(dir.to_owned()))? {
        Reply::Recovered(result) => Ok(result),
        _ => Err(EngineError::DriverLost),
    }
}

impl StreamingContext {
    /// The context that `create` makes. If there is a checkpoint in `dir`, it goes on from there when it starts:
    /// what was pending runs again, and so does everything from the checkpoint's time on (R15.11). Else it
    /// begins anew, and `dir` becomes its checkpoint directory.
    ///
    /// Unlike in Spark `create` is called in both cases, because functions cannot be read from a file.
    ///
    /// # Errors
    /// `Failed to read checkpoint from directory …` when there are files and none can be used, Spark's text when
    /// a stream of the program cannot be recovered, and what `create` returns.
    pub fn get_or_create(
        sc: &SparkContext,
        dir: &str,
        create: impl FnOnce(&SparkContext) -> Result<Self>,
    ) -> Result<Self> {
        Self::get_or_create_with(sc, dir, OnUnreadable::Fail, create)
    }

    /// As [`StreamingContext::get_or_create`]; says what happens when nothing there can be read.
    ///
    /// # Errors
    /// As [`StreamingContext::get_or_create`].
    pub fn get_or_create_with(
        sc: &SparkContext,
        dir: &str,
        on_unreadable: OnUnreadable,
        create: impl FnOnce(&SparkContext) -> Result<Self>,
    ) -> Result<Self> {
        let dir = dir.trim_matches('/');
        let (recovered, continues) = match read(dir)? {
            Ok(recovered) => (recovered, true),
            Err(unreadable) if on_unreadable == OnUnreadable::Create => {
                report(sc, "graph-checkpoint-discarded", dir, format!("{unreadable}; the stream begins anew"));
                (None, false)
            }
            Err(unreadable) => return Err(EngineError::IllegalState(unreadable.to_string())),
        };
        let ssc = Self::made(create(sc)?, dir, recovered)?;
        ssc.set_continues(continues);
        Ok(ssc)
    }

    /// The context that `create` makes, which goes on from the checkpoint in `dir` when it starts.
    ///
    /// # Errors
    /// Spark's text when there is no checkpoint; else as [`StreamingContext::get_or_create`].
    pub fn recover(sc: &SparkContext, dir: &str, create: impl FnOnce(&SparkContext) -> Result<Self>) -> Result<Self> {
        let dir = dir.trim_matches('/');
        match read(dir)? {
            Ok(Some(recovered)) => {
                let ssc = Self::made(create(sc)?, dir, Some(recovered))?;
                ssc.set_continues(true);
                Ok(ssc)
            }
            Ok(None) => Err(EngineError::IllegalArgument(
                "Spark Streaming cannot be initialized with both SparkContext and checkpoint as null".to_owned(),
            )),
            Err(unreadable) => Err(EngineError::IllegalState(unreadable.to_string())),
        }
    }

    fn made(ssc: Self, dir: &str, recovered: Option<Box<Recovered>>) -> Result<Self> {
        if let Some(why) = ssc.inputs().refusal().filter(|_| recovered.is_some()) {
            ssc.release();
            return Err(EngineError::IllegalState(format!("Failed to read checkpoint from directory {dir}: {why}")));
        }
        if ssc.checkpoint_dir().is_none() {
            ssc.checkpoint(dir);
        }
        ssc.set_recovered(recovered);
        Ok(ssc)
    }

    /// What the context goes on from, with the stream ids of this program; nothing when it begins anew.
    ///
    /// # Errors
    /// What changed since, unless the settings say what is done then.
    pub(super) fn held_against(&self, graph: GraphDescription) -> Result<Option<Box<Recovered>>> {
        let Some(mut recovered) = self.take_recovered() else { return Ok(None) };
        let config = self.spark_context().config();
        if config.on_change == OnChange::Migrate {
            let checkpoint = &mut recovered.checkpoint;
            let renamed = config.renamed.as_deref().unwrap_or_default();
            rename(checkpoint, renamed, &graph.streams)
                .map_err(|reason| EngineError::IllegalArgument(format!("faultline.recovery.renamed: {reason}")))?;
            let dropped = left_behind(checkpoint, &graph.streams);
            if !dropped.is_empty() {
                return Err(would_drop(&recovered.key, &dropped));
            }
        }
        let changed = differences(&recovered.checkpoint, self.interval(), &graph, &config.properties());
        if !changed.is_empty() {
            let other_interval = recovered.checkpoint.interval != self.interval();
            match config.on_change {
                OnChange::Discard => {
                    let message =
                        format!("the checkpoint is not used, because the program has changed: {}", named(&changed));
                    report(self.spark_context(), "program-changed", &recovered.key, message);
                    self.set_continues(false);
                    return Ok(None);
                }
                OnChange::Keep | OnChange::Migrate if !other_interval => {
                    if let Some(moved) = moved_receiver(&recovered.checkpoint, &graph, &self.received_streams()) {
                        return Err(EngineError::IllegalState(format!(
                            "the program has changed since {} was written, and its received blocks cannot be kept, because {moved}; register input streams first and in their former order, or begin anew with --on-change discard: {}",
                            recovered.key,
                            named(&changed)
                        )));
                    }
                    let message = format!("the program has changed, and what fits is kept: {}", named(&changed));
                    report(self.spark_context(), "program-changed", &recovered.key, message);
                }
                OnChange::Ask | OnChange::Keep | OnChange::Migrate => {
                    return Err(refused(&recovered.key, &changed, other_interval));
                }
            }
        }
        let streams = graph.streams.clone();
        renumber(&mut recovered.checkpoint, &streams);
        recovered.checkpoint.graph = graph;
        Ok(Some(recovered))
    }

    /// What was saved, and what inputs gave to which batch, is as it was for the former driver.
    pub(super) fn install(&self, checkpoint: &StreamingCheckpoint) {
        self.spark_context().continue_rdds_at(checkpoint.next_rdd);
        self.instances().restore(&checkpoint.saved);
        let last = checkpoint.batches.last_key_value().map_or(0, |(batch, _)| batch.0).max(checkpoint.batch().0);
        for (stream, input) in self.inputs().planned() {
            for (batch, plan) in &checkpoint.batches {
                if let Some(plan) = plan.inputs.get(&stream) {
                    input.restore(batch.0, plan);
                }
            }
            input.restored(last);
        }
    }
}

/// Why the log of received blocks would give blocks to another stream than their own: it knows streams by their
/// numbers only.
fn moved_receiver(before: &StreamingCheckpoint, graph: &GraphDescription, receivers: &[StreamId]) -> Option<String> {
    receivers.iter().find_map(|&stream| {
        let operator = &graph.streams.iter().find(|info| info.id == stream)?.operator;
        match before.graph.streams.iter().find(|info| info.operator == *operator) {
            Some(info) if info.id == stream => None,
            Some(info) => Some(format!("{operator} was stream {} and is stream {stream}", info.id)),
            None => {
                let other = before.graph.inputs.get(&stream)?;
                Some(format!("stream {stream}, which is {operator}, was {other}"))
            }
        }
    })
}

/// Data of operators that are no longer there is left out.
fn renumber(checkpoint: &mut StreamingCheckpoint, streams: &[crate::event::StreamInfo]) {
    let now: BTreeMap<StreamId, StreamId> = checkpoint
        .graph
        .streams
        .iter()
        .filter_map(|stream| Some((stream.id, checkpoint.stream_now(stream.id, streams)?)))
        .collect();
    let saved: BTreeMap<StreamId, BTreeMap<BatchId, SavedRdd>> = std::mem::take(&mut checkpoint.saved);
    checkpoint.saved = saved.into_iter().filter_map(|(id, rdds)| Some((*now.get(&id)?, rdds))).collect();
    let rates = std::mem::take(&mut checkpoint.rates);
    checkpoint.rates = rates.into_iter().filter_map(|(id, rate)| Some((*now.get(&id)?, rate))).collect();
    for BatchPlan { inputs, .. } in checkpoint.batches.values_mut() {
        let plans = std::mem::take(inputs);
        *inputs = plans.into_iter().filter_map(|(id, plan)| Some((*now.get(&id)?, plan))).collect();
    }
}

fn named(changed: &[Difference]) -> String {
    let mut texts: Vec<String> = changed.iter().take(DIFFERENCES_SHOWN).map(ToString::to_string).collect();
    if changed.len() > DIFFERENCES_SHOWN {
        texts.push(format!("{} more", changed.len() - DIFFERENCES_SHOWN));
    }
    texts.join("; ")
}

fn would_drop(key: &str, operators: &[String]) -> EngineError {
    EngineError::IllegalState(format!(
        "{key} has saved data of operators that the program has not: {}; name their new names with --rename OLD=NEW, \
         or start with --on-change keep to leave them behind",
        operators.join(", ")
    ))
}

fn refused(key: &str, changed: &[Difference], other_interval: bool) -> EngineError {
    let way_out = if other_interval {
        "batches of another interval cannot be continued: set the interval back, or begin anew with --on-change discard"
    } else {
        "start with --on-change keep to keep what fits, with --on-change migrate to name operators that were renamed, \
         or with --on-change discard to begin anew"
    };
    EngineError::IllegalState(format!("the program has changed since {key} was written, {way_out}: {}", named(changed)))
}

fn report(sc: &SparkContext, kind: &str, place: &str, message: String) {
    let finding = Finding { kind: kind.to_owned(), message, place: place.to_owned() };
    sc.tell(Notice::Fact(Event::FindingReported { finding }));
}
