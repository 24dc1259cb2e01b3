//! The receiver behind `ack-tcp://`: numbered lines that clients push to a port, each acknowledged once it is stored
//! as its mode promises (R17.7).
//!
//! ```text
//! client                       receiver
//! HELLO NAME\n                                    once, and first; or not at all
//! 17<tab>text\n
//! 18<tab>text\n
//!                              ACK 18\n           everything up to 18 is stored
//! ```
//!
//! A client that lost its connection connects again and sends what was not acknowledged. Under the same name, what
//! is stored already is recognised by its number, acknowledged again, and dropped.

mod gathering;

use super::listening::{NAP, accept_while, is_patience, spawn};
use super::sockets::{Gathered, READ_LEN};
use crate::rdd::Line;
use crate::receiver::{Receiver, ReceiverContext, ReceiverError};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::{self, RecvTimeoutError, Sender, bounded};
use crate::sync::thread;
use gathering::{ConnectionId, Gathering};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long lines are gathered into a block, from the first one: each block is a partition of its batch.
const GATHER: Duration = Duration::from_millis(20);
/// Lines of one block at most.
const BLOCK_MAX: usize = 10_000;
/// Lines that may wait; then clients are held back.
const QUEUE_MAX: usize = 20_000;
/// Clients at once.
const CONNECTIONS_MAX: usize = 256;
/// Longest name of a client, in bytes.
const NAME_MAX: usize = 128;

/// Listens, and stores the lines of all clients, block by block.
pub(crate) struct AcknowledgedReceiver {
    address: SocketAddr,
}

impl AcknowledgedReceiver {
    /// Not listening yet.
    pub const fn new(address: SocketAddr) -> Self {
        Self { address }
    }
}

impl Receiver<(u64, Line)> for AcknowledgedReceiver {
    fn name(&self) -> String {
        format!("AcknowledgedReceiver {}", self.address)
    }

    fn on_start(&self, context: ReceiverContext<(u64, Line)>) {
        let address = self.address;
        let (heard, queue) = bounded(QUEUE_MAX);
        spawn(format!("Acknowledged Receiver {address}"), &context, move |context| {
            if let Err(error) = listen(address, &context, &heard) {
                context.restart(&format!("cannot listen on {address}"), &error.to_string());
            }
        });
        spawn(format!("Acknowledged Receiver {address} blocks"), &context, move |context| {
            store_blocks(&context, &queue);
        });
    }
}

/// A client's socket. It is read by one thread and written by another.
struct Connection {
    id: ConnectionId,
    socket: TcpStream,
    /// Nothing more that it sends is taken.
    closed: AtomicBool,
}

impl Connection {
    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        // It may be closed already.
        drop(self.socket.shutdown(Shutdown::Both));
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// A client that cannot be told connects again.
    fn tell(&self, line: &str) {
        if (&self.socket).write_all(line.as_bytes()).is_err() {
            self.close();
        }
    }

    fn refuse(&self, why: &str) {
        self.tell(&format!("ERROR {why}\n"));
        self.close();
    }
}

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Hello { name: String },
    Line { number: u64, text: Line },
    Left,
}

type Heard = (Arc<Connection>, Said);

fn listen(address: SocketAddr, context: &ReceiverContext<(u64, Line)>, heard: &Sender<Heard>) -> std::io::Result<()> {
    let mut ids: ConnectionId = 0;
    let living = Arc::new(());
    accept_while(address, context, |socket, peer| {
        ids += 1;
        let connection = Arc::new(Connection { id: ids, socket, closed: AtomicBool::new(false) });
        if Arc::strong_count(&living) > CONNECTIONS_MAX {
            return connection.refuse(&format!("{CONNECTIONS_MAX} clients are connected already"));
        }
        let (heard, counted) = (heard.clone(), Arc::clone(&living));
        spawn(format!("Acknowledged Receiver {address} {peer}"), context, move |context| {
            read(&connection, &context, &heard);
            // The error only says that nobody listens any more.
            drop(heard.send((Arc::clone(&connection), Said::Left)));
            connection.close();
            drop(counted);
        });
    })
}

/// Until the client is done, or the receiver is stopped.
fn read(connection: &Arc<Connection>, context: &ReceiverContext<(u64, Line)>, heard: &Sender<Heard>) {
    let mut gathered = Gathered::default();
    let mut buffer = vec![0; READ_LEN];
    let mut first = true;
    while !context.is_stopped() && !connection.is_closed() {
        match (&connection.socket).read(&mut buffer) {
            // A line without its end may be half of one.
            Ok(0) => return,
            Ok(len) => gathered.add(&buffer[..len]),
            Err(error) if is_patience(error.kind()) => {}
            Err(_) => return,
        }
        for line in gathered.lines.drain(..) {
            let said = match parse(&line, std::mem::take(&mut first)) {
                Ok(said) => said,
                Err(why) => return connection.refuse(&why),
            };
            if heard.send((Arc::clone(connection), said)).is_err() {
                return;
            }
        }
    }
}

fn parse(line: &Line, first: bool) -> Result<Said, String> {
    let text = line.as_str();
    if let Some(name) = text.strip_prefix("HELLO ").filter(|_| first) {
        let fits = !name.is_empty() && name.len() <= NAME_MAX && !name.contains(char::is_control);
        return match fits {
            true => Ok(Said::Hello { name: name.to_owned() }),
            false => Err(format!("a name has 1 to {NAME_MAX} bytes and no control characters")),
        };
    }
    let numbered = text.split_once('\t').and_then(|(number, text)| Some((number.parse().ok()?, text)));
    match numbered {
        Some((number, text)) => Ok(Said::Line { number, text: Line::from(text.to_owned()) }),
        None => Err("write NUMBER<tab>TEXT; only a first line may be HELLO NAME".to_owned()),
    }
}

/// Stores what is heard, and acknowledges it.
fn store_blocks(context: &ReceiverContext<(u64, Line)>, queue: &channel::Receiver<Heard>) {
    let mut gathering = Gathering::new(&context.clients());
    let mut connections: BTreeMap<ConnectionId, Arc<Connection>> = BTreeMap::new();
    while !context.is_stopped() {
        match queue.recv_timeout(NAP) {
            Ok(heard) => hear(&mut gathering, &mut connections, heard),
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        }
        thread::sleep(GATHER);
        while gathering.len() < BLOCK_MAX
            && let Ok(heard) = queue.try_recv()
        {
            hear(&mut gathering, &mut connections, heard);
        }
        let (block, numbering) = gathering.take();
        let stored = if block.is_empty() { Ok(()) } else { context.store_numbered(block, numbering).map(drop) };
        match stored {
            Ok(()) => {
                for (id, number) in gathering.stored() {
                    if let Some(connection) = connections.get(&id) {
                        connection.tell(&format!("ACK {number}\n"));
                    }
                }
            }
            Err(ReceiverError::Stopped) => break,
            Err(ReceiverError::Refused(error)) => {
                context.report_error("a block was not stored; its clients send it again", &error);
                for id in gathering.refused() {
                    connections.remove(&id).into_iter().for_each(|connection| connection.close());
                }
            }
        }
    }
    connections.into_values().for_each(|connection| connection.close());
}

fn hear(
    gathering: &mut Gathering,
    connections: &mut BTreeMap<ConnectionId, Arc<Connection>>,
    (connection, said): Heard,
) {
    let id = connection.id;
    match said {
        Said::Left => {
            gathering.left(id);
            connections.remove(&id);
        }
        // What follows a line that is lost must not be taken.
        _ if connection.is_closed() => {}
        Said::Hello { name } => match gathering.hello(id, &name) {
            Ok(before) => {
                before.and_then(|before| connections.remove(&before)).into_iter().for_each(|before| before.close());
                connections.insert(id, connection);
            }
            Err(why) => connection.refuse(&why),
        },
        Said::Line { number, text } => {
            gathering.line(id, number, text);
            connections.entry(id).or_insert(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a client that speaks another language would be taken for one that numbers its lines.
    #[test]
    fn lines_are_numbered_and_the_first_may_be_a_name() {
        let said = |line: &str, first| parse(&Line::from(line.to_owned()), first);
        let text = |number, text: &str| Ok(Said::Line { number, text: Line::from(text.to_owned()) });
        assert_eq!(said("HELLO feed 1", true), Ok(Said::Hello { name: "feed 1".to_owned() }));
        assert_eq!(said("17\ta\tb", true), text(17, "a\tb"));
        assert_eq!(said("18\t", false), text(18, ""));
        for (line, first) in
            [("HELLO a", false), ("HELLO ", true), ("x\ty", true), ("17 a", false), ("", false), ("-1\ta", true)]
        {
            assert!(said(line, first).is_err(), "{line}");
        }
    }
}
