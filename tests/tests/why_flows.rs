//! Why, by accessible name, over a real engine: kill, click a cell, read, follow a link, go back.

use egui_kittest::kittest::Queryable;
use faultline::command::Focus;
use faultline::model::Sign;
use faultline::platform::screenshot::{Shot, paint, write_png};
use faultline::theme::Theme;
use faultline_engine::ids::*;
use faultline_tests::window::{
    Window, alive, choose_step, click, click_until, completed, paused, registered, step_to_batch, until, window,
};

/// Frames in which the camera comes to rest.
fn settle(window: &mut Window) {
    for _ in 0..120 {
        window.step();
    }
}

/// Seven batches, then executor 2 dies, and the first task of batch 8 has run.
fn killed(theme: Theme) -> Window {
    let mut window = window(paused("word-count", theme));
    registered(&mut window);
    choose_step(&mut window, "batch");
    step_to_batch(&mut window, 7);
    click(&mut window, "Kill 2");
    until(&mut window, "the kill is a fact", |app| !app.session().model().faults.is_empty());
    choose_step(&mut window, "task");
    click(&mut window, "Step");
    until(&mut window, "the driver knows that executor 2 is gone", |app| !alive(app, 2));
    settle(&mut window);
    window
}

/// The state of a batch, and its first partition with a sign.
fn state_with(window: &Window, batch: u32, sign: impl Fn(Sign) -> bool) -> BlockId {
    let model = window.state().session().model();
    let op = OperatorName::from("updateStateByKey");
    let rdd = model.operators[&op][&Some(BatchId(batch))].back().copied().expect("the batch has a state");
    let partition =
        (0..6).map(PartitionId).find(|p| sign(model.cell(rdd, *p).sign)).expect("a partition with the sign");
    BlockId::new(rdd, partition)
}

/// Selects the node, then the cell inside it.
fn click_cell(window: &mut Window, batch: u32, partition: PartitionId) {
    let at = |batch: u32| format!("updateStateByKey, batch {batch}");
    let before = window.state().shell().ui.selection;
    click_until(window, &format!("{}, ", at(batch)), "the node is selected", |app| {
        app.shell().ui.selection.is_some_and(|node| Some(node) != before)
    });
    let cells = format!("Cell {partition}, ");
    click_until(window, &cells, "its cell is asked about", |app| app.shell().ui.focus.is_some());
}

fn focus(window: &Window) -> Option<Focus> {
    window.state().shell().ui.focus
}

/// For the eye, when `FAULTLINE_PICTURES` names a directory.
fn picture(window: &mut Window, name: &str, size: [u32; 2]) {
    let Ok(directory) = std::env::var("FAULTLINE_PICTURES") else { return };
    let shot = Shot { size, frames: 120, ..Shot::default() };
    let app = window.state_mut();
    let picture = paint(&egui::Context::default(), shot, |ui| {
        app.update();
        app.paint(ui);
    });
    write_png(&picture, &std::path::Path::new(&directory).join(format!("{name}.png"))).expect("the picture is written");
}

/// A cell could be seen but not asked about, and nobody would learn where its data went.
#[test]
fn a_lost_cell_says_with_which_executor() {
    let mut window = killed(Theme::Dark);
    assert!(window.query_by_label_contains("Click a cell that was lost").is_some(), "the panel says what to do next");
    picture(&mut window, "why-nothing-1280", [1280, 800]);
    let lost = state_with(&window, 7, |sign| sign == Sign::Lost);
    click_cell(&mut window, 7, lost.partition);
    assert_eq!(focus(&window), Some(Focus::Partition(lost)));
    window.get_by_label(&format!("Why is partition {} lost?", lost.partition));
    window.get_by_label("its last copy was lost with executor 2");
    let waits = window.query_all_by_label_contains("batch 8 needs").count();
    assert!(waits > 0, "who waits for it is told");
    picture(&mut window, "why-lost-1280", [1280, 800]);
}

/// The chain would be a text without a way: its steps lead to what they name, and back.
#[test]
fn the_chain_leads_from_the_new_state_to_the_lost_one_and_back() {
    for theme in [Theme::Dark, Theme::Light] {
        let mut window = killed(theme);
        let lost = state_with(&window, 7, |sign| sign == Sign::Lost);
        choose_step(&mut window, "batch");
        click(&mut window, "Step");
        until(&mut window, "batch 8 completes", |app| completed(app, 8));
        settle(&mut window);
        click_cell(&mut window, 8, lost.partition);
        let asked = focus(&window).expect("a cell is selected");
        window.get_by_label("batch 8 needed it for the first time");
        assert!(window.query_all_by_label("in memory? lost with executor 2").count() > 0);
        assert!(window.query_all_by_label_contains("read back from the checkpoint").count() > 0);
        assert!(window.query_by_label_contains("served by lineage").is_some());
        for (name, size) in [("1280", [1280, 800]), ("2560", [2560, 1440])] {
            picture(&mut window, &format!("why-chain-{}-{name}", theme.name().to_lowercase()), size);
        }

        click(&mut window, "Copy as text");
        let copied = window.output().platform_output.commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
        assert!(copied.is_some_and(|text| text.contains("[lost] in memory? lost with executor 2")));

        let link = format!("it needed state 7, partition {}", lost.partition);
        click_until(&mut window, &link, "the link leads to the lost partition", |app| {
            app.shell().ui.focus == Some(Focus::Partition(lost))
        });
        window.get_by_label(&format!("Why was partition {} computed again?", lost.partition));
        click_until(&mut window, "Back to the question before", "the question before is asked again", |app| {
            app.shell().ui.focus == Some(asked)
        });

        click_until(&mut window, "collect at", "the task is asked about", |app| {
            matches!(app.shell().ui.focus, Some(Focus::Task(_)))
        });
        assert!(window.query_by_label_contains("Why did task").is_some());
        picture(&mut window, &format!("why-task-{}", theme.name().to_lowercase()), [1280, 800]);
    }
}

/// A row of the partitions would be there to look at only.
#[test]
fn a_row_of_the_partitions_is_asked_about_by_click_and_by_enter() {
    let mut window = killed(Theme::Dark);
    click_until(&mut window, "updateStateByKey, batch 7, ", "it is selected", |app| app.shell().ui.selection.is_some());
    assert_eq!(focus(&window), None, "a node alone asks about nothing");
    assert!(window.query_by_label_contains("Why is partition").is_some(), "the lost one is explained unasked");
    let rdd = state_with(&window, 7, |_| true).rdd;
    let at = |partition| Some(Focus::Partition(BlockId::new(rdd, PartitionId(partition))));
    click_until(&mut window, "Partition 0, ", "it is asked about", |app| app.shell().ui.focus == at(0));
    window.get_by_label_contains("Partition 2, ").focus();
    window.run_steps(2);
    window.key_press(egui::Key::Enter);
    window.run_steps(3);
    assert_eq!(focus(&window), at(2));
}
