//! Sources that listen: what clients push, with and without acknowledgements, over real sockets.

#[path = "inputs_lab/live.rs"]
mod live;

use faultline_engine::command::Command;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::programs::{self, InputSource, ProgramInput};
use faultline_engine::rdd::ReplayText;
use faultline_engine::sinks::FileSink;
use live::Live;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A wait in which nothing must come.
const QUIET: Duration = Duration::from_millis(300);
/// How often a connection is tried, and how long after each; far longer than it takes on a busy machine.
const TRIES: u32 = 6000;
const PAUSE: Duration = Duration::from_millis(10);

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// A client of this test, on one connection.
struct Client {
    socket: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Client {
    /// Connects as soon as the run listens.
    fn connect(live: &mut Live, port: u16) -> Self {
        for _ in 0..TRIES {
            if let Ok(socket) = TcpStream::connect(("127.0.0.1", port)) {
                let answers = BufReader::new(socket.try_clone().expect("a socket has two ends"));
                return Self { socket, answers };
            }
            std::thread::park_timeout(PAUSE);
        }
        panic!("nobody listens; {:#?}", live.settle());
    }

    fn say(&mut self, text: &str) {
        // A connection that is lost shows when an answer is awaited.
        drop(self.socket.write_all(text.as_bytes()));
    }

    /// Lines of its own, numbered.
    fn send(&mut self, numbers: impl Iterator<Item = u64>) {
        let text: String = numbers.map(|number| format!("{number}\ttext {number}\n")).collect();
        self.say(&text);
    }

    /// The next answer; nothing when the connection is lost.
    fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(len) if len > 0 => Some(line.trim_end().to_owned()),
            _ => None,
        }
    }

    /// Waits until everything up to `number` is acknowledged; false when the connection is lost before.
    fn acknowledged(&mut self, number: u64) -> bool {
        while let Some(answer) = self.answer() {
            let reached: u64 = answer.strip_prefix("ACK ").and_then(|n| n.parse().ok()).expect("an acknowledgement");
            assert!(reached <= number, "{reached} was never sent");
            if reached == number {
                return true;
            }
        }
        false
    }

    fn is_quiet(&mut self) -> bool {
        self.socket.set_read_timeout(Some(QUIET)).expect("it is a socket");
        let mut line = String::new();
        let quiet = match self.answers.read_line(&mut line) {
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            Ok(_) => false,
        };
        self.socket.set_read_timeout(None).expect("it is a socket");
        quiet
    }
}

/// The program `ledger` on a source, into a directory.
fn ledger(source: &str, out: &Path) -> Live {
    let config = EngineConfig {
        block_interval: Millis(20),
        receiver_restart_delay: Millis(50),
        loss_detection: Millis(20),
        locality_wait: Millis(20),
        ..EngineConfig::default()
    };
    let source: InputSource = source.parse().expect("a source");
    let program = programs::find("ledger").expect("it is built in");
    let mut input = ProgramInput::replay(ReplayText::from_text("none", ""), 1).from_source(source);
    input.sink = Some(Arc::new(FileSink::new(out)));
    input.interval = Some(Millis(100));
    Live::start(config, move |sc| program.run(sc, &input))
}

/// Rows that the sink was given, as the log says.
fn committed(log: &[Envelope]) -> u64 {
    let rows = log.iter().map(|e| match &e.event {
        Event::OutputCommitted { output } => output.partitions.iter().sum(),
        _ => 0,
    });
    rows.sum()
}

/// How often each number is in the directory, over all batches.
fn counted(out: &Path) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    let batches = fs::read_dir(out).expect("the sink made it").map(|entry| entry.expect("an entry").path());
    for batch in batches.filter(|path| !path.ends_with(".stage")) {
        assert!(batch.join("_SUCCESS").exists(), "{} is not whole", batch.display());
        for part in fs::read_dir(&batch).expect("a batch").map(|entry| entry.expect("an entry").path()) {
            let text = fs::read_to_string(&part).expect("text");
            if part.ends_with("_SUCCESS") {
                continue;
            }
            for line in text.lines() {
                let (number, text) = line.split_once('\t').expect("a row");
                assert_eq!(text, format!("text {number}"));
                *counts.entry(number.parse().expect("a number")).or_insert(0) += 1;
            }
        }
    }
    counts
}

fn once(numbers: impl Iterator<Item = u64>) -> BTreeMap<u64, usize> {
    numbers.map(|number| (number, 1)).collect()
}

/// R17.7. Without it a client would be told that a line is stored while only the receiver has it, and would never send
/// it again.
#[test]
fn a_line_is_acknowledged_when_the_driver_has_its_block() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let out = directory.path().join("out");
    let port = free_port();
    let mut live = ledger(&format!("ack-tcp://127.0.0.1:{port}"), &out);
    let mut client = Client::connect(&mut live, port);
    client.say("HELLO one\n");
    client.send(1..=10);
    assert!(client.acknowledged(10));
    live.settle();
    live.pause();
    client.send(11..=20);
    assert!(client.is_quiet(), "the driver has not accepted the block");
    live.resume();
    assert!(client.acknowledged(20));
    // What comes again is acknowledged again, and dropped.
    client.send(5..=20);
    assert!(client.acknowledged(20));
    client.send(21..=21);
    assert!(client.acknowledged(21));
    live.until(|log| committed(log) >= 21);
    let log = live.stop();
    assert_eq!(counted(&out), once(1..=21));
    let duplicates = log.iter().map(|e| match &e.event {
        Event::ReceivedBlockAdded(added) => added.duplicates,
        _ => 0,
    });
    assert_eq!(duplicates.sum::<u64>(), 16, "the log counts what came again");
}

/// Rows 8 and 10 of the guarantees. Without it lines that a receiver had taken when its executor died would be lost
/// although their client waits, or be there twice although it knows their numbers.
#[test]
fn acknowledged_lines_survive_the_receivers_executor_and_come_once() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let out = directory.path().join("out");
    let port = free_port();
    let mut live = ledger(&format!("ack-tcp://127.0.0.1:{port}"), &out);
    let mut acknowledged = 0;
    for round in 1..=4 {
        let target = round * 500;
        let mut struck = round == 1;
        loop {
            let mut client = Client::connect(&mut live, port);
            client.say("HELLO one\n");
            client.send(acknowledged + 1..=target);
            if !std::mem::replace(&mut struck, true) {
                let at = live.settle().iter().rev().find_map(|e| match &e.event {
                    Event::ReceiverStarted { receiver } => receiver.executor,
                    _ => None,
                });
                let executor = at.expect("it runs on an executor");
                live.command(Command::KillExecutor { executor });
                live.until(|log| {
                    log.iter()
                        .any(|e| matches!(e.event, Event::ExecutorRemoved { executor: gone, .. } if gone == executor))
                });
                live.command(Command::RestartExecutor { executor });
            }
            if client.acknowledged(target) {
                acknowledged = target;
                break;
            }
        }
        // Two copies outlive one loss: the next comes when the batch is there.
        live.until(|log| committed(log) >= acknowledged);
    }
    live.stop();
    assert_eq!(counted(&out), once(1..=acknowledged));
}

/// Without it a client that names nothing, or writes something else, would stop the receiver or hear nothing.
#[test]
fn clients_without_a_name_are_heard_and_strangers_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let out = directory.path().join("out");
    let port = free_port();
    let mut live = ledger(&format!("ack-tcp://localhost:{port}"), &out);
    let mut stranger = Client::connect(&mut live, port);
    stranger.say("GET / HTTP/1.1\n");
    assert!(stranger.answer().is_some_and(|answer| answer.starts_with("ERROR write NUMBER<tab>TEXT")));
    assert_eq!(stranger.answer(), None, "the connection is closed");
    let mut plain = Client::connect(&mut live, port);
    plain.send(1..=3);
    assert!(plain.acknowledged(3));
    live.until(|log| committed(log) >= 3);
    live.stop();
    assert_eq!(counted(&out), once(1..=3));
}

/// Without it lines that somebody pushes would not arrive, or twice.
#[test]
fn pushed_lines_arrive() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let out = directory.path().join("out");
    let port = free_port();
    let mut live = ledger(&format!("tcp://127.0.0.1:{port}"), &out);
    let mut clients = [Client::connect(&mut live, port), Client::connect(&mut live, port)];
    clients[0].send(1..=100);
    clients[1].send(101..=200);
    live.until(|log| committed(log) >= 200);
    live.stop();
    assert_eq!(counted(&out), once(1..=200));
}

/// What an HTTP server of this test answers, one answer per request; after the last one it stays silent.
fn serve(answers: &'static [&'static str]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for (n, answer) in answers.iter().enumerate() {
            let Ok((mut socket, _)) = listener.accept() else { return };
            let mut request = BufReader::new(socket.try_clone().expect("a socket has two ends")).lines();
            while request.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            // A receiver that has gone away is no matter here.
            drop(socket.write_all(answer.as_bytes()));
            if n + 1 == answers.len() {
                open.push(socket);
            }
        }
        std::thread::park();
    });
    port
}

/// Without it a stream over HTTP would end with its first connection, take heartbeats and messages of the server for
/// records, or ask again at once.
#[test]
fn a_stream_over_http_is_taken_up_again() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let out = directory.path().join("out");
    let port = serve(&[
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"n\": 1}\n\r\n2\r\n\r\n\r\n5\r\n{\"n\":\r\n4\r\n 2}\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n{\"n\": 3}\r\n{\"disconnect\":{\"reason\":\"shutdown\"}}\r\n{\"n\": 4}\r\n",
        "HTTP/1.1 200 OK\r\n\r\n\r\n\r\n{\"n\": 5}\r\n",
    ]);
    let mut live = ledger(&format!("http://127.0.0.1:{port}/stream"), &out);
    live.until(|log| committed(log) >= 4);
    let log = live.stop();
    let mut records: Vec<String> = Vec::new();
    for batch in fs::read_dir(&out).expect("the sink made it").map(|entry| entry.expect("an entry").path()) {
        let parts = fs::read_dir(&batch).expect("a batch").map(|entry| entry.expect("an entry").path());
        for part in parts.filter(|path| path.to_string_lossy().contains("part-")) {
            let text = fs::read_to_string(&part).expect("text");
            records.extend(text.lines().filter_map(|line| Some(line.split_once('\t')?.1.to_owned())));
        }
    }
    records.sort();
    assert_eq!(records, [1, 2, 3, 5].map(|n| format!("{{\"n\": {n}}}")));
    let stops: Vec<&str> = log
        .iter()
        .filter_map(|e| match &e.event {
            Event::ReceiverStopped { receiver } if receiver.last_error_message.starts_with("Restarting") => {
                Some(receiver.last_error_message.as_str())
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        stops[..2],
        [
            "Restarting receiver with delay 250 ms: The stream ended",
            "Restarting receiver with delay 250 ms: The server disconnects"
        ]
    );
}
