//! The menu of inputs, and receivers on the cards of their executors.

use super::harness::{World, window};
use crate::command::{AppCommand, InputCommand, Keeping, ReceivedLog};
use crate::platform::Picture;
use crate::platform::screenshot::write_png;
use crate::theme::Theme;
use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use faultline_engine::event::*;
use faultline_engine::ids::*;

fn receiver(executor: u32, active: bool, message: &str) -> ReceiverInfo {
    ReceiverInfo {
        stream: StreamId(0),
        name: "SocketReceiver localhost:9999".into(),
        active,
        executor: Some(ExecutorId(executor)),
        last_error_message: message.into(),
        last_error: String::new(),
        last_error_time: None,
    }
}

/// The demo with another input stream, and what its receiver did.
fn world(class: &str, events: Vec<Event>) -> World {
    let mut world = World::demo();
    let mut streams = world.model.streams.streams.clone();
    let first = streams.front_mut().expect("the demo has streams");
    let mut info = (**first).clone();
    info.class = class.to_owned();
    let streams = std::iter::once(info).chain(streams.iter().skip(1).map(|s| (**s).clone())).collect();
    let outputs = Vec::new();
    for event in std::iter::once(Event::StreamGraphDefined { streams, outputs }).chain(events) {
        let (seq, at) = (world.model.revision, world.model.now);
        world.model.apply(&Envelope { seq, at, event });
    }
    world
}

fn socket_world() -> World {
    let block = |number| InputBlockId { stream: StreamId(0), number };
    let mut events = vec![Event::ReceiverStarted { receiver: receiver(1, true, "") }];
    events.extend((1..=12).map(|n| Event::ReceivedBlockAdded(AddedBlock::new(block(n), ExecutorId(1), 3))));
    let mut world = world("SocketInputDStream", events);
    world.shell.ui.pacing = false;
    world
}

fn open_menu(harness: &mut Harness<'static, World>) {
    harness.run();
    harness.get_by_label("Input").click();
    harness.run();
}

/// Without this an input could be chosen that opens nothing, or another one than was chosen; and the digits
/// of a port would kill executors.
#[test]
fn an_input_is_chosen_written_and_opened() {
    let check = |kind: &str, field: &str, words: &str, expect: &str| {
        let mut harness = window(world("TextReplayInputDStream", Vec::new()));
        let program = harness.state().model.application.name.clone();
        open_menu(&mut harness);
        harness.get_by_label(kind).click();
        harness.run();
        harness.get_by_label(field).focus();
        harness.run();
        harness.get_by_label(field).type_text(words);
        harness.run();
        for key in [Key::Num1, Key::Num3, Key::F] {
            harness.key_press(key);
        }
        harness.run();
        assert_eq!(harness.state().received, [], "keys are for the field");
        harness.get_by_label("Open the program on this input").click();
        harness.run();
        let open =
            AppCommand::Input(InputCommand::Open { program, source: expect.to_owned(), keeping: Keeping::default() });
        assert_eq!(harness.state().received, [open]);
        assert!(harness.query_by_label("Open the program on this input").is_none(), "the menu is closed");
    };
    check("Directory", "Path of the directory", "/data/in", "dir:/data/in");
    check("Socket", "Host and port", "localhost:9999", "tcp-connect://localhost:9999");
    check("Pushed lines", "Host and port", "localhost:9999", "tcp://localhost:9999");
    check("Acknowledged lines", "Host and port", "localhost:9999", "ack-tcp://localhost:9999");
    check("HTTP stream", "Address of the stream", "http://localhost:8080/s", "http://localhost:8080/s");
}

/// Without this what is received would go with the driver although the log was wanted, or a log would be promised
/// where nothing is received.
#[test]
fn what_outlives_the_driver_is_chosen_with_the_input() {
    let check = |kind: &str, field: &str, received: ReceivedLog| {
        let mut harness = window(world("TextReplayInputDStream", Vec::new()));
        open_menu(&mut harness);
        harness.get_by_label("Acknowledged lines").click();
        harness.run();
        harness.get_by_label("Write-ahead log").click();
        harness.run();
        harness.get_by_label(kind).click();
        harness.run();
        for (name, words) in [(field, "localhost:1"), ("Checkpoint directory", "/data/cp")] {
            harness.get_by_label(name).focus();
            harness.run();
            harness.get_by_label(name).type_text(words);
            harness.run();
        }
        harness.get_by_label("Open the program on this input").click();
        harness.run();
        let Some(AppCommand::Input(InputCommand::Open { keeping, .. })) = harness.state().received.first() else {
            panic!("{:?}", harness.state().received)
        };
        assert_eq!(*keeping, Keeping { received, directory: Some("/data/cp".into()) }, "{kind}");
    };
    check("Acknowledged lines", "Host and port", ReceivedLog::On);
    check("Pushed lines", "Host and port", ReceivedLog::On);
    check("Directory", "Path of the directory", ReceivedLog::Off);
}

/// Without this an empty field could be opened, or a written one not by the keyboard.
#[test]
fn enter_opens_what_is_written() {
    let mut harness = window(world("FileInputDStream", Vec::new()));
    open_menu(&mut harness);
    harness.get_by_label("Path of the directory").focus();
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().received, [], "an empty field opens nothing");
    harness.get_by_label("Path of the directory").focus();
    harness.run();
    harness.get_by_label("Path of the directory").type_text("in");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    let sent = harness.state().received.first().cloned();
    assert!(
        matches!(&sent, Some(AppCommand::Input(InputCommand::Open { source, .. })) if source == "dir:in"),
        "{sent:?}"
    );
}

/// Without this a run under the wall clock would have controls that do nothing.
#[test]
fn the_clock_on_the_wall_has_no_step_and_no_speed() {
    let mut harness = window(socket_world());
    harness.run();
    for label in ["Step", "Step size", "Speed"] {
        assert!(harness.query_by_label(label).is_none(), "{label}");
    }
    harness.get_by_label("Pause");
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert_eq!(harness.state().received, []);
}

/// Without this the transport would move under the pointer once the program says what its streams read, or with each
/// input by as much as its name is longer.
#[test]
fn the_menu_has_its_place_before_anything_is_known() {
    let places = |world: World| {
        let mut harness = window(world);
        harness.run();
        ["Input", "Pause"].map(|label| harness.get_by_label(label).rect())
    };
    let mut unknown = World::demo();
    let nothing = crate::model::Model::default();
    (unknown.model.streams, unknown.model.jobs) = (nothing.streams, nothing.jobs);
    let expected = places(unknown);
    for class in
        ["TextReplayInputDStream", "HttpInputDStream", "SimulatedAcknowledgedInputDStream", "QueueInputDStream"]
    {
        assert_eq!(places(world(class, Vec::new())), expected, "{class}");
    }
}

/// Without this nobody sees which executor receives, or why nothing arrives any more.
#[test]
fn receivers_are_on_the_card_of_their_executor() {
    let mut harness = window(socket_world());
    harness.run();
    harness.get_by_label("Receiver 0");
    harness.get_by_label("0 records in its buffer");
    harness.get_by_label("12 blocks stored, 36 records");
    harness.get_by_label("none logged");
    let why = "Restarting receiver with delay 2000 ms: Socket data stream had no more data";
    let stopped = world("SocketInputDStream", vec![Event::ReceiverStopped { receiver: receiver(1, false, why) }]);
    let mut harness = window(stopped);
    harness.run();
    harness.get_by_label("Receiver 0 stopped");
    harness.get_by_label(why);
}

/// Without this the menu could be cut off, or lie under the panels.
#[test]
fn the_menu_lies_inside_the_window() {
    for theme in [Theme::Dark, Theme::Light] {
        let mut world = socket_world();
        world.shell.ui.theme = theme;
        let mut harness = window(world);
        open_menu(&mut harness);
        let room = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1280.0, 800.0));
        for label in [
            "Replayed text",
            "Directory",
            "Host and port",
            "Checkpoint directory",
            "Write-ahead log",
            "Open the program on this input",
        ] {
            let rect = harness.get_by_label(label).rect();
            assert!(room.contains_rect(rect), "{label} at {rect}");
        }
        if let Ok(directory) = std::env::var("FAULTLINE_PICTURES") {
            let image = harness.render().unwrap();
            let (width, height) = image.dimensions();
            let picture = Picture { width, height, pixels: image.into_raw() };
            let file = format!("input-menu-{}.png", theme.name().to_lowercase());
            write_png(&picture, &std::path::Path::new(&directory).join(file)).unwrap();
        }
    }
}
