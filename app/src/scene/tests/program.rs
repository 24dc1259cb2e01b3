//! A small builder of models.

use crate::model::*;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::sync::Arc;

/// A model under construction.
#[derive(Clone, Default)]
pub struct Program {
    pub model: Model,
}

pub fn narrow(rdd: RddId) -> DependencyInfo {
    DependencyInfo { rdd, kind: DependencyKind::OneToOne }
}

pub fn shuffle(rdd: RddId, shuffle: u32) -> DependencyInfo {
    DependencyInfo { rdd, kind: DependencyKind::Shuffle { shuffle: ShuffleId(shuffle) } }
}

impl Program {
    /// Adds a stream of the template; `change` sets what is not plain.
    pub fn stream(&mut self, operator: &str, parents: &[u32], change: impl FnOnce(&mut StreamInfo)) -> u32 {
        let id = self.model.streams.streams.len() as u32;
        let mut stream = StreamInfo {
            id: StreamId(id),
            operator: operator.into(),
            class: "DStream".into(),
            callsite: String::new(),
            parents: parents.iter().map(|&p| StreamId(p)).collect(),
            slide: Millis(1000),
            window: None,
            stateful: false,
            level: StorageLevel::NONE,
            checkpoint_interval: None,
            remember: None,
            shuffles: false,
        };
        change(&mut stream);
        self.model.streams.streams.push_back(Arc::new(stream));
        id
    }

    pub fn output(&mut self, stream: u32) {
        let id = OutputOpId(self.model.streams.outputs.len() as u32);
        let output = OutputOpInfo { id, name: "print".into(), callsite: String::new(), stream: StreamId(stream) };
        self.model.streams.outputs.push_back(Arc::new(output));
    }

    pub fn batch(&mut self, id: u32, started: bool, completed: bool) {
        let at = |done: bool| done.then_some(VIRTUAL_EPOCH);
        let batch = BatchState {
            info: BatchInfo {
                id: BatchId(id),
                time: VIRTUAL_EPOCH,
                records: 0,
                output_ops: Vec::new(),
                inputs: [].into(),
            },
            submitted: VIRTUAL_EPOCH,
            started: at(started),
            completed: at(completed),
            scheduling_delay_ns: None,
            processing_ns: None,
            failure: None,
            retries: 0,
            skipped: false,
            jobs: imbl::Vector::new(),
            tally: Tally::default(),
            after_restarts: 0,
        };
        self.model.batches.insert(BatchId(id), Arc::new(batch));
        self.model.revision += 1;
        self.model.restructured();
    }

    pub fn executor(&mut self, id: u32, alive: bool) {
        let state = ExecutorState {
            id: ExecutorId(id),
            cores: 2,
            max_memory: 64 << 20,
            alive,
            removed_reason: None,
            replaced_by: None,
            running: imbl::OrdSet::new(),
            memory_bytes: 0,
            disk_bytes: 0,
            blocks: imbl::OrdSet::new(),
            inputs: imbl::OrdMap::new(),
            lost_blocks: 0,
            map_outputs: 0,
            lost_map_outputs: 0,
            standing: Default::default(),
            life: 1,
        };
        self.model.executors.insert(state.id, Arc::new(state));
        self.model.revision += 1;
    }

    /// Adds an RDD; `batch` 0 is none.
    pub fn rdd(&mut self, operator: &str, batch: u32, partitions: u32, parents: &[DependencyInfo]) -> RddId {
        let id = RddId(self.model.rdds.get_max().map_or(0, |(id, _)| id.0 + 1));
        let info = RddInfo {
            id,
            name: None,
            class: "MapPartitionsRDD".into(),
            callsite: String::new(),
            op: OpKey { operator: operator.into(), batch: (batch > 0).then_some(BatchId(batch)), ordinal: 0 },
            scope: None,
            level: StorageLevel::NONE,
            num_partitions: partitions,
            partitioner: None,
            determinism: Determinism::Determinate,
            parents: parents.to_vec(),
        };
        let state = RddState {
            info,
            cut_parents: Vec::new(),
            partitions: (0..partitions).map(|_| PartitionState::default()).collect(),
            checkpoint_marked: false,
            checkpoint_writing: false,
            checkpoint_path: None,
            ghost: false,
            released: false,
        };
        let op = state.info.op.clone();
        self.model.operators.entry(op.operator).or_default().entry(op.batch).or_default().push_back(id);
        self.model.rdds.insert(id, Arc::new(state));
        self.model.revision += 1;
        self.model.restructured();
        id
    }

    pub fn change(&mut self, id: RddId, change: impl FnOnce(&mut RddState)) {
        change(Arc::make_mut(self.model.rdds.get_mut(&id).unwrap()));
        self.model.revision += 1;
        self.model.restructured();
    }

    pub fn partition(&mut self, id: RddId, partition: usize, change: impl FnOnce(&mut PartitionState)) {
        self.change(id, |r| change(r.partitions.get_mut(partition).unwrap()));
    }

    pub fn keep_in_memory(&mut self, id: RddId, partitions: std::ops::Range<usize>) {
        for p in partitions {
            self.partition(id, p, |s| {
                s.computed = 1;
                s.copies.insert(ExecutorId(1), BlockCopy { memory_bytes: 8, disk_bytes: 0 });
            });
        }
    }

    pub fn shuffle_outputs(&mut self, id: u32, rdd: RddId, outputs: &[MapOutput]) {
        let state = ShuffleState { rdd, outputs: outputs.iter().copied().collect(), removed: false };
        self.model.shuffles.insert(ShuffleId(id), Arc::new(state));
        self.model.revision += 1;
        self.model.restructured();
    }

    /// Checkpoints an RDD: cuts its parents and makes ghosts of `released`.
    pub fn checkpoint(&mut self, id: RddId, released: &[RddId]) {
        let parts = self.model.rdds[&id].info.num_partitions;
        let op = self.model.rdds[&id].info.op.clone();
        let reader = self.rdd(op.operator.as_str(), op.batch.map_or(0, |b| b.0), parts, &[]);
        self.change(reader, |r| r.info.class = CHECKPOINT_RDD_CLASS.into());
        self.model.operators.get_mut(&op.operator).unwrap().get_mut(&op.batch).unwrap().pop_back();
        self.change(id, |r| {
            r.cut_parents = std::mem::replace(&mut r.info.parents, vec![narrow(reader)]);
            r.checkpoint_path = Some(format!("store/rdd-{id}"));
        });
        for &rdd in released {
            self.change(rdd, |r| (r.ghost, r.released) = (true, true));
        }
        let part = CheckpointPart { file: String::new(), bytes: 1, records: 1, crc32: 0 };
        let state = CheckpointState {
            rdd: id,
            checkpoint_rdd: reader,
            path: format!("store/rdd-{id}"),
            parts: vec![part; parts as usize],
            at: VIRTUAL_EPOCH,
            released: released.to_vec(),
            in_store: true,
        };
        self.model.checkpoints.insert(id, Arc::new(state));
    }

    /// The template of word count with state.
    pub fn word_count() -> Self {
        let mut p = Self::default();
        let files = p.stream("textFileStream", &[], |_| {});
        let words = p.stream("flatMap", &[files], |_| {});
        let pairs = p.stream("map", &[words], |_| {});
        let state = p.stream("updateStateByKey", &[pairs], |s| {
            s.stateful = true;
            s.shuffles = true;
            s.level = StorageLevel::MEMORY_ONLY_SER;
            s.checkpoint_interval = Some(Millis(5000));
        });
        p.output(state);
        p
    }

    /// One batch of word count: a result of three RDDs that reads the one before. Returns all six.
    pub fn word_count_batch(&mut self, batch: u32, partitions: u32, before: Option<RddId>) -> Vec<RddId> {
        self.batch(batch, true, false);
        let files = self.rdd("textFileStream", batch, partitions, &[]);
        let words = self.rdd("flatMap", batch, partitions, &[narrow(files)]);
        let pairs = self.rdd("map", batch, partitions, &[narrow(words)]);
        let mut parents = vec![shuffle(pairs, batch)];
        parents.extend(before.map(narrow));
        let grouped = self.rdd("updateStateByKey", batch, partitions, &parents);
        let updated = self.rdd("updateStateByKey", batch, partitions, &[narrow(grouped)]);
        let state = self.rdd("updateStateByKey", batch, partitions, &[narrow(updated)]);
        self.change(state, |r| r.info.level = StorageLevel::MEMORY_ONLY_SER);
        vec![files, words, pairs, grouped, updated, state]
    }

    /// So many batches of word count, the last one running.
    pub fn word_count_batches(batches: u32) -> (Self, Vec<Vec<RddId>>) {
        let mut p = Self::word_count();
        let mut rdds: Vec<Vec<RddId>> = Vec::new();
        for batch in 1..=batches {
            let before = rdds.last().map(|r| r[5]);
            rdds.push(p.word_count_batch(batch, 6, before));
            p.batch(batch, true, batch < batches);
        }
        (p, rdds)
    }
}
