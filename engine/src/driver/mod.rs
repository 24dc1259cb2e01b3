//! The driver: every decision of the engine, as a function of its inputs.
//!
//! `Driver::handle(now, input, &mut Effects)` has no threads, no clock and no IO. It joins scheduling,
//! streaming, checkpoints and faults, numbers the events, and leaves what must be done as effects in
//! order. User code never runs here.

mod block_tracker;
mod checkpoints;
mod commands;
mod effects;
mod executors;
mod failures;
mod graph_checkpoints;
mod injected;
mod input;
mod losing;
mod lost_input;
mod messages;
mod persisting;
mod planned;
mod planned_blocks;
mod received_cleaning;
mod received_log;
mod received_losses;
mod received_segments;
mod received_waits;
mod receivers;
mod recovering;
mod stopping;
mod stored;
mod streaming;
mod told_log;

pub use effects::{
    CheckpointWrite, ClusterOp, Effect, Effects, GraphWrite, ReceivedLogOp, ReceiverOp, StoreFault, StoreOp,
};
pub use input::{
    BatchTick, CheckpointPlan, DriverInput, GeneratedBatch, Instruction, Logged, OpenedLog, OutputBody, OutputJob,
    ReceivedLogPlan, ReceiverNews, Reply, Request, SavedStreams, SlotBody, SlotId, SlotSpawn, StreamingPlan, Told,
};
pub use received_log::ReceivedRecord;

use crate::command::StopMode;
use crate::config::EngineConfig;
use crate::error::EngineError;
use crate::event::*;
use crate::ids::*;
use crate::rdd::{Notice, Released};
use crate::scheduler::{Outbox, Scheduler};
use crate::sync::Mutex;
use graph_checkpoints::GraphCheckpoints;
use injected::Injected;
use messages::{Arrival, Messages};
use planned::Planned;
use receivers::Receivers;
use recovering::Beginning;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use stored::Stored;
use streaming::Streaming;

/// The state of an application.
pub struct Driver {
    config: Arc<EngineConfig>,
    scheduler: Scheduler,
    streaming: Option<Streaming>,
    /// Of a stream with a checkpoint directory.
    graph: Option<GraphCheckpoints>,
    /// A stream is being started.
    starting: bool,
    /// Somebody wanted the stream to stop before it had started.
    stops_when_started: Option<StopMode>,
    /// Where its batches begin, once that is known.
    beginning: Option<Beginning>,
    /// Of the checkpoint that this driver went on from: its batch, and which batches up to it were not completed.
    completed_before: Option<(BatchId, BTreeSet<BatchId>)>,
    /// Operators whose state misses what was lost, and of which that was said.
    incomplete_states: BTreeSet<String>,
    receivers: Receivers,
    /// Which slot waits for which job.
    waiting: BTreeMap<JobId, SlotId>,
    /// Executors that are dead although the driver has not noticed yet.
    undetected: BTreeSet<(Timestamp, ExecutorId)>,
    /// Executors that are gone and not replaced, and since when.
    dead: BTreeMap<ExecutorId, Timestamp>,
    planned: Planned,
    injected: Injected,
    messages: Messages,
    /// When the application began: times of planned faults count from it.
    begun: Timestamp,
    released: Arc<Mutex<Released>>,
    /// When each executor was started: its heartbeats count from then.
    started: BTreeMap<ExecutorId, Timestamp>,
    /// Directories of the checkpoints of this run, until they are deleted.
    checkpoint_dirs: BTreeMap<RddId, String>,
    stored: Stored,
    next_executor: u32,
    /// Executors that a task brought down and that were started again.
    retries: u32,
    next_slot: u32,
    next_seq: u64,
    inputs: u64,
    ended: bool,
    /// Which run of the driver this is, from 1.
    attempt: u32,
    /// It is gone: it says and does nothing more.
    lost: bool,
}

impl Driver {
    /// The slot of the main program.
    pub const MAIN: SlotId = SlotId(0);

    /// A driver that has announced nothing yet. `released` is shared with the program's context.
    pub fn new(config: Arc<EngineConfig>, released: Arc<Mutex<Released>>) -> Self {
        Self {
            scheduler: Scheduler::new(Arc::clone(&config)),
            streaming: None,
            graph: None,
            starting: false,
            stops_when_started: None,
            beginning: None,
            completed_before: None,
            incomplete_states: BTreeSet::new(),
            receivers: Receivers::default(),
            waiting: BTreeMap::new(),
            undetected: BTreeSet::new(),
            dead: BTreeMap::new(),
            planned: Planned::new(&config.faults),
            injected: Injected::default(),
            messages: Messages::default(),
            begun: Timestamp(0),
            released,
            started: BTreeMap::new(),
            checkpoint_dirs: BTreeMap::new(),
            stored: Stored::default(),
            next_executor: 1,
            retries: 0,
            next_slot: 1,
            next_seq: 0,
            inputs: 0,
            ended: false,
            attempt: 1,
            lost: false,
            config,
        }
    }

    /// Scheduling state, for tests and queries.
    pub const fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    /// Announces the application and asks for its executors.
    pub fn start(&mut self, now: Timestamp, fx: &mut Effects) {
        self.begun = now;
        let config = Arc::clone(&self.config);
        let version = env!("CARGO_PKG_VERSION").into();
        self.emit(now, fx, Event::LogStart { version, seed: config.seed, clock: config.clock });
        self.emit(now, fx, Event::EnvironmentUpdate { properties: config.properties() });
        self.emit(now, fx, Event::ApplicationStart { name: config.app_name.clone(), id: config.app_id() });
        self.start_executors(now, fx);
    }

    /// When something must happen although no input arrives.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let messages = self.messages.next_at().filter(|_| !self.ended);
        let faults = self.injected.next_at().into_iter().chain(self.planned.next_at(self.begun)).chain(messages).min();
        let loss = self.undetected.first().map(|(at, _)| *at);
        let stream = self.streaming.as_ref().filter(|_| !self.ended).and_then(Streaming::next_deadline);
        let receiver = self.receivers.next_at();
        let store = self.received_log_overdue_at().into_iter().chain(self.graph_write_overdue_at());
        self.scheduler
            .next_deadline()
            .into_iter()
            .chain(loss)
            .chain(stream)
            .chain(receiver)
            .chain(store)
            .chain(faults)
            .min()
    }

    /// Why nothing can happen any more, when neither an input nor a deadline is to be expected.
    pub fn why_stuck(&self) -> EngineError {
        let text = if self.scheduler.is_starved() {
            "Initial job has not accepted any resources: no executor is alive; restart one, for example with restart:executor=2@batch=9"
        } else {
            "every thread of the program waits for nothing"
        };
        EngineError::IllegalState(text.to_owned())
    }

    /// Whether work waits for an executor although none is alive.
    pub fn is_starved(&self) -> bool {
        self.scheduler.is_starved()
    }

    /// Whether the application ended.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Handles one input.
    pub fn handle(&mut self, now: Timestamp, input: DriverInput, fx: &mut Effects) {
        if self.lost {
            return;
        }
        match self.arrival(now, input, fx) {
            Arrival::Now(input) => self.take_in(now, input, fx),
            Arrival::Twice(input, copy) => {
                self.take_in(now, input, fx);
                self.take_in(now, copy, fx);
            }
            Arrival::Not => {
                self.inputs += 1;
                self.settle(now, Outbox::default(), fx);
            }
        }
    }

    /// Handles what arrived.
    fn take_in(&mut self, now: Timestamp, input: DriverInput, fx: &mut Effects) {
        if self.lost {
            return;
        }
        if matches!(input, DriverInput::Deadline) {
            self.late_arrivals(now, fx);
        }
        let mut out = Outbox::default();
        // A thread that only told something goes on running, and may be dropping RDDs at this moment:
        // what it released is looked at when it waits.
        let may_forget = matches!(input, DriverInput::Request { .. } | DriverInput::SlotEnded { .. });
        if may_forget {
            self.forget_generations(fx);
        }
        match input {
            DriverInput::Request { slot, request } => self.on_request(now, slot, request, &mut out, fx),
            DriverInput::Told { told, .. } => self.on_told(now, told, &mut out, fx),
            DriverInput::Command(command) => self.on_command(now, command, &mut out, fx),
            DriverInput::TaskFinished(report) => self.task_finished(now, report, &mut out, fx),
            // What tasks that were killed at the end give back is no news.
            DriverInput::Blocks(_) if self.ended => {}
            DriverInput::Blocks(reports) => self.scheduler.blocks_changed(reports, &mut out),
            DriverInput::BlocksReported { executor, reports } => {
                if self.scheduler.executor_reported(executor, &mut out) {
                    self.scheduler.blocks_changed(reports, &mut out);
                }
            }
            DriverInput::Migrated { executor, migration } => self.scheduler.migrated(executor, migration, &mut out),
            DriverInput::Receiver { stream, attempt, news } => {
                self.on_receiver_news(now, (stream, attempt), news, &mut out, fx);
            }
            DriverInput::ExecutorLost { executor, loss } => self.lose_executor(now, executor, &loss, &mut out),
            DriverInput::HostLost { host, reason } => self.lose_host(now, host, &reason, &mut out, fx),
            DriverInput::CheckpointPublished { write, result } => self.checkpoint_published(now, write, result, fx),
            DriverInput::CheckpointOpened { slot, result } => fx.push(Effect::Reply(slot, Reply::Opened(result))),
            DriverInput::CheckpointDeleted { rdd, dir, result } => self.checkpoint_deleted(now, rdd, dir, result, fx),
            DriverInput::GraphRead { slot, result } => fx.push(Effect::Reply(slot, Reply::Recovered(result))),
            DriverInput::EpochTaken { slot, plan, result } => self.epoch_taken(now, slot, *plan, result, fx),
            DriverInput::GraphWritten { write, result } => self.graph_written(now, *write, result, &mut out, fx),
            DriverInput::ReceivedLogOpened { slot, plan, result } => self.log_opened(now, slot, *plan, result, fx),
            DriverInput::ReceivedLogged { result, doubtful } => {
                self.received_logged(now, (result, &doubtful), &mut out, fx);
            }
            DriverInput::BlockLogCleaned { stream, result } => self.block_log_cleaned(now, stream, result, fx),
            DriverInput::ReceivedLogDeleted { segments, result } => {
                self.received_log_deleted(now, &segments, result, fx);
            }
            DriverInput::PartWritten { task, rdd, partition, part } => {
                self.scheduler.part_written(task, rdd, partition, part);
            }
            DriverInput::SlotEnded { slot, result } => self.slot_ended(now, slot, result, &mut out, fx),
            DriverInput::Deadline => self.on_deadline(now, &mut out, fx),
        }
        self.inputs += 1;
        self.settle(now, out, fx);
        if may_forget {
            let mut out = Outbox::default();
            self.forget_released(&mut out, fx);
            self.drain(now, &mut out, fx);
        }
    }

    /// Turns what was decided into effects, until nothing more follows.
    fn settle(&mut self, now: Timestamp, mut out: Outbox, fx: &mut Effects) {
        while !self.lost {
            self.drain(now, &mut out, fx);
            self.tend_receivers(now, fx);
            let mut more = Outbox::default();
            self.tend_leaving(now, &mut more, fx);
            self.dispatch_streaming(now, &mut more, fx);
            let struck = self.strike_due(now, fx);
            if more.is_empty() && !struck {
                break;
            }
            out = more;
        }
    }

    fn drain(&mut self, now: Timestamp, out: &mut Outbox, fx: &mut Effects) {
        for event in out.events.drain(..) {
            self.emit(now, fx, event);
        }
        for task in out.cancel.drain(..) {
            fx.push(Effect::Cancel(task));
        }
        for executor in out.report_blocks.drain(..) {
            fx.push(Effect::Cluster(ClusterOp::ReportBlocks { executor }));
        }
        for order in out.migrations.drain(..) {
            fx.push(Effect::Cluster(ClusterOp::Migrate(order)));
        }
        for order in out.replicas.drain(..) {
            fx.push(Effect::Cluster(ClusterOp::Replicate(order)));
        }
        let launches: Vec<_> = out.launches.drain(..).collect();
        for launch in launches {
            let (stage, index, attempt) = (launch.info.stage, launch.info.index, launch.info.attempt);
            self.send_launch(now, launch, fx);
            if stage.attempt == 0 && attempt == 0 {
                self.strike_while_running(now, stage.stage, index, fx);
            }
        }
        for (job, result) in out.ended.drain(..) {
            if let Some(slot) = self.waiting.remove(&job) {
                fx.push(Effect::Reply(slot, Reply::Job(result)));
            }
        }
    }

    fn emit(&mut self, now: Timestamp, fx: &mut Effects, mut event: Event) {
        if self.lost {
            return;
        }
        if let Event::TaskEnd { task, metrics, .. } = &mut event {
            task.finished = now;
            if metrics.run_ns == 0 {
                metrics.run_ns = now.ns_since(task.launched);
            }
            metrics.duration_source = match self.config.clock {
                ClockKind::Virtual => DurationSource::Modelled,
                ClockKind::Wall => DurationSource::Measured,
            };
        }
        self.planned.see(&event, self.scheduler.lineage());
        self.stored.apply(&event);
        fx.events.push(Envelope { seq: self.next_seq, at: now, event });
        self.next_seq += 1;
    }

    /// What the program can no longer reach. At its end it drops everything; that releases nothing.
    fn forget_released(&mut self, out: &mut Outbox, fx: &mut Effects) {
        if self.ended {
            return;
        }
        let released = std::mem::take(&mut *self.released.lock());
        self.clean_checkpoints(&released, fx);
        let (rdds, shuffles) = self.scheduler.forget(released, out);
        for (rdd, generation) in rdds {
            fx.push(Effect::Cluster(ClusterOp::Unpersist { rdd, generation }));
        }
        for shuffle in shuffles {
            fx.push(Effect::Cluster(ClusterOp::RemoveShuffle { shuffle }));
        }
    }

    fn on_request(&mut self, now: Timestamp, slot: SlotId, request: Request, out: &mut Outbox, fx: &mut Effects) {
        match request {
            Request::RunJob(spec) => {
                let job = self.scheduler.submit_job(now, spec, out);
                self.waiting.insert(job, slot);
            }
            Request::CommitCheckpoint(commit) => self.commit_checkpoint(now, slot, commit, fx),
            Request::CheckpointProgress(rdd) => {
                let progress = self.scheduler.checkpoint_progress(rdd);
                fx.push(Effect::Reply(slot, Reply::Progress(progress)));
            }
            Request::OpenCheckpoint(dir) => fx.push(Effect::Store(StoreOp::Open { slot, dir })),
            Request::Stored(rdds) => fx.push(Effect::Reply(slot, Reply::Stored(self.stored.of(&rdds)))),
            Request::Recover(dir) => fx.push(Effect::Store(StoreOp::ReadGraph { slot, dir })),
            Request::StartStreaming(plan) => self.start_streaming(now, slot, plan, fx),
            Request::NextInstruction => self.generator_waits(slot),
            Request::NextOutput => self.output_slot_waits(slot),
            Request::ReceivedBlocks(tick) => self.blocks_wanted(now, slot, tick, fx),
            Request::AwaitTermination => self.await_termination(slot, None, fx),
            Request::AwaitTerminationFor(patience) => {
                self.await_termination(slot, Some(now.plus(patience)), fx);
            }
            Request::StopStreaming(mode) => self.stop_requested(now, slot, mode, out, fx),
        }
    }

    fn on_told(&mut self, now: Timestamp, told: Told, out: &mut Outbox, fx: &mut Effects) {
        match told {
            Told::Notice(notice) => self.on_notice(now, notice, out, fx),
            Told::BatchGenerated { tick, batch } => self.batch_generated(now, tick, batch, fx),
            Told::BatchCleared { tick, saved } => self.describe_completed(now, tick, saved, fx),
            Told::OutputDone { batch, output_op, result } => self.output_done(now, batch, output_op, result, fx),
        }
    }

    fn on_notice(&mut self, now: Timestamp, notice: Notice, out: &mut Outbox, fx: &mut Effects) {
        match notice {
            Notice::Persisted(rdd, level) => self.scheduler.set_level(rdd, level, out),
            Notice::Unpersisted(rdd) => {
                if let Some(generation) = self.scheduler.unpersist(rdd, out) {
                    fx.push(Effect::Cluster(ClusterOp::Unpersist { rdd, generation }));
                }
            }
            Notice::Marked(rdd, kind) => self.emit_marked(now, rdd, kind, fx),
            Notice::DeleteCheckpoint(rdd) => self.delete_checkpoint(rdd, fx),
            Notice::CheckpointFailed(rdd, error) => self.emit(now, fx, Event::CheckpointFailed { rdd, error }),
            Notice::InputsForgotten(blocks) => {
                let blocks = self.receivers.tracker.without_kept(blocks);
                if !blocks.is_empty() {
                    fx.push(Effect::Cluster(ClusterOp::RemoveInputs { blocks }));
                }
            }
            Notice::Fact(event) => self.emit(now, fx, event),
        }
    }

    fn on_deadline(&mut self, now: Timestamp, out: &mut Outbox, fx: &mut Effects) {
        self.strike_in_time(now, fx);
        while let Some(&(at, executor)) = self.undetected.first() {
            if at > now {
                break;
            }
            self.undetected.pop_first();
            let loss = self.noticed(executor);
            self.lose_executor(now, executor, &loss, out);
        }
        self.injected_deadline(now, out);
        self.scheduler.on_deadline(now, out);
        self.give_up_on_received_log(now, out, fx);
        self.give_up_on_graph_write(now, fx);
        self.tick_streaming(now);
    }

    fn slot_ended(
        &mut self,
        now: Timestamp,
        slot: SlotId,
        result: Result<(), EngineError>,
        out: &mut Outbox,
        fx: &mut Effects,
    ) {
        if self.ended {
            return;
        }
        if slot != Self::MAIN {
            self.streaming_slot_ended(result);
            return;
        }
        self.ended = true;
        drop(self.stop_receivers(now, fx));
        self.stop_streaming_slots(fx);
        if result.is_err() {
            self.scheduler.cancel_all(stopping::APPLICATION_ENDED, out);
        }
        self.drain(now, out, fx);
        self.report_unspent(now, fx);
        self.emit(now, fx, Event::ApplicationEnd);
        fx.push(Effect::Ended(result));
    }
}
