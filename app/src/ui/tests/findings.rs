//! The findings: sentence, place, way out, and refused commands.

use super::harness::{World, window};
use crate::command::{AppCommand, EngineCommand, Focus};
use crate::model::Refusal;
use crate::platform::screenshot::{Shot, paint, write_png};
use crate::theme::Theme;
use crate::ui::dock::Pane;
use egui_kittest::kittest::Queryable;
use faultline_engine::event::{Finding, StorageLevel};
use faultline_engine::ids::*;
use std::sync::Arc;

/// A state kept twice with one copy of each partition, a mark that came too late, a refused command.
fn world() -> World {
    let mut world = World::demo();
    let state = world.model.rdds.get_mut(&RddId(26)).expect("the state of batch 8");
    Arc::make_mut(state).info.level = StorageLevel::MEMORY_ONLY_SER_2;
    world.model.findings.push_back(Arc::new(Finding {
        kind: "checkpoint-marked-too-late".to_owned(),
        message: "checkpoint() has no effect on MapPartitionsRDD[4]: a job has already run on it; call it before the first action".to_owned(),
        place: "checkpoint at word_count.rs:44".to_owned(),
    }));
    world.model.refusals.push_back(Arc::new(Refusal {
        command: EngineCommand::KillExecutor { executor: ExecutorId(2) },
        reason: "executor 2 is not alive; restart it first".to_owned(),
        at: world.model.now,
    }));
    world.shell.dock.bring_forward(Pane::Findings);
    world
}

/// Without this what went wrong is known to the model and to nobody else.
#[test]
fn findings_and_refusals_are_listed_with_place_and_way_out() {
    let mut harness = window(world());
    harness.run();
    harness.get_by_label("Findings 3");
    harness.get_by_label_contains("executor 2 is not alive; restart it first");
    harness.get_by_label_contains("checkpoint() has no effect on MapPartitionsRDD[4]");
    harness.get_by_label("Write .checkpoint() before the first action on it");
    harness.get_by_label("Show updateStateByKey, batch 8, under-replicated").click();
    harness.run();
    let block = BlockId::new(RddId(26), PartitionId(0));
    assert_eq!(harness.state().received, [AppCommand::Focus(Focus::Partition(block))]);
    let Ok(directory) = std::env::var("FAULTLINE_PICTURES") else { return };
    for theme in [Theme::Dark, Theme::Light] {
        for size in [[1280, 800], [2560, 1440]] {
            let mut world = world();
            world.shell.ui.theme = theme;
            let shot = Shot { size, frames: 6, ..Shot::default() };
            let picture = paint(&egui::Context::default(), shot, |ui| world.frame(ui));
            let file = format!("findings-{}-{}.png", theme.name().to_lowercase(), size[0]);
            write_png(&picture, &std::path::Path::new(&directory).join(file)).expect("the picture is written");
        }
    }
}

/// Without this an empty panel looks broken.
#[test]
fn without_findings_the_panel_says_what_will_be_there() {
    let mut world = World::demo();
    world.shell.dock.bring_forward(Pane::Findings);
    let mut harness = window(world);
    harness.run();
    harness.get_by_label("Nothing to report");
    harness.get_by_role_and_label(egui::accesskit::Role::Button, "Findings");
}
