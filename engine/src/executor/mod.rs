//! Executors: stores of their own, and the running of tasks.
//!
//! Both loops own executors; the driver only knows their ids. An incarnation that died stays dead:
//! reads from it fail, and what its threads still do has no effect.

mod commits;
#[cfg(test)]
mod conformance;
mod cost;
mod inline;
mod replicate;
mod run;
mod script;
mod stores;

pub use commits::{CommitPermit, OutputCommitCoordinator};
pub use cost::{CostMeter, CostTable};
pub use inline::inline_context;
pub use replicate::{Replicas, Stored, peers_of, store_input_block};
pub use run::{TaskOutcome, exit_executor, run_task};
pub use script::{Applied, BlockReport, EffectRules, ScriptEntry, TeePart, apply};
pub use stores::ExecutorStores;
