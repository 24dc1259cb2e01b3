//! Receivers: where each runs, which blocks wait for the next batch, and who starts again (R17).

use super::Driver;
use super::effects::{Effect, Effects, ReceiverOp};
use super::input::{BatchTick, ReceivedBlock, ReceiverNews, ReceiverPlan};
use crate::event::{Event, Finding, ReceiverInfo};
use crate::ids::*;
use crate::scheduler::Outbox;
use std::collections::BTreeMap;

/// One receiver.
struct Receiver {
    plan: ReceiverPlan,
    /// Counts its starts by the driver; what an earlier one still says about itself is not heard.
    attempt: u32,
    info: ReceiverInfo,
    /// Blocks that belong to no batch yet, in the order of their arrival.
    waiting: Vec<ReceivedBlock>,
}

/// All receivers of the application.
#[derive(Default)]
pub(super) struct Receivers {
    by_stream: BTreeMap<StreamId, Receiver>,
    stopped: bool,
    /// The last batch that was given blocks (R18.5).
    allocated: u32,
}

impl Receivers {
    /// As the streaming context announced them; none runs yet.
    pub fn new(plans: Vec<ReceiverPlan>) -> Self {
        let receiver = |plan: ReceiverPlan| {
            let info = ReceiverInfo {
                stream: plan.stream,
                name: format!("SocketReceiver {}:{}", plan.host, plan.port),
                active: false,
                executor: None,
                last_error_message: String::new(),
                last_error: String::new(),
                last_error_time: None,
            };
            (plan.stream, Receiver { plan, attempt: 0, info, waiting: Vec::new() })
        };
        Self { by_stream: plans.into_iter().map(receiver).collect(), ..Self::default() }
    }
}

impl Receiver {
    fn failed(&mut self, now: Timestamp, message: String, error: String) {
        self.info.last_error_message = message;
        self.info.last_error = error;
        self.info.last_error_time = Some(now);
    }
}

impl Driver {
    /// Starts receivers that run nowhere, and restarts those whose executor is gone, elsewhere (R17.3).
    pub(super) fn tend_receivers(&mut self, now: Timestamp, fx: &mut Effects) {
        if self.receivers.stopped || self.receivers.by_stream.is_empty() {
            return;
        }
        let living: Vec<ExecutorId> = self.scheduler.executors().collect();
        let open = |e: &ExecutorId| self.scheduler.takes_work(*e);
        let mut events = Vec::new();
        let mut load: BTreeMap<ExecutorId, u32> = living.iter().filter(|e| open(e)).map(|e| (*e, 0)).collect();
        for receiver in self.receivers.by_stream.values() {
            if let Some(count) = receiver.info.executor.and_then(|e| load.get_mut(&e)) {
                *count += 1;
            }
        }
        for receiver in self.receivers.by_stream.values_mut() {
            let lost = receiver.info.executor.filter(|e| !living.contains(e));
            if let Some(lost) = lost {
                receiver.info.active = false;
                receiver.failed(now, format!("executor {lost} is gone; what it had buffered is lost"), String::new());
                events.push(Event::ReceiverStopped { receiver: receiver.info.clone() });
                receiver.info.executor = None;
            }
            if receiver.info.executor.is_some() {
                continue;
            }
            // R17.1: even spread; the executor with the fewest receivers, then the first.
            let Some((&executor, _)) = load.iter().min_by_key(|(id, count)| (**count, **id)) else { continue };
            load.entry(executor).and_modify(|count| *count += 1);
            receiver.attempt += 1;
            receiver.info.executor = Some(executor);
            let (plan, attempt) = (receiver.plan.clone(), receiver.attempt);
            fx.push(Effect::Receiver(ReceiverOp::Start { plan, executor, attempt }));
        }
        for event in events {
            self.emit(now, fx, event);
        }
    }

    pub(super) fn on_receiver_news(
        &mut self,
        now: Timestamp,
        (stream, attempt): (StreamId, u32),
        news: ReceiverNews,
        out: &mut Outbox,
    ) {
        // A block counts wherever a copy of it lives, even if its receiver died meanwhile.
        if let ReceiverNews::Stored { block, reports } = news {
            self.scheduler.blocks_changed(reports, out);
            let holders = self.scheduler.input_holders(block.id);
            if let (Some(receiver), Some(first)) = (self.receivers.by_stream.get_mut(&stream), holders.first()) {
                receiver.waiting.push(block);
                let executor = receiver.info.executor.unwrap_or(*first);
                out.events.push(Event::ReceivedBlockAdded { block: block.id, executor, records: block.records });
            }
            return;
        }
        let stopped = self.receivers.stopped;
        let Some(receiver) = self.receivers.by_stream.get_mut(&stream) else { return };
        if receiver.attempt != attempt || stopped {
            return;
        }
        out.events.push(match news {
            ReceiverNews::Started => {
                receiver.info.active = true;
                Event::ReceiverStarted { receiver: receiver.info.clone() }
            }
            ReceiverNews::Error { message, error } => {
                receiver.failed(now, message, error);
                Event::ReceiverError { receiver: receiver.info.clone() }
            }
            ReceiverNews::Stopped { message, error } => {
                receiver.info.active = false;
                receiver.failed(now, message, error);
                Event::ReceiverStopped { receiver: receiver.info.clone() }
            }
            ReceiverNews::Stored { .. } => return,
        });
    }

    /// R17.10, R17.11: the blocks that arrived since the last batch, each in exactly one batch. Those of
    /// which no copy is left are dropped, and said.
    pub(super) fn allocate_blocks(
        &mut self,
        now: Timestamp,
        tick: BatchTick,
        fx: &mut Effects,
    ) -> BTreeMap<StreamId, Vec<ReceivedBlock>> {
        let mut allocated = BTreeMap::new();
        if tick.batch.0 <= self.receivers.allocated {
            return allocated;
        }
        self.receivers.allocated = tick.batch.0;
        let mut findings = Vec::new();
        for (stream, receiver) in &mut self.receivers.by_stream {
            let waiting = std::mem::take(&mut receiver.waiting);
            let (kept, lost): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|block| !self.scheduler.input_holders(block.id).is_empty());
            if let Some(first) = lost.first() {
                let (count, records) = (lost.len(), lost.iter().map(|b| b.records).sum::<u64>());
                findings.push(Finding {
                    kind: "received-blocks-lost".into(),
                    message: format!(
                        "Some blocks could not be recovered as they were not found in memory: {count} of stream {stream}, {records} records, the first is {}; keep two copies, or read from a source that can be read again",
                        first.id
                    ),
                    place: format!("batch {}", tick.batch),
                });
            }
            allocated.insert(*stream, kept);
        }
        for finding in findings {
            self.emit(now, fx, Event::FindingReported { finding });
        }
        allocated
    }

    /// The application ends: every receiver stops.
    pub(super) fn stop_receivers(&mut self, now: Timestamp, fx: &mut Effects) {
        if std::mem::replace(&mut self.receivers.stopped, true) {
            return;
        }
        let mut events = Vec::new();
        for (stream, receiver) in &mut self.receivers.by_stream {
            fx.push(Effect::Receiver(ReceiverOp::Stop { stream: *stream }));
            if std::mem::replace(&mut receiver.info.active, false) {
                events.push(Event::ReceiverStopped { receiver: receiver.info.clone() });
            }
        }
        for event in events {
            self.emit(now, fx, event);
        }
    }
}
