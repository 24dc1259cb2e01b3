//! Threads of the driver program: main, the job generator, output slots.
//!
//! A slot asks and waits, or tells and goes on. Both loops serve slots through the same channel; the
//! simulator lets exactly one run at a time by answering one at a time.

use crate::driver::{DriverInput, Reply, Request, SlotId, Told};
use crate::error::{EngineError, Result};
use crate::ids::RddId;
use crate::lineage::BlockSummary;
use crate::rdd::{CheckpointCommit, CheckpointProgress, JobRunner, JobSpec, Notice, OpenedCheckpoint, TaskOutput};
use crate::seeded::handed_on;
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sync::thread;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// This thread's line to the driver.
struct Slot {
    id: SlotId,
    to_driver: Sender<DriverInput>,
    replies: Receiver<Reply>,
}

crate::sync::thread_local! {
    static SLOT: RefCell<Option<Slot>> = const { RefCell::new(None) };
}

/// Asks the driver and waits for its answer.
pub(crate) fn call(request: Request) -> Result<Reply> {
    let (id, to_driver, replies) = SLOT
        .with_borrow(|slot| slot.as_ref().map(|s| (s.id, s.to_driver.clone(), s.replies.clone())))
        .ok_or_else(outside)?;
    to_driver.send(DriverInput::Request { slot: id, request }).map_err(|_| EngineError::DriverLost)?;
    replies.recv().map_err(|_| EngineError::DriverLost)
}

/// Tells the driver something; a driver that is gone hears nothing.
pub(crate) fn tell(told: Told) {
    SLOT.with_borrow(|slot| {
        if let Some(s) = slot {
            // The error only says that the driver is gone; the next call will say so too.
            drop(s.to_driver.send(DriverInput::Told { slot: s.id, told }));
        }
    });
}

fn outside() -> EngineError {
    EngineError::IllegalState(
        "RDD transformations and actions can only be invoked by the driver, not inside of other transformations; for example, rdd1.map(x => rdd2.values.count() * x) is invalid because the values transformation and count action cannot be performed inside of the rdd1.map transformation. For more information, see SPARK-5063.".into(),
    )
}

/// Runs user code of the driver program; a panic is an error.
pub(crate) fn catch<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        if let Some(thrown) = panic.downcast_ref::<EngineError>() {
            return Err(thrown.clone());
        }
        Err(EngineError::JobFailed(panic_text(&*panic)))
    })
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    crate::error::panic_text(panic, "the driver program panicked")
}

/// Starts a slot's thread. It waits for its first reply before it runs `body`.
pub(crate) fn spawn(
    id: SlotId,
    name: &str,
    to_driver: Sender<DriverInput>,
    body: impl FnOnce() -> Result<()> + Send + 'static,
) -> std::io::Result<(Sender<Reply>, thread::JoinHandle<()>)> {
    let (sender, replies) = bounded(1);
    let body = handed_on(body);
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        if replies.recv().is_err() {
            return;
        }
        SLOT.set(Some(Slot { id, to_driver: to_driver.clone(), replies }));
        let result = catch(body);
        SLOT.set(None);
        drop(to_driver.send(DriverInput::SlotEnded { slot: id, result }));
    })?;
    Ok((sender, thread))
}

/// The way from a context to the driver, over the calling thread's slot.
pub(crate) struct SlotRunner;

impl JobRunner for SlotRunner {
    fn run_job(&self, job: JobSpec) -> Result<Vec<TaskOutput>> {
        match call(Request::RunJob(job))? {
            Reply::Job(result) => result,
            _ => Err(EngineError::DriverLost),
        }
    }

    fn checkpoint_progress(&self, rdd: RddId) -> Result<CheckpointProgress> {
        match call(Request::CheckpointProgress(rdd))? {
            Reply::Progress(progress) => Ok(progress),
            _ => Err(EngineError::DriverLost),
        }
    }

    fn open_checkpoint(&self, dir: String) -> Result<OpenedCheckpoint> {
        match call(Request::OpenCheckpoint(dir))? {
            Reply::Opened(result) => result,
            _ => Err(EngineError::DriverLost),
        }
    }

    fn commit_checkpoint(&self, commit: CheckpointCommit) -> Result<()> {
        match call(Request::CommitCheckpoint(commit))? {
            Reply::Done(result) => result,
            _ => Err(EngineError::DriverLost),
        }
    }

    fn stored(&self, rdds: Vec<RddId>) -> BTreeMap<RddId, BlockSummary> {
        match call(Request::Stored(rdds)) {
            Ok(Reply::Stored(stored)) => stored,
            _ => BTreeMap::new(),
        }
    }

    fn tell(&self, notice: Notice) {
        tell(Told::Notice(notice));
    }
}
