//! The simulator: the production driver, one input at a time, under a virtual clock.
//!
//! A task is computed when it is launched, against the state of that moment, and leaves a script of
//! effects with modelled times. The loop applies each entry at its time while that incarnation of the
//! executor lives. Threads of the program run one at a time: the loop answers one and waits until it
//! asks again. The same configuration, program and commands give the same events, byte for byte.

mod audit;
mod calendar;
pub mod faults;
mod held;
mod pacing;
mod receivers;
mod restart;
mod run;
mod standing;
mod tasks;

pub use crate::runtime::{Control, Environment, Outcome, Program};
pub use audit::Audit;
pub use pacing::Pacing;
pub use run::{Sinks, simulate, simulate_audited, simulate_paced, simulate_while};
