//! Scripted receivers of a simulation: what [`Supervisor`] decides, at the times of the virtual clock.

use crate::command::StopMode;
use crate::config::EngineConfig;
use crate::driver::{DriverInput, ReceiverNews, ReceiverOp};
use crate::event::StorageLevel;
use crate::executor::{CostTable, Replicas, peers_of};
use crate::ids::*;
use crate::object_store::ObjectStore;
use crate::receiver::{
    BlockLog, BlockLogs, BlockNumbers, Hook, IntakeSetup, ReadyBlock, ReceivedBlock, Step, Supervisor,
};
use crate::runtime::cluster::Executors;
use crate::runtime::logged_block::{LoggedBlock, store_and_log};
use crate::runtime::receivers::news_of;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The receivers that run.
#[derive(Default)]
pub(super) struct Receivers {
    running: BTreeMap<StreamId, Running>,
    numbers: BTreeMap<StreamId, BlockNumbers>,
    logs: BlockLogs,
    /// How many times slower than modelled the reliable store is.
    slowness: f64,
}

struct Running {
    attempt: u32,
    executor: ExecutorId,
    level: StorageLevel,
    /// Where its blocks are logged, if they are.
    log: Option<Arc<BlockLog>>,
    supervisor: Supervisor,
    /// How long storing and logging one of them may take.
    limit: Millis,
    /// Until when blocks before the next one are being stored: one after the other, as they were cut.
    storing_until: Timestamp,
}

/// A block on its way into the stores of its executor.
pub(super) struct Storing {
    stream: StreamId,
    attempt: u32,
    /// Where its receiver runs.
    executor: ExecutorId,
    block: ReadyBlock,
    /// It takes longer than it may.
    late: bool,
}

/// What follows from a step of a receiver.
pub(super) enum Follows {
    /// The driver hears something now.
    Input(DriverInput),
    /// A block will be stored then.
    Later(Timestamp, Storing),
}

/// What receivers of a simulation reach.
pub(super) struct World<'a> {
    pub config: &'a EngineConfig,
    pub executors: &'a Executors,
    /// The reliable store, and how many times slower than modelled it is.
    pub store: (&'a Arc<dyn ObjectStore>, f64),
}

/// How long it takes to store a block and its copies: to encode its records, to send its bytes, and to sync them
/// in a log.
fn storing_ns(block: &ReadyBlock, level: StorageLevel, logged: Option<f64>) -> u64 {
    let costs = CostTable::default().with_slow_store(logged.unwrap_or(1.0));
    let records = block.values.len();
    let encoded = if level.deserialized && level.replication < 2 { 0 } else { records * costs.encode_record };
    let copy = costs.remote_block + block.values.memory_bytes() * costs.network_byte;
    let synced = logged.map_or(0, |_| costs.log_write(block.values.memory_bytes()));
    synced + costs.stored_record * records + encoded + copy * u64::from(level.replication.saturating_sub(1))
}

/// Records that a receiver had are stored nowhere.
fn dropped((stream, attempt): (StreamId, u32), executor: ExecutorId, records: u64, reason: &str) -> Option<Follows> {
    let news = ReceiverNews::Dropped { executor, records, reason: reason.to_owned() };
    (records > 0).then_some(Follows::Input(DriverInput::Receiver { stream, attempt, news }))
}

impl Receivers {
    /// When a receiver does something by itself.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.running.values().filter_map(|running| running.supervisor.next_at()).min()
    }

    /// Does what the driver asks.
    pub fn apply(&mut self, now: Timestamp, op: ReceiverOp, world: &World<'_>) -> Vec<Follows> {
        self.slowness = world.store.1;
        match op {
            ReceiverOp::Start { plan, executor, attempt, rate, clients, log, numbers_after } => {
                let mut follows = self.end(plan.stream);
                // The driver will notice that the executor is gone, and choose another.
                if world.executors.stores(executor).is_none() {
                    return follows;
                }
                let numbers = self.numbers.entry(plan.stream).or_default().clone();
                numbers.skip_to(numbers_after);
                let config = world.config;
                let log = log.map(|log| self.logs.open(plan.stream, &log, world.store.0, config.receiver_log.blocks));
                let setup = IntakeSetup::new(plan.stream, numbers, now, (rate, clients), config);
                let supervisor = Supervisor::new(plan.source.open(&setup), config.receiver_restart_delay);
                let (level, limit) = (plan.level, config.receiver_log.store_timeout);
                let running = Running { attempt, executor, level, log, supervisor, limit, storing_until: now };
                self.running.insert(plan.stream, running);
                follows.extend(self.with(plan.stream, now, |supervisor, steps| supervisor.start(now, steps)));
                follows
            }
            ReceiverOp::Stop { stream, mode: StopMode::Graceful } => {
                self.with(stream, now, |supervisor, steps| supervisor.stop(now, steps))
            }
            ReceiverOp::Stop { stream, mode: StopMode::Immediate } => self.end(stream),
            ReceiverOp::CleanLog { stream, before } => {
                let cleaned = self.logs.get(stream).map(|log| log.clean(before).map_err(|error| error.to_string()));
                cleaned
                    .map(|result| Follows::Input(DriverInput::BlockLogCleaned { stream, result }))
                    .into_iter()
                    .collect()
            }
            ReceiverOp::Answer { stream, attempt, block, result } => {
                self.logs.answered(block);
                if self.running.get(&stream).is_none_or(|running| running.attempt != attempt) {
                    return Vec::new();
                }
                self.with(stream, now, |supervisor, steps| supervisor.answered(now, block, result, steps))
            }
            ReceiverOp::SetRate { stream, rate } => {
                self.with(stream, now, |supervisor, _| supervisor.intake().set_rate(rate))
            }
        }
    }

    /// The executor on whose receiver's behalf a block is stored, if that start of it still counts.
    pub fn place_of(&self, storing: &Storing) -> Option<ExecutorId> {
        let running = self.running.get(&storing.stream).filter(|running| running.attempt == storing.attempt);
        running.map(|running| running.executor)
    }

    /// An executor died, and its receivers with it.
    pub fn executor_died(&mut self, executor: ExecutorId) -> Vec<Follows> {
        let dead = self.running.iter().filter(|(_, running)| running.executor == executor);
        let dead: Vec<StreamId> = dead.map(|(stream, _)| *stream).collect();
        dead.into_iter().flat_map(|stream| self.end(stream)).collect()
    }

    /// A start of a receiver is over, and what it had gathered is lost.
    fn end(&mut self, stream: StreamId) -> Vec<Follows> {
        let Some(ended) = self.running.remove(&stream) else { return Vec::new() };
        let records = ended.supervisor.intake().discard();
        let reason = "its receiver ended before it was stored";
        dropped((stream, ended.attempt), ended.executor, records, reason).into_iter().collect()
    }

    /// The first receiver that has something to do at `now` does it.
    pub fn advance(&mut self, now: Timestamp, world: &World<'_>) -> Vec<Follows> {
        self.slowness = world.store.1;
        let due = |running: &Running| running.supervisor.next_at().is_some_and(|at| at <= now);
        let Some(stream) = self.running.iter().find(|(_, running)| due(running)).map(|(stream, _)| *stream) else {
            return Vec::new();
        };
        self.with(stream, now, |supervisor, steps| supervisor.advance(now, steps))
    }

    /// A block arrives in the stores, if its executor lives.
    pub fn store(&mut self, now: Timestamp, storing: &Storing, world: &World<'_>) -> Vec<Follows> {
        self.slowness = world.store.1;
        let (config, executors) = (world.config, world.executors);
        let Storing { stream, attempt, executor, block, late } = storing;
        let running = self.running.get(stream).filter(|running| running.attempt == *attempt);
        let (Some(running), Some(stores)) = (running, executors.stores(*executor)) else {
            let (start, records) = ((*stream, *attempt), block.records_not_resent());
            return dropped(start, *executor, records, "its receiver ended before it was stored").into_iter().collect();
        };
        let (executor, level) = (running.executor, running.level);
        let peers = peers_of(executor, block.id, &executors.cluster);
        let wanted = usize::from(level.replication.saturating_sub(1));
        let (previews, max_failures) = (config.previews, config.storage.max_replication_failures);
        let replicas = Replicas { wanted, peers: &peers, previews, max_failures };
        let (log, places) = (running.log.as_deref(), (&*stores, &executors.cluster));
        let append =
            log.map(|log| move |bytes: Arc<[u8]>| log.append(now, block.id, &bytes).map_err(|error| error.to_string()));
        let append = append.as_ref().map(|append| append as &dyn Fn(Arc<[u8]>) -> _);
        let mut stored = store_and_log(block, level, &replicas, places, append);
        if let Some(log) = log.filter(|_| *late) {
            stored = stored.too_late(block.id, &stores, log, running.limit);
        }
        let LoggedBlock { reports, handle, error } = stored;
        let Some(error) = error else {
            let buffered = running.supervisor.intake().gathered();
            let received = ReceivedBlock { handle, buffered, ..block.received() };
            let news = ReceiverNews::Stored { block: received, executor, reports };
            return vec![Follows::Input(DriverInput::Receiver { stream: *stream, attempt: *attempt, news })];
        };
        let reason = format!("it could not be stored: {error}");
        let mut follows: Vec<Follows> =
            dropped((*stream, *attempt), executor, block.records_not_resent(), &reason).into_iter().collect();
        // What made room for it is gone nevertheless.
        if !reports.is_empty() {
            follows.push(Follows::Input(DriverInput::Blocks(reports)));
        }
        follows.extend(self.with(*stream, now, |supervisor, steps| supervisor.store_failed(now, block, error, steps)));
        follows
    }

    /// Lets one supervisor decide, and carries out its steps. Scripts have nothing to call.
    fn with(
        &mut self,
        stream: StreamId,
        now: Timestamp,
        decide: impl FnOnce(&mut Supervisor, &mut Vec<Step>),
    ) -> Vec<Follows> {
        let slowness = self.slowness;
        let Some(running) = self.running.get_mut(&stream) else { return Vec::new() };
        let (mut steps, mut follows) = (Vec::new(), Vec::new());
        let attempt = running.attempt;
        decide(&mut running.supervisor, &mut steps);
        while !steps.is_empty() {
            for step in std::mem::take(&mut steps) {
                match step {
                    Step::Tell(say) => {
                        let news = news_of(say);
                        follows.push(Follows::Input(DriverInput::Receiver { stream, attempt, news }));
                    }
                    Step::Store(block) => {
                        let logged = running.log.as_ref().map(|_| slowness);
                        let (takes, limit) = (storing_ns(&block, running.level, logged), running.limit.0 * 1_000_000);
                        let late = logged.is_some() && takes > limit;
                        let at = running.storing_until.max(now).plus_ns(if late { limit } else { takes });
                        running.storing_until = at;
                        let executor = running.executor;
                        follows.push(Follows::Later(at, Storing { stream, attempt, executor, block, late }));
                    }
                    Step::Call(hook @ (Hook::Start | Hook::Stop)) => {
                        running.supervisor.called(now, hook, Ok(()), &mut steps);
                    }
                }
            }
        }
        follows
    }
}
