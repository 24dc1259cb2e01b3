//! What a checkpoint directory says of itself to somebody who is no driver.

use super::world::DIR;
use faultline_engine::driver::ReceivedRecord;
use faultline_engine::event::InputPlan;
use faultline_engine::ids::*;
use faultline_engine::object_store::ObjectStore;
use faultline_engine::recovery::{self, BatchPlan, LogPosition};
use faultline_engine::write_ahead::{Contents, read_all, read_record};
use std::collections::BTreeMap;

fn log_of_blocks() -> String {
    format!("{DIR}/receivedBlockMetadata")
}

/// Received blocks that a batch was given.
fn blocks_of(plan: &BatchPlan) -> Vec<InputBlockId> {
    let inputs = plan.inputs.values().filter_map(|input| match input {
        InputPlan::Blocks { blocks } => Some(blocks.iter().map(|block| block.id)),
        _ => None,
    });
    inputs.flatten().collect()
}

/// What the description names from which a driver would go on, and what is not there.
pub fn missing(store: &dyn ObjectStore, logged: bool) -> Vec<String> {
    let newest = match recovery::read_newest(store, DIR) {
        Ok(Some(newest)) => newest,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![format!("nothing to go on from: {error}")],
    };
    let mut missing = Vec::new();
    for (stream, batch, saved) in newest.checkpoint.saved_rdds() {
        let there = store.list(&format!("{}/", saved.dir)).is_ok_and(|keys| !keys.is_empty());
        if !there {
            let text = format!("{} names {} of stream {stream}, batch {batch}", newest.key, saved.dir);
            missing.push(format!("{text}, which is gone"));
        }
    }
    let planned = newest.checkpoint.pending.iter().filter_map(|batch| newest.checkpoint.batches.get(batch));
    let blocks: Vec<InputBlockId> = planned.flat_map(blocks_of).collect();
    if logged && !blocks.is_empty() {
        match read_all(store, &log_of_blocks()) {
            Ok(contents) => missing.extend(unreadable(store, &contents, &blocks)),
            Err(error) => missing.push(format!("the log of blocks: {error}")),
        }
    }
    missing
}

/// Blocks of batches that would run again, and are not in the logs.
fn unreadable(store: &dyn ObjectStore, contents: &Contents, blocks: &[InputBlockId]) -> Vec<String> {
    let mut unreadable = Vec::new();
    let mut handles = BTreeMap::new();
    for record in &contents.records {
        match serde_json::from_slice(&record.bytes) {
            Ok(ReceivedRecord::BlockAdded { block }) => drop(handles.insert(block.id, block.handle)),
            Ok(ReceivedRecord::BatchAllocated { blocks, .. }) => {
                handles.extend(blocks.into_values().flatten().map(|block| (block.id, block.handle)));
            }
            Ok(ReceivedRecord::BatchesCleaned { .. }) => {}
            Err(error) => unreadable.push(format!("a record of the log of blocks: {error}")),
        }
    }
    for block in blocks {
        match handles.get(block) {
            Some(Some(handle)) => {
                if let Err(error) = read_record(store, handle) {
                    unreadable.push(format!("a pending batch needs {block} at {handle}: {error}"));
                }
            }
            other => unreadable.push(format!("a pending batch needs {block}, the log says {other:?}")),
        }
    }
    unreadable
}

/// What shows that a store has less than it said: files that do not hold together, alone or with others.
pub fn of_damage(store: &dyn ObjectStore, logged: bool) -> Vec<String> {
    let mut shown = missing(store, logged);
    let newest = recovery::read_newest(store, DIR).ok().flatten();
    shown.extend(newest.iter().flat_map(|newest| &newest.damaged).map(|file| format!("{}: {}", file.key, file.reason)));
    match read_all(store, &log_of_blocks()) {
        Ok(contents) => {
            let damage = contents.damage.iter().filter(|damage| !damage.is_ordinary());
            shown.extend(damage.map(ToString::to_string));
            let written = newest.and_then(|newest| newest.checkpoint.log);
            if written.is_some_and(|written| written.missing(LogPosition::end_of(&contents)) > 0) {
                shown.push("the log of blocks ends before the checkpoint says".to_owned());
            }
        }
        Err(error) => shown.push(format!("the log of blocks: {error}")),
    }
    shown
}
