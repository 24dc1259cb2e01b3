//! `faultline lineage`: the operators of a program, and the lineage of its last result.

use super::args::{LineageArgs, LineageFormat, Sizing};
use super::lineage_text::{diagram, text};
use super::request::run_request;
use crate::handlers::export::palette;
use crate::model::Model;
use crate::race::engine_run::Store;
use crate::scene::export::svg;
use crate::scene::{Filter, build};
use crate::theme::Theme;
use anyhow::Context;
use faultline_engine::event::RddInfo;
use faultline_engine::ids::RddId;
use std::io::Write;

/// Runs the program and prints its lineage.
pub fn lineage(args: &LineageArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let sizing = Sizing { batches: Some(args.batches), ..Sizing::default() };
    let recording = run_request(args.program, &sizing)?.record(&Store::memory())?;
    let model = &recording.model;
    let root =
        last_result(model).with_context(|| format!("{} ran no job, so there is no lineage", args.program.name))?;
    let graph = model.lineage_graph(root);
    match args.format {
        LineageFormat::Text => out.write_all(text(&args.program, model, root).as_bytes())?,
        LineageFormat::Dot => out.write_all(diagram(args.program.name, &graph).dot().as_bytes())?,
        LineageFormat::Mermaid => out.write_all(diagram(args.program.name, &graph).mermaid().as_bytes())?,
        // What the window would draw of the whole run, in the colours of a page.
        LineageFormat::Svg => {
            let scene = build(model, &Filter::default());
            let headline = format!("{}: {}", args.program.name, args.program.summary);
            out.write_all(svg(&scene, &headline, &palette(Theme::Light.tokens())).as_bytes())?;
        }
        LineageFormat::Json => {
            let rdds: Vec<&RddInfo> = graph.rdds().collect();
            serde_json::to_writer(&mut *out, &rdds)?;
            writeln!(out)?;
        }
    }
    Ok(out.flush()?)
}

/// The RDD on which the last action ran; a checkpoint's second job is none.
fn last_result(model: &Model) -> Option<RddId> {
    let last = model.jobs.values().rfind(|job| job.origin.checkpoint_of.is_none())?;
    // Parents come first, so the result stage is the last one.
    last.stages.last().and_then(|stage| model.stages.get(stage)).map(|stage| stage.info.rdd)
}
