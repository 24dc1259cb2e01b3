//! The reducer: one envelope in, one small function called.

use super::Model;
use faultline_engine::event::{Envelope, Event};

impl Model {
    /// Folds one envelope. Total: a log that was cut, shuffled or written by another program gives
    /// a poorer model, never a panic.
    pub fn apply(&mut self, envelope: &Envelope) {
        self.revision += 1;
        self.now = envelope.at;
        let first = *self.index.first.get_or_insert(envelope.at);
        self.run.time_ms = envelope.at.ns_since(first) / 1_000_000;
        if changes_structure(&envelope.event) {
            self.index.structure += 1;
        }
        self.fold(&envelope.event);
        self.ledger_saw(&envelope.event);
        self.retain();
    }

    fn fold(&mut self, event: &Event) {
        match event {
            Event::LogStart { seed, clock, .. } => self.log_started(*seed, *clock),
            Event::EnvironmentUpdate { properties } => self.environment_updated(properties),
            Event::ApplicationStart { name, id } => self.application_started(name, id),
            Event::ApplicationEnd => self.application_ended(),

            Event::ExecutorAdded { executor, cores, replaces } => self.executor_added(*executor, *cores, *replaces),
            Event::ExecutorRemoved { executor, reason } => self.executor_removed(*executor, reason),
            Event::DecommissionStarted { executor } => self.decommission_started(*executor),
            Event::BlocksMigrated { executor, blocks, left } => {
                self.blocks_migrated(*executor, blocks.len(), left.len());
            }
            Event::ExecutorExcluded { executor, stage, .. } => self.executor_excluded(*executor, *stage),
            Event::ExecutorUnexcluded { executor } => self.executor_unexcluded(*executor),
            Event::BlockManagerAdded { executor, max_memory } => self.block_manager_added(*executor, *max_memory),
            Event::BlockManagerRemoved { executor } => self.block_manager_removed(*executor),

            Event::JobStart { job, origin, stages } => self.job_started(*job, origin, stages),
            Event::JobEnd { job, result } => self.job_ended(*job, result),
            Event::StageSubmitted { stage } => self.stage_submitted(stage),
            Event::StageCompleted { stage, outcome } => self.stage_completed(*stage, outcome),
            Event::TaskStart { task } => self.task_started(task),
            Event::TaskEnd { task, reason, metrics } => self.task_ended(task, reason, metrics),

            Event::BlockUpdated { .. } => self.block_updated(event),
            Event::InputBlockUpdated { .. } => self.input_block_updated(event),
            Event::UnpersistRdd { rdd } => self.rdd_unpersisted(*rdd),
            Event::PersistChanged { rdd, level } => self.persist_changed(*rdd, *level),

            Event::ReceiverStarted { receiver } => self.receiver_started(receiver),
            Event::ReceiverError { receiver } | Event::ReceiverStopped { receiver } => {
                self.receiver_told(receiver);
            }
            Event::ReceivedBlockAdded(added) => {
                self.received_block_added(added);
                self.block_logged(added);
            }

            Event::StreamGraphDefined { streams, outputs } => self.stream_graph_defined(streams, outputs),
            Event::StreamingStarted { zero, interval } => self.streaming_started(*zero, *interval),
            Event::DriverLost { reason, .. } => self.driver_lost(reason),
            Event::DriverRestartScheduled(restart) => self.driver_restart_scheduled(restart.at),
            Event::DriverStarted { delay, .. } => self.driver_started(*delay),
            Event::DriverEpochTaken { epoch, .. } => self.driver_epoch_taken(*epoch),
            Event::StreamingRecovered { recovery } => self.streaming_recovered(recovery),
            Event::GraphCheckpointWritten { checkpoint } => self.graph_checkpoint_written(checkpoint),
            Event::GraphCheckpointFailed { .. } => {
                self.driver.failed_writes = self.driver.failed_writes.saturating_add(1);
            }
            Event::StreamingStopping { mode } => self.streaming_stopping(*mode),
            Event::StreamingStopped { mode } => self.streaming_stopped(*mode),
            Event::ReceiverRateUpdated { stream, rate } => self.receiver_rate_updated(*stream, *rate),
            Event::BatchSubmitted { batch } => {
                self.batch_submitted(batch);
                self.logged_blocks_given(batch);
            }
            Event::ReceivedLogUpdated(updated) => self.received_log_updated(&updated.update),
            Event::BatchStarted { batch } => self.batch_started(*batch),
            Event::BatchCompleted { batch, scheduling_delay_ns, processing_ns, failure } => {
                self.batch_completed(*batch, *scheduling_delay_ns, *processing_ns, failure.as_deref());
            }

            Event::RddRegistered { rdd } => self.rdd_registered(rdd),
            Event::RddReleased { rdd } => self.rdd_released(*rdd),
            Event::CheckpointMarked { rdd, .. } => self.checkpoint_marked(*rdd),
            Event::CheckpointStarted { rdd, .. } => self.checkpoint_started(*rdd),
            Event::CheckpointCompleted { rdd, checkpoint_rdd, path, parts, released, .. } => {
                self.checkpoint_completed(*rdd, checkpoint_rdd, path, parts, released);
            }
            Event::CheckpointFailed { rdd, error } => self.checkpoint_failed(*rdd, error),
            Event::CheckpointDeleted { rdd, .. } => self.checkpoint_deleted(*rdd),
            Event::MapOutputsLost { shuffle, maps, executor, .. } => self.map_outputs_lost(*shuffle, maps, *executor),
            Event::MapOutputsMigrated { shuffle, maps, from, to, .. } => {
                self.map_outputs_migrated(*shuffle, maps, *to);
                self.outputs_left(*from, maps.len());
            }
            Event::ShuffleRemoved { shuffle } => self.shuffle_removed(*shuffle),

            Event::OutputPrinted { batch, output_op, lines } => self.output_printed(*batch, *output_op, lines),
            Event::FaultInjected { fault, executor } => self.fault_injected(fault, *executor),
            Event::FindingReported { finding } => self.finding_reported(finding),
            Event::CommandApplied { command, .. } => self.command_applied(command),
            Event::CommandRejected { command, reason } => self.command_rejected(command, reason),
            Event::Unknown { name, .. } => self.unknown_event(name),

            // A batch names the error of its output operations; digests and commits are for the command line, and
            // the copy of a slow task is launched by an event of its own.
            Event::OutputOperationStarted { .. }
            | Event::OutputOperationCompleted { .. }
            | Event::OutputDigest { .. }
            | Event::OutputCommitted { .. }
            // The ledger takes them, among others.
            | Event::ReceivedBlocksRecovered(_)
            | Event::ReceivedBlocksLost(_)
            | Event::ReceivedBlockRefused(_)
            | Event::ReceivedRecordsLost(_)
            | Event::SpeculativeTaskSubmitted { .. } => {}
        }
    }
}

/// Whether an event can change which RDDs there are, their dependencies, or whether they are kept.
fn changes_structure(event: &Event) -> bool {
    matches!(
        event,
        Event::RddRegistered { .. }
            | Event::DriverLost { .. }
            | Event::PersistChanged { .. }
            | Event::UnpersistRdd { .. }
            | Event::CheckpointMarked { .. }
            | Event::CheckpointStarted { .. }
            | Event::CheckpointCompleted { .. }
            | Event::CheckpointFailed { .. }
            | Event::CheckpointDeleted { .. }
    )
}
