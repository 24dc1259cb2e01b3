//! The settings for people: a list for a terminal, and the page `docs/configuration.md`.

use super::{EngineConfig, KEYS, Setting};
use std::fmt::Write;

/// Every setting with its default and what it does, two lines each.
pub fn table() -> String {
    let default = EngineConfig::default();
    let mut text = String::new();
    for setting in KEYS {
        let Setting { key, kind, doc, .. } = setting;
        // Writing to a String does not fail.
        let _ = writeln!(text, "{key}={}", setting.short(&default));
        let _ = writeln!(text, "    {doc}; {}", kind.words());
    }
    text
}

/// The page `docs/configuration.md`.
pub fn markdown() -> String {
    let default = EngineConfig::default();
    let mut page = String::from(HEAD);
    for setting in KEYS {
        let ours = setting.short(&default);
        let spark = setting.spark_default.map_or_else(|| "—".to_owned(), |d| format!("`{d}`"));
        let (key, words, doc) = (setting.key, setting.kind.words(), setting.doc);
        // Writing to a String does not fail.
        let _ = writeln!(page, "| `{key}` | `{ours}` | {spark} | {words} | {doc} |");
    }
    page
}

const HEAD: &str = "\
# Settings

This page is made from the table in `engine/src/config/keys.rs`; a test compares them, and
`FAULTLINE_WRITE=1 cargo test -p faultline-tests --no-default-features --test configuration` writes it again.

`faultline run word-count --conf spark.task.maxFailures=2` sets one; `--conf` may be repeated, also for `compare`, `open` and `screenshot`.
`faultline conf` prints this list.
What `--conf` says is applied last: over options such as `--executors`.

Times are written as in Spark: `3s`, `100ms`, `2min`, `1h`; sizes too: `64m`, `512k`, `1g`, in powers of 1024.
A number without a unit counts the unit that Spark's key has, given below.
Keys of Spark are spelled as Spark spells them; `faultline.*` are ours, for what Spark has no key for.
Beside those of the table, `faultline.persist.OPERATOR=LEVEL` and `faultline.checkpoint.OPERATOR=N` replace what a program says of an operator, `faultline.scheduler.pool.NAME=FIFO,2,0` gives a pool its mode, weight and minimum share (R7.5), and `spark.app.name` names the application.
Where a default is not Spark's, [deviations.md](deviations.md) says why.

| Key | Default | Spark's default | Value | What it limits |
|---|---|---|---|---|
";
