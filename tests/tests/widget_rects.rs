//! No widget lies over another, and none leaves its panel: every accessible rectangle of the real
//! window, in its sizes, themes, scales and panels.

use egui::accesskit::{NodeId, Role};
use egui::{Rect, Vec2};
use egui_kittest::Node;
use egui_kittest::kittest::{NodeT, Queryable};
use faultline::command::{AppCommand, StepGrain, Transport};
use faultline::theme::Theme;
use faultline::ui::dock::{Pane, Preset};
use faultline_engine::command::Command;
use faultline_tests::window::{Window, completed, paused, registered, sized, until};

/// Rectangles may touch, and text boxes overlap by less than a pixel of rounding.
const TOUCH: f32 = 1.5;

/// A window size in pixels and the scale at which it is shown.
const SHAPES: [(Vec2, f32); 4] = [
    (Vec2::new(1280.0, 800.0), 1.0),
    (Vec2::new(2560.0, 1440.0), 1.0),
    (Vec2::new(1280.0, 800.0), 1.5),
    (Vec2::new(2560.0, 1440.0), 1.5),
];

/// A named widget, what of it can be seen, and the panel it stands in.
struct Widget {
    path: Vec<NodeId>,
    role: Role,
    what: String,
    rect: Rect,
    seen: Rect,
    panel: Option<(String, Rect)>,
}

/// Where the walk through the tree is.
#[derive(Clone)]
struct Place {
    path: Vec<NodeId>,
    panel: Option<(String, Rect)>,
}

const WIDGETS: [Role; 9] = [
    Role::Label,
    Role::Button,
    Role::CheckBox,
    Role::ComboBox,
    Role::Slider,
    Role::TextInput,
    Role::RadioButton,
    Role::Link,
    Role::ProgressIndicator,
];

fn collect(node: &Node<'_>, mut place: Place, panels: &[(Pane, Rect)], out: &mut Vec<Widget>) {
    let inner = node.accesskit_node();
    place.path.push(inner.locate().0);
    let name = inner.label().or_else(|| inner.value()).unwrap_or_default();
    if inner.role() == Role::Pane {
        let rect = panels.iter().find(|(pane, _)| pane.name() == name).map(|(_, rect)| *rect);
        place.panel = rect.map(|rect| (name.clone(), rect));
    }
    if WIDGETS.contains(&inner.role()) && !name.is_empty() && inner.bounding_box().is_some() {
        let rect = node.rect();
        let seen = place.panel.as_ref().map_or(rect, |(_, room)| rect.intersect(*room));
        let what = format!("{:?} {name:?}", inner.role());
        out.push(Widget { path: place.path.clone(), role: inner.role(), what, rect, seen, panel: place.panel.clone() });
    }
    for child in node.children() {
        collect(&child, place.clone(), panels, out);
    }
}

impl Widget {
    /// Whether this lies whole inside a row or a card that is a control itself.
    fn is_cell_of(&self, row: &Self) -> bool {
        row.role == Role::Button
            && row.rect.expand(TOUCH).contains_rect(self.rect)
            && self.rect.area() < row.rect.area()
    }
}

fn related(a: &Widget, b: &Widget) -> bool {
    let shorter = a.path.len().min(b.path.len());
    a.path[..shorter] == b.path[..shorter]
}

/// What is wrong in one frame, in words.
fn faults(window: &Window, size: Vec2) -> Vec<String> {
    let panels = window.state().shell().dock.rects();
    let mut widgets = Vec::new();
    collect(&window.root(), Place { path: Vec::new(), panel: None }, &panels, &mut widgets);
    assert!(widgets.iter().filter(|w| w.panel.is_some()).count() > 20, "the panels have names and widgets");
    let screen = Rect::from_min_size(egui::Pos2::ZERO, size);
    let mut found = Vec::new();
    for (i, a) in widgets.iter().enumerate() {
        let (name, room) = a.panel.clone().unwrap_or(("the window".to_owned(), screen));
        let room = room.expand(TOUCH);
        // Tables scroll sideways where their panel is narrow.
        let scrolls = ["Batches", "Storage", "Ledger"].contains(&name.as_str());
        // A row of a table is as wide as its table, which scrolls sideways; its cells are what must fit.
        let is_row = a.role == Role::Button && widgets.iter().any(|b| b.is_cell_of(a));
        // What is scrolled up or down is not beside its panel.
        if !is_row && !scrolls && a.seen.is_positive() && (a.rect.left() < room.left() || a.rect.right() > room.right())
        {
            found.push(format!("{} leaves {name}: {:?} of {room:?}", a.what, a.rect));
        }
        for b in &widgets[i + 1..] {
            let common = a.seen.intersect(b.seen);
            let one = a.is_cell_of(b) || b.is_cell_of(a);
            if common.width() > TOUCH && common.height() > TOUCH && !one && !related(a, b) && a.what != b.what {
                found.push(format!("{} {:?} lies over {} {:?}", b.what, b.rect, a.what, a.rect));
            }
        }
    }
    found
}

/// Runs to batch 6, kills executor 2 and recovers: the window at its fullest.
fn recovered(size: Vec2, scale: f32, theme: Theme) -> Window {
    let mut window = sized(paused("word-count", theme), size, scale);
    registered(&mut window);
    window.state().send(AppCommand::SetStepGrain(faultline::command::StepGrain::Batch));
    for batch in 1..=7 {
        if batch == 7 {
            window.key_press(egui::Key::Num2);
            until(&mut window, "the kill is a fact", |app| !app.session().model().faults.is_empty());
        }
        window
            .state()
            .send(AppCommand::Transport(faultline::command::Transport::Step(faultline::command::StepGrain::Batch)));
        until(&mut window, "the batch completes", |app| completed(app, batch));
    }
    window.run_steps(60);
    window
}

/// What is wrong within a popup or a dialog, which lies over the panels on purpose.
fn faults_over(window: &Window, before: &[(String, Rect)], size: Vec2) -> Vec<String> {
    let mut widgets = Vec::new();
    collect(&window.root(), Place { path: Vec::new(), panel: None }, &[], &mut widgets);
    let was_there = |w: &Widget| before.iter().any(|(what, rect)| *what == w.what && *rect == w.rect);
    let new: Vec<Widget> = widgets.into_iter().filter(|w| !was_there(w)).collect();
    assert!(new.len() > 2, "something opened");
    let screen = Rect::from_min_size(egui::Pos2::ZERO, size).expand(TOUCH);
    let mut found = Vec::new();
    for (i, a) in new.iter().enumerate() {
        // What is scrolled away in a dialog is not beside the window.
        if a.rect.left() < screen.left() || a.rect.right() > screen.right() {
            found.push(format!("{} leaves the window: {:?}", a.what, a.rect));
        }
        for b in &new[i + 1..] {
            let common = a.rect.intersect(b.rect);
            let one = a.is_cell_of(b) || b.is_cell_of(a);
            if common.width() > TOUCH && common.height() > TOUCH && !one && !related(a, b) && a.what != b.what {
                found.push(format!("{} {:?} lies over {} {:?}", b.what, b.rect, a.what, a.rect));
            }
        }
    }
    found
}

fn named_rects(window: &Window) -> Vec<(String, Rect)> {
    let mut widgets = Vec::new();
    collect(&window.root(), Place { path: Vec::new(), panel: None }, &[], &mut widgets);
    widgets.into_iter().map(|w| (w.what, w.rect)).collect()
}

/// Opens each popup and dialog by its button, and closes it with Esc.
fn check_over(window: &mut Window, size: Vec2) -> Vec<String> {
    let (mut found, mut opened) = (Vec::new(), 0);
    for name in ["Faults…", "Actions on executor 1", "Legend of the timeline", "Persist…"] {
        let Some(button) = window.query_by_role_and_label(Role::Button, name) else { continue };
        opened += 1;
        let before = named_rects(window);
        button.click();
        window.run_steps(5);
        found.extend(faults_over(window, &before, size).into_iter().map(|w| format!("over the window, {name}: {w}")));
        window.key_press(egui::Key::Escape);
        window.run_steps(5);
    }
    assert!(opened >= 2, "the window has popups and dialogs");
    found
}

fn check(theme: Theme) {
    let mut found = Vec::new();
    for (size, scale) in SHAPES {
        let mut window = recovered(size, scale, theme);
        window.run_steps(4);
        found.extend(check_over(&mut window, size / scale).into_iter().map(|w| format!("{size:?} at {scale}, {w}")));
        for preset in Preset::ALL {
            window.state().send(AppCommand::Layout(faultline::command::LayoutCommand::Arrange(preset)));
            for pane in Pane::ALL {
                window.state().send(AppCommand::Layout(faultline::command::LayoutCommand::Show(pane)));
                window.run_steps(4);
                let wrong = faults(&window, size / scale);
                found.extend(wrong.into_iter().map(|w| format!("{size:?} at {scale}, {preset:?}, {pane:?}: {w}")));
            }
        }
    }
    found.dedup();
    let shown = found.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(found.is_empty(), "{} faults:\n{shown}", found.len());
}

/// A teacher's screen would show words over words.
#[test]
fn nothing_overlaps_in_the_dark() {
    check(Theme::Dark);
}

/// The light theme has the same sizes; a font or a frame of its own would show here.
#[test]
fn nothing_overlaps_in_the_light() {
    check(Theme::Light);
}

/// Without it the card of a driver that is gone, the lane of its lives or the next life's card would cover something.
#[test]
fn nothing_overlaps_without_a_driver_and_after_it() {
    let mut found = Vec::new();
    for (theme, shape) in [Theme::Dark, Theme::Light].into_iter().flat_map(|theme| SHAPES.map(|shape| (theme, shape))) {
        let (size, scale) = shape;
        let mut window = recovered(size, scale, theme);
        let mut look = |window: &mut Window, when: &str| {
            window.run_steps(6);
            let wrong = faults(window, size / scale);
            found.extend(wrong.into_iter().map(|w| format!("{theme:?}, {size:?} at {scale}, {when}: {w}")));
        };
        window.state().send(AppCommand::Engine(Command::KillDriver));
        until(&mut window, "the driver is gone", |app| app.session().live().driver.lost.is_some());
        look(&mut window, "gone");
        window.state().send(AppCommand::Engine(Command::RestartDriver));
        window.state().send(AppCommand::Transport(Transport::Step(StepGrain::Batch)));
        until(&mut window, "driver 2 has recovered", |app| {
            app.session().live().driver.recovery.as_ref().is_some_and(|recovery| recovery.is_over())
        });
        look(&mut window, "recovered");
    }
    found.dedup();
    let shown = found.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(found.is_empty(), "{} faults:\n{shown}", found.len());
}
