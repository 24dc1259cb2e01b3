//! Inputs from outside under the window, over a real engine, without a display.

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use faultline::app::App;
use faultline::command::{AppCommand, InputCommand, Keeping, Transport};
use faultline::source::Start;
use faultline::theme::Theme;
use faultline_engine::event::ClockKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a test waits for what must come; far longer than it takes on a busy machine.
const BOUND: Duration = Duration::from_secs(120);

fn until(window: &mut Harness<'static, App>, what: &str, awaited: impl Fn(&App) -> bool) {
    let started = Instant::now();
    while !awaited(window.state()) {
        assert!(started.elapsed() < BOUND, "never happened: {what}; error {:?}", window.state().shell().ui.error);
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    window.step();
}

fn open(program: &str, source: String) -> AppCommand {
    AppCommand::Input(InputCommand::Open { program: program.to_owned(), source, keeping: Keeping::default() })
}

/// The window could not read a directory, would go on without being asked while it is paused, or would show
/// controls that an engine under the wall clock does not have.
#[test]
fn a_directory_is_opened_read_paused_and_left() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let app = App::open("word-count", Start::Paused, Theme::Dark, Arc::new(|| {})).expect("the demo opens");
    let mut window = Harness::builder().with_size(egui::vec2(1280.0, 800.0)).with_max_steps(64).build_ui_state(
        |ui, app: &mut App| {
            app.update();
            app.paint(ui);
        },
        app,
    );
    window.step();
    window.get_by_label("Step");
    // What cannot be read is said, and what is open stays open.
    window.state().send(open("word-count", "dir:faultline-no-such-directory".to_owned()));
    until(&mut window, "the error is shown", |app| {
        app.shell()
            .ui
            .error
            .as_ref()
            .is_some_and(|e| e.contains("cannot read the directory faultline-no-such-directory"))
    });
    assert!(window.state().session().capabilities().pacing);

    window.state().send(open("word-count", format!("dir:{}", directory.path().display())));
    let clock = |app: &App| app.session().model().application.clock;
    until(&mut window, "the run is under the wall clock", |app| clock(app) == Some(ClockKind::Wall));
    assert_eq!(window.state().shell().ui.error, None);
    assert!(window.query_by_label("Step").is_none() && window.query_by_label("Speed").is_none());
    // A file that is older than the stream is not read.
    until(&mut window, "the stream runs", |app| !app.session().live().batches.is_empty());
    let hidden = directory.path().join(".text");
    std::fs::write(&hidden, "the cat\nsat on the mat\n").expect("a file can be written");
    std::fs::rename(&hidden, directory.path().join("text")).expect("a file can be renamed");
    until(&mut window, "the file is counted", |app| {
        app.session().model().output.iter().any(|printed| printed.lines.iter().any(|line| line == "('the', 2)"))
    });
    window.state().send(AppCommand::Transport(Transport::Pause));
    until(&mut window, "the button says Play", |app| app.shell().ui.playback == faultline::state::Playback::Paused);
    window.get_by_label("Play");
    window.state().send(AppCommand::OpenProgram("word-count".to_owned()));
    until(&mut window, "the text is replayed again", |app| clock(app) == Some(ClockKind::Virtual));
    window.get_by_label("Step");
}
