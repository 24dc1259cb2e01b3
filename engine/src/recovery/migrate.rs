//! Saved data of operators that have other names now goes to them, and nothing of it is dropped (D-11).

use super::description::StreamingCheckpoint;
use crate::event::StreamInfo;
use crate::ids::{OperatorName, StreamId};
use std::collections::BTreeSet;

/// Gives the operators of a checkpoint the names that they have now: `OLD=NEW`, several with commas between them.
///
/// # Errors
/// What is wrong with the list, or which name is in neither of the programs.
pub fn rename(checkpoint: &mut StreamingCheckpoint, renamed: &str, now: &[StreamInfo]) -> Result<(), String> {
    let names = |streams: &[StreamInfo]| streams.iter().map(|s| s.operator.to_string()).collect::<Vec<_>>().join(", ");
    let mut targets = BTreeSet::new();
    let mut renames = Vec::new();
    for pair in renamed.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (old, new) = pair.split_once('=').ok_or_else(|| format!("{pair}: write OLD=NEW"))?;
        let (old, new) = (OperatorName::from(old.trim()), OperatorName::from(new.trim()));
        let Some(at) = checkpoint.graph.streams.iter().position(|stream| stream.operator == old) else {
            return Err(format!("the checkpoint has no operator {old}; it has {}", names(&checkpoint.graph.streams)));
        };
        if !now.iter().any(|stream| stream.operator == new) {
            return Err(format!("the program has no operator {new}; it has {}", names(now)));
        }
        if !targets.insert(new.clone()) {
            return Err(format!("two operators become {new}"));
        }
        renames.push((at, new));
    }
    // An operator whose name another one takes, and that is not renamed itself, would be taken for it.
    let moved: BTreeSet<usize> = renames.iter().map(|(at, _)| *at).collect();
    for (i, stream) in checkpoint.graph.streams.iter().enumerate() {
        if !moved.contains(&i) && targets.contains(&stream.operator) {
            return Err(format!("the checkpoint has another operator {0}; say what becomes of it", stream.operator));
        }
    }
    for (at, new) in renames {
        checkpoint.graph.streams[at].operator = new;
    }
    Ok(())
}

/// Operators with saved state or planned input that the program does not have: what would be dropped.
pub fn left_behind(checkpoint: &StreamingCheckpoint, now: &[StreamInfo]) -> Vec<String> {
    let saved = checkpoint.saved.iter().filter(|(_, rdds)| !rdds.is_empty()).map(|(stream, _)| *stream);
    let planned = checkpoint.batches.values().flat_map(|plan| plan.inputs.keys().copied());
    let streams: BTreeSet<StreamId> = saved.chain(planned).collect();
    let gone = streams.into_iter().filter(|stream| checkpoint.stream_now(*stream, now).is_none());
    let name = |id: StreamId| {
        let stream = checkpoint.graph.streams.iter().find(|stream| stream.id == id);
        stream.map_or_else(|| format!("stream {id}"), |stream| stream.operator.to_string())
    };
    gone.map(name).collect()
}
