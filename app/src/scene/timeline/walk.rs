//! From task to task: along a row, and from row to row.

use super::lanes;
use crate::model::{Model, SlotTask};
use faultline_engine::ids::*;
use imbl::Vector;

/// Where to go from a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The task before it in its slot.
    Before,
    /// The task after it in its slot.
    After,
    /// The task at the same time one row up.
    Up,
    /// The task at the same time one row down.
    Down,
}

/// The row of a task and the task in it; `None` when the slots do not know it.
pub fn place_of(model: &Model, task: TaskId) -> Option<(usize, SlotTask)> {
    let executor = model.tasks.get(&task)?.info.executor;
    let lane = lanes(model).into_iter().find(|lane| lane.executor == executor)?;
    let slots = &model.slots.executors.get(&executor)?.slots;
    let launched = model.tasks.get(&task)?.info.launched;
    lane.rows.zip(slots).find_map(|(row, slot)| {
        let mut same_time = slot.focus().narrow(first_from(slot, launched)..).into_iter();
        let found =
            same_time.by_ref().take_while(|other| other.launched == launched).find(|other| other.task == task)?;
        Some((row, *found))
    })
}

/// The task that a step leads to; the newest one of the first row when there is no task to start from.
pub fn neighbour(model: &Model, from: Option<TaskId>, step: Step) -> Option<TaskId> {
    let rows = rows(model);
    let Some((row, place)) = from.and_then(|task| place_of(model, task)) else {
        return rows.iter().find_map(|slot| (*slot)?.last()).map(|last| last.task);
    };
    let slot = (*rows.get(row)?)?;
    match step {
        Step::Before | Step::After => {
            let first = first_from(slot, place.launched);
            let at = (first..slot.len()).find(|&at| slot.get(at).is_some_and(|other| other.task == place.task))?;
            let next = if step == Step::Before { at.checked_sub(1)? } else { at + 1 };
            slot.get(next).map(|other| other.task)
        }
        Step::Up => rows[..row].iter().rev().find_map(|slot| nearest((*slot)?, place.launched)),
        Step::Down => rows[row + 1..].iter().find_map(|slot| nearest((*slot)?, place.launched)),
    }
}

/// The slot of every row, where there is one.
fn rows(model: &Model) -> Vec<Option<&Vector<SlotTask>>> {
    let mut rows = Vec::new();
    for lane in lanes(model) {
        let slots = model.slots.executors.get(&lane.executor);
        let of_lane = (0..lane.rows.len()).map(|slot| slots.and_then(|slots| slots.slots.get(slot)));
        rows.extend(of_lane);
    }
    rows
}

/// The first that was launched then or later.
fn first_from(slot: &Vector<SlotTask>, at: Timestamp) -> usize {
    let order =
        |task: &SlotTask| if task.launched < at { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater };
    slot.binary_search_by(order).unwrap_or_else(|first| first)
}

fn nearest(slot: &Vector<SlotTask>, at: Timestamp) -> Option<TaskId> {
    let after = first_from(slot, at);
    let candidates = [after.checked_sub(1), Some(after)].into_iter().flatten().filter_map(|at| slot.get(at));
    candidates.min_by_key(|task| task.launched.ns_since(at).max(at.ns_since(task.launched))).map(|task| task.task)
}
