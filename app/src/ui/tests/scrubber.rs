//! The scrubber over a real run, painted.

use crate::app::App;
use crate::command::{AppCommand, Scrub};
use crate::model::{Stride, Way};
use crate::opening::{LINES_PER_BATCH, default_text};
use crate::platform::Picture;
use crate::platform::screenshot::{Shot, paint, write_png};
use crate::session::{Pumped, Session};
use crate::source::RecordedSource;
use crate::theme::Theme;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::Event;
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::programs::{self, ProgramInput};
use faultline_engine::runtime::SystemFiles;
use faultline_engine::sim::{Environment, simulate};
use std::sync::Arc;

/// Eight batches with a checkpoint at 5 and a kill before 7, drawn as if the engine still ran.
fn session() -> Session {
    let program = programs::find("word-count").unwrap();
    let config = EngineConfig {
        app_name: "word-count".into(),
        max_batches: Some(8),
        faults: vec!["kill:executor=2@batch=7".parse().unwrap()],
        ..EngineConfig::default()
    };
    let input = ProgramInput::replay(default_text(&program, config.seed), LINES_PER_BATCH);
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) };
    let mut events = Vec::new();
    simulate(config, &environment, Box::new(move |sc: &_| program.run(sc, &input)), &mut |slice| {
        events.extend_from_slice(slice);
    });
    events.retain(|e| !matches!(e.event, Event::ApplicationEnd));
    let mut session = Session::new(Box::new(RecordedSource::from(events)));
    while session.pump() == Pumped::More {}
    session
}

fn picture(theme: Theme, size: [u32; 2], back: usize) -> Picture {
    let ctx = egui::Context::default();
    let mut app = App::new(session(), theme, Arc::new(|| {}));
    for _ in 0..back {
        app.send(AppCommand::Scrub(Scrub::Step { stride: Stride::Batch, way: Way::Back }));
    }
    paint(&ctx, Shot { size, frames: 60, ..Shot::default() }, |ui| {
        app.update();
        app.paint(ui);
    })
}

/// Without this the way back has no landmarks: nobody could find the kill again.
#[test]
fn the_rail_shows_the_fault_and_the_checkpoint() {
    for (theme, size, back) in
        [(Theme::Dark, [1280, 800], 0), (Theme::Dark, [1280, 800], 4), (Theme::Light, [2560, 1440], 1)]
    {
        let picture = picture(theme, size, back);
        if let Ok(directory) = std::env::var("FAULTLINE_PICTURES") {
            let file = format!("scrub-{}-{}-{back}.png", theme.name().to_lowercase(), size[0]);
            write_png(&picture, &std::path::Path::new(&directory).join(file)).unwrap();
        }
        // The rows of the scrubber, above the hint.
        let rows = (size[1] as usize - 36 - 36)..(size[1] as usize - 36);
        let pixels = picture.pixels.as_chunks::<4>().0;
        let row = |y: usize| pixels[y * size[0] as usize..][..size[0] as usize].iter();
        let count = |color: egui::Color32| rows.clone().flat_map(row).filter(|p| **p == color.to_array()).count();
        let t = theme.tokens();
        assert!(count(t.lost) > 4, "{theme:?}: the mark of the fault has {} pixels", count(t.lost));
        assert!(count(t.checkpoint) > 8, "{theme:?}: the mark of the checkpoint has {} pixels", count(t.checkpoint));
    }
}
