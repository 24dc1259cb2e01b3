//! Spark's own cases for the block manager, by their ids in the conformance list.

use super::*;
use crate::event::{BlockRemoval, StorageLevel};
use crate::ids::{BlockId, PartitionId, RddId, StoredId};
use std::sync::Arc;

/// Two blocks of a little over 4000 B fit, three do not.
const STORE_BYTES: u64 = 12_000;

struct Fixture {
    store: BlockStore,
    level: StorageLevel,
}

impl Fixture {
    fn each(level: StorageLevel) -> [Self; 2] {
        [DiskStore::in_memory(), DiskStore::temporary().unwrap()]
            .map(|disk| Self { store: BlockStore::new(STORE_BYTES, disk), level })
    }

    fn put(&mut self, id: StoredId) -> PutOutcome {
        self.put_at(id, self.level)
    }

    fn put_at(&mut self, id: StoredId, level: StorageLevel) -> PutOutcome {
        let outcome = self.store.put(id, ValuesBlock::shared(content(id)), level).unwrap();
        assert!(self.store.memory_used() <= STORE_BYTES);
        outcome
    }

    /// Reads values and checks that they are the ones that were put.
    fn read(&mut self, id: StoredId) -> Option<Found> {
        let found = self.store.get(id, BlockForm::Values).unwrap()?;
        assert_eq!(values_of::<String>(found.block.as_ref()).unwrap().as_slice(), content(id));
        Some(found)
    }

    fn in_memory(&self) -> Vec<StoredId> {
        self.store.blocks().filter(|b| b.level.use_memory).map(|b| b.block).collect()
    }

    fn present(&self) -> Vec<StoredId> {
        self.store.blocks().map(|b| b.block).collect()
    }
}

fn rdd(rdd: u32, partition: u32) -> StoredId {
    BlockId::new(RddId(rdd), PartitionId(partition)).into()
}

/// Spark's `a1`, `a2`, …: blocks that may evict each other, so each has an RDD of its own.
fn a(n: u32) -> StoredId {
    rdd(n, 0)
}

fn content(id: StoredId) -> Vec<String> {
    vec![format!("{:_<4000}", id.to_string())]
}

#[test]
fn b01_in_memory_lru_storage() {
    // Without it a full executor would keep the wrong blocks, and every recovery story told from it is wrong.
    for level in [StorageLevel::MEMORY_ONLY, StorageLevel::MEMORY_ONLY_SER] {
        for mut f in Fixture::each(level) {
            f.put(a(1));
            f.put(a(2));
            let third = f.put(a(3));
            assert_eq!(third.changes[0].block, a(1));
            assert_eq!(third.changes[0].level, StorageLevel::NONE);
            assert_eq!(third.changes[0].status.removal, Some(BlockRemoval::Evicted));
            assert_eq!((third.changes[1].block, third.changes[1].level), (a(3), level));
            assert!(f.read(a(2)).is_some() && f.read(a(3)).is_some() && f.read(a(1)).is_none());
            f.read(a(2));
            f.put(a(1));
            assert_eq!(f.present(), [a(1), a(2)]);
            assert!(f.read(a(3)).is_none());
        }
    }
}

#[test]
fn b02_in_memory_lru_for_partitions_of_same_rdd() {
    // Without it an RDD larger than memory would evict its own partitions in a circle and cache nothing.
    for mut f in Fixture::each(StorageLevel::MEMORY_ONLY) {
        assert!(f.put(rdd(0, 1)).stored && f.put(rdd(0, 2)).stored);
        assert!(!f.store.can_unroll(RddId(0), 4000) && f.store.can_unroll(RddId(1), 4000));
        let third = f.put(rdd(0, 3));
        assert!(!third.stored && third.changes.is_empty());
        for _ in 0..2 {
            assert!(f.read(rdd(0, 3)).is_none());
            assert!(f.read(rdd(0, 2)).is_some() && f.read(rdd(0, 1)).is_some());
        }
    }
}

#[test]
fn b03_in_memory_lru_for_partitions_of_multiple_rdds() {
    // Without it the same-RDD rule would also protect blocks of other RDDs, or protect the wrong ones.
    for mut f in Fixture::each(StorageLevel::MEMORY_ONLY) {
        f.put(rdd(0, 1));
        f.put(rdd(0, 2));
        f.put(rdd(1, 1));
        assert_eq!(f.in_memory(), [rdd(0, 2), rdd(1, 1)]);
        f.read(rdd(0, 2));
        f.put(rdd(0, 3));
        assert_eq!(f.in_memory(), [rdd(0, 2), rdd(0, 3)]);
        assert!(!f.put(rdd(0, 4)).stored);
        assert_eq!(f.in_memory(), [rdd(0, 2), rdd(0, 3)]);
    }
}

#[test]
fn b05_disk_and_memory_storage() {
    // Without it evicted blocks of a level with disk would be lost, or never come back into memory.
    for (level, form, back_in_memory) in [
        (StorageLevel::MEMORY_AND_DISK, BlockForm::Values, true),
        (StorageLevel::MEMORY_AND_DISK, BlockForm::Bytes, false),
        (StorageLevel::MEMORY_AND_DISK_SER, BlockForm::Values, true),
        (StorageLevel::MEMORY_AND_DISK_SER, BlockForm::Bytes, true),
    ] {
        for mut f in Fixture::each(level) {
            f.put(a(1));
            f.put(a(2));
            let third = f.put(a(3));
            let evicted = third.changes[0];
            assert_eq!((evicted.block, evicted.level), (a(1), StorageLevel::DISK_ONLY));
            assert_eq!((evicted.status.memory_bytes, evicted.status.removal), (0, None));
            assert_eq!(f.in_memory(), [a(2), a(3)]);
            let found = f.store.get(a(1), form).unwrap().unwrap();
            assert_eq!(found.tier, Tier::Disk);
            assert_eq!(values_of::<String>(found.block.as_ref()).unwrap().as_slice(), content(a(1)));
            assert_eq!(f.in_memory().contains(&a(1)), back_in_memory, "{level} read as {form:?}");
            if back_in_memory {
                assert_eq!(found.changes.iter().map(|c| c.block).collect::<Vec<_>>(), [a(2), a(1)]);
                assert_eq!(f.store.status(a(1)).unwrap().level, level);
            }
            assert!(f.read(a(2)).is_some() && f.read(a(3)).is_some());
        }
    }
}

#[test]
fn b06_on_disk_storage() {
    // Without it blocks of a disk level would count against memory, and lose their replication in reports.
    for mut f in Fixture::each(StorageLevel::DISK_ONLY_2) {
        for n in 1..=3 {
            let outcome = f.put(a(n));
            assert!(outcome.stored && outcome.status.disk_bytes > 4000);
            assert_eq!(outcome.changes[0].level, StorageLevel::DISK_ONLY_2);
        }
        for n in [1, 2, 3, 1] {
            let found = f.read(a(n)).unwrap();
            assert!(found.tier == Tier::Disk && found.changes.is_empty());
        }
        assert_eq!(f.store.memory_used(), 0);
    }
}

#[test]
fn b07_lru_with_mixed_storage_levels() {
    // Without it a disk block would be taken for a victim, although it frees no memory.
    for mut f in Fixture::each(StorageLevel::MEMORY_ONLY_SER) {
        f.put(a(1));
        f.put(a(2));
        f.put_at(a(3), StorageLevel::DISK_ONLY);
        f.put_at(a(4), StorageLevel::MEMORY_AND_DISK_SER);
        assert_eq!(f.present(), [a(2), a(3), a(4)]);
    }
}

#[test]
fn b08_blocks_being_read_cannot_be_evicted() {
    // Without it two tasks reading through a small memory would evict under each other's hands.
    for mut f in Fixture::each(StorageLevel::MEMORY_ONLY) {
        f.put(a(1));
        f.put(a(2));
        f.store.lock_for_reading(a(1));
        f.store.lock_for_reading(a(2));
        assert!(!f.put(a(3)).stored);
        assert_eq!(f.present(), [a(1), a(2)]);
        f.store.unlock(a(2));
        assert!(f.put(a(3)).stored);
        assert_eq!(f.present(), [a(1), a(3)]);
    }
}

#[test]
fn b13_a_damaged_disk_block_is_forgotten() {
    // Without it a lost file would fail every retry, or a corrupt one would be read as data (R8.9).
    for damage in [DiskDamage::Deleted, DiskDamage::Truncated, DiskDamage::BitFlipped] {
        for level in [StorageLevel::DISK_ONLY, StorageLevel::MEMORY_AND_DISK] {
            for mut f in Fixture::each(level) {
                (1..=3).for_each(|n| drop(f.put(a(n))));
                assert!(f.store.damage_on_disk(a(1), damage));
                assert!(f.store.peek(a(1)).is_err(), "looking reports it, and forgets nothing");
                let lost = f.store.get(a(1), BlockForm::Values).unwrap_err();
                assert_eq!(lost.changes[0].status.removal, Some(BlockRemoval::Unreadable));
                assert!(f.read(a(1)).is_none());
                assert!(f.put(a(1)).stored, "the retry stores it anew");
            }
        }
    }
}

#[test]
fn a_damaged_block_goes_while_others_read_it() {
    // Without it readers that fail and try again would find it for as long as one of them holds it; and what is
    // stored in its place would go with the last of them.
    for mut f in Fixture::each(StorageLevel::MEMORY_AND_DISK) {
        f.put(a(1));
        f.store.lock_for_reading(a(1));
        assert!(f.store.remove(a(1), BlockRemoval::Dropped).is_none(), "somebody reads it");
        let puts = f.store.puts();
        let gone = f.store.forget_unreadable(a(1), puts).unwrap();
        assert_eq!(gone.status.removal, Some(BlockRemoval::Unreadable));
        assert!(f.put(a(1)).stored);
        assert!(f.store.unlock(a(1)).is_none());
        assert!(f.read(a(1)).is_some(), "the new one stays");
    }
}

#[test]
fn a_block_larger_than_the_store_evicts_nothing() {
    // Without it one hopeless put would empty the cache (R8.5).
    let huge = || ValuesBlock::shared(vec!["x".repeat(20_000)]);
    for mut f in Fixture::each(StorageLevel::MEMORY_ONLY) {
        f.put(a(1));
        f.put(a(2));
        assert!(!f.store.put(a(3), huge(), StorageLevel::MEMORY_ONLY).unwrap().stored);
        let on_disk = f.store.put(a(4), huge(), StorageLevel::MEMORY_AND_DISK).unwrap();
        assert!(on_disk.stored && on_disk.status.memory_bytes == 0 && on_disk.changes.len() == 1);
        assert_eq!(f.in_memory(), [a(1), a(2)]);
        assert!(!f.store.put(a(5), huge(), StorageLevel::NONE).unwrap().stored);
    }
}

#[test]
fn a_put_of_a_present_block_changes_nothing() {
    // Without it a late copy of a task would replace a block that others read (R8.10).
    for mut f in Fixture::each(StorageLevel::MEMORY_ONLY) {
        let first = f.put(a(1));
        let again = f.put_at(a(1), StorageLevel::DISK_ONLY);
        assert!(again.stored && again.changes.is_empty() && again.status == first.status);
        assert_eq!(f.store.status(a(1)).unwrap().level, StorageLevel::MEMORY_ONLY);
    }
}

#[test]
fn looking_does_not_refresh_and_removal_reports() {
    // Without it opening a block in the window would change what is evicted next.
    for mut f in Fixture::each(StorageLevel::MEMORY_ONLY) {
        f.put(a(1));
        f.put(rdd(2, 7));
        assert_eq!(f.store.peek(a(1)).unwrap().unwrap().tier, Tier::Memory);
        f.put(rdd(3, 1));
        assert_eq!(f.present(), [rdd(2, 7), rdd(3, 1)]);
        let removed = f.store.remove_rdd(RddId(2));
        assert_eq!(removed[0].status.removal, Some(BlockRemoval::Unpersisted));
        assert_eq!(f.store.remove(rdd(3, 1), BlockRemoval::Dropped).unwrap().level, StorageLevel::NONE);
        assert!(f.store.remove(rdd(3, 1), BlockRemoval::Dropped).is_none());
        assert_eq!((f.store.memory_used(), f.store.disk_used()), (0, 0));
    }
}

#[test]
fn a_replica_that_arrives_as_bytes_is_kept_as_its_level_asks() {
    // Without it a second copy at a deserialised level would be decoded at every read.
    let bytes = in_form(&ValuesBlock::shared(content(a(1))), BlockForm::Bytes).unwrap();
    for mut f in Fixture::each(StorageLevel::MEMORY_ONLY_2) {
        f.store.put(a(1), Arc::clone(&bytes), f.level).unwrap();
        assert!(f.read(a(1)).unwrap().block.is_values());
        assert_eq!(f.store.status(a(1)).unwrap().level, StorageLevel::MEMORY_ONLY_2);
    }
}
