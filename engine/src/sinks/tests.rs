//! The directory sink against real directories, and what a crash at each of its file operations leaves.

use super::*;
use crate::object_store::{DirectoryEntry, FileOps, OpenFile, PowerLoss, SimulatedDisk, StdFileOps};
use crate::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// The operating system's files, until the process dies: from one operation on, none is done any more.
#[derive(Clone, Debug)]
struct Dying {
    done: Arc<AtomicU64>,
    last: u64,
}

impl Dying {
    fn after(last: u64) -> Self {
        Self { done: Arc::default(), last }
    }

    fn step(&self) -> io::Result<()> {
        match self.done.fetch_add(1, Ordering::Relaxed) < self.last {
            true => Ok(()),
            false => Err(io::Error::other("the process is dead")),
        }
    }
}

#[derive(Debug)]
struct DyingFile(Box<dyn OpenFile>, Dying);

impl OpenFile for DyingFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A write that is cut short leaves half of it.
        self.1.step().inspect_err(|_| drop(self.0.write_all(&bytes[..bytes.len() / 2])))?;
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.step()?;
        self.0.sync()
    }
}

impl FileOps for Dying {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        self.step()?;
        Ok(Box::new(DyingFile(StdFileOps.create_new(path)?, self.clone())))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.rename_new(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.sync_dir(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.remove_dir(path)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        StdFileOps.unlink(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.step()?;
        StdFileOps.read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        self.step()?;
        StdFileOps.list(path)
    }
}

fn output(batch: u32, epoch: u64) -> BatchOutput {
    let time = Timestamp(u64::from(batch) * 1_000_000_000);
    BatchOutput { batch: BatchId(batch), time, output_op: OutputOpId(0), epoch }
}

/// Partitions, each with the values of its rows; keys are the positions.
type Rows<'a> = &'a [&'a [&'a str]];

fn write(sink: &FileSink, output: BatchOutput, rows: Rows<'_>, task: u64) -> Result<Committed, SinkError> {
    let stage = |(n, values): (usize, &&[&str])| {
        let part = OutputPart { output, partition: PartitionId(n as u32), task: TaskId(task + n as u64) };
        let row = |(key, value): (usize, &&str)| Row { key: key.to_string(), value: (*value).to_owned() };
        sink.stage(&part, values.iter().enumerate().map(row).collect())
    };
    let staged = rows.iter().enumerate().map(stage).collect::<Result<Vec<Staged>, SinkError>>()?;
    sink.commit(&output, staged)
}

/// What somebody who looks at the directory sees: of each batch its files, but for manifests their names only.
fn seen(root: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    let names = |path: &Path| -> Vec<String> {
        StdFileOps.list(path).unwrap_or_default().into_iter().map(|entry| entry.name).collect()
    };
    let text = |batch: &str, name: &String| match name.as_str() {
        "_SUCCESS" => String::new(),
        _ => String::from_utf8(StdFileOps.read(&root.join(batch).join(name)).expect("it is listed")).expect("text"),
    };
    let visible = names(root).into_iter().filter(|name| !name.starts_with('.'));
    visible
        .map(|batch| {
            let files = names(&root.join(&batch)).into_iter().map(|name| (name.clone(), text(&batch, &name))).collect();
            (batch, files)
        })
        .collect()
}

fn batch(parts: &[&str]) -> BTreeMap<String, String> {
    let parts = parts.iter().enumerate().map(|(n, text)| (format!("part-{n:05}"), (*text).to_owned()));
    parts.chain([("_SUCCESS".to_owned(), String::new())]).collect()
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

const fn done(outcome: SinkOutcome, written_by: u64) -> Committed {
    Committed { outcome, same_key: 0, written_by }
}

/// Without it a batch that a restarted driver runs again would be doubled, taken back when its input is lost, or
/// written by a driver that was replaced.
#[test]
fn a_batch_is_there_once_whoever_writes_it() {
    let directory = directory();
    let root = directory.path().join("out");
    let (first, second) = (FileSink::new(&root), FileSink::new(&root));
    assert_eq!(write(&first, output(1, 1), &[&["a", "b"], &["c"]], 10), Ok(done(SinkOutcome::Written, 1)));
    assert_eq!(write(&first, output(2, 1), &[], 20), Ok(done(SinkOutcome::Written, 1)), "an empty batch is one too");
    assert_eq!(write(&second, output(1, 2), &[], 0), Ok(done(SinkOutcome::AlreadyThere, 1)));
    assert_eq!(write(&second, output(3, 2), &[&["d"]], 1), Ok(done(SinkOutcome::Written, 2)));
    let fenced = write(&first, output(4, 1), &[&["e"]], 30).expect_err("another driver has taken over");
    assert_eq!(fenced, SinkError::Fenced { ours: 1, theirs: 2 });
    assert_eq!(write(&FileSink::new(&root), output(5, 1), &[&["f"]], 40), Err(fenced), "nor at its start");
    let expected = [
        ("batch-1000".to_owned(), batch(&["0\ta\n1\tb\n", "0\tc\n"])),
        ("batch-2000".to_owned(), batch(&[])),
        ("batch-3000".to_owned(), batch(&["0\td\n"])),
    ];
    assert_eq!(seen(&root), expected.into());
}

/// Without it a part of an attempt that was given up would be shown beside the one that counts.
#[test]
fn parts_of_other_attempts_are_not_shown() {
    let directory = directory();
    let sink = FileSink::new(directory.path().join("out"));
    let of = |task| OutputPart { output: output(1, 0), partition: PartitionId(0), task: TaskId(task) };
    let rows = |value: &str| vec![Row { key: "k".to_owned(), value: value.to_owned() }];
    sink.stage(&of(1), rows("slow")).expect("the first attempt");
    let second = sink.stage(&of(2), rows("fast")).expect("the second");
    sink.stage(&of(3), rows("third")).expect("one more");
    assert_eq!(sink.commit(&output(1, 0), vec![second]), Ok(done(SinkOutcome::Written, 0)));
    assert_eq!(seen(&directory.path().join("out")), [("batch-1000".to_owned(), batch(&["k\tfast\n"]))].into());
}

/// Without it a directory with results of somebody else would be written into.
#[test]
fn what_others_wrote_is_left_alone() {
    let directory = directory();
    let foreign = directory.path().join("batch-1000");
    StdFileOps.create_dir(&foreign).expect("a directory of somebody else");
    StdFileOps.create_new(&foreign.join("theirs")).expect("with a file");
    let sink = FileSink::new(directory.path());
    let refused = write(&sink, output(1, 0), &[&["a"]], 1).expect_err("it is not ours");
    assert!(refused.to_string().contains("give another directory"), "{refused}");
    write(&sink, output(2, 0), &[&["a"]], 1).expect("nobody wrote this one");
    let other = BatchOutput { output_op: OutputOpId(1), ..output(2, 0) };
    let refused = write(&sink, other, &[&["b"]], 9).expect_err("another operation wrote it");
    assert!(refused.to_string().contains("give each a directory of its own"), "{refused}");
}

/// Without it a crash between two file operations would leave half a batch, none of two, or one that the next
/// driver cannot finish.
#[test]
fn a_crash_at_any_file_operation_leaves_a_batch_whole_or_absent() {
    let rows: Rows<'_> = &[&["a"], &["b", "c"]];
    let whole = batch(&["0\ta\n", "0\tb\n1\tc\n"]);
    let before = batch(&["0\told\n"]);
    let mut points = 0;
    // A first batch, one after a crash of a driver before, and one that takes the place of another.
    for (epoch, replaces) in [(1, false), (0, true)] {
        for last in 0.. {
            let directory = directory();
            let root = directory.path().join("out");
            if replaces {
                write(&FileSink::new(&root), output(1, 0), &[&["old"]], 90).expect("nothing fails");
            }
            let dying = Dying::after(last);
            let crashed = write(&FileSink::with_ops(&root, Arc::new(dying)), output(1, epoch), rows, 10);
            let found = seen(&root).remove("batch-1000");
            let is_old = found.as_ref() == Some(&before);
            assert!(found.is_none() || found.as_ref() == Some(&whole) || replaces && is_old, "{last}: {found:?}");
            assert!(crashed.is_err() || found.as_ref() == Some(&whole), "{last}: it said that it was there");
            // The next driver puts the stage in order, and runs the batch again.
            let next = if replaces { 0 } else { epoch + 1 };
            let sink = FileSink::new(&root);
            sink.open(next).expect("nothing fails any more");
            assert!(!replaces || seen(&root).contains_key("batch-1000"), "{last}: the old one or the new one is there");
            write(&sink, output(1, next), rows, 50).expect("nothing fails any more");
            assert_eq!(seen(&root), [("batch-1000".to_owned(), whole.clone())].into(), "{last}");
            let left = StdFileOps.list(&root.join(".stage")).expect("it is there");
            assert!(left.iter().all(|entry| entry.name == format!("epoch-{next}")), "{last}: {left:?}");
            points += 1;
            if crashed.is_ok() {
                break;
            }
        }
    }
    assert!(points > 40, "{points}");
}

/// The name of the directory itself was not durable: all batches went with it. Found by the crash points of the
/// simulation of the whole system.
#[test]
fn what_was_committed_survives_a_loss_of_power() {
    let disk = SimulatedDisk::new();
    let sink = FileSink::with_ops("/out", Arc::new(disk.clone()));
    write(&sink, output(1, 1), &[&["a"], &["b", "c"]], 10).expect("nothing fails");
    disk.lose_power(PowerLoss::Lost);
    let read = |name: &str| disk.read(&Path::new("/out/batch-1000").join(name)).expect("it is there");
    assert_eq!((read("part-00000"), read("part-00001")), (b"0\ta\n".to_vec(), b"0\tb\n1\tc\n".to_vec()));
    let again = write(&FileSink::with_ops("/out", Arc::new(disk.clone())), output(1, 2), &[&["a"], &["b", "c"]], 20);
    assert_eq!(again.expect("nothing fails").outcome, SinkOutcome::AlreadyThere);
}
