//! The race from the window, over real engines: the same kill under five policies, and a lane opened as
//! its own run.

use egui_kittest::kittest::Queryable;
use faultline::command::Page;
use faultline::opening::{BATCHES, window_input};
use faultline::race::engine_run::RunRequest;
use faultline::race::runner::{RaceRunner, Report};
use faultline::race::{Keep, LaneRun, Policy, RaceCancelled, RaceNews, RacePhase, RaceRequest, race};
use faultline_engine::config::EngineConfig;
use faultline_engine::ids::*;
use faultline_engine::programs;
use faultline_tests::window::{
    Window, alive, choose_step, click, completed, open, press, step_to_batch, unfold, until,
};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A word count whose executor 2 died before batch 7, which has recovered.
fn after_the_kill() -> Window {
    let mut window = open("word-count");
    until(&mut window, "the executors register", |app| alive(app, 3));
    choose_step(&mut window, "batch");
    step_to_batch(&mut window, 6);
    click(&mut window, "Kill 2");
    until(&mut window, "the kill is a fact", |app| !app.session().model().faults.is_empty());
    step_to_batch(&mut window, 7);
    window
}

fn race_done(window: &mut Window) {
    until(window, "the race is done", |app| app.race().phase == RacePhase::Done);
}

fn request(spec: &str, batches: u32) -> RaceRequest {
    let program = programs::find("word-count").expect("the demo");
    let config = EngineConfig {
        app_name: program.name.to_owned(),
        max_batches: Some(batches),
        faults: vec![spec.parse().expect(spec)],
        ..EngineConfig::default()
    };
    let input = window_input(&program, config.seed);
    let run = RunRequest::new(program, config, input);
    RaceRequest { run, policies: Policy::ALL.to_vec(), keep: Keep::Numbers }
}

/// The heart of the race: after a kill one press compares the policies, with the numbers of the command
/// line, and a lane opens as a run while the live one waits.
#[test]
fn the_same_kill_under_five_policies_and_a_lane_opened() {
    let mut window = after_the_kill();
    press(&mut window, "The same kill under five policies");
    race_done(&mut window);
    assert_eq!(window.state().shell().ui.page, Page::Race);
    let headless = race(&request("kill:executor=2@batch=7", BATCHES), &mut |_| ControlFlow::Continue(()));
    let headless = headless.expect("the same race without a window");
    assert_eq!(window.state().race().result.as_deref(), Some(&headless));
    for lane in &headless.lanes {
        let title = lane.policy.title();
        let numbers = format!(
            "every batch {}, batch with the kill {}, added by the kill {}, read from checkpoint {}",
            lane.struck.without_fault.computed_again,
            lane.struck.with_fault.computed_again,
            faultline::race::signed(lane.added()),
            lane.struck.with_fault.checkpoint_partitions_read,
        );
        let rows = window.query_all_by_label_contains(&numbers).count();
        assert!(rows > 0, "no row of {title} says {numbers}");
    }
    window.get_by_label("+48");
    let hash = headless.common_hash().expect("no policy changes a result");
    assert!(window.query_all_by_label_contains(&hash[..12]).count() > 0, "the hash is shown");

    press(&mut window, "Open lane Cache, with the kill");
    until(&mut window, "the lane is folded", |app| app.session().model().application.ended.is_some());
    assert_eq!(window.state().shell().ui.page, Page::Run);
    for _ in 0..120 {
        window.step();
    }
    assert!(window.query_all_by_label_contains("updateStateByKey, batch").count() > 0, "its lineage is drawn");
    let tally = window.state().session().model().batches[&BatchId(7)].tally;
    let cache = headless.lane(Policy::Cache).expect("the lane is there");
    assert_eq!(tally, cache.struck.with_fault, "the lane's own run is shown");
    window.get_by_label("Lane Cache · with the kill");
    assert!(window.query_by_label("Kill 1").is_none(), "nothing can be killed in a recorded run");

    press(&mut window, "Back to the live run");
    assert!(completed(window.state(), 7) && !completed(window.state(), 8), "the live run waited");
    assert!(window.query_by_label("Kill 1").is_some());
    step_to_batch(&mut window, 8);
}

/// A lane opened from another lane would lose the live run, or a second visit race everything again.
#[test]
fn lanes_open_one_after_the_other_and_escape_leads_back() {
    let mut window = after_the_kill();
    window.key_press(egui::Key::R);
    race_done(&mut window);
    press(&mut window, "Open lane Nothing, without the kill");
    until(&mut window, "the lane is folded", |app| app.session().model().application.ended.is_some());
    assert!(window.state().session().model().faults.is_empty());
    press(&mut window, "Back to the race");
    press(&mut window, "Open lane Checkpoint, with the kill");
    until(&mut window, "the other lane is folded", |app| !app.session().model().faults.is_empty());
    let shown = window.state().race().shown.map(|lane| (lane.policy, lane.run));
    assert_eq!(shown, Some((Policy::Checkpoint, LaneRun::WithFault)));
    window.key_press(egui::Key::Escape);
    until(&mut window, "the live run is back", |app| app.race().shown.is_none());
    assert!(window.state().session().capabilities().commands);
    assert!(!completed(window.state(), 8));
    window.key_press(egui::Key::R);
    window.step();
    window.step();
    assert_eq!(window.state().race().phase, RacePhase::Done);
}

/// A race that nobody wants any more would go on computing.
#[test]
fn a_cancelled_race_ends_before_its_first_lane() {
    let mut runner = RaceRunner::start(request("kill:executor=2@batch=1800", 1900), Arc::new(|| {})).expect("a thread");
    runner.cancel();
    let mut lanes = 0;
    let ended = loop {
        match runner.poll() {
            Some(Report::News(RaceNews::Lane { .. })) => lanes += 1,
            Some(Report::News(RaceNews::Progress(_))) => {}
            Some(Report::Ended(result)) => break result,
            None => std::thread::yield_now(),
        }
    };
    assert!(ended.expect_err("it did not run to its end").is::<RaceCancelled>());
    assert_eq!(lanes, 0);
}

/// Another program would show the race of the one before, or the lane in place of itself.
#[test]
fn another_program_leaves_lane_and_race_behind() {
    let mut window = after_the_kill();
    press(&mut window, "The same kill under five policies");
    race_done(&mut window);
    press(&mut window, "Open lane Cache, with the kill");
    unfold(&mut window, "Program", "page-rank");
    press(&mut window, "page-rank");
    until(&mut window, "page-rank runs", |app| app.session().model().application.name == "page-rank");
    assert!(window.state().race().shown.is_none());
    assert_eq!(window.state().race().phase, RacePhase::Idle);
    assert!(window.state().session().capabilities().commands);
}

/// Without it the picker could not plan the loss of a driver, a lane would end with its driver, or the table would
/// count as little as a new driver knows.
#[test]
fn the_loss_of_the_driver_under_five_policies() {
    let race = race(&request("kill:driver@batch=7", BATCHES), &mut |_| ControlFlow::Continue(()));
    let race = race.expect("every lane goes on");
    assert!(race.common_hash().is_some(), "no policy and no loss changes a result");
    assert_eq!(race.warnings, Vec::<String>::new());
    let lane = |policy| race.lane(policy).expect("it was raced");
    for lane in &race.lanes {
        let (without, with) = lane.counted();
        assert!(without > 0 && with > without, "{:?}: {without}, {with}", lane.policy);
    }
    let (cache, cache2, both) = (lane(Policy::Cache), lane(Policy::Cache2), lane(Policy::CacheAndCheckpoint));
    assert_eq!(cache.added(), cache2.added(), "no copy in memory outlives the driver");
    assert!(both.added() < cache.added() && both.struck.with_fault.checkpoint_partitions_read > 0);
    assert_eq!(cache.way_back.earliest, Some(BatchId(1)));
    assert!(both.way_back.earliest > cache.way_back.earliest);
    let said = faultline::race::outcome_sentence(&race);
    assert!(said.contains("A second copy died with the driver too; the checkpoint bounded the walk"), "{said}");
    let table = faultline::race::race_table(&race);
    assert!(table.contains("a driver that begins again does not know"), "{table}");
}
