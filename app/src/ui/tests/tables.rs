//! Batches and storage by accessible name, and whether they fit where they are shown.

use super::demo;
use super::harness::{World, renderer, window};
use super::words::collect;
use crate::command::{AppCommand, EngineCommand, Focus};
use crate::model::{MapOutput, Model, ShuffleState, Tally};
use crate::ui::dock::Pane;
use crate::ui::storage_panel::StorageTab;
use egui::accesskit::Role;
use egui::{Key, Rect};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use faultline_engine::command::StopMode;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use std::sync::Arc;

/// The moment of the design study, with batches that took their time and map outputs.
fn model() -> Model {
    let mut model = demo::model();
    let batches: Vec<BatchId> = model.batches.keys().copied().collect();
    for id in batches {
        let Some(batch) = model.batches.get_mut(&id).map(Arc::make_mut) else { continue };
        batch.info.time = VIRTUAL_EPOCH.plus(Millis(u64::from(id.0) * 1_000));
        if id.0 < 8 {
            batch.completed = Some(batch.submitted);
            batch.scheduling_delay_ns = Some(1_000_000);
            batch.processing_ns = Some(u64::from(10 - id.0) * 100_000_000);
        }
        batch.tally = Tally { tasks: 12, computed_again: u64::from(id.0), ..Tally::default() };
        if id.0 == 6 {
            batch.failure = Some("boom".to_owned());
        }
    }
    let output = |executor: u32| MapOutput { executor: Some(ExecutorId(executor)), written: 1, ..MapOutput::default() };
    let lost = MapOutput { lost_with: Some(ExecutorId(2)), written: 1, ..MapOutput::default() };
    let outputs = [output(1), output(3), lost, lost, output(1), output(3)].into_iter().collect();
    model.shuffles.insert(ShuffleId(7), Arc::new(ShuffleState { rdd: RddId(22), outputs, removed: false }));
    model
}

/// What a receiver and the driver wrote into their logs.
fn logged() -> Vec<Event> {
    let added = |number: u64, segment: u64| {
        let block = InputBlockId { stream: StreamId(4), number };
        let (segment, logged_bytes) = (Some(segment), 4_000);
        Event::ReceivedBlockAdded(AddedBlock { segment, logged_bytes, ..AddedBlock::new(block, ExecutorId(1), 12) })
    };
    let batches = vec![BatchId(6), BatchId(7)];
    let written = WrittenSegment { segment: 3, blocks: 2, batches, cleaned: vec![BatchId(2)], bytes: 900 };
    vec![
        added(200, 0),
        added(400, 1),
        LogUpdate::Written(written).into(),
        LogUpdate::Released { stream: StreamId(4), before: 1 }.into(),
    ]
}

fn shown(below: Pane, tab: StorageTab) -> Harness<'static, World> {
    let mut world = World::demo();
    world.model = model();
    world.shell.dock.bring_forward(below);
    world.shell.panels.storage.tab = tab;
    let mut harness = window(world);
    harness.run();
    harness
}

fn batches() -> Harness<'static, World> {
    shown(Pane::Batches, StorageTab::default())
}

/// The numbers of the rows from top to bottom.
fn rows(harness: &Harness<'_, World>) -> Vec<u32> {
    let mut found: Vec<(f32, u32)> = harness
        .query_all_by_label_contains("computed again,")
        .filter_map(|node| {
            // Tasks of the timeline compute again too.
            let label = node.accesskit_node().label().unwrap_or_default();
            let number = label.strip_prefix("Batch ")?.split(',').next()?.parse().ok()?;
            Some((node.rect().top(), number))
        })
        .collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.into_iter().map(|(_, number)| number).collect()
}

/// Without this a batch of the table cannot be brought into view, by mouse, by keys or by a reader.
#[test]
fn a_row_brings_its_batch_into_view_and_arrows_move_on() {
    let mut harness = batches();
    assert_eq!(rows(&harness), [8, 7, 6, 5, 4]);
    harness.get_by_label_contains("Batch 7, complete").click();
    harness.run();
    harness.key_press(Key::ArrowDown);
    harness.run();
    harness.key_press(Key::ArrowUp);
    harness.key_press(Key::ArrowUp);
    harness.run();
    let shown = |id| AppCommand::ShowBatch(BatchId(id));
    assert_eq!(harness.state().received, [shown(7), shown(6), shown(7), shown(8)]);
    assert!(!harness.state().shell.ui.follow, "the camera stays where it was sent");
    assert_eq!(harness.state().shell.panels.batches.selected_batch(), Some(BatchId(8)));
}

/// Without this a click on a header does nothing, or hides the batch that runs.
#[test]
fn headers_sort() {
    let mut harness = batches();
    harness.get_by_label("Sort by processing (ms)").click();
    harness.run();
    assert_eq!(rows(&harness), [8, 4, 5, 6, 7], "slowest first, the running one on top");
    harness.get_by_label("Sort by processing (ms)").click();
    harness.run();
    assert_eq!(rows(&harness), [8, 7, 6, 5, 4]);
}

/// Without this the status is only a colour, and the charts say nothing to a reader.
#[test]
fn charts_and_status_have_words() {
    let harness = batches();
    harness.get_by_label_contains("Batch 6, failed");
    harness.get_by_label_contains("Batch 8, running");
    harness.get_by_label("Processing time (ms) by batch, batch 7 300");
}

/// Without this a partition of the table cannot be asked why it was computed.
#[test]
fn a_partition_of_the_matrix_is_selected_by_name() {
    let mut harness = shown(Pane::Storage, StorageTab::Partitions);
    harness.get_by_label("updateStateByKey, batch 7, partition 4, in memory, executor 1").click();
    harness.run();
    let block = BlockId::new(RddId(23), PartitionId(4));
    assert_eq!(harness.state().received, [AppCommand::Focus(Focus::Partition(block))]);
    harness.get_by_label("updateStateByKey, batch 7, MEMORY_ONLY_SER, 4 of 6 cached");
    harness.get_by_label("Executor 1, memory 39 of 64 MiB");
    harness.get_by_label("Collapse updateStateByKey").click();
    harness.run();
    assert!(harness.query_by_label_contains("batch 7, partition").is_none());
    harness.get_by_label_contains("updateStateByKey, executor 1,");
}

/// Without this lost map outputs and damaged parts can only be guessed.
#[test]
fn map_outputs_and_files_are_told() {
    let mut harness = shown(Pane::Storage, StorageTab::MapOutputs);
    harness.get_by_label("map, batch 7, executor 2, 2 lost");
    harness.get_by_label("map, batch 7, executor 1, 2 there");
    harness.get_by_role_and_label(Role::Button, "Reliable store files").click();
    harness.run();
    harness.get_by_label("Expand rdd-41/").click();
    harness.run();
    harness.get_by_label_contains("rdd-41/part-00003, 2,000 bytes, 70 records, CRC-32 00000000");
    harness.get_by_label_contains("rdd-41/_manifest");
}

/// Without this nobody sees what of what was received outlives the driver, and what of it is still needed.
#[test]
fn segments_of_logs_are_among_the_files_of_the_store() {
    let mut harness = shown(Pane::Storage, StorageTab::Files);
    let model = &mut harness.state_mut().model;
    for event in logged() {
        let (seq, at) = (model.revision, model.now);
        model.apply(&Envelope { seq, at, event });
    }
    harness.run();
    harness.get_by_label("receivedBlockMetadata/log-0000000003, 2 blocks, batches 6 – 7, needed");
    harness.get_by_label("receivedData/4/log-0000000001, 1 block, no batch yet, needed");
    harness.get_by_label("receivedData/4/log-0000000000, 1 block, no batch yet, cleaned");
    harness.get_by_label("Collapse receivedData/4/").click();
    harness.run();
    assert!(harness.query_by_label_contains("receivedData/4/log-").is_none());
}

/// Without this an empty panel leaves the user without a next step.
#[test]
fn empty_panels_say_what_to_do() {
    let check = |below: Pane, tab: StorageTab, words: &str| {
        let mut world = World::demo();
        world.model = Model::default();
        world.shell.dock.bring_forward(below);
        world.shell.panels.storage.tab = tab;
        let mut harness = window(world);
        harness.run();
        harness.get_by_label_contains(words);
    };
    check(Pane::Batches, StorageTab::Partitions, "press Play");
    check(Pane::Storage, StorageTab::Partitions, "persist or checkpoint an operator");
    check(Pane::Storage, StorageTab::MapOutputs, "when a stage writes a shuffle");
    check(Pane::Storage, StorageTab::Files, "checkpoint an operator");
}

/// One panel alone in a window of this size.
fn alone(size: [f32; 2], below: Pane, tab: StorageTab) -> Harness<'static, World> {
    let mut world = World::demo();
    world.model = model();
    world.shell.panels.storage.tab = tab;
    let show = move |ui: &mut egui::Ui, world: &mut World| world.panel(ui, below);
    Harness::builder().with_size(size).with_max_steps(16).renderer(renderer()).build_ui_state(show, world)
}

/// Without this words of a table run into each other, or out of a panel that is docked narrow or small.
#[test]
fn panels_fit_where_they_are_docked() {
    let tabs = [StorageTab::Partitions, StorageTab::MapOutputs, StorageTab::Files];
    let panels = tabs.map(|tab| (Pane::Storage, tab)).into_iter().chain([(Pane::Batches, StorageTab::default())]);
    for (below, tab) in panels {
        for size in [[744.0, 212.0], [500.0, 600.0], [330.0, 200.0], [2000.0, 420.0], [1000.0, 900.0]] {
            let mut harness = alone(size, below, tab);
            harness.run();
            if tab == StorageTab::Files {
                harness.get_by_label("Expand rdd-41/").click();
                harness.run();
            }
            if let Ok(directory) = std::env::var("FAULTLINE_PICTURES") {
                let file = format!("{below:?}-{tab:?}-{}x{}.png", size[0], size[1]);
                harness.render().unwrap().save(std::path::Path::new(&directory).join(file)).unwrap();
            }
            let window = Rect::from_min_size(egui::Pos2::ZERO, size.into());
            let mut found = Vec::new();
            for clipped in &harness.output().shapes {
                collect(&clipped.shape, clipped.clip_rect, &mut found);
            }
            assert!(found.len() > 5, "{below:?} {tab:?} {size:?}: {} words", found.len());
            for (i, (words, rect, font)) in found.iter().enumerate() {
                assert!(*font >= crate::theme::text::SMALLEST, "{words} has {font} points");
                assert!(window.expand(0.5).contains_rect(*rect), "{below:?} {tab:?} {size:?}: {words:?} {rect}");
                for (other, second, _) in &found[i + 1..] {
                    let shared = rect.shrink(1.5).intersect(second.shrink(1.5));
                    let apart = shared.width() <= 0.0 || shared.height() <= 0.0;
                    assert!(apart, "{below:?} {tab:?} {size:?}: {words:?} {rect} and {other:?} {second}");
                }
            }
        }
    }
}

/// Without this a window that shows a table paints for ever although nothing changes.
#[test]
fn a_table_left_alone_asks_for_no_frame() {
    let tabs = [StorageTab::Partitions, StorageTab::MapOutputs, StorageTab::Files];
    let panels = tabs.map(|tab| (Pane::Storage, tab)).into_iter().chain([(Pane::Batches, StorageTab::default())]);
    for (below, tab) in panels {
        let mut harness = shown(below, tab);
        harness.step();
        let delay = harness.output().viewport_output.values().map(|v| v.repaint_delay).min().unwrap();
        assert!(delay > std::time::Duration::from_secs(2), "{below:?} {tab:?}: the next frame is due in {delay:?}");
    }
}

/// Without this nobody can end a stream in order, or sees that it falls behind and why.
#[test]
fn the_strip_above_the_batches_tells_the_stream_and_stops_it() {
    let mut harness = batches();
    harness.get_by_label("No backlog · a failed batch stops the stream");
    let properties = [("faultline.streaming.onBatchFailure".to_owned(), "retry".to_owned())].into();
    let waiting = |id: u32| BatchInfo {
        id: BatchId(id),
        time: VIRTUAL_EPOCH,
        records: 1,
        output_ops: Vec::new(),
        inputs: [].into(),
    };
    let events = [
        Event::EnvironmentUpdate { properties },
        Event::BatchSubmitted { batch: waiting(9) },
        Event::BatchSubmitted { batch: waiting(10) },
        Event::ReceiverRateUpdated { stream: StreamId(4), rate: 1_200 },
    ];
    for event in events {
        let model = &mut harness.state_mut().model;
        let (seq, at) = (model.revision, model.now);
        model.apply(&Envelope { seq, at, event });
    }
    harness.run();
    let words = "Backlog 2 batches · limit 1,200 records/s · a failed batch runs again";
    harness.get_by_label(words);
    super::executors::picture(&mut harness, "batches-strip");
    harness.state_mut().received.clear();
    harness.get_by_label("Stop the stream").click();
    harness.run();
    harness.get_by_label("Stop gracefully").click();
    harness.run();
    let mode = StopMode::Graceful;
    assert_eq!(harness.state().received, [AppCommand::Engine(EngineCommand::StopStreaming { mode })]);
    let model = &mut harness.state_mut().model;
    let (seq, at) = (model.revision, model.now);
    model.apply(&Envelope { seq, at, event: Event::StreamingStopping { mode } });
    harness.run();
    harness.get_by_label_contains("Stopping gracefully · Backlog 2 batches");
    assert!(harness.query_by_label("Stop the stream").is_none(), "it is being stopped already");
}
