//! The stores of one executor: puts that evict, reads, and unpersisting, at the same time.

use super::explore;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::{BlockRemoval, StorageLevel};
use faultline_engine::executor::{BlockReport, EffectRules, ExecutorStores, ScriptEntry, apply};
use faultline_engine::ids::*;
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::shuffle::ShuffleStore;
use faultline_engine::storage::{
    BlockStore, DiskDamage, DiskStore, MemoryMode, PutWay, StoredBlock, ValuesBlock, values_of,
};
use faultline_engine::task_context::{BlockPolicy, Cluster};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Records of each block.
const RECORDS: usize = 20;
/// The first RDD is in memory or nowhere, the second goes to disk.
const IN_MEMORY: RddId = RddId(0);
const ON_DISK: RddId = RddId(1);

/// One executor, and what its threads told the driver.
struct Place {
    stores: Arc<ExecutorStores>,
    cluster: Cluster,
    reports: Mutex<Vec<BlockReport>>,
    budget: u64,
}

impl Place {
    /// With memory for two blocks.
    fn new() -> Arc<Self> {
        let budget = block(IN_MEMORY, 0).memory_bytes() * 5 / 2;
        let disk = DiskStore::in_memory;
        let stores =
            ExecutorStores::new(ExecutorId(1), BlockStore::new(budget, disk()), ShuffleStore::new(budget, disk()));
        let (stores, cluster) = (Arc::new(stores), Cluster::default());
        cluster.write().insert(stores.id(), Arc::clone(&stores));
        Arc::new(Self { stores, cluster, reports: Mutex::default(), budget })
    }

    fn told(&self, reports: Vec<BlockReport>) {
        self.reports.lock().expect("no thread panicked").extend(reports);
    }

    fn apply(&self, entry: ScriptEntry) {
        let rules = EffectRules::from(&EngineConfig::default());
        let applied = apply(entry, &self.stores, &self.cluster, &MemoryObjectStore::new(), rules);
        applied.result.expect("stores without damage take blocks");
        self.told(applied.reports);
    }

    fn put(&self, task: TaskId, rdd: RddId, partition: u32) {
        let level = if rdd == IN_MEMORY { StorageLevel::MEMORY_ONLY } else { StorageLevel::MEMORY_AND_DISK };
        let policy = BlockPolicy { level, generation: 0 };
        let id = BlockId::new(rdd, PartitionId(partition));
        let block = block(rdd, partition);
        self.apply(ScriptEntry::PutBlock { task, id, block, policy, way: PutWay::ByLevel, peers: Vec::new() });
    }

    /// Reads a block as a task does. Whether it was there.
    fn read(&self, task: TaskId, rdd: RddId, partition: u32) -> bool {
        let id = StoredId::Rdd(BlockId::new(rdd, PartitionId(partition)));
        let Some(found) = self.stores.look_at_block(task, id).expect("nothing is damaged") else { return false };
        self.apply(ScriptEntry::Read { id, block: Arc::clone(&found.block) });
        assert_eq!(
            values_of::<u64>(&*found.block).expect("numbers").as_slice(),
            values(rdd, partition),
            "a block is read whole"
        );
        self.apply(ScriptEntry::ReadDone { task, id });
        true
    }

    fn used(&self) -> u64 {
        let blocks = self.stores.report_blocks();
        blocks.iter().map(|report| report.change.status.memory_bytes).sum::<u64>()
    }

    /// The driver, which hears reports in any order, knows what is here.
    fn assert_known(&self) {
        let mut known = BTreeMap::new();
        let mut reports = self.reports.lock().expect("no thread panicked").clone();
        reports.sort_by_key(|report| report.version);
        for report in reports {
            known.insert(report.change.block, report.change);
        }
        known.retain(|_, change| change.status.removal.is_none());
        let here: BTreeMap<_, _> =
            self.stores.report_blocks().into_iter().map(|report| (report.change.block, report.change)).collect();
        assert_eq!(known, here, "what was reported last is what is here");
    }
}

fn values(rdd: RddId, partition: u32) -> Vec<u64> {
    vec![u64::from(rdd.0 * 100 + partition); RECORDS]
}

fn block(rdd: RddId, partition: u32) -> Arc<dyn StoredBlock> {
    ValuesBlock::shared(values(rdd, partition))
}

/// Memory would be filled beyond its budget, a reader would see half a block, a block would stay that nobody
/// wants, or the driver would believe that something is where it is not.
#[test]
fn blocks_are_put_evicted_read_and_unpersisted() {
    explore(&["read", "not there", "evicted to disk"], || {
        let place = Place::new();
        let mut threads = Vec::new();
        for task in 0..3u32 {
            let place = Arc::clone(&place);
            threads.push(thread::spawn(move || {
                let id = TaskId(task.into());
                place.put(id, IN_MEMORY, task);
                let read = place.read(id, IN_MEMORY, (task + 1) % 3);
                place.put(id, ON_DISK, task);
                place.read(id, ON_DISK, (task + 1) % 3);
                place.told(place.stores.task_ended(id));
                read
            }));
        }
        let (looker, user) = (Arc::clone(&place), Arc::clone(&place));
        threads.push(thread::spawn(move || {
            for _ in 0..3 {
                assert!(looker.used() <= looker.budget, "more is in memory than fits");
            }
            false
        }));
        threads.push(thread::spawn(move || {
            user.told(user.stores.unpersist(IN_MEMORY, 1));
            user.told(user.stores.drop_block(BlockId::new(ON_DISK, PartitionId(0))));
            false
        }));
        let read =
            threads.into_iter().map(|thread| thread.join().expect("no thread panicked")).fold(false, |a, b| a | b);
        place.assert_known();
        let here = place.stores.report_blocks();
        assert!(here.iter().all(|report| report.change.block.rdd() == Some(ON_DISK)), "it was unpersisted: {here:?}");
        assert_eq!(place.stores.reserved(MemoryMode::OnHeap), 0);
        // No lock is left: what is removed now is gone now.
        place.stores.unpersist(ON_DISK, 1);
        assert_eq!(place.stores.report_blocks(), []);
        let to_disk = here.iter().any(|report| report.change.status.memory_bytes == 0);
        let seen = [if read { "read" } else { "not there" }];
        seen.into_iter().chain(to_disk.then_some("evicted to disk")).collect()
    });
}

/// Two tasks would produce a block at once, both would wait for ever, or a third would miss what is there.
#[test]
fn a_block_is_produced_once_while_its_producers_give_up() {
    explore(&["produced", "given up"], || {
        let place = Place::new();
        let producing = Arc::new(Mutex::new(0));
        let threads: Vec<_> = (0..3u32)
            .map(|task| {
                let (place, producing) = (Arc::clone(&place), Arc::clone(&producing));
                thread::spawn(move || {
                    let (id, task_id) = (BlockId::new(IN_MEMORY, PartitionId(0)), TaskId(task.into()));
                    let found = place.stores.wait_or_produce(id, task_id, || true);
                    if found.is_none() {
                        *producing.lock().expect("no thread panicked") += 1;
                        thread::yield_now();
                        let now = std::mem::take(&mut *producing.lock().expect("no thread panicked"));
                        assert_eq!(now, 1, "one task produces it at a time");
                        // The first task fails; its end lets another produce.
                        if task > 0 {
                            place.put(task_id, IN_MEMORY, 0);
                            place.stores.production_ended(id, task_id);
                        }
                    }
                    place.told(place.stores.task_ended(task_id));
                    (task == 0, found.is_none())
                })
            })
            .collect();
        let ends: Vec<(bool, bool)> =
            threads.into_iter().map(|thread| thread.join().expect("no thread panicked")).collect();
        let produced = ends.iter().filter(|(fails, producer)| *producer && !fails).count();
        assert_eq!(produced, 1, "{ends:?}");
        place.assert_known();
        vec![if ends.contains(&(true, true)) { "given up" } else { "produced" }]
    });
}

/// A block whose bytes on disk are damaged would be found again, or a good one that took its place be forgotten.
#[test]
fn an_unreadable_block_is_forgotten_while_another_takes_its_place() {
    explore(&["replaced"], || {
        let place = Place::new();
        let id = BlockId::new(ON_DISK, PartitionId(0));
        let (policy, task) = (BlockPolicy { level: StorageLevel::DISK_ONLY, generation: 0 }, TaskId(9));
        let put = move |place: &Place, task| {
            let (block, peers) = (block(ON_DISK, 0), Vec::new());
            place.apply(ScriptEntry::PutBlock { task, id, block, policy, way: PutWay::ByLevel, peers });
        };
        put(&place, task);
        assert!(place.stores.damage_block(id, DiskDamage::BitFlipped));
        let threads: Vec<_> = (0..2u64)
            .map(|task| {
                let place = Arc::clone(&place);
                thread::spawn(move || {
                    let task = TaskId(task);
                    let (executor, puts) = (ExecutorId(1), place.stores.puts());
                    match place.stores.look_at_block(task, id) {
                        Ok(Some(found)) => {
                            assert_eq!(
                                values_of::<u64>(&*found.block).expect("numbers").as_slice(),
                                values(ON_DISK, 0)
                            );
                            place.apply(ScriptEntry::ReadDone { task, id: id.into() });
                        }
                        Ok(None) => put(&place, task),
                        Err(_) => {
                            place.apply(ScriptEntry::Unreadable { executor, id: id.into(), puts });
                            put(&place, task);
                        }
                    }
                    place.told(place.stores.task_ended(task));
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no thread panicked"));
        place.assert_known();
        let reports = place.reports.lock().expect("no thread panicked");
        let forgotten = reports.iter().filter(|r| r.change.status.removal == Some(BlockRemoval::Unreadable)).count();
        assert_eq!(forgotten, 1, "one block was unreadable: {reports:?}");
        assert!(place.stores.holds_block(id));
        vec!["replaced"]
    });
}

/// The threads of an executor that stands still would outlive it.
#[test]
fn who_stands_still_goes_on_when_the_executor_dies() {
    explore(&["dead", "served"], || {
        let place = Place::new();
        place.stores.pause();
        let waiting = Arc::clone(&place);
        let thread = thread::spawn(move || waiting.stores.wait_while_paused());
        let serve = thread_rng().r#gen::<bool>();
        if serve {
            place.stores.kill_but_serve()
        } else {
            place.stores.kill()
        }
        thread.join().expect("no thread panicked");
        assert!(!place.stores.is_alive());
        vec![if serve { "served" } else { "dead" }]
    });
}
