//! What cases that are staged by hand share: small programs for a [`DriverLab`], and what became of them.

use crate::{DriverLab, log};
use faultline_engine::config::{EngineConfig, SchedulerConfig};
use faultline_engine::driver::SlotId;
use faultline_engine::event::TaskEndReason;
use faultline_engine::rdd::{Rdd, SparkContext};
use std::sync::Arc;

/// A context without a driver: its RDDs are submitted to a lab.
pub fn context() -> SparkContext {
    SparkContext::detached(Arc::new(EngineConfig::default()))
}

/// A lab with settings of the scheduler.
pub fn lab(executors: u32, cores: u32, scheduler: SchedulerConfig) -> DriverLab {
    DriverLab::with_config(EngineConfig { executors, cores, scheduler, ..EngineConfig::default() })
}

/// Twelve numbers.
pub fn numbers(sc: &SparkContext, partitions: u32) -> Rdd<u32> {
    sc.parallelize((0..12).collect(), partitions)
}

/// `maps` map partitions, one shuffle, `reducers` reduce partitions.
pub fn shuffled(sc: &SparkContext, maps: u32, reducers: u32) -> Rdd<(u32, u32)> {
    numbers(sc, maps).map(|i| (i, i)).reduce_by_key_in(reducers, |a, b| a + b)
}

/// Stage, attempt and tasks of each submission, in order.
pub fn submitted(lab: &DriverLab) -> Vec<(u32, u32, u32)> {
    log::stages(&lab.log).into_iter().map(|(id, tasks)| (id.stage.0, id.attempt, tasks)).collect()
}

/// Why a job failed.
///
/// # Panics
/// When it did not.
pub fn error(lab: &DriverLab, job: SlotId) -> String {
    lab.result(job).expect("it ended").clone().expect_err("it failed").to_string()
}

/// How often a task ended in this way.
pub fn ends(lab: &DriverLab, is: impl Fn(&TaskEndReason) -> bool) -> usize {
    log::task_ends(&lab.log).filter(|(_, reason, _)| is(reason)).count()
}
