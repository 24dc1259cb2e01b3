//! The loop on threads: inputs from slots, executors and the clock, one at a time into the driver.

use super::background::Background;
use super::cluster::{ClusterNews, Executors};
use super::faulty_store::FaultyStore;
use super::pool::{self, Shared, Work};
use super::program::{Control, Environment, Outcome, Program};
use super::received_log::ReceivedLogWriter;
use super::receivers::Receivers;
use super::slots;
use super::store_ops;
use super::threads::{Threads, sign_of_life};
use super::verifying::on_two_threads;
use crate::clock::{Clock, SystemClock};
use crate::command::Transport;
use crate::config::EngineConfig;
use crate::driver::{ClusterOp, Driver, DriverInput, Effect, Effects, ReceiverOp, Reply, SlotId};
use crate::error::{EngineError, Result};
use crate::event::{ClockKind, Envelope, Event};
use crate::ids::*;
use crate::object_store::ObjectStore;
use crate::rdd::{Files, Released, SparkContext, TaskError};
use crate::scheduler::{Loss, MigrationOrder, ReplicaOrder, TaskReport};
use crate::storage::DiskStore;
use crate::supervise::{SuperviseMode, Supervision};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::{First, Receiver, Sender, first, unbounded};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Runs a program to its end on threads, under the wall clock. `sink` gets the events in order.
pub fn run(
    config: EngineConfig,
    environment: &Environment,
    program: Program,
    sink: &mut dyn FnMut(&[Envelope]),
) -> Outcome {
    start(config, environment, program, Attendance { controls: None, unsupervised: Unsupervised::Ends }, sink)
}

/// The same under the controls of a window: commands reach the driver between two inputs, and while the
/// loop is paused no input reaches it. Steps and speeds mean nothing here. Returns when the program ended,
/// or the window quit.
pub fn run_controlled(
    config: EngineConfig,
    environment: &Environment,
    program: Program,
    controls: Receiver<Control>,
    sink: &mut dyn FnMut(&[Envelope]),
) -> Outcome {
    start(config, environment, program, Attendance { controls: Some(controls), unsupervised: Unsupervised::Ends }, sink)
}

/// The same under a window that can start a driver again: one that is lost and not supervised waits for
/// [`RestartDriver`](crate::command::Command::RestartDriver).
pub fn run_attended(
    config: EngineConfig,
    environment: &Environment,
    program: Program,
    controls: Receiver<Control>,
    sink: &mut dyn FnMut(&[Envelope]),
) -> Outcome {
    start(
        config,
        environment,
        program,
        Attendance { controls: Some(controls), unsupervised: Unsupervised::Waits },
        sink,
    )
}

/// Who is there while a run goes on.
struct Attendance {
    controls: Option<Receiver<Control>>,
    unsupervised: Unsupervised,
}

/// What becomes of a run whose driver is lost and not supervised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsupervised {
    /// It ends.
    Ends,
    /// It waits for somebody who starts the driver again.
    Waits,
}

fn start(
    mut config: EngineConfig,
    environment: &Environment,
    program: Program,
    Attendance { controls, unsupervised }: Attendance,
    sink: &mut dyn FnMut(&[Envelope]),
) -> Outcome {
    config.clock = ClockKind::Wall;
    let config = Arc::new(config);
    let released = Arc::new(Mutex::new(Released::default()));
    let (sender, inbox) = unbounded();
    let executors = Executors::new(&config, DiskStore::temporary);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let store = FaultyStore::new(Arc::clone(&environment.store), Some(Arc::clone(&clock)));
    let reliable: Arc<dyn ObjectStore> = Arc::new(store.clone());
    let shared = Shared {
        config: Arc::clone(&config),
        cluster: Arc::clone(&executors.cluster),
        store: Arc::clone(&reliable),
        clock,
        inbox: sender,
    };
    let supervision = Supervision::new(SuperviseMode::from_setting(config.supervise));
    let live = Live {
        driver: Driver::new(Arc::clone(&config), Arc::clone(&released)),
        executors,
        store,
        workers: BTreeMap::new(),
        running: BTreeMap::new(),
        slots: BTreeMap::new(),
        receivers: Receivers::default(),
        received_log: Arc::new(Mutex::new(ReceivedLogWriter::new(reliable, config.receiver_log.metadata))),
        log_worker: Background::new("received-log", shared.inbox.clone()),
        store_worker: Background::new("store", shared.inbox.clone()),
        copying: Background::new("copying", shared.inbox.clone()),
        threads: Threads::default(),
        shared,
        inbox,
        controls,
        paused: false,
        sink,
        outcome: None,
        released,
        files: Arc::clone(&environment.files),
        program: Arc::from(program),
        supervision,
        unsupervised,
        driver_lost: false,
        stands_until: None,
    };
    live.run()
}

/// What the loop does next.
pub(super) enum Next {
    Input(DriverInput),
    Control(Control),
}

pub(super) struct Live<'a> {
    pub(super) driver: Driver,
    pub(super) executors: Executors,
    pub(super) store: FaultyStore,
    workers: BTreeMap<ExecutorId, Sender<Work>>,
    pub(super) running: BTreeMap<TaskId, (ExecutorId, Arc<AtomicBool>)>,
    slots: BTreeMap<SlotId, Sender<Reply>>,
    pub(super) receivers: Receivers,
    pub(super) received_log: Arc<Mutex<ReceivedLogWriter>>,
    pub(super) log_worker: Background,
    pub(super) store_worker: Background,
    /// Copies blocks and outputs from executor to executor.
    pub(super) copying: Background,
    /// Those of executors and of the program.
    threads: Threads,
    pub(super) shared: Shared,
    pub(super) inbox: Receiver<DriverInput>,
    /// The window's; without one nobody can send a command.
    pub(super) controls: Option<Receiver<Control>>,
    paused: bool,
    sink: &'a mut dyn FnMut(&[Envelope]),
    pub(super) outcome: Option<Result<()>>,
    pub(super) released: Arc<Mutex<Released>>,
    pub(super) files: Arc<dyn Files>,
    pub(super) program: Arc<dyn Fn(&SparkContext) -> Result<()> + Send + Sync>,
    pub(super) supervision: Supervision,
    pub(super) unsupervised: Unsupervised,
    /// The driver is gone; nothing of it is carried out any more.
    pub(super) driver_lost: bool,
    /// Until then the driver's process stands still.
    pub(super) stands_until: Option<Timestamp>,
}

impl Live<'_> {
    fn run(mut self) -> Outcome {
        let mut fx = Effects::default();
        self.driver.start(self.shared.clock.now(), &mut fx);
        self.perform(fx);
        let mut sc = self.new_context(None);
        loop {
            self.supervision.started(self.shared.clock.now());
            self.start_program(&sc);
            self.serve();
            self.end();
            if !self.driver_lost || !self.restart() {
                break;
            }
            sc = self.new_context(Some(&sc));
        }
        Outcome { result: self.outcome.unwrap_or(Err(EngineError::DriverLost)) }
    }

    /// One input after another, until the program ends or its driver does.
    fn serve(&mut self) {
        while !self.is_over() {
            if let Some(until) = self.stands_until {
                self.stand_still(until);
                continue;
            }
            // When nobody can send a command, a loop without an executor would wait for ever.
            let helpless = self.controls.is_none() && self.driver.next_deadline().is_none();
            if helpless && self.inbox.is_empty() && self.driver.is_starved() {
                self.outcome = Some(Err(self.driver.why_stuck()));
                break;
            }
            match self.next() {
                Next::Input(DriverInput::Deadline) => {
                    self.hear_what_arrived();
                    self.input(DriverInput::Deadline);
                }
                Next::Input(input) => self.input(input),
                Next::Control(control) => self.control(control),
            }
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        self.outcome.is_some() || self.driver_lost
    }

    /// Nothing of the program runs after the run; threads hold what they work on, down to the directories of
    /// executors.
    fn end(&mut self) {
        // Tasks that still run end at their next chunk, and what stands still could not end.
        self.running.values().for_each(|(_, cancelled)| cancelled.store(true, Ordering::Relaxed));
        self.executors.resume_all();
        self.workers.clear();
        // Threads of the program hear that the driver is gone.
        self.slots.clear();
        self.inbox = unbounded().1;
        self.receivers.stop_all(&*self.shared.clock);
        self.store.end();
        self.log_worker.finish();
        self.store_worker.finish();
        self.copying.finish();
        self.threads.join();
    }

    /// What the driver hears next, or what the window wants.
    fn next(&self) -> Next {
        self.next_until(self.driver.next_deadline())
    }

    /// What is next, when something must happen at `deadline` although nothing arrives.
    pub(super) fn next_until(&self, deadline: Option<Timestamp>) -> Next {
        if self.paused {
            return Next::Control(self.controls.as_ref().and_then(|c| c.recv().ok()).unwrap_or(Control::Quit));
        }
        if let Some(Ok(control)) = self.controls.as_ref().map(Receiver::try_recv) {
            return Next::Control(control);
        }
        let now = self.shared.clock.now();
        let patience = match deadline {
            // What is due comes before what arrives, or a busy inbox would hold it off for ever.
            Some(deadline) if deadline <= now => return Next::Input(DriverInput::Deadline),
            Some(deadline) => Some(Duration::from_nanos(deadline.ns_since(now))),
            None => None,
        };
        match first(&self.inbox, self.controls.as_ref(), patience) {
            // The loop itself holds a sender, so the inbox cannot be disconnected.
            First::One(input) => Next::Input(input.unwrap_or(DriverInput::Deadline)),
            First::Other(control) => Next::Control(control.unwrap_or(Control::Quit)),
            First::Timeout => Next::Input(DriverInput::Deadline),
        }
    }

    pub(super) fn control(&mut self, control: Control) {
        match control {
            Control::Command(command) => self.input(DriverInput::Command(command)),
            Control::Transport(Transport::Pause) => self.paused = true,
            Control::Transport(Transport::Resume) => {
                self.paused = false;
                self.hear_what_arrived();
            }
            // The clock on the wall cannot be stepped.
            Control::Transport(Transport::Step(_) | Transport::Speed(_)) => {}
            Control::Quit => self.outcome = Some(Ok(())),
        }
    }

    /// What was answered in time is not overdue, however long this loop stood still. What comes while that is heard
    /// does not hold a deadline off.
    pub(super) fn hear_what_arrived(&mut self) {
        for _ in 0..self.inbox.len() {
            let Ok(input) = self.inbox.try_recv() else { return };
            self.input(input);
            if self.stands_until.is_some() {
                return;
            }
        }
    }

    pub(super) fn input(&mut self, input: DriverInput) {
        if let DriverInput::TaskFinished(report) = &input {
            // What a killed incarnation sent before it died no longer counts.
            if self.running.remove(&report.task).is_none() {
                return;
            }
        }
        self.handle(input);
    }

    fn handle(&mut self, input: DriverInput) {
        // What was heard together with the end comes too late.
        if self.is_over() {
            return;
        }
        let mut fx = Effects::default();
        self.driver.handle(self.shared.clock.now(), input, &mut fx);
        self.perform(fx);
    }

    pub(super) fn perform(&mut self, fx: Effects) {
        if !fx.events.is_empty() {
            if fx.events.iter().any(|e| matches!(e.event, Event::BatchCompleted { failure: None, .. })) {
                self.supervision.batch_completed();
            }
            (self.sink)(&fx.events);
        }
        for effect in fx.list {
            if self.driver_lost {
                return;
            }
            match effect {
                Effect::Launch(launch) => {
                    let (task, executor) = (launch.info.id, launch.info.executor);
                    // Its executor knows it already.
                    if self.running.contains_key(&task) {
                        continue;
                    }
                    let cancelled = Arc::new(AtomicBool::new(false));
                    if let Some(workers) = self.workers.get(&executor) {
                        self.running.insert(task, (executor, Arc::clone(&cancelled)));
                        // The driver never launches more tasks than there are slots; an executor whose
                        // threads are gone is reported lost by whoever killed it.
                        drop(workers.send(Work { launch, cancelled }));
                    }
                }
                Effect::Cancel(task) => {
                    // Its thread answers when it has noticed; until then the slot is taken. One that never
                    // arrived, or whose end got lost on the way, has no thread.
                    match self.running.get(&task) {
                        Some((_, cancelled)) => cancelled.store(true, Ordering::Relaxed),
                        None => self.handle(DriverInput::TaskFinished(TaskReport::failed(task, TaskError::Cancelled))),
                    }
                }
                Effect::Reply(slot, reply) => self.reply(slot, reply),
                Effect::Spawn(spawn) => self.spawn(spawn.slot, &spawn.name, spawn.run),
                Effect::Cluster(op) => self.operate(op),
                Effect::StoreFault(fault) => self.store.apply(fault),
                Effect::Receiver(op) => {
                    let stores = match &op {
                        ReceiverOp::Start { executor, .. } => self.executors.stores(*executor),
                        _ => None,
                    };
                    if let ReceiverOp::CleanLog { stream, before } = op {
                        self.clean_block_log(stream, before);
                    } else {
                        self.receivers.apply(&self.shared, op, stores);
                    }
                }
                Effect::ReceivedLog(op) => {
                    let (log, clock) = (Arc::clone(&self.received_log), Arc::clone(&self.shared.clock));
                    self.log_worker.send(move || Some(log.lock().perform(clock.now(), op)));
                }
                // Syncing takes long: the loop goes on, and hears of the end as of any other input.
                Effect::Store(op) => {
                    let store = Arc::clone(&self.shared.store);
                    self.store_worker.send(move || Some(store_ops::perform(&*store, op, on_two_threads)));
                }
                // The clock on the wall goes its own way.
                Effect::AdvanceClock(_) => {}
                Effect::StandStill(time) => self.stands_until = Some(self.shared.clock.now().plus(time)),
                Effect::Supervise(mode) => self.supervision.set_mode(mode),
                Effect::DriverLost => self.driver_lost = true,
                Effect::Ended(result) => self.outcome = Some(result),
            }
        }
    }

    /// What is not deleted is so with the next cleaning.
    fn clean_block_log(&mut self, stream: StreamId, before: u64) {
        if let Some(log) = self.receivers.log_of(stream) {
            self.store_worker.send(move || {
                let result = log.clean(before).map_err(|error| error.to_string());
                Some(DriverInput::BlockLogCleaned { stream, result })
            });
        }
    }

    fn reply(&self, slot: SlotId, reply: Reply) {
        if let Some(sender) = self.slots.get(&slot) {
            // A slot that ended needs no answer.
            drop(sender.send(reply));
        }
    }

    fn operate(&mut self, op: ClusterOp) {
        let op = match op {
            ClusterOp::Migrate(order) => return self.migrate(order),
            ClusterOp::Replicate(order) => return self.replicate(order),
            op => op,
        };
        let started = match op {
            ClusterOp::Start { executor, cores } => Some((executor, cores)),
            _ => None,
        };
        match self.executors.apply(op) {
            ClusterNews::Blocks(reports) if !reports.is_empty() => self.input(DriverInput::Blocks(reports)),
            ClusterNews::Reported(executor, reports) => self.input(DriverInput::BlocksReported { executor, reports }),
            ClusterNews::Migrated(executor, migration) => self.input(DriverInput::Migrated { executor, migration }),
            ClusterNews::Died(executor) => {
                self.workers.remove(&executor);
                self.running.retain(|_, (at, cancelled)| {
                    if *at == executor {
                        cancelled.store(true, Ordering::Relaxed);
                    }
                    *at != executor
                });
            }
            ClusterNews::NotStarted(executor, loss) => self.lost(executor, loss),
            ClusterNews::Blocks(_) | ClusterNews::None => {}
        }
        let Some((executor, cores)) = started else { return };
        let Some(stores) = self.executors.stores(executor) else { return };
        match pool::start(&mut self.threads, &self.shared, &stores, cores) {
            Ok(workers) => drop(self.workers.insert(executor, workers)),
            Err(error) => {
                let reason = format!("cannot start threads: {error}");
                self.lost(executor, Loss { caused_by_app: false, ..Loss::exited(reason) });
            }
        }
    }

    fn migrate(&mut self, order: MigrationOrder) {
        let (copier, executor) = (self.executors.copier(), order.executor);
        self.copying.send(move || {
            // What cannot be encoded stays where it is; the driver waits for the answer.
            let migrated = catch_unwind(AssertUnwindSafe(|| copier.migrate(order)));
            Some(DriverInput::Migrated { executor, migration: migrated.unwrap_or_default() })
        });
    }

    fn replicate(&mut self, order: ReplicaOrder) {
        let copier = self.executors.copier();
        self.copying.send(move || {
            let reports = copier.replicate(&order);
            (!reports.is_empty()).then_some(DriverInput::Blocks(reports))
        });
    }

    /// The driver hears of it when it has announced the executor.
    fn lost(&self, executor: ExecutorId, loss: Loss) {
        // The loop itself holds the receiver, so the inbox cannot be disconnected.
        drop(self.shared.inbox.send(DriverInput::ExecutorLost { executor, loss }));
    }

    pub(super) fn spawn(&mut self, slot: SlotId, name: &str, body: impl FnOnce() -> Result<()> + Send + 'static) {
        let (alive, ended) = sign_of_life();
        let body = move || {
            let _alive = alive;
            body()
        };
        match slots::spawn(slot, name, self.shared.inbox.clone(), body) {
            Ok((sender, thread)) => {
                self.threads.watch(ended, thread);
                drop(sender.send(Reply::Done(Ok(()))));
                self.slots.insert(slot, sender);
            }
            Err(error) => {
                let text = format!("cannot start the thread {name}: {error}");
                self.outcome = Some(Err(EngineError::IllegalState(text)));
            }
        }
    }
}
