//! The operators of a program, as `lineage` shows them and as `--persist`, `--checkpoint` and `drop`
//! name them.

use super::UsageError;
use crate::model::{Model, RddState};
use crate::race::Recording;
use crate::race::engine_run::{RunRequest, Store};
use faultline_engine::command::{Command, TaskTarget};
use faultline_engine::event::{ClockKind, StorageLevel};
use faultline_engine::ids::{OperatorName, RddId, StreamId};
use faultline_engine::programs::InputSource;
use std::collections::BTreeMap;

/// One operator of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorRow {
    /// Its name.
    pub name: OperatorName,
    /// What it reads.
    pub parents: Vec<OperatorName>,
    /// Level of its data.
    pub level: StorageLevel,
    /// When its data is checkpointed, in words; `None` for never.
    pub checkpoint: Option<String>,
}

/// The operators of a run: of the template of a streaming program, else of the RDDs that were made.
pub fn operators(model: &Model) -> Vec<OperatorRow> {
    if model.streams.zero.is_some() { of_template(model) } else { of_rdds(model) }
}

fn of_template(model: &Model) -> Vec<OperatorRow> {
    let names: BTreeMap<StreamId, &OperatorName> = model.streams.streams.iter().map(|s| (s.id, &s.operator)).collect();
    let interval = model.streams.interval.0.max(1);
    let row = |stream: &std::sync::Arc<faultline_engine::event::StreamInfo>| OperatorRow {
        name: stream.operator.clone(),
        parents: stream.parents.iter().filter_map(|p| names.get(p).map(|&n| n.clone())).collect(),
        level: stream.level,
        checkpoint: stream.checkpoint_interval.map(|every| match every.0 / interval {
            1 => "every batch".to_owned(),
            n => format!("every {n} batches"),
        }),
    };
    model.streams.streams.iter().map(row).collect()
}

/// In order of creation. The last RDD of an operator is its result.
fn of_rdds(model: &Model) -> Vec<OperatorRow> {
    let mut rows: BTreeMap<RddId, OperatorRow> = BTreeMap::new();
    for (name, batches) in &model.operators {
        let rdds: Vec<&RddState> =
            batches.values().flatten().filter_map(|id| model.rdds.get(id)).map(|r| &**r).collect();
        let (Some(first), Some(result)) = (rdds.first(), rdds.last()) else { continue };
        let mut parents = Vec::new();
        for rdd in &rdds {
            // A checkpoint replaces the parents; the program's are those before the cut.
            let read = if rdd.cut_parents.is_empty() { &rdd.info.parents } else { &rdd.cut_parents };
            for parent in read.iter().filter_map(|p| model.rdds.get(&p.rdd)) {
                let parent = &parent.info.op.operator;
                if parent != name && !parents.contains(parent) {
                    parents.push(parent.clone());
                }
            }
        }
        let checkpoint = rdds.iter().any(|r| r.checkpoint_marked).then(|| "marked".to_owned());
        let row = OperatorRow { name: name.clone(), parents, level: result.info.level, checkpoint };
        rows.insert(first.info.id, row);
    }
    rows.into_values().collect()
}

/// Refuses names that are no operator of the program. Finds them by running the program as it is:
/// one batch of a streaming program, all of another.
///
/// # Errors
/// The unknown name, and the known ones.
pub fn check_operators(request: &RunRequest) -> anyhow::Result<()> {
    let config = &request.config;
    let of_levels = config.persist.keys().map(|op| ("--persist", op));
    let of_intervals = config.checkpoint.keys().map(|op| ("--checkpoint", op));
    let of_faults = config.faults.iter().filter_map(|fault| match &fault.command {
        Command::DropBlock { operator, .. } => Some(("--fault drop", operator)),
        Command::CorruptBlock { operator, .. } => Some(("--fault corrupt", operator)),
        Command::FailTask { task: TaskTarget::Operator { operator, .. }, .. } => Some(("--fault fail", operator)),
        _ => None,
    });
    let named: Vec<(&str, &OperatorName)> = of_levels.chain(of_intervals).chain(of_faults).collect();
    if named.is_empty() {
        return Ok(());
    }
    let known = known_operators(request)?;
    for (option, name) in named {
        if !known.contains(name) {
            let program = request.program.name;
            let known: Vec<&str> = known.iter().map(OperatorName::as_str).collect();
            let message =
                format!("{option} {name}: {program} has no such operator; its operators are {}", known.join(", "));
            return Err(UsageError(message).into());
        }
    }
    Ok(())
}

fn known_operators(request: &RunRequest) -> anyhow::Result<Vec<OperatorName>> {
    let mut plain = request.clone();
    plain.clock = ClockKind::Virtual;
    plain.input.source = InputSource::Replay;
    plain.input.sink = None;
    plain.config.persist.clear();
    plain.config.checkpoint.clear();
    plain.config.faults.clear();
    plain.config.max_batches = Some(1);
    let Recording { model, .. } = plain.record(&Store::memory())?;
    Ok(operators(&model).into_iter().map(|row| row.name).collect())
}
