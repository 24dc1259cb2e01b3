//! What a program may be given, and the one way from there to a stream of lines.

use crate::rdd::{Line, ReplayText};
use crate::streaming::{DStream, StreamingContext};
use std::fmt;
use std::str::FromStr;

/// Where the lines of a program come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InputSource {
    /// The text, replayed.
    #[default]
    Replay,
    /// Files that appear in a directory.
    Directory(String),
    /// What somebody writes to a socket.
    Socket {
        /// The host that a receiver connects to.
        host: String,
        /// The port.
        port: u16,
    },
}

impl InputSource {
    /// Whether others decide what comes when: such a source needs the wall clock.
    pub const fn is_external(&self) -> bool {
        !matches!(self, Self::Replay)
    }
}

/// A source that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no source: {why}; give dir:PATH, or tcp-connect://HOST:PORT")]
pub struct BadSource {
    text: String,
    why: &'static str,
}

impl FromStr for InputSource {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let bad = |why| BadSource { text: text.to_owned(), why };
        if let Some(path) = text.strip_prefix("dir:") {
            return if path.is_empty() {
                Err(bad("the path is missing"))
            } else {
                Ok(Self::Directory(path.to_owned()))
            };
        }
        let address =
            text.strip_prefix("tcp-connect://").ok_or_else(|| bad("it names neither a directory nor a socket"))?;
        let (host, port) = address.rsplit_once(':').ok_or_else(|| bad("the port is missing"))?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(bad("the host is missing"));
        }
        match port.parse() {
            Ok(port) if port > 0 => Ok(Self::Socket { host: host.to_owned(), port }),
            _ => Err(bad("the port is no number from 1 to 65535")),
        }
    }
}

impl fmt::Display for InputSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replay => f.write_str("replay"),
            Self::Directory(path) => write!(f, "dir:{path}"),
            Self::Socket { host, port } if host.contains(':') => write!(f, "tcp-connect://[{host}]:{port}"),
            Self::Socket { host, port } => write!(f, "tcp-connect://{host}:{port}"),
        }
    }
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
}

impl ProgramInput {
    /// A text, replayed `lines_per_batch` lines a batch.
    pub const fn replay(text: ReplayText, lines_per_batch: usize) -> Self {
        Self { text, lines_per_batch, source: InputSource::Replay }
    }

    /// The same with its lines from `source`.
    #[must_use]
    pub fn from_source(self, source: InputSource) -> Self {
        Self { source, ..self }
    }

    /// The lines of the input as a stream, from wherever the user chose.
    #[track_caller]
    pub fn lines(&self, ssc: &StreamingContext) -> DStream<Line> {
        match &self.source {
            InputSource::Replay => ssc.text_replay_stream(self.text.clone(), self.lines_per_batch),
            InputSource::Directory(path) => ssc.text_file_stream(path),
            InputSource::Socket { host, port } => ssc.socket_text_stream(host, *port),
        }
    }
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
        ];
        for (text, why) in bad {
            let error = text.parse::<InputSource>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("give dir:PATH"), "{error}");
        }
    }
}
