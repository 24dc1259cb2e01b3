//! The simulator.
pub mod faults;
