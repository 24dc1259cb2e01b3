//! Where the records of one start of a receiver come in: from its threads, or from its script, into blocks.
//!
//! Everything is decided under one lock, so that additions and the closing of blocks never overlap (R17.8).

use super::context::{Port, Receiver, ReceiverContext, ReceiverError};
use super::generator::{BlockGenerator, BlockNumbers, Clients, Numbering, ReadyBlock, ReceivedBlock};
use super::limiter::RateLimiter;
use super::script::{Arrived, ScriptedSource};
use super::supervisor::Ask;
use crate::config::EngineConfig;
use crate::ids::*;
use crate::storage::Data;
use crate::sync::atomic::AtomicBool;
use crate::sync::{Condvar, Mutex, MutexGuard};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Longest wait of a receiver's thread without a look at whether its executor still lives.
const NAP: Duration = Duration::from_millis(50);

/// What a start of a receiver begins with.
pub(crate) struct IntakeSetup {
    stream: StreamId,
    numbers: BlockNumbers,
    interval: Millis,
    waiting_max: usize,
    limiter: RateLimiter,
    clients: Clients,
}

impl IntakeSetup {
    /// For a start at `now`, with the rate that the driver announced last, if any, and how far the blocks reach
    /// that it has accepted.
    pub fn new(
        stream: StreamId,
        numbers: BlockNumbers,
        now: Timestamp,
        (rate, clients): (Option<u64>, Clients),
        config: &EngineConfig,
    ) -> Self {
        let initial = rate.or(config.backpressure_initial_rate);
        Self {
            stream,
            numbers,
            interval: config.block_interval,
            waiting_max: config.block_queue_size.max(1),
            limiter: RateLimiter::new(config.receiver_max_rate, initial, now),
            clients,
        }
    }
}

/// What became of time or of a script.
pub(crate) enum Advance {
    /// A block is to be stored; it counts as waiting until it is answered.
    Block(ReadyBlock),
    /// The script wants something; what follows in it has not happened yet.
    Ask(Ask),
}

/// An intake without its record type.
pub(crate) trait AnyIntake: Send + Sync {
    /// When something happens although no thread adds anything.
    fn next_at(&self) -> Option<Timestamp>;
    /// What happened up to `now`.
    fn advance(&self, now: Timestamp) -> Vec<Advance>;
    /// The script goes on; what it did meanwhile is lost.
    fn resume(&self, now: Timestamp);
    /// The script is not heard.
    fn suspend(&self);
    /// Takes nothing more; the last block, if there is one (R17.9).
    fn close(&self, now: Timestamp) -> Option<ReadyBlock>;
    /// The executor is dead: what was gathered is lost. Returns how many records that were.
    fn discard(&self) -> u64;
    /// Records that are in no block yet, and those of blocks that are cut and not being stored.
    fn gathered(&self) -> u64;
    /// Blocks that the driver has not answered.
    fn waiting(&self) -> usize;
    /// The driver accepted a block, or not.
    fn answered(&self, now: Timestamp, block: InputBlockId, result: Result<(), String>);
    /// A new limit.
    fn set_rate(&self, rate: u64);
    /// Calls the receiver's `on_start`.
    fn on_start(self: Arc<Self>, port: Arc<dyn Port>, stopped: Arc<AtomicBool>);
    /// Calls the receiver's `on_stop`.
    fn on_stop(&self);
}

/// The typed one.
pub(super) struct Intake<T: Data> {
    state: Mutex<State<T>>,
    /// A block was answered, the intake closed, or the limit changed.
    changed: Condvar,
    receiver: Option<Arc<dyn Receiver<T>>>,
}

struct State<T> {
    /// How far the blocks reach for each client: those of the driver when this executor began to listen, and those
    /// that were accepted since.
    clients: Clients,
    generator: BlockGenerator<T>,
    limiter: RateLimiter,
    waiting: usize,
    waiting_max: usize,
    /// Blocks of `store_many` whose threads wait for the answer.
    asked: BTreeMap<InputBlockId, Option<Result<(), String>>>,
    script: Option<Arc<ScriptedSource<T>>>,
    running: bool,
    /// Records of the script that the limit holds back; the last one of an arrival with its number.
    held: VecDeque<(T, Option<u64>)>,
    /// Time until which everything has happened.
    now: Timestamp,
}

/// What a script does next.
enum Next {
    Cut,
    Held,
    Arrival,
}

impl<T: Data> State<T> {
    fn has_room(&self) -> bool {
        self.waiting < self.waiting_max
    }

    /// A closed block comes before what arrives at the same moment.
    fn next(&self) -> Option<(Timestamp, Next)> {
        if !self.generator.is_open() || !self.has_room() {
            return None;
        }
        let cut = self.generator.due().map(|at| (at, Next::Cut));
        let arrival = match &self.script {
            Some(_) if !self.held.is_empty() => Some((self.limiter.permitted_at(self.now), Next::Held)),
            Some(script) if self.running => script.peek().map(|(at, _)| (at, Next::Arrival)),
            _ => None,
        };
        match (cut, arrival) {
            (Some(cut), Some(arrival)) if arrival.0 < cut.0 => Some(arrival),
            (Some(cut), _) => Some(cut),
            (None, arrival) => arrival,
        }
    }

    fn pass_held(&mut self, at: Timestamp) {
        while !self.held.is_empty() && self.limiter.permitted_at(at) <= at {
            let count = if self.limiter.rate().is_none() { self.held.len() } else { 1 };
            if self.limiter.rate().is_some() {
                self.limiter.take(at, 1);
            }
            let script = self.script.as_deref();
            let gathered = |(record, last): (T, Option<u64>)| {
                if let (Some(script), Some(n)) = (script, last) {
                    script.gathered(n);
                }
                record
            };
            self.generator.add(at, self.held.drain(..count).map(gathered));
        }
    }

    fn arrive(&mut self, at: Timestamp) -> Option<Advance> {
        let script = Arc::clone(self.script.as_ref()?);
        let (_, what) = script.peek()?;
        let n = script.pass(at);
        if !matches!(&what, Arrived::Records(records) | Arrived::Block(records) if !records.is_empty()) {
            script.over(n);
        }
        let error = String::new;
        match what {
            Arrived::Records(records) => {
                let last = records.len().saturating_sub(1);
                let numbered = records.into_iter().enumerate().map(|(i, record)| (record, (i == last).then_some(n)));
                self.held.extend(numbered);
                self.pass_held(at);
                None
            }
            Arrived::Block(records) if records.is_empty() => None,
            Arrived::Block(records) => {
                self.waiting += 1;
                let block = self.generator.block_of(at, records, script.numbering(n));
                script.put(n, block.id);
                Some(Advance::Block(block))
            }
            Arrived::Error { message } => Some(Advance::Ask(Ask::Error { message, error: error() })),
            Arrived::Restart { message, delay } => Some(Advance::Ask(Ask::Restart { message, error: error(), delay })),
            Arrived::Stop { message } => Some(Advance::Ask(Ask::Stop { message, error: error() })),
        }
    }
}

impl<T: Data> Intake<T> {
    fn new(
        setup: &IntakeSetup,
        receiver: Option<Arc<dyn Receiver<T>>>,
        script: Option<Arc<ScriptedSource<T>>>,
    ) -> Self {
        let state = State {
            clients: setup.clients.clone(),
            generator: BlockGenerator::new(setup.stream, setup.interval, setup.numbers.clone()),
            limiter: setup.limiter.clone(),
            waiting: 0,
            waiting_max: setup.waiting_max,
            asked: BTreeMap::new(),
            script,
            running: false,
            held: VecDeque::new(),
            now: Timestamp(0),
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), receiver }
    }

    pub fn of_receiver(setup: &IntakeSetup, receiver: Arc<dyn Receiver<T>>) -> Self {
        Self::new(setup, Some(receiver), None)
    }

    pub fn of_script(setup: &IntakeSetup, script: Arc<ScriptedSource<T>>) -> Self {
        script.listened();
        script.known(&setup.clients);
        Self::new(setup, None, Some(script))
    }

    fn generated(&self, state: &State<T>, block: Option<ReadyBlock>) -> Option<ReadyBlock> {
        if let (Some(receiver), Some(block)) = (&self.receiver, &block) {
            receiver.on_generate_block(block.id);
        }
        if let (Some(script), Some(block)) = (&state.script, &block) {
            script.cut(block.id);
        }
        block
    }

    fn wait(
        &self,
        state: &mut MutexGuard<'_, State<T>>,
        port: &dyn Port,
        longest: Duration,
    ) -> Result<(), ReceiverError> {
        if port.is_over() || !state.generator.is_open() {
            return Err(ReceiverError::Stopped);
        }
        self.changed.wait_for(state, longest.min(NAP));
        Ok(())
    }

    /// R17.6. Waits for the limit, and for room when a block is overdue.
    pub fn store(
        &self,
        port: &dyn Port,
        count: u64,
        records: impl IntoIterator<Item = T>,
    ) -> Result<(), ReceiverError> {
        let mut state = self.state.lock();
        loop {
            if !state.generator.is_open() {
                return Err(ReceiverError::Stopped);
            }
            let now = port.now();
            let overdue = state.generator.due().is_some_and(|due| due <= now);
            if overdue && !state.has_room() {
                self.wait(&mut state, port, NAP)?;
                continue;
            }
            let permitted = state.limiter.permitted_at(now);
            if permitted > now {
                self.wait(&mut state, port, Duration::from_nanos(permitted.ns_since(now)))?;
                continue;
            }
            state.limiter.take(now, count);
            let added = records.into_iter().inspect(|record| {
                if let Some(receiver) = &self.receiver {
                    receiver.on_add_data(record);
                }
            });
            state.generator.add(now, added);
            return Ok(());
        }
    }

    /// How far the accepted blocks reach for each client. Blocks of a former start that nobody has answered yet are
    /// waited for: whether they count decides what is new.
    pub fn clients(&self, port: &dyn Port) -> Clients {
        let mut state = self.state.lock();
        while !state.asked.is_empty() && !port.is_over() {
            self.changed.wait_for(&mut state, NAP);
        }
        state.clients.clone()
    }

    /// R17.7.
    pub fn store_many(
        &self,
        port: &dyn Port,
        records: Vec<T>,
        numbering: Numbering,
    ) -> Result<Option<ReceivedBlock>, ReceiverError> {
        if records.is_empty() {
            return Ok(None);
        }
        let block = {
            let mut state = self.state.lock();
            while state.generator.is_open() && !state.has_room() {
                self.wait(&mut state, port, NAP)?;
            }
            if !state.generator.is_open() {
                return Err(ReceiverError::Stopped);
            }
            let block = state.generator.block_of(port.now(), records, numbering);
            state.waiting += 1;
            state.asked.insert(block.id, None);
            block
        };
        if let Err(error) = port.store(&block) {
            self.answered(port.now(), block.id, Err(error));
        }
        let mut state = self.state.lock();
        loop {
            if let Some(result) = state.asked.get_mut(&block.id).and_then(Option::take) {
                state.asked.remove(&block.id);
                if result.is_ok() {
                    for (client, last) in block.received().clients {
                        let reached = state.clients.entry(client).or_insert(last);
                        *reached = last.max(*reached);
                    }
                }
                return result.map(|()| Some(block.received())).map_err(ReceiverError::Refused);
            }
            if port.is_over() {
                state.asked.remove(&block.id);
                return Err(ReceiverError::Stopped);
            }
            self.changed.wait_for(&mut state, NAP);
        }
    }
}

impl<T: Data> AnyIntake for Intake<T> {
    fn next_at(&self) -> Option<Timestamp> {
        let state = self.state.lock();
        state.next().map(|(at, _)| at)
    }

    fn advance(&self, now: Timestamp) -> Vec<Advance> {
        let mut state = self.state.lock();
        let mut happened = Vec::new();
        while let Some((at, next)) = state.next().filter(|(at, _)| *at <= now) {
            // What had to wait happens when it could.
            let at = at.max(state.now);
            state.now = at;
            match next {
                Next::Cut => {
                    let block = state.generator.cut(at);
                    if let Some(block) = self.generated(&state, block) {
                        state.waiting += 1;
                        happened.push(Advance::Block(block));
                    }
                }
                Next::Held => state.pass_held(at),
                Next::Arrival => match state.arrive(at) {
                    Some(ask @ Advance::Ask(_)) => {
                        happened.push(ask);
                        break;
                    }
                    other => happened.extend(other),
                },
            }
        }
        happened
    }

    fn resume(&self, now: Timestamp) {
        let mut state = self.state.lock();
        state.now = state.now.max(now);
        state.running = true;
        if let Some(script) = &state.script {
            script.begin(now);
        }
    }

    fn suspend(&self) {
        self.state.lock().running = false;
    }

    fn close(&self, now: Timestamp) -> Option<ReadyBlock> {
        let mut state = self.state.lock();
        let last = state.generator.close(now);
        let last = self.generated(&state, last);
        state.waiting += usize::from(last.is_some());
        self.changed.notify_all();
        last
    }

    fn discard(&self) -> u64 {
        let mut state = self.state.lock();
        let gathered = state.generator.discard() + std::mem::take(&mut state.held).len() as u64;
        self.changed.notify_all();
        gathered
    }

    fn gathered(&self) -> u64 {
        let state = self.state.lock();
        state.generator.gathered() + state.held.len() as u64
    }

    fn waiting(&self) -> usize {
        self.state.lock().waiting
    }

    fn answered(&self, now: Timestamp, block: InputBlockId, result: Result<(), String>) {
        if let Some(receiver) = &self.receiver {
            let told = match &result {
                Ok(()) => Ok(()),
                Err(error) => Err(error.as_str()),
            };
            receiver.on_push_block(block, told);
        }
        let mut state = self.state.lock();
        if let Some(script) = &state.script {
            script.answered(block, result.is_ok());
        }
        state.waiting = state.waiting.saturating_sub(1);
        state.now = state.now.max(now);
        if let Some(answer) = state.asked.get_mut(&block) {
            *answer = Some(result);
        }
        self.changed.notify_all();
    }

    fn set_rate(&self, rate: u64) {
        self.state.lock().limiter.update(rate);
        self.changed.notify_all();
    }

    fn on_start(self: Arc<Self>, port: Arc<dyn Port>, stopped: Arc<AtomicBool>) {
        if let Some(receiver) = &self.receiver {
            receiver.on_start(ReceiverContext { intake: Arc::clone(&self), port, stopped });
        }
    }

    fn on_stop(&self) {
        if let Some(receiver) = &self.receiver {
            receiver.on_stop();
        }
    }
}
