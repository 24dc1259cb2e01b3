use super::*;
use crate::model::{Cell, Sign};
use crate::scene::{Column, Edge, EdgeKind, Node, NodeKey, NodeKind, NodeLook, Scene, Tick};
use emath::{Rect, pos2, vec2};
use faultline_engine::ids::{BatchId, PartitionId};

fn palette() -> Palette {
    let color = || "#123456".to_owned();
    Palette {
        background: color(),
        raised: color(),
        column: color(),
        column_live: color(),
        line: color(),
        text: color(),
        text_soft: color(),
        text_faint: color(),
        empty: color(),
        first_time: color(),
        memory: color(),
        disk: color(),
        checkpoint: color(),
        computing: color(),
        computing_words: color(),
        again: "#f2994a".to_owned(),
        lost: color(),
        on_fill: color(),
    }
}

fn node(index: u64, title: &str, batch: Option<u32>, signs: &[Sign]) -> Node {
    let cell = |(i, sign): (usize, &Sign)| Cell {
        partition: PartitionId(i as u32),
        sign: *sign,
        copies: 1,
        checkpointed: false,
        recomputed: false,
    };
    Node {
        key: NodeKey(index),
        kind: NodeKind::Operator,
        look: NodeLook::Plain,
        rect: Rect::from_min_size(pos2(8.0, 48.0 + 120.0 * index as f32), vec2(160.0, 60.0)),
        title: title.to_owned(),
        subtitle: String::new(),
        batch: batch.map(BatchId),
        rdds: Vec::new(),
        cells: signs.iter().enumerate().map(cell).collect(),
        counts: signs.first().map(|sign| (*sign, signs.len() as u32)).into_iter().collect(),
        on_path: false,
        label: format!("{title}, a label"),
    }
}

/// Two nodes in one batch with a shuffle between, and one outside, with names that need escaping.
fn scene() -> Scene {
    let nodes = vec![
        node(0, "map <a & \"b\">", Some(3), &[Sign::InMemory, Sign::ComputingAgain]),
        node(1, "reduceByKey", Some(3), &[Sign::Lost, Sign::Lost]),
        node(2, "text\\file", None, &[Sign::OnDisk]),
    ];
    let (from, to) = (nodes[0].rect.center_bottom(), nodes[1].rect.center_top());
    Scene {
        columns: vec![Column {
            title: "batch 3".to_owned(),
            note: "running".to_owned(),
            rect: Rect::from_min_max(pos2(0.0, 0.0), pos2(176.0, 240.0)),
            batch: Some(BatchId(3)),
        }],
        edges: vec![Edge {
            from: 0,
            to: 1,
            kind: EdgeKind::Fan(vec![Tick::Present, Tick::Lost]),
            points: vec![from, to],
            ghost: false,
            on_path: false,
        }],
        bounds: Some(Rect::from_min_max(pos2(0.0, 0.0), pos2(176.0, 360.0))),
        nodes,
        ..Scene::default()
    }
}

/// Every element that is opened is closed, and every reference has its target: what a browser needs.
fn check_xml(text: &str) {
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').expect("a tag ends") + at;
        let tag = &rest[at + 1..end];
        assert!(!tag.contains('<'), "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order");
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?} stay open");
    for part in text.split("href=\"#").skip(1).chain(text.split("url(#").skip(1)) {
        let id = part.split(['"', ')']).next().unwrap();
        assert!(text.contains(&format!("id=\"{id}\"")), "{id} is not defined");
    }
    for part in text.split('&').skip(1) {
        assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|e| part.starts_with(e)), "&{}", &part[..8.min(part.len())]);
    }
}

/// Without this a browser refuses the picture, or the picture lacks a node, a sign or the headline.
#[test]
fn the_svg_is_whole_and_well_formed() {
    let text = svg(&scene(), "Executor 2 died & took <4> partitions", &palette());
    check_xml(&text);
    for part in [
        "<title>Executor 2 died &amp; took &lt;4&gt; partitions</title>",
        "map &lt;a &amp; &quot;b&quot;&gt;",
        "<title>reduceByKey, a label</title>",
        "batch 3",
        "running",
        "recomputed",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    let drawn = |id: &str| text.matches(&format!("href=\"#{id}\"")).count();
    // One each in the legend, the rest in nodes.
    assert_eq!([drawn("lost"), drawn("computing-again"), drawn("on-disk")], [3, 2, 2]);
    assert!(!text.contains("NaN") && !text.contains("inf"));
    check_xml(&svg(&Scene::default(), "\u{1}", &palette()));
}

/// Without this Graphviz refuses the file, or a batch loses its cluster or its counts.
#[test]
fn the_dot_has_clusters_counts_and_escapes() {
    let text = Diagram::of_scene(&scene(), "a \"name\"").dot();
    for part in [
        "digraph \"a \\\"name\\\"\" {",
        "subgraph cluster_0 {\n    label=\"batch 3\";\n    node_0 [label=\"map <a & \\\"b\\\">\\n2 in memory\"];",
        "  node_2 [label=\"text\\\\file\\n1 on disk\"];",
        "node_0 -> node_1 [style=\"dashed,bold\", label=\"1 of 2 map outputs, 1 lost\"];",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    // Outside of strings braces and brackets are in pairs.
    let bare: String = text.replace("\\\\", "").replace("\\\"", "").split('"').step_by(2).collect();
    for (open, close) in [('{', '}'), ('[', ']')] {
        assert_eq!(bare.matches(open).count(), bare.matches(close).count(), "{bare}");
    }
}

/// Without this Mermaid shows a syntax error in place of the graph.
#[test]
fn the_mermaid_has_subgraphs_and_escapes() {
    let text = Diagram::of_scene(&scene(), "name").mermaid();
    for part in [
        "flowchart LR\n  subgraph cluster_0[\"batch 3\"]",
        "    node_0[\"map #lt;a #amp; #quot;b#quot;#gt;<br>2 in memory\"]",
        "  end\n",
        "  node_0 -.->|\"1 of 2 map outputs, 1 lost\"| node_1",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    assert_eq!(text.matches("subgraph ").count(), text.matches("  end\n").count());
}
