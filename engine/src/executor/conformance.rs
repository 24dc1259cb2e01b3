//! Spark's cases for blocks on several executors, by their ids in the conformance list.

use super::replicate::{Replicas, Stored, store_input_block};
use super::*;
use crate::config::StorageSettings;
use crate::event::{BlockRemoval, StorageLevel};
use crate::ids::*;
use crate::object_store::MemoryObjectStore;
use crate::shuffle::ShuffleStore;
use crate::storage::{BlockStore, DiskDamage, DiskStore, MemoryMode, PutWay, StoredBlock, ValuesBlock, values_of};
use crate::task_context::{BlockPolicy, Cluster};
use serde::ser::Error as _;
use std::cell::RefCell;
use std::sync::Arc;

const MEMORY: u64 = 12_000;

/// Executors that know each other, numbered from 1.
struct Lab {
    cluster: Cluster,
}

/// What a put came to, and what the driver was told.
struct Told {
    result: Result<(), crate::rdd::TaskError>,
    reports: Vec<BlockReport>,
}

impl Lab {
    fn new(executors: u32) -> Self {
        let lab = Self { cluster: Cluster::default() };
        (1..=executors).for_each(|id| drop(lab.add(id, MEMORY)));
        lab
    }

    fn add(&self, id: u32, memory: u64) -> Arc<ExecutorStores> {
        self.add_with(id, BlockStore::with_off_heap(memory, MEMORY, DiskStore::in_memory()))
    }

    fn add_with(&self, id: u32, blocks: BlockStore) -> Arc<ExecutorStores> {
        let shuffles = ShuffleStore::new(MEMORY, DiskStore::in_memory());
        let stores =
            Arc::new(ExecutorStores::new(ExecutorId(id), blocks, shuffles).with_settings(StorageSettings::default()));
        self.cluster.write().insert(stores.id(), Arc::clone(&stores));
        stores
    }

    fn executor(&self, id: u32) -> Arc<ExecutorStores> {
        Arc::clone(&self.cluster.read()[&ExecutorId(id)])
    }

    /// A task of executor 1 stores a block, with copies on the others in order.
    fn put(&self, id: BlockId, block: Arc<dyn StoredBlock>, level: StorageLevel) -> Told {
        let peers: Vec<ExecutorId> = self.cluster.read().keys().copied().filter(|e| e.0 != 1).collect();
        let policy = BlockPolicy { level, generation: 0 };
        let entry = ScriptEntry::PutBlock { task: TaskId(9), id, block, policy, way: PutWay::ByLevel, peers };
        let rules = EffectRules { previews: false, max_replication_failures: 1 };
        let Applied { reports, result } =
            apply(entry, &self.executor(1), &self.cluster, &MemoryObjectStore::new(), rules);
        Told { result, reports }
    }

    /// Executors that hold a block.
    fn holders(&self, id: BlockId) -> Vec<u32> {
        let all: Vec<_> = self.cluster.read().values().cloned().collect();
        all.iter().filter(|stores| stores.holds_block(id)).map(|stores| stores.id().0).collect()
    }
}

impl Told {
    /// Where the driver thinks that a block is after these reports.
    fn locations(&self, id: BlockId) -> Vec<u32> {
        let mut at = std::collections::BTreeSet::new();
        for report in self.reports.iter().filter(|r| r.change.block == id.into()) {
            if report.change.level.is_valid() {
                at.insert(report.executor.0);
            } else {
                at.remove(&report.executor.0);
            }
        }
        at.into_iter().collect()
    }
}

fn block_of(rdd: u32) -> BlockId {
    BlockId::new(RddId(rdd), PartitionId(0))
}

fn content(bytes: usize) -> Arc<dyn StoredBlock> {
    ValuesBlock::shared(vec!["x".repeat(bytes)])
}

fn read(stores: &ExecutorStores, id: BlockId) -> Option<usize> {
    let block = stores.peek_block(id).unwrap()?;
    let len = values_of::<String>(&*block).unwrap().as_slice()[0].len();
    Some(len)
}

#[test]
fn b19_a_level_has_as_many_copies_as_it_says() {
    // Without it a level of three copies would lose data with two executors, or report sizes that are not there.
    let bases = [
        StorageLevel::MEMORY_ONLY,
        StorageLevel::MEMORY_ONLY_SER,
        StorageLevel::MEMORY_AND_DISK,
        StorageLevel::MEMORY_AND_DISK_SER,
        StorageLevel::DISK_ONLY,
        StorageLevel::OFF_HEAP,
    ];
    for base in bases {
        for copies in 1..=5 {
            let level = base.with_copies(copies).unwrap();
            let lab = Lab::new(5);
            let told = lab.put(block_of(1), content(4000), level);
            assert_eq!(told.result, Ok(()));
            assert_eq!(told.locations(block_of(1)).len(), usize::from(copies), "{level}");
            for report in &told.reports {
                let (status, at) = (report.change.status, report.change.level);
                assert_eq!((at.use_memory, at.replication), (level.use_memory, copies), "{level}");
                assert_eq!(at.use_disk, !level.use_memory, "{level}: on disk only when it is not in memory");
                assert_eq!((at.deserialized, at.use_off_heap), (level.deserialized, level.use_off_heap), "{level}");
                assert_eq!((status.memory_bytes > 4000, status.disk_bytes > 4000), (level.use_memory, at.use_disk));
                let holder = lab.executor(report.executor.0);
                assert_eq!(read(&holder, block_of(1)), Some(4000), "{level}");
            }
            // Two more blocks of the same mode make it leave memory.
            if level.use_memory {
                let other = |n| lab.put(block_of(n), content(4000), base).reports;
                let reports: Vec<BlockReport> = (2..=3).flat_map(other).collect();
                let evicted = reports.iter().find(|r| r.change.block == block_of(1).into()).expect("no room for three");
                assert_eq!(evicted.change.status.memory_bytes, 0, "{level}");
                assert_eq!(evicted.change.status.disk_bytes > 4000, level.use_disk, "{level}");
                assert_eq!(read(&lab.executor(1), block_of(1)), level.use_disk.then_some(4000), "{level}");
            }
        }
    }
}

#[test]
fn b20_a_failing_peer_is_replaced_and_a_shortfall_is_no_error() {
    // Without it one broken executor would fail every task that keeps two copies, or a block without room on
    // its peer would count as two copies.
    let broken_disk = || {
        let dir = tempfile::tempdir().unwrap();
        std::fs::remove_dir(dir.path()).unwrap();
        BlockStore::new(0, DiskStore::directory(dir))
    };
    for level in [StorageLevel::MEMORY_ONLY_2, StorageLevel::DISK_ONLY_2] {
        let lab = Lab::new(1);
        lab.add_with(2, broken_disk());
        let alone = lab.put(block_of(1), content(4000), level);
        assert_eq!((alone.result.clone(), alone.locations(block_of(1))), (Ok(()), vec![1]), "{level}");
        lab.add(3, MEMORY);
        let helped = lab.put(block_of(2), content(4000), level);
        assert_eq!((helped.result.clone(), helped.locations(block_of(2))), (Ok(()), vec![1, 3]), "{level}");
        lab.executor(3).kill();
        lab.add(4, MEMORY);
        let third = lab.put(block_of(3), content(100), level);
        assert_eq!(third.locations(block_of(3)), [1], "{level}: two failures are one too many");
    }
}

#[test]
fn b21_copies_follow_the_number_of_executors() {
    // Without it a small cluster could not keep anything at a level of many copies.
    for copies in [3, 4] {
        let level = StorageLevel::MEMORY_AND_DISK.with_copies(copies).unwrap();
        let lab = Lab::new(2);
        let count = |n: u32| lab.put(block_of(n), content(1000), level).locations(block_of(n)).len();
        assert_eq!(count(1), 2);
        lab.add(3, MEMORY);
        lab.add(4, MEMORY);
        lab.add(5, MEMORY);
        assert_eq!(count(2), usize::from(copies));
        for id in 2..=5 {
            let gone = lab.cluster.write().remove(&ExecutorId(id));
            gone.unwrap().kill();
        }
        assert_eq!(count(3), 1, "alone");
    }
}

thread_local! {
    /// What happens when an [`Odd`] is encoded for the second time: the first is its weighing.
    static WHEN_ENCODED: RefCell<Option<Box<dyn FnMut() -> bool>>> = const { RefCell::new(None) };
}

/// A record whose encoding does what a test wants.
#[derive(Clone, Debug, serde::Deserialize)]
struct Odd;

impl serde::Serialize for Odd {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let works = WHEN_ENCODED.with_borrow_mut(|hook| hook.as_mut().is_none_or(|hook| hook()));
        if works { s.serialize_u8(1) } else { Err(S::Error::custom("deliberate")) }
    }
}

fn when_encoded(hook: impl FnMut() -> bool + 'static) {
    WHEN_ENCODED.set(Some(Box::new(hook)));
}

#[test]
fn b18_a_put_that_fails_half_way_leaves_nothing() {
    // Without it a failed task would leave a block that the driver does not know of, or knows of and is not there.
    let lab = Lab::new(3);
    let block = ValuesBlock::shared(vec![Odd; 3]);
    when_encoded(|| false);
    let told = lab.put(block_of(1), Arc::clone(&block), StorageLevel::MEMORY_ONLY_2);
    let error = format!("{:?}", told.result.clone().unwrap_err());
    assert!(error.contains("cannot be encoded"), "{error}");
    assert_eq!((told.locations(block_of(1)), lab.holders(block_of(1))), (vec![], vec![]));
    // The executor dies while it uploads.
    let dying = lab.executor(1);
    when_encoded(move || {
        dying.kill();
        true
    });
    let told = lab.put(block_of(2), block, StorageLevel::MEMORY_ONLY_2.with_copies(3).unwrap());
    WHEN_ENCODED.set(None);
    assert!(told.result.is_err());
    assert!(lab.holders(block_of(2)).is_empty(), "no copy that nobody knows of");
    let removed = told.reports.iter().filter(|r| r.change.status.removal == Some(BlockRemoval::Dropped)).count();
    assert_eq!((told.locations(block_of(2)), removed), (vec![], 1));
}

#[test]
fn a_put_that_cannot_be_written_says_what_it_evicted() {
    // Without it the driver would think that evicted blocks are still there.
    let dir = tempfile::tempdir().unwrap();
    std::fs::remove_dir(dir.path()).unwrap();
    let lab = Lab::new(0);
    lab.add_with(1, BlockStore::new(MEMORY, DiskStore::directory(dir)));
    lab.put(block_of(1), content(8000), StorageLevel::MEMORY_ONLY);
    let told = lab.put(block_of(2), content(20_000), StorageLevel::MEMORY_AND_DISK);
    assert!(told.result.is_err() && told.reports.is_empty(), "larger than all memory: nothing was evicted");
    lab.put(block_of(3), content(8000), StorageLevel::MEMORY_ONLY);
    assert_eq!(lab.holders(block_of(1)), [0_u32; 0]);
}

#[test]
fn b08_locks_of_a_task_end_with_it() {
    // Without it a task that stops early or panics would keep blocks in memory for ever, or lose what it reads.
    let lab = Lab::new(1);
    let stores = lab.executor(1);
    let (reader, other) = (TaskId(1), TaskId(2));
    for n in 1..=2 {
        lab.put(block_of(n), content(4000), StorageLevel::MEMORY_ONLY);
    }
    assert!(stores.look_at_block(reader, block_of(1)).unwrap().is_some());
    assert!(stores.look_at_block(reader, block_of(2)).unwrap().is_some());
    assert!(stores.look_at_block(other, block_of(2)).unwrap().is_some(), "many readers");
    assert!(lab.put(block_of(3), content(4000), StorageLevel::MEMORY_ONLY).locations(block_of(3)).is_empty());
    assert!(stores.unpersist(RddId(1), 1).is_empty(), "a block that is read is not removed");
    assert!(stores.read_done(reader, block_of(2).into()).is_empty());
    assert_eq!(lab.holders(block_of(1)), [1]);
    let gone = stores.task_ended(reader);
    assert_eq!(gone[0].change.status.removal, Some(BlockRemoval::Unpersisted), "it goes with its last reader");
    assert!(lab.holders(block_of(1)).is_empty());
    // Block 2 is still read by the other task: room for 3, and none for 4.
    assert_eq!(lab.put(block_of(3), content(4000), StorageLevel::MEMORY_ONLY).locations(block_of(3)), [1]);
    assert!(stores.look_at_block(other, block_of(3)).unwrap().is_some());
    assert!(lab.put(block_of(4), content(4000), StorageLevel::MEMORY_ONLY).locations(block_of(4)).is_empty());
    assert!(stores.task_ended(other).is_empty());
    let told = lab.put(block_of(4), content(4000), StorageLevel::MEMORY_ONLY);
    assert_eq!((told.locations(block_of(4)), lab.holders(block_of(2))), (vec![1], vec![]));
}

#[test]
fn memory_set_aside_is_the_tasks_until_it_ends() {
    // Without it two tasks would unroll into the same memory, or a failed one would keep its share.
    let lab = Lab::new(1);
    let stores = lab.executor(1);
    let heap = MemoryMode::OnHeap;
    let reserve = |task, rdd, least, wanted| {
        stores.reserve_unroll(TaskId(task), block_of(rdd), heap, (least, wanted)).map(|(granted, _)| granted)
    };
    lab.put(block_of(1), content(4000), StorageLevel::MEMORY_ONLY);
    assert_eq!(reserve(9, 2, 100, 6000), Some(6000), "what is wanted, while it is free");
    assert_eq!(reserve(3, 3, 3000, 6000), Some(3000), "what is needed, evicting");
    assert!(lab.holders(block_of(1)).is_empty());
    assert_eq!(reserve(3, 3, 4000, 4000), None, "nothing is left to evict");
    assert_eq!(stores.reserved(heap), 9000);
    // What task 9 set aside becomes its block.
    assert_eq!(lab.put(block_of(2), content(4000), StorageLevel::MEMORY_ONLY).locations(block_of(2)), [1]);
    assert_eq!(stores.reserved(heap), 3000);
    assert!(stores.task_ended(TaskId(3)).is_empty());
    assert_eq!(stores.reserved(heap), 0);
    // The other mode is another budget.
    let told = lab.put(block_of(5), content(8000), StorageLevel::OFF_HEAP);
    assert!(told.reports.iter().all(|r| r.change.block == block_of(5).into()), "nothing on the heap was evicted");
    assert!(told.reports[0].change.level.use_off_heap && lab.holders(block_of(2)) == [1]);
}

#[test]
fn b13_a_damaged_copy_is_forgotten_where_it_is() {
    // Without it every reader would fetch the same broken replica again.
    let lab = Lab::new(2);
    lab.put(block_of(1), content(4000), StorageLevel::DISK_ONLY_2);
    assert!(lab.executor(2).damage_block(block_of(1), DiskDamage::BitFlipped));
    assert!(lab.executor(2).peek_block(block_of(1)).is_err());
    let entry = ScriptEntry::Unreadable { executor: ExecutorId(2), id: block_of(1).into(), puts: u64::MAX };
    let rules = EffectRules { previews: false, max_replication_failures: 1 };
    let applied = apply(entry, &lab.executor(1), &lab.cluster, &MemoryObjectStore::new(), rules);
    let [report] = &applied.reports[..] else { panic!("one removal, not {:?}", applied.reports) };
    assert_eq!((report.executor, report.change.status.removal), (ExecutorId(2), Some(BlockRemoval::Unreadable)));
    assert_eq!(lab.holders(block_of(1)), [1]);
}

#[test]
fn blocks_of_receivers_are_copied_like_others() {
    // Without it a reliable receiver would acknowledge what only one executor holds although another has room.
    let lab = Lab::new(2);
    lab.add(3, 100);
    let id = InputBlockId { stream: StreamId(0), number: 7 };
    let replicas = Replicas { wanted: 1, peers: &[ExecutorId(3), ExecutorId(2)], previews: false, max_failures: 1 };
    let level = StorageLevel::MEMORY_ONLY_SER_2;
    let Stored { reports, error } =
        store_input_block(id, &content(4000), level, &replicas, &lab.executor(1), &lab.cluster);
    let at: Vec<u32> = reports.iter().map(|r| r.executor.0).collect();
    assert_eq!((at, error), (vec![1, 2], None), "executor 3 has no room and is passed over");
}

#[test]
fn what_a_shuffle_service_keeps_are_outputs_only() {
    // Without it the cache of every executor that dies would stay in memory for the run, and the threads of
    // one that stood still would wait for ever.
    let lab = Lab::new(2);
    let dead = lab.executor(1);
    let cached = content(4000);
    let gone = Arc::downgrade(&cached);
    assert_eq!(lab.put(block_of(1), cached, StorageLevel::MEMORY_ONLY).result, Ok(()));
    let (shuffle, map, buckets) = (ShuffleId(1), PartitionId(0), vec![content(10)]);
    let write = ScriptEntry::WriteMapOutput { task: TaskId(4), shuffle, map, buckets };
    let rules = EffectRules { previews: false, max_replication_failures: 1 };
    assert_eq!(apply(write, &dead, &lab.cluster, &MemoryObjectStore::new(), rules).result, Ok(()));
    dead.look_at_block(TaskId(5), block_of(1)).unwrap().unwrap();
    dead.reserve_unroll(TaskId(5), block_of(2), MemoryMode::OnHeap, (100, 100)).unwrap();
    dead.pause();
    dead.kill_but_serve();
    assert!(!dead.is_paused() && gone.upgrade().is_none());
    assert!(dead.read_bucket(shuffle, map, PartitionId(0)).is_some());
    // What its threads still do has no effect.
    dead.read_done(TaskId(5), block_of(1).into());
    dead.task_ended(TaskId(5));
    let late = lab.put(block_of(1), content(10), StorageLevel::DISK_ONLY);
    assert_eq!((late.result, late.reports), (Ok(()), Vec::new()));
}
