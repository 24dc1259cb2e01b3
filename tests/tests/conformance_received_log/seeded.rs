//! Bugs that once lost data, switched on: at least one case must fail for each (D-28, D-14).

use super::{metadata, records};
use faultline_engine::seeded::SeededBug;
use faultline_tests::seeded::caught;

/// Without it the suite could be blind for what it is there for.
#[test]
fn the_cases_catch_the_bugs_of_the_past() {
    caught(SeededBug::AllocationClearsQueue, metadata::r06_recovery_gives_a_batch_exactly_its_own_blocks);
    caught(SeededBug::FailedAllocationDrops, metadata::r07_blocks_whose_allocation_fails_wait_for_the_next_batch);
    caught(SeededBug::DanglingBlocks, metadata::unallocated_blocks_go_to_the_first_batch_that_is_run_again);
    caught(SeededBug::CleaningByAge, metadata::v19_metadata_of_a_batch_that_never_completes_stays);
    caught(SeededBug::PushingEndsSilently, records::one_failure_of_the_store_does_not_end_the_receiver);
}
