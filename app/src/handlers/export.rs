//! The graph as a file: what the lineage view would draw of the whole run.

use crate::command::GraphFormat;
use crate::model::Model;
use crate::platform::screenshot::write_png;
use crate::platform::whole_file::write_whole;
use crate::scene::export::{Diagram, Palette, svg};
use crate::scene::{Filter, build};
use crate::theme::{Theme, Tokens};
use crate::window::lineage_picture;
use anyhow::{Context as _, bail};
use egui::Color32;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

/// Writes the graph.
///
/// # Errors
/// When there is nothing to draw, or the file cannot be written.
pub fn export(model: &Model, format: GraphFormat, theme: Theme, path: &Path) -> anyhow::Result<()> {
    let scene = build(model, &Filter::default());
    if scene.nodes.is_empty() {
        bail!("The lineage has no node yet, so there is nothing to export");
    }
    let text = match format {
        GraphFormat::Svg => svg(&scene, headline(model), &palette(theme.tokens())),
        GraphFormat::Dot => Diagram::of_scene(&scene, &model.application.name).dot(),
        GraphFormat::Mermaid => Diagram::of_scene(&scene, &model.application.name).mermaid(),
        GraphFormat::Png => return write_png(&lineage_picture(model, &Arc::new(scene), theme), path),
    };
    write_whole(path, |file| file.write_all(text.as_bytes()))
        .with_context(|| format!("Cannot export {}", path.display()))
}

/// What the picture is about: the last sentence, else the program.
fn headline(model: &Model) -> &str {
    if model.story.headline.is_empty() { &model.application.name } else { &model.story.headline }
}

/// The colours of a theme as the scene writes them.
pub fn palette(t: &Tokens) -> Palette {
    Palette {
        background: hex(t.background),
        raised: hex(t.raised),
        column: hex(t.column),
        column_live: hex(t.column_live),
        line: hex(t.line),
        text: hex(t.text),
        text_soft: hex(t.text_soft),
        text_faint: hex(t.text_faint),
        empty: hex(t.empty),
        first_time: hex(t.first_time),
        memory: hex(t.memory),
        disk: hex(t.disk),
        checkpoint: hex(t.checkpoint),
        computing: hex(t.computing),
        computing_words: hex(t.computing_words),
        again: hex(t.again),
        lost: hex(t.lost),
        on_fill: hex(t.on_fill),
    }
}

fn hex(color: Color32) -> String {
    let [r, g, b, _] = color.to_array();
    format!("#{r:02x}{g:02x}{b:02x}")
}
