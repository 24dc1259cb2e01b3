//! The first records of a block as text, for the block's event.

use super::guard::guarded;
use crate::event::Preview;
use std::fmt::{self, Debug, Write};

/// How many records a preview shows.
pub const PREVIEW_RECORDS: usize = 8;

/// How many bytes of text a preview has, all records together.
pub const PREVIEW_BYTES: usize = 1024;

const CUT: char = '…';

/// The first records of `values` as text, of a block of `total` records.
pub fn preview_of<T: Debug>(values: &[T], total: u64) -> Preview {
    let mut records = Vec::new();
    let mut room = PREVIEW_BYTES;
    for value in values.iter().take(PREVIEW_RECORDS) {
        if room < CUT.len_utf8() {
            break;
        }
        let text = Bounded::text_of(value, room);
        room -= text.len();
        records.push(text);
    }
    Preview { records, total }
}

/// Text that stops growing at a limit, so that a huge record is never formatted as a whole.
struct Bounded {
    text: String,
    limit: usize,
}

impl Bounded {
    fn text_of<T: Debug>(value: &T, limit: usize) -> String {
        let mut bounded = Self { text: String::new(), limit };
        let complete = guarded(|| write!(bounded, "{value:?}").is_ok());
        let complete = complete.unwrap_or_else(|panic| {
            bounded.text.clear();
            write!(bounded, "cannot be shown: {panic}").is_ok()
        });
        let mut text = bounded.text;
        if !complete {
            while text.len() + CUT.len_utf8() > limit && text.pop().is_some() {}
            text.push(CUT);
        }
        text
    }
}

impl Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let fits = more.floor_char_boundary(self.limit - self.text.len());
        self.text.push_str(&more[..fits]);
        if fits == more.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_are_bounded_and_cut_between_characters() {
        // Without it one long record would fill the event log, or a cut inside a character would panic.
        let long = |c: char, n: usize| c.to_string().repeat(n);
        for (values, texts) in [
            (vec![], 0),
            (vec!["a".to_owned(), "b".to_owned()], 2),
            (vec!["a".to_owned(); 20], 8),
            (vec![long('ä', 700)], 1),
            (vec![long('x', 1000), long('語', 500), "never shown".to_owned()], 2),
            (vec![long('x', 1021), "no room".to_owned()], 1),
        ] {
            let preview = preview_of(&values, 42);
            assert_eq!(preview.total, 42);
            assert_eq!(preview.records.len(), texts, "{preview:?}");
            assert!(preview.records.iter().map(String::len).sum::<usize>() <= PREVIEW_BYTES);
            for (text, value) in preview.records.iter().zip(&values) {
                let full = format!("{value:?}");
                assert!(*text == full || text.strip_suffix(CUT).is_some_and(|start| full.starts_with(start)));
            }
        }
    }
}
