//! Sockets that listen: what clients push to a receiver. Loopback only, because nothing on it asks who sends.

use crate::error::{EngineError, Result};
use crate::receiver::ReceiverContext;
use crate::storage::Data;
use crate::sync::thread;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Longest wait without a look at whether the receiver is still wanted.
pub(super) const NAP: Duration = Duration::from_millis(50);
/// How long a wait for a client lasts.
const ACCEPT_NAP: Duration = Duration::from_millis(10);
/// How long the port may still be taken by the start before: its threads look every [`NAP`].
const BIND_TRIES: u32 = 40;
/// A client that does not read what it is sent is given up after this.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// The address of this machine that `host` names; nothing for others.
fn loopback(host: &str) -> Option<IpAddr> {
    if host.eq_ignore_ascii_case("localhost") {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    host.parse::<IpAddr>().ok().filter(IpAddr::is_loopback)
}

/// A port of this machine.
///
/// # Errors
/// When `host` is another one, or all of its addresses.
pub(crate) fn listen_address(host: &str, port: u16) -> Result<SocketAddr> {
    let ours = loopback(host).map(|ip| SocketAddr::new(ip, port));
    ours.ok_or_else(|| {
        EngineError::IllegalArgument(format!(
            "cannot listen on {host}: only on this machine's loopback, because nobody asks who sends; \
             write localhost, 127.0.0.1 or [::1], or let the stream connect to a host with socketTextStream"
        ))
    })
}

/// Listens until the receiver is stopped, and hands over each client. `Err` says why it cannot listen.
pub(super) fn accept_while<T: Data>(
    address: SocketAddr,
    context: &ReceiverContext<T>,
    mut client: impl FnMut(TcpStream, SocketAddr),
) -> io::Result<()> {
    let Some(listener) = bind(address, context)? else { return Ok(()) };
    listener.set_nonblocking(true)?;
    while !context.is_stopped() {
        match listener.accept() {
            Ok((socket, peer)) => {
                // A client that is gone already is no failure of the receiver.
                let prepared = socket
                    .set_nonblocking(false)
                    .and_then(|()| socket.set_read_timeout(Some(NAP)))
                    .and_then(|()| socket.set_write_timeout(Some(WRITE_TIMEOUT)))
                    .and_then(|()| socket.set_nodelay(true));
                if prepared.is_ok() {
                    client(socket, peer);
                }
            }
            Err(error) if is_patience(error.kind()) => thread::sleep(ACCEPT_NAP),
            // A client that was gone before it was accepted.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Nothing when the receiver was stopped meanwhile.
fn bind<T: Data>(address: SocketAddr, context: &ReceiverContext<T>) -> io::Result<Option<TcpListener>> {
    let mut tries = 0;
    while !context.is_stopped() {
        tries += 1;
        match TcpListener::bind(address) {
            Ok(listener) => return Ok(Some(listener)),
            Err(error) if error.kind() == ErrorKind::AddrInUse && tries < BIND_TRIES => thread::sleep(NAP),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Nothing has arrived yet.
pub(super) fn is_patience(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Starts a thread of a receiver, or asks for a restart.
pub(super) fn spawn<T: Data>(
    name: String,
    context: &ReceiverContext<T>,
    run: impl FnOnce(ReceiverContext<T>) + Send + 'static,
) {
    let (of_thread, failed) = (context.clone(), context.clone());
    if let Err(error) = thread::Builder::new().name(name).spawn(move || run(of_thread)) {
        failed.restart("cannot start a thread of the receiver", &error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a stream of this machine would take lines from anybody on the network.
    #[test]
    fn only_loopback_is_listened_on() {
        for (host, is_ours) in [
            ("localhost", true),
            ("LocalHost", true),
            ("127.0.0.1", true),
            ("127.8.8.8", true),
            ("::1", true),
            ("0.0.0.0", false),
            ("::", false),
            ("192.168.1.4", false),
            ("example.org", false),
            ("", false),
        ] {
            assert_eq!(loopback(host).is_some(), is_ours, "{host}");
        }
    }
}
