//! `--conf` and `faultline conf` as a user meets them.

use faultline_engine::config::{EngineConfig, KEYS};
use std::process::{Command, Output};

fn faultline(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_faultline")).args(args).output().expect("the binary was built for this test")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A setting would be read and change nothing, or an option would win over it.
#[test]
fn settings_are_applied_last() {
    let args = ["run", "word-count", "--batches", "1", "--executors", "2"];
    let check = |conf: &[&str], expect: &str| {
        let more: Vec<&str> = conf.iter().flat_map(|setting| ["--conf", setting]).collect();
        let output = faultline(&[&args[..], &more].concat());
        assert_eq!(output.status.code(), Some(0), "{conf:?}: {}", text(&output.stderr));
        let first = text(&output.stdout).lines().next().unwrap_or_default().to_owned();
        assert!(first.contains(expect), "{conf:?}: {first}");
    };
    check(&[], "2 executors of 2 cores");
    check(&["spark.executor.instances=5"], "5 executors of 2 cores");
    check(&["spark.executor.instances=5", "spark.executor.cores=1"], "5 executors of 1 cores");
    check(&["spark.executor.instances=5", "spark.executor.instances=4"], "4 executors of 2 cores");
}

/// A misspelled limit would be no limit, or the refusal would not say what to write.
#[test]
fn wrong_settings_are_refused_with_the_way_out() {
    for (setting, words) in [
        ("spark.task.maxFailure=2", "the nearest is spark.task.maxFailures"),
        ("spark.task.maxFailures=0", "'0' in spark.task.maxFailures is invalid. It must be between 1 and"),
        ("spark.task.maxFailures=two", "spark.task.maxFailures should be int, but was two"),
        ("spark.locality.wait=soon", "spark.locality.wait: Time must be specified"),
        ("spark.scheduler.mode=LIFO", "It must be one of FIFO, FAIR."),
        ("spark.task.maxFailures", "write KEY=VALUE"),
    ] {
        for command in ["run", "compare"] {
            let output = faultline(&[command, "word-count", "--batches", "1", "--conf", setting]);
            let errors = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{command} {setting}: {errors}");
            assert!(errors.contains(words), "{command} {setting}: {errors}");
            assert!(output.stdout.is_empty(), "{command} {setting} ran");
        }
    }
}

/// The list would miss a setting, or show a default that is not in force.
#[test]
fn conf_lists_every_setting_with_its_default() {
    let output = faultline(&["conf"]);
    assert_eq!(output.status.code(), Some(0));
    let listed = text(&output.stdout);
    let assignments: Vec<&str> = listed.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(assignments.len(), KEYS.len(), "one line per setting");
    let mut config = EngineConfig::default();
    for (line, setting) in assignments.iter().zip(KEYS) {
        assert_eq!(line.split_once('=').map(|(key, _)| key), Some(setting.key));
        config.assign(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(listed.contains(setting.doc), "{}", setting.key);
    }
    assert_eq!(config, EngineConfig::default(), "what it prints is what is in force");
}
