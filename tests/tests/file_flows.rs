//! Logs and graphs as files, settings and keys: the window over a real engine, without a display and
//! without the desktop's dialogs.

use egui::Modifiers;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable;
use faultline::app::App;
use faultline::command::shortcuts::ROWS;
use faultline::platform::background::{Job, Wake};
use faultline::platform::dialogs::{Answer, Dialogs, Question};
use faultline::theme::Theme;
use faultline_tests::window::{
    Window, choose_step, click, paused, press, registered, step_to_batch, unfold, until, window,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Answers every question with the same answer, and remembers the questions.
#[derive(Clone)]
struct Fixed {
    answer: Answer,
    asked: Arc<Mutex<Vec<Question>>>,
}

impl Dialogs for Fixed {
    fn ask(&mut self, question: Question, _: Wake) -> Job<Answer> {
        self.asked.lock().expect("nobody panicked with the lock").push(question);
        Job::done(self.answer.clone())
    }
}

/// A file dropped on the window.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

fn window_with(answer: Answer) -> (Window, Arc<Mutex<Vec<Question>>>) {
    let asked: Arc<Mutex<Vec<Question>>> = Arc::default();
    let dialogs = Fixed { answer, asked: Arc::clone(&asked) };
    (window(paused("word-count", Theme::Dark).with_dialogs(Box::new(dialogs))), asked)
}

fn run_batches(window: &mut Window, last: u32) {
    registered(window);
    choose_step(window, "batch");
    step_to_batch(window, last);
}

fn notice(app: &App, begins: &str) -> bool {
    app.shell().ui.notice.as_ref().is_some_and(|notice| notice.starts_with(begins))
}

/// A log saved in the middle of a run could not be opened, or would show another run.
#[test]
fn a_saved_log_opens_as_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run 日本.jsonl");
    let (mut window, asked) = window_with(Answer::Path(path.clone()));
    run_batches(&mut window, 3);
    window.key_press_modifiers(Modifiers::COMMAND, egui::Key::S);
    until(&mut window, "the log is saved", |app| notice(app, "Saved"));
    assert_eq!(asked.lock().unwrap()[0].file_name, "word-count.jsonl");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half written stays");
    let saved = window.state().session().model().clone();

    unfold(&mut window, "Menu", "Open log…");
    click(&mut window, "Open log…");
    until(&mut window, "the log is open", |app| {
        notice(app, "Opened") && app.session().model().revision == saved.revision
    });
    assert!(!window.state().session().capabilities().commands);
    assert!(*window.state().session().model() == saved, "the model of the log is another one");
    assert!(window.query_by_label("Recorded log").is_some());
    assert_eq!(window.state().shell().ui.recent.paths(), [path], "once, although saved and opened");
}

/// Dropping a log would do nothing, or a wrong file would end the run that is shown.
#[test]
fn a_dropped_log_opens_and_a_bad_file_keeps_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("picture.png");
    std::fs::write(&bad, b"\x89PNG no log at all").unwrap();
    let (mut window, _) = window_with(Answer::Cancelled);
    run_batches(&mut window, 1);
    let revision = window.state().session().model().revision;

    window.input_mut().hovered_files.push(egui::HoveredFile { path: Some(bad.clone()), ..Default::default() });
    window.step();
    window.input_mut().hovered_files.clear();
    window.input_mut().dropped_files.push(Arc::new(Dropped(bad)));
    until(&mut window, "the reason is said", |app| app.shell().ui.error.is_some());
    let error = window.state().shell().ui.error.clone().unwrap();
    assert!(error.contains("picture.png is no event log of Faultline or Spark"), "{error}");
    assert!(window.query_by_label_contains("is no event log").is_some(), "the window says it");
    assert_eq!(window.state().session().model().revision, revision);
    assert!(window.state().session().capabilities().commands, "the run is still the one that is shown");
    assert!(window.state().shell().ui.recent.paths().is_empty());

    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("logs/faultline-0.1.jsonl");
    window.input_mut().dropped_files.push(Arc::new(Dropped(log.clone())));
    until(&mut window, "the log is open", |app| notice(app, "Opened"));
    assert!(!window.state().session().capabilities().commands);
    assert!(window.state().shell().ui.error.is_none());
    assert_eq!(window.state().shell().ui.recent.paths(), [log]);
}

/// A graph could be exported empty, or into a file that no program reads.
#[test]
fn every_export_holds_the_lineage() {
    for (item, file, begins) in [
        ("SVG…", "graph.svg", "<svg xmlns="),
        ("DOT…", "graph.dot", "digraph \"word-count\" {"),
        ("Mermaid…", "graph.mmd", "flowchart LR\n"),
        ("PNG…", "graph.png", ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        let (mut window, _) = window_with(Answer::Path(path.clone()));
        run_batches(&mut window, 2);
        unfold(&mut window, "Menu", "Export graph");
        unfold(&mut window, "Export graph", item);
        click(&mut window, item);
        until(&mut window, "the graph is exported", |app| notice(app, "Exported") || app.shell().ui.error.is_some());
        assert_eq!(window.state().shell().ui.error, None);
        let bytes = std::fs::read(&path).unwrap();
        if let Ok(directory) = std::env::var("FAULTLINE_PICTURES") {
            std::fs::copy(&path, Path::new(&directory).join(file)).unwrap();
        }
        if file.ends_with("png") {
            assert!(bytes.starts_with(b"\x89PNG"));
            let side = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            assert!(side(16) >= 1920 && side(20) > 800, "{} × {}", side(16), side(20));
            continue;
        }
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with(begins), "{text}");
        for part in ["updateStateByKey", "flatMap · map", "batch 2", "in memory"] {
            assert!(text.contains(part), "{item}: {part} is missing");
        }
    }
}

/// A desktop without dialogs would look as if the user had cancelled each time.
#[test]
fn without_a_desktop_dialog_the_window_asks_itself() {
    let (mut window, asked) = window_with(Answer::AskInWindow);
    run_batches(&mut window, 1);
    window.key_press_modifiers(Modifiers::COMMAND, egui::Key::O);
    until(&mut window, "the window asks", |app| app.shell().ui.question.is_some());
    window.run_steps(3);
    assert_eq!(asked.lock().unwrap().len(), 1);
    assert!(window.query_by_label_contains("Open an event log").is_some());
    // Keys of the window must not act behind the dialog.
    window.key_press(egui::Key::Num2);
    window.run_steps(3);
    assert!(window.state().session().model().executors.values().all(|e| e.alive));
    click(&mut window, "Cancel");
    until(&mut window, "the dialog is closed", |app| app.shell().ui.question.is_none());
    assert!(window.query_by_label_contains("Open an event log").is_none());
}

fn choose(window: &mut Window, setting: &str, choice: &str) {
    window.get_by_role_and_label(Role::ComboBox, setting).click();
    window.run_steps(3);
    press(window, choice);
    window.run_steps(3);
}

/// A setting could be there and change nothing.
#[test]
fn settings_change_scale_numbers_and_theme() {
    let (mut window, _) = window_with(Answer::Cancelled);
    run_batches(&mut window, 1);
    let memory = window.query_all_by_label_contains("of 64 MiB").count();
    assert!(memory > 0, "memory is in Spark's units");
    window.key_press_modifiers(Modifiers::COMMAND, egui::Key::Comma);
    window.run_steps(3);
    choose(&mut window, "Language of numbers", "Deutsch, 1.234,5");
    let shown = faultline::theme::format::speed(0.5);
    assert_eq!(shown, "0,5 ×");
    choose(&mut window, "Theme", "Light");
    assert_eq!(window.state().shell().ui.theme, Theme::Light);
    assert_eq!(Theme::of(&window.ctx), Theme::Light);
    choose(&mut window, "Scale", "150 %");
    assert_eq!(window.ctx.zoom_factor(), 1.5);
    window.key_press(egui::Key::Escape);
    window.run_steps(3);
    assert_eq!(window.state().shell().ui.overlay, None);
    // At this scale the bar has no room for the clock.
    window.key_press_modifiers(Modifiers::COMMAND, egui::Key::Num0);
    window.run_steps(3);
    let model = window.state().session().model();
    let started = model.streams.zero.or(model.application.started).expect("it runs");
    let clock = faultline::theme::format::seconds(model.now.ns_since(started));
    assert!(clock.contains(','), "{clock}");
    assert!(window.query_by_label(&clock).is_some(), "the clock says {clock}");
    assert_eq!(window.ctx.zoom_factor(), 1.0);
}

/// The list of keys could name a key that does something else, or leave one out.
#[test]
fn the_list_of_keys_is_whole_and_true() {
    let (mut window, _) = window_with(Answer::Cancelled);
    run_batches(&mut window, 1);
    window.key_press(egui::Key::Questionmark);
    window.run_steps(3);
    for row in ROWS {
        let listed = format!("{}: {}", row.shown(window.ctx.os()), row.name);
        assert!(window.query_by_label(&listed).is_some(), "{listed} is not in the list");
    }
    // Behind the list nothing is killed and nothing stepped.
    let revision = window.state().session().model().revision;
    window.key_press(egui::Key::Num2);
    window.key_press(egui::Key::ArrowRight);
    window.run_steps(20);
    assert_eq!(window.state().session().model().revision, revision);
    window.key_press(egui::Key::Questionmark);
    window.run_steps(3);
    assert!(window.query_by_label("Every key").is_none());
}

/// A window left alone after a file was saved would burn a core.
#[test]
fn after_file_work_the_window_rests() {
    let folder = tempfile::tempdir().unwrap();
    let (mut window, _) = window_with(Answer::Path(folder.path().join("run.jsonl")));
    run_batches(&mut window, 2);
    window.key_press_modifiers(Modifiers::COMMAND, egui::Key::S);
    until(&mut window, "the log is saved", |app| notice(app, "Saved"));
    for _ in 0..600 {
        window.step();
    }
    let next = window.output().viewport_output.values().map(|v| v.repaint_delay).min();
    assert!(next.is_none_or(|delay| delay >= Duration::from_secs(2)), "the next frame is due in {next:?}");
}
