//! The receiver behind `socketTextStream`: lines of a TCP connection, without acknowledgement (R17.5).

use super::listening::{NAP, is_patience};
use crate::rdd::Line;
use crate::receiver::{Receiver, ReceiverContext};
use crate::sync::thread;
use std::io::{ErrorKind, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(2);
/// Bytes read at once.
pub(super) const READ_LEN: usize = 64 << 10;
/// A line longer than this is cut: a socket that never sends a line break must not fill the memory.
pub(super) const LINE_MAX: usize = 8 << 20;

/// Connects to a host, and stores its lines one by one.
pub(crate) struct SocketReceiver {
    host: String,
    port: u16,
}

/// Why the connection is no more: Spark's message, and the error beneath.
struct Broken {
    message: String,
    error: String,
}

impl SocketReceiver {
    /// Not connected yet.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port }
    }
}

impl Receiver<Line> for SocketReceiver {
    fn name(&self) -> String {
        format!("SocketReceiver {}:{}", self.host, self.port)
    }

    fn on_start(&self, context: ReceiverContext<Line>) {
        let (host, port) = (self.host.clone(), self.port);
        let failed = context.clone();
        let started = thread::Builder::new().name(format!("Socket Receiver {host}:{port}")).spawn(move || {
            if let Err(Broken { message, error }) = receive(&host, port, &context) {
                context.restart(&message, &error);
            }
        });
        if let Err(error) = started {
            failed.restart("cannot start the thread of the receiver", &error.to_string());
        }
    }
}

/// A connection that is refused, broken or closed is a failure.
fn receive(host: &str, port: u16, context: &ReceiverContext<Line>) -> Result<(), Broken> {
    let connecting = |error: std::io::Error| Broken {
        message: format!("Error connecting to {host}:{port}"),
        error: error.to_string(),
    };
    let mut socket = connect(host, port).map_err(connecting)?;
    socket.set_read_timeout(Some(NAP)).map_err(connecting)?;
    let mut gathered = Gathered::default();
    let mut buffer = vec![0; READ_LEN];
    while !context.is_stopped() {
        let broken = match socket.read(&mut buffer) {
            Ok(0) => {
                gathered.end_line();
                Some(Broken { message: "Socket data stream had no more data".into(), error: String::new() })
            }
            Ok(len) => {
                gathered.add(&buffer[..len]);
                None
            }
            Err(error) if is_patience(error.kind()) => None,
            Err(error) => Some(Broken { message: "Error receiving data".into(), error: error.to_string() }),
        };
        // A driver that does not listen, for example because it is paused, holds the sender back (R17.6).
        let lines = std::mem::take(&mut gathered.lines);
        if !lines.is_empty() && context.store_all(lines).is_err() {
            return Ok(());
        }
        if let Some(broken) = broken {
            return Err(broken);
        }
    }
    Ok(())
}

pub(super) fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Lines that belong to no block yet, and the beginning of the next line.
#[derive(Default)]
pub(super) struct Gathered {
    pub lines: Vec<Line>,
    open: Vec<u8>,
}

impl Gathered {
    pub fn add(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|&b| b == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.open.extend_from_slice(piece);
            if pieces.peek().is_some() || self.open.len() >= LINE_MAX {
                self.line();
            }
        }
    }

    /// The other side is done: what it began is a line.
    pub fn end_line(&mut self) {
        if !self.open.is_empty() {
            self.line();
        }
    }

    fn line(&mut self) {
        let mut bytes = std::mem::take(&mut self.open);
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        self.lines.push(Line::from(String::from_utf8_lossy(&bytes).into_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a line that arrives in two pieces, or with the line break of another system, would be
    /// two words, or another word.
    #[test]
    fn lines_are_whole_however_they_arrive() {
        let text = "one\r\ntwo\n\nthr\u{e9}e";
        for at in 0..=text.len() {
            let (first, second) = text.as_bytes().split_at(at);
            let mut gathered = Gathered::default();
            gathered.add(first);
            gathered.add(second);
            gathered.end_line();
            let lines: Vec<&str> = gathered.lines.iter().map(|line| line.as_str()).collect();
            assert_eq!(lines, ["one", "two", "", "thr\u{e9}e"], "cut at {at}");
        }
    }

    /// Without it a socket that never sends a line break would fill the memory.
    #[test]
    fn endless_lines_are_cut() {
        let mut gathered = Gathered::default();
        let piece = vec![b'x'; READ_LEN];
        (0..LINE_MAX / READ_LEN + 1).for_each(|_| gathered.add(&piece));
        assert_eq!((gathered.lines.len(), gathered.open.len()), (1, READ_LEN));
    }
}
