//! What changed between the program that wrote a checkpoint and the one that reads it (D-11).

use super::description::{GraphDescription, StreamingCheckpoint};
use crate::event::{OutputOpInfo, StreamInfo};
use crate::ids::Millis;
use std::collections::BTreeMap;
use std::fmt;

/// What is done when the program has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnChange {
    /// The start is refused, and the differences are named.
    #[default]
    Ask,
    /// What belongs to operators that are still there is kept, the rest is ignored.
    Keep,
    /// As [`OnChange::Keep`], and saved data of renamed operators goes to their new names; a start that would drop
    /// saved data is refused.
    Migrate,
    /// The checkpoint is not used: the stream begins anew.
    Discard,
}

impl OnChange {
    /// All of them, in the order of menus.
    pub const ALL: [Self; 4] = [Self::Ask, Self::Keep, Self::Migrate, Self::Discard];

    /// Their names.
    pub const WORDS: &[&str] = &["ask", "keep", "migrate", "discard"];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Keep => "keep",
            Self::Migrate => "migrate",
            Self::Discard => "discard",
        }
    }
}

/// Settings that shape what batches hold; others may change from run to run.
const SHAPING: [&str; 3] = ["faultline.seed", "spark.default.parallelism", "faultline.defaultParallelism"];

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The operator, output operation or setting.
    pub what: String,
    /// How it was.
    pub before: String,
    /// How it is.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} → {}", self.what, self.before, self.now)
    }
}

/// What the program has that the checkpoint has not, operator by operator and setting by setting. Lines of
/// source files may move: call sites are not compared.
pub fn differences(
    before: &StreamingCheckpoint,
    interval: Millis,
    graph: &GraphDescription,
    properties: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&mut found, "application", Some(before.application.clone()), properties.get("spark.app.name").cloned());
    compare(&mut found, "batch interval", Some(format!("{} ms", before.interval)), Some(format!("{interval} ms")));
    let streams = |graph: &GraphDescription| -> BTreeMap<String, String> {
        graph.streams.iter().map(|stream| (format!("operator {}", stream.operator), shape(stream, graph))).collect()
    };
    by_key(&mut found, &streams(&before.graph), &streams(graph));
    let outputs = |graph: &GraphDescription| -> BTreeMap<String, String> {
        graph.outputs.iter().map(|output| (format!("output operation {}", output.id), effect(output, graph))).collect()
    };
    by_key(&mut found, &outputs(&before.graph), &outputs(graph));
    for key in SHAPING {
        compare(&mut found, key, before.properties.get(key).cloned(), properties.get(key).cloned());
    }
    found
}

fn by_key(found: &mut Vec<Difference>, before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) {
    for (what, text) in before {
        compare(found, what, Some(text.clone()), now.get(what).cloned());
    }
    for (what, text) in now.iter().filter(|(what, _)| !before.contains_key(*what)) {
        compare(found, what, None, Some(text.clone()));
    }
}

fn compare(found: &mut Vec<Difference>, what: &str, before: Option<String>, now: Option<String>) {
    if before != now {
        let text = |side: Option<String>| side.unwrap_or_else(|| "not there".to_owned());
        found.push(Difference { what: what.to_owned(), before: text(before), now: text(now) });
    }
}

fn operator(id: crate::ids::StreamId, graph: &GraphDescription) -> String {
    graph.streams.iter().find(|stream| stream.id == id).map_or_else(|| id.to_string(), |s| s.operator.to_string())
}

/// What a stream does, in a few words.
fn shape(stream: &StreamInfo, graph: &GraphDescription) -> String {
    let parents: Vec<String> = stream.parents.iter().map(|parent| operator(*parent, graph)).collect();
    let mut text = format!("{} every {} ms", stream.class, stream.slide);
    if !parents.is_empty() {
        text += &format!(" of {}", parents.join(", "));
    }
    if let Some(window) = stream.window {
        text += &format!(", window {window} ms");
    }
    if let Some(input) = graph.inputs.get(&stream.id) {
        text += &format!(", reads {input}");
    }
    text
}

fn effect(output: &OutputOpInfo, graph: &GraphDescription) -> String {
    format!("{} of {}", output.name, operator(output.stream, graph))
}
