//! What outlives the executors and the driver: the checkpoints in the reliable store.

use super::{ViewCtx, cell};
use crate::model::{CheckpointState, Sign};
use crate::scene::storage::{StreamFiles, stream_files};
use crate::theme::widgets::{card, heading_ui, line_ui};
use crate::theme::{STEP, Tokens, format, text};
use egui::{Rect, Sense, Ui, Vec2, WidgetInfo, WidgetType, vec2};

/// Older checkpoints that get a line of their own below the newest.
const OLDER_LINES: usize = 0;
const CELL: f32 = 16.0;

/// The section of the reliable store.
pub fn store_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    let mut newest: Vec<&CheckpointState> =
        ctx.model.checkpoints.values().map(AsRef::as_ref).filter(|c| c.in_store).collect();
    newest.sort_by_key(|c| (std::cmp::Reverse(c.at), std::cmp::Reverse(c.rdd)));
    let hidden = newest.len().saturating_sub(1 + OLDER_LINES);
    let aside = if hidden > 0 { format!("{hidden} older") } else { String::new() };
    heading_ui(ui, "Reliable store", &aside);
    let files = stream_files(ctx.model);
    if newest.is_empty() && files.is_none() {
        line_ui(ui, text::rich("Nothing is checkpointed yet", text::regular(text::SMALL), t.text_faint));
        return;
    }
    card(t).show(ui, |ui| {
        ui.set_width(ui.available_width());
        if let Some(checkpoint) = newest.first() {
            checkpoint_ui(ui, ctx, checkpoint);
        }
        if let Some(files) = &files {
            graphs_ui(ui, files);
        }
        let outlives = if files.is_some() { "outlives executors and driver" } else { "outlives every executor" };
        line_ui(ui, text::rich(outlives, text::regular(text::SMALL), t.checkpoint));
    });
    for checkpoint in newest.iter().skip(1).take(OLDER_LINES) {
        let batch = ctx.model.batch_of(checkpoint.rdd).map_or_else(|| holds(ctx, checkpoint), |b| format!("batch {b}"));
        let words = format!("{}/ · {batch}", directory(checkpoint));
        line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text_faint));
    }
}

/// The newest data checkpoint.
fn checkpoint_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, checkpoint: &CheckpointState) {
    let t = Tokens::of(ui.ctx());
    if checkpoint.path.is_empty() {
        // Spark's own logs name neither directory nor parts.
        line_ui(ui, text::rich("The log does not name its files", text::regular(text::SMALL), t.text));
    } else {
        let parts = format::count(checkpoint.parts.len() as u64, "part");
        line_ui(ui, text::rich(format!("{}/ {parts}", directory(checkpoint)), text::mono(text::SMALL), t.text));
        parts_ui(ui, checkpoint.parts.len());
    }
    line_ui(ui, text::rich(holds(ctx, checkpoint), text::regular(text::SMALL), t.text_faint));
}

/// The graph checkpoints: what the next driver goes on from.
fn graphs_ui(ui: &mut Ui, files: &StreamFiles) {
    let t = Tokens::of(ui.ctx());
    let count = format::count(files.graphs.len() as u64, "file");
    line_ui(ui, text::rich(format!("{}/ {count}", files.directory), text::mono(text::SMALL), t.text))
        .on_hover_text("Graph checkpoints: the streams, their batches, and where what they saved is");
    if let Some((path, written)) = files.graphs.iter().find_map(|(path, file)| Some((path, file.written?))) {
        let words = format!("graph of batch {}, {}", written.batch, format::bytes(written.bytes));
        line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text_faint)).on_hover_text(path.as_ref());
    }
    if files.damaged > 0 {
        let words = format!("{} could not be used", format::count(files.damaged as u64, "file"));
        line_ui(ui, text::rich(words, text::regular(text::SMALL), t.lost));
    }
}

/// The last name of its path: `rdd-41`.
fn directory(checkpoint: &CheckpointState) -> &str {
    checkpoint.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// What the checkpoint holds: `updateStateByKey of batch 5`.
fn holds(ctx: &ViewCtx<'_>, checkpoint: &CheckpointState) -> String {
    let Some(rdd) = ctx.model.rdds.get(&checkpoint.rdd) else { return format!("RDD {}", checkpoint.rdd) };
    match rdd.info.op.batch {
        Some(batch) => format!("{} of batch {batch}", rdd.info.op.operator),
        None => rdd.info.op.operator.to_string(),
    }
}

fn parts_ui(ui: &mut Ui, count: usize) {
    let t = Tokens::of(ui.ctx());
    let pitch = CELL + 1.5 * STEP;
    let fit = ((ui.available_width() + 1.5 * STEP) / pitch).floor().max(1.0) as usize;
    let (area, response) = ui.allocate_exact_size(vec2(ui.available_width(), CELL + STEP), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, format!("{count} checkpoint parts")));
    let mut shapes = Vec::new();
    for part in 0..count.min(fit) {
        let at = area.min + vec2(part as f32 * pitch, STEP / 2.0);
        cell::shapes(
            cell::plain(Sign::CheckpointPart),
            Rect::from_min_size(at, Vec2::splat(CELL)),
            t,
            false,
            &mut shapes,
        );
    }
    ui.painter().extend(shapes);
}
