//! Cases of driver recovery, by the ids of the conformance list: what a driver leaves behind, and how another one
//! goes on.

mod by_hand;
mod changes;
mod files;
mod kill;
mod lab;
mod large;
mod overtaken;
mod restart;
mod sources;
