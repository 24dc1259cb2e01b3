//! The one record per partition of a `MapWithStateRDD`.

use super::state_map::StateMap;
use crate::storage::{Data, weigh_instead};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::hash::Hash;

/// The state of a partition after a batch, and what the batch returned.
#[derive(Clone, Debug)]
pub(super) struct StateRecord<K: Data + Hash + Eq, S: Data, U: Data> {
    pub state: StateMap<K, S>,
    pub mapped: Vec<U>,
}

impl<K: Data + Hash + Eq, S: Data, U: Data> Serialize for StateRecord<K, S, U> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        // The block of each batch is weighed: to encode all keys for that would cost what there is.
        if weigh_instead(|| self.state.weight()) {
            return self.mapped.serialize(serializer);
        }
        (&self.state, &self.mapped).serialize(serializer)
    }
}

impl<'de, K: Data + Hash + Eq, S: Data, U: Data> Deserialize<'de> for StateRecord<K, S, U> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (state, mapped) = Deserialize::deserialize(deserializer)?;
        Ok(Self { state, mapped })
    }
}
