//! Real processes: the driver of a supervised run is killed while it is fed, and the ledger says what became of what it
//! had received, life after life, as the sink does.
#![cfg(all(unix, feature = "sqlite"))]

use rusqlite::Connection;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a test waits for what must come; far longer than it takes on a busy machine.
const BOUND: Duration = Duration::from_secs(120);
const KILLS: u32 = 3;

/// A process of the test. It does not outlive it.
struct Process {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        // Whoever listens no more has what it wanted; the process must not wait for it.
        BufReader::new(from).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
    });
    lines
}

impl Process {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faultline"));
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary was built for this test");
        let out = lines(child.stdout.take().expect("it is piped"));
        let err = lines(child.stderr.take().expect("it is piped"));
        Self { child, out, err }
    }

    fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

fn signal(signal: &str, process: &str) {
    assert!(Command::new("kill").args([signal, process]).status().expect("kill is there").success());
}

fn line_with(lines: &Receiver<String>, words: &str) -> String {
    let mut said = Vec::new();
    loop {
        match lines.recv_timeout(BOUND) {
            Ok(line) if line.contains(words) => return line,
            Ok(line) => said.push(line),
            Err(error) => panic!("{words:?} is missing ({error}) in {said:#?}"),
        }
    }
}

/// A supervised run of `ledger`, with everything in one directory.
struct Lab {
    directory: TempDir,
    address: String,
    run: Process,
}

impl Lab {
    fn start(scheme: &str, wal: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| path_in(&directory, name);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound").to_string();
        drop(listener);
        let (source, sink) = (format!("{scheme}://{address}"), format!("sqlite:{}", path("out.db")));
        let (checkpoints, ledger) = (path("cp"), path("ledger"));
        let run = Process::start(&[
            "run",
            "ledger",
            "--source",
            &source,
            "--sink",
            &sink,
            "--checkpoint-dir",
            &checkpoints,
            "--wal",
            wal,
            "--interval",
            "200ms",
            "--conf",
            "spark.streaming.blockInterval=50ms",
            "--supervise",
            "--ledger",
            &ledger,
        ]);
        Self { directory, address, run }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Kills the driver again and again, each life after some batches with lines, when `is_ripe` holds while it stands
    /// still. `begins` is called in each life.
    fn kill(&self, mut begins: impl FnMut(), is_ripe: impl Fn(&Self) -> bool) {
        for life in 1..=KILLS + 1 {
            let line = line_with(&self.run.err, &format!("runs, life {life}"));
            let driver = line.split_whitespace().nth(2).expect("driver process NUMBER runs").to_owned();
            begins();
            // What the life before it told is behind us.
            line_with(&self.run.out, " executors of ");
            for _ in 0..3 {
                line_with(&self.run.out, " lines (");
            }
            if life <= KILLS {
                signal("-STOP", &driver);
                let begun = Instant::now();
                while !is_ripe(self) {
                    assert!(begun.elapsed() < BOUND, "no moment was the right one");
                    signal("-CONT", &driver);
                    std::thread::sleep(Duration::from_millis(20));
                    signal("-STOP", &driver);
                }
                signal("-KILL", &driver);
            }
        }
    }

    /// Stops gracefully. Returns what is printed of the ledger.
    fn end(&mut self) -> Vec<String> {
        signal("-INT", &self.run.child.id().to_string());
        assert_eq!(self.run.wait(), Some(0));
        let lines: Vec<String> = self.run.out.iter().collect();
        let table = lines.iter().position(|line| line.contains("by 4 lives of the driver")).expect("the table is told");
        lines[table..].to_vec()
    }

    /// Whether the driver accepted a block that it has given to no batch.
    fn has_waiting_blocks(&self) -> bool {
        let facts = self.facts();
        let last = |what: &str| facts.iter().rposition(|fact| fact.get(what).is_some());
        last("Received") > last("Given").max(last("LifeBegan"))
    }

    fn facts(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("ledger")).expect("the run wrote it");
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

fn path_in(directory: &TempDir, name: &str) -> String {
    directory.path().join(name).to_str().expect("a path of this test is Unicode").to_owned()
}

/// How many rows the sink has, and how many keys.
fn rows(path: &Path) -> (u64, u64) {
    let connection = Connection::open(path).expect("the sink made it");
    let counts = connection.query_row("SELECT count(*), count(DISTINCT key) FROM output", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    });
    let (rows, keys) = counts.expect("the table is there");
    (rows.try_into().expect("a count"), keys.try_into().expect("a count"))
}

/// The totals of a file, which are its last line.
fn totals(facts: &[Value]) -> &Value {
    &facts.last().expect("there are facts")["Totals"]
}

fn records(totals: &Value, what: &str) -> u64 {
    totals[what]["records"].as_u64().expect("a count")
}

/// Rows 10 of the guarantees. Without it the ledger would report a loss where there is none, or the sum of the lives
/// would not be what was received.
#[test]
fn with_a_log_nothing_is_lost_and_the_ledger_says_so() {
    let mut lab = Lab::start("ack-tcp", "on");
    let acknowledged = path_in(&lab.directory, "acknowledged");
    let mut feed =
        Process::start(&["feed", &lab.address, "--lines", "100000000", "--rate", "300", "--out", &acknowledged]);
    lab.kill(|| (), |_| true);
    signal("-INT", &feed.child.id().to_string());
    assert_eq!(feed.wait(), Some(0));
    let table = lab.end();
    let (facts, (rows, keys)) = (lab.facts(), rows(&lab.path("out.db")));
    let totals = totals(&facts);
    let told = fs::read_to_string(acknowledged).expect("the feed wrote it").lines().count() as u64;
    assert!(told > u64::from(KILLS) && rows == keys && rows >= told, "{told} acknowledged, {rows} rows, {keys} keys");
    for (what, expected) in [("received", rows), ("once", rows), ("lost", 0), ("duplicated", 0), ("pending", 0)] {
        assert_eq!(records(totals, what), expected, "{what}: {totals} {table:#?}");
    }
    assert!(
        table.iter().any(|line| line.trim_start().starts_with("lost ") && line.contains(" 0 records")),
        "{table:#?}"
    );
}

/// The same without a log and without acknowledgements. Without it somebody would lose records and not be told which,
/// or be told of a loss of what is there.
#[test]
fn without_a_log_the_ledger_names_what_is_missing() {
    let mut lab = Lab::start("tcp", "off");
    // A plain client knows nothing: it connects again to each life, and goes on with its numbers.
    let mut first = 1_u64;
    let mut feeds = Vec::new();
    let feed = || {
        let from = first.to_string();
        first += 1_000_000;
        let lines = ["--lines", "900000", "--rate", "300", "--plain"];
        feeds.push(Process::start(&[&["feed", &lab.address, "--first", &from][..], &lines[..]].concat()));
    };
    lab.kill(feed, Lab::has_waiting_blocks);
    let table = lab.end();
    drop(feeds);
    let (facts, (rows, keys)) = (lab.facts(), rows(&lab.path("out.db")));
    let totals = totals(&facts);
    // What the driver had accepted, counted without the fold of the ledger.
    let accepted = facts.iter().filter_map(|fact| fact["Received"]["block"]["records"].as_u64()).sum::<u64>();
    assert!(rows > 0 && rows == keys, "{rows} rows, {keys} keys");
    assert_eq!(records(totals, "once"), rows, "{totals} {table:#?}");
    assert_eq!(records(totals, "lost"), records(totals, "received") - rows, "{totals} {table:#?}");
    assert_eq!((records(totals, "duplicated"), records(totals, "pending")), (0, 0), "{totals}");
    assert!(records(totals, "lost") > 0 && records(totals, "received") >= accepted, "{accepted} accepted, {totals}");
    // Block by block, unless there are too many of them.
    let named = table.iter().filter_map(|line| line.trim_start().strip_prefix("lost ")?.split_once("  input-0-"));
    let named: Vec<u64> =
        named.filter_map(|(_, rest)| rest.split_once("  ")?.1.split_once(" records")?.0.parse().ok()).collect();
    let more = table.iter().any(|line| line.contains(" more"));
    assert!(more || named.iter().sum::<u64>() == records(totals, "lost"), "{named:?} {totals} {table:#?}");
}
