//! Boxes and arrows without positions: what Graphviz and Mermaid lay out themselves.

use crate::model::Sign;
use crate::scene::{Edge, EdgeKind, Node, NodeKind, NodeLook, Scene, Tick};
use std::fmt::Write;

/// A box.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiagramBox {
    /// Identifier: letters, digits and `_`.
    pub id: String,
    /// Words, one entry per line.
    pub lines: Vec<String>,
    /// Index of the cluster that it is in.
    pub cluster: Option<usize>,
    /// Whether it is drawn as no longer needed.
    pub ghost: bool,
}

/// How an arrow is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A narrow dependency.
    Solid,
    /// A shuffle.
    Dashed,
    /// State of an earlier batch.
    Bold,
}

/// An arrow in the direction of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Identifier of the box that is read.
    pub from: String,
    /// Identifier of the box that reads.
    pub to: String,
    /// How it is drawn.
    pub line: Line,
    /// Words on it.
    pub label: String,
}

/// Boxes, some of them in clusters, and arrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// What it is called.
    pub name: String,
    /// Titles of the clusters.
    pub clusters: Vec<String>,
    /// Boxes.
    pub boxes: Vec<DiagramBox>,
    /// Arrows.
    pub arrows: Vec<Arrow>,
}

impl Diagram {
    /// The operators of a scene, its batches as clusters, with counts per sign.
    pub fn of_scene(scene: &Scene, name: &str) -> Self {
        let id = |index: usize| format!("node_{index}");
        let cluster_of = |node: &Node| match node.batch {
            Some(batch) => scene.columns.iter().position(|column| column.batch == Some(batch)),
            None => scene.columns.iter().position(|column| column.rect.contains(node.rect.center())),
        };
        let boxes = scene.nodes.iter().enumerate().map(|(i, node)| DiagramBox {
            id: id(i),
            lines: lines(node),
            cluster: cluster_of(node),
            ghost: node.look == NodeLook::Ghost,
        });
        let arrows = scene.edges.iter().map(|edge| Arrow {
            from: id(edge.from),
            to: id(edge.to),
            line: line(edge),
            label: label(edge),
        });
        Self {
            name: name.to_owned(),
            clusters: scene.columns.iter().map(|column| column.title.clone()).collect(),
            boxes: boxes.collect(),
            arrows: arrows.collect(),
        }
    }

    /// For Graphviz.
    pub fn dot(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_dot(&mut text);
        text
    }

    fn write_dot(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "digraph \"{}\" {{\n  rankdir=LR;\n  node [shape=box];", dot_text(&self.name))?;
        let put_box = |out: &mut String, indent: &str, b: &DiagramBox| {
            let lines: Vec<String> = b.lines.iter().map(|line| dot_text(line)).collect();
            let style = if b.ghost { ", style=dashed" } else { "" };
            writeln!(out, "{indent}{} [label=\"{}\"{style}];", b.id, lines.join("\\n"))
        };
        for (index, title) in self.clusters.iter().enumerate() {
            let members = self.boxes.iter().filter(|b| b.cluster == Some(index));
            writeln!(out, "  subgraph cluster_{index} {{\n    label=\"{}\";", dot_text(title))?;
            for member in members {
                put_box(out, "    ", member)?;
            }
            writeln!(out, "  }}")?;
        }
        for free in self.boxes.iter().filter(|b| b.cluster.is_none()) {
            put_box(out, "  ", free)?;
        }
        for arrow in &self.arrows {
            let style = match arrow.line {
                Line::Solid => None,
                Line::Dashed => Some("style=\"dashed,bold\"".to_owned()),
                Line::Bold => Some("style=bold, constraint=true".to_owned()),
            };
            let label = (!arrow.label.is_empty()).then(|| format!("label=\"{}\"", dot_text(&arrow.label)));
            let attributes: Vec<String> = style.into_iter().chain(label).collect();
            let attributes =
                if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) };
            writeln!(out, "  {} -> {}{attributes};", arrow.from, arrow.to)?;
        }
        writeln!(out, "}}")
    }

    /// For Markdown.
    pub fn mermaid(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_mermaid(&mut text);
        text
    }

    fn write_mermaid(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "flowchart LR")?;
        let put_box = |out: &mut String, indent: &str, b: &DiagramBox| {
            let lines: Vec<String> = b.lines.iter().map(|line| mermaid_text(line)).collect();
            let class = if b.ghost { ":::ghost" } else { "" };
            writeln!(out, "{indent}{}[\"{}\"]{class}", b.id, lines.join("<br>"))
        };
        for (index, title) in self.clusters.iter().enumerate() {
            writeln!(out, "  subgraph cluster_{index}[\"{}\"]", mermaid_text(title))?;
            for member in self.boxes.iter().filter(|b| b.cluster == Some(index)) {
                put_box(out, "    ", member)?;
            }
            writeln!(out, "  end")?;
        }
        for free in self.boxes.iter().filter(|b| b.cluster.is_none()) {
            put_box(out, "  ", free)?;
        }
        for arrow in &self.arrows {
            let line = match arrow.line {
                Line::Solid => "-->",
                Line::Dashed => "-.->",
                Line::Bold => "==>",
            };
            let label =
                if arrow.label.is_empty() { String::new() } else { format!("|\"{}\"|", mermaid_text(&arrow.label)) };
            writeln!(out, "  {} {line}{label} {}", arrow.from, arrow.to)?;
        }
        if self.boxes.iter().any(|b| b.ghost) {
            writeln!(out, "  classDef ghost stroke-dasharray: 4 4")?;
        }
        Ok(())
    }
}

fn lines(node: &Node) -> Vec<String> {
    let mut lines = vec![node.title.clone()];
    if !node.subtitle.is_empty() {
        lines.push(node.subtitle.clone());
    }
    if node.kind == NodeKind::Operator {
        let count = |(sign, count): &(Sign, u32)| format!("{count} {}", sign.name());
        lines.extend(node.counts.iter().map(count));
    }
    lines
}

const fn line(edge: &Edge) -> Line {
    match edge.kind {
        EdgeKind::Narrow | EdgeKind::FromCheckpoint => Line::Solid,
        EdgeKind::Fan(_) => Line::Dashed,
        EdgeKind::Thread => Line::Bold,
    }
}

/// What became of the map outputs: `4 of 6 map outputs, 2 lost`.
fn label(edge: &Edge) -> String {
    let EdgeKind::Fan(ticks) = &edge.kind else { return String::new() };
    let of = |kind: Tick| ticks.iter().filter(|tick| **tick == kind).count();
    let (there, lost) = (of(Tick::Present) + of(Tick::Rewritten), of(Tick::Lost));
    match (there, lost) {
        (0, 0) => String::new(),
        (_, 0) => format!("{there} of {} map outputs", ticks.len()),
        _ => format!("{there} of {} map outputs, {lost} lost", ticks.len()),
    }
}

fn dot_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " ")
}

/// Mermaid has entities of its own, and reads words as Markdown and HTML.
fn mermaid_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '`' => out.push_str("#96;"),
            '*' => out.push_str("#42;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
