//! What the tests of inputs share: files, a socket that feeds, and a run on threads that a test drives.

mod files;

pub use files::file_at;

use crossbeam_channel::{Receiver, Sender, unbounded};
use faultline_engine::command::{Command, Transport};
use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::Envelope;
use faultline_engine::rdd::SparkContext;
use faultline_engine::runtime::run_controlled;
use faultline_engine::sim::{Control, Outcome};
use faultline_tests::{checker, lab};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a test waits for what must come; far longer than it takes on a busy machine.
const BOUND: Duration = Duration::from_secs(120);

/// A file that appears whole: written under a hidden name, then renamed.
pub fn put_file(directory: &Path, name: &str, text: &str) {
    let hidden = directory.join(format!(".{name}"));
    fs::write(&hidden, text).expect("a file can be written");
    fs::rename(&hidden, directory.join(name)).expect("a file can be renamed");
}

/// The words of all texts, counted one after the other.
pub fn sequential_counts(texts: &[&str]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for word in texts.iter().flat_map(|text| text.split_whitespace()) {
        *counts.entry(word.to_owned()).or_insert(0) += 1;
    }
    counts
}

/// A socket of this machine. Whoever connects last gets what is written.
pub struct Feeder {
    port: u16,
    connections: Arc<(Mutex<Vec<TcpStream>>, Condvar)>,
}

impl Feeder {
    /// Listens on a free port, until the test ends.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let connections = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let shared = Arc::clone(&connections);
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(std::result::Result::ok) {
                shared.0.lock().expect("no test thread panicked").push(socket);
                shared.1.notify_all();
            }
        });
        Self { port, connections }
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Waits until `count` connections were made in all.
    pub fn wait_for_connections(&self, count: usize) {
        let (sockets, changed) = &*self.connections;
        let sockets = sockets.lock().expect("no test thread panicked");
        let waited = changed.wait_timeout_while(sockets, BOUND, |s| s.len() < count);
        assert!(!waited.expect("no test thread panicked").1.timed_out(), "nobody connects");
    }

    fn with_last(&self, f: impl FnOnce(&mut TcpStream)) {
        self.wait_for_connections(1);
        let mut sockets = self.connections.0.lock().expect("no test thread panicked");
        f(sockets.last_mut().expect("somebody is connected"));
    }

    /// Writes lines.
    pub fn write(&self, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.write_raw(&text);
    }

    /// Writes text as it is.
    pub fn write_raw(&self, text: &str) {
        self.with_last(|socket| socket.write_all(text.as_bytes()).expect("the socket is open"));
    }

    /// Closes the connection.
    pub fn hang_up(&self) {
        self.with_last(|socket| socket.shutdown(std::net::Shutdown::Both).expect("the socket is open"));
    }
}

/// A run on threads, under the controls of the test.
pub struct Live {
    events: Receiver<Vec<Envelope>>,
    controls: Sender<Control>,
    thread: JoinHandle<Outcome>,
    /// Everything announced so far.
    pub log: Vec<Envelope>,
}

impl Live {
    /// Starts a program.
    pub fn start(config: EngineConfig, program: impl FnOnce(&SparkContext) -> Result<()> + Send + 'static) -> Self {
        let (sink, events) = unbounded();
        let (controls, inbox) = unbounded();
        let thread = std::thread::spawn(move || {
            run_controlled(config, &lab::environment(), lab::once(program), inbox, &mut |slice| {
                drop(sink.send(slice.to_vec()));
            })
        });
        Self { events, controls, thread, log: Vec::new() }
    }

    /// Waits until the log is as wanted.
    pub fn until(&mut self, wanted: impl Fn(&[Envelope]) -> bool) {
        while !wanted(&self.log) {
            match self.events.recv_timeout(BOUND) {
                Ok(slice) => self.log.extend(slice),
                Err(error) => {
                    panic!("{error}; the last events are {:#?}", &self.log[self.log.len().saturating_sub(20)..])
                }
            }
        }
    }

    fn control(&self, control: Control) {
        self.controls.send(control).expect("the engine runs");
    }

    /// Sends a command.
    pub fn command(&self, command: Command) {
        self.control(Control::Command(command));
    }

    /// Holds the loop.
    pub fn pause(&self) {
        self.control(Control::Transport(Transport::Pause));
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.control(Control::Transport(Transport::Resume));
    }

    /// The log once a command sent now was heard: everything handled before it is in.
    pub fn settle(&mut self) -> Vec<Envelope> {
        let heard = |log: &[Envelope]| {
            use faultline_engine::event::Event;
            log.iter()
                .filter(|e| matches!(e.event, Event::CommandApplied { .. } | Event::CommandRejected { .. }))
                .count()
        };
        let before = heard(&self.log);
        // Nobody is executor 4000: the driver refuses, and says so.
        self.command(Command::RestartExecutor { executor: faultline_engine::ids::ExecutorId(4000) });
        self.until(|log| heard(log) > before);
        self.log.clone()
    }

    /// Stops the application; its log is whole and obeys the grammar of events.
    pub fn stop(mut self) -> Vec<Envelope> {
        self.command(Command::Stop);
        let outcome = self.thread.join().expect("the engine does not panic");
        self.log.extend(self.events.try_iter().flatten());
        let broken = checker::check(&self.log);
        assert!(broken.is_empty(), "the log breaks its grammar:\n{}", broken.join("\n"));
        assert_eq!(outcome.result, Ok(()));
        self.log
    }
}
