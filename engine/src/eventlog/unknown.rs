//! Lines that `Event` cannot say: kept as they came, so that a log opened and saved is still Spark's log.
//!
//! Where the text allows, the `Faultline` field is put behind the fields that came; else the text becomes
//! a string inside an event of ours.

use super::ours;
use super::record::{Stamp, checked_name};
use crate::event::Event;
use std::fmt::Write as _;
use std::io;

const MARK_OPEN: &str = ",\"Faultline\":{\"seq\":";
const KEPT: &str = ",\"extra\":\"kept\"";

/// Appends the line of an unknown event.
pub(super) fn put(out: &mut Vec<u8>, name: &str, raw: &str, stamp: Stamp) -> io::Result<()> {
    if can_carry_mark(name, raw) {
        out.extend_from_slice(&raw.as_bytes()[..raw.len() - 1]);
        out.extend_from_slice(mark(stamp, KEPT).as_bytes());
        out.push(b'\n');
        return Ok(());
    }
    ours::put(out, &Event::Unknown { name: name.to_owned(), raw: raw.to_owned() }, stamp)
}

/// Whether the mark can be added behind the fields and taken away again.
fn can_carry_mark(name: &str, raw: &str) -> bool {
    raw.starts_with("{\"Event\":\"")
        && raw.ends_with('}')
        && !raw.contains(['\n', '\r'])
        && !raw.contains("\"Faultline\"")
        && checked_name(raw).is_ok_and(|found| found == name)
}

/// The number, time and original text of a line that [`put`] added the mark to.
pub(super) fn unwrap_kept(line: &str) -> Option<(Stamp, String)> {
    // A cheap test first: it runs for every line.
    line.ends_with("\"extra\":\"kept\"}}").then(|| split_mark(line, KEPT)).flatten()
}

/// A line of a newer version of ours, without its mark; other lines as they are.
pub(super) fn without_mark(line: &str) -> (Option<Stamp>, String) {
    match split_mark(line, "") {
        Some((stamp, raw)) => (Some(stamp), raw),
        None => (None, line.to_owned()),
    }
}

fn mark(stamp: Stamp, extra: &str) -> String {
    let mut text = String::with_capacity(80);
    let Stamp { seq, at_ns } = stamp;
    // Writing to a string does not fail.
    let _ = write!(text, "{MARK_OPEN}{seq},\"at_ns\":{at_ns}{extra}}}}}");
    text
}

/// Takes the mark off the end of a line, if it is exactly as we write it.
fn split_mark(line: &str, extra: &str) -> Option<(Stamp, String)> {
    let (before, after) = line.rsplit_once(MARK_OPEN)?;
    let (seq, rest) = after.split_once(",\"at_ns\":")?;
    let at_ns = rest.split_once(['}', ','])?.0;
    let stamp = Stamp { seq: seq.parse().ok()?, at_ns: at_ns.parse().ok()? };
    (line.strip_suffix(&mark(stamp, extra))? == before).then(|| (stamp, format!("{before}}}")))
}
