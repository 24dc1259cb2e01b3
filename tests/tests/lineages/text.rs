//! The texts of Spark and ours in one form.
//!
//! Rules: an RDD id becomes its rank among the ids of its text, because the program that printed Spark's
//! texts made RDDs in between that it did not print; `at map at lineage.scala:34` becomes `at map`; a
//! size that is not zero becomes `*`, because JVM objects have other sizes; the path of a text file becomes
//! `FILE`, that of a checkpoint `Some`; a partitioner is its class and number of partitions, of ranges the
//! class alone, because the JVM prints a hash of the bounds.

use std::collections::BTreeSet;

/// A section of Spark's file.
#[derive(Debug)]
pub struct Section {
    /// `19. sortByKey`.
    pub title: String,
    /// The first line and the text.
    pub text: String,
}

/// The sections of the file.
pub fn sections(file: &str) -> Vec<Section> {
    let of = |part: &str| {
        let (title, rest) = part.split_once('\n').expect("a title and a text");
        let text = rest.split("### end").next().unwrap_or(rest).trim_end();
        Section { title: title.trim().to_owned(), text: text.to_owned() }
    };
    file.split("### ").filter(|part| part.starts_with(|c: char| c.is_ascii_digit())).map(of).collect()
}

/// A text under the rules above.
pub fn normal(text: &str) -> String {
    let ids: BTreeSet<u32> = text.lines().filter_map(|line| id_of(line).map(|(id, _)| id)).collect();
    let rank = |id: u32| ids.iter().position(|other| *other == id).expect("it was collected");
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        lines.push(match id_of(line) {
            _ if at == 0 => header(line),
            Some((id, place)) => rdd_line(line, rank(id), place),
            None => sizes(line),
        });
    }
    lines.join("\n")
}

/// The id in `…RDD[12] at …`, and where its bracket opens.
fn id_of(line: &str) -> Option<(u32, usize)> {
    let end = line.find("] at ")?;
    let start = line[..end].rfind('[')?;
    Some((line[start + 1..end].parse().ok()?, start))
}

fn rdd_line(line: &str, rank: usize, bracket: usize) -> String {
    let (before, after) = (&line[..bracket], &line[bracket..]);
    let callsite = after.split_once("] at ").map_or(after, |(_, rest)| rest);
    let method = callsite.split(' ').next().unwrap_or_default();
    let level = callsite.rfind('[').map_or("", |at| &callsite[at..]);
    format!("{}[#{rank}] at {method} {level}", without_path(before))
}

fn without_path(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.starts_with('/') { "FILE" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn sizes(line: &str) -> String {
    let star = |part: &str| match part.split_once("Size: ") {
        Some((name, "0.0 B")) => format!("{name}Size: 0.0 B"),
        Some((name, _)) => format!("{name}Size: *"),
        None => part.to_owned(),
    };
    line.split("; ").map(star).collect::<Vec<_>>().join("; ")
}

fn header(line: &str) -> String {
    let mut out = line.to_owned();
    for class in ["HashPartitioner", "RangePartitioner"] {
        let Some(start) = out.find(&format!("Some(org.apache.spark.{class}@")) else { continue };
        let end = start + out[start..].find(')').expect("it is closed");
        let hex = out[start..end].split('@').nth(1).unwrap_or_default();
        // The hash code of a hash partitioner is its number of partitions.
        let count = u32::from_str_radix(hex, 16).expect("a hash code in hex");
        let words = if class == "HashPartitioner" { format!("{class}({count})") } else { class.to_owned() };
        out.replace_range(start..=end, &words);
    }
    match out.split_once("ckFile=Some(") {
        Some((before, _)) => format!("{before}ckFile=Some"),
        None => out,
    }
}
