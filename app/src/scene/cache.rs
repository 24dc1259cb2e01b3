//! The last scene, kept while neither the model nor the filter changes, and the positions, kept while
//! the application is the same.

use super::{Filter, Memory, Scene, build_from};
use crate::model::Model;
use std::sync::Arc;

/// A memo of one scene with the placement that later scenes build on.
#[derive(Clone, Debug, Default)]
pub struct SceneCache {
    /// Name and id of the application that the memory belongs to.
    application: (String, String),
    memory: Memory,
    last: Option<(Filter, Arc<Scene>)>,
}

impl SceneCache {
    /// The scene of this model and filter; the same `Arc` while revision and filter are the same.
    pub fn get(&mut self, model: &Model, filter: &Filter) -> Arc<Scene> {
        let application = &model.application;
        // Before the application has a name there is nothing to place, and nothing to forget: a view of
        // the past may come from there and go back.
        let known = !application.name.is_empty() || !application.id.is_empty();
        if known && (application.name.as_str(), application.id.as_str()) != (&self.application.0, &self.application.1) {
            self.clear();
            self.application = (application.name.clone(), application.id.clone());
        }
        if let Some((of, scene)) = &self.last
            && scene.revision == model.revision
            && of == filter
        {
            return Arc::clone(scene);
        }
        let scene = Arc::new(build_from(model, filter, &mut self.memory));
        self.last = Some((filter.clone(), Arc::clone(&scene)));
        scene
    }

    /// Forgets scene and positions: for another run of the same program.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
