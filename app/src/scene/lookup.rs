//! From an RDD to the node that shows it, also when that node is not drawn now.

use super::NodeKey;
use super::facts::{KeyOf, key};
use super::groups::groups;
use super::rows::rows;
use crate::model::Model;
use faultline_engine::ids::RddId;

/// The node that shows an RDD, whether a filter draws it or not; `None` for an RDD that the model does
/// not know.
pub fn node_of(model: &Model, rdd: RddId) -> Option<NodeKey> {
    let of = model.rdds.get(&rdd)?;
    if of.reads_checkpoint_files() {
        let saved = model.checkpoints.values().find(|c| c.checkpoint_rdd == rdd)?;
        return node_of(model, saved.rdd);
    }
    let op = &of.info.op;
    if model.streams.streams.is_empty() {
        let groups = groups(model).groups;
        let group = groups.iter().find(|g| g.batch == op.batch && g.operators.contains(&op.operator))?;
        return Some(key(KeyOf::Operator, &group.operators[0], group.batch));
    }
    let rows = rows(model);
    let row = rows.iter().find(|row| row.operators.contains(&op.operator))?;
    Some(key(KeyOf::Operator, &row.operators[0], op.batch))
}
