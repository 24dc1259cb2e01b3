//! `setCheckpointDir`: the directory of an application's own, claimed in the reliable store.

use crate::checkpoint::claim;
use crate::error::{EngineError, Result};
use crate::object_store::ObjectStore;
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the checkpoints of an application go.
pub(super) struct CheckpointDirs {
    store: Arc<dyn ObjectStore>,
    application: String,
    current: Mutex<Option<Dir>>,
    /// What was claimed, by what was wanted: a directory that is set again stays the same.
    claimed: Mutex<BTreeMap<String, String>>,
}

#[derive(Clone)]
struct Dir {
    wanted: String,
    /// `wanted` until it could be claimed.
    name: String,
}

impl CheckpointDirs {
    pub fn new(store: Arc<dyn ObjectStore>, application: String) -> Self {
        Self { store, application, current: Mutex::default(), claimed: Mutex::default() }
    }

    /// A store that refuses is asked again by the first checkpoint, which has somebody to tell.
    pub fn set(&self, wanted: String) {
        let name = self.claim(&wanted).unwrap_or_else(|_| wanted.clone());
        *self.current.lock() = Some(Dir { wanted, name });
    }

    pub fn name(&self) -> Option<String> {
        self.current.lock().as_ref().map(|dir| dir.name.clone())
    }

    /// The same, and certainly of this application.
    pub fn own(&self) -> Result<Option<String>> {
        let Some(Dir { wanted, .. }) = self.current.lock().clone() else { return Ok(None) };
        let name = self.claim(&wanted)?;
        let mut current = self.current.lock();
        if let Some(dir) = current.as_mut().filter(|dir| dir.wanted == wanted) {
            dir.name.clone_from(&name);
        }
        Ok(Some(name))
    }

    fn claim(&self, wanted: &str) -> Result<String> {
        let mut claimed = self.claimed.lock();
        if let Some(name) = claimed.get(wanted) {
            return Ok(name.clone());
        }
        let name = claim(&*self.store, wanted, &self.application)
            .map_err(|error| EngineError::Store { message: error.to_string(), path: wanted.to_owned() })?;
        claimed.insert(wanted.to_owned(), name.clone());
        Ok(name)
    }
}
