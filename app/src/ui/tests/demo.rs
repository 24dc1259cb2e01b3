//! The moment of the design study: executor 2 died before batch 8 of a word count whose state is
//! checkpointed every five batches.

use crate::model::*;
use crate::scene::*;
use egui::{Pos2, Rect, Vec2, pos2, vec2};
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::sync::Arc;

const NODE: Vec2 = Vec2::new(160.0, 60.0);
const COLUMN_PITCH: f32 = 196.0;
const ROW_TOP: [f32; 3] = [40.0, 136.0, 280.0];
const TITLES: [&str; 3] = ["textFileStream", "flatMap · map", "updateStateByKey"];
const BOTTOM: f32 = 408.0;
const SHUFFLE_Y: f32 = 238.0;

/// The first batch shown and the one that runs.
const BATCHES: std::ops::RangeInclusive<u32> = 4..=8;
const CUT_AT: u32 = 5;
const RUNNING: u32 = 8;

/// Key of the node of an operator row in a batch.
pub fn key(batch: u32, row: u32) -> NodeKey {
    NodeKey(u64::from(batch * 10 + row))
}

fn node_rect(batch: u32, row: u32) -> Rect {
    let x = (batch - BATCHES.start()) as f32 * COLUMN_PITCH;
    Rect::from_min_size(pos2(x, ROW_TOP[row as usize]), NODE)
}

fn signs(batch: u32, row: u32) -> [Sign; 6] {
    use Sign::*;
    let damaged = |whole: Sign, damage: Sign| [whole, whole, damage, damage, whole, whole];
    match (batch, row) {
        (5, 2) => damaged(InMemory, ReadBack),
        (..=5, _) | (8, 0 | 1) => [NeverComputed; 6],
        (_, 0 | 1) => damaged(ComputedNotKept, ComputingAgain),
        (8, _) => damaged(InMemory, Computing),
        _ => damaged(InMemory, ComputingAgain),
    }
}

fn cells(batch: u32, row: u32) -> Vec<Cell> {
    let cell = |(p, sign)| Cell {
        partition: PartitionId(p),
        sign,
        copies: 1,
        checkpointed: batch == CUT_AT && row == 2,
        recomputed: false,
    };
    (0..).zip(signs(batch, row)).map(cell).collect()
}

fn counts(cells: &[Cell]) -> Vec<(Sign, u32)> {
    let mut counts = std::collections::BTreeMap::new();
    for cell in cells {
        *counts.entry(cell.sign).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

fn is_ghost(batch: u32, row: u32) -> bool {
    batch < CUT_AT || batch == CUT_AT && row < 2
}

fn node(batch: u32, row: u32) -> Node {
    let cells = cells(batch, row);
    let counts = counts(&cells);
    let parts: Vec<String> = counts.iter().map(|(sign, n)| format!("{n} {}", sign.name())).collect();
    let title = TITLES[row as usize].to_owned();
    let again = counts.iter().any(|(sign, _)| *sign == Sign::ComputingAgain);
    Node {
        key: key(batch, row),
        kind: NodeKind::Operator,
        look: match (is_ghost(batch, row), again) {
            (true, _) => NodeLook::Ghost,
            (false, true) => NodeLook::Running,
            _ => NodeLook::Plain,
        },
        rect: node_rect(batch, row),
        subtitle: String::new(),
        batch: Some(BatchId(batch)),
        rdds: vec![rdd_id(batch, row)],
        on_path: false,
        label: format!("{title}, batch {batch}, {}", parts.join(", ")),
        cells,
        counts,
        title,
    }
}

fn edges_of(batch: u32, index: &dyn Fn(u32, u32) -> usize) -> Vec<Edge> {
    let edge = |from: usize, to: usize, kind: EdgeKind, points: [Pos2; 2], ghost: bool, on_path: bool| Edge {
        from,
        to,
        kind,
        points: points.to_vec(),
        ghost,
        on_path,
    };
    let down = |row: u32| [node_rect(batch, row).center_bottom(), node_rect(batch, row + 1).center_top()];
    let ghost = batch <= CUT_AT;
    let again = (6..=7).contains(&batch);
    let ticks = match batch {
        ..=5 => vec![Tick::Absent; 6],
        8 => vec![Tick::Present; 6],
        _ => vec![Tick::Present, Tick::Present, Tick::Lost, Tick::Rewritten, Tick::Present, Tick::Present],
    };
    let mut edges = vec![
        edge(index(batch, 0), index(batch, 1), EdgeKind::Narrow, down(0), ghost, again),
        edge(index(batch, 1), index(batch, 2), EdgeKind::Fan(ticks), down(1), ghost, again),
    ];
    if batch > *BATCHES.start() {
        let points = [node_rect(batch - 1, 2).right_center(), node_rect(batch, 2).left_center()];
        let (from, to) = (index(batch - 1, 2), index(batch, 2));
        edges.push(edge(from, to, EdgeKind::Thread, points, ghost, batch > CUT_AT));
    }
    edges
}

/// The scene of the moment.
pub fn scene() -> Arc<Scene> {
    let mut scene = Scene { revision: 1, ..Scene::default() };
    for batch in BATCHES {
        for row in 0..3 {
            scene.nodes.push(node(batch, row));
        }
        scene.columns.push(Column {
            title: format!("batch {batch}"),
            note: if batch == RUNNING { "running".to_owned() } else { String::new() },
            rect: Rect::from_min_max(
                pos2(node_rect(batch, 0).left() - 8.0, 0.0),
                pos2(node_rect(batch, 0).right() + 8.0, BOTTOM),
            ),
            batch: Some(BatchId(batch)),
        });
    }
    let index = |batch: u32, row: u32| ((batch - BATCHES.start()) * 3 + row) as usize;
    for batch in BATCHES {
        scene.edges.extend(edges_of(batch, &index));
    }
    let state = node_rect(CUT_AT, 2);
    let file = Rect::from_min_size(state.left_bottom() + vec2(0.0, 20.0), vec2(NODE.x, 40.0));
    scene.edges.push(Edge {
        from: scene.nodes.len(),
        to: index(CUT_AT, 2),
        kind: EdgeKind::FromCheckpoint,
        points: vec![file.center_top(), state.center_bottom()],
        ghost: false,
        on_path: true,
    });
    scene.nodes.push(Node {
        key: NodeKey(999),
        kind: NodeKind::CheckpointFile,
        look: NodeLook::Plain,
        rect: file,
        title: "checkpoint file".to_owned(),
        subtitle: "rdd-41 · 6 parts".to_owned(),
        batch: Some(BatchId(CUT_AT)),
        rdds: Vec::new(),
        cells: Vec::new(),
        counts: vec![(Sign::CheckpointPart, 6)],
        on_path: true,
        label: "checkpoint file of updateStateByKey, batch 5, 6 parts".to_owned(),
    });
    scene.cuts.push(Cut {
        around: Rect::from_min_max(state.min - vec2(12.0, 20.0), state.max + vec2(12.0, 12.0)),
        note: "26 RDDs no longer needed".to_owned(),
    });
    scene.shuffle_lines.push(SHUFFLE_Y);
    scene.bounds = scene.columns.iter().map(|c| c.rect).reduce(Rect::union);
    scene.focus = scene.columns[1..].iter().map(|c| c.rect).reduce(Rect::union);
    Arc::new(scene)
}

fn rdd_id(batch: u32, row: u32) -> RddId {
    RddId(batch * 3 + row)
}

fn rdd(batch: u32, row: u32) -> RddState {
    let class = ["HadoopRDD", "MapPartitionsRDD", "MapPartitionsRDD"][row as usize];
    let operator = ["textFileStream", "map", "updateStateByKey"][row as usize];
    let kind = match row {
        2 => DependencyKind::Shuffle { shuffle: ShuffleId(batch) },
        _ => DependencyKind::OneToOne,
    };
    let mut parents = Vec::new();
    if row > 0 {
        parents.push(DependencyInfo { rdd: rdd_id(batch, row - 1), kind });
    }
    if row == 2 && batch > CUT_AT {
        parents.push(DependencyInfo { rdd: rdd_id(batch - 1, 2), kind: DependencyKind::OneToOne });
    }
    let mut state = RddState::new(RddInfo {
        id: rdd_id(batch, row),
        name: None,
        class: class.to_owned(),
        callsite: format!("{operator} at word_count.rs:{}", 24 + row * 4),
        op: OpKey { operator: operator.into(), batch: Some(BatchId(batch)), ordinal: 0 },
        scope: None,
        level: if row == 2 { StorageLevel::MEMORY_ONLY_SER } else { StorageLevel::NONE },
        num_partitions: 6,
        partitioner: (row == 2).then(|| PartitionerInfo {
            class: "HashPartitioner".to_owned(),
            partitions: 6,
            hash_version: 1,
            detail: None,
        }),
        determinism: Determinism::Determinate,
        parents,
    });
    if row == 2 {
        for (p, sign) in (0u32..).zip(signs(batch, row)) {
            let partition = &mut state.partitions[p as usize];
            partition.computed = 1;
            match sign {
                Sign::InMemory => {
                    let copy = BlockCopy { memory_bytes: 2_400_000 + u64::from(p) * 90_000, disk_bytes: 0 };
                    partition.copies.insert(ExecutorId(if p % 2 == 0 { 1 } else { 3 }), copy);
                }
                Sign::Computing | Sign::ComputingAgain => {
                    partition.computing.insert(TaskId(u64::from(p)));
                    partition.computing_again = sign == Sign::ComputingAgain;
                }
                _ => partition.read_back = true,
            }
        }
        let records = ["('the', 1642)", "('and', 872)", "('alice', 386)", "('queen', 68)"];
        state.partitions[0].preview =
            Some(Arc::new(Preview { records: records.map(str::to_owned).to_vec(), total: 412 }));
    }
    state
}

fn executor(id: u32, running: u32, memory_mb: u64) -> ExecutorState {
    ExecutorState {
        id: ExecutorId(id),
        cores: 2,
        max_memory: 64 << 20,
        alive: id != 2,
        removed_reason: None,
        replaced_by: None,
        running: (0..running).map(|t| TaskId(u64::from(id * 10 + t))).collect(),
        memory_bytes: memory_mb << 20,
        disk_bytes: 0,
        blocks: imbl::OrdSet::new(),
        inputs: imbl::OrdMap::new(),
        lost_blocks: if id == 2 { 6 } else { 0 },
        map_outputs: 4,
        lost_map_outputs: if id == 2 { 6 } else { 0 },
        standing: Standing::default(),
        life: 1,
    }
}

/// The model of the moment.
pub fn model() -> Model {
    let mut model = Model { revision: 1, ..Model::default() };
    model.application.name = "word-count".to_owned();
    model.application.started = Some(VIRTUAL_EPOCH);
    model.streams.zero = Some(VIRTUAL_EPOCH);
    model.streams.interval = Millis(1_000);
    model.now = VIRTUAL_EPOCH.plus(Millis(8_412));
    model.streams.streams.push_back(Arc::new(StreamInfo {
        id: StreamId(2),
        operator: "updateStateByKey".into(),
        class: "StateDStream".to_owned(),
        callsite: "updateStateByKey at word_count.rs:32".to_owned(),
        parents: vec![StreamId(1)],
        slide: Millis(1_000),
        window: None,
        stateful: true,
        level: StorageLevel::MEMORY_ONLY_SER,
        checkpoint_interval: Some(Millis(5_000)),
        remember: None,
        shuffles: true,
    }));
    for batch in BATCHES {
        for row in 0..3 {
            model.rdds.insert(rdd_id(batch, row), Arc::new(rdd(batch, row)));
        }
        let info =
            BatchInfo { id: BatchId(batch), time: model.now, records: 60, output_ops: Vec::new(), inputs: [].into() };
        let state = BatchState {
            info,
            submitted: model.now,
            started: Some(model.now),
            completed: None,
            scheduling_delay_ns: None,
            processing_ns: None,
            failure: None,
            retries: 0,
            skipped: false,
            jobs: imbl::Vector::new(),
            tally: Tally::default(),
            after_restarts: 0,
        };
        model.batches.insert(BatchId(batch), Arc::new(state));
    }
    for (id, running, memory) in [(1, 1, 39), (2, 0, 0), (3, 2, 51)] {
        model.executors.insert(ExecutorId(id), Arc::new(executor(id, running, memory)));
    }
    let part = |p: u32| CheckpointPart { file: format!("part-{p:05}"), bytes: 2_000, records: 70, crc32: 0 };
    let checkpoint = CheckpointState {
        rdd: rdd_id(CUT_AT, 2),
        checkpoint_rdd: RddId(41),
        path: "/store/word-count/rdd-41".to_owned(),
        parts: (0..6).map(part).collect(),
        at: model.now,
        released: Vec::new(),
        in_store: true,
    };
    model.checkpoints.insert(checkpoint.rdd, Arc::new(checkpoint));
    let lines = ["('the', 1642)", "('and', 872)", "('alice', 386)", "('queen', 68)"];
    model.output.push_back(Arc::new(PrintedLines {
        batch: Some(BatchId(7)),
        output_op: None,
        lines: lines.map(str::to_owned).to_vec(),
    }));
    model.story.headline = "Executor 2 died before batch 8.".to_owned();
    model.story.detail =
        "4 state partitions and 4 map outputs are computed again; 2 partitions come back from the checkpoint."
            .to_owned();
    super::demo_tasks::add(&mut model);
    model
}
