//! The receiver behind `http://`: a response without end whose lines are JSON, by the rules of the X (Twitter)
//! filtered stream. Empty lines are heartbeats; 20 seconds without any byte mean that the connection is dead; a
//! message that says so ends it; and each kind of failure has waits of its own before the next request.

mod backoff;
mod response;

use super::listening::{NAP, is_patience, spawn};
use super::sockets::{Gathered, READ_LEN, connect};
use crate::rdd::Line;
use crate::receiver::{Receiver, ReceiverContext};
use crate::sync::Mutex;
use backoff::{Backoff, Failure};
use response::Response;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// A connection on which nothing comes for so long, not even a heartbeat, is dead.
const SILENCE: Duration = Duration::from_secs(20);

/// Where a stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamUrl {
    host: String,
    port: u16,
    /// With the query.
    path: String,
}

impl StreamUrl {
    /// Reads `http://HOST[:PORT][/PATH]`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let rest = url.strip_prefix("http://").ok_or("it does not begin with http://")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if !url.chars().all(|c| c.is_ascii_graphic()) || authority.contains('@') {
            return Err("the address has characters that no address has");
        }
        let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_| "the port is no number from 1 to 65535")?),
            None => (authority, 80),
        };
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        match (host, port) {
            ("", _) => Err("the host is missing"),
            (_, 0) => Err("the port is no number from 1 to 65535"),
            _ => Ok(Self {
                host: host.to_owned(),
                port,
                path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
            }),
        }
    }

    fn request(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let Self { port, path, .. } = self;
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: faultline/{}\r\nAccept: application/json\r\n\r\n",
            env!("CARGO_PKG_VERSION")
        )
    }
}

/// Asks for a stream, and stores its lines one by one.
pub(crate) struct HttpReceiver {
    url: StreamUrl,
    silence: Duration,
    /// Outlives a start of the receiver: that is what it counts.
    backoff: Arc<Mutex<Backoff>>,
}

/// Why there is no stream any more.
struct Broken {
    failure: Failure,
    message: String,
    error: String,
}

fn broken(failure: Failure, message: impl Into<String>, error: impl ToString) -> Broken {
    Broken { failure, message: message.into(), error: error.to_string() }
}

impl HttpReceiver {
    /// Not connected yet.
    pub fn new(url: StreamUrl) -> Self {
        Self { url, silence: SILENCE, backoff: Arc::default() }
    }
}

impl Receiver<Line> for HttpReceiver {
    fn name(&self) -> String {
        let StreamUrl { host, port, path } = &self.url;
        format!("HttpReceiver http://{host}:{port}{path}")
    }

    fn on_start(&self, context: ReceiverContext<Line>) {
        let (url, silence, backoff) = (self.url.clone(), self.silence, Arc::clone(&self.backoff));
        spawn(format!("Http Receiver {}:{}", url.host, url.port), &context, move |context| {
            let Err(Broken { failure, message, error }) = receive(&url, silence, &context, &backoff) else { return };
            let delay = backoff.lock().after(&failure);
            context.restart_after(&message, &error, delay);
        });
    }
}

/// Until the stream is broken, or the receiver is stopped.
fn receive(
    url: &StreamUrl,
    silence: Duration,
    context: &ReceiverContext<Line>,
    backoff: &Mutex<Backoff>,
) -> Result<(), Broken> {
    let network = |message: &'static str| move |error: std::io::Error| broken(Failure::Network, message, error);
    let mut socket: TcpStream = connect(&url.host, url.port).map_err(network("Error connecting"))?;
    socket.set_read_timeout(Some(NAP)).map_err(network("Error connecting"))?;
    socket.write_all(url.request().as_bytes()).map_err(network("Error sending the request"))?;
    let (mut response, mut gathered) = (Response::default(), Gathered::default());
    let mut buffer = vec![0; READ_LEN];
    let mut quiet = Duration::ZERO;
    while !context.is_stopped() {
        let body = match socket.read(&mut buffer) {
            Ok(0) => return Err(broken(Failure::Network, "The stream ended", "")),
            Ok(len) => response.add(&buffer[..len]).map_err(|error| broken(Failure::Network, "Bad answer", error))?,
            Err(error) if is_patience(error.kind()) => {
                quiet += NAP;
                if quiet >= silence {
                    let message = format!("Nothing came for {} s, not even a heartbeat", silence.as_secs_f32());
                    return Err(broken(Failure::Network, message, ""));
                }
                continue;
            }
            Err(error) => return Err(broken(Failure::Network, "Error receiving data", error)),
        };
        quiet = Duration::ZERO;
        if let Some((status, reason)) = response.status().filter(|(status, _)| *status != 200) {
            return Err(broken(Failure::Status(status), format!("The server answers {status} {reason}"), ""));
        }
        if !body.is_empty() {
            backoff.lock().reset();
            gathered.add(&body);
        }
        let mut lines = std::mem::take(&mut gathered.lines);
        let farewell = lines.iter().position(|line| disconnects(line).is_some());
        let said = farewell.and_then(|at| disconnects(&lines[at]));
        lines.truncate(farewell.unwrap_or(lines.len()));
        // Heartbeats.
        lines.retain(|line| !line.as_str().is_empty());
        if !lines.is_empty() && context.store_all(lines).is_err() {
            return Ok(());
        }
        if let Some(why) = said {
            return Err(broken(Failure::Network, "The server disconnects", why));
        }
        if response.is_over() {
            return Err(broken(Failure::Network, "The stream ended", ""));
        }
    }
    Ok(())
}

/// What a message says that ends the stream: `{"disconnect":{…}}`, or errors of the kind `operational-disconnect`.
fn disconnects(line: &Line) -> Option<String> {
    let text = line.as_str();
    if !text.contains("disconnect") {
        return None;
    }
    let message: Value = serde_json::from_str(text).ok()?;
    let message = message.as_object().filter(|message| !message.contains_key("data"))?;
    if let Some(disconnect) = message.get("disconnect").and_then(Value::as_object) {
        let reason = disconnect.get("reason").and_then(Value::as_str);
        return Some(reason.unwrap_or("no reason is given").to_owned());
    }
    let error = message.get("errors")?.as_array()?.iter().find(|error| error.get("disconnect_type").is_some())?;
    let detail = ["detail", "title", "disconnect_type"].iter().find_map(|key| error.get(*key)?.as_str());
    Some(detail.unwrap_or("no reason is given").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a stream would be looked for elsewhere, or a bad address be taken for a server that is down.
    #[test]
    fn addresses_are_read_as_they_are_written() {
        let url = |host: &str, port, path: &str| Ok(StreamUrl { host: host.to_owned(), port, path: path.to_owned() });
        assert_eq!(StreamUrl::parse("http://localhost:8080/2/tweets?x=1"), url("localhost", 8080, "/2/tweets?x=1"));
        assert_eq!(StreamUrl::parse("http://[::1]"), url("::1", 80, "/"));
        assert_eq!(StreamUrl::parse("http://a?q"), url("a", 80, "/?q"));
        for bad in ["https://a", "http://", "http://:80", "http://a:0", "http://a:x", "http://a b/", "http://u@a/"] {
            assert!(StreamUrl::parse(bad).is_err(), "{bad}");
        }
    }

    /// Without it a record that speaks of disconnecting would end the stream, or a message would become a record.
    #[test]
    fn farewells_are_told_from_records() {
        let said = |text: &str| disconnects(&Line::from(text.to_owned()));
        assert_eq!(said(r#"{"disconnect":{"code":4,"reason":"too slow"}}"#).as_deref(), Some("too slow"));
        let errors = r#"{"errors":[{"title":"operational-disconnect","disconnect_type":"UpstreamOperationalDisconnect","detail":"over"}]}"#;
        assert_eq!(said(errors).as_deref(), Some("over"));
        for record in
            [r#"{"data":{"text":"disconnect"},"disconnect":{}}"#, r#"{"text":"disconnect"}"#, "disconnect", ""]
        {
            assert_eq!(said(record), None, "{record}");
        }
    }
}
