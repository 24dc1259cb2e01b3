//! The selected task attempt: where and when it ran, how it ended, what it read from which tier.

use super::super::ViewCtx;
use super::facts::fact_ui;
use crate::model::TaskState;
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, format, text};
use egui::Ui;
use faultline_engine::event::{ReadTier, TaskEndReason, TaskKind};

/// Rows that are counted; more are told by a +.
const ROWS: usize = 20_000;

/// The card.
pub fn task_card_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, task: &TaskState) {
    let t = Tokens::of(ui.ctx());
    let info = &task.info;
    line_ui(ui, text::rich(format!("Task {}", info.id), text::semibold(text::MEDIUM), t.text));
    let kind = match info.kind {
        TaskKind::ShuffleMapTask => "Writes map outputs",
        TaskKind::ResultTask => "Gives a result",
    };
    line_ui(ui, text::rich(kind, text::regular(text::SMALL), t.text_faint));
    ui.add_space(STEP);
    fact_ui(ui, "Stage", &format!("{}, attempt {}", info.stage.stage, info.stage.attempt));
    fact_ui(ui, "Partition", &format!("{}, attempt {}", info.partition, info.attempt));
    fact_ui(ui, "Executor", &info.executor.to_string());
    let zero = ctx.model.application.started.unwrap_or(info.launched);
    let launched = format::seconds(info.launched.ns_since(zero));
    let time = match task.end {
        Some(_) => {
            let ran = format::duration_ns(info.finished.ns_since(info.launched));
            format!("{launched}, for {ran}")
        }
        None => format!("{launched}, still running"),
    };
    fact_ui(ui, "Launched at", &time);
    fact_ui(ui, "Outcome", &outcome(task));
    if !task.metrics.reads.is_empty() {
        let (computed, read) = work(ctx, task);
        fact_ui(ui, "Computed", &computed);
        fact_ui(ui, "Read", &read);
    }
    ui.add_space(2.0 * STEP);
}

fn outcome(task: &TaskState) -> String {
    match &task.end {
        None => "runs".to_owned(),
        Some(TaskEndReason::Success) => "succeeded".to_owned(),
        Some(TaskEndReason::ExceptionFailure { message }) => {
            format!("failed, {}", message.lines().next().unwrap_or_default())
        }
        Some(TaskEndReason::FetchFailed { executor: Some(executor), .. }) => {
            format!("could not fetch from executor {executor}")
        }
        Some(TaskEndReason::FetchFailed { executor: None, .. }) => "could not find a map output".to_owned(),
        Some(TaskEndReason::ExecutorLostFailure { executor, .. }) => format!("died with executor {executor}"),
        Some(TaskEndReason::TaskResultLost) => "lost, nobody has its result".to_owned(),
        Some(TaskEndReason::TaskCommitDenied { .. }) => "denied, another attempt commits the output".to_owned(),
        Some(TaskEndReason::TaskKilled { reason }) => format!("killed, {reason}"),
        Some(TaskEndReason::Resubmitted) => "succeeded, its output was lost later".to_owned(),
    }
}

/// What it computed, `3, and 6 again`, and what it read, `1 stored, 1 from a checkpoint`.
fn work(ctx: &ViewCtx<'_>, task: &TaskState) -> (String, String) {
    let (mut stored, mut back, mut logged, mut first, mut again) = (0u64, 0u64, 0u64, 0u64, 0u64);
    let rows = &task.metrics.reads;
    let reader = |rdd| ctx.model.rdds.get(&rdd).is_some_and(|rdd| rdd.reads_checkpoint_files());
    for row in rows.iter().take(ROWS).filter(|row| !reader(row.rdd)) {
        match (row.tier, row.cause) {
            (ReadTier::LocalMemory | ReadTier::LocalDisk | ReadTier::Remote { .. }, _) => stored += 1,
            (ReadTier::Checkpoint, _) => back += 1,
            (ReadTier::WriteAheadLog, _) => logged += 1,
            (ReadTier::Computed, None) => first += 1,
            (ReadTier::Computed, Some(_)) => again += 1,
        }
    }
    let more = if rows.len() > ROWS { " …" } else { "" };
    let list = |counts: &[(u64, &str)]| {
        let some = counts.iter().filter(|(n, _)| *n > 0);
        let words: Vec<String> = some.map(|(n, what)| format!("{} {what}", format::number(*n))).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") + more }
    };
    let read = [(stored, "stored"), (back, "from a checkpoint"), (logged, "from a write-ahead log")];
    (list(&[(first, "first"), (again, "again")]), list(&read))
}
