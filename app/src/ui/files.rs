//! Files and the window: what is dropped on it, and the dialog inside it where the desktop has none.

use super::ViewCtx;
use crate::command::{AppCommand, Asked, FileCommand, Purpose};
use crate::state::UiState;
use crate::theme::{RADIUS, STEP, Tokens, text};
use egui::{Align2, Context, Id, LayerId, Order, Stroke, StrokeKind};
use egui_file_dialog::{DialogState, FileDialog, FileDialogLabels};
use std::path::PathBuf;

/// The dialog inside the window.
#[derive(Default)]
pub struct FileDialogState {
    dialog: Option<(Asked, FileDialog)>,
}

/// Takes dropped files, and shows the dialog while a path is asked for inside the window.
pub fn files_ui(ctx: &Context, view: &ViewCtx<'_>, state: &UiState, files: &mut FileDialogState) {
    drop_ui(ctx, view);
    if files.dialog.as_ref().map(|(asked, _)| asked) != state.question.as_ref() {
        files.dialog = state.question.as_ref().map(|asked| (asked.clone(), dialog(ctx, asked)));
    }
    let Some((asked, dialog)) = &mut files.dialog else { return };
    dialog.update(ctx);
    match dialog.state() {
        DialogState::Open => {}
        DialogState::Picked(path) => view.send.send(AppCommand::File(asked.purpose.with(path.clone()))),
        DialogState::Closed | DialogState::Cancelled | DialogState::PickedMultiple(_) => {
            view.send.send(AppCommand::File(FileCommand::Dismissed));
        }
    }
}

fn dialog(ctx: &Context, asked: &Asked) -> FileDialog {
    let room = ctx.content_rect().size() - egui::Vec2::splat(16.0 * STEP);
    let mut dialog = FileDialog::new()
        .title(asked.purpose.title())
        .id("file dialog")
        .anchor(Align2::CENTER_CENTER, egui::Vec2::ZERO)
        .default_size(egui::vec2(720.0, 480.0).min(room))
        .max_size(room)
        // Its field has a colour of its own, which is black in every theme.
        .show_search(false);
    words(dialog.labels_mut());
    if let Some(directory) = &asked.directory {
        dialog = dialog.initial_directory(directory.clone());
    }
    match asked.purpose {
        Purpose::OpenLog => dialog.pick_file(),
        Purpose::InspectCheckpoint => dialog.pick_directory(),
        Purpose::SaveLog | Purpose::ExportGraph(_) => {
            dialog = dialog.default_file_name(&asked.file_name);
            dialog.save_file();
        }
    }
    dialog
}

/// Words in the manner of the rest of the window.
fn words(labels: &mut FileDialogLabels) {
    for (label, words) in [
        (&mut labels.open_button, "Open"),
        (&mut labels.save_button, "Save"),
        (&mut labels.cancel_button, "Cancel"),
        (&mut labels.selected_file, "Selected file"),
        (&mut labels.file_name, "File name"),
        (&mut labels.file_filter_all_files, "All files"),
        (&mut labels.heading_removable_devices, "Removable devices"),
        (&mut labels.overwrite_file_modal_text, "is there already. Replace it?"),
        (&mut labels.overwrite, "Replace"),
    ] {
        words.clone_into(label);
    }
}

/// A dropped file is opened, a dropped directory looked into; while one hovers over the window, it says so.
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
    let words = "Drop to open this event log or checkpoint directory";
    painter.text(screen.center(), Align2::CENTER_CENTER, words, text::semibold(text::LARGE), t.text);
}
