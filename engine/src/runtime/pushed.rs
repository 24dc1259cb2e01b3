//! The receiver behind `tcp://`: lines that clients push to a port, without acknowledgement. What is gathered, and
//! what is on its way, is lost with the receiver, and no client hears of it.

use super::listening::{accept_while, is_patience, spawn};
use super::sockets::{Gathered, READ_LEN};
use crate::rdd::Line;
use crate::receiver::{Receiver, ReceiverContext};
use std::io::Read;
use std::net::{SocketAddr, TcpStream};

/// Listens, and stores the lines of all clients one by one.
pub(crate) struct PushReceiver {
    address: SocketAddr,
}

impl PushReceiver {
    /// Not listening yet.
    pub const fn new(address: SocketAddr) -> Self {
        Self { address }
    }
}

impl Receiver<Line> for PushReceiver {
    fn name(&self) -> String {
        format!("PushReceiver {}", self.address)
    }

    fn on_start(&self, context: ReceiverContext<Line>) {
        let address = self.address;
        spawn(format!("Push Receiver {address}"), &context, move |context| {
            let listened = accept_while(address, &context, |socket, peer| {
                spawn(format!("Push Receiver {address} {peer}"), &context, move |context| receive(socket, &context));
            });
            if let Err(error) = listened {
                context.restart(&format!("cannot listen on {address}"), &error.to_string());
            }
        });
    }
}

/// Until the client is done, or the receiver is stopped.
fn receive(mut socket: TcpStream, context: &ReceiverContext<Line>) {
    let mut gathered = Gathered::default();
    let mut buffer = vec![0; READ_LEN];
    let mut open = true;
    while open && !context.is_stopped() {
        match socket.read(&mut buffer) {
            Ok(len) if len > 0 => gathered.add(&buffer[..len]),
            Err(error) if is_patience(error.kind()) => {}
            // The end, or a connection that broke: what was sent so far counts.
            Ok(_) | Err(_) => {
                gathered.end_line();
                open = false;
            }
        }
        // A driver that does not listen, for example because it is paused, holds the client back (R17.6).
        let lines = std::mem::take(&mut gathered.lines);
        if !lines.is_empty() && context.store_all(lines).is_err() {
            return;
        }
    }
}
