//! Asking the user for a path with the desktop's own dialog, never on the window's thread: a dialog
//! that hangs must not hang the window.

use super::background::{Job, Wake};
use std::path::PathBuf;

/// Whether a path to read or to write is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file that exists.
    Open,
    /// A directory that exists.
    OpenDirectory,
    /// A file that may not exist yet.
    Save,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// To read or to write.
    pub kind: Kind,
    /// Title of the dialog.
    pub title: String,
    /// Name that is proposed.
    pub file_name: String,
    /// What the files are called, and how they end; all files when there is none.
    pub filter: Option<(String, String)>,
    /// Where to begin.
    pub directory: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This path.
    Path(PathBuf),
    /// None.
    Cancelled,
    /// This desktop has no dialog: ask inside the window.
    AskInWindow,
}

/// Who asks.
pub trait Dialogs {
    /// Begins to ask; `wake` is called when there is an answer.
    fn ask(&mut self, question: Question, wake: Wake) -> Job<Answer>;
}

/// The desktop's dialogs, where it has some.
#[derive(Clone, Copy, Debug, Default)]
pub struct DesktopDialogs;

impl Dialogs for DesktopDialogs {
    fn ask(&mut self, question: Question, wake: Wake) -> Job<Answer> {
        Job::start("file dialog", wake, move || if has_dialogs() { show(question) } else { Answer::AskInWindow })
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn has_dialogs() -> bool {
    super::portal::is_reachable()
}

/// Their dialogs are part of the system.
#[cfg(any(not(unix), target_os = "macos"))]
fn has_dialogs() -> bool {
    true
}

fn show(question: Question) -> Answer {
    let mut dialog = rfd::FileDialog::new().set_title(question.title).set_file_name(question.file_name);
    if let Some((name, extension)) = question.filter {
        dialog = dialog.add_filter(name, &[extension]);
    }
    if let Some(directory) = question.directory {
        dialog = dialog.set_directory(directory);
    }
    let path = match question.kind {
        Kind::Open => dialog.pick_file(),
        Kind::OpenDirectory => dialog.pick_folder(),
        Kind::Save => dialog.save_file(),
    };
    path.map_or(Answer::Cancelled, Answer::Path)
}
