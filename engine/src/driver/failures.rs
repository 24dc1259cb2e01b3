//! What becomes of a stream when a batch fails (R11.4, R11.7), by the policy of the configuration.

use super::Driver;
use super::effects::Effects;
use super::input::{BatchTick, Instruction};
use super::streaming::RunningBatch;
use crate::config::BatchFailurePolicy;
use crate::error::EngineError;
use crate::event::{Event, Finding};
use crate::ids::*;
use crate::receiver::ReceivedBlock;
use std::collections::BTreeMap;

/// Blocks that skipped batches may keep in all; when there are more, the next failure stops the stream.
const KEPT_MAX: usize = 10_000;

impl Driver {
    /// A batch whose output operations all ended: completed, or given back to be run again.
    pub(super) fn run_again(
        &mut self,
        now: Timestamp,
        mut done: RunningBatch,
        fx: &mut Effects,
    ) -> Option<RunningBatch> {
        let (policy, max) = (self.config.on_batch_failure, self.config.batch_max_failures);
        let wanted = self.streaming.as_ref().is_some_and(|s| !s.is_abandoned() && !s.halted);
        let again = policy == BatchFailurePolicy::Retry && done.failures + 1 < max && wanted;
        let Some(error) = done.failure.take_if(|_| again) else {
            self.complete_batch(now, done, fx);
            return None;
        };
        done.failures += 1;
        done.batch.outputs = std::mem::take(&mut done.failed).into();
        let batch = done.batch.tick.batch;
        let message = format!("it failed {} of {max} times and is run again: {error}", done.failures);
        self.report_batch(now, "batch-retried", batch, message, fx);
        Some(done)
    }

    /// A batch completed with an error.
    pub(super) fn batch_failed(
        &mut self,
        now: Timestamp,
        batch: BatchId,
        error: EngineError,
        blocks: &BTreeMap<StreamId, Vec<ReceivedBlock>>,
        fx: &mut Effects,
    ) {
        let Some(s) = &mut self.streaming else { return };
        // What was cancelled on purpose is no failure of the program.
        if s.is_abandoned() {
            return;
        }
        match self.config.on_batch_failure {
            BatchFailurePolicy::Continue => drop(s.error.get_or_insert(error)),
            BatchFailurePolicy::Skip if self.receivers.tracker.num_kept() < KEPT_MAX => {
                self.no_longer_pending(batch);
                let (count, records) = self.receivers.tracker.keep(batch, blocks);
                if let Some(graph) = self.graph.as_mut().filter(|_| count > 0) {
                    graph.now.skipped.insert(batch);
                }
                let input = match count {
                    0 => "its input can be read again from where it came".to_owned(),
                    _ => format!("its {count} received blocks with {records} records are kept"),
                };
                self.report_batch(now, "batch-skipped", batch, format!("it is skipped, {input}: {error}"), fx);
            }
            BatchFailurePolicy::Stop | BatchFailurePolicy::Retry | BatchFailurePolicy::Skip => {
                self.fail_streaming(error);
            }
        }
    }

    /// The jobs of a batch could not be generated.
    pub(super) fn generation_failed(&mut self, now: Timestamp, tick: BatchTick, error: EngineError, fx: &mut Effects) {
        let max = self.config.batch_max_failures;
        if self.config.on_batch_failure == BatchFailurePolicy::Retry
            && let Some(s) = &mut self.streaming
        {
            let failures = s.failed_generations.entry(tick.batch).or_insert(0);
            *failures += 1;
            if *failures < max {
                let message = format!("its generation failed {failures} of {max} times and is tried again: {error}");
                s.instructions.push_front(Instruction::Generate(tick));
                self.report_batch(now, "batch-retried", tick.batch, message, fx);
                return;
            }
        }
        let blocks = self.receivers.tracker.batch_done(tick.batch);
        self.batch_failed(now, tick.batch, error, &blocks, fx);
    }

    /// What was generated is not run, the error goes to `awaitTermination`.
    pub(super) fn fail_streaming(&mut self, error: EngineError) {
        let Some(s) = &mut self.streaming else { return };
        s.error.get_or_insert(error);
        s.halted = true;
        s.stopping = true;
        s.queue.clear();
        s.instructions.clear();
    }

    fn report_batch(&mut self, now: Timestamp, kind: &str, batch: BatchId, message: String, fx: &mut Effects) {
        let finding = Finding { kind: kind.to_owned(), message, place: format!("batch {batch}") };
        self.emit(now, fx, Event::FindingReported { finding });
    }
}
