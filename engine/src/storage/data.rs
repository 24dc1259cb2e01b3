//! The one bound on records.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// A record of an RDD. Serde is required everywhere, so that any RDD can be persisted on disk or
/// checkpointed at run time; `Debug` is what previews show.
pub trait Data: Clone + Debug + Send + Sync + Serialize + DeserializeOwned + 'static {}

impl<T: Clone + Debug + Send + Sync + Serialize + DeserializeOwned + 'static> Data for T {}
