//! Spark's JSON, one file per family of listener events: field names, order and constant fields.
//!
//! Each type is one shape for both directions. Reading tolerates what older versions of Spark omit.

mod accumulables;
pub(super) mod application;
pub(super) mod blocks;
pub(super) mod executors;
pub(super) mod jobs;
pub(super) mod metrics;
pub(super) mod rdds;
pub(super) mod reasons;
pub(super) mod stages;
pub(super) mod tasks;

use super::record::Stamp;
use serde::de::{Deserializer, IgnoredAny};
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use std::io;

/// The host of every executor: they are threads of one process.
pub(super) const HOST: &str = "localhost";

/// The `Faultline` field: what Spark's spelling of an event cannot say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Mark<X> {
    seq: u64,
    at_ns: u64,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    extra: Option<X>,
}

/// The extra of kinds that Spark's spelling says in full.
pub(super) type Plain = Mark<()>;

fn none<X>() -> Option<X> {
    None
}

impl<X> Mark<X> {
    /// A mark with no more than number and time.
    pub fn plain(stamp: Stamp) -> Option<Self> {
        Some(Self { seq: stamp.seq, at_ns: stamp.at_ns, extra: None })
    }

    /// A mark with what else is needed.
    pub fn with(stamp: Stamp, extra: X) -> Option<Self> {
        Some(Self { seq: stamp.seq, at_ns: stamp.at_ns, extra: Some(extra) })
    }

    /// Number and time, and the rest.
    pub fn split(mark: Option<Self>) -> (Option<Stamp>, Option<X>) {
        match mark {
            Some(Self { seq, at_ns, extra }) => (Some(Stamp { seq, at_ns }), extra),
            None => (None, None),
        }
    }
}

/// A field whose value is the same in every line that we write, and ignored when read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Fixed {
    /// `[]`
    #[default]
    EmptyList,
    /// `{}`
    EmptyMap,
    /// `{"A":0,"B":0}`
    Zeros(&'static [&'static str]),
}

impl Serialize for Fixed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::EmptyList => serializer.serialize_seq(Some(0))?.end(),
            Self::EmptyMap => serializer.serialize_map(Some(0))?.end(),
            Self::Zeros(names) => {
                let mut map = serializer.serialize_map(Some(names.len()))?;
                for name in *names {
                    map.serialize_entry(name, &0u8)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Fixed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self::default())
    }
}

/// Appends one line: the name of the event, then the fields of `payload`, which has at least one.
pub(super) fn put<P: Serialize>(out: &mut Vec<u8>, name: &str, payload: &P) -> io::Result<()> {
    out.extend_from_slice(b"{\"Event\":\"");
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
    let brace = out.len();
    serde_json::to_writer(&mut *out, payload)?;
    out[brace] = b',';
    out.push(b'\n');
    Ok(())
}
