//! The table against the struct.

use super::*;
use std::collections::BTreeSet;

/// Fields that are no limit: names, programs' policies, planned faults, and the clock, which a loop sets.
const NO_SETTING: [&str; 6] = ["app_name", "clock", "persist", "checkpoint", "faults", "scheduler.pools"];

/// Names of the fields of a struct as its `Debug` prints them, nested ones with dots.
fn fields(text: &str) -> BTreeSet<String> {
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let Some((name, value)) = line.trim().split_once(": ") else { continue };
        path.retain(|(at, _)| *at < indent);
        let nested = value.ends_with('{') && value.len() > 1;
        if path.len() * 4 + 4 != indent {
            continue;
        }
        path.push((indent, name.to_owned()));
        if !nested {
            names.insert(path.iter().map(|(_, n)| n.as_str()).collect::<Vec<_>>().join("."));
        }
    }
    names
}

/// A limit could be added that nobody can set or look up.
#[test]
fn every_limit_has_a_row() {
    let declared = fields(&format!("{:#?}", EngineConfig::default()));
    assert!(declared.contains("task_max_failures") && declared.contains("locality_wait"), "{declared:?}");
    let rows: BTreeSet<String> = KEYS.iter().map(|s| s.field.replace(' ', "")).collect();
    let limits: BTreeSet<String> = declared.into_iter().filter(|f| !NO_SETTING.contains(&f.as_str())).collect();
    assert_eq!(limits, rows, "fields of EngineConfig on the left, rows of keys.rs on the right");
    let keys: BTreeSet<&str> = KEYS.iter().map(|s| s.key).collect();
    assert_eq!((keys.len(), rows.len()), (KEYS.len(), KEYS.len()), "a key or a field has two rows");
}

/// A row could write another field than it reads, or print what it does not read.
#[test]
fn every_row_reads_back_what_it_prints() {
    for setting in KEYS {
        let mut config = EngineConfig::default();
        let samples: &[&str] = match setting.kind {
            Kind::Count { .. } | Kind::OptionalCount { .. } => &["7", "9"],
            Kind::Time(_) | Kind::Interval(_) | Kind::OptionalTime(_) => &["7s", "1234ms"],
            Kind::Size(_) => &["7k", "1234b"],
            Kind::Factor { .. } => &["0.5", "0.75", "1.5", "2.5"],
            Kind::Switch => &["true", "false"],
            Kind::OptionalText => &["checkpoints", "elsewhere/checkpoints"],
            Kind::Word(words) => words,
        };
        let mut seen = BTreeSet::new();
        for text in samples.iter().filter(|text| setting.kind.parse(setting.key, text).is_ok()) {
            config.set(setting.key, text).unwrap();
            let printed = setting.get(&config);
            let mut again = EngineConfig::default();
            again.set(setting.key, &printed).unwrap();
            assert_eq!(again, config, "{} = {text}", setting.key);
            again.set(setting.key, &setting.short(&config)).unwrap();
            assert_eq!(again, config, "{} = {text}", setting.key);
            seen.insert(printed);
        }
        assert!(seen.len() > 1, "{}: {seen:?}", setting.key);
        assert!(setting.kind.parse(setting.key, &setting.get(&EngineConfig::default())).is_ok(), "{}", setting.key);
    }
}

/// An error would not say which setting is wrong, or not what to write.
#[test]
fn errors_name_the_key_and_the_way_out() {
    let mut config = EngineConfig::default();
    for (text, words) in [
        ("spark.task.maxFailures", "KEY=VALUE"),
        ("spark.task.maxFailures=many", "spark.task.maxFailures should be int, but was many"),
        ("spark.task.maxFailures=0", "'0' in spark.task.maxFailures is invalid"),
        ("spark.task.maxFailure=2", "the nearest is spark.task.maxFailures"),
        ("spark.locality.wait=soon", "spark.locality.wait: Time must be specified"),
        ("faultline.executor.storageMemory=1.5g", "Fractional values are not supported"),
        ("spark.speculation.interval=0", "'0' in spark.speculation.interval is invalid. It must be at least 1ms."),
        ("spark.executor.heartbeatInterval=999us", "'999us' in spark.executor.heartbeatInterval is invalid"),
        ("spark.streaming.blockInterval=0s", "at least 1ms"),
        ("faultline.previews=yes", "should be boolean, but was yes"),
        ("faultline.persist.map=SOMETIMES", "faultline.persist.map"),
        ("faultline.checkpoint.map=often", "should be int, but was often"),
        ("faultline.scheduler.pool.night=FAIR", "MODE,weight,minShare"),
        ("faultline.scheduler.pool.night=FAIR,0,1", "'FAIR,0,1' is no pool"),
        ("faultline.scheduler.pool.night=LIFO,1,1", "for example FIFO,2,0"),
        ("spark.scheduler.mode=LIFO", "It must be one of FIFO, FAIR."),
    ] {
        let error = config.assign(text).expect_err(text).to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    assert_eq!(config, EngineConfig::default());
}

/// A log would announce other settings than those that its run had.
#[test]
fn what_a_log_announces_can_be_set() {
    let mut config = EngineConfig::default();
    for text in [
        "spark.task.maxFailures=2",
        "spark.locality.wait=100ms",
        "spark.streaming.fileStream.minRememberDuration=5",
        "faultline.persist.map=DISK_ONLY",
        "faultline.checkpoint.map=3",
        "faultline.streaming.maxBatches=9",
        "spark.default.parallelism=4",
        "spark.app.name=counted",
        "spark.scheduler.mode=FAIR",
        "faultline.scheduler.pool.night=FAIR,2,4",
    ] {
        config.assign(text).unwrap();
    }
    let announced = config.properties();
    let expected = ["spark.task.maxFailures", "spark.streaming.fileStream.minRememberDuration", "faultline.seed"];
    assert!(expected.iter().all(|key| announced.contains_key(*key)), "{announced:?}");
    assert!(!EngineConfig::default().properties().contains_key("spark.default.parallelism"), "as in Spark");
    assert!(!announced.contains_key("spark.streaming.blockInterval"), "a default that was not set: {announced:?}");
    let mut again = EngineConfig::default();
    for (key, value) in announced.iter().filter(|(key, _)| *key != "spark.app.id") {
        again.set(key, value).unwrap();
    }
    assert_eq!(again, config);
}
