//! Receivers: where each runs, which blocks wait for the next batch, and who starts again (R17).

use super::Driver;
use super::block_tracker::{BlockTracker, BlocksByStream};
use super::effects::{Effect, Effects, ReceiverOp};
use super::input::ReceiverNews;
use super::received_losses::refused;
use crate::command::StopMode;
use crate::config::EngineConfig;
use crate::event::{Event, LostRecords, ReceiverInfo, StorageLevel};
use crate::ids::*;
use crate::receiver::{BlockLogPlan, PidRateEstimator, ReceivedBlock, ReceiverPlan};
use crate::scheduler::Outbox;
use std::collections::BTreeMap;

/// One receiver.
struct Receiver {
    plan: ReceiverPlan,
    /// Counts its starts by the driver; what an earlier one still says about itself is not heard.
    attempt: u32,
    /// Where its last start runs, until that has ended.
    at: Option<ExecutorId>,
    /// It stopped itself, and starts again then.
    resume_at: Option<Timestamp>,
    /// Its executor leaves: it was told to store what it has, and until then it may.
    moving_until: Option<Timestamp>,
    info: ReceiverInfo,
    /// Where its blocks are logged, if they are.
    log: Option<BlockLogPlan>,
    /// With back-pressure.
    estimator: Option<PidRateEstimator>,
    /// The limit announced last.
    rate: Option<u64>,
}

/// Whether receivers are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wanted {
    #[default]
    Running,
    /// They are told to store what they have and to end.
    Ending,
    Stopped,
}

/// All receivers of the application.
#[derive(Default)]
pub(super) struct Receivers {
    by_stream: BTreeMap<StreamId, Receiver>,
    wanted: Wanted,
    pub tracker: BlockTracker,
}

impl Receivers {
    /// As the streaming context announced them; none runs yet. `logs` is the directory of logs, if there is
    /// one, with the epoch of this driver.
    pub fn new(plans: Vec<ReceiverPlan>, interval: Millis, logs: Option<(&str, u64)>, config: &EngineConfig) -> Self {
        let receiver = |mut plan: ReceiverPlan| {
            let log = logs.filter(|_| config.receiver_log.enabled).map(|(dir, epoch)| {
                // R18.3: what is in the log needs no second copy, and is encoded already.
                plan.level = StorageLevel { deserialized: false, replication: 1, ..plan.level };
                BlockLogPlan { log: format!("{dir}/receivedData/{}", plan.stream), epoch }
            });
            let info = ReceiverInfo {
                stream: plan.stream,
                name: plan.source.name(),
                active: false,
                executor: None,
                last_error_message: String::new(),
                last_error: String::new(),
                last_error_time: None,
            };
            let estimator = config.backpressure.then(|| PidRateEstimator::new(interval, config.backpressure_pid));
            let stream = plan.stream;
            let (attempt, at, resume_at, moving_until, rate) = (0, None, None, None, None);
            (stream, Receiver { plan, attempt, at, resume_at, moving_until, info, log, estimator, rate })
        };
        Self { by_stream: plans.into_iter().map(receiver).collect(), ..Self::default() }
    }

    /// Limits that a former driver had set.
    pub fn resume_rates(&mut self, rates: &BTreeMap<StreamId, u64>) {
        for (stream, receiver) in &mut self.by_stream {
            // Whoever switched back-pressure off meanwhile wants none.
            receiver.rate = rates.get(stream).copied().filter(|_| receiver.estimator.is_some());
        }
    }

    /// When a receiver that stopped itself starts again, or the patience with one that moves ends.
    pub fn next_at(&self) -> Option<Timestamp> {
        let times = |receiver: &Receiver| receiver.resume_at.into_iter().chain(receiver.moving_until).min();
        self.by_stream.values().filter_map(times).min()
    }

    /// Whether a receiver still runs on an executor that leaves.
    pub fn hold(&self, executor: ExecutorId) -> bool {
        self.by_stream.values().any(|receiver| receiver.at == Some(executor))
    }

    /// Whether no receiver runs.
    pub fn have_ended(&self) -> bool {
        self.by_stream.values().all(|receiver| receiver.at.is_none())
    }

    /// The streams of receivers.
    pub fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.by_stream.keys().copied()
    }

    /// What waits for a batch, of every stream that has a receiver.
    pub fn take_waiting(&mut self) -> BlocksByStream {
        let waiting = &mut self.tracker.waiting;
        self.by_stream.keys().map(|stream| (*stream, waiting.remove(stream).unwrap_or_default())).collect()
    }
}

impl Receiver {
    fn failed(&mut self, now: Timestamp, message: String, error: String) {
        self.info.last_error_message = message;
        self.info.last_error = error;
        self.info.last_error_time = Some(now);
    }

    /// Whether it is to be started, or noticed that it runs nowhere.
    fn wants_care(&self, now: Timestamp, wanted: Wanted, lives: impl Fn(ExecutorId) -> bool) -> bool {
        match (self.at, self.resume_at) {
            (Some(executor), _) if !lives(executor) => true,
            (_, Some(at)) => at <= now || wanted == Wanted::Ending,
            (at, None) => at.is_none() && wanted != Wanted::Ending,
        }
    }

    fn ended(&mut self) -> Event {
        self.at = None;
        self.moving_until = None;
        self.info.active = false;
        Event::ReceiverStopped { receiver: self.info.clone() }
    }
}

impl Driver {
    /// Starts receivers that run nowhere, and restarts those whose executor is gone or leaves, elsewhere
    /// (R17.3).
    pub(super) fn tend_receivers(&mut self, now: Timestamp, fx: &mut Effects) {
        let wanted = self.receivers.wanted;
        if wanted == Wanted::Stopped {
            return;
        }
        self.move_receivers(now, fx);
        let lives = |executor| self.scheduler.cores(executor).is_some();
        if !self.receivers.by_stream.values().any(|receiver| receiver.wants_care(now, wanted, lives)) {
            return;
        }
        let living: Vec<ExecutorId> = self.scheduler.executors().collect();
        let open = |e: &ExecutorId| self.scheduler.takes_work(*e);
        let mut events = Vec::new();
        let mut load: BTreeMap<ExecutorId, u32> = living.iter().filter(|e| open(e)).map(|e| (*e, 0)).collect();
        for receiver in self.receivers.by_stream.values() {
            if let Some(count) = receiver.at.and_then(|e| load.get_mut(&e)) {
                *count += 1;
            }
        }
        for receiver in self.receivers.by_stream.values_mut() {
            if let Some(lost) = receiver.at.filter(|e| !living.contains(e)) {
                receiver.failed(now, format!("executor {lost} is gone; what it had buffered is lost"), String::new());
                events.push(receiver.ended());
                receiver.info.executor = None;
            }
            if receiver.resume_at.is_some_and(|at| at <= now) || wanted == Wanted::Ending {
                receiver.resume_at = None;
            }
            // What an earlier start stored and the log does not have yet counts for the next one's clients.
            let adding = self.receivers.tracker.log.as_ref().is_some_and(|log| log.is_adding(receiver.plan.stream));
            if receiver.at.is_some() || receiver.resume_at.is_some() || wanted == Wanted::Ending || adding {
                continue;
            }
            // R17.1: even spread; the executor with the fewest receivers, then the first.
            let Some((&executor, _)) = load.iter().min_by_key(|(id, count)| (**count, **id)) else { continue };
            load.entry(executor).and_modify(|count| *count += 1);
            receiver.attempt += 1;
            receiver.at = Some(executor);
            receiver.info.executor = Some(executor);
            let (plan, attempt, rate) = (receiver.plan.clone(), receiver.attempt, receiver.rate);
            let clients = self.receivers.tracker.clients(plan.stream);
            let numbers_after = self.receivers.tracker.highest(plan.stream);
            let log = receiver.log.clone();
            let start = ReceiverOp::Start { plan, executor, attempt, rate, clients, log, numbers_after };
            fx.push(Effect::Receiver(start));
        }
        for event in events {
            self.emit(now, fx, event);
        }
    }

    /// Receivers of an executor that leaves store what they have and end there; what starts them again
    /// chooses another executor. One that does not end in time is given up.
    fn move_receivers(&mut self, now: Timestamp, fx: &mut Effects) {
        let wanted = self.receivers.wanted;
        let timeout = self.config.receiver_stop_timeout;
        let mut events = Vec::new();
        for (stream, receiver) in &mut self.receivers.by_stream {
            let Some(executor) = receiver.at.filter(|e| self.scheduler.is_leaving(*e)) else { continue };
            match receiver.moving_until {
                None => {
                    receiver.moving_until = Some(now.plus(timeout));
                    // A stop of the stream has asked it already.
                    if wanted == Wanted::Running {
                        let mode = StopMode::Graceful;
                        fx.push(Effect::Receiver(ReceiverOp::Stop { stream: *stream, mode }));
                    }
                }
                Some(until) if until <= now => {
                    let mode = StopMode::Immediate;
                    fx.push(Effect::Receiver(ReceiverOp::Stop { stream: *stream, mode }));
                    let text = format!(
                        "it did not stop within {timeout} ms on executor {executor}, which leaves; what it had buffered is lost"
                    );
                    receiver.failed(now, text, String::new());
                    events.push(receiver.ended());
                }
                Some(_) => {}
            }
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
        fx: &mut Effects,
    ) {
        if self.ended {
            return;
        }
        if let ReceiverNews::Stored { block, executor, reports } = news {
            self.scheduler.blocks_changed(reports, out);
            match self.why_refused(attempt, &block) {
                None => self.add_block(now, (attempt, executor), block, out, fx),
                Some(error) => {
                    out.events.push(refused(&block, error));
                    let result = Err(error.to_owned());
                    fx.push(Effect::Receiver(ReceiverOp::Answer { stream, attempt, block: block.id, result }));
                }
            }
            return;
        }
        // True of a start that is not heard any more, too.
        if let ReceiverNews::Dropped { executor, records, reason } = news {
            out.events.push(Event::ReceivedRecordsLost(LostRecords { stream, executor, records, reason }));
            return;
        }
        let wanted = self.receivers.wanted;
        let delay = self.config.receiver_restart_delay;
        let Some(receiver) = self.receivers.by_stream.get_mut(&stream) else { return };
        if receiver.attempt != attempt || receiver.at.is_none() || wanted == Wanted::Stopped {
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
            ReceiverNews::Ended { message, error } => {
                if !message.is_empty() {
                    receiver.failed(now, message, error);
                }
                // One that moves does so at once.
                if wanted == Wanted::Running && receiver.moving_until.is_none() {
                    receiver.resume_at = Some(now.plus(delay));
                }
                receiver.ended()
            }
            ReceiverNews::Stored { .. } | ReceiverNews::Dropped { .. } => return,
        });
    }

    /// Why a block does not count. It does wherever a copy of it lives, even if its receiver died meanwhile.
    fn why_refused(&self, attempt: u32, block: &ReceivedBlock) -> Option<&'static str> {
        let gone = "no living executor holds it, or the stream has stopped";
        let Some(receiver) = self.receivers.by_stream.get(&block.id.stream) else { return Some(gone) };
        let there = block.handle.is_some() || !self.scheduler.input_holders(block.id).is_empty();
        // Its clients have not heard that they were stored, and send the lines to the start that runs now.
        if !block.clients.is_empty() && receiver.attempt != attempt {
            return Some("its receiver was started again, and its lines will be sent again");
        }
        (!there || self.receivers.wanted == Wanted::Stopped).then_some(gone)
    }

    /// R17.14: what a batch says about the rate that can be kept up with.
    pub(super) fn follow_rate(
        &mut self,
        now: Timestamp,
        blocks: &BTreeMap<StreamId, Vec<ReceivedBlock>>,
        (processing_ns, waited_ns): (u64, u64),
        fx: &mut Effects,
    ) {
        let max = self.config.receiver_max_rate.filter(|max| *max > 0).unwrap_or(u64::MAX);
        let mut updates = Vec::new();
        for (stream, receiver) in &mut self.receivers.by_stream {
            let records = blocks.get(stream).into_iter().flatten().map(|block| block.records).sum();
            let Some(estimator) = &mut receiver.estimator else { continue };
            let Some(rate) = estimator.compute(now, records, processing_ns, waited_ns) else { continue };
            let rate = (rate as u64).min(max);
            if rate > 0 && receiver.rate != Some(rate) {
                receiver.rate = Some(rate);
                updates.push((*stream, rate));
            }
        }
        for (stream, rate) in updates {
            if let Some(graph) = &mut self.graph {
                graph.now.rates.insert(stream, rate);
            }
            fx.push(Effect::Receiver(ReceiverOp::SetRate { stream, rate }));
            self.emit(now, fx, Event::ReceiverRateUpdated { stream, rate });
        }
    }

    /// R22.1: receivers store what they have and end; none is started any more.
    pub(super) fn end_receivers(&mut self, fx: &mut Effects) {
        if self.receivers.wanted != Wanted::Running {
            return;
        }
        self.receivers.wanted = Wanted::Ending;
        for (stream, receiver) in &self.receivers.by_stream {
            if receiver.at.is_some() {
                fx.push(Effect::Receiver(ReceiverOp::Stop { stream: *stream, mode: StopMode::Graceful }));
            }
        }
    }

    /// They are gone with their driver.
    pub(super) fn lose_receivers(&mut self, now: Timestamp) -> Vec<Event> {
        let running = self.receivers.by_stream.values_mut().filter(|receiver| receiver.at.is_some());
        let lost = running.map(|receiver| {
            receiver.failed(now, "the driver is gone; what it had buffered is lost".to_owned(), String::new());
            receiver.ended()
        });
        lost.collect()
    }

    /// The application ends, or nobody waits for receivers any more. Returns those that had not ended.
    pub(super) fn stop_receivers(&mut self, now: Timestamp, fx: &mut Effects) -> Vec<StreamId> {
        let before = std::mem::replace(&mut self.receivers.wanted, Wanted::Stopped);
        if before == Wanted::Stopped {
            return Vec::new();
        }
        self.close_received_log(now, fx);
        let mut events = Vec::new();
        let mut running = Vec::new();
        for (stream, receiver) in &mut self.receivers.by_stream {
            receiver.resume_at = None;
            fx.push(Effect::Receiver(ReceiverOp::Stop { stream: *stream, mode: StopMode::Immediate }));
            running.extend(receiver.at.map(|_| *stream));
            let active = receiver.info.active;
            let event = receiver.ended();
            if active {
                events.push(event);
            }
        }
        for event in events {
            self.emit(now, fx, event);
        }
        running
    }
}
