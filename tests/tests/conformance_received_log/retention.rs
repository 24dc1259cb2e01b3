//! What of the log of blocks goes, while a batch in the middle does not succeed.

use super::metadata::{Life, store};

/// A segment went with the allocation of a batch, and an earlier one with the additions of its blocks stayed for
/// another reason: the next driver gave those blocks to another batch, a second time. Found by seeds 46 and 94 of the
/// simulation of the whole system.
#[test]
fn blocks_of_a_cleaned_batch_do_not_come_back() {
    let store = store();
    let mut life = Life::new(&store);
    for batch in 1..=8u32 {
        let number = u64::from(batch) * 10;
        life.add([number]);
        // Another segment begins between the addition and the allocation.
        life.lab.pass(1500);
        assert_eq!(life.allocate(batch), [number]);
        if batch != 2 {
            life.succeed(batch);
        }
    }
    drop(life);
    let mut life = Life::recover(&store);
    assert_eq!(life.allocate(2), [20], "it never succeeded");
    assert_eq!(life.allocate(9), [0; 0], "everything else is done");
}
