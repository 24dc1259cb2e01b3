//! `faultline feed` and `faultline run --sink`: two real processes, a real port, and what is in the sink at the end.
#![cfg(all(unix, feature = "sqlite"))]

use rusqlite::Connection;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn faultline(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultline"));
    for display in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(display);
    }
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A run that does not outlive a test that fails.
struct Run(Option<Child>);

impl Run {
    fn start(args: &[&str]) -> Self {
        Self(Some(faultline(args).spawn().expect("the binary was built for this test")))
    }

    /// Waits until its receiver was started: before it, the run tries the port, and cuts off who comes just then.
    fn receives(&mut self) {
        let child = self.0.as_mut().expect("it was started");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.starts_with("receiver ")), "it receives");
        // What it prints further must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Ends it as Ctrl-C does: what was received is processed.
    fn end(mut self) -> Output {
        let child = self.0.take().expect("it was started");
        let process = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &process]).status().expect("kill is there").success());
        child.wait_with_output().expect("it ends")
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").to_string()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of this test is Unicode")
}

fn rows(path: &Path) -> Vec<(String, String)> {
    let connection = Connection::open(path).expect("the sink made it");
    let mut rows = connection
        .prepare("SELECT key, value FROM output ORDER BY CAST(key AS INTEGER), 1, batch_time_ms")
        .expect("a table");
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("it is read");
    rows.map(|row| row.expect("each row has its types")).collect()
}

/// Without it a user could not see with two terminals that what was acknowledged is there, once.
#[test]
fn what_is_acknowledged_is_in_the_sink_once() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (db, told) = (directory.path().join("out.db"), directory.path().join("acknowledged"));
    let address = address();
    let (source, sink) = (format!("ack-tcp://{address}"), format!("sqlite:{}", text(&db)));
    let mut run = Run::start(&["run", "ledger", "--source", &source, "--sink", &sink, "--interval", "100ms"]);
    run.receives();
    let feed = |args: &[&str]| {
        let output = faultline(&[&["feed", &address], args].concat()).output().expect("it was built");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    };
    let said = feed(&["--lines", "300", "--out", text(&told)]);
    assert!(said.ends_with("300 sent, 0 of them again, 300 acknowledged, 1 connections\n"), "{said}");
    // The same feed once more: everything is there already.
    let said = feed(&["--lines", "300"]);
    assert!(said.contains("300 acknowledged"), "{said}");
    // Others have their own numbers, or those after these.
    feed(&["--lines", "50", "--first", "301"]);
    let output = run.end();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let expected: Vec<(String, String)> = (1..=350).map(|n| (n.to_string(), format!("line {n}"))).collect();
    assert_eq!(rows(&db), expected, "{printed}");
    let told = std::fs::read_to_string(&told).expect("the feed wrote it");
    assert_eq!(told.lines().collect::<Vec<_>>(), (1..=300).map(|n| n.to_string()).collect::<Vec<_>>());
}

/// Without it a sink would take batches that nobody asked it to take, or fail after the run has begun.
#[test]
fn bad_sinks_and_feeds_name_the_place_and_the_way_out() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("it is written");
    let of = |scheme: &str, path: &Path| format!("{scheme}:{}", text(path));
    let (as_files, as_sqlite) = (of("files", &file), of("sqlite", directory.path()));
    let nowhere = of("sqlite", &directory.path().join("none/out.db"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let taken = format!("tcp://{}", listener.local_addr().expect("it is bound"));
    let cases: [(&[&str], &[&str]); 9] = [
        (&["run", "ledger", "--sink", "file:x"], &["no sink", "give print, files:DIR, or sqlite:FILE"]),
        (&["run", "ledger", "--sink", &as_files], &["is a file", "give a directory"]),
        (&["run", "ledger", "--sink", &as_sqlite], &["is a directory", "give a file"]),
        (&["run", "ledger", "--sink", &nowhere], &["there is no directory", "make it first"]),
        (&["run", "page-rank", "--sink", "files:x"], &["page-rank has no batches", "choose a streaming program"]),
        (&["run", "page-rank", "--interval", "1s"], &["page-rank has no batches"]),
        (&["run", "ledger", "--interval", "0"], &["batches need time between them"]),
        (&["run", "ledger", "--source", &taken], &["cannot listen on", "choose another port"]),
        (&["feed", "localhost"], &["no address", "give HOST:PORT"]),
    ];
    for (args, expected) in cases {
        let output = faultline(args).output().expect("it was built");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {errors}");
        for words in expected {
            assert!(errors.contains(words), "{args:?}: {words:?} is missing in {errors}");
        }
    }
}

/// Without it a program's last stream would not be where the user wanted it.
#[test]
fn every_streaming_program_writes_to_a_sink() {
    for program in ["word-count", "windowed-counts", "join-streams", "log-sessions", "ledger"] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let db = directory.path().join("out.db");
        let sink = format!("sqlite:{}", text(&db));
        let args = ["run", program, "--sink", &sink, "--batches", "5"];
        let output = faultline(&args).output().expect("it was built");
        assert_eq!(output.status.code(), Some(0), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(rows(&db).len() > 5, "{program}");
        let first = rows(&db);
        faultline(&args).output().expect("it was built");
        assert_eq!(rows(&db), first, "{program}: the same run leaves the same rows");
    }
}
