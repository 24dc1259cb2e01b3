//! Receivers on threads: each start has a thread that cuts its blocks, stores them on its executor and on a
//! peer, and tells the driver (R17). What it decides is in [`Supervisor`].
//!
//! The executor of a receiver may die at any moment. Then its thread ends by itself and says nothing more, and
//! what it had not stored is lost.

use super::logged_block::{LoggedBlock, log_in_time, store_and_log};
use super::pool::Shared;
use crate::clock::Clock;
use crate::command::StopMode;
use crate::driver::{DriverInput, ReceiverNews, ReceiverOp};
use crate::event::StorageLevel;
use crate::executor::{ExecutorStores, Replicas, peers_of};
use crate::ids::*;
use crate::receiver::{
    AnyIntake, Ask, BlockLog, BlockLogs, BlockNumbers, Clients, Hook, IntakeSetup, Port, ReadyBlock, ReceivedBlock,
    ReceiverPlan, Say, Step, Supervisor,
};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, unbounded};
use crate::sync::thread;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Longest wait without a look at whether the executor still lives.
const NAP: Duration = Duration::from_millis(50);
/// How long the end of a run waits for receivers that do not stop, as Spark does; then their threads are left
/// to themselves.
const END_WAIT: Duration = Duration::from_secs(10);

/// The receivers that run.
#[derive(Default)]
pub(super) struct Receivers {
    running: BTreeMap<StreamId, Running>,
    numbers: BTreeMap<StreamId, BlockNumbers>,
    logs: BlockLogs,
    /// One for each thread that was started; it is disconnected when the thread has ended.
    ends: Vec<Receiver<()>>,
}

/// The last start of a receiver.
struct Running {
    attempt: u32,
    link: Arc<Link>,
}

/// What reaches the thread of a receiver.
enum Signal {
    Ask(Ask),
    Answer(InputBlockId, Result<(), String>),
    Called(Hook, Result<(), String>),
    SetRate(u64),
    Stop,
}

impl Receivers {
    /// Does what the driver asks. `stores` are those of the executor of a receiver that starts.
    pub fn apply(&mut self, shared: &Shared, op: ReceiverOp, stores: Option<Arc<ExecutorStores>>) {
        match op {
            ReceiverOp::Start { plan, executor: _, attempt, rate, clients, log, numbers_after } => {
                self.end(plan.stream);
                // The driver will notice that the executor is gone, and choose another.
                let Some(stores) = stores else { return };
                let config = &shared.config.receiver_log;
                let log = log.map(|log| self.logs.open(plan.stream, &log, &shared.store, config.blocks));
                self.numbers.entry(plan.stream).or_default().skip_to(numbers_after);
                self.start(shared, &plan, attempt, (rate, clients), (stores, log));
            }
            ReceiverOp::Stop { stream, mode: StopMode::Graceful } => {
                if let Some(running) = self.running.get(&stream) {
                    running.link.signal(Signal::Stop);
                }
            }
            ReceiverOp::Stop { stream, mode: StopMode::Immediate } => self.end(stream),
            ReceiverOp::Answer { stream, attempt, block, result } => {
                self.logs.answered(block);
                if let Some(running) = self.running.get(&stream).filter(|running| running.attempt == attempt) {
                    running.link.signal(Signal::Answer(block, result));
                }
            }
            // Deleting takes long, and is done in the background.
            ReceiverOp::CleanLog { .. } => {}
            ReceiverOp::SetRate { stream, rate } => {
                if let Some(running) = self.running.get(&stream) {
                    running.link.signal(Signal::SetRate(rate));
                }
            }
        }
    }

    fn start(
        &mut self,
        shared: &Shared,
        plan: &ReceiverPlan,
        attempt: u32,
        known: (Option<u64>, Clients),
        (stores, log): (Arc<ExecutorStores>, Option<Arc<BlockLog>>),
    ) {
        let numbers = self.numbers.entry(plan.stream).or_default().clone();
        let setup = IntakeSetup::new(plan.stream, numbers, shared.clock.now(), known, &shared.config);
        let supervisor = Supervisor::new(plan.source.open(&setup), shared.config.receiver_restart_delay);
        let (signals, inbox) = unbounded();
        let link = Arc::new(Link {
            stream: plan.stream,
            attempt,
            level: plan.level,
            shared: shared.clone(),
            stores,
            log,
            intake: Arc::clone(supervisor.intake()),
            over: AtomicBool::new(false),
            signals,
        });
        let (ends, end) = unbounded();
        self.ends.retain(|end| end.try_recv() != Err(TryRecvError::Disconnected));
        let work = Thread { link: Arc::clone(&link), supervisor, stopped: Arc::default(), ends };
        let name = format!("receiver-{}", plan.stream);
        match thread::Builder::new().name(name).spawn(move || work.run(&inbox)) {
            Ok(_) => self.ends.push(end),
            Err(error) => {
                let message = "cannot start the thread of the receiver".to_owned();
                link.tell(ReceiverNews::Ended { message, error: error.to_string() });
            }
        }
        self.running.insert(plan.stream, Running { attempt, link });
    }

    /// The log of a stream's blocks, if it has one.
    pub fn log_of(&self, stream: StreamId) -> Option<Arc<BlockLog>> {
        self.logs.get(stream).cloned()
    }

    /// Nobody hears the last start of a receiver any more.
    fn end(&mut self, stream: StreamId) {
        if let Some(running) = self.running.remove(&stream) {
            running.link.over.store(true, Ordering::Relaxed);
            running.link.signal(Signal::Stop);
        }
    }

    /// Stops all and waits for them, within a limit: they hold the directories of their executors.
    pub fn stop_all(&mut self, clock: &dyn Clock) {
        let streams: Vec<StreamId> = self.running.keys().copied().collect();
        streams.into_iter().for_each(|stream| self.end(stream));
        let give_up = clock.now().plus_ns(END_WAIT.as_nanos() as u64);
        for end in std::mem::take(&mut self.ends) {
            let patience = Duration::from_nanos(give_up.ns_since(clock.now()));
            if end.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }
}

/// What a receiver's threads share.
struct Link {
    stream: StreamId,
    attempt: u32,
    level: StorageLevel,
    shared: Shared,
    stores: Arc<ExecutorStores>,
    /// Where its blocks are logged, if they are.
    log: Option<Arc<BlockLog>>,
    /// What it has gathered.
    intake: Arc<dyn AnyIntake>,
    /// The driver does not want this start any more.
    over: AtomicBool,
    signals: Sender<Signal>,
}

impl Link {
    fn signal(&self, signal: Signal) {
        // The error only says that the thread has ended.
        drop(self.signals.send(signal));
    }

    fn tell(&self, news: ReceiverNews) {
        // A dead incarnation says nothing any more; the error only says that the driver is gone.
        if !self.is_over() {
            let (stream, attempt) = (self.stream, self.attempt);
            drop(self.shared.inbox.send(DriverInput::Receiver { stream, attempt, news }));
        }
    }
}

impl Link {
    /// Records are stored nowhere. A dead incarnation cannot say so; who looks after it can.
    fn dropped(&self, records: u64, reason: &str) {
        if records > 0 {
            let (executor, reason) = (self.stores.id(), reason.to_owned());
            let news = ReceiverNews::Dropped { executor, records, reason };
            let (stream, attempt) = (self.stream, self.attempt);
            drop(self.shared.inbox.send(DriverInput::Receiver { stream, attempt, news }));
        }
    }
}

impl Port for Link {
    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn store(&self, block: &ReadyBlock) -> Result<(), String> {
        self.stores.wait_while_paused();
        let shared = &self.shared;
        let peers = peers_of(self.stores.id(), block.id, &shared.cluster);
        let wanted = usize::from(self.level.replication.saturating_sub(1));
        let (previews, max_failures) = (shared.config.previews, shared.config.storage.max_replication_failures);
        let replicas = Replicas { wanted, peers: &peers, previews, max_failures };
        let (log, now) = (self.log.as_ref(), self.now());
        let limit = shared.config.receiver_log.store_timeout;
        let append = log.map(|log| move |bytes| log_in_time(log, (now, block.id), bytes, limit));
        let append = append.as_ref().map(|append| append as &dyn Fn(Arc<[u8]>) -> _);
        let mut stored = store_and_log(block, self.level, &replicas, (&self.stores, &shared.cluster), append);
        if let Some(log) = log.filter(|_| self.now() > now.plus(limit)) {
            stored = stored.too_late(block.id, &self.stores, log, limit);
        }
        let LoggedBlock { reports, handle, error } = stored;
        if let Some(error) = error {
            // What made room for it is gone nevertheless.
            if !reports.is_empty() && !self.is_over() {
                drop(shared.inbox.send(DriverInput::Blocks(reports)));
            }
            return Err(error);
        }
        if reports.is_empty() {
            return Err("its executor is dead".to_owned());
        }
        let buffered = self.intake.gathered();
        let block = ReceivedBlock { handle, buffered, ..block.received() };
        let executor = self.stores.id();
        let id = block.id;
        self.tell(ReceiverNews::Stored { block, executor, reports });
        // The driver will not answer what it was not told.
        if let Some(log) = self.log.as_ref().filter(|_| self.is_over()) {
            log.forget(id);
        }
        Ok(())
    }

    fn ask(&self, ask: Ask) {
        self.signal(Signal::Ask(ask));
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || !self.stores.is_alive()
    }
}

/// The thread of one start of a receiver.
struct Thread {
    link: Arc<Link>,
    supervisor: Supervisor,
    /// Of the context that was handed out last.
    stopped: Arc<AtomicBool>,
    /// Dropped when nothing of this start runs any more: the calls that it makes hold a clone.
    ends: Sender<()>,
}

impl Thread {
    fn run(mut self, inbox: &Receiver<Signal>) {
        // Hooks of the receiver and its records' serialisation are user code, and run here.
        let served = catch_unwind(AssertUnwindSafe(|| self.serve(inbox)));
        // What is still gathered is lost.
        let gathered = self.supervisor.intake().discard();
        self.link.dropped(gathered, "its receiver ended before it was stored");
        if let Err(panic) = served {
            let (message, error) = ("Error in the receiver's blocks".to_owned(), super::slots::panic_text(&*panic));
            self.link.tell(ReceiverNews::Ended { message, error });
        }
        // A receiver whose executor lives is told to let go.
        let told = self.stopped.swap(true, Ordering::Relaxed);
        if !told && self.link.stores.is_alive() {
            self.call(Hook::Stop);
        }
    }

    fn serve(&mut self, inbox: &Receiver<Signal>) {
        let mut steps = Vec::new();
        self.supervisor.start(self.link.now(), &mut steps);
        loop {
            self.perform(&mut steps);
            if self.supervisor.is_over() || self.link.is_over() {
                break;
            }
            match inbox.recv_timeout(self.nap()) {
                Ok(signal) => self.hear(signal, &mut steps),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.supervisor.advance(self.link.now(), &mut steps);
        }
    }

    /// Until something is due. Records may be added at any time, and are due at the end of their interval.
    fn nap(&self) -> Duration {
        let now = self.link.now();
        let interval = self.link.shared.config.block_interval.0.max(1) * 1_000_000;
        let boundary = interval - now.0 % interval;
        let due = self.supervisor.next_at().map_or(boundary, |at| at.ns_since(now).min(boundary));
        Duration::from_nanos(due).clamp(Duration::from_micros(100), NAP)
    }

    fn hear(&mut self, signal: Signal, steps: &mut Vec<Step>) {
        let now = self.link.now();
        match signal {
            Signal::Ask(ask) => self.supervisor.ask(ask, steps),
            Signal::Answer(block, result) => self.supervisor.answered(now, block, result, steps),
            Signal::Called(hook, result) => self.supervisor.called(now, hook, result, steps),
            Signal::SetRate(rate) => self.supervisor.intake().set_rate(rate),
            Signal::Stop => self.supervisor.stop(now, steps),
        }
    }

    fn perform(&mut self, steps: &mut Vec<Step>) {
        while !steps.is_empty() {
            for step in std::mem::take(steps) {
                match step {
                    Step::Tell(say) => self.link.tell(news_of(say)),
                    Step::Store(block) => {
                        if let Err(error) = self.link.store(&block) {
                            self.link.dropped(block.records_not_resent(), &format!("it could not be stored: {error}"));
                            self.supervisor.store_failed(self.link.now(), &block, error, steps);
                        }
                    }
                    Step::Call(hook) => self.call(hook),
                }
            }
        }
    }

    /// Calls the receiver on a thread of its own: it may take its time, and meanwhile blocks are cut.
    fn call(&mut self, hook: Hook) {
        if hook == Hook::Start {
            self.stopped = Arc::default();
        } else {
            self.stopped.store(true, Ordering::Relaxed);
        }
        let (intake, link) = (Arc::clone(self.supervisor.intake()), Arc::clone(&self.link));
        let (stopped, ends) = (Arc::clone(&self.stopped), self.ends.clone());
        let name = format!("receiver-{}-{hook:?}", link.stream).to_lowercase();
        let called = thread::Builder::new().name(name).spawn(move || {
            let port: Arc<dyn Port> = Arc::clone(&link) as Arc<dyn Port>;
            let result = catch_unwind(AssertUnwindSafe(|| match hook {
                Hook::Start => intake.on_start(port, stopped),
                Hook::Stop => intake.on_stop(),
            }));
            let result = result.map_err(|panic| super::slots::panic_text(&*panic));
            link.signal(Signal::Called(hook, result));
            drop(ends);
        });
        if let Err(error) = called {
            self.link.signal(Signal::Called(hook, Err(error.to_string())));
        }
    }
}

/// What a supervisor says, as the driver hears it.
pub(crate) fn news_of(say: Say) -> ReceiverNews {
    match say {
        Say::Started => ReceiverNews::Started,
        Say::Error { message, error } => ReceiverNews::Error { message, error },
        Say::Stopped { message, error } => ReceiverNews::Stopped { message, error },
        Say::Ended { message, error } => ReceiverNews::Ended { message, error },
    }
}
