//! What the tests of inputs share: files, a socket that feeds, and a run on threads that a test drives.

mod files;
mod live;

pub use files::file_at;
pub use live::Live;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
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
