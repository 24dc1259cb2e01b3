//! The loop of the simulator.

use super::audit::Audit;
use super::calendar::{Item, Scheduled};
use super::held::Held;
use super::pacing::{Pacing, Waited};
use super::receivers::{Follows, Receivers, World};
use super::standing::Standing;
use super::tasks::{Production, Script, compute};
use crate::checkpoint::format::one_by_one;
use crate::config::EngineConfig;
use crate::driver::{ClusterOp, Driver, DriverInput, Effect, Effects, ReceivedLogOp, Reply, SlotId};
use crate::error::{EngineError, Result};
use crate::event::{ClockKind, Envelope, Event};
use crate::executor::{BlockReport, CostTable, EffectRules, ScriptEntry, apply};
use crate::ids::*;
use crate::rdd::{Released, SparkContext, TaskError};
use crate::runtime::cluster::{ClusterNews, Executors};
use crate::runtime::faulty_store::FaultyStore;
use crate::runtime::{Environment, Outcome, Program, ReceivedLogWriter, slots, store_ops};
use crate::scheduler::TaskReport;
use crate::storage::DiskStore;
use crate::supervise::{SuperviseMode, Supervision};
use crate::sync::Mutex;
use crate::sync::channel::{Receiver, Sender, unbounded};
use crate::sync::thread::JoinHandle;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Who gets the events, and may break a run off.
type Sink<'a> = &'a mut dyn FnMut(&[Envelope]) -> ControlFlow<()>;

/// Who watches a run.
pub struct Sinks<'a> {
    /// Gets the events in order, and may break the run off.
    pub events: Sink<'a>,
    /// Is told what is wrong each time that the last running task ended.
    pub audits: &'a mut dyn FnMut(Audit),
}

/// Runs a program to its end, as fast as it computes. `sink` gets the events in order.
pub fn simulate(
    config: EngineConfig,
    environment: &Environment,
    program: Program,
    sink: &mut dyn FnMut(&[Envelope]),
) -> Outcome {
    simulate_while(config, environment, program, &mut |events| {
        sink(events);
        ControlFlow::Continue(())
    })
}

/// The same, until `sink` breaks off; the outcome is then [`EngineError::DriverLost`].
pub fn simulate_while(config: EngineConfig, environment: &Environment, program: Program, sink: Sink<'_>) -> Outcome {
    Simulation::new(config, environment, program, None, sink).run()
}

/// The same, and looks whenever nothing runs whether the driver and its executors agree.
pub fn simulate_audited(
    config: EngineConfig,
    environment: &Environment,
    program: Program,
    sinks: Sinks<'_>,
) -> Outcome {
    let mut simulation = Simulation::new(config, environment, program, None, sinks.events);
    simulation.audits = Some(sinks.audits);
    simulation.run()
}

/// Runs a program under the controls of a window. Returns when it ended and the window quit. A driver that is
/// lost and not supervised waits for [`RestartDriver`](crate::command::Command::RestartDriver).
pub fn simulate_paced(
    config: EngineConfig,
    environment: &Environment,
    program: Program,
    pacing: Pacing,
    sink: &mut dyn FnMut(&[Envelope]),
) -> Outcome {
    let mut sink = |events: &[Envelope]| {
        sink(events);
        ControlFlow::Continue(())
    };
    Simulation::new(config, environment, program, Some(pacing), &mut sink).run()
}

pub(super) struct Simulation<'a> {
    pub(super) config: Arc<EngineConfig>,
    pub(super) driver: Driver,
    pub(super) now: Timestamp,
    pub(super) calendar: BinaryHeap<Scheduled>,
    next_order: u64,
    /// Where each running task runs; absent tasks were killed, and their entries count for nothing.
    pub(super) running: BTreeMap<TaskId, ExecutorId>,
    pub(super) held: Held,
    store: FaultyStore,
    pub(super) executors: Executors,
    pub(super) receivers: Receivers,
    pub(super) received_log: ReceivedLogWriter,
    pub(super) production: Arc<Mutex<Production>>,
    pub(super) environment: Environment,
    pub(super) released: Arc<Mutex<Released>>,
    pub(super) inbox: (Sender<DriverInput>, Receiver<DriverInput>),
    pub(super) slots: BTreeMap<SlotId, Sender<Reply>>,
    pub(super) threads: Vec<JoinHandle<()>>,
    pub(super) to_resume: VecDeque<(SlotId, Reply)>,
    pub(super) pacing: Option<Pacing>,
    sink: Sink<'a>,
    audits: Option<&'a mut dyn FnMut(Audit)>,
    /// Whether tasks ran since the last audit.
    busy: bool,
    pub(super) broken_off: bool,
    pub(super) outcome: Option<Result<()>>,
    pub(super) program: Arc<dyn Fn(&SparkContext) -> Result<()> + Send + Sync>,
    pub(super) supervision: Supervision,
    /// The driver is gone; nothing of it is carried out any more.
    pub(super) driver_lost: bool,
    pub(super) standing: Option<Standing>,
}

impl<'a> Simulation<'a> {
    fn new(
        mut config: EngineConfig,
        environment: &Environment,
        program: Program,
        pacing: Option<Pacing>,
        sink: Sink<'a>,
    ) -> Self {
        config.clock = ClockKind::Virtual;
        let config = Arc::new(config);
        let released = Arc::new(Mutex::new(Released::default()));
        let store = FaultyStore::new(Arc::clone(&environment.store), None);
        let environment = Environment { files: Arc::clone(&environment.files), store: Arc::new(store.clone()) };
        Self {
            driver: Driver::new(Arc::clone(&config), Arc::clone(&released)),
            now: VIRTUAL_EPOCH.plus(config.virtual_start),
            calendar: BinaryHeap::new(),
            next_order: 0,
            running: BTreeMap::new(),
            held: Held::default(),
            store,
            executors: Executors::new(&config, || Ok(DiskStore::in_memory())),
            receivers: Receivers::default(),
            received_log: ReceivedLogWriter::new(Arc::clone(&environment.store), config.receiver_log.metadata),
            production: Arc::default(),
            environment,
            released,
            inbox: unbounded(),
            slots: BTreeMap::new(),
            threads: Vec::new(),
            to_resume: VecDeque::new(),
            pacing,
            sink,
            audits: None,
            busy: false,
            broken_off: false,
            outcome: None,
            program: Arc::from(program),
            supervision: Supervision::new(SuperviseMode::from_setting(config.supervise)),
            driver_lost: false,
            standing: None,
            config,
        }
    }

    fn run(mut self) -> Outcome {
        let mut fx = Effects::default();
        self.driver.start(self.now, &mut fx);
        self.perform(fx);
        let mut sc = self.new_context(None);
        loop {
            self.supervision.started(self.now);
            self.start_program(&sc);
            while self.outcome.is_none() && !self.broken_off && !self.driver_lost && self.step() {
                self.look();
            }
            self.unwind();
            if self.broken_off || !self.driver_lost || !self.restart() {
                break;
            }
            sc = self.new_context(Some(&sc));
        }
        Outcome { result: self.outcome.unwrap_or(Err(EngineError::DriverLost)) }
    }

    /// Tells who asked what is wrong, once after tasks ran.
    fn look(&mut self) {
        if self.audits.is_none() || !std::mem::replace(&mut self.busy, !self.running.is_empty()) {
            return;
        }
        let audit = self.audit();
        self.busy |= audit.is_none();
        if let (Some(audits), Some(audit)) = (&mut self.audits, audit) {
            audits(audit);
        }
    }

    /// One input. Returns whether there can be another.
    fn step(&mut self) -> bool {
        let stands = self.standing.as_ref().map(|standing| standing.until);
        if stands.is_none()
            && let Some((slot, reply)) = self.to_resume.pop_front()
        {
            self.resume(slot, reply);
            return true;
        }
        let item_at = self.calendar.peek().map(|s| s.at);
        let deadline = stands.or_else(|| self.driver.next_deadline());
        let receiver_at = self.receivers.next_at();
        let due = item_at.into_iter().chain(receiver_at).chain(deadline).min();
        if let Some(pacing) = &mut self.pacing {
            match pacing.wait(self.now, due) {
                Waited::Due => {}
                Waited::Command(at, command) => {
                    self.now = self.now.max(at);
                    self.input(DriverInput::Command(command));
                    return true;
                }
                Waited::Quit => return false,
            }
        }
        let Some(due) = due else {
            self.outcome = Some(Err(self.driver.why_stuck()));
            return false;
        };
        self.now = self.now.max(due);
        // Effects of tasks come before receivers, and those before deadlines of the same moment.
        if item_at.is_some_and(|at| at <= due)
            && let Some(scheduled) = self.calendar.pop()
        {
            self.happen(scheduled.item);
        } else if receiver_at.is_some_and(|at| at <= due) {
            let follows = self.with_receivers(Receivers::advance);
            self.follow(follows);
        } else if stands.is_some() {
            self.go_on();
        } else {
            self.input(DriverInput::Deadline);
        }
        true
    }

    pub(super) fn perform(&mut self, fx: Effects) {
        if !fx.events.is_empty() {
            if let Some(pacing) = &mut self.pacing {
                pacing.observe(&fx.events, self.now);
            }
            if fx.events.iter().any(|e| matches!(e.event, Event::BatchCompleted { failure: None, .. })) {
                self.supervision.batch_completed();
            }
            self.broken_off |= (self.sink)(&fx.events).is_break();
        }
        for effect in fx.list {
            if self.driver_lost {
                return;
            }
            match effect {
                Effect::Launch(launch) => {
                    let (store, now) = (&self.environment.store, self.now);
                    let (task, executor) = (launch.info.id, launch.info.executor);
                    // Its executor knows it already.
                    if self.running.contains_key(&task) {
                        continue;
                    }
                    let slow = self.store.slowness();
                    let script = compute(launch, now, &self.config, &self.executors, (store, slow), &self.production);
                    if let Some(mut script) = script {
                        self.running.insert(task, executor);
                        let changed = std::mem::take(&mut script.changed);
                        self.enter(task, script);
                        self.blocks_changed(changed);
                    }
                }
                Effect::Cancel(task) => self.kill(task),
                Effect::Reply(slot, reply) => self.to_resume.push_back((slot, reply)),
                Effect::Spawn(spawn) => {
                    self.spawn(spawn.slot, &spawn.name, spawn.run);
                    self.to_resume.push_back((spawn.slot, Reply::Done(Ok(()))));
                }
                Effect::Cluster(op) => self.operate(op),
                Effect::StoreFault(fault) => self.store.apply(fault),
                Effect::Receiver(op) => {
                    let follows = self.with_receivers(|receivers, now, world| receivers.apply(now, op, world));
                    self.follow(follows);
                }
                Effect::ReceivedLog(op) => self.log_received(op),
                Effect::Store(op) => {
                    let answer = store_ops::perform(&*self.environment.store, op, one_by_one);
                    self.input(answer);
                }
                Effect::AdvanceClock(at) => self.advance(at),
                Effect::StandStill(time) => self.stand_still(time),
                Effect::Supervise(mode) => self.supervision.set_mode(mode),
                Effect::DriverLost => self.driver_lost = true,
                Effect::Ended(result) => self.outcome = Some(result),
            }
        }
    }

    fn with_receivers(
        &mut self,
        act: impl FnOnce(&mut Receivers, Timestamp, &World<'_>) -> Vec<Follows>,
    ) -> Vec<Follows> {
        let store = (&self.environment.store, self.store.slowness());
        act(&mut self.receivers, self.now, &World { config: &self.config, executors: &self.executors, store })
    }

    /// What is written is there at once; the driver hears of it when a sync would be done.
    fn log_received(&mut self, op: ReceivedLogOp) {
        let bytes = match &op {
            ReceivedLogOp::Append { records, .. } => Some(records.iter().map(Vec::len).sum::<usize>() as u64),
            ReceivedLogOp::Open { .. } | ReceivedLogOp::Delete { .. } => None,
        };
        let answer = self.received_log.perform(self.now, op);
        match bytes {
            Some(bytes) => {
                let costs = CostTable::default().with_slow_store(self.store.slowness());
                self.schedule(self.now.plus_ns(costs.log_write(bytes)), Item::Logged(answer));
            }
            None => self.input(answer),
        }
    }

    fn operate(&mut self, op: ClusterOp) {
        match op {
            ClusterOp::Pause { executor } => self.pause(executor),
            ClusterOp::Resume { executor } => self.resume_executor(executor),
            _ => {}
        }
        match self.executors.apply(op) {
            ClusterNews::Blocks(reports) => self.blocks_changed(reports),
            ClusterNews::Reported(executor, reports) => self.input(DriverInput::BlocksReported { executor, reports }),
            ClusterNews::Migrated(executor, migration) => self.input(DriverInput::Migrated { executor, migration }),
            ClusterNews::Died(executor) => {
                self.running.retain(|_, at| *at != executor);
                self.held.forget(executor);
                let follows = self.receivers.executor_died(executor);
                self.production.lock().executor_died(executor);
                self.follow(follows);
            }
            ClusterNews::NotStarted(executor, loss) => self.input(DriverInput::ExecutorLost { executor, loss }),
            ClusterNews::None => {}
        }
    }

    /// A stream goes on that was further than this clock.
    fn advance(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
        if let Some(pacing) = &mut self.pacing {
            pacing.jumped(self.now);
        }
    }

    fn follow(&mut self, follows: Vec<Follows>) {
        for follow in follows {
            match follow {
                Follows::Input(input) => self.input(input),
                Follows::Later(at, storing) => self.schedule(at, Item::Storing(storing)),
            }
        }
    }

    fn enter(&mut self, task: TaskId, script: Script) {
        for (at, entry) in script.entries {
            self.schedule(at, Item::Entry(task, entry));
        }
        self.schedule(script.end, Item::End(script.report));
    }

    /// Where something happens; `None` when it does not happen any more.
    pub(super) fn place_of(&self, item: &Item) -> Option<ExecutorId> {
        match item {
            Item::Storing(storing) => self.receivers.place_of(storing),
            Item::Entry(task, _) => self.running.get(task).copied(),
            Item::End(report) => self.running.get(&report.task).copied(),
            Item::Killed(executor, _) => *executor,
            Item::Logged(_) => None,
        }
    }

    pub(super) fn schedule(&mut self, at: Timestamp, item: Item) {
        let executor = self.place_of(&item);
        let item = match executor {
            Some(executor) => match self.held.hold(executor, self.now, at, item) {
                Some(item) => item,
                None => return,
            },
            None => item,
        };
        self.calendar.push(Scheduled { at, order: self.next_order, item });
        self.next_order += 1;
    }

    fn happen(&mut self, item: Item) {
        match item {
            Item::Entry(task, entry) => {
                let Some(&executor) = self.running.get(&task) else { return };
                let Some(stores) = self.executors.stores(executor) else { return };
                if let ScriptEntry::TeePart(part) = entry {
                    if part.write(&stores, &*self.environment.store) {
                        self.input(DriverInput::part_written(task, part));
                    }
                    return;
                }
                if let ScriptEntry::PutBlock { id, .. } = &entry {
                    self.production.lock().done(executor, *id);
                }
                let (cluster, store) = (&self.executors.cluster, &*self.environment.store);
                let applied = apply(entry, &stores, cluster, store, EffectRules::from(&*self.config));
                self.blocks_changed(applied.reports);
                if let Err(error) = applied.result {
                    // What the task would have done after this does not happen.
                    self.task_over(task);
                    self.input(DriverInput::TaskFinished(TaskReport::failed(task, error)));
                }
            }
            Item::Storing(storing) => {
                let follows = self.with_receivers(|receivers, now, world| receivers.store(now, &storing, world));
                self.follow(follows);
            }
            Item::Logged(answer) => self.input(answer),
            Item::Killed(_, task) => {
                self.input(DriverInput::TaskFinished(TaskReport::failed(task, TaskError::Cancelled)));
            }
            Item::End(report) => {
                if self.running.contains_key(&report.task) {
                    self.task_over(report.task);
                    self.input(DriverInput::TaskFinished(report));
                }
            }
        }
    }

    /// A task is to end at once. Its executor says so in the next moment of the same time, when it goes on.
    fn kill(&mut self, task: TaskId) {
        let executor = self.running.get(&task).copied();
        self.task_over(task);
        self.schedule(self.now, Item::Killed(executor, task));
    }

    /// A task runs no more: what it held is free again.
    fn task_over(&mut self, task: TaskId) {
        self.production.lock().task_ended(task);
        let Some(executor) = self.running.remove(&task) else { return };
        if let Some(stores) = self.executors.stores(executor) {
            self.blocks_changed(stores.task_ended(task));
        }
    }

    fn blocks_changed(&mut self, reports: Vec<BlockReport>) {
        if !reports.is_empty() {
            self.input(DriverInput::Blocks(reports));
        }
    }

    pub(super) fn spawn(&mut self, slot: SlotId, name: &str, body: impl FnOnce() -> Result<()> + Send + 'static) {
        match slots::spawn(slot, name, self.inbox.0.clone(), body) {
            Ok((sender, thread)) => {
                self.slots.insert(slot, sender);
                self.threads.push(thread);
            }
            Err(error) => {
                let text = format!("cannot start the thread {name}: {error}");
                self.outcome = Some(Err(EngineError::IllegalState(text)));
            }
        }
    }

    /// Gives the baton to one thread of the program, and takes its inputs once it waits or ends: until
    /// then it may still drop RDDs, and when the driver hears of that must not depend on a race.
    fn resume(&mut self, slot: SlotId, reply: Reply) {
        let Some(sender) = self.slots.get(&slot) else { return };
        if sender.send(reply).is_err() {
            return;
        }
        let mut inputs = Vec::new();
        while let Ok(input) = self.inbox.1.recv() {
            let gives_back = matches!(input, DriverInput::Request { .. } | DriverInput::SlotEnded { .. });
            inputs.push(input);
            if gives_back {
                break;
            }
        }
        inputs.into_iter().for_each(|input| self.input(input));
    }
}
