//! Inputs from outside on the command line: the built binary, real directories and sockets.

use faultline_engine::event::Event;
use faultline_engine::eventlog::LogReader;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultline"));
    for display in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(display);
    }
    command.args(args);
    command
}

fn faultline(args: &[&str]) -> Output {
    command(args).output().expect("the binary was built for this test")
}

/// A run would wait for ever, or begin and then fail, instead of saying at once what is wrong.
#[test]
fn bad_sources_name_the_place_and_the_way_out() {
    let nowhere = std::env::temp_dir().join("faultline-test-no-such-directory");
    let nowhere = format!("dir:{}", nowhere.display());
    let socket = "tcp-connect://localhost:9999";
    let cases: [(&[&str], &[&str]); 7] = [
        (&["run", "word-count", "--source", &nowhere], &["no-such-directory", "make it first, or give another"]),
        (
            &["run", "word-count", "--source", "file:x"],
            &["file:x", "give dir:PATH, tcp://HOST:PORT, ack-tcp://HOST:PORT"],
        ),
        (&["run", "word-count", "--source", "tcp-connect://localhost"], &["the port is missing"]),
        (&["run", "word-count", "--source", socket, "--clock", "virtual"], &[socket, "leave --clock away"]),
        (&["run", "page-rank", "--source", socket], &["page-rank has no batches", "choose word-count"]),
        (&["open", "page-rank", "--source", socket], &["page-rank is no streaming program"]),
        (&["open", "word-count", "--source", &nowhere], &["no-such-directory", "make it first, or give another"]),
    ];
    for (args, expected) in cases {
        let output = faultline(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {errors}");
        for words in expected {
            assert!(errors.contains(words), "{args:?}: {words:?} is missing in {errors}");
        }
    }
}

/// A directory could not be read without the window, or a run on it would not end where it was told to.
#[test]
fn a_directory_is_read_for_so_many_batches() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let source = format!("dir:{}", directory.path().display());
    let output = faultline(&["run", "word-count", "--source", &source, "--batches", "2"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("wall clock, durations are measured"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("batch ")).count(), 2, "{text}");
}

/// Ctrl-C would leave half a log, no sums, and directories that nobody removes.
#[cfg(unix)]
#[test]
fn an_endless_run_ends_whole_on_interrupt() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let source = format!("tcp-connect://{}", listener.local_addr().expect("it is bound"));
    let log = tempfile::NamedTempFile::new().expect("a temporary file");
    let path = log.path().to_str().expect("a path of this test is Unicode");
    let mut run = command(&["run", "word-count", "--source", &source, "--events", path]);
    let mut child = run.stdout(Stdio::piped()).spawn().expect("the binary was built for this test");
    let (mut socket, _) = listener.accept().expect("the receiver connects");
    socket.write_all(b"the cat\nsat on\nthe mat\n").expect("the socket is open");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut told = Vec::new();
    let records = |line: &str| -> u64 {
        let mut words = line.strip_prefix("batch ").into_iter().flat_map(str::split_whitespace);
        words.nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    while told.iter().map(|line: &String| records(line)).sum::<u64>() < 3 {
        told.push(lines.next().expect("the run goes on").expect("output is UTF-8"));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill is there").success());
    told.extend(lines.map_while(Result::ok));
    let status = child.wait().expect("it ends");
    let text = told.join("\n");
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(text.contains("receiver   SocketReceiver 127.0.0.1:"), "{text}");
    assert!(text.contains("('the', 2)"), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.starts_with("output sha256 ")), "{text}");
    let events: Vec<Event> = LogReader::new(BufReader::new(File::open(path).expect("the log is there")))
        .map(|envelope| envelope.expect("every line can be read").event)
        .collect();
    assert!(matches!(events.last(), Some(Event::ApplicationEnd)), "{:?}", events.last());
    assert!(events.iter().any(|e| matches!(e, Event::InputBlockUpdated { .. })));
}
