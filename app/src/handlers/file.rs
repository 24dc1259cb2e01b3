//! Logs opened and saved, graphs exported: asked for in a dialog, carried out off the window's thread.

use super::Guide;
use super::export::export;
use crate::command::{Asked, FileCommand, Purpose};
use crate::model::Timeline;
use crate::platform::background::{Job, Progress, Wake};
use crate::platform::dialogs::{Answer, DesktopDialogs, Dialogs, Kind, Question};
use crate::session::Session;
use crate::source::RecordedSource;
use crate::state::{Playback, UiState};
use anyhow::Context as _;
use faultline_engine::eventlog::LogWriter;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a thread did.
enum Done {
    Opened { path: PathBuf, log: RecordedSource },
    Saved(PathBuf),
    Exported(PathBuf),
}

/// What is asked and worked on.
pub struct FileDesk {
    dialogs: Box<dyn Dialogs>,
    asked: Option<(Asked, Job<Answer>)>,
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
        Self { dialogs, asked: None, work: Vec::new() }
    }

    /// Carries out one wish.
    pub fn carry_out(&mut self, command: FileCommand, session: &Session, state: &mut UiState, wake: &Wake) {
        match command {
            FileCommand::Ask(purpose) => self.ask(purpose, session, state, wake),
            FileCommand::Dismissed => {}
            FileCommand::OpenPath(path) => {
                state.notice = Some(format!("Opening {}", name_of(&path)));
                let reader_wake = Arc::clone(wake);
                self.start("open", wake, move || {
                    let log = RecordedSource::open(&path, reader_wake)?;
                    Ok(Done::Opened { path, log })
                });
            }
            FileCommand::SaveTo(path) => {
                let timeline = session.timeline().clone();
                state.notice = Some(format!("Saving {}", name_of(&path)));
                self.start("save", wake, move || {
                    save(&timeline, &path)?;
                    Ok(Done::Saved(path))
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

    /// Takes answers of dialogs and results of threads.
    pub fn poll(&mut self, session: &mut Session, state: &mut UiState, guide: &mut Guide, wake: &Wake) {
        if let Some((asked, job)) = self.asked.take() {
            match job.poll() {
                Progress::Running => self.asked = Some((asked, job)),
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
        for result in results {
            finish(result, session, state, guide);
        }
    }

    fn ask(&mut self, purpose: Purpose, session: &Session, state: &mut UiState, wake: &Wake) {
        if self.asked.is_some() {
            return;
        }
        if purpose != Purpose::OpenLog && session.is_empty() {
            state.error = Some("Nothing has happened yet, so there is nothing to write".to_owned());
            return;
        }
        let asked = asked(purpose, &session.model().application.name, state);
        let job = self.dialogs.ask(question(&asked), Arc::clone(wake));
        self.asked = Some((asked, job));
    }

    fn start(&mut self, what: &'static str, wake: &Wake, work: impl FnOnce() -> anyhow::Result<Done> + Send + 'static) {
        self.work.push((what, Job::start(what, Arc::clone(wake), work)));
    }
}

fn finish(result: anyhow::Result<Done>, session: &mut Session, state: &mut UiState, guide: &mut Guide) {
    state.notice = None;
    match result {
        Ok(Done::Opened { path, log }) => {
            session.replace(Session::new(Box::new(log)));
            *guide = Guide::default();
            state.forget_run();
            state.playback = Playback::Running;
            state.notice = Some(format!("Opened {}", name_of(&path)));
            state.recent.add(path);
        }
        Ok(Done::Saved(path)) => {
            state.notice = Some(format!("Saved {}", path.display()));
            state.recent.add(path);
        }
        Ok(Done::Exported(path)) => state.notice = Some(format!("Exported {}", path.display())),
        Err(error) => state.error = Some(format!("{error:#}")),
    }
}

/// The name of the application as the name of a file, in the folder of the last one.
fn asked(purpose: Purpose, application: &str, state: &UiState) -> Asked {
    let name = if application.is_empty() { "faultline" } else { application };
    let stem: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let file_name = match purpose {
        Purpose::OpenLog => String::new(),
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

/// Writes beside the file and renames, so that a log that is there stays whole until the new one is.
fn save(timeline: &Timeline, path: &Path) -> anyhow::Result<()> {
    let part = part_of(path);
    let written = (|| {
        let mut log = LogWriter::new(BufWriter::new(File::create(&part)?));
        timeline.envelopes_from(0).try_for_each(|envelope| log.write(envelope))?;
        log.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&part, path)
    })();
    if written.is_err() {
        // What is half written is of no use; the error that counts is the first one.
        drop(std::fs::remove_file(&part));
    }
    written.with_context(|| format!("Cannot save {}", path.display()))
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
