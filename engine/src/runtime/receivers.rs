//! Receivers: a thread each, which reads lines from a socket into blocks on its executor (R17).
//!
//! The executor of a receiver may die at any moment. Then the thread ends by itself and says nothing
//! more, and what it had not stored is lost: a socket cannot be asked again.

use super::pool::Shared;
use crate::driver::{DriverInput, ReceivedBlock, ReceiverNews, ReceiverOp, ReceiverPlan};
use crate::executor::{ExecutorStores, Replicas, store_input_block};
use crate::ids::*;
use crate::rdd::Line;
use crate::storage::ValuesBlock;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest wait without a look at whether the receiver is still wanted.
const NAP: Duration = Duration::from_millis(50);
/// Bytes read at once.
const READ_LEN: usize = 64 << 10;
/// Blocks that wait for the driver at most; then the socket is not read. Spark's queue of blocks is as long
/// (`spark.streaming.blockQueueSize`).
const BLOCKS_WAITING_MAX: usize = 10;
/// A line longer than this is cut: a socket that never sends a line break must not fill the memory.
const LINE_MAX: usize = 8 << 20;

/// The receivers that run.
#[derive(Default)]
pub(super) struct Receivers {
    running: BTreeMap<StreamId, Running>,
    threads: BTreeMap<StreamId, JoinHandle<()>>,
}

/// What is shared with the thread of a receiver.
#[derive(Clone, Default)]
struct Running {
    stop: Arc<AtomicBool>,
    /// Blocks stored that the driver has not heard of yet.
    waiting: Arc<AtomicUsize>,
}

impl Receivers {
    /// Does what the driver asks. `stores` are those of the executor of a receiver that starts.
    pub fn apply(&mut self, shared: &Shared, op: ReceiverOp, stores: Option<Arc<ExecutorStores>>) {
        match op {
            ReceiverOp::Start { plan, executor: _, attempt } => {
                self.stop(plan.stream);
                // The driver will notice that the executor is gone, and choose another.
                let Some(stores) = stores else { return };
                let running = Running::default();
                self.running.insert(plan.stream, running.clone());
                let inbox = shared.inbox.clone();
                let stream = plan.stream;
                let receiver = Receiver { plan, attempt, shared: shared.clone(), stores, running };
                let name = format!("receiver-{stream}");
                let started = std::thread::Builder::new().name(name).spawn(move || receiver.supervise());
                match started {
                    Ok(thread) => drop(self.threads.insert(stream, thread)),
                    Err(error) => {
                        let message = "cannot start the thread of the receiver".to_owned();
                        let news = ReceiverNews::Error { message, error: error.to_string() };
                        // The error only says that the driver is gone.
                        drop(inbox.send(DriverInput::Receiver { stream, attempt, news }));
                    }
                }
            }
            ReceiverOp::Stop { stream } => self.stop(stream),
        }
    }

    fn stop(&mut self, stream: StreamId) {
        if let Some(running) = self.running.remove(&stream) {
            running.stop.store(true, Ordering::Relaxed);
        }
    }

    /// The driver is about to hear of a block: its receiver may store another one.
    pub fn heard(&self, stream: StreamId, news: &ReceiverNews) {
        if let (ReceiverNews::Stored { .. }, Some(running)) = (news, self.running.get(&stream)) {
            // An earlier incarnation may have stored it.
            let less = |waiting: usize| Some(waiting.saturating_sub(1));
            let _before = running.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }

    /// Stops all and waits for them: they hold the directories of their executors.
    pub fn stop_all(&mut self) {
        self.running.values().for_each(|running| running.stop.store(true, Ordering::Relaxed));
        self.running.clear();
        for thread in std::mem::take(&mut self.threads).into_values() {
            // One that panicked has ended too.
            drop(thread.join());
        }
    }
}

/// Why a receiver stopped: Spark's message, and the error beneath.
struct Broken {
    message: String,
    error: String,
}

struct Receiver {
    plan: ReceiverPlan,
    attempt: u32,
    shared: Shared,
    stores: Arc<ExecutorStores>,
    running: Running,
}

impl Receiver {
    /// R17.4: starts again after every failure, until it is stopped or its executor is gone.
    fn supervise(&self) {
        let delay = self.shared.config.receiver_restart_delay;
        while !self.is_over() {
            self.tell(ReceiverNews::Started);
            if let Err(Broken { message, error }) = self.receive() {
                let message = format!("Restarting receiver with delay {delay} ms: {message}");
                self.tell(ReceiverNews::Stopped { message, error });
            }
            let resume = self.shared.clock.now().plus(delay);
            while !self.is_over() && self.shared.clock.now() < resume {
                std::thread::sleep(NAP);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.running.stop.load(Ordering::Relaxed) || !self.stores.is_alive()
    }

    fn tell(&self, news: ReceiverNews) {
        // A dead incarnation says nothing any more; the error only says that the driver is gone.
        if !self.is_over() {
            let (stream, attempt) = (self.plan.stream, self.attempt);
            drop(self.shared.inbox.send(DriverInput::Receiver { stream, attempt, news }));
        }
    }

    /// R17.5: a connection that is refused, broken or closed is a failure.
    fn receive(&self) -> Result<(), Broken> {
        let (host, port) = (&self.plan.host, self.plan.port);
        let connecting = |error: std::io::Error| Broken {
            message: format!("Error connecting to {host}:{port}"),
            error: error.to_string(),
        };
        let mut socket = connect(host, port).map_err(connecting)?;
        let mut gathered = Gathered::default();
        let mut buffer = vec![0; READ_LEN];
        let mut due = self.next_block_at();
        while !self.is_over() {
            // R17.6: a driver that does not listen, for example because it is paused, holds the sender back.
            if self.running.waiting.load(Ordering::Relaxed) >= BLOCKS_WAITING_MAX {
                std::thread::sleep(NAP);
                continue;
            }
            let now = self.shared.clock.now();
            if now >= due {
                self.store(&mut gathered, due)?;
                due = self.next_block_at();
            }
            let wait = Duration::from_nanos(due.ns_since(now)).clamp(Duration::from_millis(1), NAP);
            socket.set_read_timeout(Some(wait)).map_err(connecting)?;
            match socket.read(&mut buffer) {
                Ok(0) => {
                    gathered.end_line();
                    self.store(&mut gathered, due)?;
                    let message = "Socket data stream had no more data".to_owned();
                    return Err(Broken { message, error: String::new() });
                }
                Ok(len) => gathered.add(&buffer[..len]),
                Err(error) if is_patience(error.kind()) => {}
                Err(error) => {
                    self.store(&mut gathered, due)?;
                    return Err(Broken { message: "Error receiving data".into(), error: error.to_string() });
                }
            }
        }
        Ok(())
    }

    /// The next multiple of the block interval: blocks are named by it, so no two have the same name.
    fn next_block_at(&self) -> Timestamp {
        let interval = self.shared.config.block_interval.0.max(1) * 1_000_000;
        Timestamp((self.shared.clock.now().0 / interval + 1) * interval)
    }

    /// R17.6: what was gathered becomes a block, here and on another executor; nothing gathered, no block.
    fn store(&self, gathered: &mut Gathered, due: Timestamp) -> Result<(), Broken> {
        let lines = std::mem::take(&mut gathered.lines);
        if lines.is_empty() {
            return Ok(());
        }
        let id = InputBlockId { stream: self.plan.stream, number: due.as_millis() };
        let block = ReceivedBlock { id, records: lines.len() as u64 };
        let mut peers: Vec<ExecutorId> = self.shared.cluster.read().keys().copied().collect();
        peers.retain(|peer| *peer != self.stores.id());
        if !peers.is_empty() {
            let turn = due.0 / (self.shared.config.block_interval.0.max(1) * 1_000_000);
            let first = (turn % peers.len() as u64) as usize;
            peers.rotate_left(first);
        }
        let wanted = usize::from(self.plan.level.replication.saturating_sub(1));
        let config = &self.shared.config;
        let max_failures = config.storage.max_replication_failures;
        let replicas = Replicas { wanted, peers: &peers, previews: config.previews, max_failures };
        let values = ValuesBlock::shared(lines);
        let stored = store_input_block(id, &values, self.plan.level, &replicas, &self.stores, &self.shared.cluster);
        if let Some(error) = stored.error {
            let message = format!("block {id} could not be stored; its {} records are lost", block.records);
            return Err(Broken { message, error });
        }
        // Nothing changed: this incarnation is dead, and what it held is lost.
        if !stored.reports.is_empty() {
            self.running.waiting.fetch_add(1, Ordering::Relaxed);
            self.tell(ReceiverNews::Stored { block, reports: stored.reports });
        }
        Ok(())
    }
}

fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Nothing has arrived yet.
fn is_patience(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Lines that belong to no block yet, and the beginning of the next line.
#[derive(Default)]
struct Gathered {
    lines: Vec<Line>,
    open: Vec<u8>,
}

impl Gathered {
    fn add(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|&b| b == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.open.extend_from_slice(piece);
            if pieces.peek().is_some() || self.open.len() >= LINE_MAX {
                self.line();
            }
        }
    }

    /// The other side is done: what it began is a line.
    fn end_line(&mut self) {
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
