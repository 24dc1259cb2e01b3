//! Going back through a run by accessible name, over a real engine and over a log, without a display.

use egui::Modifiers;
use egui_kittest::kittest::{NodeT, Queryable};
use faultline::app::App;
use faultline::model::{Model, Shown};
use faultline::session::Session;
use faultline::source::RecordedSource;
use faultline::theme::Theme;
use faultline_engine::event::Envelope;
use faultline_engine::eventlog::LogWriter;
use faultline_engine::ids::*;
use faultline_tests::window::{self, Window, click, click_until, window};
use std::io::Write;
use std::sync::Arc;

/// Runs frames until what is awaited is there, and one more, so that the panels show it too.
fn until(window: &mut Window, what: &str, awaited: impl Fn(&Session) -> bool) {
    window::until(window, what, |app| awaited(app.session()));
}

fn completed(model: &Model, batch: u32) -> bool {
    model.batches.get(&BatchId(batch)).is_some_and(|b| b.completed.is_some())
}

/// The demo, paused after `last` batches.
fn window_after(last: u32) -> Window {
    let mut window = window::open("word-count");
    window::registered(&mut window);
    window::choose_step(&mut window, "batch");
    window::step_to_batch(&mut window, last);
    window
}

fn back_one_batch(window: &mut Window) {
    window.key_press_modifiers(Modifiers::SHIFT, egui::Key::ArrowLeft);
    window.run_steps(2);
}

fn log_of(session: &Session) -> Vec<Envelope> {
    session.envelopes().cloned().collect()
}

/// The past would be out of reach, could be mistaken for now, or would take commands that it cannot obey.
#[test]
fn the_past_is_shown_says_so_and_takes_no_command() {
    let mut window = window_after(6);
    let live = window.state().session().live().clone();
    for _ in 0..3 {
        back_one_batch(&mut window);
    }
    let session = window.state().session();
    assert!(matches!(session.shown(), Shown::Past { .. }), "{:?}", session.shown());
    assert!(completed(session.model(), 3) && !completed(session.model(), 4), "three batches back from 6 is 3");
    assert!(!session.model().batches.contains_key(&BatchId(5)), "nothing of batch 5 is known yet");
    assert_eq!(session.live(), &live, "the run does not change by being looked at");
    assert!(window.query_by_label("Past · batch 3").is_some(), "the top bar says what is shown");
    assert!(window.query_all_by_label_contains("updateStateByKey, batch 3").count() > 0);
    assert_eq!(window.query_all_by_label_contains("updateStateByKey, batch 6").count(), 0);

    assert!(window.get_by_label("Kill 2").accesskit_node().is_disabled(), "the past cannot be acted on");
    window.get_by_label("Kill 2").hover();
    window.run_steps(40);
    assert!(window.query_by_label("This is the past; return to live to act").is_some());
    window.key_press(egui::Key::Num2);
    window.run_steps(4);
    assert!(window.state().session().live().faults.is_empty(), "the key does not kill either");

    click_until(&mut window, "Return to live", "now is shown", |app| app.session().shown() == Shown::Live);
    let session = window.state().session();
    assert_eq!(session.shown(), Shown::Live);
    assert_eq!(session.model(), &live);
    assert!(window.query_by_label("Driver up").is_some());
    assert!(!window.get_by_label("Kill 2").accesskit_node().is_disabled());
}

/// Steps would miss what they are named after, or leave the run.
#[test]
fn keys_step_through_the_past_and_home_and_end_are_its_ends() {
    let mut window = window_after(4);
    let all = window.state().session().len();
    let position = |window: &Window| match window.state().session().shown() {
        Shown::Live => all,
        Shown::Past { position } => position,
    };
    window.key_press_modifiers(Modifiers::ALT, egui::Key::ArrowLeft);
    window.run_steps(2);
    assert_eq!(position(&window), all - 1);
    back_one_batch(&mut window);
    let after_three_or_four = position(&window);
    let of_batch = |window: &Window, n| completed(window.state().session().model(), n);
    assert!(of_batch(&window, 3));
    // In the past → goes by the size of the engine's steps, here batches.
    window.key_press(egui::Key::ArrowRight);
    window.run_steps(2);
    assert!(position(&window) > after_three_or_four);
    window.key_press(egui::Key::Home);
    window.run_steps(2);
    assert_eq!(position(&window), 0);
    assert!(window.state().session().model().executors.is_empty(), "at the beginning nothing has happened");
    window.key_press_modifiers(Modifiers::ALT, egui::Key::ArrowRight);
    window.run_steps(2);
    assert_eq!(position(&window), 1);
    window.key_press(egui::Key::End);
    window.run_steps(2);
    assert_eq!(window.state().session().shown(), Shown::Live);
    assert_eq!(window.state().session().len(), all, "no step in the past made the engine step");
}

/// A pointer on the rail would end at another moment than it points at.
#[test]
fn a_drag_on_the_rail_goes_through_the_run() {
    let mut window = window_after(5);
    let rail = window.get_by_label("Moment").rect();
    let at = |share: f32| egui::pos2(rail.left() + 8.0 + (rail.width() - 16.0) * share, rail.center().y);
    window.drag_at(at(0.9));
    window.run_steps(2);
    let mut positions = Vec::new();
    for share in [0.8, 0.6, 0.4, 0.2] {
        window.hover_at(at(share));
        window.run_steps(2);
        let Shown::Past { position } = window.state().session().shown() else { panic!("the past is shown") };
        let timeline = window.state().session().timeline();
        let passed = timeline.busy_ns_at(position) as f32 / timeline.busy_ns() as f32;
        assert!(passed <= share + 0.01 && passed > share - 0.2, "{share} of the rail shows {passed} of the run");
        positions.push(position);
    }
    assert!(positions.is_sorted_by(|a, b| a > b), "{positions:?}");
    window.drop_at(at(1.0));
    window.run_steps(2);
    assert_eq!(window.state().session().shown(), Shown::Live, "the right end is now");
}

/// While somebody looks back the run would stand still, or pull them to its end.
#[test]
fn the_run_goes_on_behind_the_past() {
    let mut window = window_after(3);
    back_one_batch(&mut window);
    let shown = window.state().session().shown();
    let past = window.state().session().model().clone();
    let before = window.state().session().len();
    click(&mut window, "Play");
    until(&mut window, "batch 5 completes", |s| completed(s.live(), 5));
    let session = window.state().session();
    assert_eq!(session.shown(), shown);
    assert_eq!(session.model(), &past);
    assert!(session.len() > before);
}

/// A log would block the window while it is read, would open at its beginning, or could not be scrubbed.
#[test]
fn a_log_is_read_on_a_thread_and_scrubs_like_a_run() {
    let run = window_after(4);
    let log = log_of(run.state().session());
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let mut writer = LogWriter::new(Vec::new());
    log.iter().for_each(|envelope| writer.write(envelope).expect("written"));
    file.write_all(&writer.finish().expect("written")).expect("written");
    let source = RecordedSource::open(file.path(), Arc::new(|| {})).expect("a log");
    let mut window = window(App::new(Session::new(Box::new(source)), Theme::Dark, Arc::new(|| {})));
    until(&mut window, "the log is read", |s| s.progress().is_none());
    window.run_steps(2);
    let session = window.state().session();
    assert_eq!(session.len(), log.len());
    assert_eq!(session.shown(), Shown::Live, "a log opens at its end");
    assert_eq!(session.model(), run.state().session().model());
    assert!(window.query_by_label("Kill 2").is_none(), "a log has no control that acts");
    back_one_batch(&mut window);
    back_one_batch(&mut window);
    assert!(!completed(window.state().session().model(), 4));
    click_until(&mut window, "Go to the end", "now is shown", |app| app.session().shown() == Shown::Live);
    assert_eq!(window.state().session().shown(), Shown::Live);
}

/// What is no log would open as an empty window.
#[test]
fn what_is_no_log_is_refused_at_once() {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    for line in 0..1000 {
        writeln!(file, "line {line} of a book").expect("written");
    }
    let error = RecordedSource::open(file.path(), Arc::new(|| {})).err().expect("no log");
    assert!(error.to_string().contains("no event log"), "{error}");
}
