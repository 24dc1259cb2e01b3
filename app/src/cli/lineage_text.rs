//! A lineage as text: Spark's `toDebugString`, and its RDDs as a diagram.

use super::operators::operators;
use crate::model::Model;
use crate::scene::export::{Arrow, Diagram, DiagramBox, Line};
use faultline_engine::event::{DependencyKind, RddInfo};
use faultline_engine::ids::{OperatorName, RddId};
use faultline_engine::lineage::{LineageGraph, to_debug_string};
use faultline_engine::programs::BuiltIn;
use std::fmt::Write;

/// Lines of `toDebugString`; shared parents are printed again each time, so it can grow without end.
const MAX_DEBUG_LINES: usize = 10_000;

/// The operators as a table, and `toDebugString` of `root`.
pub fn text(program: &BuiltIn, model: &Model, root: RddId) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(program, model, root, &mut text);
    text
}

fn write_text(program: &BuiltIn, model: &Model, root: RddId, text: &mut String) -> std::fmt::Result {
    writeln!(text, "{}: {}", program.name, program.summary)?;
    writeln!(text)?;
    let rows = operators(model);
    let reads: Vec<String> = rows.iter().map(|row| names(&row.parents)).collect();
    let widest = |cells: &mut dyn Iterator<Item = usize>| cells.max().unwrap_or(0);
    let name_width = widest(&mut rows.iter().map(|row| row.name.as_str().len())).max("operator".len());
    let reads_width = widest(&mut reads.iter().map(String::len)).max("reads".len());
    writeln!(text, "{:<name_width$}  {:<reads_width$}  {:<17}  checkpoint", "operator", "reads", "level")?;
    for (row, reads) in rows.iter().zip(&reads) {
        let level = row.level.to_string();
        let checkpoint = row.checkpoint.as_deref().unwrap_or("never");
        writeln!(text, "{:<name_width$}  {reads:<reads_width$}  {level:<17}  {checkpoint}", row.name.as_str())?;
    }
    for output in &model.streams.outputs {
        let stream = model.streams.streams.iter().find(|s| s.id == output.stream);
        writeln!(text, "output: {} of {}", output.name, stream.map_or("?", |s| s.operator.as_str()))?;
    }
    let Some(rdd) = model.rdds.get(&root) else { return Ok(()) };
    writeln!(text)?;
    writeln!(text, "lineage of {}, as toDebugString prints it", rdd.info.op)?;
    let graph = model.lineage_graph(root);
    let blocks = |id| model.block_summary(id);
    writeln!(text, "{}", to_debug_string(&graph, root, rdd.info.level, blocks, MAX_DEBUG_LINES))
}

fn names(operators: &[OperatorName]) -> String {
    let names: Vec<&str> = operators.iter().map(OperatorName::as_str).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

/// The RDDs as boxes: narrow dependencies are solid, shuffles are dashed.
pub fn diagram(name: &str, graph: &LineageGraph) -> Diagram {
    let boxes = graph.rdds().map(|rdd| DiagramBox {
        id: format!("rdd_{}", rdd.id),
        lines: label(rdd).into(),
        cluster: None,
        ghost: false,
    });
    let arrows = edges(graph).map(|(parent, child, line)| Arrow {
        from: format!("rdd_{parent}"),
        to: format!("rdd_{child}"),
        line,
        label: String::new(),
    });
    Diagram { name: name.to_owned(), clusters: Vec::new(), boxes: boxes.collect(), arrows: arrows.collect() }
}

fn label(rdd: &RddInfo) -> [String; 3] {
    let kept = if rdd.level.is_valid() { format!(", {}", rdd.level) } else { String::new() };
    [
        rdd.op.to_string(),
        format!("{}[{}]", rdd.display_name(), rdd.id),
        format!("{} partitions{kept}", rdd.num_partitions),
    ]
}

/// Parent, child, and how the arrow is drawn; by child, dependencies in order.
fn edges(graph: &LineageGraph) -> impl Iterator<Item = (RddId, RddId, Line)> {
    let of = |child: &RddInfo| {
        let id = child.id;
        let edge = move |p: &faultline_engine::event::DependencyInfo| match p.kind {
            DependencyKind::Shuffle { .. } => (p.rdd, id, Line::Dashed),
            _ => (p.rdd, id, Line::Solid),
        };
        child.parents.iter().map(edge).collect::<Vec<_>>()
    };
    graph.rdds().flat_map(of).filter(|(parent, _, _)| graph.contains(*parent))
}
