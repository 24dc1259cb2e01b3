//! Batches: ticks become generated job sets, job sets run one output operation after another (R11.4,
//! R11.6), completions clear what is no longer remembered.

use super::Driver;
use super::effects::{Effect, Effects};
use super::input::{BatchTick, GeneratedBatch, Instruction, OutputJob, Reply, SlotId, SlotSpawn, StreamingPlan};
use super::receivers::Receivers;
use crate::error::{EngineError, Result};
use crate::event::{BatchInfo, Event};
use crate::ids::*;
use crate::scheduler::Outbox;
use std::collections::VecDeque;

/// A batch whose jobs are generated.
struct WaitingBatch {
    tick: BatchTick,
    submitted: Timestamp,
    outputs: VecDeque<OutputJob>,
}

/// The batch whose output operations run.
struct RunningBatch {
    batch: WaitingBatch,
    started: Timestamp,
    busy: bool,
    failure: Option<EngineError>,
}

/// State of a started streaming context.
pub(super) struct Streaming {
    zero: Timestamp,
    interval: Millis,
    /// Number of the next tick, from 1.
    next: u32,
    last: Option<u32>,
    stopping: bool,
    /// Work for the generator, in order.
    instructions: VecDeque<Instruction>,
    generator: Option<SlotId>,
    generating: bool,
    output_slot: Option<SlotId>,
    queue: VecDeque<WaitingBatch>,
    current: Option<RunningBatch>,
    awaiting: Vec<SlotId>,
    error: Option<EngineError>,
    /// A thread of the stream ended before its time.
    slots_gone: bool,
}

impl Streaming {
    const fn tick(&self, number: u32) -> BatchTick {
        let time = self.zero.plus(Millis(self.interval.0 * number as u64));
        BatchTick { batch: BatchId(number), time }
    }

    pub(super) fn next_tick_at(&self) -> Option<Timestamp> {
        let more = !self.stopping && self.last.is_none_or(|last| self.next <= last);
        more.then(|| self.tick(self.next).time)
    }

    /// Nothing more will come, and nothing is left to do.
    fn is_done(&self) -> bool {
        if self.slots_gone {
            return true;
        }
        let idle = self.instructions.is_empty() && self.generator.is_some() && !self.generating;
        self.next_tick_at().is_none() && idle && self.queue.is_empty() && self.current.is_none()
    }
}

impl Driver {
    pub(super) fn start_streaming(&mut self, now: Timestamp, slot: SlotId, plan: StreamingPlan, fx: &mut Effects) {
        if self.streaming.is_some() {
            let text = "Only one StreamingContext may be started in this application";
            fx.push(Effect::Reply(slot, Reply::Done(Err(EngineError::IllegalState(text.into())))));
            return;
        }
        // R11.1: batch times are multiples of the interval.
        let interval_ns = plan.interval.0.max(1) * 1_000_000;
        let zero = Timestamp(now.0 / interval_ns * interval_ns);
        self.emit(now, fx, Event::StreamGraphDefined { streams: plan.streams, outputs: plan.outputs });
        self.emit(now, fx, Event::StreamingStarted { zero, interval: plan.interval });
        self.receivers = Receivers::new(plan.receivers);
        for (name, run) in plan.slots {
            let slot = SlotId(self.next_slot);
            self.next_slot += 1;
            fx.push(Effect::Spawn(SlotSpawn { slot, name, run }));
        }
        self.streaming = Some(Streaming {
            zero,
            interval: plan.interval,
            next: 1,
            last: self.config.max_batches,
            stopping: false,
            instructions: VecDeque::new(),
            generator: None,
            generating: false,
            output_slot: None,
            queue: VecDeque::new(),
            current: None,
            awaiting: Vec::new(),
            error: None,
            slots_gone: false,
        });
        fx.push(Effect::Reply(slot, Reply::Done(Ok(()))));
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
            s.output_slot = Some(slot);
        }
    }

    pub(super) fn await_termination(&mut self, slot: SlotId, fx: &mut Effects) {
        match &mut self.streaming {
            Some(s) => s.awaiting.push(slot),
            None => {
                let text = "StreamingContext has not been started".to_owned();
                fx.push(Effect::Reply(slot, Reply::Done(Err(EngineError::IllegalState(text)))));
            }
        }
    }

    /// The generator or the output slot ended, which they do not by themselves: the stream has failed.
    pub(super) fn streaming_slot_ended(&mut self, result: Result<()>) {
        self.fail_streaming(result.err().unwrap_or(EngineError::DriverLost));
        if let Some(s) = &mut self.streaming {
            s.slots_gone = true;
        }
    }

    /// No further batch; what is generated still runs.
    pub(super) fn stop_streaming(&mut self) {
        if let Some(s) = &mut self.streaming {
            s.stopping = true;
            s.instructions.retain(|i| matches!(i, Instruction::Clear(_)));
        }
    }

    pub(super) fn stop_streaming_slots(&mut self, fx: &mut Effects) {
        let Some(s) = &mut self.streaming else { return };
        s.stopping = true;
        s.queue.clear();
        if let Some(slot) = s.generator.take() {
            fx.push(Effect::Reply(slot, Reply::Generator(Instruction::Stop)));
        }
        if let Some(slot) = s.output_slot.take() {
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
            _ if s.error.is_some() => {}
            // R11.8: no job set, no batch events, no completion processing for that time.
            Ok(batch) if batch.outputs.is_empty() => {}
            Ok(batch) => {
                let output_ops = batch.outputs.iter().map(|o| o.output_op).collect();
                s.queue.push_back(WaitingBatch { tick, submitted: now, outputs: batch.outputs.into() });
                let info = BatchInfo { id: tick.batch, time: tick.time, records: batch.records, output_ops };
                self.emit(now, fx, Event::BatchSubmitted { batch: info });
            }
            Err(error) => self.fail_streaming(error),
        }
    }

    /// The policy for failed batches is to stop: what was generated is not run, the error goes to
    /// `awaitTermination`.
    fn fail_streaming(&mut self, error: EngineError) {
        let Some(s) = &mut self.streaming else { return };
        s.error.get_or_insert(error);
        s.stopping = true;
        s.queue.clear();
        s.instructions.clear();
    }

    /// Gives work to whoever waits for it.
    pub(super) fn dispatch_streaming(&mut self, now: Timestamp, out: &mut Outbox, fx: &mut Effects) {
        if self.ended {
            return;
        }
        self.instruct_generator(fx);
        let Some(s) = &mut self.streaming else { return };
        if s.current.is_none()
            && s.output_slot.is_some()
            && let Some(batch) = s.queue.pop_front()
        {
            let id = batch.tick.batch;
            s.current = Some(RunningBatch { batch, started: now, busy: false, failure: None });
            self.strike_before_batch(now, id, out, fx);
            let mut struck = std::mem::take(out);
            self.drain(now, &mut struck, fx);
            self.emit(now, fx, Event::BatchStarted { batch: id });
        }
        self.next_output(now, fx);
        self.instruct_generator(fx);
        self.finish_streaming(fx);
    }

    fn instruct_generator(&mut self, fx: &mut Effects) {
        let Some(s) = &mut self.streaming else { return };
        if s.generating || s.generator.is_none() {
            return;
        }
        if let Some(instruction) = s.instructions.pop_front()
            && let Some(slot) = s.generator.take()
        {
            s.generating = matches!(instruction, Instruction::Generate(_));
            fx.push(Effect::Reply(slot, Reply::Generator(instruction)));
        }
    }

    fn next_output(&mut self, now: Timestamp, fx: &mut Effects) {
        let Some(s) = &mut self.streaming else { return };
        let (Some(current), Some(slot)) = (&mut s.current, s.output_slot) else { return };
        if current.busy {
            return;
        }
        match current.batch.outputs.pop_front() {
            Some(job) => {
                current.busy = true;
                s.output_slot = None;
                let (batch, output_op) = (job.tick.batch, job.output_op);
                self.emit(now, fx, Event::OutputOperationStarted { batch, output_op });
                fx.push(Effect::Reply(slot, Reply::Output(Some(job))));
            }
            None => self.complete_batch(now, fx),
        }
    }

    fn complete_batch(&mut self, now: Timestamp, fx: &mut Effects) {
        let Some(s) = &mut self.streaming else { return };
        let Some(done) = s.current.take() else { return };
        let tick = done.batch.tick;
        s.instructions.push_back(Instruction::Clear(tick));
        let event = Event::BatchCompleted {
            batch: tick.batch,
            scheduling_delay_ns: done.started.ns_since(done.batch.submitted),
            processing_ns: now.ns_since(done.started),
            failure: done.failure.as_ref().map(ToString::to_string),
        };
        self.emit(now, fx, event);
        if let Some(error) = done.failure {
            self.fail_streaming(error);
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
        if let Some(current) = self.streaming.as_mut().and_then(|s| s.current.as_mut()) {
            current.busy = false;
            if let Err(error) = result {
                current.failure.get_or_insert(error);
            }
        }
    }

    /// Everything ran: whoever awaits the termination hears of it.
    fn finish_streaming(&mut self, fx: &mut Effects) {
        let Some(s) = &mut self.streaming else { return };
        if !s.is_done() {
            return;
        }
        for slot in s.awaiting.drain(..) {
            fx.push(Effect::Reply(slot, Reply::Done(s.error.clone().map_or(Ok(()), Err))));
        }
    }
}
