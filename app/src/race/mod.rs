//! The race: one program, input, seed and fault under several policies, side by side.
//!
//! Owns the policies, the runs without a window, what is kept of a run, and every sentence and number
//! that a race shows, as plain data for the command line and the window alike. Knows the engine and the
//! model; neither egui nor the command line.

pub mod engine_run;
pub mod runner;

mod compute;
mod draft;
mod fate_table;
mod fates;
mod fault_words;
mod faults;
mod human_bytes;
mod lanes;
mod outcome_sentence;
mod output_hash;
mod policies;
mod reading;
mod recording;
mod state;
mod table;
mod words;

#[cfg(test)]
pub mod samples;

pub use compute::{Keep, LaneDone, LaneRun, Progress, RaceCancelled, RaceNews, RaceRequest, race};
pub use draft::{Action, FaultDraft, When, plan_of};
pub use fates::{FATES, Fates, fate_reading, fate_sentence, pending};
pub use fault_words::fault_words;
pub use faults::{check_fault, stages_to_name, unstruck};
pub use human_bytes::human_bytes;
pub use lanes::{Lane, LaneUpkeep, Race, WithAndWithout};
pub use outcome_sentence::{outcome_sentence, signed};
pub use output_hash::OutputHash;
pub use policies::Policy;
pub use reading::{lane_note, reading};
pub use recording::{BatchRow, Recording, Struck, WayBack};
pub use state::{BATCHES_MAX, LaneSlot, LaneState, RacePhase, RacePlan, RaceState, ShownLane, run_of};
pub use table::race_table;
pub use words::{Words, number_word};
