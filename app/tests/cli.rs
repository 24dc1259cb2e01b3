//! The command line as a user meets it: the built binary, its output, its exit codes.

use faultline::model::Model;
use faultline::race::OutputHash;
use faultline_engine::eventlog::LogReader;
use serde_json::Value;
use std::fs::File;
use std::io::BufReader;
use std::process::{Command, Output};

const KILL: &str = "kill:executor=2@batch=7";

fn faultline(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultline"));
    for display in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(display);
    }
    command.args(args).output().expect("the binary was built for this test")
}

/// Standard output of a run that succeeds.
fn stdout(args: &[&str]) -> String {
    let output = faultline(args);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {errors}");
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&stdout(args)).expect("output is JSON")
}

/// Field names of an object, in order.
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn lanes(race: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let lanes = race["lanes"].as_array().expect("lanes");
    lanes.iter().map(|lane| (lane["policy"].as_str().expect("a policy"), lane))
}

fn lane<'a>(race: &'a Value, policy: &str) -> &'a Value {
    lanes(race).find(|(name, _)| *name == policy).expect("the lane is there").1
}

fn count(lane: &Value, part: &str, run: &str, field: &str) -> u64 {
    lane[part][run][field].as_u64().expect("a count")
}

/// Scripts that read the output of a run would break, or two runs of one seed would differ.
#[test]
fn run_json_has_its_shape_and_repeats() {
    let args = ["run", "word-count", "--fault", KILL, "--json"];
    let text = stdout(&args);
    assert_eq!(text, stdout(&args), "two runs print the same bytes");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let expected =
        ["program", "seed", "clock", "batches", "tasks", "recomputed_partitions", "findings", "output_sha256"];
    assert_eq!(fields(&report), expected);
    assert_eq!((report["program"].as_str(), report["clock"].as_str()), (Some("word-count"), Some("virtual")));
    let batches = report["batches"].as_array().expect("batches");
    assert_eq!(batches.len(), 12);
    assert_eq!(fields(&batches[0]), ["batch", "records", "scheduling_delay_ms", "processing_ms"]);
    assert_eq!(batches[6]["batch"], 7);
    assert_eq!(batches[6]["records"], 60);
    assert!(report["recomputed_partitions"].as_u64() > Some(0), "the kill costs something");
    let healthy = json(&["run", "word-count", "--json"]);
    assert_eq!(healthy["recomputed_partitions"], 0);
    assert_eq!(healthy["output_sha256"], report["output_sha256"], "a fault changes no result");
}

/// The race would not show what it is there to show, or scripts that read it would break.
#[test]
fn compare_json_shows_the_difference_and_repeats() {
    let args = ["compare", "word-count", "--fault", KILL, "--json"];
    let text = stdout(&args);
    assert_eq!(text, stdout(&args), "two races print the same bytes");
    let race: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(fields(&race), ["program", "seed", "faults", "time_source", "lanes"]);
    assert_eq!((race["time_source"].as_str(), race["faults"][0].as_str()), (Some("modelled"), Some(KILL)));
    let policies: Vec<&str> = lanes(&race).map(|(policy, _)| policy).collect();
    assert_eq!(policies, ["none", "cache", "cache2", "checkpoint", "cache+checkpoint"]);
    let counts = [
        "tasks",
        "computed_partitions",
        "computed_again",
        "computed_records",
        "cached_partitions_read",
        "checkpoint_partitions_read",
        "checkpoint_bytes_read",
        "map_outputs_rewritten",
        "shuffle_bytes_read",
        "source_records_read",
        "time_ms",
    ];
    for (policy, lane) in lanes(&race) {
        assert_eq!(fields(lane), ["policy", "spark_allows", "struck", "run", "upkeep", "output_sha256"]);
        assert_eq!(fields(&lane["upkeep"]), ["cached_bytes_peak", "checkpoint_bytes_written"]);
        for part in ["struck", "run"] {
            assert_eq!(fields(&lane[part]), ["without_fault", "with_fault"]);
            assert_eq!(fields(&lane[part]["with_fault"]), counts);
        }
        assert_eq!(lane["output_sha256"], race["lanes"][0]["output_sha256"], "{policy} changes no result");
        assert_eq!(lane["spark_allows"], policy == "cache+checkpoint", "{policy}");
        let checkpoints = policy.contains("checkpoint");
        let read = count(lane, "struck", "with_fault", "checkpoint_partitions_read");
        assert_eq!(read > 0, checkpoints, "{policy} read {read} checkpoint partitions");
        assert_eq!(lane["upkeep"]["checkpoint_bytes_written"].as_u64() > Some(0), checkpoints, "{policy}");
        assert_eq!(lane["upkeep"]["cached_bytes_peak"].as_u64() > Some(0), policy.contains("cache"), "{policy}");
    }
}

/// The numbers of the race would not be those that the rules of recovery give. With 6 partitions on 3
/// executors, 2 partitions of everything die: the state of batches 1 to 6, and the map outputs of those
/// batches, whose map side is 3 operators.
#[test]
fn the_struck_batch_computes_what_the_rules_say() {
    let race = json(&["compare", "word-count", "--fault", KILL, "--json"]);
    let state_of = |batches: u64| 2 * batches;
    let map_side_of = |batches: u64| 2 * 3 * batches;
    // policy, again without the kill, again with it, checkpoint partitions read with it
    let rows = [
        ("none", 6 * 6, 6 * 6 + map_side_of(6), 0),
        ("cache", 0, state_of(6) + map_side_of(6), 0),
        ("cache2", 0, 0, 0),
        ("checkpoint", 6, 6 + map_side_of(1), 6),
        ("cache+checkpoint", 0, state_of(1) + map_side_of(1), 2),
    ];
    for (policy, without, with, read) in rows {
        let lane = lane(&race, policy);
        let again = |run| count(lane, "struck", run, "computed_again");
        assert_eq!((again("without_fault"), again("with_fault")), (without, with), "{policy}");
        assert_eq!(count(lane, "struck", "with_fault", "checkpoint_partitions_read"), read, "{policy}");
    }
    let computed = |policy| count(lane(&race, policy), "struck", "with_fault", "computed_partitions");
    assert!(computed("cache") > computed("cache+checkpoint"));
}

/// A program without batches could not be raced, or its struck part would count work before the fault.
#[test]
fn programs_without_batches_race_from_the_struck_job_on() {
    let args = ["compare", "page-rank", "--fault", "kill:executor=2@stage=11.task=2", "--json"];
    let race = json(&args);
    assert_eq!(lanes(&race).count(), 5);
    for (policy, lane) in lanes(&race) {
        assert_eq!(lane["output_sha256"], race["lanes"][0]["output_sha256"], "{policy}");
        assert_eq!(lane["spark_allows"], true, "{policy}");
        let tasks = |part| count(lane, part, "with_fault", "tasks");
        assert!(0 < tasks("struck") && tasks("struck") < tasks("run"), "{policy}");
        let again = |run| count(lane, "struck", run, "computed_again");
        assert!(again("with_fault") > again("without_fault"), "{policy}");
    }
}

/// A log that `--events` wrote could not be opened, or would show another run.
#[test]
fn the_event_log_reads_back() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("word-count-log");
    let path = path.to_str().expect("a path in Unicode");
    let report = json(&["run", "word-count", "--fault", KILL, "--events", path, "--json"]);
    let (mut model, mut output) = (Model::default(), OutputHash::default());
    let log = BufReader::new(File::open(path).expect("the log was written"));
    for (seq, envelope) in (0..).zip(LogReader::new(log)) {
        let envelope = envelope.expect("every line is an event");
        assert_eq!(envelope.seq, seq, "no event is missing");
        model.apply(&envelope);
        output.see(&envelope.event);
    }
    assert_eq!(report["output_sha256"], output.hex());
    assert_eq!(report["tasks"], model.run_tally().tasks);
    assert_eq!(report["recomputed_partitions"], model.run_tally().computed_again);
    assert_eq!(model.batches.len(), 12);
    assert!(model.unknown.is_empty());
}

/// A user would not learn what is wrong, or a script would take a wrong command line for a failed run.
#[test]
fn wrong_command_lines_exit_with_2_and_the_way_out() {
    let cases: [(&[&str], &str); 17] = [
        (&["frobnicate"], "unrecognized subcommand"),
        (&["run"], "<PROGRAM>"),
        (&["run", "wordcount"], "word-count, windowed-counts, join-streams, log-sessions, page-rank"),
        (&["run", "word-count", "--fault", "kill:executor=2"], "no @moment"),
        (
            &["run", "word-count", "--fault", "explode:executor=2@batch=1"],
            "kill, restart, decommission, slow, pause, resume, drop, corrupt",
        ),
        (&["run", "word-count", "--fault", "kill:executor=4@batch=1"], "the executors are 1 to 3"),
        (&["run", "word-count", "--fault", "kill:executor=2@batch=13"], "ends after batch 12"),
        (&["run", "page-rank", "--fault", KILL], "page-rank has no batches"),
        (&["run", "word-count", "--fault", "drop:block=state/7/2@batch=8"], "updateStateByKey"),
        (&["run", "word-count", "--persist", "state=DISK_ONLY"], "updateStateByKey"),
        (&["run", "word-count", "--persist", "flatMap=FLOPPY"], "MEMORY_ONLY_SER"),
        (&["run", "page-rank", "--checkpoint", "links=5"], "groupByKey"),
        (&["run", "word-count", "--memory", "lots"], "64MB"),
        (&["run", "word-count", "--executors", "0"], "1..=256"),
        (&["compare", "word-count"], "--fault <SPEC>"),
        (&["compare", "word-count", "--fault", KILL, "--policies", "luck"], "cache+checkpoint"),
        (
            &["open", "no-such-log"],
            "neither a program (word-count, windowed-counts, join-streams, log-sessions, page-rank, ledger) nor a file",
        ),
    ];
    for (args, way_out) in cases {
        let output = faultline(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {errors}");
        assert!(errors.contains(way_out), "{args:?} must say {way_out:?}: {errors}");
        assert!(output.stdout.is_empty(), "{args:?} prints errors to standard error only");
    }
}

/// A script could not tell a run that failed from a wrong command line, nor a user what failed where.
#[test]
fn failed_runs_exit_with_1_and_say_what_and_where() {
    let nowhere = tempfile::tempdir().expect("a temporary directory").path().join("gone").join("file");
    let nowhere = nowhere.to_str().expect("a path in Unicode");
    let cases: [(&[&str], &str); 4] = [
        (&["run", "word-count", "--input", nowhere], nowhere),
        (&["run", "word-count", "--events", nowhere], "choose another --events"),
        (
            &["run", "word-count", "--executors", "1", "--fault", "kill:executor=1@batch=2"],
            "no executor is alive; plan a restart too",
        ),
        (&["compare", "word-count", "--fault", "kill:executor=2@stage=999.task=0"], "the stages that ran are 0, 1, 3"),
    ];
    for (args, what) in cases {
        let output = faultline(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {errors}");
        assert!(errors.contains(what), "{args:?} must say {what:?}: {errors}");
    }
}

/// Levels and intervals of the user would be ignored, or would change what a program computes.
#[test]
fn the_users_levels_and_intervals_apply() {
    let plain = json(&["run", "word-count", "--json"]);
    let args =
        ["run", "word-count", "--persist", "updateStateByKey=NONE", "--checkpoint", "updateStateByKey=0", "--json"];
    let nothing_kept = json(&args);
    assert_eq!(plain["recomputed_partitions"], 0);
    assert!(nothing_kept["recomputed_partitions"].as_u64() > Some(0));
    assert_eq!(plain["output_sha256"], nothing_kept["output_sha256"]);
}

/// `--input` would not take the user's own texts.
#[test]
fn any_text_or_directory_is_an_input() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in [("a.txt", "one two\ntwo three\n"), ("b.txt", "three three\n")] {
        std::fs::write(dir.path().join(name), text).expect("the file is written");
    }
    let path = dir.path().to_str().expect("a path in Unicode");
    let text = stdout(&["run", "word-count", "--batches", "1", "--input", path]);
    // 60 lines of a text of 3 lines: 20 times each.
    assert!(text.contains("('three', 60) ('two', 40) ('one', 20)"), "{text}");
}

/// Nobody would find the names that `--persist` takes, or the pictures would lose a shuffle.
#[test]
fn lineage_prints_operators_and_every_format() {
    let text = stdout(&["lineage", "word-count"]);
    for part in ["updateStateByKey", "every 5 batches", "+-(6) MapPartitionsRDD", "CachedPartitions: 6"] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    let rdds = json(&["lineage", "word-count", "--batches", "2", "--format", "json"]);
    let rdds = rdds.as_array().expect("a list");
    let shuffles = rdds.iter().flat_map(|r| r["parents"].as_array().expect("parents"));
    let shuffles = shuffles.filter(|p| p["kind"]["Shuffle"].is_object()).count();
    assert_eq!((rdds.len(), shuffles), (11, 2));
    for (format, shuffle) in [("dot", "dashed"), ("mermaid", "-.->")] {
        let text = stdout(&["lineage", "word-count", "--batches", "2", "--format", format]);
        assert_eq!(text.matches(shuffle).count(), shuffles, "{format}: {text}");
        assert_eq!(text.matches("6 partitions").count(), rdds.len(), "{format}: {text}");
    }
    let picture = stdout(&["lineage", "word-count", "--batches", "2", "--format", "svg"]);
    for part in ["<svg xmlns=", "<title>word-count: ", "updateStateByKey", "batch 2", "</svg>"] {
        assert!(picture.contains(part), "{part} is missing: {picture}");
    }
}

/// Without a display a newcomer would see an error in place of what the product does.
#[test]
fn without_a_display_the_demo_runs_and_the_race_is_printed() {
    let text = stdout(&[]);
    for part in [
        "There is no display",
        "fault      kill:executor=2",
        "A second copy recovered at once; the checkpoint bounded the walk; plain cache had the longest way back.",
        "Spark refuses this here",
        "identical in all 5 lanes",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

/// A reader of `--help` would have to guess how arguments are written.
#[test]
fn every_help_has_examples() {
    for command in [None, Some("run"), Some("lineage"), Some("compare"), Some("open"), Some("screenshot")] {
        let args: Vec<&str> = command.into_iter().chain(["--help"]).collect();
        let text = stdout(&args);
        assert!(text.contains("Examples:"), "{args:?}: {text}");
    }
}

/// Checkpoints would vanish although the user named a directory, or a second run would begin anew instead of going
/// on from them: its first batch is the last one of the first run (R15.11).
#[test]
fn a_named_checkpoint_directory_stays() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = dir.path().join("store");
    let path = store.to_str().expect("a path in Unicode");
    let args = ["run", "word-count", "--checkpoint-dir", path, "--json"];
    let batches = || {
        let report: serde_json::Value = serde_json::from_str(&stdout(&args)).expect("a report in JSON");
        let batches = report["batches"].as_array().expect("a list of batches").clone();
        batches.iter().filter_map(|batch| batch["batch"].as_u64()).collect::<Vec<_>>()
    };
    assert_eq!(batches(), (1..=12).collect::<Vec<_>>());
    assert!(store.join("checkpoint").is_dir());
    assert_eq!(batches(), [12]);
}
