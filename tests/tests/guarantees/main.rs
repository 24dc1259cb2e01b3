//! What is promised when something fails, source by source and mode by mode: the table of guarantees, simulated with
//! many seeds, and what the table does not say.
//!
//! `FAULTLINE_GUARANTEE_RUNS=200` runs each cell 200 times instead of [`RUNS`]; `FAULTLINE_SEED=7` runs seed 7 only.

mod hold;
mod notes;
mod run;
mod table;

use hold::Tally;
use table::{Cell, TABLE};

/// Runs of each cell: more than 2000 in all.
const RUNS: u64 = 40;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// Holds every cell of a row.
fn row(number_of_row: u32) {
    let only = number("FAULTLINE_SEED");
    let runs = number("FAULTLINE_GUARANTEE_RUNS").unwrap_or(RUNS);
    let cells: Vec<&Cell> = TABLE.iter().filter(|cell| cell.row == number_of_row).collect();
    assert!(!cells.is_empty(), "the table has this row");
    for cell in cells {
        let mut tally = Tally::default();
        for seed in only.map_or(0..runs, |seed| seed..seed + 1) {
            tally.hold(cell, seed);
        }
        if only.is_none() {
            tally.check(cell);
        }
    }
}

macro_rules! rows {
    ($($name:ident = $number:literal),* $(,)?) => {
        /// The rows that have a test.
        const TESTED: &[u32] = &[$($number),*];
        $(
            #[test]
            fn $name() {
                row($number);
            }
        )*
    };
}

// Without them what a learner is told about lost records would be a claim.
rows! {
    row_01_files_without_a_checkpoint = 1,
    row_02_files_with_a_checkpoint = 2,
    row_03_files_with_a_log_that_they_do_not_need = 3,
    row_04_an_unreliable_receiver_without_a_checkpoint = 4,
    row_05_an_unreliable_receiver_with_one_copy = 5,
    row_06_an_unreliable_receiver_with_a_checkpoint = 6,
    row_07_an_unreliable_receiver_with_a_log = 7,
    row_08_a_reliable_receiver_without_a_checkpoint = 8,
    row_09_a_reliable_receiver_with_a_checkpoint = 9,
    row_10_a_reliable_receiver_with_a_log = 10,
    row_11_a_replayed_text_without_a_checkpoint = 11,
    row_13_a_replayed_text_with_a_checkpoint = 13,
    row_15_a_queue = 15,
}

/// Without it a row that is written down would never run, or fewer seeds would run than are promised.
#[test]
fn every_cell_is_run() {
    assert!(TABLE.iter().all(|cell| TESTED.contains(&cell.row)));
    assert!(TABLE.len() as u64 * RUNS >= 2000, "{} cells", TABLE.len());
}
