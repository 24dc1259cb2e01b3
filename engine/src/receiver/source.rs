//! A receiver of the template, without its record type.

use super::context::Receiver;
use super::intake::{AnyIntake, Intake, IntakeSetup};
use super::script::{Arrival, Delivery, ScriptedSource};
use crate::event::StorageLevel;
use crate::ids::*;
use crate::storage::Data;
use std::fmt;
use std::sync::Arc;

/// A receiver of the template: what it reads, and how its blocks are kept.
#[derive(Clone, Debug)]
pub struct ReceiverPlan {
    /// The input stream.
    pub stream: StreamId,
    /// What it reads.
    pub source: ReceiverSource,
    /// Level of its blocks.
    pub level: StorageLevel,
}

/// Makes what runs at each start of a receiver. Cheap to clone.
#[derive(Clone)]
pub struct ReceiverSource(Arc<dyn AnySource>);

trait AnySource: Send + Sync {
    fn name(&self) -> String;
    fn is_scripted(&self) -> bool;
    fn open(&self, setup: &IntakeSetup) -> Arc<dyn AnyIntake>;
}

struct Custom<T: Data>(Arc<dyn Receiver<T>>);

impl<T: Data> AnySource for Custom<T> {
    fn name(&self) -> String {
        self.0.name()
    }

    fn is_scripted(&self) -> bool {
        false
    }

    fn open(&self, setup: &IntakeSetup) -> Arc<dyn AnyIntake> {
        Arc::new(Intake::of_receiver(setup, Arc::clone(&self.0)))
    }
}

struct Scripted<T: Data> {
    name: String,
    script: Arc<ScriptedSource<T>>,
}

impl<T: Data> AnySource for Scripted<T> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn is_scripted(&self) -> bool {
        true
    }

    fn open(&self, setup: &IntakeSetup) -> Arc<dyn AnyIntake> {
        Arc::new(Intake::of_script(setup, Arc::clone(&self.script)))
    }
}

impl ReceiverSource {
    /// A receiver with threads of its own.
    pub fn custom<T: Data>(receiver: impl Receiver<T>) -> Self {
        Self(Arc::new(Custom(Arc::new(receiver))))
    }

    /// A receiver that a script plays: `arrival` gives the n-th arrival, from 0, with times that never fall.
    pub fn scripted<T: Data>(
        name: impl Into<String>,
        arrival: impl Fn(u64) -> Option<Arrival<T>> + Send + Sync + 'static,
    ) -> Self {
        Self::playing(name, ScriptedSource::new(Delivery::Once, arrival))
    }

    /// A receiver of a scripted source that others hold, too.
    pub fn playing<T: Data>(name: impl Into<String>, script: Arc<ScriptedSource<T>>) -> Self {
        Self(Arc::new(Scripted { name: name.into(), script }))
    }

    /// What the log and the window call it.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// Whether it knows the time of a virtual clock.
    pub fn is_scripted(&self) -> bool {
        self.0.is_scripted()
    }

    pub(crate) fn open(&self, setup: &IntakeSetup) -> Arc<dyn AnyIntake> {
        self.0.open(setup)
    }
}

impl fmt::Debug for ReceiverSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReceiverSource").field(&self.name()).finish()
    }
}
