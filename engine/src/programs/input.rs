//! What a program may be given, and the one way from there to a stream of lines.

use super::BATCH_INTERVAL;
use super::simulated::{SentLines, SimulatedClient};
use crate::error::Result;
use crate::ids::Millis;
use crate::rdd::{Line, Rdd, ReplayText};
use crate::runtime::http_stream::StreamUrl;
use crate::runtime::listening::listen_address;
use crate::sinks::OutputSink;
use crate::storage::Data;
use crate::streaming::{DStream, StreamingContext};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Where the lines of a program come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InputSource {
    /// The text, replayed.
    #[default]
    Replay,
    /// Files that appear in a directory.
    Directory(String),
    /// What somebody writes to a socket that a receiver connects to.
    Socket {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// What clients push to a port of this machine.
    Pushed {
        /// This machine's loopback.
        host: String,
        /// The port.
        port: u16,
    },
    /// The same with numbered lines, each of which is acknowledged when it is stored.
    Acknowledged {
        /// This machine's loopback.
        host: String,
        /// The port.
        port: u16,
    },
    /// The lines of an HTTP response without end, at this URL.
    Http(String),
    /// The text, sent to a receiver by a client that is simulated.
    Simulated(SimulatedClient),
}

/// How each kind of address begins.
const SCHEMES: [(&str, fn(String, u16) -> InputSource); 3] = [
    ("tcp-connect://", |host, port| InputSource::Socket { host, port }),
    ("tcp://", |host, port| InputSource::Pushed { host, port }),
    ("ack-tcp://", |host, port| InputSource::Acknowledged { host, port }),
];

impl InputSource {
    /// Whether others decide what comes when: such a source needs the wall clock.
    pub const fn is_external(&self) -> bool {
        !matches!(self, Self::Replay | Self::Simulated(_))
    }

    /// Whether each batch reads its lines of the text, without a receiver.
    pub const fn is_replayed(&self) -> bool {
        matches!(self, Self::Replay)
    }

    /// The source in whose place a run under the virtual clock can receive its lines; none where there is no receiver.
    pub const fn simulated(&self) -> Option<SimulatedClient> {
        match self {
            Self::Replay | Self::Directory(_) => None,
            Self::Socket { .. } | Self::Pushed { .. } | Self::Http(_) => Some(SimulatedClient::Pushing),
            Self::Acknowledged { .. } => Some(SimulatedClient::Acknowledged),
            Self::Simulated(client) => Some(*client),
        }
    }
}

/// A source that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no source: {why}; give dir:PATH, tcp://HOST:PORT, ack-tcp://HOST:PORT, tcp-connect://HOST:PORT, http://HOST/PATH, simulated:tcp or simulated:ack-tcp"
)]
pub struct BadSource {
    text: String,
    why: &'static str,
}

impl FromStr for InputSource {
    type Err = BadSource;

    fn from_str(text: &str) -> std::result::Result<Self, BadSource> {
        let bad = |why| BadSource { text: text.to_owned(), why };
        if let Some(path) = text.strip_prefix("dir:") {
            return if path.is_empty() {
                Err(bad("the path is missing"))
            } else {
                Ok(Self::Directory(path.to_owned()))
            };
        }
        if let Some(protocol) = text.strip_prefix("simulated:") {
            let client = SimulatedClient::of(protocol);
            return client.map(Self::Simulated).ok_or_else(|| bad("only tcp and ack-tcp are simulated"));
        }
        if text.starts_with("http://") {
            return StreamUrl::parse(text).map(|_| Self::Http(text.to_owned())).map_err(bad);
        }
        let known = SCHEMES.iter().find_map(|(scheme, make)| Some((text.strip_prefix(scheme)?, make)));
        let (address, make) = known.ok_or_else(|| bad("it names neither a directory nor a socket"))?;
        let (host, port) = address.rsplit_once(':').ok_or_else(|| bad("the port is missing"))?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(bad("the host is missing"));
        }
        let port = port.parse().ok().filter(|port| *port > 0);
        let source = make(host.to_owned(), port.ok_or_else(|| bad("the port is no number from 1 to 65535"))?);
        match &source {
            Self::Pushed { host, port } | Self::Acknowledged { host, port } if listen_address(host, *port).is_err() => {
                Err(bad("only this machine's loopback is listened on, because nobody asks who sends; write localhost"))
            }
            _ => Ok(source),
        }
    }
}

impl fmt::Display for InputSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replay => f.write_str("replay"),
            Self::Directory(path) => write!(f, "dir:{path}"),
            Self::Http(url) => f.write_str(url),
            Self::Simulated(client) => write!(f, "simulated:{}", client.protocol()),
            Self::Socket { host, port } => address(f, "tcp-connect", host, *port),
            Self::Pushed { host, port } => address(f, "tcp", host, *port),
            Self::Acknowledged { host, port } => address(f, "ack-tcp", host, *port),
        }
    }
}

fn address(f: &mut fmt::Formatter<'_>, scheme: &str, host: &str, port: u16) -> fmt::Result {
    if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
}

/// What a program may be given.
#[derive(Clone, Debug)]
pub struct ProgramInput {
    /// The text to work on.
    pub text: ReplayText,
    /// Lines per batch, for programs that replay it.
    pub lines_per_batch: usize,
    /// Where lines come from, for programs that work on a stream of lines.
    pub source: InputSource,
    /// Where a program's last stream goes beside what it prints.
    pub sink: Option<Arc<dyn OutputSink>>,
    /// The batch interval in place of the program's.
    pub interval: Option<Millis>,
    /// Of a simulated client: what this run has been sent.
    sent: Option<SentLines>,
}

impl ProgramInput {
    /// A text, replayed `lines_per_batch` lines a batch.
    pub const fn replay(text: ReplayText, lines_per_batch: usize) -> Self {
        Self { text, lines_per_batch, source: InputSource::Replay, sink: None, interval: None, sent: None }
    }

    /// The same with its lines from `source`.
    #[must_use]
    pub fn from_source(self, source: InputSource) -> Self {
        Self { source, ..self }
    }

    /// The same for a run of its own, which ends after so many batches if it ends: a simulated client begins to send,
    /// and goes on where it was when a driver runs the program again.
    #[must_use]
    pub fn for_a_run(self, batches: Option<u32>) -> Self {
        let InputSource::Simulated(client) = self.source else { return self };
        let sent = client.sends(&self.text, self.lines_per_batch, self.interval(BATCH_INTERVAL), batches);
        Self { sent: Some(sent), ..self }
    }

    fn simulated_lines(&self, ssc: &StreamingContext, client: SimulatedClient) -> DStream<(u64, Line)> {
        let interval = self.interval(BATCH_INTERVAL);
        let fresh = || client.sends(&self.text, self.lines_per_batch, interval, None);
        ssc.simulated_stream(client.stream(), &self.sent.clone().unwrap_or_else(fresh).0)
    }

    /// The batch interval: what the user chose, or else the program's.
    pub fn interval(&self, own: Millis) -> Millis {
        self.interval.unwrap_or(own)
    }

    /// The lines of the input as a stream, from wherever the user chose.
    ///
    /// # Errors
    /// When a source cannot be listened on.
    #[track_caller]
    pub fn lines(&self, ssc: &StreamingContext) -> Result<DStream<Line>> {
        match &self.source {
            InputSource::Replay => Ok(ssc.text_replay_stream(self.text.clone(), self.lines_per_batch)),
            InputSource::Directory(path) => Ok(ssc.text_file_stream(path)),
            InputSource::Http(url) => ssc.http_text_stream(url),
            InputSource::Socket { host, port } => Ok(ssc.socket_text_stream(host, *port)),
            InputSource::Pushed { host, port } => ssc.push_text_stream(host, *port),
            InputSource::Acknowledged { host, port } => {
                Ok(ssc.acknowledged_text_stream(host, *port)?.map(|(_, text)| text))
            }
            InputSource::Simulated(client) => Ok(self.simulated_lines(ssc, *client).map(|(_, text)| text)),
        }
    }

    /// The same, each with its number: that of the source, else the digits before a first tab, else one that is
    /// its own in its batch.
    ///
    /// # Errors
    /// When a source cannot be listened on.
    #[track_caller]
    pub fn numbered_lines(&self, ssc: &StreamingContext) -> Result<DStream<(u64, Line)>> {
        let sent = match &self.source {
            InputSource::Acknowledged { host, port } => Some(ssc.acknowledged_text_stream(host, *port)?),
            InputSource::Simulated(client) => Some(self.simulated_lines(ssc, *client)),
            _ => None,
        };
        if let Some(lines) = sent {
            // An operator of the same name, whatever the source.
            return Ok(lines.map(|line| line));
        }
        let lines = self.lines(ssc)?.transform(Rdd::zip_with_unique_id);
        Ok(lines.map(|(line, own)| numbered(&line).unwrap_or((own, line))))
    }

    /// Writes a stream to the sink that the user chose, if there is one.
    #[track_caller]
    pub fn save<K: Data + fmt::Display, V: Data + fmt::Display>(&self, stream: &DStream<(K, V)>) {
        if let Some(sink) = &self.sink {
            stream.save_to(Arc::clone(sink));
        }
    }
}

fn numbered(line: &Line) -> Option<(u64, Line)> {
    let (number, text) = line.as_str().split_once('\t')?;
    Some((number.parse().ok()?, Line::from(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a source could not be named in the window as on the command line, or a bad one would
    /// start a program that waits for ever.
    #[test]
    fn sources_are_read_as_they_are_written() {
        let socket = |host: &str, port| InputSource::Socket { host: host.to_owned(), port };
        let good = [
            ("dir:incoming", InputSource::Directory("incoming".into())),
            ("tcp-connect://localhost:9999", socket("localhost", 9999)),
            ("tcp-connect://[::1]:7", socket("::1", 7)),
            ("http://localhost:8080/stream?x=1", InputSource::Http("http://localhost:8080/stream?x=1".into())),
            ("tcp://localhost:9999", InputSource::Pushed { host: "localhost".into(), port: 9999 }),
            ("ack-tcp://[::1]:7", InputSource::Acknowledged { host: "::1".into(), port: 7 }),
            ("simulated:tcp", InputSource::Simulated(SimulatedClient::Pushing)),
            ("simulated:ack-tcp", InputSource::Simulated(SimulatedClient::Acknowledged)),
        ];
        for (text, source) in good {
            assert_eq!(text.parse(), Ok(source.clone()));
            assert_eq!(source.to_string(), text);
        }
        let bad = [
            ("dir:", "the path is missing"),
            ("tcp-connect://localhost", "the port is missing"),
            ("tcp-connect://:9999", "the host is missing"),
            ("tcp-connect://localhost:0", "the port is no number"),
            ("tcp-connect://localhost:99999", "the port is no number"),
            ("incoming", "it names neither"),
            ("simulated:http", "only tcp and ack-tcp"),
            ("http://:80", "the host is missing"),
            ("tcp://0.0.0.0:9999", "only this machine's loopback"),
            ("ack-tcp://example.org:9999", "only this machine's loopback"),
        ];
        for (text, why) in bad {
            let error = text.parse::<InputSource>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("give dir:PATH"), "{error}");
        }
    }
}
