//! The table of jobs, for programs without batches: the newest on top.

use super::BatchesState;
use super::status::status_ui;
use crate::scene::jobs::JobRow;
use crate::theme::{STEP, Tokens, format};
use crate::ui::ViewCtx;
use crate::ui::table::{HEADER, NOTHING, ROW, header_ui, keyboard_ui, name_row, number_ui, words_ui};
use egui::{Align, Layout, Sense, Ui};
use egui_extras::{Column, TableBuilder};

/// From this width on, skipped stages have a column.
const ROOM_FOR_SKIPPED: f32 = 540.0;

/// Draws the table.
pub(super) fn job_table_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut BatchesState) {
    let t = Tokens::of(ui.ctx());
    let area = ui.max_rect();
    let id = ui.id().with("jobs");
    let count = state.jobs.len();
    let at = |state: &BatchesState| state.jobs.iter().rev().position(|job| Some(job.id.0) == state.selected);
    let page = ((area.height() - HEADER) / ROW) as isize - 1;
    if let Some(to) = keyboard_ui(ui, id, area, "Jobs", page.max(1))
        && let Some(row) = to.from(at(state), count)
    {
        state.reveal = true;
        let job = state.jobs[count - 1 - row].id;
        state.select_job(ctx, job);
    }
    ui.spacing_mut().item_spacing = egui::vec2(2.0 * STEP, 0.0);
    let mut table = TableBuilder::new(ui)
        .id_salt("jobs")
        .sense(Sense::CLICK)
        .auto_shrink(false)
        .min_scrolled_height(0.0)
        .max_scroll_height(f32::INFINITY)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::exact(40.0).clip(true))
        .column(Column::remainder().at_least(80.0).clip(true));
    // What was skipped goes first when there is no room; a row's name has all of it.
    let skipped = area.width() >= ROOM_FOR_SKIPPED;
    for width in [48.0, 54.0, 44.0, 60.0, 92.0].into_iter().enumerate().filter(|(i, _)| *i != 1 || skipped) {
        table = table.column(Column::exact(width.1).clip(true));
    }
    if std::mem::take(&mut state.reveal)
        && let Some(row) = at(state)
    {
        table = table.scroll_to_row(row, None);
    }
    let table = table.header(HEADER, |mut header| {
        let right = Align::Max;
        for (words, align) in [
            ("Job", right),
            ("What for", Align::Min),
            ("Stages", right),
            ("Skipped\nstages", right),
            ("Tasks", right),
            ("Duration\n(ms)", right),
            ("Status", Align::Min),
        ] {
            if words.starts_with("Skipped") && !skipped {
                continue;
            }
            header.col(|ui| header_ui(ui, words, align));
        }
    });
    let mut clicked = None;
    table.body(|body| {
        body.rows(ROW, count, |mut row| {
            let job = &state.jobs[count - 1 - row.index()];
            let selected = state.selected == Some(job.id.0);
            row.set_selected(selected);
            row.col(|ui| number_ui(ui, &job.id.to_string()));
            row.col(|ui| words_ui(ui, &job.purpose, t.text));
            row.col(|ui| number_ui(ui, &job.stages.to_string()));
            if skipped {
                row.col(|ui| number_ui(ui, &job.skipped.to_string()));
            }
            row.col(|ui| number_ui(ui, &format::number(job.tasks)));
            row.col(|ui| number_ui(ui, &duration(job)));
            row.col(|ui| status_ui(ui, job.chart_point().mark, job.status.is_open(), job.status.name()));
            let response = row.response();
            name_row(&response, &name(job), selected);
            if response.clicked() {
                clicked = Some(job.id);
            }
            response.on_hover_text_at_pointer(name(job));
        });
    });
    if let Some(job) = clicked {
        ui.memory_mut(|memory| memory.request_focus(id));
        state.select_job(ctx, job);
    }
}

fn duration(job: &JobRow) -> String {
    job.duration_ns.map_or_else(|| NOTHING.to_owned(), |ns| format::number(ns / 1_000_000))
}

/// `Job 3, succeeded, collect at page_rank.rs:40, 5 stages, 18 tasks`.
fn name(job: &JobRow) -> String {
    let stages = format::count(job.stages.into(), "stage");
    let tasks = format::count(job.tasks, "task");
    let (id, status, purpose, skipped) = (job.id, job.status.name(), &job.purpose, job.skipped);
    format!("Job {id}, {status}, {purpose}, {stages}, {skipped} skipped, {tasks}")
}
