//! The files with which a stream goes on after its driver: graph checkpoints, newest first.

use crate::model::{GraphFile, Model};
use std::cmp::Reverse;
use std::sync::Arc;

/// The directory of a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamFiles {
    /// Its name.
    pub directory: String,
    /// Its graph checkpoints by path, newest first.
    pub graphs: Vec<(Arc<str>, GraphFile)>,
    /// Bytes of them.
    pub bytes: u64,
    /// How many could not be used.
    pub damaged: usize,
}

/// What the store has of the stream itself; nothing for a program without graph checkpoints.
pub fn stream_files(model: &Model) -> Option<StreamFiles> {
    let files = &model.driver.files;
    let directory = files.keys().next()?.rsplit_once('/').map_or("", |(directory, _)| directory).to_owned();
    let mut graphs: Vec<(Arc<str>, GraphFile)> = files.iter().map(|(path, file)| (Arc::clone(path), *file)).collect();
    // Names hold the batch time; a file comes before its backup.
    graphs.sort_by_key(|(path, _)| (Reverse(time_of(path)), path.ends_with(".bk")));
    let bytes = graphs.iter().filter_map(|(_, file)| Some(file.written?.bytes)).sum();
    let damaged = graphs.iter().filter(|(_, file)| file.damaged).count();
    Some(StreamFiles { directory, graphs, bytes, damaged })
}

fn time_of(path: &str) -> u64 {
    let name = path.rsplit('/').next().unwrap_or_default();
    let digits = name.trim_start_matches("checkpoint-").trim_end_matches(".bk");
    digits.parse().unwrap_or(0)
}
