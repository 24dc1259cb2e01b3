//! Running one task attempt: user code under `catch_unwind`, a panic is a failed task.

use crate::error::panic_text;
use crate::event::TaskMetrics;
use crate::rdd::{AccumulatorUpdate, TaskError, TaskOutput, run_in_task};
use crate::scheduler::TaskWork;
use crate::task_context::TaskContext;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a task attempt came to.
pub struct TaskOutcome {
    /// Its result, or why it failed.
    pub result: Result<TaskOutput, TaskError>,
    /// What it did.
    pub metrics: TaskMetrics,
    /// What it added to accumulators; nothing when it failed.
    pub updates: Vec<AccumulatorUpdate>,
    /// Modelled nanoseconds; 0 on threads.
    pub modelled_ns: u64,
}

/// Runs `work` on its partition.
pub fn run_task(work: &TaskWork, ctx: TaskContext) -> TaskOutcome {
    let partition = ctx.task().partition;
    let (result, mut updates) = run_in_task(|| {
        catch_unwind(AssertUnwindSafe(|| match work {
            TaskWork::WriteShuffle(shuffle) => {
                shuffle.write(partition, &ctx).map(|()| Box::new(ctx.map_sizes()) as TaskOutput)
            }
            TaskWork::Result(func) => func(partition, &ctx),
            TaskWork::Fail(message) => Err(TaskError::Exception(message.to_string())),
        }))
        .unwrap_or_else(|panic| {
            Err(match panic.downcast_ref::<ExecutorExit>() {
                Some(ExecutorExit(code)) => TaskError::ExecutorExited(*code),
                None => TaskError::Exception(panic_text(&*panic, "the task panicked without a message")),
            })
        })
    });
    if result.is_err() {
        updates.clear();
    }
    let (metrics, modelled_ns) = ctx.finish();
    TaskOutcome { result, metrics, updates, modelled_ns }
}

/// What [`exit_executor`] unwinds with.
struct ExecutorExit(i32);

/// Called in a function of a task, ends its executor with everything it holds, as `exit(code)` ends the
/// process in which a task of Spark runs. The driver blames the tasks that ran there (R4.2).
pub fn exit_executor(code: i32) -> ! {
    std::panic::resume_unwind(Box::new(ExecutorExit(code)))
}
