//! Batches as three charts and a table; jobs in their place for programs without batches.

mod batch_table;
mod charts;
mod job_table;
mod status;
mod stream_strip;

pub(super) use stream_strip::stop_items_ui;

use self::charts::{ChartState, Charts};
use super::ViewCtx;
use super::table::Sorted;
use crate::command::AppCommand;
use crate::scene::batches::{BatchColumn, BatchRow, batch_rows, order};
use crate::scene::charts::ChartPoint;
use crate::scene::jobs::{JobRow, JobRows};
use crate::theme::{STEP, Tokens, text};
use egui::{Rect, Ui, UiBuilder};
use faultline_engine::ids::{BatchId, JobId};

/// From this width on, charts and table stand side by side.
const SIDE_BY_SIDE: f32 = 620.0;
/// From this height on, they stand above each other all the same: charts gain nothing from more height.
const TALL: f32 = 520.0;
/// Below this height there is no room for charts above a table.
const STACKED_HEIGHT: f32 = 340.0;

/// What the panel keeps between frames.
#[derive(Default)]
pub struct BatchesState {
    /// Revision and application that the rows were made from.
    made_from: Option<(u64, String)>,
    batches: Vec<BatchRow>,
    jobs: Vec<JobRow>,
    job_rows: JobRows,
    points: Vec<ChartPoint>,
    /// Rows of `batches` in the order shown.
    order: Vec<usize>,
    sort: Sort,
    chart: ChartState,
    selected: Option<u32>,
    /// The table scrolls to the selected row in the next frame.
    reveal: bool,
}

/// How the batches are sorted.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sort {
    by: BatchColumn,
    descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { by: BatchColumn::Batch, descending: true }
    }
}

impl Sort {
    fn of(self, column: BatchColumn) -> Sorted {
        match (self.by == column, self.descending) {
            (false, _) => Sorted::No,
            (true, true) => Sorted::Down,
            (true, false) => Sorted::Up,
        }
    }

    /// A click on a header: largest first, then smallest first.
    fn clicked(&mut self, column: BatchColumn) {
        *self = Self { by: column, descending: self.by != column || !self.descending };
    }
}

impl BatchesState {
    /// The selected batch.
    pub fn selected_batch(&self) -> Option<BatchId> {
        self.selected.filter(|_| !self.batches.is_empty()).map(BatchId)
    }

    fn update(&mut self, ctx: &ViewCtx<'_>) {
        let from = (ctx.model.revision, ctx.model.application.id.clone());
        if self.made_from.as_ref() == Some(&from) {
            return;
        }
        if self.made_from.as_ref().is_none_or(|(revision, id)| *id != from.1 || *revision > from.0) {
            let sort = self.sort;
            *self = Self { sort, ..Self::default() };
        }
        self.made_from = Some(from);
        if has_batches(ctx) {
            self.batches = batch_rows(ctx.model);
            self.points = self.batches.iter().map(BatchRow::chart_point).collect();
            self.sort_rows();
        } else {
            self.jobs = self.job_rows.update(ctx.model);
            self.points = self.jobs.iter().map(JobRow::chart_point).collect();
        }
        self.chart.forget();
    }

    fn sort_rows(&mut self) {
        self.order = order(&self.batches, self.sort.by, self.sort.descending);
    }

    fn select_batch(&mut self, ctx: &ViewCtx<'_>, batch: BatchId) {
        self.selected = Some(batch.0);
        ctx.send.send(AppCommand::ShowBatch(batch));
    }

    fn select_job(&mut self, ctx: &ViewCtx<'_>, job: JobId) {
        self.selected = Some(job.0);
        let rdd = self.jobs.iter().find(|row| row.id == job).and_then(|row| row.result);
        if let Some(node) = rdd.and_then(|rdd| crate::scene::node_of(ctx.model, rdd)) {
            ctx.send.send(AppCommand::Select(Some(node)));
        }
    }
}

fn has_batches(ctx: &ViewCtx<'_>) -> bool {
    ctx.model.streams.zero.is_some() || !ctx.model.batches.is_empty()
}

/// Fills the panel.
pub fn batches_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut BatchesState) {
    state.update(ctx);
    if state.points.is_empty() {
        empty_ui(ui, ctx);
        return;
    }
    let area = ui.available_rect_before_wrap();
    ui.advance_cursor_after_rect(area);
    let (charts, mut table) = places(area);
    if has_batches(ctx) && table.height() > 4.0 * stream_strip::HEIGHT {
        let (strip, rest) = table.split_top_bottom_at_y(table.top() + stream_strip::HEIGHT);
        within(ui, strip, "stream", |ui| stream_strip::stream_strip_ui(ui, ctx));
        table = rest;
    }
    if let Some(place) = charts {
        within(ui, place, "charts", |ui| charts_ui(ui, ctx, state));
    }
    within(ui, table, "table", |ui| {
        if has_batches(ctx) {
            batch_table::batch_table_ui(ui, ctx, state);
        } else {
            job_table::job_table_ui(ui, ctx, state);
        }
    });
}

/// Where the charts are, when there is room for them, and where the table is.
fn places(area: Rect) -> (Option<Rect>, Rect) {
    let gap = 4.0 * STEP;
    if area.width() >= SIDE_BY_SIDE && area.height() < TALL {
        let width = (area.width() * 0.3).max(200.0).floor();
        let (left, right) = area.split_left_right_at_x(area.left() + width);
        return (Some(left), right.with_min_x(right.left() + gap));
    }
    if area.height() >= STACKED_HEIGHT {
        let (above, below) = area.split_top_bottom_at_y(area.top() + (area.height() * 0.42).clamp(160.0, 360.0));
        return (Some(above), below.with_min_y(below.top() + 2.0 * STEP));
    }
    (None, area)
}

fn within(ui: &mut Ui, place: Rect, salt: &str, contents: impl FnOnce(&mut Ui)) {
    let mut child = ui.new_child(UiBuilder::new().id_salt(salt).max_rect(place));
    child.set_clip_rect(ui.clip_rect().intersect(place));
    contents(&mut child);
}

fn charts_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut BatchesState) {
    let batches = has_batches(ctx);
    let titles = if batches {
        ["Input (records)", "Scheduling delay (ms)", "Processing time (ms)"]
    } else {
        ["Stages that ran", "Tasks", "Duration (ms)"]
    };
    let interval = ctx.model.streams.interval.0;
    let charts = Charts {
        noun: if batches { "Batch" } else { "Job" },
        titles,
        points: &state.points,
        limit: (batches && interval > 0).then_some(interval as f64),
        selected: state.selected,
    };
    let Some(number) = charts::charts_ui(ui, &charts, &mut state.chart) else { return };
    state.reveal = true;
    if batches {
        state.select_batch(ctx, BatchId(number));
    } else {
        state.select_job(ctx, JobId(number));
    }
}

fn empty_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    let words = match (ctx.controllable, has_batches(ctx)) {
        (true, true) => "No batch has been submitted yet: press Play, or Step to see the first one",
        (true, false) => "No job has run yet: press Play, or Step to see the first one",
        (false, _) => "Neither batches nor jobs are in this log: open another, or run a program",
    };
    // The panel keeps its size whatever it shows.
    ui.set_min_size(ui.available_size());
    ui.label(text::rich(words, text::regular(text::SMALL), t.text_faint));
}
