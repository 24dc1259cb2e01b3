//! Dependencies as the engine holds them: with the parents themselves.

use super::node::{AnyRdd, AnyShuffle};
use crate::event::{DependencyInfo, DependencyKind};
use std::sync::Arc;

/// An edge of the lineage with its parent.
#[derive(Clone)]
pub enum Dependency {
    /// Each child partition reads a known, bounded list of parent partitions.
    Narrow {
        /// Parent.
        parent: Arc<dyn AnyRdd>,
        /// One-to-one or range.
        kind: DependencyKind,
    },
    /// A stage boundary.
    Shuffle(Arc<dyn AnyShuffle>),
}

impl Dependency {
    /// A one-to-one dependency.
    pub fn one_to_one(parent: Arc<dyn AnyRdd>) -> Self {
        Self::Narrow { parent, kind: DependencyKind::OneToOne }
    }

    /// The parent RDD.
    pub fn parent(&self) -> Arc<dyn AnyRdd> {
        match self {
            Self::Narrow { parent, .. } => Arc::clone(parent),
            Self::Shuffle(shuffle) => shuffle.parent(),
        }
    }

    /// The edge as plain data.
    pub fn info(&self) -> DependencyInfo {
        match self {
            Self::Narrow { parent, kind } => DependencyInfo { rdd: parent.core().id(), kind: *kind },
            Self::Shuffle(s) => {
                DependencyInfo { rdd: s.parent().core().id(), kind: DependencyKind::Shuffle { shuffle: s.id() } }
            }
        }
    }
}
