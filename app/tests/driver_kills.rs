//! Real processes: the driver of a supervised run is killed again and again while a client feeds it, and in the end
//! the sink holds every acknowledged line exactly once.
#![cfg(all(unix, feature = "sqlite"))]

use faultline_engine::rng::Seed;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Kills, unless `FAULTLINE_KILLS` says how many.
const KILLS: u64 = 15;
/// How long a test waits for what must come; far longer than it takes on a busy machine.
const BOUND: Duration = Duration::from_secs(120);
/// Longest time from a driver's first batch to its death, in milliseconds.
const LIFE_MAX_MS: u64 = 400;

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
        let mut child = command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let out = lines(child.stdout.take().expect("it is piped"));
        let err = lines(child.stderr.take().expect("it is piped"));
        Self { child, out, err }
    }

    fn interrupt(&self) {
        signal("-INT", &self.child.id().to_string());
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

/// How often each key is in the sink.
fn counted(path: &Path) -> BTreeMap<u64, i64> {
    let connection = Connection::open(path).expect("the sink made it");
    let mut rows = connection.prepare("SELECT key, count(*) FROM output GROUP BY key").expect("the table is there");
    let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).expect("it is read");
    rows.map(|row| row.expect("each row has its types")).map(|(key, n)| (key.parse().expect("a number"), n)).collect()
}

/// Rows 10 of the guarantees, with a transactional sink. Without it an acknowledged line would be lost with the driver,
/// or be there twice because the driver was started again.
#[test]
fn every_acknowledged_line_is_there_once_however_often_the_driver_is_killed() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (kills, seed) = (number("FAULTLINE_KILLS").unwrap_or(KILLS), number("FAULTLINE_SEED").unwrap_or(1));
    println!("FAULTLINE_SEED={seed} FAULTLINE_KILLS={kills}");
    let mut rng = Seed(seed).fork("driver kills").rng();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("a path of this test is Unicode").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound").to_string();
    drop(listener);
    let (source, sink, checkpoints) =
        (format!("ack-tcp://{address}"), format!("sqlite:{}", path("out.db")), path("cp"));
    let mut run = Process::start(&[
        "run",
        "ledger",
        "--source",
        &source,
        "--sink",
        &sink,
        "--checkpoint-dir",
        &checkpoints,
        "--wal",
        "on",
        "--interval",
        "200ms",
        "--supervise",
    ]);
    let acknowledged = path("acknowledged");
    let mut feed = Process::start(&["feed", &address, "--lines", "100000000", "--rate", "500", "--out", &acknowledged]);
    for life in 1..=kills {
        let line = line_with(&run.err, &format!("runs, life {life}"));
        let driver = line.split_whitespace().nth(2).expect("driver process NUMBER runs").to_owned();
        // What the life before it told is behind us.
        line_with(&run.out, " executors of ");
        line_with(&run.out, "batch ");
        let patience = Duration::from_millis(rng.below(LIFE_MAX_MS));
        // Batches go on meanwhile; what they tell is not looked at.
        while run.out.recv_timeout(patience) != Err(RecvTimeoutError::Timeout) && rng.below(3) > 0 {}
        signal("-KILL", &driver);
    }
    line_with(&run.err, &format!("runs, life {}", kills + 1));
    line_with(&run.out, " executors of ");
    line_with(&run.out, "batch ");
    // On a busy machine each life may end before it has acknowledged anything: the last one goes on until lines are.
    let told = || fs::read_to_string(&acknowledged).map_or(0, |text| text.lines().count() as u64);
    let since = Instant::now();
    while told() <= kills && since.elapsed() < BOUND {
        std::thread::sleep(Duration::from_millis(20));
    }
    feed.interrupt();
    assert_eq!(feed.wait(), Some(0));
    // A graceful stop processes everything that was received.
    run.interrupt();
    assert_eq!(run.wait(), Some(0));
    let told = fs::read_to_string(&acknowledged).expect("the feed wrote it");
    let told: Vec<u64> = told.lines().map(|line| line.parse().expect("a number")).collect();
    let counts = counted(&directory.path().join("out.db"));
    assert!(told.len() as u64 > kills, "{} lines were acknowledged", told.len());
    let lost: Vec<&u64> = told.iter().filter(|number| !counts.contains_key(number)).collect();
    let doubled: Vec<(&u64, &i64)> = counts.iter().filter(|(_, n)| **n > 1).collect();
    assert!(lost.is_empty() && doubled.is_empty(), "of {} lines lost {lost:?}, doubled {doubled:?}", told.len());
}
