//! What is shown under the pointer: what the task was, what it did, and why.

use super::bar_shape::color_of;
use super::scenery::clock;
use crate::model::{Model, TaskState};
use crate::scene::timeline::{Doing, Heap, Segment, Widths, segment_words, segments, task_name};
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, format, text};
use egui::{Rect, Sense, Ui, vec2};
use faultline_engine::event::{DurationSource, Locality, TaskEndReason};

/// Widest.
const WIDTH: f32 = 420.0;
/// More pieces than this are counted.
const PIECES_MAX: usize = 10;

/// About one task.
pub(super) fn task_tooltip(ui: &mut Ui, model: &Model, task: &TaskState) {
    let t = Tokens::of(ui.ctx());
    ui.set_max_width(WIDTH);
    let info = &task.info;
    let small = || text::regular(text::SMALL);
    line_ui(ui, text::rich(task_name(task), text::semibold(text::MEDIUM), t.text));
    let mut place = format!("stage {}, partition {}, executor {}", info.stage, info.partition, info.executor);
    if let Some(job) = model.job_of(info.stage.stage) {
        if let Some(batch) = job.origin.batch {
            place.push_str(&format!(", batch {batch}"));
        }
        if job.origin.checkpoint_of.is_some() {
            place.push_str(", the second job of a checkpoint");
        }
    }
    line_ui(ui, text::rich(place, small(), t.text_soft));
    if info.speculative {
        let words = "speculative, a further attempt of a task that is slow";
        line_ui(ui, text::rich(words, small(), t.text_soft));
    }
    line_ui(ui, text::rich(locality(info.locality), small(), t.text_soft));
    let until = if task.end.is_some() { info.finished } else { model.now };
    let mut when =
        format!("{} from {}", format::duration_ns(until.ns_since(info.launched)), clock(model, info.launched));
    if task.end.is_some() && task.metrics.duration_source == DurationSource::Modelled {
        when.push_str(", modelled");
    }
    line_ui(ui, text::rich(when, small(), t.text_soft));
    match &task.end {
        None => running_ui(ui, model, task),
        Some(reason) => {
            end_ui(ui, reason);
            pieces_ui(ui, model, task);
        }
    }
}

/// Where the task ran, as delay scheduling ranks it (R7.1).
const fn locality(level: Locality) -> &'static str {
    match level {
        Locality::ProcessLocal => "where its data is (PROCESS_LOCAL)",
        Locality::NodeLocal => "on the host of its data (NODE_LOCAL)",
        Locality::NoPref => "it prefers no executor (NO_PREF)",
        Locality::Any => "away from its data (ANY)",
    }
}

/// About many tasks.
pub(super) fn heap_tooltip(ui: &mut Ui, heap: &Heap) {
    let t = Tokens::of(ui.ctx());
    let mut words = format::count(heap.tasks.into(), "task");
    let parts = [(heap.again, "computed again"), (heap.failed, "failed"), (heap.checkpoint_jobs, "for checkpoints")];
    for (n, what) in parts {
        if n > 0 {
            words.push_str(&format!(", {n} {what}"));
        }
    }
    line_ui(ui, text::rich(words, text::semibold(text::MEDIUM), t.text));
    line_ui(ui, text::rich("A click zooms in", text::regular(text::SMALL), t.text_soft));
}

fn running_ui(ui: &mut Ui, model: &Model, task: &TaskState) {
    let t = Tokens::of(ui.ctx());
    let (again, all) =
        model.computing_of(task.info.id).fold((0, 0), |(a, n), (_, again)| (a + u64::from(again), n + 1));
    let words = format!("runs, computing {}", format::count(all, "partition"));
    line_ui(ui, text::rich(words, text::regular(text::SMALL), t.computing_words));
    if again > 0 {
        let words = format!("{} of them again, because something was lost", format::number(again));
        line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text));
    }
}

fn end_ui(ui: &mut Ui, reason: &TaskEndReason) {
    let t = Tokens::of(ui.ctx());
    let words = match reason {
        TaskEndReason::Success => return,
        TaskEndReason::Resubmitted => "finished, and its map output was lost later".to_owned(),
        TaskEndReason::ExceptionFailure { message } | TaskEndReason::FetchFailed { message, .. } => {
            format!("failed, {message}")
        }
        TaskEndReason::TaskResultLost => "lost, nobody has its result".to_owned(),
        TaskEndReason::ExecutorLostFailure { executor, reason, .. } => {
            format!("lost with executor {executor}, {reason}")
        }
        TaskEndReason::TaskCommitDenied { .. } => "denied, another attempt commits the output".to_owned(),
        TaskEndReason::TaskKilled { reason } => format!("killed, {reason}"),
    };
    let color = if matches!(reason, TaskEndReason::TaskKilled { .. }) { t.text } else { t.lost };
    line_ui(ui, text::rich(words.lines().next().unwrap_or_default(), text::regular(text::SMALL), color));
}

fn pieces_ui(ui: &mut Ui, model: &Model, task: &TaskState) {
    let t = Tokens::of(ui.ctx());
    let segments = segments(model, task);
    let note = match segments.widths {
        Widths::Time => "",
        Widths::Records => "Widths by records; the log has no times within a task",
        Widths::Unknown => "The log does not say what the task did",
    };
    if !note.is_empty() {
        line_ui(ui, text::rich(note, text::regular(text::SMALL), t.text_faint));
    }
    let told: Vec<&Segment> = segments.list.iter().filter(|s| s.doing != Doing::Unknown).collect();
    for segment in told.iter().take(PIECES_MAX) {
        piece_ui(ui, segment, segments.widths);
    }
    if told.len() > PIECES_MAX {
        let words = format!("and {} more", told.len() - PIECES_MAX);
        line_ui(ui, text::rich(words, text::regular(text::SMALL), t.text_faint));
    }
}

fn piece_ui(ui: &mut Ui, segment: &Segment, widths: Widths) {
    let t = Tokens::of(ui.ctx());
    let mut words = segment_words(segment);
    if segment.records > 0 {
        words.push_str(&format!(", {}", format::count(segment.records, "record")));
    }
    if widths == Widths::Time {
        words.push_str(&format!(", {}", format::duration_ns(segment.ns.1 - segment.ns.0)));
    }
    if let Some(cause) = segment.cause {
        words.push_str(&format!(", {cause}"));
    }
    ui.horizontal(|ui| {
        let (place, _) = ui.allocate_exact_size(vec2(3.0 * STEP, 4.0 * STEP), Sense::hover());
        let mark = Rect::from_center_size(place.center(), vec2(2.5 * STEP, 2.5 * STEP));
        ui.painter().rect_filled(mark, 2.0, color_of(t, segment.doing, segment.again));
        let color = if segment.again { t.text } else { t.text_soft };
        line_ui(ui, text::rich(words, text::regular(text::SMALL), color));
    });
}
