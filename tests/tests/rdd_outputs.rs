//! What RDDs exchange with the world outside: processes they are piped through, files they are saved to.

use faultline_engine::config::EngineConfig;
use faultline_engine::error::{EngineError, Result};
use faultline_engine::event::*;
use faultline_engine::rdd::{Line, PipedCommand, Rdd, SparkContext};
use faultline_tests::quiet::silence_deliberate_panics;
use faultline_tests::{Loop, in_batches, log, run, settings};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn numbers(sc: &SparkContext, count: u32, partitions: u32) -> Rdd<u32> {
    sc.parallelize((0..count).collect(), partitions)
}

/// `sh -c script`, with one variable.
fn shell(script: &str) -> PipedCommand {
    let words = ["sh", "-c", script].map(str::to_owned).to_vec();
    PipedCommand { words, environment: [("GREETING".to_owned(), "good day".to_owned())].into() }
}

fn lines(rdd: &Rdd<faultline_engine::rdd::Line>) -> Result<Vec<Vec<String>>> {
    Ok(rdd.glom().collect()?.into_iter().map(|part| part.iter().map(|line| line.to_string()).collect()).collect())
}

/// Without it a process would get the records of another partition, or its output be cut off.
#[cfg(unix)]
#[test]
fn pipe_runs_a_process_per_partition() {
    for &loop_ in Loop::ALL {
        let (result, _) = run(loop_, settings(2, &["kill:executor=1@batch=2"]), |sc| {
            let source = numbers(sc, 4, 2);
            assert_eq!(lines(&source.pipe("cat"))?, [["0", "1"], ["2", "3"]]);
            assert_eq!(lines(&source.pipe("wc  -l").map(|l| l.trim()))?, [["2"], ["2"]]);
            // Spark runs it for an empty partition too.
            assert_eq!(lines(&numbers(sc, 0, 2).pipe_with(shell("cat; echo end")))?, [["end"], ["end"]]);
            assert_eq!(lines(&source.pipe_with(shell("echo $GREETING")))?, [["good day"], ["good day"]]);
            // Much more than the pipes hold, in both directions; and a process that reads only a little.
            let many = numbers(sc, 200_000, 2).pipe("cat");
            assert_eq!(many.count()?, 200_000);
            assert_eq!(lines(&numbers(sc, 200_000, 2).pipe("head -n 1"))?, [["0"], ["100000"]]);
            in_batches(sc, move |_| {
                assert_eq!(many.count()?, 200_000);
                Ok(())
            })
        });
        assert_eq!(result, Ok(()), "{loop_:?}");
    }
}

/// Without it the output of a process that failed would be taken for a result.
#[cfg(unix)]
#[test]
fn a_process_that_fails_fails_its_task() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let source = numbers(sc, 4, 2);
            let error = |rdd: Rdd<_>| rdd.count().expect_err("it fails").to_string();
            Ok([
                error(source.pipe("ls /no/such/file")),
                error(source.pipe_with(shell("cat; kill -9 $$"))),
                error(source.pipe("no-such-program-anywhere")),
                error(source.pipe("")),
            ])
        });
        let errors = result.expect("the program goes on");
        let expect = [
            "Command ran: ls /no/such/file",
            "Subprocess exited with status 137. Command ran: sh -c cat; kill -9 $$",
            "Cannot run program \"no-such-program-anywhere\": ",
            "Cannot run program \"\": ",
        ];
        for (error, expect) in errors.iter().zip(expect) {
            assert!(error.contains(expect), "{loop_:?}: {error}");
        }
        assert!(errors[0].contains("Subprocess exited with status "), "{loop_:?}: {}", errors[0]);
        // Each failed four times, as any task does.
        let failed = log::task_ends(&log).filter(|(_, r, _)| matches!(r, TaskEndReason::ExceptionFailure { .. }));
        assert!(failed.count() >= 16, "{loop_:?}");
    }
}

/// Without it the picture of a piped RDD would not be Spark's.
#[test]
fn a_piped_rdd_has_sparks_lineage() {
    let (result, _) = run(Loop::Sim, settings(0, &[]), |sc| Ok(numbers(sc, 4, 2).pipe("cat").to_debug_string()));
    let text = result.expect("nothing runs");
    assert!(text.starts_with("(2) PipedRDD[1] at pipe at rdd_outputs.rs:"), "{text}");
    assert!(text.contains("\n |  ParallelCollectionRDD[0] at parallelize"), "{text}");
}

/// Files of a directory with their text, by name.
fn files(path: &Path) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(path)
        .expect("it was saved")
        .map(|entry| {
            let path = entry.expect("it can be read").path();
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("text"))
        })
        .collect();
    files.sort();
    files
}

fn saved(parts: &[&str]) -> Vec<(String, String)> {
    let parts = parts.iter().enumerate().map(|(i, text)| (format!("part-{i:05}"), (*text).to_owned()));
    std::iter::once(("_SUCCESS".to_owned(), String::new())).chain(parts).collect()
}

/// Without it what a program saves could not be read again, or would overwrite what is there.
#[test]
fn saved_text_is_read_again() {
    for &loop_ in Loop::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("deep/out");
        let text = path.to_string_lossy().into_owned();
        let (result, log) = run(loop_, settings(0, &[]), move |sc| {
            numbers(sc, 5, 3).save_as_text_file(&text)?;
            let again = numbers(sc, 5, 2).save_as_text_file(&text);
            let read = sc.text_file(&text, 2)?.map(|line| line.to_string()).collect()?;
            numbers(sc, 4, 3).save_as_text_file_again(&text)?;
            Ok((read, again == Err(EngineError::IllegalState(format!("Output directory {text} already exists")))))
        });
        let read = ["0", "1", "2", "3", "4"].map(str::to_owned).to_vec();
        assert_eq!(result, Ok((read, true)), "{loop_:?}");
        assert_eq!(files(&path), saved(&["0\n", "1\n", "2\n3\n"]), "{loop_:?}");
        let written: u64 = log::task_ends(&log).map(|(_, _, m)| m.output.records).sum();
        assert_eq!(written, 9, "{loop_:?}");
    }
}

/// Without it a job that failed would leave parts that look like a result.
#[test]
fn a_job_that_fails_leaves_no_part() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("out");
        let text = path.to_string_lossy().into_owned();
        // One slot, so that nothing of the job runs when it has failed.
        let config = EngineConfig { executors: 1, cores: 1, ..settings(0, &[]) };
        let (result, _) = run(loop_, config, move |sc| {
            let bad = numbers(sc, 9, 3).map(|v| if v == 8 { panic!("deliberate: eight") } else { v });
            bad.save_as_text_file(&text)
        });
        assert!(result.expect_err("it fails").to_string().contains("deliberate: eight"), "{loop_:?}");
        assert_eq!(files(&path), [], "{loop_:?}");
    }
}

/// Without it an attempt that fails half-way would leave half a part.
#[test]
fn an_attempt_that_fails_saves_nothing() {
    silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("out");
        let text = path.to_string_lossy().into_owned();
        let (calls, found) = (Arc::new(AtomicU32::new(0)), path.clone());
        let (result, _) = run(loop_, settings(0, &[]), move |sc| {
            let tried = numbers(sc, 2, 1).map(move |v| {
                match calls.fetch_add(1, Ordering::Relaxed) {
                    1 => panic!("deliberate: at the second record"),
                    2 => assert!(!found.join("part-00000").exists(), "the first attempt left its part"),
                    _ => {}
                }
                v
            });
            tried.save_as_text_file(&text)
        });
        assert_eq!(result, Ok(()), "{loop_:?}");
        assert_eq!(files(&path), saved(&["0\n1\n"]), "{loop_:?}");
    }
}

/// Without it an executor that dies while it saves would leave its part twice, half, or not at all.
#[test]
fn saving_survives_a_lost_executor() {
    for &loop_ in Loop::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().to_path_buf();
        let (result, _) = run(loop_, settings(3, &["kill:executor=1@batch=2"]), move |sc| {
            let inside = sc.clone();
            in_batches(sc, move |batch| {
                let out = path.join(format!("out-{batch}"));
                numbers(&inside, 6, 6).map(|v| v * 10).save_as_text_file(&out.to_string_lossy())?;
                assert_eq!(files(&out), saved(&["0\n", "10\n", "20\n", "30\n", "40\n", "50\n"]), "batch {batch}");
                Ok(())
            })
        });
        assert_eq!(result, Ok(()), "{loop_:?}");
    }
}

/// Without it a directory that is not there would stop the scheduler instead of failing the program's call
/// (L14).
#[test]
fn l14_a_source_that_cannot_be_listed() {
    for &loop_ in Loop::ALL {
        let (result, log) = run(loop_, settings(0, &[]), |sc| {
            let error = sc.text_file("/no/such/file", 2).map(|_| ()).expect_err("it is not there").to_string();
            Ok((error.contains("/no/such/file"), numbers(sc, 4, 2).count()?))
        });
        assert_eq!(result, Ok((true, 4)), "{loop_:?}");
        assert_eq!(log::jobs(&log).len(), 1, "{loop_:?}");
    }
}

/// Without it a line longer than what is read at once would be cut, or be read by two partitions or none.
#[test]
fn long_lines_are_whole() {
    let lengths = [3_500_000, 5, 0, 2_000_000, 1 << 20, 40, 2_500_000];
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("long.txt").to_string_lossy().into_owned();
    let lines = lengths.iter().zip('a'..).map(|(length, letter)| letter.to_string().repeat(*length));
    fs::write(&path, lines.collect::<Vec<_>>().join("\r\n")).expect("written");
    let expected: Vec<_> =
        lengths.into_iter().zip('a'..).map(|(length, letter)| (length, (length > 0).then_some(letter))).collect();
    for &loop_ in Loop::ALL {
        for partitions in [1, 3, 7] {
            let path = path.clone();
            let (read, _) = run(loop_, settings(0, &[]), move |sc| {
                let whole = |line: Line| {
                    let first = line.chars().next();
                    assert!(line.chars().all(|letter| Some(letter) == first));
                    (line.len(), first)
                };
                sc.text_file(&path, partitions)?.map(whole).collect()
            });
            assert_eq!(read, Ok(expected.clone()), "{loop_:?} in {partitions}");
        }
    }
}
