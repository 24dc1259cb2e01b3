//! What the right side says while nothing is selected: what to do next.

use super::super::ViewCtx;
use crate::command::{AppCommand, Focus};
use crate::scene::why::{most_interesting, partition_name};
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, text};
use egui::{Button, Label, Ui};
use faultline_engine::ids::BlockId;

/// RDDs of the recovery that are looked at for an example, the newest ones.
const LOOKED_AT: usize = 64;

/// The advice.
pub fn nothing_ui(ui: &mut Ui, ctx: &ViewCtx<'_>) {
    let t = Tokens::of(ui.ctx());
    line_ui(ui, text::rich("Nothing selected", text::semibold(text::MEDIUM), t.text));
    let example = example(ctx);
    let words = match example {
        Some(_) => "Click a cell that was lost or computed again to read why",
        None if ctx.scene.nodes.is_empty() => "The lineage appears with the first job",
        None => "Click a node of the lineage to see its facts, or a cell to read why it was computed",
    };
    ui.add(Label::new(text::rich(words, text::regular(text::SMALL), t.text_faint)).wrap());
    if let Some(block) = example {
        ui.add_space(2.0 * STEP);
        let words = format!("Show {}", partition_name(ctx.model, block));
        let words = text::rich(words, text::regular(text::SMALL), t.text);
        if ui.add(Button::new(words).truncate()).clicked() {
            ctx.send.send(AppCommand::Focus(Focus::Partition(block)));
        }
    }
}

/// A stored partition of the last recovery, else one that was lost, else any that was computed again.
fn example(ctx: &ViewCtx<'_>) -> Option<BlockId> {
    ctx.model.faults.back()?;
    let of = |id| Some(BlockId::new(id, most_interesting(ctx.model.rdds.get(&id)?)?));
    let on_path = ctx.model.story.path.iter().rev().take(LOOKED_AT).copied();
    let kept = |id: &_| ctx.model.rdds.get(id).is_some_and(|rdd| rdd.info.level.is_valid());
    let stored = on_path.clone().filter(kept).find_map(of);
    let newest = ctx.model.rdds.keys().rev().take(LOOKED_AT).copied();
    let lost = || newest.filter(kept).find_map(of);
    stored.or_else(lost).or_else(|| on_path.filter_map(of).next())
}
