//! Facts of an RDD: where it was made, how it is kept, how deep its lineage is.

use super::super::ViewCtx;
use crate::model::RddState;
use crate::theme::{STEP, Tokens, text};
use egui::{Align, Label, Layout, Ui, vec2};
use faultline_engine::ids::{Millis, RddId};

const NAME_WIDTH: f32 = 88.0;

/// How long the lineage of the selected RDD is, kept while neither changes: counting walks all of it.
#[derive(Debug, Default)]
pub struct LineageSize {
    counted_of: Option<(RddId, u64)>,
    rdds: usize,
    shuffles: usize,
}

impl LineageSize {
    /// RDDs, with the one that is asked for, and shuffles.
    pub fn of(&mut self, ctx: &ViewCtx<'_>, rdd: RddId) -> (usize, usize) {
        let of = Some((rdd, ctx.model.structure()));
        if self.counted_of != of {
            (self.rdds, self.shuffles) = ctx.model.lineage_size(rdd);
            self.counted_of = of;
        }
        (self.rdds, self.shuffles)
    }
}

/// What recovery depends on: kept how, checkpointed when, how far the walk back is.
pub fn recovery_facts_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, rdd: &RddState, size: &mut LineageSize) {
    fact_ui(ui, "Level", &rdd.info.level.to_string());
    fact_ui(ui, "Checkpoint", &checkpoint(ctx, rdd));
    fact_ui(ui, "Lineage", &depth(size.of(ctx, rdd.info.id)));
}

/// What the RDD is.
pub fn facts_ui(ui: &mut Ui, rdd: &RddState) {
    fact_ui(ui, "RDD", &format!("{} · {}", rdd.info.id, rdd.info.display_name()));
    if !rdd.info.callsite.is_empty() {
        fact_ui(ui, "Made", &rdd.info.callsite);
    }
    let partitions = rdd.partitions.len();
    let partitioner = rdd.info.partitioner.as_ref().map(|p| format!(", by {}", p.class)).unwrap_or_default();
    fact_ui(ui, "Partitions", &format!("{partitions}{partitioner}"));
}

/// One fact: its name and its value, which ends in … where the panel ends.
pub fn fact_ui(ui: &mut Ui, name: &str, value: &str) {
    let t = Tokens::of(ui.ctx());
    ui.spacing_mut().interact_size.y = 5.0 * STEP;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0 * STEP;
        ui.allocate_ui_with_layout(vec2(NAME_WIDTH, 4.0 * STEP), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(NAME_WIDTH);
            ui.label(text::rich(name, text::regular(text::SMALL), t.text_faint));
        });
        let words = text::rich(value, text::regular(text::SMALL), t.text);
        ui.add(Label::new(words).truncate()).on_hover_text(value);
    });
}

fn checkpoint(ctx: &ViewCtx<'_>, rdd: &RddState) -> String {
    if let Some(path) = &rdd.checkpoint_path {
        return path.trim_end_matches('/').rsplit('/').next().unwrap_or(path).to_owned() + ", written";
    }
    if rdd.checkpoint_writing {
        return "being written".to_owned();
    }
    let interval = ctx.model.streams.interval;
    let stream = ctx.model.streams.streams.iter().find(|s| s.operator == rdd.info.op.operator);
    match stream.and_then(|s| s.checkpoint_interval) {
        Some(Millis(every)) if interval.0 > 0 => match every / interval.0 {
            1 => "every batch".to_owned(),
            n => format!("every {n} batches"),
        },
        _ if rdd.checkpoint_marked => "marked, not written".to_owned(),
        _ => "none".to_owned(),
    }
}

/// How many RDDs and shuffles stand behind it.
fn depth((rdds, shuffles): (usize, usize)) -> String {
    let others = rdds.saturating_sub(1);
    let plural = |n: usize, noun: &str| crate::theme::format::count(n as u64, noun);
    if others == 0 {
        return "no parents".to_owned();
    }
    format!("{} behind it, {}", plural(others, "RDD"), plural(shuffles, "shuffle"))
}
