//! Samples of what is told of the driver, of its checkpoints and of going on from them.

use super::samples::NASTY;
use crate::event::*;
use crate::ids::*;

pub fn recovery() -> Vec<Event> {
    let batch = BatchId(7);
    let checkpoint = GraphCheckpointInfo {
        batch,
        after: CheckpointedAfter::Generation,
        path: NASTY.into(),
        bytes: 1,
        pending: 0,
        epoch: 1,
        backup: Some(NASTY.into()),
        deleted: vec![NASTY.into()],
    };
    let recovery = RecoveryInfo {
        path: NASTY.into(),
        epoch: 1,
        batch,
        pending: vec![BatchId(5), batch],
        restart: BatchId(u32::MAX),
        states: Vec::new(),
        saved: vec!["checkpoint/rdd-4".into(), NASTY.into()],
        damaged: vec![NASTY.into()],
    };
    vec![
        Event::DriverEpochTaken { dir: NASTY.into(), epoch: u64::MAX, continues: true },
        Event::GraphCheckpointWritten { checkpoint },
        Event::GraphCheckpointFailed { batch, after: CheckpointedAfter::Completion, attempt: 3, error: NASTY.into() },
        Event::DriverLost { attempt: 1, reason: NASTY.into() },
        Event::DriverRestartScheduled(ScheduledRestart { attempt: 2, at: VIRTUAL_EPOCH }),
        Event::DriverStarted { attempt: 2, delay: Millis(1000) },
        Event::StreamingRecovered { recovery },
    ]
}
