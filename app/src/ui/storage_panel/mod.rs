//! What is stored where: partitions, map outputs, and the files of the reliable store.

mod column_head;
mod files;
mod log_rows;
mod map_outputs;
mod matrix;
mod matrix_cell;
mod stream_rows;

use super::ViewCtx;
use crate::model::LogId;
use crate::scene::storage::{self, LogFiles, MapOutputs, Matrix, StoredCheckpoint, StreamFiles};
use crate::theme::{STEP, Tokens, text};
use egui::{Response, Ui, WidgetInfo, WidgetType};
use faultline_engine::ids::{OperatorName, RddId};
use std::collections::BTreeSet;

/// Which of the three tables is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StorageTab {
    /// Stored partitions by executor.
    #[default]
    Partitions,
    /// Map outputs by executor.
    MapOutputs,
    /// Checkpoint files.
    Files,
}

impl StorageTab {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Partitions, "Partitions"), (Self::MapOutputs, "Map outputs"), (Self::Files, "Reliable store files")];
}

/// What the panel keeps between frames.
#[derive(Debug, Default)]
pub struct StorageState {
    /// The table shown.
    pub tab: StorageTab,
    matrix: Kept<Matrix>,
    map_outputs: Kept<MapOutputs>,
    files: Kept<StoreFiles>,
    /// Operators whose batches are hidden.
    collapsed: BTreeSet<OperatorName>,
    /// Checkpoints whose parts are shown.
    expanded: BTreeSet<RddId>,
    /// Whether the graph checkpoints are hidden.
    stream_collapsed: bool,
    /// Logs whose segments are hidden.
    logs_collapsed: BTreeSet<LogId>,
}

/// What the reliable store has.
#[derive(Debug, Default)]
struct StoreFiles {
    checkpoints: Vec<StoredCheckpoint>,
    stream: Option<StreamFiles>,
    logs: Vec<LogFiles>,
}

/// A value and the revision and application that it was made from.
#[derive(Debug, Default)]
struct Kept<T> {
    made_from: Option<(u64, String)>,
    value: T,
}

impl<T> Kept<T> {
    fn get(&mut self, ctx: &ViewCtx<'_>, make: impl FnOnce() -> T) -> &T {
        let application = &ctx.model.application.id;
        let same = self.made_from.as_ref().is_some_and(|(r, id)| *r == ctx.model.revision && id == application);
        if !same {
            self.value = make();
            self.made_from = Some((ctx.model.revision, application.clone()));
        }
        &self.value
    }
}

/// Fills the panel.
pub fn storage_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut StorageState) {
    tabs_ui(ui, &mut state.tab);
    match state.tab {
        StorageTab::Partitions => {
            let table = state.matrix.get(ctx, || storage::matrix(ctx.model));
            matrix::matrix_ui(ui, ctx, table, &mut state.collapsed);
        }
        StorageTab::MapOutputs => {
            let table = state.map_outputs.get(ctx, || storage::map_outputs(ctx.model));
            map_outputs::map_outputs_ui(ui, ctx, table);
        }
        StorageTab::Files => {
            let make = || StoreFiles {
                checkpoints: storage::stored_checkpoints(ctx.model),
                stream: storage::stream_files(ctx.model),
                logs: storage::log_files(ctx.model),
            };
            let stored = state.files.get(ctx, make);
            let open = files::Open {
                expanded: &mut state.expanded,
                stream_collapsed: &mut state.stream_collapsed,
                logs_collapsed: &mut state.logs_collapsed,
            };
            files::files_ui(ui, ctx, stored, open);
        }
    }
}

fn tabs_ui(ui: &mut Ui, shown: &mut StorageTab) {
    let t = Tokens::of(ui.ctx());
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = STEP;
        ui.spacing_mut().interact_size.y = 6.0 * STEP;
        ui.spacing_mut().button_padding.y = STEP / 2.0;
        for (tab, name) in StorageTab::ALL {
            let on = *shown == tab;
            let words = text::rich(name, text::regular(text::SMALL), if on { t.text } else { t.text_faint });
            if ui.selectable_label(on, words).clicked() {
                *shown = tab;
            }
        }
    });
}

/// Words in place of a table.
fn empty_ui(ui: &mut Ui, words: &str) {
    let t = Tokens::of(ui.ctx());
    // The panel keeps its size whatever it shows.
    ui.set_min_size(ui.available_size());
    ui.label(text::rich(words, text::regular(text::SMALL), t.text_faint));
}

/// A name in a table that selects a node of the lineage when clicked.
fn link_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, words: egui::RichText, name: &str, rdd: RddId) -> Response {
    let response = ui.add(egui::Label::new(words).truncate().sense(egui::Sense::click()));
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, name));
    if response.has_focus() {
        super::table::focus_ring(ui, response.rect);
    }
    if response.clicked()
        && let Some(node) = crate::scene::node_of(ctx.model, rdd)
    {
        ctx.send.send(crate::command::AppCommand::Select(Some(node)));
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// ` of batch 7`, or which RDD when there are no batches.
fn place_words(op: &faultline_engine::ids::OpKey, rdd: RddId) -> String {
    match op.batch {
        Some(batch) => format!("{}, batch {batch}", op.operator),
        None => format!("{}, RDD {rdd}", op.operator),
    }
}
