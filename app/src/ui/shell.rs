//! The window as a whole: bars at the edges, and between them a page.

use super::batches_panel::{BatchesState, batches_ui};
use super::checkpoint_dialog::checkpoint_ui;
use super::dock::{Dock, Pane, dock_ui};
use super::faults_dialog::{FaultsState, faults_ui};
use super::files::{FileDialogState, files_ui};
use super::findings_panel::{FindingsState, findings_ui};
use super::input_menu::InputMenuState;
use super::inspector::{InspectorState, inspector_ui};
use super::keys::keys_ui;
use super::ledger_panel::{LedgerPanelState, ledger_ui};
use super::lineage_view::{LineageViewState, lineage_picture_ui, lineage_view_ui, view_controls_ui};
use super::race_view::{RaceViewState, lane_strip_ui, race_view_ui};
use super::settings::{apply_settings, settings_ui};
use super::storage_panel::{StorageState, storage_ui};
use super::timeline_panel::{TimelineState, timeline_ui};
use super::{ViewCtx, executors_panel, legend, output_panel, scrubber, store_panel, story, top_bar};
use crate::command::settings::Hints;
use crate::command::shortcuts::send_shortcuts;
use crate::command::{AppCommand, LayoutCommand, Overlay, Page};
use crate::state::UiState;
use crate::theme::{STEP, Tokens, fonts, text};
use egui::{Align, CentralPanel, Color32, Frame, Layout, Margin, Panel, ScrollArea, Stroke, Ui};

/// Height of the top bar.
const TOP: f32 = 52.0;
/// Height of the row for advice and errors.
const HINT: f32 = 36.0;

/// What the window keeps between frames.
#[derive(Default)]
pub struct ShellState {
    /// Choices of the user; changed by commands.
    pub ui: UiState,
    /// Where the panels are.
    pub dock: Dock,
    /// The panels' own.
    pub panels: Panels,
}

impl ShellState {
    /// Another run is shown: the views forget what they kept of the one before. The race stays.
    pub fn forget_run(&mut self) {
        let race = std::mem::take(&mut self.panels.race);
        self.panels = Panels { race, ..Panels::default() };
    }

    /// What a command changes here.
    pub fn apply(&mut self, command: &AppCommand) {
        if let AppCommand::Layout(layout) = command {
            match *layout {
                LayoutCommand::Arrange(preset) => self.dock.arrange(preset),
                LayoutCommand::Show(pane) => self.dock.bring_forward(pane),
                LayoutCommand::Hide(pane) => self.dock.set_shown(pane, false),
            }
        }
    }
}

/// What each panel keeps between frames.
#[derive(Default)]
pub struct Panels {
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
    /// The ledger's own.
    pub ledger: LedgerPanelState,
    /// The findings' own.
    pub findings: FindingsState,
    /// The menu of inputs, half filled in.
    pub input: InputMenuState,
    /// What was chosen beside faults.
    pub faults: FaultsState,
    /// The race's own.
    pub race: RaceViewState,
    /// The file dialog inside the window.
    pub files: FileDialogState,
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
        .show(ui, |ui| top_bar::top_bar_ui(ui, ctx, &state.ui, &state.dock, &mut state.panels.input));
    // Always there, so that nothing jumps when there is something to say.
    Panel::bottom("hint")
        .exact_size(HINT)
        .frame(frame(Margin::symmetric(16, 4)))
        .show(ui, |ui| hint_ui(ui, ctx, &state.ui));
    match state.ui.overlay {
        Some(Overlay::Settings) => settings_ui(ui.ctx(), ctx, &state.ui),
        Some(Overlay::Keys) => keys_ui(ui.ctx(), ctx),
        Some(Overlay::Checkpoint) => {
            if let Some(report) = &state.ui.checkpoint {
                checkpoint_ui(ui.ctx(), ctx, report);
            }
        }
        Some(Overlay::Faults) => faults_ui(ui.ctx(), ctx, &mut state.panels.faults),
        None => {}
    }
    files_ui(ui.ctx(), ctx, &state.ui, &mut state.panels.files);
    let page = CentralPanel::default().frame(Frame::new().fill(t.background));
    match state.ui.page {
        Page::Run => {
            Panel::bottom("scrubber")
                .exact_size(scrubber::HEIGHT)
                .frame(frame(Margin::symmetric(16, 0)))
                .show(ui, |ui| scrubber::scrubber_ui(ui, ctx));
            page.show(ui, |ui| dock_ui(ui, ctx, &mut state.dock, &mut state.panels, &mut state.ui));
        }
        Page::Race => {
            page.show(ui, |ui| {
                Frame::new().inner_margin(Margin::same(20)).show(ui, |ui| {
                    race_view_ui(ui, ctx, &mut state.panels.race);
                })
            });
        }
    }
}

/// One panel, into the whole of `ui`.
pub(super) fn pane_ui(ui: &mut Ui, pane: Pane, ctx: &ViewCtx<'_>, panels: &mut Panels, state: &mut UiState) {
    match pane {
        Pane::Cluster => panel(ui, Margin::same(12), |ui| cluster_ui(ui, ctx)),
        Pane::Lineage => lineage_ui(ui, ctx, panels, state),
        Pane::Inspector => panel(ui, Margin::same(16), |ui| inspector_ui(ui, ctx, &mut panels.inspector)),
        Pane::Timeline => panel(ui, LIST, |ui| timeline_ui(ui, ctx, &mut panels.timeline)),
        Pane::Batches => panel(ui, LIST, |ui| batches_ui(ui, ctx, &mut panels.batches)),
        Pane::Storage => panel(ui, LIST, |ui| storage_ui(ui, ctx, &mut panels.storage)),
        Pane::Ledger => panel(ui, LIST, |ui| ledger_ui(ui, ctx, &mut panels.ledger)),
        Pane::Findings => panel(ui, LIST, |ui| findings_ui(ui, ctx, &mut panels.findings)),
    }
}

/// Margins of panels with rows.
const LIST: Margin = Margin { left: 12, right: 12, top: 4, bottom: 8 };

/// Fills the room of a panel with its colour, and `content` inside the margins.
fn panel(ui: &mut Ui, margin: Margin, content: impl FnOnce(&mut Ui)) {
    filled(ui, Tokens::of(ui.ctx()).panel, margin, content);
}

fn filled(ui: &mut Ui, fill: Color32, margin: Margin, content: impl FnOnce(&mut Ui)) {
    let room = ui.max_rect();
    ui.painter().rect_filled(room, 0.0, fill);
    let mut inner = ui.new_child(egui::UiBuilder::new().max_rect(room - margin));
    inner.set_clip_rect(inner.clip_rect().intersect(room));
    content(&mut inner);
}

fn cluster_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    ScrollArea::vertical().id_salt("cluster").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 1.5 * STEP;
        executors_panel::executors_ui(ui, ctx);
        ui.add_space(2.0 * STEP);
        store_panel::store_ui(ui, ctx);
        ui.add_space(2.0 * STEP);
        output_panel::output_ui(ui, ctx);
    });
}

/// The sentence, the lineage, and what its signs mean.
fn lineage_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, panels: &mut Panels, state: &mut UiState) {
    let t = Tokens::of(ui.ctx());
    filled(ui, t.background, Margin::ZERO, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let height = ui.available_height();
        let legend_height = legend::height(ui.available_width() - 40.0, height) + 20.0;
        Panel::bottom("legend")
            .exact_size(legend_height)
            .show_separator_line(false)
            .frame(Frame::new().inner_margin(Margin::symmetric(20, 10)))
            .show(ui, |ui| legend::legend_ui(ui, height));
        Frame::new().inner_margin(Margin { left: 20, right: 20, top: 12, bottom: 8 }).show(ui, |ui| {
            ui.set_width(ui.available_width());
            lane_strip_ui(ui, ctx);
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                view_controls_ui(ui, ctx, &mut panels.lineage, &mut state.follow);
                ui.add_space(2.0 * STEP);
                ui.with_layout(Layout::top_down(Align::Min), |ui| story::story_ui(ui, ctx));
            });
        });
        let mut follow = state.follow;
        lineage_view_ui(ui, ctx, &mut panels.lineage, &mut follow);
        state.follow = follow;
    });
}

/// What went wrong, else the advice of the moment: words that can be copied, or a button that does it.
fn hint_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &UiState) {
    let t = Tokens::of(ui.ctx());
    if state.page == Page::Race && state.hint_command.is_some() && state.error.is_none() && state.notice.is_none() {
        // What it offers is what the page shows.
        return;
    }
    let hint = state.hint.as_ref().filter(|_| state.settings.hints == Hints::Shown);
    let refused = ctx.model.fresh_refusal().map(|refusal| format!("Refused, {}", refusal.reason));
    let (words, color) = match (&state.error, &state.notice, &refused, hint) {
        (Some(error), ..) => (error, t.lost),
        (None, Some(notice), ..) => (notice, t.memory),
        (None, None, Some(refused), _) => (refused, t.lost),
        (None, None, None, Some(hint)) => (hint, t.computing),
        (None, None, None, None) => return,
    };
    ui.horizontal_centered(|ui| {
        let (mark, _) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), egui::Sense::hover());
        ui.painter().circle_stroke(mark.center(), 4.0, Stroke::new(2.0, color));
        let words = text::rich(words, text::semibold(text::MEDIUM), t.text);
        let silent = state.error.is_none() && state.notice.is_none() && refused.is_none();
        if let Some(command) = state.hint_command.as_ref().filter(|_| silent) {
            if ui.add(egui::Button::new(words).min_size(egui::vec2(0.0, 24.0))).clicked() {
                ctx.send.send(command.clone());
            }
            return;
        }
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
    let room = f32::INFINITY;
    Panel::bottom("legend")
        .exact_size(legend::height(ui.available_width() - 40.0, room) + 20.0)
        .show_separator_line(false)
        .frame(Frame::new().inner_margin(Margin::symmetric(20, 10)))
        .show(ui, |ui| legend::legend_ui(ui, room));
    Frame::new().inner_margin(Margin { left: 20, right: 20, top: 16, bottom: 0 }).show(ui, |ui| {
        ui.set_width(ui.available_width());
        story::story_ui(ui, ctx);
    });
    lineage_picture_ui(ui, ctx, state);
}
