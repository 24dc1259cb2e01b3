//! Files and the window: what is dropped on it, and the dialog inside it where the desktop has none.

use super::ViewCtx;
use crate::command::{AppCommand, FileCommand, Purpose};
use crate::state::UiState;
use crate::theme::{RADIUS, STEP, Tokens, text};
use egui::{Align2, Context, Id, LayerId, Order, Stroke, StrokeKind};
use egui_file_dialog::{DialogState, FileDialog};
use std::path::PathBuf;

/// The dialog inside the window.
#[derive(Default)]
pub struct FileDialogState {
    dialog: Option<(Purpose, FileDialog)>,
}

/// Takes dropped files, and shows the dialog while a path is asked for inside the window.
pub fn files_ui(ctx: &Context, view: &ViewCtx<'_>, state: &UiState, files: &mut FileDialogState) {
    drop_ui(ctx, view);
    if files.dialog.as_ref().map(|(purpose, _)| *purpose) != state.question {
        files.dialog = state.question.map(|purpose| (purpose, dialog(ctx, view, purpose, state)));
    }
    let Some((purpose, dialog)) = &mut files.dialog else { return };
    dialog.update(ctx);
    match dialog.state() {
        DialogState::Open => {}
        DialogState::Picked(path) => view.send.send(AppCommand::File(purpose.with(path.clone()))),
        DialogState::Closed | DialogState::Cancelled | DialogState::PickedMultiple(_) => {
            view.send.send(AppCommand::File(FileCommand::Dismissed));
        }
    }
}

fn dialog(ctx: &Context, view: &ViewCtx<'_>, purpose: Purpose, state: &UiState) -> FileDialog {
    let room = ctx.content_rect().size() - egui::Vec2::splat(16.0 * STEP);
    let size = egui::vec2(720.0, 480.0).min(room);
    let mut dialog = FileDialog::new()
        .title(purpose.title())
        .id("file dialog")
        .anchor(Align2::CENTER_CENTER, egui::Vec2::ZERO)
        .default_size(size)
        .max_size(room);
    if let Some(directory) = state.recent.paths().first().and_then(|path| path.parent()) {
        dialog = dialog.initial_directory(directory.to_path_buf());
    }
    let application = &view.model.application.name;
    let stem = if application.is_empty() { "faultline" } else { application };
    match purpose {
        Purpose::OpenLog => dialog.pick_file(),
        Purpose::SaveLog => {
            dialog = dialog.default_file_name(&format!("{stem}.jsonl"));
            dialog.save_file();
        }
        Purpose::ExportGraph(format) => {
            dialog = dialog.default_file_name(&format!("{stem}.{}", format.extension()));
            dialog.save_file();
        }
    }
    dialog
}

/// A dropped file is opened; while one hovers over the window, it says so.
fn drop_ui(ctx: &Context, view: &ViewCtx<'_>) {
    let (hovers, dropped) = ctx.input(|input| {
        let dropped: Option<PathBuf> = input.raw.dropped_files.first().map(|file| file.path().to_path_buf());
        (!input.raw.hovered_files.is_empty(), dropped)
    });
    if let Some(path) = dropped {
        view.send.send(AppCommand::File(FileCommand::OpenPath(path)));
    }
    if !hovers {
        return;
    }
    let t = Tokens::of(ctx);
    let painter = ctx.layer_painter(LayerId::new(Order::Foreground, Id::new("drop")));
    let screen = ctx.content_rect();
    painter.rect_filled(screen, 0.0, t.background.gamma_multiply(0.85));
    let frame = screen.shrink(4.0 * STEP);
    painter.rect_stroke(frame, RADIUS, Stroke::new(2.0, t.selection), StrokeKind::Inside);
    let words = "Drop to open this event log";
    painter.text(screen.center(), Align2::CENTER_CENTER, words, text::semibold(text::LARGE), t.text);
}
