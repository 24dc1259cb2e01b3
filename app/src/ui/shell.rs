//! The window as a whole: which panel is where.

use super::batches_panel::{BatchesState, batches_ui};
use super::files::{FileDialogState, files_ui};
use super::findings_panel::{FindingsState, findings_ui};
use super::inspector::{InspectorState, inspector_ui};
use super::keys::keys_ui;
use super::lineage_view::{LineageViewState, lineage_picture_ui, lineage_view_ui};
use super::race_view::{RaceViewState, race_view_ui};
use super::settings::{apply_settings, settings_ui};
use super::storage_panel::{StorageState, storage_ui};
use super::timeline_panel::{TimelineState, timeline_ui};
use super::{ViewCtx, executors_panel, legend, output_panel, store_panel, story, top_bar};
use crate::command::settings::Hints;
use crate::command::shortcuts::send_shortcuts;
use crate::command::{AppCommand, Overlay, Page};
use crate::state::UiState;
use crate::theme::{STEP, Tokens, fonts, text};
use egui::{CentralPanel, Frame, Margin, Panel, ScrollArea, Stroke, Ui};

/// Height of the top bar.
const TOP: f32 = 52.0;
/// A side panel can be made this wide.
const SIDE: (f32, f32) = (200.0, 520.0);

/// What the window keeps between frames.
#[derive(Default)]
pub struct ShellState {
    /// Choices of the user; changed by commands.
    pub ui: UiState,
    /// The lineage view's own.
    pub lineage: LineageViewState,
    /// The inspector's own.
    pub inspector: InspectorState,
    /// The timeline's own.
    pub timeline: TimelineState,
    /// The plot's and table's own.
    pub batches: BatchesState,
    /// The storage panel's own.
    pub storage: StorageState,
    /// The findings' own.
    pub findings: FindingsState,
    /// The race's own.
    pub race: RaceViewState,
    /// The file dialog inside the window.
    pub files: FileDialogState,
    /// The panel shown below the lineage.
    pub below: Below,
}

/// What can be shown below the lineage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Below {
    /// Tasks over time.
    #[default]
    Timeline,
    /// Batches as plot and table.
    Batches,
    /// Stored partitions, map outputs, files.
    Storage,
    /// What should be looked at.
    Findings,
}

/// The whole window.
pub fn shell_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut ShellState) {
    apply_settings(ui.ctx(), ctx, &state.ui);
    if !fonts::are_bound(ui.ctx()) {
        ui.ctx().request_discard("the fonts are in force from the next pass on");
        return;
    }
    let t = Tokens::of(ui.ctx());
    send_shortcuts(ui.ctx(), ctx, &state.ui);
    let frame = |margin: Margin| Frame::new().fill(t.panel).inner_margin(margin);

    Panel::top("top bar")
        .exact_size(TOP)
        .frame(frame(Margin::symmetric(16, 8)))
        .show(ui, |ui| top_bar::top_bar_ui(ui, ctx, &state.ui));
    // Always there, so that nothing jumps when there is something to say.
    Panel::bottom("hint").exact_size(36.0).frame(frame(Margin::symmetric(16, 8))).show(ui, |ui| hint_ui(ui, &state.ui));
    match state.ui.overlay {
        Some(Overlay::Settings) => settings_ui(ui.ctx(), ctx, &state.ui),
        Some(Overlay::Keys) => keys_ui(ui.ctx(), ctx),
        None => {}
    }
    files_ui(ui.ctx(), ctx, &state.ui, &mut state.files);
    if state.ui.page == Page::Race {
        CentralPanel::default()
            .frame(Frame::new().fill(t.background).inner_margin(Margin::same(20)))
            .show(ui, |ui| race_view_ui(ui, ctx, &mut state.race));
        return;
    }
    let left = Panel::left("left")
        .default_size(state.ui.panels.left)
        .size_range(SIDE.0..=SIDE.1)
        .frame(frame(Margin::same(12)))
        .show(ui, |ui| left_ui(ui, ctx));
    state.ui.panels.left = left.response.rect.width();
    let right = Panel::right("right")
        .default_size(state.ui.panels.right)
        .size_range(SIDE.0..=SIDE.1)
        .frame(frame(Margin::same(16)))
        .show(ui, |ui| inspector_ui(ui, ctx, &mut state.inspector));
    state.ui.panels.right = right.response.rect.width();
    Panel::bottom("below")
        .default_size(264.0)
        .resizable(true)
        .frame(frame(Margin::symmetric(16, 8)))
        .show(ui, |ui| below_ui(ui, ctx, state));
    CentralPanel::default().frame(Frame::new().fill(t.background)).show(ui, |ui| centre_ui(ui, ctx, state));
}

fn left_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    ScrollArea::vertical().id_salt("left").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 1.5 * STEP;
        executors_panel::executors_ui(ui, ctx);
        ui.add_space(2.0 * STEP);
        store_panel::store_ui(ui, ctx);
        ui.add_space(2.0 * STEP);
        output_panel::output_ui(ui, ctx);
    });
}

fn below_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut ShellState) {
    ui.horizontal(|ui| {
        for (tab, name) in [
            (Below::Timeline, "Timeline"),
            (Below::Batches, "Batches"),
            (Below::Storage, "Storage"),
            (Below::Findings, "Findings"),
        ] {
            if ui.selectable_label(state.below == tab, name).clicked() {
                state.below = tab;
            }
        }
        if ui.selectable_label(false, "Race").clicked() {
            ctx.send.send(AppCommand::ShowPage(Page::Race));
        }
    });
    match state.below {
        Below::Timeline => timeline_ui(ui, ctx, &mut state.timeline),
        Below::Batches => batches_ui(ui, ctx, &mut state.batches),
        Below::Storage => storage_ui(ui, ctx, &mut state.storage),
        Below::Findings => findings_ui(ui, ctx, &mut state.findings),
    }
}

fn centre_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut ShellState) {
    ui.spacing_mut().item_spacing.y = 0.0;
    let width = ui.available_width() - 40.0;
    let legend_height = legend::height(width) + 24.0;
    Panel::bottom("legend")
        .exact_size(legend_height)
        .show_separator_line(false)
        .frame(Frame::new().inner_margin(Margin::symmetric(20, 12)))
        .show(ui, legend::legend_ui);
    Frame::new().inner_margin(Margin { left: 20, right: 20, top: 16, bottom: 12 }).show(ui, |ui| {
        ui.set_width(ui.available_width());
        story::story_ui(ui, ctx);
    });
    let mut follow = state.ui.follow;
    lineage_view_ui(ui, ctx, &mut state.lineage, &mut follow);
    state.ui.follow = follow;
}

/// What went wrong, else the advice of the moment. The words can be copied.
fn hint_ui(ui: &mut Ui, state: &UiState) {
    let t = Tokens::of(ui.ctx());
    let hint = state.hint.as_ref().filter(|_| state.settings.hints == Hints::Shown);
    let (words, color) = match (&state.error, &state.notice, hint) {
        (Some(error), _, _) => (error, t.lost),
        (None, Some(notice), _) => (notice, t.memory),
        (None, None, Some(hint)) => (hint, t.computing),
        (None, None, None) => return,
    };
    ui.horizontal_centered(|ui| {
        let (mark, _) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), egui::Sense::hover());
        ui.painter().circle_stroke(mark.center(), 4.0, Stroke::new(2.0, color));
        let words = text::rich(words, text::semibold(text::MEDIUM), t.text);
        let said = ui.add(egui::Label::new(words).truncate().selectable(true));
        ui.ctx().accesskit_node_builder(said.id, |node| node.set_live(egui::accesskit::Live::Polite));
    });
}

/// The lineage alone, with the sentence above and the legend below: what is exported as a picture.
pub fn whole_lineage_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut LineageViewState) {
    if !fonts::are_bound(ui.ctx()) {
        ui.ctx().request_discard("the fonts are in force from the next pass on");
        return;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    let height = legend::height(ui.available_width() - 40.0) + 24.0;
    Panel::bottom("legend")
        .exact_size(height)
        .show_separator_line(false)
        .frame(Frame::new().inner_margin(Margin::symmetric(20, 12)))
        .show(ui, legend::legend_ui);
    Frame::new().inner_margin(Margin { left: 20, right: 20, top: 16, bottom: 0 }).show(ui, |ui| {
        ui.set_width(ui.available_width());
        story::story_ui(ui, ctx);
    });
    lineage_picture_ui(ui, ctx, state);
}
