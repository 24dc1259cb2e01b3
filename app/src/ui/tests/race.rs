//! The race's page by accessible name, against lanes made of a few numbers.

use super::harness::{World, window};
use super::words::check_words;
use crate::command::{AppCommand, Page, RaceCommand};
use crate::platform::screenshot::{Shot, paint, write_png};
use crate::race::samples::{WORD_COUNT, finished, idle, lane_of, race_of, received_race, running};
use crate::race::{
    Lane, LaneDone, LaneRun, LaneSlot, LaneState, Policy, Progress, Race, RaceNews, RaceState, ShownLane,
};
use crate::theme::Theme;
use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use std::sync::Arc;

fn page(race: RaceState) -> World {
    let mut world = World::demo();
    world.shell.ui.page = Page::Race;
    world.race = race;
    world
}

fn shown(race: RaceState) -> Harness<'static, World> {
    let mut harness = window(page(race));
    harness.run();
    harness
}

fn different() -> Race {
    let mut race = race_of(&WORD_COUNT);
    race.lanes[1].output_sha256 = "badc0ffee".into();
    race
}

fn labels(harness: &Harness<'_, World>, words: &str) -> usize {
    harness.query_all_by_label_contains(words).count()
}

/// A lane would show other numbers than the race found, or hide that Spark would not run it.
#[test]
fn every_lane_shows_its_numbers_and_its_badge() {
    let harness = shown(finished(race_of(&WORD_COUNT)));
    for row in [
        "Lane Nothing, Spark refuses this here, every batch 36, batch with the kill 72, added by the kill +36, \
         read from checkpoint 0, memory 0 B, written 0 B",
        "Lane Cache, Spark refuses this here, every batch 0, batch with the kill 48, added by the kill +48, \
         read from checkpoint 0, memory 1.2 MiB, written 0 B",
        "Lane Cache + checkpoint, every batch 0, batch with the kill 8, added by the kill +8, \
         read from checkpoint 2, memory 1.2 MiB, written 391 KiB",
    ] {
        harness.get_by_label(row);
    }
    harness.get_by_label("+48");
    harness.get_by_label("6 partitions");
    harness.get_by_label("fastest here");
    assert_eq!(harness.query_all_by_label("Spark refuses this here").count(), 4);
    assert_eq!(labels(&harness, "results identical in all five lanes"), 1);
    assert_eq!(labels(&harness, "plain cache had the longest way back"), 1);
    assert_eq!(labels(&harness, "the way back reached batch 1"), 1);
}

/// Two lanes with different results, the worst that can happen, would look like any other race.
#[test]
fn different_results_are_loud() {
    let harness = shown(finished(different()));
    harness.get_by_label("The results differ");
    assert_eq!(labels(&harness, "No policy and no fault may change a result"), 1);
    assert_eq!(labels(&harness, "longest way back"), 0);
    assert_eq!(labels(&harness, "badc0ffee"), 1);
    assert_eq!(labels(&harness, "identical"), 0);
}

/// Nobody would see that something is computed, or could end it; finished lanes would wait for the others.
#[test]
fn lanes_appear_as_they_are_done() {
    let mut state = running(&[lane_of(&WORD_COUNT[0])]);
    let progress = Progress { lane: 1, policy: Policy::Cache, run: LaneRun::WithoutFault, share: 0.5 };
    state.take(RaceNews::Progress(progress));
    let mut harness = shown(state);
    assert_eq!(labels(&harness, "Lane Nothing, Spark refuses this here, every batch 36"), 1);
    harness.get_by_label("Lane Cache, 75 % computed");
    assert_eq!(harness.query_all_by_label("waits").count(), 3);
    assert_eq!(labels(&harness, "1 of 5 lanes computed"), 1);
    harness.get_by_label("Cancel").click();
    harness.run();
    assert_eq!(harness.state().received, [AppCommand::Race(RaceCommand::Cancel)]);
}

/// The lanes of a log would show work in place of records, or results that differ would be called a fault of a policy.
#[test]
fn lanes_of_what_is_received_tell_the_fate_of_records() {
    let race = received_race(0, 72);
    let mut state = finished(race.clone());
    state.lanes = race.lanes.iter().map(slot).collect();
    let harness = shown(state);
    harness.get_by_label("With the write-ahead log nothing received was lost; without it 72 records were lost.");
    harness.get_by_label(
        "Lane No log, of 600 records received: lost 72 with the kill and 0 without, once 528 with the kill and 600 \
         without, duplicated 0 with the kill and 0 without",
    );
    harness.get_by_label("Records, 600 once, 0 duplicated, 0 lost, with the kill");
    harness.get_by_label("72");
    assert_eq!(labels(&harness, "results identical"), 0);
    assert_eq!(labels(&harness, "The results differ"), 0);
}

fn slot(lane: &Lane) -> LaneSlot {
    let done = LaneDone { lane: lane.clone(), with_fault: Arc::default(), without_fault: Arc::default() };
    LaneSlot {
        policy: lane.policy,
        explanation: lane.explanation.clone(),
        spark_allows: lane.spark_allows,
        state: LaneState::Done(Arc::new(done)),
    }
}

/// A lane could not be opened, or another one would open.
#[test]
fn both_runs_of_a_lane_open() {
    let mut harness = shown(finished(race_of(&WORD_COUNT)));
    harness.get_by_label("Open lane Cache, with the kill").click();
    harness.run();
    harness.get_by_label("Open lane Checkpoint, without the kill").click();
    harness.run();
    let open = |policy, run| AppCommand::Race(RaceCommand::OpenLane { policy, run });
    let expected = [open(Policy::Cache, LaneRun::WithFault), open(Policy::Checkpoint, LaneRun::WithoutFault)];
    assert_eq!(harness.state().received, expected);
}

/// A user would be lost in a recorded run.
#[test]
fn an_open_lane_says_so_and_leads_back() {
    let mut world = World::demo();
    world.race = finished(race_of(&WORD_COUNT));
    world.race.shown = Some(ShownLane { policy: Policy::Cache, run: LaneRun::WithFault });
    let mut harness = window(world);
    harness.run();
    harness.get_by_label("Lane Cache · with the kill");
    harness.get_by_label("Back to the live run").click();
    harness.run();
    harness.key_press(Key::Escape);
    harness.run();
    let back = AppCommand::Race(RaceCommand::BackToRun);
    assert_eq!(harness.state().received, [back.clone(), back]);
}

/// Without a fault to race the page would be empty; a fault that cannot strike would be raced all the same.
#[test]
fn the_first_visit_offers_a_fault() {
    let mut harness = shown(idle("word-count"));
    harness.get_by_label("--fault kill:executor=2@batch=7");
    harness.get_by_label("Executor 2 dies before batch 7");
    harness.get_by_label("Start the race").click();
    harness.run();
    let fault = "kill:executor=2@batch=7".parse().unwrap();
    assert_eq!(harness.state().received, [AppCommand::Race(RaceCommand::Start { fault })]);

    let mut state = idle("word-count");
    state.just_done = Some("kill:executor=4@batch=7".parse().unwrap());
    let mut harness = shown(state);
    assert_eq!(labels(&harness, "there is no executor 4; the executors are 1 to 3"), 1);
    harness.get_by_label("Start the race").click();
    harness.run();
    assert_eq!(harness.state().received, []);

    let harness = shown(idle("page-rank"));
    assert_eq!(labels(&harness, "--fault kill:executor=2@stage=11.task=2"), 1);
    let harness = shown(RaceState::default());
    assert_eq!(labels(&harness, "Open a program"), 1);
}

/// The race could be reached by mouse only, or a digit meant for the picker would kill an executor of the
/// run behind the page.
#[test]
fn keys_open_and_leave_the_page() {
    let mut harness = window(World::demo());
    harness.run();
    for key in [Key::R, Key::Num3, Key::Escape] {
        harness.key_press(key);
        harness.run();
    }
    let expected = [AppCommand::ShowPage(Page::Race), AppCommand::ShowPage(Page::Run)];
    assert_eq!(harness.state().received, expected);
}

/// A page left alone would paint for ever.
#[test]
fn a_page_left_alone_paints_nothing() {
    for race in [idle("word-count"), running(&[]), finished(race_of(&WORD_COUNT))] {
        let harness = shown(race);
        let delay = harness.output().viewport_output.values().map(|v| v.repaint_delay).min().unwrap();
        assert!(delay.as_secs() > 2, "asks for a frame in {delay:?}");
    }
}

/// A long word, a small window or an open picker would let words run into each other.
#[test]
fn words_never_overlap_on_the_page() {
    let states: [(&str, fn() -> RaceState); 3] = [
        ("running", || running(&[lane_of(&WORD_COUNT[0])])),
        ("done", || finished(race_of(&WORD_COUNT))),
        ("different", || finished(different())),
    ];
    for (name, state) in states {
        for size in [[960.0, 600.0], [1280.0, 800.0], [2560.0, 1440.0]] {
            let mut harness = window(page(state()));
            harness.set_size(size.into());
            harness.run();
            check_words(&harness, 20, &format!("{name} {size:?}"));
            harness.get_by_label("Change fault").click();
            harness.run();
            check_words(&harness, 20, &format!("{name} {size:?}, choosing"));
        }
    }
}

/// A theme could lose the colours that tell added work from other work.
#[test]
fn the_page_has_its_colours_in_every_theme() {
    for theme in Theme::ALL {
        for (name, race) in [("done", finished(race_of(&WORD_COUNT))), ("different", finished(different()))] {
            let mut world = page(race);
            world.shell.ui.theme = theme;
            let shot = Shot { frames: 6, ..Shot::default() };
            let picture = paint(&egui::Context::default(), shot, |ui| world.frame(ui));
            if let Ok(directory) = std::env::var("FAULTLINE_PICTURES") {
                let file = format!("race-{name}-{}.png", theme.name().to_lowercase().replace(' ', "-"));
                write_png(&picture, &std::path::Path::new(&directory).join(file)).unwrap();
            }
            let t = theme.tokens();
            let loud = if name == "different" { t.lost_surface } else { t.first_time };
            for (what, color) in [("again", t.again), ("checkpoint", t.checkpoint), ("loud", loud)] {
                let count = picture.pixels.as_chunks::<4>().0.iter().filter(|p| **p == color.to_array()).count();
                assert!(count > 40, "{theme:?} {name}: {count} pixels of {what}");
            }
        }
    }
}
