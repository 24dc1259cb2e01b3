//! `faultline checkpoint inspect` over directories that runs left.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn faultline(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_faultline")).args(args).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Eight batches of the demo, with their checkpoints in a directory.
fn run_in(dir: &Path) {
    let run = faultline(&["run", "word-count", "--batches", "8", "--checkpoint-dir", &dir.to_string_lossy()]);
    assert!(run.status.success(), "{}", text(&run.stderr));
}

fn inspect(dir: &Path) -> Output {
    faultline(&["checkpoint", "inspect", &dir.to_string_lossy()])
}

/// The one inspection of a directory.
fn json(dir: &Path) -> Value {
    let run = faultline(&["checkpoint", "inspect", &dir.to_string_lossy(), "--json"]);
    let mut found: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    found[0].take()
}

fn files(dir: &Path, begins: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begins));
    let mut found: Vec<PathBuf> = entries.filter(named).collect();
    found.sort();
    found
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("written");
}

/// Nobody could tell before a restart from where it goes on, or the answer would not be what a driver does.
#[test]
fn what_a_driver_would_take_is_told() {
    let temporary = tempfile::tempdir().expect("a directory");
    run_in(temporary.path());
    let told = inspect(temporary.path());
    assert!(told.status.success(), "{}", text(&told.stderr));
    let told = text(&told.stdout);
    for words in [
        "driver of epoch 1, the next one takes epoch 2",
        "Graph checkpoints, newest first",
        "checkpoint-1767225608000 ",
        "batch 8, epoch 1  ← a driver goes on from here",
        "application word-count (",
        "a batch every 1000 ms",
        "generated: batch 8 and every later one",
        "stream updateStateByKey (StateDStream)",
        "6 partitions, ",
        " bytes, whole)",
        "functions: the program is built again",
    ] {
        assert!(told.contains(words), "{words} is missing in\n{told}");
    }
    let found = json(temporary.path());
    assert_eq!(found["files"].as_array().map(Vec::len), Some(10), "ten are kept");
    let saved = &found["restored"]["saved"][0];
    let dir = temporary.path().join(saved["dir"].as_str().expect("a directory"));
    let parts = files(&dir, "part-");
    let names: Vec<_> = parts.iter().map(|part| part.file_name().expect("a name").to_string_lossy()).collect();
    assert_eq!(names, ["part-00000", "part-00001", "part-00002", "part-00003", "part-00004", "part-00005"]);
    let bytes: u64 = parts.iter().map(|part| part.metadata().expect("there").len()).sum();
    assert_eq!(saved["bytes"].as_u64(), Some(bytes));
    // The inner directory is the same one.
    let inner = json(&temporary.path().join("checkpoint"));
    assert_eq!(inner["restored"]["batch"], found["restored"]["batch"]);
    std::fs::remove_file(&parts[5]).expect("removed");
    let told = text(&inspect(temporary.path()).stdout);
    assert!(told.contains("cannot be read: ") && told.contains("num of partitions: 5"), "{told}");
}

/// A damaged file would be offered as the one to go on from, or its damage would stay unseen.
#[test]
fn damage_is_told_and_the_next_file_is_used() {
    let temporary = tempfile::tempdir().expect("a directory");
    run_in(temporary.path());
    let mut newest_first = files(&temporary.path().join("checkpoint"), "checkpoint-");
    newest_first.sort_by_key(|path| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        std::cmp::Reverse((name.trim_end_matches(".bk").to_owned(), !name.ends_with(".bk")))
    });
    flip(&newest_first[0]);
    let found = json(temporary.path());
    let used = found["used"].as_str().expect("one is used");
    assert_eq!(Path::new(used).file_name(), newest_first[1].file_name());
    let told = text(&inspect(temporary.path()).stdout);
    let name = newest_first[0].file_name().expect("a name").to_string_lossy().into_owned();
    let ignored = told.split("Ignored").nth(1).expect("a part of the text");
    assert!(ignored.contains(&format!("checkpoint/{name}: ")), "{told}");
    newest_first[1..].iter().for_each(|path| flip(path));
    let told = inspect(temporary.path());
    assert_eq!(told.status.code(), Some(1));
    assert!(text(&told.stderr).contains("no graph checkpoint in"), "{}", text(&told.stderr));
    assert_eq!(text(&told.stdout).matches("damaged, see below").count(), 10);
}

/// A wrong directory would look like an empty checkpoint.
#[test]
fn what_is_no_checkpoint_directory_is_refused() {
    let temporary = tempfile::tempdir().expect("a directory");
    let refused = |dir: &Path| {
        let told = inspect(dir);
        assert_eq!(told.status.code(), Some(1));
        text(&told.stderr)
    };
    assert!(refused(&temporary.path().join("nowhere")).contains("is no directory; give the one that"));
    assert!(refused(temporary.path()).contains("holds no graph checkpoint"));
    let dir = temporary.path().join("rank");
    let run = faultline(&["run", "page-rank", "--checkpoint-dir", &dir.to_string_lossy()]);
    assert!(run.status.success());
    assert!(refused(&dir).contains("it belongs to a program without batches"));
}
