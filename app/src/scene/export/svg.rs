//! A scene as an SVG of its own: opens in a browser, needs no font and no style sheet.

use super::cells::{put_cell, put_symbols};
use super::edges::put_edge;
use super::{Palette, xml};
use crate::model::{Cell, Sign};
use crate::scene::metrics::{CELL, CELL_GAP, HEADER, NODE_PAD};
use crate::scene::{Column, Cut, Node, NodeKind, NodeLook, Scene};
use emath::{Pos2, Rect, pos2, vec2};
use faultline_engine::ids::PartitionId;
use std::fmt::{Result, Write};

/// Around everything.
const MARGIN: f32 = 24.0;
/// Room for the headline.
const TITLE: f32 = 44.0;
/// Height of a line of the legend, and width of an entry.
const LEGEND: (f32, f32) = (24.0, 168.0);
/// The narrowest picture: the headline and one line of the legend.
const WIDTH_MIN: f32 = 640.0;
/// From the upper border of a node to the baseline of its title.
const TITLE_Y: f32 = 20.0;
/// Height from which the second line of words has its own row.
const TWO_LINES_FROM: f32 = 74.0;
/// Mean advance of a letter, as a share of the size of the font.
const LETTER: f32 = 0.56;

/// The scene as SVG, with a headline above and the legend below.
pub fn svg(scene: &Scene, headline: &str, palette: &Palette) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_svg(scene, headline, palette, &mut out);
    out
}

fn write_svg(scene: &Scene, headline: &str, p: &Palette, out: &mut String) -> Result {
    let bounds = scene.bounds.unwrap_or(Rect::from_min_size(Pos2::ZERO, vec2(WIDTH_MIN, 0.0)));
    let width = bounds.width().max(WIDTH_MIN);
    let (columns, rows) = legend_grid(width);
    let page = Rect::from_min_size(
        bounds.min - vec2(MARGIN, MARGIN + TITLE),
        vec2(width + 2.0 * MARGIN, TITLE + bounds.height() + MARGIN + rows as f32 * LEGEND.0 + 2.0 * MARGIN),
    );
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="{} {} {} {}" width="{}" height="{}" font-family="Inter, 'Segoe UI', Helvetica, Arial, sans-serif" role="img">"#,
        page.left(),
        page.top(),
        page.width(),
        page.height(),
        page.width(),
        page.height()
    )?;
    writeln!(out, "<title>{}</title>\n<defs>", xml(headline))?;
    put_symbols(out, p)?;
    writeln!(out, "</defs>")?;
    put_rect(out, page, 0.0, &format!(r#"fill="{}""#, p.background))?;
    let title = Words { size: 20.0, bold: true, color: &p.text, room: width };
    title.put(out, pos2(bounds.left(), page.top() + MARGIN + 18.0), headline)?;

    let live = scene.columns.iter().rposition(|column| column.note == "running");
    for (index, column) in scene.columns.iter().enumerate() {
        put_column(out, column, live == Some(index), p)?;
    }
    for y in &scene.shuffle_lines {
        let (left, right) = (bounds.left(), bounds.right());
        writeln!(
            out,
            r#"<path d="M{left} {y}H{right}" stroke="{}" stroke-width="1.5" stroke-dasharray="3 4"/>"#,
            p.line
        )?;
        Words { size: 12.0, bold: false, color: &p.text_faint, room: 80.0 }.put(out, pos2(left, y - 4.0), "shuffle")?;
    }
    for edge in &scene.edges {
        put_edge(out, scene, edge, p)?;
    }
    for node in &scene.nodes {
        put_node(out, node, p)?;
    }
    for cut in &scene.cuts {
        put_cut(out, scene, cut, p)?;
    }
    put_legend(out, pos2(bounds.left(), bounds.bottom() + MARGIN), columns, p)?;
    writeln!(out, "</svg>")
}

fn put_rect(out: &mut String, r: Rect, radius: f32, style: &str) -> Result {
    writeln!(
        out,
        r#"<rect x="{}" y="{}" width="{}" height="{}" rx="{radius}" {style}/>"#,
        r.left(),
        r.top(),
        r.width(),
        r.height()
    )
}

/// Words on one line.
struct Words<'a> {
    size: f32,
    bold: bool,
    color: &'a str,
    /// They end in … where this ends, as far as that can be known without the font.
    room: f32,
}

impl Words<'_> {
    fn put(&self, out: &mut String, at: Pos2, words: &str) -> Result {
        let fit = (self.room / (self.size * LETTER)).max(1.0) as usize;
        let shown = if words.chars().count() > fit {
            words.chars().take(fit.saturating_sub(1)).chain(['…']).collect()
        } else {
            words.to_owned()
        };
        let weight = if self.bold { r#" font-weight="600""# } else { "" };
        writeln!(
            out,
            r#"<text x="{}" y="{}" font-size="{}"{weight} fill="{}">{}</text>"#,
            at.x,
            at.y,
            self.size,
            self.color,
            xml(&shown)
        )
    }
}

fn put_column(out: &mut String, column: &Column, live: bool, p: &Palette) -> Result {
    let fill = if live { &p.column_live } else { &p.column };
    put_rect(out, column.rect, 10.0, &format!(r#"fill="{fill}""#))?;
    let y = column.rect.top() + HEADER * 0.6;
    let room = column.rect.width() - 2.0 * NODE_PAD;
    let color = if live { &p.text } else { &p.text_soft };
    Words { size: 13.0, bold: live, color, room }.put(out, pos2(column.rect.left() + NODE_PAD, y), &column.title)?;
    if column.note.is_empty() {
        return Ok(());
    }
    let color = if live { &p.computing_words } else { &p.text_faint };
    writeln!(
        out,
        r#"<text x="{}" y="{y}" font-size="12.5" font-weight="600" text-anchor="end" fill="{color}">{}</text>"#,
        column.rect.right() - NODE_PAD,
        xml(&column.note)
    )
}

fn put_node(out: &mut String, node: &Node, p: &Palette) -> Result {
    let ghost = node.look == NodeLook::Ghost;
    let file = node.kind == NodeKind::CheckpointFile;
    writeln!(out, "<g><title>{}</title>", xml(&node.label))?;
    let (fill, stroke, width) = match node.look {
        NodeLook::Ghost => ("none", &p.line, 1.0),
        _ if file => (p.column.as_str(), &p.checkpoint, 2.0),
        _ if node.on_path => (p.raised.as_str(), &p.again, 1.5),
        NodeLook::Running => (p.raised.as_str(), &p.empty, 1.0),
        NodeLook::Plain => (p.raised.as_str(), &p.line, 1.0),
    };
    let dashes = if ghost { r#" stroke-dasharray="4 4""# } else { "" };
    put_rect(out, node.rect, 8.0, &format!(r#"fill="{fill}" stroke="{stroke}" stroke-width="{width}"{dashes}"#))?;
    let indent = if file { NODE_PAD + CELL + CELL_GAP } else { NODE_PAD };
    let room = node.rect.width() - indent - 6.0;
    let left = node.rect.left() + indent;
    let middle = node.rect.center().y;
    let two_lines = !node.subtitle.is_empty() && node.rect.height() >= if file { 40.0 } else { TWO_LINES_FROM };
    let title_y = match (file, two_lines) {
        (true, true) => middle - 4.0,
        (true, false) => middle + 4.5,
        (false, _) => node.rect.top() + TITLE_Y,
    };
    let color = match (file, ghost) {
        (true, _) => &p.checkpoint,
        (false, true) => &p.text_faint,
        (false, false) => &p.text,
    };
    Words { size: 13.0, bold: true, color, room }.put(out, pos2(left, title_y), &node.title)?;
    if two_lines {
        let words = Words { size: 12.0, bold: false, color: &p.text_faint, room };
        words.put(out, pos2(left, title_y + 16.0), &node.subtitle)?;
    }
    let y = if file { title_y - 4.5 - CELL / 2.0 } else { node.rect.bottom() - (NODE_PAD - 2.0) - CELL };
    let opacity = if ghost { r#" opacity="0.45""# } else { "" };
    write!(out, "<g{opacity}>")?;
    put_cells(out, node, y, p)?;
    writeln!(out, "</g></g>")
}

/// One cell per partition, or per sign with its count.
fn put_cells(out: &mut String, node: &Node, y: f32, p: &Palette) -> Result {
    let mut x = node.rect.left() + NODE_PAD;
    if node.kind == NodeKind::CheckpointFile {
        return put_cell(out, sample(Sign::CheckpointPart), pos2(x, y));
    }
    for cell in &node.cells {
        put_cell(out, *cell, pos2(x, y))?;
        x += CELL + CELL_GAP;
    }
    if !node.cells.is_empty() {
        return Ok(());
    }
    for (sign, count) in &node.counts {
        let count = count.to_string();
        let width = CELL + 4.0 + count.len() as f32 * 8.0;
        if x + width > node.rect.right() - 4.0 {
            break;
        }
        put_cell(out, sample(*sign), pos2(x, y))?;
        let words = Words { size: 12.0, bold: false, color: &p.text_soft, room: f32::INFINITY };
        words.put(out, pos2(x + CELL + 4.0, y + 12.0), &count)?;
        x += width + CELL_GAP;
    }
    Ok(())
}

fn put_cut(out: &mut String, scene: &Scene, cut: &Cut, p: &Palette) -> Result {
    let r = cut.around;
    writeln!(
        out,
        r#"<path d="M{} {}V{}H{}" fill="none" stroke="{}" stroke-width="2" stroke-dasharray="6 5"/>"#,
        r.left(),
        r.bottom(),
        r.top(),
        r.right(),
        p.checkpoint
    )?;
    let words = Words { size: 12.5, bold: true, color: &p.checkpoint, room: f32::INFINITY };
    words.put(out, r.left_top() + vec2(4.0, -5.0), "cut")?;
    let below = |node: &&Node| {
        node.kind == NodeKind::CheckpointFile
            && node.rect.top() >= r.center().y
            && node.rect.x_range().intersects(r.x_range())
    };
    let file = scene.nodes.iter().find(below).map(|node| node.rect);
    let at = file.map_or(pos2(r.left(), r.bottom() + 14.0), |file| pos2(file.right() + 10.0, file.center().y + 4.0));
    let blocking = |n: &&Node| n.rect.left() > at.x && n.rect.y_range().contains(at.y);
    let end = scene.nodes.iter().filter(blocking).map(|n| n.rect.left()).reduce(f32::min).unwrap_or(at.x + 240.0);
    Words { size: 12.5, bold: false, color: &p.checkpoint, room: end - at.x - 8.0 }.put(out, at, &cut.note)
}

const fn sample(sign: Sign) -> Cell {
    Cell { partition: PartitionId(0), sign, copies: 1, checkpointed: false, recomputed: false }
}

fn legend_entries() -> [(Cell, &'static str); 12] {
    [
        (sample(Sign::NeverComputed), "never computed"),
        (sample(Sign::ComputedNotKept), "computed, not kept"),
        (sample(Sign::Computing), "computing"),
        (sample(Sign::ComputingAgain), "computing again"),
        (sample(Sign::InMemory), "in memory"),
        (Cell { copies: 2, ..sample(Sign::InMemory) }, "two copies"),
        (sample(Sign::OnDisk), "on disk"),
        (Cell { checkpointed: true, ..sample(Sign::InMemory) }, "and checkpointed"),
        (sample(Sign::ReadBack), "read back"),
        (Cell { recomputed: true, ..sample(Sign::InMemory) }, "recomputed"),
        (sample(Sign::Lost), "lost"),
        (sample(Sign::Evicted), "evicted"),
    ]
}

fn legend_grid(width: f32) -> (usize, usize) {
    let columns = ((width / LEGEND.1) as usize).clamp(1, 6);
    (columns, legend_entries().len().div_ceil(columns))
}

fn put_legend(out: &mut String, at: Pos2, columns: usize, p: &Palette) -> Result {
    for (index, (cell, words)) in legend_entries().into_iter().enumerate() {
        let at = at + vec2((index % columns) as f32 * LEGEND.1, (index / columns) as f32 * LEGEND.0);
        put_cell(out, cell, at)?;
        Words { size: 12.5, bold: false, color: &p.text_soft, room: f32::INFINITY }.put(
            out,
            at + vec2(CELL + 8.0, 12.5),
            words,
        )?;
    }
    Ok(())
}
