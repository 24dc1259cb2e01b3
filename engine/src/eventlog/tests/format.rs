//! The bytes: what Spark's own readers, and people, rely on.

use super::samples::samples;
use super::spark_logs::LOGS;
use super::{envelopes, lines, write};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

fn parse(line: &str) -> Map<String, Value> {
    serde_json::from_str(line).expect("a line is an object")
}

#[test]
fn every_line_opens_with_its_name_and_ends_with_our_field() {
    // Without it Spark's History Server would not recognise the file as an event log.
    for line in lines(&write(&envelopes(samples()))) {
        assert!(line.starts_with("{\"Event\":\""), "{line}");
        let last = parse(line).keys().next_back().cloned();
        assert_eq!(last.as_deref(), Some("Faultline"), "{line}");
    }
}

/// Adds the path of every field to `paths`, with the order among its siblings.
fn collect(at: &str, value: &Value, paths: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::Object(fields) => {
            let known = paths.entry(at.to_owned()).or_default();
            let mut next = 0;
            for name in fields.keys() {
                match known.iter().position(|known| known == name) {
                    Some(at) => next = at + 1,
                    None => {
                        known.insert(next, name.clone());
                        next += 1;
                    }
                }
            }
            for (name, value) in fields {
                collect(&format!("{at}/{name}"), value, paths);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(at, item, paths)),
        _ => {}
    }
}

#[test]
fn every_field_of_a_real_log_is_written() {
    // Without it the History Server, which takes fields for granted, would fail on our logs.
    let mut ours: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for line in lines(&write(&envelopes(samples()))) {
        let line = Value::Object(parse(line));
        collect("", &line, ours.entry(line["Event"].to_string()).or_default());
    }
    let open = ["Properties", "Log Urls", "Accumulables", "Accumulator Updates", "JVM Information"];
    for line in LOGS.iter().flat_map(|(_, log)| log.lines()) {
        let line = Value::Object(parse(line));
        let event = line["Event"].to_string();
        let foreign = ["ResourceProfileAdded", "StageExecutorMetrics", "ExecutorMetricsUpdate"];
        if foreign.iter().any(|name| event.contains(name)) {
            continue;
        }
        let mut spark = BTreeMap::new();
        collect("", &line, &mut spark);
        for (at, fields) in spark.iter().filter(|(at, _)| !open.iter().any(|open| at.contains(open))) {
            let written = ours.get(&event).and_then(|paths| paths.get(at)).expect("the object is written");
            // Spark leaves fields out, but those that are there come in one order.
            let kept: Vec<&String> = written.iter().filter(|name| fields.contains(name)).collect();
            let fields: Vec<&String> = fields.iter().collect();
            assert_eq!(kept, fields, "{event} {at}");
        }
    }
}

#[test]
fn a_job_repeats_what_was_announced() {
    // Without it a job's lineage would be missing from the History Server.
    let bytes = write(&envelopes(samples()));
    let job = lines(&bytes).into_iter().find(|line| line.contains("JobStart")).map(parse).expect("a job started");
    let rdds = &job["Stage Infos"][0]["RDD Info"];
    let scope = r#"{"id":"4_1767225600500","name":"updateStateByKey\n@ 00:00:00.500"}"#;
    assert_eq!(rdds[0]["Parent IDs"], serde_json::json!([4]), "the checkpoint cut its lineage");
    assert_eq!(rdds[0]["Scope"], serde_json::json!(scope));
    assert_eq!(rdds[1]["Name"], "RDD", "an RDD that was never announced");
    assert_eq!(rdds[2]["Storage Level"]["Deserialized"], true, "its level changed");
    let properties = &job["Properties"];
    assert_eq!(properties["spark.streaming.internal.batchTime"], "1767225600500");
    assert_eq!(properties["spark.rdd.scope"], r#"{"id":"job0","name":"checkpoint"}"#);
}
