//! Where `--sink` puts the batches of a program.

use super::UsageError;
use faultline_engine::programs::BuiltIn;
use faultline_engine::sinks::{FileSink, OutputSink};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

const WAY_OUT: &str = "give print, files:DIR, or sqlite:FILE";

/// Where batches go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SinkChoice {
    /// Only what the program prints.
    #[default]
    Print,
    /// A directory that receives one directory per batch.
    Files(PathBuf),
    /// An SQLite file.
    Sqlite(PathBuf),
}

impl FromStr for SinkChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = |path: &str, what: &str| match path {
            "" => Err(format!("the {what} is missing; {WAY_OUT}")),
            path => Ok(PathBuf::from(path)),
        };
        match text.split_once(':') {
            None if text == "print" => Ok(Self::Print),
            Some(("files", dir)) => Ok(Self::Files(path(dir, "directory")?)),
            Some(("sqlite", file)) => Ok(Self::Sqlite(path(file, "file")?)),
            _ => Err(format!("it is no sink; {WAY_OUT}")),
        }
    }
}

impl fmt::Display for SinkChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Print => f.write_str("print"),
            Self::Files(path) => write!(f, "files:{}", path.display()),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
        }
    }
}

impl SinkChoice {
    /// The sink, for a program that has batches; nothing for `print`.
    ///
    /// # Errors
    /// When it cannot be written, or the program has no batches.
    pub fn open(&self, program: &BuiltIn) -> Result<Option<Arc<dyn OutputSink>>, UsageError> {
        let wrong = |why: String| Err(UsageError(format!("--sink {self}: {why}")));
        let path = match self {
            Self::Print => return Ok(None),
            Self::Files(path) | Self::Sqlite(path) => path,
        };
        if !program.streaming {
            return wrong(format!("{} has no batches, so it writes none; choose a streaming program", program.name));
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !parent.is_dir() {
            return wrong(format!("there is no directory {}; make it first, or give another", parent.display()));
        }
        match self {
            Self::Print => Ok(None),
            Self::Files(path) if path.exists() && !path.is_dir() => {
                wrong(format!("{} is a file; give a directory", path.display()))
            }
            Self::Files(path) => Ok(Some(Arc::new(FileSink::new(path)))),
            Self::Sqlite(path) if path.is_dir() => wrong(format!("{} is a directory; give a file", path.display())),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(path) => Ok(Some(Arc::new(faultline_connectors::SqliteSink::new(path)))),
            #[cfg(not(feature = "sqlite"))]
            Self::Sqlite(_) => wrong("this was built without SQLite; build it with --features sqlite".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a sink with a slip of the pen would be another one, or none.
    #[test]
    fn sinks_are_read_as_they_are_written() {
        let good = [
            ("print", SinkChoice::Print),
            ("files:out/a", SinkChoice::Files("out/a".into())),
            ("sqlite:a:b.db", SinkChoice::Sqlite("a:b.db".into())),
        ];
        for (text, choice) in good {
            assert_eq!(text.parse(), Ok(choice.clone()));
            assert_eq!(choice.to_string(), text);
        }
        for text in ["", "Print", "files", "files:", "sqlite:", "sqlite", "file:x", "mysql:x"] {
            let error = text.parse::<SinkChoice>().expect_err(text);
            assert!(error.contains(WAY_OUT), "{text}: {error}");
        }
    }
}
