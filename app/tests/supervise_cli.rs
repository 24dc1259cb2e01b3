//! `faultline run --supervise`, with real processes that are really killed.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

/// The supervisor. A test that fails leaves none behind, and a driver ends with it.
struct Supervisor(Child);

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A supervised run.
struct Run {
    supervisor: Supervisor,
    err: Lines<BufReader<ChildStderr>>,
    out: Lines<BufReader<ChildStdout>>,
}

impl Run {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faultline"));
        for display in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
            command.env_remove(display);
        }
        let piped = command.arg("run").args(args).arg("--supervise").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut supervisor = piped.spawn().expect("the binary was built for this test");
        let err = BufReader::new(supervisor.stderr.take().expect("it is piped")).lines();
        let out = BufReader::new(supervisor.stdout.take().expect("it is piped")).lines();
        Self { supervisor: Supervisor(supervisor), err, out }
    }

    /// The next line on standard error that holds `words`.
    fn says(&mut self, words: &str) -> String {
        let mut said = Vec::new();
        for line in self.err.by_ref().map_while(Result::ok) {
            if line.contains(words) {
                return line;
            }
            said.push(line);
        }
        panic!("{words:?} is missing in {said:?}");
    }

    /// The process of life `number` of the driver.
    fn driver(&mut self, number: u32) -> String {
        let line = self.says(&format!("runs, life {number}"));
        line.split_whitespace().nth(2).expect("driver process NUMBER runs").to_owned()
    }

    /// Waits until the driver that was started last has told of a batch: lines of the one before may still be there.
    fn batch(&mut self) {
        let mut lines = self.out.by_ref().map_while(Result::ok);
        assert!(lines.any(|line| line.contains(" executors of ")), "no driver begins");
        assert!(lines.any(|line| line.starts_with("batch ")), "no batch completes");
    }

    fn end(mut self) -> (ExitStatus, String) {
        let status = self.supervisor.0.wait().expect("it ends");
        (status, self.out.map_while(Result::ok).collect::<Vec<_>>().join("\n"))
    }
}

fn kill(signal: &str, process: &str) {
    assert!(Command::new("kill").args([signal, process]).status().expect("kill is there").success());
}

fn source() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    format!("tcp://{}", listener.local_addr().expect("it is bound"))
}

/// R16.1. Without it a driver that is killed would stay away, or Ctrl-C would be taken for a crash.
#[test]
fn a_killed_driver_is_started_again_until_the_user_ends_it() {
    let mut run = Run::start(&["ledger", "--source", &source(), "--interval", "100ms"]);
    let supervisor = run.supervisor.0.id().to_string();
    for life in 1..=2 {
        let driver = run.driver(life);
        assert_ne!(driver, supervisor);
        run.batch();
        kill("-KILL", &driver);
        // Each life completed a batch, so no wait is longer than the first.
        let restart = run.says("started again");
        assert!(restart.contains("signal: 9") && restart.contains("in 1 s"), "{restart}");
    }
    run.driver(3);
    run.batch();
    kill("-INT", &supervisor);
    let (status, out) = run.end();
    assert_eq!(status.code(), Some(0), "{out}");
    assert!(out.lines().last().is_some_and(|line| line.starts_with("output sha256 ")), "a graceful stop: {out}");
}

/// R16.1. Without it a driver that crashes at each start would be started as fast as the machine can, and the user
/// could not end that.
#[test]
fn crashes_at_each_start_wait_longer() {
    let mut run = Run::start(&["word-count", "--batches", "2", "--fault", "fail:task=map/1/0,times=4@batch=1"]);
    let supervisor = run.supervisor.0.id().to_string();
    for (life, wait) in [(1, "in 1 s"), (2, "in 2 s"), (3, "in 4 s")] {
        run.driver(life);
        let restart = run.says("started again");
        assert!(restart.contains("exit status: 1") && restart.contains(wait), "life {life}: {restart}");
    }
    kill("-TERM", &supervisor);
    assert_eq!(run.end().0.code(), Some(1), "that of the last life");
}

/// R16.1. Without it a run that did what it was told would begin again, or its result would be lost.
#[test]
fn a_driver_that_ends_well_is_not_started_again() {
    let run = Run::start(&["word-count", "--batches", "2"]);
    let (status, out) = run.end();
    assert_eq!(status.code(), Some(0));
    assert_eq!(out.lines().filter(|line| line.starts_with("batch ")).count(), 2, "{out}");
}

/// Without it a command line that can never work would be tried for ever.
#[test]
fn a_wrong_command_line_is_not_tried_again() {
    let mut run = Run::start(&["page-rank", "--sink", "files:out"]);
    assert!(run.says("page-rank").contains("has no batches"));
    assert_eq!(run.end().0.code(), Some(2));
}

/// Without it a driver would be left behind that nobody restarts, with the port that the next one needs.
#[test]
fn a_driver_does_not_outlive_its_supervisor() {
    let source = source();
    let mut run = Run::start(&["ledger", "--source", &source, "--interval", "100ms"]);
    run.driver(1);
    run.batch();
    kill("-KILL", &run.supervisor.0.id().to_string());
    // The output ends when the last process that could write it has ended.
    let Run { mut supervisor, out, err } = run;
    assert_eq!(out.map_while(Result::ok).filter(|line| line.starts_with("output sha256")).count(), 0);
    assert!(err.map_while(Result::ok).any(|line| line.contains("its supervisor is gone")));
    assert_eq!(supervisor.0.wait().expect("it was killed").code(), None);
    let next = Run::start(&["ledger", "--source", &source, "--interval", "100ms", "--batches", "1"]);
    assert_eq!(next.end().0.code(), Some(0));
}
