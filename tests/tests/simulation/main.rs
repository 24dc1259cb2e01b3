//! The whole system under faults, seed by seed: nothing acknowledged is lost, nothing is there twice, and what
//! cannot be kept is said (E2 of the reference).

mod bit_flips;
mod crash_points;
mod fencing;
mod lies;
mod seeds;
