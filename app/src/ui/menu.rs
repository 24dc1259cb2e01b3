//! The menu: logs, exports, layout, settings, keys.

use super::ViewCtx;
use super::batches_panel::stop_items_ui;
use super::dock::{Dock, Pane, Preset};
use crate::command::shortcuts::{self, EXPORT_GRAPH, FAULTS, KEYS, OPEN_LOG, SAVE_LOG, SETTINGS};
use crate::command::{AppCommand, FileCommand, GraphFormat, LayoutCommand, Overlay, Purpose};
use crate::state::UiState;
use crate::theme::{STEP, Tokens};
use egui::containers::menu::{MenuButton, SubMenuButton};
use egui::{Button, Stroke, Ui, WidgetInfo, WidgetType, vec2};
use std::path::Path;

/// Width of the menu, so that names and keys do not touch.
const WIDTH: f32 = 208.0;
/// What looking into a checkpoint directory is called.
const INSPECT: &str = "Checkpoint directory";
/// Width of the list of recent files.
const RECENT_WIDTH: f32 = 320.0;

/// The button and what it opens.
pub fn menu_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &UiState, dock: &Dock) {
    let t = Tokens::of(ui.ctx());
    let button = Button::new("").min_size(vec2(32.0, 28.0));
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        ui.set_min_width(WIDTH);
        let send = |command| ctx.send.send(command);
        let ask = |purpose| send(AppCommand::File(FileCommand::Ask(purpose)));
        if item(ui, OPEN_LOG, "…") {
            ask(Purpose::OpenLog);
        }
        if item(ui, SAVE_LOG, "…") {
            ask(Purpose::SaveLog);
        }
        if item(ui, INSPECT, "…") {
            ask(Purpose::InspectCheckpoint);
        }
        recent_ui(ui, ctx, state.recent.paths());
        SubMenuButton::new(EXPORT_GRAPH).ui(ui, |ui| {
            for format in GraphFormat::ALL {
                if ui.button(format!("{}…", format.name())).clicked() {
                    ask(Purpose::ExportGraph(format));
                }
            }
        });
        if ctx.time.running {
            ui.separator();
            if item(ui, FAULTS, "…") {
                send(AppCommand::ShowOverlay(Some(Overlay::Faults)));
            }
            stop_ui(ui, ctx);
        }
        ui.separator();
        layout_ui(ui, ctx, dock);
        if item(ui, SETTINGS, "…") {
            send(AppCommand::ShowOverlay(Some(Overlay::Settings)));
        }
        if item(ui, KEYS, "") {
            send(AppCommand::ShowOverlay(Some(Overlay::Keys)));
        }
    });
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Menu"));
    let center = response.rect.center();
    for y in [-5.0, 0.0, 5.0] {
        let line = center.x - 7.0..=center.x + 7.0;
        ui.painter().hline(line, center.y + y, Stroke::new(1.5, t.text));
    }
    // Before the list of recent files is seen, those that are gone leave it.
    if response.clicked() && !state.recent.paths().is_empty() {
        ctx.send.send(AppCommand::File(FileCommand::CheckRecent));
    }
    response.on_hover_text("Open, save, export, layout, settings");
}

/// The ways to stop a stream that runs.
fn stop_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    if ctx.controllable && ctx.model.streams.zero.is_some() && ctx.model.streams.stopping.is_none() {
        SubMenuButton::new("Stop the stream").ui(ui, |ui| stop_items_ui(ui, ctx));
    }
}

/// The presets, and which panels are shown.
fn layout_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, dock: &Dock) {
    SubMenuButton::new("Layout").ui(ui, |ui| {
        for preset in Preset::ALL {
            if item(ui, preset.name(), "") {
                ctx.send.send(AppCommand::Layout(LayoutCommand::Arrange(preset)));
            }
        }
        ui.separator();
        // Without the lineage there would be nothing to explain.
        for pane in Pane::ALL.into_iter().filter(|pane| *pane != Pane::Lineage) {
            let mut shown = dock.shows(pane);
            if ui.checkbox(&mut shown, pane.name()).changed() {
                let command = if shown { LayoutCommand::Show(pane) } else { LayoutCommand::Hide(pane) };
                ctx.send.send(AppCommand::Layout(command));
            }
        }
    });
}

fn item(ui: &mut Ui, name: &str, dots: &str) -> bool {
    let words = format!("{name}{dots}");
    let response = ui.add(Button::new(&words).shortcut_text(shortcuts::key_of(name, ui.ctx().os())));
    // Without this the key would be part of the name.
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &words));
    response.clicked()
}

fn recent_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, paths: &[std::path::PathBuf]) {
    if paths.is_empty() {
        ui.add_enabled(false, Button::new("Recent")).on_disabled_hover_text("No log was opened or saved yet");
        return;
    }
    SubMenuButton::new("Recent").ui(ui, |ui| {
        ui.set_max_width(RECENT_WIDTH);
        for path in paths {
            let response = ui.add(Button::new(name_of(path)).truncate()).on_hover_text(path.display().to_string());
            if response.clicked() {
                ctx.send.send(AppCommand::File(FileCommand::OpenPath(path.clone())));
            }
        }
        ui.add_space(STEP);
        ui.separator();
        if ui.button("Clear recent").clicked() {
            ctx.send.send(AppCommand::File(FileCommand::ClearRecent));
        }
    });
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
