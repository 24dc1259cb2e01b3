//! Logs opened and saved, graphs exported: asked for in a dialog, carried out off the window's thread.

use super::export::export;
use crate::command::{Asked, FileCommand, Overlay, Purpose};
use crate::inspection;
use crate::model::Timeline;
use crate::platform::background::{Job, Progress, Wake};
use crate::platform::dialogs::{Answer, DesktopDialogs, Dialogs, Kind, Question};
use crate::platform::whole_file::write_whole;
use crate::session::Session;
use crate::source::RecordedSource;
use crate::state::UiState;
use crate::state::checkpoint_report::CheckpointReport;
use crate::theme::format;
use anyhow::Context as _;
use faultline_engine::eventlog::LogWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What opening a log is called.
const OPEN: &str = "open";
/// Why a log cannot be saved yet.
const HALF_READ: &str = "The log is still being read; save it when all of it is there";

/// What a thread did.
enum Done {
    Opened { opening: u64, path: PathBuf, log: RecordedSource },
    Saved { path: PathBuf, missing: usize },
    Exported(PathBuf),
    Inspected(CheckpointReport),
}

/// A log that was opened, to be put into the window.
pub struct OpenedLog {
    /// Its path.
    pub path: PathBuf,
    /// Its events.
    pub log: RecordedSource,
}

/// After this long a dialog that is asked for again is taken for one that never appeared.
const DIALOG_PATIENCE: Duration = Duration::from_secs(5);

/// What is asked and worked on.
pub struct FileDesk {
    dialogs: Box<dyn Dialogs>,
    asked: Option<(Asked, Job<Answer>, Instant)>,
    /// Number of the last log or program that was asked for: only that one may still appear.
    opening: u64,
    /// Named for the words about a failure.
    work: Vec<(&'static str, Job<anyhow::Result<Done>>)>,
}

impl Default for FileDesk {
    fn default() -> Self {
        Self::new(Box::new(DesktopDialogs))
    }
}

impl FileDesk {
    /// A desk that asks in this way.
    pub fn new(dialogs: Box<dyn Dialogs>) -> Self {
        Self { dialogs, asked: None, opening: 0, work: Vec::new() }
    }

    /// Something else was opened: a log that is still being opened must not take its place.
    pub fn forget_opening(&mut self) {
        self.opening += 1;
    }

    /// Carries out one wish.
    pub fn carry_out(&mut self, command: FileCommand, session: &Session, state: &mut UiState, wake: &Wake) {
        match command {
            FileCommand::Ask(purpose) => self.ask(purpose, session, state, wake),
            FileCommand::Dismissed => {}
            FileCommand::OpenPath(path) if path.is_dir() => {
                self.carry_out(FileCommand::InspectPath(path), session, state, wake);
            }
            FileCommand::OpenPath(path) => {
                state.notice = Some(format!("Opening {}", name_of(&path)));
                let reader_wake = Arc::clone(wake);
                self.forget_opening();
                let opening = self.opening;
                self.start(OPEN, wake, move || {
                    let log = RecordedSource::open(&path, reader_wake)?;
                    Ok(Done::Opened { opening, path, log })
                });
            }
            FileCommand::InspectPath(path) => self.start("read", wake, move || {
                let found = inspection::read(&path)?;
                Ok(Done::Inspected(inspection::report(&path, &found)))
            }),
            FileCommand::SaveTo(_) if session.progress().is_some() => state.error = Some(HALF_READ.to_owned()),
            FileCommand::SaveTo(path) => {
                let timeline = session.timeline().clone();
                state.notice = Some(format!("Saving {}", name_of(&path)));
                self.start("save", wake, move || {
                    save(&timeline, &path)?;
                    Ok(Done::Saved { path, missing: timeline.first() })
                });
            }
            FileCommand::ExportTo { format, path } => {
                let (model, theme) = (session.model().clone(), state.theme);
                let numbers = state.settings.numbers;
                state.notice = Some(format!("Exporting {}", name_of(&path)));
                self.start("export", wake, move || {
                    numbers.apply();
                    export(&model, format, theme, &path)?;
                    Ok(Done::Exported(path))
                });
            }
            FileCommand::CheckRecent => state.recent.retain(Path::exists),
            FileCommand::ClearRecent => state.recent.clear(),
        }
    }

    /// Takes answers of dialogs and results of threads; gives the log that was opened.
    #[must_use]
    pub fn poll(&mut self, session: &Session, state: &mut UiState, wake: &Wake) -> Option<OpenedLog> {
        if let Some((asked, job, since)) = self.asked.take() {
            match job.poll() {
                Progress::Running => self.asked = Some((asked, job, since)),
                Progress::Done(Answer::Path(path)) => self.carry_out(asked.purpose.with(path), session, state, wake),
                Progress::Done(Answer::Cancelled) => {}
                Progress::Done(Answer::AskInWindow) | Progress::Broken => state.question = Some(asked),
            }
        }
        let mut results = Vec::new();
        self.work.retain(|(what, job)| match job.poll() {
            Progress::Running => true,
            Progress::Done(result) => {
                results.push(result);
                false
            }
            Progress::Broken => {
                results.push(Err(anyhow::anyhow!("Cannot {what} the file: its thread ended without a result")));
                false
            }
        });
        let mut opened = None;
        for result in results {
            opened = finish(result, self.opening, state).or(opened);
        }
        opened
    }

    fn ask(&mut self, purpose: Purpose, session: &Session, state: &mut UiState, wake: &Wake) {
        if let Some((asked, job, since)) = self.asked.take() {
            if since.elapsed() < DIALOG_PATIENCE {
                self.asked = Some((asked, job, since));
                return;
            }
            // The desktop's dialog never answered: the window asks itself.
            state.question = Some(asked);
            return;
        }
        if purpose == Purpose::SaveLog && session.progress().is_some() {
            state.error = Some(HALF_READ.to_owned());
            return;
        }
        if !matches!(purpose, Purpose::OpenLog | Purpose::InspectCheckpoint) && session.is_empty() {
            state.error = Some("Nothing has happened yet, so there is nothing to write".to_owned());
            return;
        }
        let asked = asked(purpose, &session.model().application.name, state);
        let job = self.dialogs.ask(question(&asked), Arc::clone(wake));
        self.asked = Some((asked, job, Instant::now()));
    }

    fn start(&mut self, what: &'static str, wake: &Wake, work: impl FnOnce() -> anyhow::Result<Done> + Send + 'static) {
        self.work.push((what, Job::start(what, Arc::clone(wake), work)));
    }
}

impl Drop for FileDesk {
    /// What is being written is written to its end.
    fn drop(&mut self) {
        for (what, job) in self.work.drain(..) {
            if what != OPEN {
                job.wait();
            }
        }
    }
}

fn finish(result: anyhow::Result<Done>, opening: u64, state: &mut UiState) -> Option<OpenedLog> {
    match result {
        Ok(Done::Opened { opening: of, path, log }) => {
            if of == opening {
                state.notice = Some(format!("Opened {}", name_of(&path)));
                return Some(OpenedLog { path, log });
            }
        }
        Ok(Done::Saved { path, missing }) => {
            state.notice = Some(saved(&path, missing));
            state.recent.add(path);
        }
        Ok(Done::Inspected(report)) => {
            state.checkpoint = Some(Arc::new(report));
            state.overlay = Some(Overlay::Checkpoint);
        }
        Ok(Done::Exported(path)) => state.notice = Some(format!("Exported {}", path.display())),
        Err(error) => {
            state.notice = None;
            state.error = Some(format!("{error:#}"));
        }
    }
    None
}

/// The name of the application as the name of a file, in the folder of the last one.
fn asked(purpose: Purpose, application: &str, state: &UiState) -> Asked {
    let name = if application.is_empty() { "faultline" } else { application };
    let stem: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let file_name = match purpose {
        Purpose::OpenLog | Purpose::InspectCheckpoint => String::new(),
        Purpose::SaveLog => format!("{stem}.jsonl"),
        Purpose::ExportGraph(format) => format!("{stem}.{}", format.extension()),
    };
    let directory = state.recent.paths().first().and_then(|path| path.parent()).map(Path::to_path_buf);
    Asked { purpose, file_name, directory: directory.filter(|directory| directory.is_dir()) }
}

fn question(asked: &Asked) -> Question {
    let (kind, filter) = match asked.purpose {
        // Spark's logs have no ending, so every file can be chosen.
        Purpose::OpenLog => (Kind::Open, None),
        Purpose::InspectCheckpoint => (Kind::OpenDirectory, None),
        Purpose::SaveLog => (Kind::Save, Some(("Event log", "jsonl"))),
        Purpose::ExportGraph(format) => (Kind::Save, Some((format.name(), format.extension()))),
    };
    Question {
        kind,
        title: asked.purpose.title().to_owned(),
        file_name: asked.file_name.clone(),
        filter: filter.map(|(name, extension)| (name.to_owned(), extension.to_owned())),
        directory: asked.directory.clone(),
    }
}

fn save(timeline: &Timeline, path: &Path) -> anyhow::Result<()> {
    let written = write_whole(path, |file| {
        let mut log = LogWriter::new(file);
        timeline.envelopes_from(0).try_for_each(|envelope| log.write(envelope))?;
        log.finish().map(drop)
    });
    written.with_context(|| format!("Cannot save {}", path.display()))
}

fn saved(path: &Path, missing: usize) -> String {
    let saved = format!("Saved {}", path.display());
    if missing == 0 {
        return saved;
    }
    let missing = format::number(missing as u64);
    format!(
        "{saved} without the first {missing} events, which the window no longer keeps; faultline run --events writes all"
    )
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
