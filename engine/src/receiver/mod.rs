//! Receivers: what a user writes, and what decides when its records become blocks (R17).
//!
//! Everything here is a function of the times that it is told: block generation ([`BlockGenerator`]), rate
//! limits ([`RateLimiter`], [`PidRateEstimator`]), and the life of one start of a receiver
//! (`supervisor.rs`). Both loops run it: the one on threads with receivers that have threads of their own,
//! the simulator with scripted ones. It knows no driver, no executor, no thread and no clock.

mod block_log;
mod context;
mod generator;
mod intake;
mod limiter;
mod pid;
mod script;
mod source;
mod supervisor;

pub use block_log::BlockLogPlan;
pub use context::{Receiver, ReceiverContext, ReceiverError};
pub use generator::{BlockGenerator, BlockNumbers, Clients, Numbering, ReadyBlock, ReceivedBlock};
pub use limiter::RateLimiter;
pub use pid::{PidRateEstimator, PidSettings};
pub use script::{Arrival, Arrived, Delivery, ScriptedSource};
pub use source::{ReceiverPlan, ReceiverSource};

pub(crate) use block_log::{BlockLog, BlockLogs};
pub(crate) use context::Port;
pub(crate) use intake::{AnyIntake, IntakeSetup};
pub(crate) use supervisor::{Ask, Hook, Say, Step, Supervisor};
