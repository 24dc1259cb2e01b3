//! `StreamingContext`: builds the template, validates it, and runs the generator and output threads.

use super::graph::{ContextState, DStreamGraph, OutputOp, StreamCore};
use super::inputs::Inputs;
use super::instances::{Generation, Instances};
use crate::driver::{
    BatchTick, CheckpointPlan, GeneratedBatch, Instruction, OutputJob, Reply, Request, SavedStreams, SlotBody,
    StreamingPlan, Told,
};
use crate::error::{EngineError, Result, throw};
use crate::event::{ClockKind, Event, Finding, InputPlan};
use crate::ids::*;
use crate::rdd::{JobLocal, Notice, SparkContext, job_local, with_job_local};
use crate::receiver::ReceiverPlan;
use crate::recovery::{BatchPlan, GraphDescription, Recovered};
use crate::runtime::slots;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The entry to streams. Cheap to clone.
#[derive(Clone)]
pub struct StreamingContext(Arc<Inner>);

struct Inner {
    sc: SparkContext,
    interval: Millis,
    graph: Mutex<DStreamGraph>,
    names: Mutex<BTreeMap<String, u32>>,
    instances: Instances,
    inputs: Inputs,
    checkpoint_dir: Mutex<Option<String>>,
    /// What it goes on from when it starts.
    recovered: Mutex<Option<Box<Recovered>>>,
    /// Whether blocks count that a former driver logged: it may have ended before its first checkpoint.
    continues: AtomicBool,
    zero: Mutex<Option<Timestamp>>,
    /// Pool of the thread that started it.
    pool: Mutex<Option<String>>,
}

impl StreamingContext {
    /// A context whose batches are `interval` apart.
    pub fn new(sc: &SparkContext, interval: Millis) -> Self {
        Self(Arc::new(Inner {
            sc: sc.clone(),
            interval,
            graph: Mutex::default(),
            names: Mutex::default(),
            instances: Instances::default(),
            inputs: Inputs::default(),
            checkpoint_dir: Mutex::default(),
            recovered: Mutex::default(),
            continues: AtomicBool::default(),
            zero: Mutex::default(),
            pool: Mutex::default(),
        }))
    }

    /// The context of its RDDs.
    pub fn spark_context(&self) -> &SparkContext {
        &self.0.sc
    }

    /// The batch interval.
    pub fn interval(&self) -> Millis {
        self.0.interval
    }

    /// Sets the checkpoint directory, of RDDs and of the graph: from the start on the driver writes there what a
    /// new driver needs to go on ([`StreamingContext::get_or_create`]).
    pub fn checkpoint(&self, dir: &str) {
        self.0.sc.set_checkpoint_dir(dir);
        *self.0.checkpoint_dir.lock() = Some(dir.trim_matches('/').to_owned());
    }

    /// Where graph checkpoints go.
    pub(super) fn checkpoint_dir(&self) -> Option<String> {
        self.0.checkpoint_dir.lock().clone()
    }

    pub(super) fn inputs(&self) -> &Inputs {
        &self.0.inputs
    }

    pub(super) fn instances(&self) -> &Instances {
        &self.0.instances
    }

    pub(super) fn set_recovered(&self, recovered: Option<Box<Recovered>>) {
        *self.0.recovered.lock() = recovered;
    }

    /// Whether what a former driver left counts.
    pub(super) fn set_continues(&self, continues: bool) {
        self.0.continues.store(continues, Ordering::Relaxed);
    }

    pub(super) fn take_recovered(&self) -> Option<Box<Recovered>> {
        self.0.recovered.lock().take()
    }

    /// Remembers RDDs of all streams at least this long.
    pub fn remember(&self, duration: Millis) {
        self.0.graph.lock().remember = Some(duration);
    }

    /// Whether both are the same context.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn is_started(&self) -> bool {
        self.0.graph.lock().state != ContextState::Initialized
    }

    /// Throws when the template can no longer be changed (R11.2).
    fn require_open(&self) {
        let open = self.0.graph.lock().require_open();
        if let Err(error) = open {
            throw(error);
        }
    }

    pub(super) fn add_records_per_batch(&self, records: u64) {
        self.0.graph.lock().records_per_batch += records;
    }

    /// The streams of receivers.
    pub(super) fn received_streams(&self) -> Vec<StreamId> {
        self.0.graph.lock().receivers.iter().map(|plan| plan.stream).collect()
    }

    pub(super) fn add_receiver(&self, plan: ReceiverPlan) {
        self.0.graph.lock().receivers.push(plan);
    }

    /// Numbers and names a stream.
    pub(super) fn register(
        &self,
        make: impl FnOnce(StreamId, OperatorName) -> StreamCore,
        method: &str,
    ) -> Arc<StreamCore> {
        self.require_open();
        let mut names = self.0.names.lock();
        let count = names.entry(method.to_owned()).or_insert(0);
        *count += 1;
        let operator = OperatorName::new(method, *count);
        let mut graph = self.0.graph.lock();
        let core = Arc::new(make(StreamId(graph.streams.len() as u32), operator));
        graph.streams.push(Arc::clone(&core));
        core
    }

    pub(super) fn add_output(&self, make: impl FnOnce(OutputOpId) -> OutputOp) {
        self.require_open();
        let mut graph = self.0.graph.lock();
        let id = OutputOpId(graph.outputs.len() as u32);
        graph.outputs.push(Arc::new(make(id)));
    }

    /// Validates the template and starts the batches.
    ///
    /// # Errors
    /// What Spark refuses at start, in its words (R11.2, R11.3, R12.4).
    pub fn start(&self) -> Result<()> {
        {
            let graph = self.0.graph.lock();
            match graph.state {
                ContextState::Initialized => {}
                ContextState::Active => {
                    drop(graph);
                    self.warn_started_already();
                    return Ok(());
                }
                ContextState::Stopped => {
                    return Err(EngineError::IllegalState("StreamingContext has already been stopped".to_owned()));
                }
            }
            let valid = super::validate::validate(&graph, self.0.interval, self.0.sc.checkpoint_dir().is_some());
            let valid = valid.and_then(|()| self.refuse_receivers_in_virtual_time(&graph));
            if valid.is_err() {
                drop(graph);
                self.release();
                return valid;
            }
            super::validate::apply_overrides(&graph, self.0.sc.config());
        }
        *self.0.pool.lock() = job_local().pool;
        let plan = match self.plan() {
            Ok(plan) => plan,
            Err(error) => {
                self.release();
                return Err(error);
            }
        };
        self.set_state(ContextState::Active);
        let started = match slots::call(Request::StartStreaming(plan)) {
            Ok(Reply::Done(result)) => result,
            Ok(_) => Err(EngineError::DriverLost),
            Err(error) => Err(error),
        };
        if started.is_err() {
            self.release();
        }
        started
    }

    /// What the driver is asked to start; what a former driver left is installed here.
    fn plan(&self) -> Result<StreamingPlan> {
        let (description, receivers) = {
            let graph = self.0.graph.lock();
            let streams = graph.streams.iter().map(|s| s.info.lock().clone()).collect();
            let outputs = graph.outputs.iter().map(|o| o.info.clone()).collect();
            let received = graph.receivers.iter().map(|plan| (plan.stream, plan.source.name()));
            let planned = self.0.inputs.planned();
            let inputs = planned.iter().map(|(stream, input)| (*stream, input.describe())).chain(received).collect();
            (GraphDescription { streams, outputs, inputs }, graph.receivers.clone())
        };
        let restored = self.held_against(description.clone())?;
        if let Some(recovered) = &restored {
            self.install(&recovered.checkpoint);
        }
        Ok(StreamingPlan {
            interval: self.0.interval,
            streams: description.streams,
            outputs: description.outputs,
            receivers,
            checkpoint: self.checkpoint_dir().map(|dir| CheckpointPlan {
                dir,
                inputs: description.inputs,
                restored,
                replay_received: self.0.continues.load(Ordering::Relaxed),
            }),
            received_log: None,
            slots: self.slots(),
        })
    }

    /// The generator, and as many output slots as output operations may run at once (R11.6).
    fn slots(&self) -> Vec<(String, SlotBody)> {
        let ssc = self.clone();
        let generator: SlotBody = Box::new(move || ssc.generate_batches());
        let mut slots = vec![("job-generator".to_owned(), generator)];
        for n in 0..self.0.sc.config().concurrent_jobs.max(1) {
            slots.push((format!("streaming-job-executor-{n}"), Box::new(run_output_operations)));
        }
        slots
    }

    pub(super) fn state(&self) -> ContextState {
        self.0.graph.lock().state
    }

    pub(super) fn set_state(&self, state: ContextState) {
        self.0.graph.lock().state = state;
    }

    /// R11.2: `start` twice is not an error.
    fn warn_started_already(&self) {
        let finding = Finding {
            kind: "streaming-started-twice".to_owned(),
            message: "StreamingContext has already been started".to_owned(),
            place: "start".to_owned(),
        };
        self.0.sc.tell(Notice::Fact(Event::FindingReported { finding }));
    }

    /// Waits until the stream ends.
    ///
    /// # Errors
    /// The error of the batch that failed (R11.7).
    pub fn await_termination(&self) -> Result<()> {
        match slots::call(Request::AwaitTermination)? {
            Reply::Done(result) => result,
            _ => Err(EngineError::DriverLost),
        }
    }

    /// The generator's thread. However it ends, the context is released: a lost driver ends it with an error.
    fn generate_batches(&self) -> Result<()> {
        let _released = Released(self);
        loop {
            match slots::call(Request::NextInstruction)? {
                Reply::Generator(Instruction::Generate(tick)) => {
                    let batch = slots::catch(|| self.generate(tick));
                    slots::tell(Told::BatchGenerated { tick, batch });
                }
                Reply::Generator(Instruction::Clear { tick, through }) => {
                    self.clear(tick, through);
                    if self.checkpoint_dir().is_some() {
                        slots::tell(Told::BatchCleared { tick, saved: self.saved() });
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// Stops for good, and breaks the ring of context, output operations and streams, so that their RDDs
    /// can go.
    pub(super) fn release(&self) {
        let outputs = {
            let mut graph = self.0.graph.lock();
            graph.state = ContextState::Stopped;
            std::mem::take(&mut graph.outputs)
        };
        drop(outputs);
        self.0.instances.clear();
    }

    /// The zero time of the batches, once the first was generated.
    pub(super) fn zero(&self) -> Option<Timestamp> {
        *self.0.zero.lock()
    }

    pub(super) fn batches_of(&self, stream: StreamId) -> Vec<BatchId> {
        self.0.instances.batches_of(stream)
    }

    pub(super) fn with_generation<R>(&self, tick: BatchTick, f: impl FnOnce(&Generation<'_>) -> R) -> R {
        let zero = Timestamp(tick.time.0 - u64::from(tick.batch.0) * self.0.interval.0 * 1_000_000);
        *self.0.zero.lock() = Some(zero);
        let sc = &self.0.sc;
        let (interval, instances) = (self.0.interval, &self.0.instances);
        f(&Generation { sc, interval, zero, instances, tick, records: Cell::new(0) })
    }

    /// R11.4: each output operation builds its RDDs and its job, in registration order.
    fn generate(&self, tick: BatchTick) -> Result<GeneratedBatch> {
        // User code runs in here, and may ask for the template.
        let (bodies, has_receivers, records_per_batch) = {
            let graph = self.0.graph.lock();
            (graph.outputs.clone(), !graph.receivers.is_empty(), graph.records_per_batch)
        };
        let pool = self.0.pool.lock().clone();
        let mut outputs = Vec::new();
        let records = self.with_generation(tick, |generation| {
            if has_receivers {
                self.receive(tick, generation)?;
            }
            for output in &bodies {
                let Some(body) = (output.body)(generation, tick)? else { continue };
                let (id, info, sc) = (output.info.id, output.info.clone(), self.0.sc.clone());
                let local = JobLocal {
                    batch: Some(tick.batch),
                    batch_time: Some(tick.time),
                    output_op: Some(id),
                    all_marked_ancestors: true,
                    pool: pool.clone(),
                    ..JobLocal::default()
                };
                let run = Arc::new(move |epoch| {
                    let _scope = sc.push_frame(info.name.as_str().into(), Some(tick.batch), info.callsite.clone(), 0);
                    with_job_local(JobLocal { epoch, ..local.clone() }, || body())
                });
                outputs.push(OutputJob { tick, output_op: id, run, epoch: 0 });
            }
            Ok(generation.records.get())
        })?;
        let plan = BatchPlan { records: records_per_batch + records, inputs: self.input_plans(tick) };
        Ok(GeneratedBatch { plan, saved: self.saved(), outputs })
    }

    /// What each input gave to a batch.
    fn input_plans(&self, tick: BatchTick) -> BTreeMap<StreamId, InputPlan> {
        let mut plans = self.0.instances.block_plans(tick.batch.0);
        let planned = self.0.inputs.planned();
        plans.extend(planned.iter().filter_map(|(stream, input)| Some((*stream, input.plan(tick.batch.0)?))));
        plans
    }

    fn saved(&self) -> SavedStreams {
        SavedStreams { rdds: self.0.instances.saved(), next_rdd: self.0.sc.next_rdd() }
    }

    /// R17.10: what receivers stored since the last batch belongs to this one, whoever asks for it later.
    fn receive(&self, tick: BatchTick, generation: &Generation<'_>) -> Result<()> {
        let Reply::Received(blocks) = slots::call(Request::ReceivedBlocks(tick))? else {
            return Err(EngineError::DriverLost);
        };
        for (stream, blocks) in blocks? {
            generation.count_records(tick, blocks.iter().map(|b| b.records).sum());
            self.0.instances.receive(stream, tick.batch.0, blocks);
        }
        Ok(())
    }

    fn refuse_receivers_in_virtual_time(&self, graph: &DStreamGraph) -> Result<()> {
        if self.0.sc.config().clock == ClockKind::Wall {
            return Ok(());
        }
        let real = graph.receivers.iter().find(|plan| !plan.source.is_scripted());
        real.map_or(Ok(()), |plan| {
            let name = plan.source.name();
            // The class of a socket's receiver says nothing to somebody who wrote host and port.
            let what = name.strip_prefix("SocketReceiver ").unwrap_or(&name);
            Err(EngineError::IllegalState(format!(
                "{what} cannot be read under the virtual clock: nobody outside knows its time; run under the wall clock, or replace it by a scripted receiver"
            )))
        })
    }

    /// R12.7 after a batch completed, `through` the last before which all did.
    fn clear(&self, tick: BatchTick, through: BatchId) {
        let streams = self.0.graph.lock().streams.clone();
        let unpersist = self.0.sc.config().streaming_unpersist;
        self.with_generation(tick, |generation| {
            for stream in &streams {
                let info = stream.info.lock().clone();
                let remember = info.remember.unwrap_or(info.slide);
                let batches = u32::try_from(remember.0 / self.0.interval.0.max(1)).unwrap_or(u32::MAX);
                if let Some(last) = through.0.checked_sub(batches) {
                    generation.forget(stream.id, (info.level.is_valid(), unpersist), last);
                    let blocks = self.0.instances.forget_received(stream.id, last);
                    if unpersist && !blocks.is_empty() {
                        self.0.sc.tell(Notice::InputsForgotten(blocks));
                    }
                }
            }
        });
    }
}

/// Releases a context when it is dropped.
struct Released<'a>(&'a StreamingContext);

impl Drop for Released<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// The output slot's thread: one output operation after another.
fn run_output_operations() -> Result<()> {
    loop {
        let Reply::Output(Some(job)) = slots::call(Request::NextOutput)? else { return Ok(()) };
        let (batch, output_op) = (job.tick.batch, job.output_op);
        let result = slots::catch(|| (job.run)(job.epoch));
        slots::tell(Told::OutputDone { batch, output_op, result });
    }
}
