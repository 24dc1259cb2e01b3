//! Going on where another driver stood: its epoch, what it left, and which batches run again (R15.11).

use super::Driver;
use super::effects::{Effect, Effects, StoreOp};
use super::graph_checkpoints::GraphCheckpoints;
use super::input::{CheckpointPlan, ReceivedLogPlan, Reply, SlotId, StreamingPlan};
use crate::error::EngineError;
use crate::event::{ClockKind, Event, Finding, RecoveryInfo, SavedState};
use crate::ids::*;
use crate::recovery::{GraphDescription, Recovered, StreamingCheckpoint};
use std::collections::{BTreeMap, VecDeque};

/// Where batches begin.
pub(super) struct Beginning {
    /// Batch times are multiples of the interval after it.
    pub zero: Timestamp,
    /// Batches that come before `first`, oldest first.
    pub rerun: VecDeque<u32>,
    /// The number from which on every batch is generated.
    pub first: u32,
    /// Whether a former driver's batches go on.
    pub continues: bool,
}

impl Beginning {
    /// R11.1: batch times are multiples of the interval.
    pub fn anew(now: Timestamp, interval: Millis) -> Self {
        let interval_ns = interval.0.max(1) * 1_000_000;
        Self { zero: Timestamp(now.0 / interval_ns * interval_ns), rerun: VecDeque::new(), first: 1, continues: false }
    }

    /// R15.11: what was pending, then the checkpoint time and everything after it.
    fn again(checkpoint: &StreamingCheckpoint) -> Self {
        let first = checkpoint.batch().0.max(1);
        let rerun = checkpoint.pending.iter().map(|batch| batch.0).filter(|batch| *batch < first).collect();
        Self { zero: checkpoint.zero, rerun, first, continues: true }
    }
}

impl Driver {
    /// Before a stream with graph checkpoints starts, its driver takes over their directory.
    pub(super) fn take_epoch(&mut self, slot: SlotId, plan: StreamingPlan, fx: &mut Effects) {
        let Some(dir) = plan.checkpoint.as_ref().map(|checkpoint| checkpoint.dir.clone()) else { return };
        let (application, plan) = (self.config.app_id(), Box::new(plan));
        fx.push(Effect::Store(StoreOp::TakeEpoch { slot, dir, application, plan }));
    }

    pub(super) fn epoch_taken(
        &mut self,
        now: Timestamp,
        slot: SlotId,
        mut plan: StreamingPlan,
        result: Result<u64, String>,
        fx: &mut Effects,
    ) {
        let Some(CheckpointPlan { dir, inputs, restored, replay_received }) =
            plan.checkpoint.take().filter(|_| !self.ended)
        else {
            return;
        };
        let epoch = match result {
            Ok(epoch) => epoch,
            Err(message) => {
                self.starting = false;
                let error = EngineError::Store { message, path: dir };
                fx.push(Effect::Reply(slot, Reply::Done(Err(error))));
                return;
            }
        };
        let continues = restored.is_some() || replay_received;
        self.emit(now, fx, Event::DriverEpochTaken { dir: dir.clone(), epoch, continues });
        let beginning = match &restored {
            Some(recovered) => Beginning::again(&recovered.checkpoint),
            None => Beginning::anew(now, plan.interval),
        };
        let mut description = StreamingCheckpoint {
            application: self.config.app_name.clone(),
            application_id: self.config.app_id(),
            epoch,
            time: beginning.zero,
            zero: beginning.zero,
            interval: plan.interval,
            graph: GraphDescription { streams: plan.streams.clone(), outputs: plan.outputs.clone(), inputs },
            properties: self.config.properties(),
            pending: [].into(),
            skipped: [].into(),
            batches: BTreeMap::new(),
            saved: BTreeMap::new(),
            rates: BTreeMap::new(),
            log: None,
            next_rdd: RddId(0),
        };
        let mut before = BTreeMap::new();
        if let Some(mut recovered) = restored {
            before = std::mem::take(&mut recovered.named);
            self.restore(now, &mut description, *recovered, fx);
        }
        self.beginning = Some(beginning);
        plan.received_log = Some(ReceivedLogPlan { dir: dir.clone(), epoch, replay: replay_received });
        self.graph = Some(GraphCheckpoints::new(dir, description, before));
        if plan.receivers.is_empty() {
            self.begin_streaming(now, slot, plan, fx);
        } else {
            self.open_received_log(slot, plan, fx);
        }
    }

    /// Takes over what is known of batches, and says what that means.
    fn restore(
        &mut self,
        now: Timestamp,
        description: &mut StreamingCheckpoint,
        recovered: Recovered,
        fx: &mut Effects,
    ) {
        let Recovered { checkpoint, key, damaged, .. } = recovered;
        for file in &damaged {
            let message = format!("the checkpoint cannot be used, {}; {key} is used instead", file.reason);
            let finding = Finding { kind: "graph-checkpoint-damaged".into(), message, place: file.key.clone() };
            self.emit(now, fx, Event::FindingReported { finding });
        }
        if checkpoint.time > now {
            fx.push(Effect::AdvanceClock(checkpoint.time));
            if self.config.clock == ClockKind::Wall {
                let behind = checkpoint.time.ns_since(now) / 1_000_000;
                let message = format!(
                    "the clock was set back: it is {behind} ms behind the checkpoint, and no batch is due before it gets there; set it right"
                );
                let finding = Finding { kind: "clock-behind-checkpoint".into(), message, place: key.clone() };
                self.emit(now, fx, Event::FindingReported { finding });
            }
        }
        let restart = now.max(checkpoint.time).ns_since(checkpoint.zero) / (checkpoint.interval.0.max(1) * 1_000_000);
        let restart = BatchId(u32::try_from(restart).unwrap_or(u32::MAX).saturating_add(1));
        let operators: BTreeMap<StreamId, OperatorName> =
            checkpoint.graph.streams.iter().map(|stream| (stream.id, stream.operator.clone())).collect();
        let state = |stream: &StreamId, batch: &BatchId, dir: &str| {
            Some(SavedState { operator: operators.get(stream)?.clone(), batch: *batch, dir: dir.to_owned() })
        };
        let saved = checkpoint.saved.iter();
        let states = saved.flat_map(|(stream, batches)| {
            batches.iter().filter_map(move |(batch, saved)| state(stream, batch, &saved.dir))
        });
        let recovery = RecoveryInfo {
            states: states.collect(),
            path: key,
            epoch: checkpoint.epoch,
            batch: checkpoint.batch(),
            pending: checkpoint.pending.iter().copied().collect(),
            restart,
            saved: checkpoint.saved.values().flat_map(|batches| batches.values().map(|s| s.dir.clone())).collect(),
            damaged: damaged.into_iter().map(|file| file.key).collect(),
        };
        self.completed_before = Some((checkpoint.batch(), checkpoint.pending.clone()));
        self.emit(now, fx, Event::StreamingRecovered { recovery });
        description.time = checkpoint.time;
        description.pending = checkpoint.pending;
        description.skipped = checkpoint.skipped;
        description.batches = checkpoint.batches;
        description.saved = checkpoint.saved;
        description.rates = checkpoint.rates;
        description.log = checkpoint.log;
        description.next_rdd = checkpoint.next_rdd;
    }
}
