//! The files of the reliable store: one directory per checkpoint, its parts and its manifest.

use super::{StoreFiles, empty_ui, link_ui, log_rows, place_words, stream_rows};
use crate::model::{GraphFile, LogId, LogSegment, Sign};
use crate::scene::storage::{LogFiles, StoredCheckpoint, StreamFiles};
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::table::{HEADER, NOTHING, ROW, expander_ui, header_ui, number_ui, words_ui};
use crate::ui::{ViewCtx, cell};
use egui::{Align, Layout, Rect, ScrollArea, Sense, Ui, Vec2, WidgetInfo, WidgetType};
use egui_extras::{Column, TableBuilder, TableRow};
use faultline_engine::event::CheckpointPart;
use faultline_engine::ids::RddId;
use std::collections::BTreeSet;

/// Width below which the table scrolls sideways.
const WIDTH_MIN: f32 = 640.0;

/// A line of the table.
#[derive(Clone, Copy)]
enum Line<'a> {
    /// A directory.
    Checkpoint(&'a StoredCheckpoint),
    /// What says that the parts are the ones that were written.
    Manifest(&'a StoredCheckpoint),
    /// One part.
    Part(&'a StoredCheckpoint, &'a CheckpointPart),
    /// The directory of the stream itself.
    Stream(&'a StreamFiles),
    /// A graph checkpoint.
    Graph(&'a str, &'a GraphFile),
    /// The directory of a log.
    Log(&'a LogFiles),
    /// One of its segments.
    Segment(LogId, u64, &'a LogSegment),
}

/// What is open and what is not.
pub(super) struct Open<'a> {
    /// Checkpoints whose parts are shown.
    pub expanded: &'a mut BTreeSet<RddId>,
    /// Whether the graph checkpoints are hidden.
    pub stream_collapsed: &'a mut bool,
    /// Logs whose segments are hidden.
    pub logs_collapsed: &'a mut BTreeSet<LogId>,
}

/// Draws the table.
pub(super) fn files_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, stored: &StoreFiles, open: Open<'_>) {
    let StoreFiles { checkpoints: rows, stream, logs } = stored;
    let stream = stream.as_ref();
    let Open { expanded, stream_collapsed, logs_collapsed } = open;
    if rows.is_empty() && stream.is_none() && logs.is_empty() {
        empty_ui(ui, "The reliable store is empty: checkpoint an operator, and its files outlive every executor");
        return;
    }
    // Few segments before many graph checkpoints.
    let mut lines = log_lines(logs, logs_collapsed);
    lines.extend(stream_lines(stream, *stream_collapsed));
    lines.extend(checkpoint_lines(rows, expanded));
    let (height, width) = (ui.available_height(), ui.available_width());
    let (mut toggled, mut toggled_log) = (None, None);
    ScrollArea::horizontal().id_salt("files").auto_shrink(false).show(ui, |ui| {
        ui.set_width(width.max(WIDTH_MIN));
        ui.set_height(height);
        ui.spacing_mut().item_spacing = egui::vec2(2.0 * STEP, 0.0);
        let table = TableBuilder::new(ui)
            .id_salt("files")
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .max_scroll_height(f32::INFINITY)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(if stream.is_some() || !logs.is_empty() { 192.0 } else { 120.0 }).clip(true))
            .column(Column::remainder().at_least(150.0).clip(true))
            .column(Column::exact(44.0).clip(true))
            .column(Column::exact(64.0).clip(true))
            .column(Column::exact(64.0).clip(true))
            .column(Column::exact(150.0).clip(true));
        let table = table.header(HEADER, |mut header| {
            for (words, align) in [
                ("File", Align::Min),
                ("Holds", Align::Min),
                ("Parts", Align::Max),
                ("Bytes", Align::Max),
                ("Records", Align::Max),
                ("Verified, CRC-32", Align::Min),
            ] {
                header.col(|ui| header_ui(ui, words, align));
            }
        });
        table.body(|body| {
            body.rows(ROW, lines.len(), |mut row| match lines[row.index()] {
                Line::Checkpoint(checkpoint) => {
                    row.set_overline(row.index() > 0);
                    let open = expanded.contains(&checkpoint.state.rdd);
                    if checkpoint_row_ui(&mut row, ctx, checkpoint, open) {
                        toggled = Some(checkpoint.state.rdd);
                    }
                }
                Line::Manifest(checkpoint) => manifest_row_ui(&mut row, checkpoint),
                Line::Part(checkpoint, part) => part_row_ui(&mut row, checkpoint, part),
                Line::Stream(files) => {
                    row.set_overline(row.index() > 0);
                    if stream_rows::directory_ui(&mut row, ctx, files, !*stream_collapsed) {
                        *stream_collapsed = !*stream_collapsed;
                    }
                }
                Line::Graph(path, file) => stream_rows::graph_ui(&mut row, ctx, path, file),
                Line::Log(log) => {
                    row.set_overline(row.index() > 0);
                    if log_rows::directory_ui(&mut row, log, !logs_collapsed.contains(&log.log)) {
                        toggled_log = Some(log.log);
                    }
                }
                Line::Segment(log, number, segment) => log_rows::segment_ui(&mut row, log, number, segment),
            });
        });
    });
    if let Some(rdd) = toggled
        && !expanded.remove(&rdd)
    {
        expanded.insert(rdd);
    }
    if let Some(log) = toggled_log
        && !logs_collapsed.remove(&log)
    {
        logs_collapsed.insert(log);
    }
}

fn stream_lines(stream: Option<&StreamFiles>, collapsed: bool) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    if let Some(stream) = stream {
        lines.push(Line::Stream(stream));
        let graphs = stream.graphs.iter().filter(|_| !collapsed);
        lines.extend(graphs.map(|(path, file)| Line::Graph(path, file)));
    }
    lines
}

fn log_lines<'a>(logs: &'a [LogFiles], collapsed: &BTreeSet<LogId>) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for log in logs {
        lines.push(Line::Log(log));
        let segments = log.segments.iter().filter(|_| !collapsed.contains(&log.log));
        lines.extend(segments.map(|(number, segment)| Line::Segment(log.log, *number, segment)));
    }
    lines
}

fn checkpoint_lines<'a>(rows: &'a [StoredCheckpoint], expanded: &BTreeSet<RddId>) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for checkpoint in rows {
        lines.push(Line::Checkpoint(checkpoint));
        if expanded.contains(&checkpoint.state.rdd) {
            lines.push(Line::Manifest(checkpoint));
            lines.extend(checkpoint.state.parts.iter().map(|part| Line::Part(checkpoint, part)));
        }
    }
    lines
}

/// Says whether the directory was opened or closed.
fn checkpoint_row_ui(row: &mut TableRow<'_, '_>, ctx: &ViewCtx<'_>, checkpoint: &StoredCheckpoint, open: bool) -> bool {
    let rdd = checkpoint.state.rdd;
    let named = !checkpoint.state.path.is_empty();
    let directory = if named { format!("{}/", checkpoint.directory()) } else { format!("RDD {rdd}") };
    let holds = checkpoint.op.as_ref().map_or_else(|| format!("RDD {rdd}"), |op| place_words(op, rdd));
    let age = if checkpoint.newest { "newest" } else { "older" };
    let verified = format!("at {}", format::seconds(checkpoint.at_ns));
    let released = checkpoint.state.released.len() as u64;
    let mut toggled = false;
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        ui.spacing_mut().item_spacing.x = STEP;
        toggled = named && expander_ui(ui, open, &directory).clicked();
        let words = text::rich(&directory, text::mono(text::SMALLEST), t.text);
        let hover = if named { checkpoint.state.path.as_str() } else { "The log does not name its files" };
        line_ui(ui, words).on_hover_text(hover);
    });
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        let color = if checkpoint.newest { t.text } else { t.text_faint };
        let words = text::rich(format!("{holds}, {age}"), text::regular(text::SMALL), color);
        let parts = format::count(checkpoint.state.parts.len() as u64, "part");
        let name = format!("{directory} {holds}, {age}, {parts}, verified {verified}");
        let released = format::count(released, "RDD");
        link_ui(ui, ctx, words, &name, rdd).on_hover_text(format!("{name}, {released} no longer needed"));
    });
    row.col(|ui| number_ui(ui, &checkpoint.state.parts.len().to_string()));
    row.col(|ui| number_ui(ui, &or_nothing(named, checkpoint.bytes)));
    row.col(|ui| number_ui(ui, &or_nothing(named, checkpoint.records)));
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        let words = if released > 0 { format!("{verified}, {released} released") } else { verified.clone() };
        line_ui(ui, text::rich(&words, text::regular(text::SMALL), t.text_soft))
            .on_hover_text(format!("{} no longer needed", format::count(released, "RDD")));
    });
    toggled
}

fn or_nothing(known: bool, number: u64) -> String {
    if known { format::number(number) } else { NOTHING.to_owned() }
}

fn manifest_row_ui(row: &mut TableRow<'_, '_>, checkpoint: &StoredCheckpoint) {
    file_ui(row, checkpoint, "_manifest", "");
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        let parts = format::count(checkpoint.state.parts.len() as u64, "part");
        let by = checkpoint.partitioner.as_ref().map(|p| format!(", {p}")).unwrap_or_default();
        words_ui(ui, &format!("names {parts}{by}"), t.text_soft);
    });
    for _ in 0..3 {
        row.col(|_| {});
    }
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        words_ui(ui, &format!("at {}", format::seconds(checkpoint.at_ns)), t.text_soft);
    });
}

fn part_row_ui(row: &mut TableRow<'_, '_>, checkpoint: &StoredCheckpoint, part: &CheckpointPart) {
    let sum = format!("{:08x}", part.crc32);
    let name =
        format!(", {}, {}, CRC-32 {sum}", format::count(part.bytes, "byte"), format::count(part.records, "record"));
    file_ui(row, checkpoint, &part.file, &name);
    row.col(|_| {});
    row.col(|_| {});
    row.col(|ui| number_ui(ui, &format::number(part.bytes)));
    row.col(|ui| number_ui(ui, &format::number(part.records)));
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        line_ui(ui, text::rich(&sum, text::mono(text::SMALLEST), t.text_soft));
    });
}

/// The name of a file with the sign of a checkpoint part.
fn file_ui(row: &mut TableRow<'_, '_>, checkpoint: &StoredCheckpoint, file: &str, more: &str) {
    row.col(|ui| {
        let t = Tokens::of(ui.ctx());
        ui.spacing_mut().item_spacing.x = STEP;
        ui.add_space(5.0 * STEP);
        let (place, _) = ui.allocate_exact_size(Vec2::splat(3.0 * STEP), Sense::hover());
        let mut shapes = Vec::new();
        let square = Rect::from_center_size(place.center(), Vec2::splat(3.0 * STEP));
        cell::shapes(cell::plain(Sign::CheckpointPart), square, t, false, &mut shapes);
        ui.painter().extend(shapes);
        let response = line_ui(ui, text::rich(file, text::mono(text::SMALLEST), t.text_soft));
        let name = format!("{}/{file}{more}", checkpoint.directory());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &name));
    });
}
