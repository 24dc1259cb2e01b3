//! The lines to send, by their numbers.

use std::io;
use std::path::Path;

/// Lines with numbers that rise by one.
#[derive(Clone, Debug)]
pub struct Lines {
    first: u64,
    count: u64,
    /// None: each is made of its number.
    texts: Option<Vec<String>>,
}

impl Lines {
    /// `count` lines that say their number.
    pub const fn made(first: u64, count: u64) -> Self {
        Self { first, count, texts: None }
    }

    /// Those of a file.
    ///
    /// # Errors
    /// When it cannot be read, or is no text.
    pub fn read(path: &Path, first: u64) -> io::Result<Self> {
        let texts: Vec<String> = std::fs::read_to_string(path)?.lines().map(str::to_owned).collect();
        Ok(Self { first, count: texts.len() as u64, texts: Some(texts) })
    }

    /// The first number.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The number after the last.
    pub const fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }

    /// Appends a line as the protocol writes it.
    pub fn put(&self, number: u64, to: &mut Vec<u8>) {
        let made;
        let text = match &self.texts {
            Some(texts) => texts.get((number - self.first) as usize).map_or("", String::as_str),
            None => {
                made = format!("line {number}");
                &made
            }
        };
        to.extend_from_slice(format!("{number}\t{text}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it the numbers of a file would not be those of its lines.
    #[test]
    fn lines_have_their_numbers() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "one\ntwo\r\n\nfour").expect("it is written");
        let check = |lines: &Lines, expected: &str| {
            let mut bytes = Vec::new();
            (lines.first()..lines.end()).for_each(|number| lines.put(number, &mut bytes));
            assert_eq!(String::from_utf8_lossy(&bytes), expected);
        };
        check(&Lines::read(file.path(), 7).expect("it is read"), "7\tone\n8\ttwo\n9\t\n10\tfour\n");
        check(&Lines::made(1, 2), "1\tline 1\n2\tline 2\n");
    }
}
