//! Batches: ticks become generated job sets, job sets run one output operation after another (R11.4,
//! R11.6), completions clear what is no longer remembered.

use super::Driver;
use super::effects::{Effect, Effects, ReceivedLogOp};
use super::graph_checkpoints::GraphCheckpoints;
use super::input::{
    BatchTick, GeneratedBatch, Instruction, OpenedLog, OutputJob, Reply, SlotId, SlotSpawn, StreamingPlan,
};
use super::received_cleaning::remembered_batches;
use super::receivers::Receivers;
use super::recovering::Beginning;
use super::stopping::Stopping;
use crate::error::{EngineError, Result};
use crate::event::{BatchInfo, Event};
use crate::ids::*;
use crate::recovery::BatchPlan;
use crate::scheduler::Outbox;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Instructions that may wait; after a long time without a driver very many ticks are due at once.
const BACKLOG: usize = 1000;

/// A batch whose jobs are generated.
pub(super) struct WaitingBatch {
    pub tick: BatchTick,
    submitted: Timestamp,
    pub outputs: VecDeque<OutputJob>,
}

/// A batch whose output operations run.
pub(super) struct RunningBatch {
    pub batch: WaitingBatch,
    started: Timestamp,
    /// Output operations that run now.
    busy: BTreeMap<OutputOpId, OutputJob>,
    /// Output operations that failed, with the first error.
    pub failed: Vec<OutputJob>,
    pub failure: Option<EngineError>,
    /// How often it failed before.
    pub failures: u32,
}

/// State of a started streaming context.
pub(super) struct Streaming {
    zero: Timestamp,
    pub interval: Millis,
    /// Number of the next tick, from 1.
    pub next: u32,
    pub last: Option<u32>,
    pub stopping: bool,
    /// Work for the generator, in order.
    pub instructions: VecDeque<Instruction>,
    generator: Option<SlotId>,
    generating: bool,
    /// Output slots that wait for work, in the order in which they began to.
    idle: VecDeque<SlotId>,
    pub queue: VecDeque<WaitingBatch>,
    /// In the order in which they started; one, unless output operations run at once.
    pub running: Vec<RunningBatch>,
    /// The newest batch that completed.
    completed: BatchId,
    /// Who awaits the termination, and until when.
    awaiting: Vec<(SlotId, Option<Timestamp>)>,
    pub error: Option<EngineError>,
    /// A batch failed, and no other runs.
    pub halted: bool,
    /// How often the generation of a batch failed.
    pub failed_generations: BTreeMap<BatchId, u32>,
    pub stop: Option<Stopping>,
    /// It was stopped on purpose, and nothing is left to do.
    pub stopped: bool,
    /// A thread of the stream ended before its time.
    slots_gone: bool,
}

/// When the next batch may start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    AtOnce,
    AfterInput,
}

impl Streaming {
    const fn tick(&self, number: u32) -> BatchTick {
        let time = self.zero.plus(Millis(self.interval.0 * number as u64));
        BatchTick { batch: BatchId(number), time }
    }

    pub(super) fn next_tick_at(&self) -> Option<Timestamp> {
        let more =
            !self.stopping && self.last.is_none_or(|last| self.next <= last) && self.instructions.len() < BACKLOG;
        more.then(|| self.tick(self.next).time)
    }

    /// When something must happen although no input arrives.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let patience = self.awaiting.iter().filter_map(|(_, until)| *until).min();
        let stop = self.stop.as_ref().and_then(Stopping::until).filter(|_| !self.stopped);
        self.next_tick_at().into_iter().chain(patience).chain(stop).min()
    }

    /// The last batch that completed of those before which nothing runs or waits.
    fn completed_through(&self) -> BatchId {
        let running = self.running.iter().map(|running| running.batch.tick.batch);
        let waiting = self.queue.iter().map(|waiting| waiting.tick.batch);
        let oldest = running.chain(waiting).min();
        oldest.map_or(self.completed, |oldest| self.completed.min(BatchId(oldest.0.saturating_sub(1))))
    }

    /// Whether every tick so far has its batch, or none.
    pub(super) fn has_generated(&self) -> bool {
        !self.generating && !self.instructions.iter().any(|i| matches!(i, Instruction::Generate(_)))
    }

    /// Whether no batch waits or runs.
    pub(super) fn has_processed(&self) -> bool {
        self.queue.is_empty() && self.running.is_empty()
    }

    /// Whether the generator has nothing to do, or is gone.
    pub(super) fn has_forgotten(&self) -> bool {
        self.slots_gone || self.instructions.is_empty() && self.generator.is_some() && !self.generating
    }

    /// Nothing more will come, and nothing is left to do.
    fn is_done(&self) -> bool {
        if self.slots_gone || self.stopped {
            return true;
        }
        self.next_tick_at().is_none() && self.has_forgotten() && self.has_processed() && self.stop.is_none()
    }
}

impl Driver {
    pub(super) fn start_streaming(&mut self, now: Timestamp, slot: SlotId, plan: StreamingPlan, fx: &mut Effects) {
        if self.streaming.is_some() || self.starting {
            let text = "Only one StreamingContext may be started in this application, also after it was stopped; start another run for another stream";
            fx.push(Effect::Reply(slot, Reply::Done(Err(EngineError::IllegalState(text.into())))));
            return;
        }
        if plan.checkpoint.is_some() {
            self.starting = true;
            self.take_epoch(slot, plan, fx);
        } else if plan.received_log.is_some() && !plan.receivers.is_empty() {
            self.starting = true;
            self.open_received_log(slot, plan, fx);
        } else if self.config.receiver_log.enabled && !plan.receivers.is_empty() {
            let text = "Cannot enable receiver write-ahead log without checkpoint directory set. Please use streamingContext.checkpoint() to set the checkpoint directory, or switch spark.streaming.receiver.writeAheadLog.enable off.";
            fx.push(Effect::Reply(slot, Reply::Done(Err(EngineError::IllegalState(text.into())))));
        } else {
            self.begin_streaming(now, slot, plan, fx);
        }
    }

    /// What receivers store is logged: the stream starts when the log is open.
    pub(super) fn open_received_log(&self, slot: SlotId, plan: StreamingPlan, fx: &mut Effects) {
        let log = plan.received_log.as_ref().map(|log| format!("{}/receivedBlockMetadata", log.dir));
        let plan = Box::new(plan);
        fx.push(Effect::ReceivedLog(ReceivedLogOp::Open { slot, plan, log: log.unwrap_or_default() }));
    }

    /// The log of received blocks is open: now the stream starts. One that cannot be read is not an empty one.
    pub(super) fn log_opened(
        &mut self,
        now: Timestamp,
        slot: SlotId,
        plan: StreamingPlan,
        opened: std::result::Result<OpenedLog, String>,
        fx: &mut Effects,
    ) {
        match opened {
            Ok(opened) => {
                let remembered = remembered_batches(&plan);
                self.begin_streaming(now, slot, plan, fx);
                self.begin_received_log(now, &opened, remembered, fx);
            }
            Err(message) => {
                // The next start finds its own place to begin, and its own directory.
                self.starting = false;
                self.beginning = None;
                self.graph = None;
                let path = plan.received_log.map(|log| log.dir).unwrap_or_default();
                fx.push(Effect::Reply(slot, Reply::Done(Err(EngineError::Store { message, path }))));
            }
        }
    }

    pub(super) fn begin_streaming(&mut self, now: Timestamp, slot: SlotId, plan: StreamingPlan, fx: &mut Effects) {
        let beginning = self.beginning.take().unwrap_or_else(|| Beginning::anew(now, plan.interval));
        let Beginning { zero, rerun, first, continues } = beginning;
        self.report_states_at_risk(now, &plan, fx);
        self.emit(now, fx, Event::StreamGraphDefined { streams: plan.streams, outputs: plan.outputs });
        self.emit(now, fx, Event::StreamingStarted { zero, interval: plan.interval });
        if !continues {
            self.report_beginning_anew(now, fx);
        }
        let logs = plan.received_log.as_ref().map(|log| (log.dir.as_str(), log.epoch));
        self.receivers = Receivers::new(plan.receivers, plan.interval, logs, &self.config);
        if let Some(graph) = &self.graph {
            self.receivers.resume_rates(&graph.now.rates);
        }
        for (name, run) in plan.slots {
            let slot = SlotId(self.next_slot);
            self.next_slot += 1;
            fx.push(Effect::Spawn(SlotSpawn { slot, name, run }));
        }
        let mut streaming = Streaming {
            zero,
            interval: plan.interval,
            next: first,
            last: self.config.max_batches,
            stopping: false,
            instructions: VecDeque::new(),
            generator: None,
            generating: false,
            idle: VecDeque::new(),
            queue: VecDeque::new(),
            running: Vec::new(),
            completed: BatchId(0),
            awaiting: Vec::new(),
            error: None,
            halted: false,
            failed_generations: BTreeMap::new(),
            stop: None,
            stopped: false,
            slots_gone: false,
        };
        streaming.instructions =
            rerun.into_iter().map(|number| Instruction::Generate(streaming.tick(number))).collect();
        self.streaming = Some(streaming);
        self.starting = false;
        fx.push(Effect::Reply(slot, Reply::Done(Ok(()))));
        self.stop_if_wanted(now, fx);
    }

    pub(super) fn tick_streaming(&mut self, now: Timestamp) {
        let Some(s) = &mut self.streaming else { return };
        while s.next_tick_at().is_some_and(|at| at <= now) {
            s.instructions.push_back(Instruction::Generate(s.tick(s.next)));
            s.next += 1;
        }
    }

    pub(super) fn generator_waits(&mut self, slot: SlotId) {
        if let Some(s) = &mut self.streaming {
            s.generator = Some(slot);
        }
    }

    pub(super) fn output_slot_waits(&mut self, slot: SlotId) {
        if let Some(s) = &mut self.streaming {
            s.idle.push_back(slot);
        }
    }

    pub(super) fn await_termination(&mut self, slot: SlotId, until: Option<Timestamp>, fx: &mut Effects) {
        match &mut self.streaming {
            Some(s) => s.awaiting.push((slot, until)),
            None => {
                let error = EngineError::IllegalState("StreamingContext has not been started".to_owned());
                fx.push(Effect::Reply(slot, terminated(until, Err(error))));
            }
        }
    }

    /// The generator or an output slot ended, which they do not by themselves: the stream has failed.
    pub(super) fn streaming_slot_ended(&mut self, result: Result<()>) {
        if self.streaming.as_ref().is_some_and(|s| s.stopped) {
            return;
        }
        self.fail_streaming(result.err().unwrap_or(EngineError::DriverLost));
        if let Some(s) = &mut self.streaming {
            s.slots_gone = true;
        }
    }

    /// No further batch; what is generated still runs.
    pub(super) fn stop_streaming(&mut self) {
        if let Some(s) = &mut self.streaming {
            s.stopping = true;
            s.instructions.retain(|i| matches!(i, Instruction::Clear { .. }));
        }
    }

    pub(super) fn stop_streaming_slots(&mut self, fx: &mut Effects) {
        let Some(s) = &mut self.streaming else { return };
        s.stopping = true;
        s.queue.clear();
        if let Some(slot) = s.generator.take() {
            fx.push(Effect::Reply(slot, Reply::Generator(Instruction::Stop)));
        }
        for slot in s.idle.drain(..) {
            fx.push(Effect::Reply(slot, Reply::Output(None)));
        }
    }

    pub(super) fn batch_generated(
        &mut self,
        now: Timestamp,
        tick: BatchTick,
        batch: Result<GeneratedBatch>,
        fx: &mut Effects,
    ) {
        let Some(s) = &mut self.streaming else { return };
        s.generating = false;
        match batch {
            _ if s.halted || s.is_abandoned() => {}
            // R11.8: no job set, no batch events, no completion processing for that time.
            Ok(batch) if batch.outputs.is_empty() => {
                drop(self.receivers.tracker.batch_done(tick.batch));
                self.receivers.tracker.batch_succeeded(tick.batch);
                self.describe_without_jobs(now, tick, fx);
            }
            Ok(batch) => {
                self.receivers.tracker.needed_again(tick.batch);
                s.failed_generations.remove(&tick.batch);
                let output_ops = batch.outputs.iter().map(|o| o.output_op).collect();
                s.queue.push_back(WaitingBatch { tick, submitted: now, outputs: batch.outputs.into() });
                let BatchPlan { records, inputs } = batch.plan.clone();
                let info = BatchInfo { id: tick.batch, time: tick.time, records, output_ops, inputs };
                self.emit(now, fx, Event::BatchSubmitted { batch: info });
                self.describe_generated(now, tick, batch.plan, batch.saved, fx);
            }
            Err(error) => {
                self.receivers.tracker.needed_again(tick.batch);
                self.describe_without_jobs(now, tick, fx);
                self.generation_failed(now, tick, error, fx);
            }
        }
    }

    /// Gives work to whoever waits for it.
    pub(super) fn dispatch_streaming(&mut self, now: Timestamp, out: &mut Outbox, fx: &mut Effects) {
        if self.ended {
            return;
        }
        self.instruct_generator(fx);
        self.give_outputs(now, out, fx);
        // After a success the generator forgets first, which is an input of its own.
        while self.complete_batches(now, fx) == Next::AtOnce {
            self.give_outputs(now, out, fx);
        }
        self.instruct_generator(fx);
        self.advance_stop(now, out, fx);
        if self.streaming.as_ref().is_some_and(|s| s.stopped) {
            self.stop_streaming_slots(fx);
        }
        self.finish_streaming(now, fx);
    }

    /// Removals come before further batches when too many wait already.
    fn instruct_generator(&mut self, fx: &mut Effects) {
        let max = self.config.max_queued_batches.max(1);
        let Some(s) = &mut self.streaming else { return };
        if s.generating || s.generator.is_none() {
            return;
        }
        let has_room = s.queue.len() < max;
        let next = s.instructions.iter().position(|i| has_room || !matches!(i, Instruction::Generate(_)));
        if let Some(instruction) = next.and_then(|at| s.instructions.remove(at))
            && let Some(slot) = s.generator.take()
        {
            s.generating = matches!(instruction, Instruction::Generate(_));
            fx.push(Effect::Reply(slot, Reply::Generator(instruction)));
        }
    }

    /// R11.6: output operations in order, of the oldest batch that has any left.
    fn give_outputs(&mut self, now: Timestamp, out: &mut Outbox, fx: &mut Effects) {
        let epoch = self.graph.as_ref().map_or(0, GraphCheckpoints::epoch);
        loop {
            let Some(s) = &mut self.streaming else { return };
            if s.idle.is_empty() {
                return;
            }
            if let Some(running) = s.running.iter_mut().find(|running| !running.batch.outputs.is_empty()) {
                if let (Some(mut job), Some(slot)) = (running.batch.outputs.pop_front(), s.idle.pop_front()) {
                    job.epoch = epoch;
                    let (batch, output_op) = (job.tick.batch, job.output_op);
                    running.busy.insert(output_op, job.clone());
                    self.emit(now, fx, Event::OutputOperationStarted { batch, output_op });
                    fx.push(Effect::Reply(slot, Reply::Output(Some(job))));
                }
                continue;
            }
            // One that is about to be completed leaves before the next one starts.
            if s.running.iter().any(|running| running.busy.is_empty()) {
                return;
            }
            // What it reads must be durable first.
            let durable = |batch: &WaitingBatch| self.graph.as_ref().is_none_or(|graph| graph.allows(batch.tick.batch));
            let Some(batch) = s.queue.pop_front_if(|batch| durable(batch)) else { return };
            let id = batch.tick.batch;
            let (busy, failed, failure, failures) = (BTreeMap::new(), Vec::new(), None, 0);
            s.running.push(RunningBatch { batch, started: now, busy, failed, failure, failures });
            self.strike_before_batch(now, id, out, fx);
            let mut struck = std::mem::take(out);
            self.drain(now, &mut struck, fx);
            self.emit(now, fx, Event::BatchStarted { batch: id });
        }
    }

    fn complete_batches(&mut self, now: Timestamp, fx: &mut Effects) -> Next {
        let mut next = Next::AfterInput;
        while let Some(s) = &mut self.streaming
            && !s.idle.is_empty()
            && let Some(at) = s.running.iter().position(|r| r.busy.is_empty() && r.batch.outputs.is_empty())
        {
            let done = s.running.remove(at);
            if done.failure.is_some() {
                next = Next::AtOnce;
            }
            if let Some(again) = self.run_again(now, done, fx)
                && let Some(s) = &mut self.streaming
            {
                s.running.insert(at, again);
                break;
            }
        }
        next
    }

    /// All output operations of a batch ended.
    pub(super) fn complete_batch(&mut self, now: Timestamp, done: RunningBatch, fx: &mut Effects) {
        let tick = done.batch.tick;
        let waited_ns = done.started.ns_since(done.batch.submitted);
        let processing_ns = now.ns_since(done.started);
        let event = Event::BatchCompleted {
            batch: tick.batch,
            scheduling_delay_ns: waited_ns,
            processing_ns,
            failure: done.failure.as_ref().map(ToString::to_string),
        };
        self.emit(now, fx, event);
        let blocks = self.receivers.tracker.batch_done(tick.batch);
        self.follow_rate(now, &blocks, (processing_ns, waited_ns), fx);
        match done.failure {
            Some(error) => self.batch_failed(now, tick.batch, error, &blocks, fx),
            None => {
                self.no_longer_pending(tick.batch);
                self.receivers.tracker.no_longer_kept(tick.batch);
                if let Some(s) = &mut self.streaming {
                    s.completed = s.completed.max(tick.batch);
                    let through = s.completed_through();
                    s.instructions.push_back(Instruction::Clear { tick, through });
                }
                self.receivers.tracker.batch_succeeded(tick.batch);
                // With graph checkpoints, when one says that it completed (R18.7).
                if self.graph.is_none() {
                    self.clean_received(now, tick.batch, &BTreeSet::new(), fx);
                }
            }
        }
    }

    pub(super) fn output_done(
        &mut self,
        now: Timestamp,
        batch: BatchId,
        output_op: OutputOpId,
        result: Result<()>,
        fx: &mut Effects,
    ) {
        let failure = result.as_ref().err().map(ToString::to_string);
        self.emit(now, fx, Event::OutputOperationCompleted { batch, output_op, failure });
        let running = self.streaming.as_mut().into_iter().flat_map(|s| &mut s.running);
        for running in running.filter(|running| running.batch.tick.batch == batch) {
            let job = running.busy.remove(&output_op);
            if let Err(error) = &result {
                running.failure.get_or_insert_with(|| error.clone());
                running.failed.extend(job);
            }
        }
    }

    /// Everything ran, or somebody's patience is at its end: whoever awaits the termination hears of it.
    fn finish_streaming(&mut self, now: Timestamp, fx: &mut Effects) {
        let Some(s) = &mut self.streaming else { return };
        let done = s.is_done() && self.graph.as_ref().is_none_or(GraphCheckpoints::is_idle);
        let result = s.error.clone().map_or(Ok(()), Err);
        for (slot, until) in std::mem::take(&mut s.awaiting) {
            if done || result.is_err() && !s.halted {
                fx.push(Effect::Reply(slot, terminated(until, result.clone().map(|()| true))));
            } else if until.is_some_and(|until| until <= now) {
                fx.push(Effect::Reply(slot, Reply::Terminated(Ok(false))));
            } else {
                s.awaiting.push((slot, until));
            }
        }
    }
}

/// The answer to whoever awaits the termination, with or without a limit.
fn terminated(until: Option<Timestamp>, result: Result<bool>) -> Reply {
    if until.is_some() { Reply::Terminated(result) } else { Reply::Done(result.map(|_| ())) }
}
