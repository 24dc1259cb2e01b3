//! The side of the driver: it obeys its supervisor, and does not outlive it.

use super::INTERRUPT;
use faultline_engine::event::{Envelope, Event};
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

/// The exit code of a driver without a supervisor.
const LEFT_ALONE: i32 = 1;

/// One life of a driver that is supervised.
#[derive(Clone, Debug)]
pub struct DriverLife {
    /// Which life it is, from 1.
    pub number: u32,
    /// The file to make when a batch is completed.
    mark: PathBuf,
    marked: bool,
}

impl DriverLife {
    /// From what the supervisor says on the command line: `2:/path/of/the/mark`.
    ///
    /// # Errors
    /// When it was not written by a supervisor.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parsed = text.split_once(':').and_then(|(number, mark)| Some((number.parse().ok()?, mark)));
        let (number, mark) = parsed.ok_or("only a supervisor writes it; use --supervise")?;
        Ok(Self { number, mark: PathBuf::from(mark), marked: false })
    }

    /// The same as an argument.
    pub(super) fn argument(number: u32, mark: &Path) -> String {
        format!("{number}:{}", mark.display())
    }

    /// Marks the first batch that completed well.
    pub fn see(&mut self, event: &Envelope) {
        if !self.marked && matches!(event.event, Event::BatchCompleted { failure: None, .. }) {
            self.marked = true;
            // Without the mark the next wait is longer, and nothing else.
            drop(File::create(&self.mark));
        }
    }
}

/// Listens to the supervisor until the process ends.
///
/// # Errors
/// When no thread can be started.
pub fn obey(mut interrupt: impl FnMut() + Send + 'static) -> io::Result<()> {
    let listen = move || {
        for line in io::stdin().lock().lines() {
            match line.as_deref() {
                Ok(INTERRUPT) => interrupt(),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        // Nobody is left to tell when the terminal is gone too.
        let _ = writeln!(io::stderr(), "driver     its supervisor is gone, so it ends; start it again to continue");
        std::process::exit(LEFT_ALONE);
    };
    std::thread::Builder::new().name("supervisor".to_owned()).spawn(listen).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a driver would not know its life, or a user could start one that nobody supervises.
    #[test]
    fn a_life_is_what_the_supervisor_wrote() {
        let life = DriverLife::parse(&DriverLife::argument(3, Path::new("/a:b/mark"))).expect("it was just written");
        assert_eq!((life.number, life.mark.as_path()), (3, Path::new("/a:b/mark")));
        assert!(DriverLife::parse("mark").is_err() && DriverLife::parse("x:mark").is_err());
    }
}
