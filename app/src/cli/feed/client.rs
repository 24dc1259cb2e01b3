//! The client of the acknowledged protocol: it connects, sends, hears what is stored, and begins again after what was
//! acknowledged when the connection is lost.

use super::FeedArgs;
use super::lines::Lines;
use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Lines that may be sent and not acknowledged.
const WINDOW: u64 = 20_000;
/// Lines written at once.
const CHUNK: u64 = 256;
/// Wait before another try to connect.
const CONNECT_AGAIN: Duration = Duration::from_millis(200);
/// How often it is told how far it is.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Longest wait without a look at whether the user ended it.
const NAP: Duration = Duration::from_millis(50);

/// How a feed ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every line was sent and, unless nothing is acknowledged, acknowledged.
    Done,
    /// The user ended it.
    Interrupted,
    /// The other side does not want these lines.
    Refused(String),
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    sent: u64,
    again: u64,
    acknowledged: u64,
    connections: u64,
    plain: bool,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, again, acknowledged, connections, plain } = self;
        write!(f, "{sent} sent")?;
        if !plain {
            write!(f, ", {again} of them again, {acknowledged} acknowledged")?;
        }
        write!(f, ", {connections} connections")
    }
}

/// What the other side says.
enum Heard {
    Acknowledged(u64),
    Refused(String),
    Closed,
}

/// Why a connection is left.
enum Left {
    /// It is lost: the next one begins after what was acknowledged.
    Lost,
    Ended(Outcome),
}

/// Sends lines over as many connections as it takes.
pub struct Client {
    address: String,
    name: String,
    plain: bool,
    lines: Lines,
    between: Option<Duration>,
    out: Option<BufWriter<File>>,
    interrupted: Arc<AtomicBool>,
    /// The number to send next, and the highest that was sent.
    next: u64,
    sent_to: u64,
    /// The number after the last that was acknowledged.
    acknowledged_to: u64,
    /// When the next line may be sent.
    due: Instant,
    told: Instant,
    counts: Counts,
}

impl Client {
    /// Not connected yet.
    pub fn new(args: &FeedArgs, lines: Lines, out: Option<BufWriter<File>>, interrupted: Arc<AtomicBool>) -> Self {
        let (first, now) = (lines.first(), Instant::now());
        Self {
            address: args.address.clone(),
            name: args.name.clone(),
            plain: args.plain,
            lines,
            between: args.rate.map(|rate| Duration::from_secs(1) / rate),
            out,
            interrupted,
            next: first,
            sent_to: first,
            acknowledged_to: first,
            due: now,
            told: now,
            counts: Counts { plain: args.plain, ..Counts::default() },
        }
    }

    /// What happened so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Sends until all is acknowledged, and tells how far it is.
    pub fn run(&mut self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        loop {
            let Some(socket) = self.connect(out)? else { return Ok(Outcome::Interrupted) };
            self.counts.connections += 1;
            match self.converse(&socket, out)? {
                Left::Ended(outcome) => return Ok(outcome),
                Left::Lost => {
                    // The thread that reads it holds it too.
                    drop(socket.shutdown(Shutdown::Both));
                    writeln!(out, "connection lost; {}", self.counts)?;
                    out.flush()?;
                    std::thread::sleep(CONNECT_AGAIN);
                }
            }
        }
    }

    /// Until somebody listens; nothing when the user ends it before.
    fn connect(&self, out: &mut dyn Write) -> io::Result<Option<TcpStream>> {
        let mut waits = false;
        while !self.interrupted.load(Ordering::Relaxed) {
            match TcpStream::connect(&self.address) {
                Ok(socket) => {
                    // Small pieces leave at once; without it they only come later.
                    drop(socket.set_nodelay(true));
                    return Ok(Some(socket));
                }
                Err(error) => {
                    if !std::mem::replace(&mut waits, true) {
                        writeln!(out, "waiting for {}: {error}", self.address)?;
                        out.flush()?;
                    }
                    std::thread::sleep(CONNECT_AGAIN);
                }
            }
        }
        Ok(None)
    }

    /// One connection.
    fn converse(&mut self, socket: &TcpStream, out: &mut dyn Write) -> anyhow::Result<Left> {
        let heard = listen(socket.try_clone()?)?;
        let mut writer: &TcpStream = socket;
        if !self.plain {
            // What follows the last acknowledgement may be lost.
            self.next = self.acknowledged_to;
            if writeln!(writer, "HELLO {}", self.name).is_err() {
                return Ok(Left::Lost);
            }
        }
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Ok(Left::Ended(Outcome::Interrupted));
            }
            let reached = if self.plain { self.next } else { self.acknowledged_to };
            if reached >= self.lines.end() {
                // Everything that was written leaves before the end.
                drop(socket.shutdown(Shutdown::Write));
                return Ok(Left::Ended(Outcome::Done));
            }
            let chunk = self.chunk();
            if !chunk.is_empty() && writer.write_all(&chunk).is_err() {
                return Ok(Left::Lost);
            }
            let patience = if self.may_send() { self.due.saturating_duration_since(Instant::now()) } else { NAP };
            match heard.recv_timeout(patience.min(NAP)) {
                Ok(Heard::Acknowledged(number)) => self.acknowledged(number)?,
                Ok(Heard::Refused(why)) => return Ok(Left::Ended(Outcome::Refused(why))),
                Ok(Heard::Closed) | Err(RecvTimeoutError::Disconnected) => return Ok(Left::Lost),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.told.elapsed() >= TELL_EVERY {
                self.told = Instant::now();
                writeln!(out, "{}", self.counts)?;
                out.flush()?;
            }
        }
    }

    fn may_send(&self) -> bool {
        self.next < self.lines.end() && (self.plain || self.next - self.acknowledged_to < WINDOW)
    }

    /// The lines that are due now.
    fn chunk(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut room = CHUNK;
        while room > 0 && self.may_send() && Instant::now() >= self.due {
            self.lines.put(self.next, &mut bytes);
            self.counts.sent += 1;
            self.counts.again += u64::from(self.next < self.sent_to);
            self.next += 1;
            self.sent_to = self.sent_to.max(self.next);
            room -= 1;
            if let Some(between) = self.between {
                // Late lines are not hurried after.
                self.due = (self.due + between).max(Instant::now().checked_sub(NAP).unwrap_or(self.due));
            }
        }
        bytes
    }

    fn acknowledged(&mut self, number: u64) -> anyhow::Result<()> {
        let to = number.saturating_add(1).min(self.lines.end());
        if to <= self.acknowledged_to {
            return Ok(());
        }
        self.counts.acknowledged += to - self.acknowledged_to;
        if let Some(out) = &mut self.out {
            (self.acknowledged_to..to).try_for_each(|number| writeln!(out, "{number}"))?;
            out.flush()?;
        }
        self.acknowledged_to = to;
        // A run that has them from an earlier feed of this name needs them no more.
        self.next = self.next.max(to);
        Ok(())
    }
}

/// Reads what the other side says, on a thread that ends with the connection.
fn listen(socket: TcpStream) -> io::Result<Receiver<Heard>> {
    let (sender, heard) = unbounded();
    let read = move || {
        for line in BufReader::new(socket).lines().map_while(Result::ok) {
            let said = match line.split_once(' ') {
                Some(("ACK", number)) => number.parse().ok().map(Heard::Acknowledged),
                Some(("ERROR", why)) => Some(Heard::Refused(why.to_owned())),
                _ => None,
            };
            let said = said.unwrap_or_else(|| Heard::Refused(format!("it says {line:?}")));
            if sender.send(said).is_err() {
                return;
            }
        }
        // The error only says that nobody waits any more.
        drop(sender.send(Heard::Closed));
    };
    std::thread::Builder::new().name("acknowledgements".to_owned()).spawn(read)?;
    Ok(heard)
}
