//! Keys that work everywhere in the window, as one table: what it says is what the keys do, and what
//! the list of keys shows. To add a key, add a row.

use super::settings::ScaleStep;
use super::{
    AppCommand, EngineCommand, FileCommand, GraphFormat, LayoutCommand, Overlay, Page, Purpose, RaceCommand, Scrub,
    SettingsCommand, StepGrain, Transport,
};
use crate::model::{Shown, Stride, Way};
use crate::state::{Playback, UiState};
use crate::ui::ViewCtx;
use crate::ui::dock::Preset;
use egui::os::OperatingSystem;
use egui::{Context, Event, Key, KeyboardShortcut, ModifierNames, Modifiers};
use faultline_engine::command::SuperviseMode;
use faultline_engine::ids::ExecutorId;

/// Under which heading a key is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What acts on the engine.
    Run,
    /// What goes through the past.
    Time,
    /// What moves the view.
    Lineage,
    /// The race, and the way back from it; these keys also work on its page.
    Race,
    /// Logs and exports.
    File,
    /// How the window looks; these keys also work while something lies over it.
    Window,
}

impl Group {
    /// Every group, in the order of the list.
    pub const ALL: [Self; 6] = [Self::Run, Self::Time, Self::Lineage, Self::Race, Self::File, Self::Window];

    /// Its heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Time => "Time",
            Self::Lineage => "Lineage",
            Self::Race => "Race",
            Self::File => "File",
            Self::Window => "Window",
        }
    }
}

/// Keys that a panel carries out itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanelKey {
    /// The lineage: nearer.
    ZoomIn,
    /// The lineage: farther.
    ZoomOut,
    /// The lineage: everything.
    Fit,
}

/// What a key may ask when it is pressed.
#[derive(Clone, Copy)]
pub struct Now<'a> {
    /// The model, and whether the engine takes commands.
    pub view: &'a ViewCtx<'a>,
    /// Choices of the user.
    pub state: &'a UiState,
    /// Whether no control has the focus: Space and arrows press and move the one that has it.
    pub nothing_focused: bool,
}

/// What a row does.
#[derive(Clone, Copy)]
pub enum Does {
    /// Sends a command; the function gets which of the keys was pressed, and returns nothing when the
    /// key means nothing now.
    Send(fn(Now<'_>, usize) -> Option<AppCommand>),
    /// Left to the panel that asks [`taken`].
    Panel(PanelKey),
}

/// One row: keys, and what they do.
pub struct Row {
    /// Any of them.
    pub keys: &'static [KeyboardShortcut],
    /// What it does, as it is listed and as a menu calls it.
    pub name: &'static str,
    /// Where it is listed.
    pub group: Group,
    /// What happens.
    pub does: Does,
}

const fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn command(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn with(modifiers: Modifiers, key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(modifiers, key)
}

const fn row(keys: &'static [KeyboardShortcut], name: &'static str, group: Group, does: Does) -> Row {
    Row { keys, name, group, does }
}

const DIGITS: [KeyboardShortcut; 9] = [
    key(Key::Num1),
    key(Key::Num2),
    key(Key::Num3),
    key(Key::Num4),
    key(Key::Num5),
    key(Key::Num6),
    key(Key::Num7),
    key(Key::Num8),
    key(Key::Num9),
];

const fn arrows(modifiers: Modifiers) -> [KeyboardShortcut; 2] {
    [with(modifiers, Key::ArrowLeft), with(modifiers, Key::ArrowRight)]
}

/// Every key of the window.
pub const ROWS: &[Row] = &[
    row(&[key(Key::Space)], "Pause and play", Group::Run, Does::Send(play_or_pause)),
    row(&[key(Key::ArrowRight)], "Step", Group::Run, Does::Send(step)),
    row(&DIGITS, "Kill that executor", Group::Run, Does::Send(kill)),
    row(&[key(Key::D)], "Kill the driver, or start it again", Group::Run, Does::Send(kill_or_start_driver)),
    row(&[key(Key::S)], "Supervise the driver, or no longer", Group::Run, Does::Send(supervise)),
    row(&[key(Key::X)], FAULTS, Group::Run, Does::Send(faults)),
    row(
        &arrows(Modifiers::SHIFT),
        "A batch back, forward",
        Group::Time,
        Does::Send(|now, i| walk(now, Stride::Batch, i)),
    ),
    row(
        &arrows(Modifiers::ALT),
        "An event back, forward",
        Group::Time,
        Does::Send(|now, i| walk(now, Stride::Event, i)),
    ),
    row(&[key(Key::Home)], "To the beginning", Group::Time, Does::Send(to_beginning)),
    row(&[key(Key::End)], "To the present", Group::Time, Does::Send(to_present)),
    row(&[key(Key::F)], "Follow the running batch", Group::Lineage, Does::Send(|_, _| Some(AppCommand::FollowCamera))),
    row(&[key(Key::Plus), key(Key::Equals)], "Zoom in", Group::Lineage, Does::Panel(PanelKey::ZoomIn)),
    row(&[key(Key::Minus)], "Zoom out", Group::Lineage, Does::Panel(PanelKey::ZoomOut)),
    row(&[key(Key::Num0)], "Show everything", Group::Lineage, Does::Panel(PanelKey::Fit)),
    row(&[key(Key::R)], "Race the policies", Group::Race, Does::Send(|_, _| Some(AppCommand::ShowPage(Page::Race)))),
    row(&[key(Key::Escape)], "Back to the run", Group::Race, Does::Send(back)),
    row(&[command(Key::O)], OPEN_LOG, Group::File, Does::Send(|_, _| ask(Purpose::OpenLog))),
    row(&[command(Key::S)], SAVE_LOG, Group::File, Does::Send(|_, _| ask(Purpose::SaveLog))),
    row(&[command(Key::E)], EXPORT_GRAPH, Group::File, Does::Send(|_, _| ask(Purpose::ExportGraph(GraphFormat::Svg)))),
    row(&[command(Key::Num1)], TEACH, Group::Window, Does::Send(|_, _| arrange(Preset::Teach))),
    row(&[command(Key::Num2)], DEBUG, Group::Window, Does::Send(|_, _| arrange(Preset::Debug))),
    row(&[command(Key::Comma)], SETTINGS, Group::Window, Does::Send(|now, _| toggle(now, Overlay::Settings))),
    row(&[key(Key::Questionmark)], KEYS, Group::Window, Does::Send(|now, _| toggle(now, Overlay::Keys))),
    row(&[command(Key::Plus), command(Key::Equals)], "Larger", Group::Window, Does::Send(|_, _| scale(ScaleStep::Up))),
    row(&[command(Key::Minus)], "Smaller", Group::Window, Does::Send(|_, _| scale(ScaleStep::Down))),
    row(&[command(Key::Num0)], "Normal size", Group::Window, Does::Send(|_, _| scale(ScaleStep::Reset))),
];

/// Names of rows that menus show too.
pub const OPEN_LOG: &str = "Open log";
/// See [`OPEN_LOG`].
pub const SAVE_LOG: &str = "Save log";
/// See [`OPEN_LOG`].
pub const EXPORT_GRAPH: &str = "Export graph";
/// See [`OPEN_LOG`].
pub const FAULTS: &str = "Faults";
/// See [`OPEN_LOG`].
pub const SETTINGS: &str = "Settings";
/// See [`OPEN_LOG`].
pub const TEACH: &str = Preset::Teach.name();
/// See [`OPEN_LOG`].
pub const DEBUG: &str = Preset::Debug.name();
/// See [`OPEN_LOG`].
pub const KEYS: &str = "Keys";

fn arrange(preset: Preset) -> Option<AppCommand> {
    Some(AppCommand::Layout(LayoutCommand::Arrange(preset)))
}

/// From the race's page, or from one of its lanes.
fn back(now: Now<'_>, _: usize) -> Option<AppCommand> {
    let command = match now.state.page {
        Page::Race => AppCommand::ShowPage(Page::Run),
        Page::Run => now.view.race.shown.map(|_| AppCommand::Race(RaceCommand::BackToRun))?,
    };
    now.nothing_focused.then_some(command)
}

fn play_or_pause(now: Now<'_>, _: usize) -> Option<AppCommand> {
    let transport = match now.state.playback {
        Playback::Running => Transport::Pause,
        Playback::Paused => Transport::Resume,
    };
    (now.view.time.running && now.nothing_focused).then_some(AppCommand::Transport(transport))
}

/// In the past a step goes through what was.
fn step(now: Now<'_>, _: usize) -> Option<AppCommand> {
    let grain = now.state.step_grain;
    let command = match now.view.time.shown {
        Shown::Past { .. } => AppCommand::Scrub(Scrub::Step { stride: stride_of(grain), way: Way::Forward }),
        Shown::Live if now.view.time.running && now.state.pacing => AppCommand::Transport(Transport::Step(grain)),
        Shown::Live => return None,
    };
    now.nothing_focused.then_some(command)
}

/// The way through the past that is as long as a step of the engine.
pub const fn stride_of(grain: StepGrain) -> Stride {
    match grain {
        StepGrain::Task => Stride::Task,
        StepGrain::Stage => Stride::Stage,
        StepGrain::Batch => Stride::Batch,
    }
}

fn walk(now: Now<'_>, stride: Stride, arrow: usize) -> Option<AppCommand> {
    let way = if arrow == 0 { Way::Back } else { Way::Forward };
    scrub(now, Scrub::Step { stride, way })
}

fn to_beginning(now: Now<'_>, _: usize) -> Option<AppCommand> {
    scrub(now, Scrub::To(0))
}

fn to_present(now: Now<'_>, _: usize) -> Option<AppCommand> {
    scrub(now, Scrub::Live).filter(|_| now.view.time.shown != Shown::Live)
}

fn scrub(now: Now<'_>, scrub: Scrub) -> Option<AppCommand> {
    // A key that nobody can see the effect of stays with the control that has the focus.
    (now.nothing_focused && !now.view.time.timeline.is_empty()).then_some(AppCommand::Scrub(scrub))
}

fn kill(now: Now<'_>, digit: usize) -> Option<AppCommand> {
    let executor = ExecutorId(u32::try_from(digit + 1).ok()?);
    let alive = now.view.model.executors.get(&executor).is_some_and(|e| e.alive);
    (now.view.controllable && alive).then_some(AppCommand::Engine(EngineCommand::KillExecutor { executor }))
}

fn kill_or_start_driver(now: Now<'_>, _: usize) -> Option<AppCommand> {
    let gone = now.view.model.driver.lost.is_some();
    let command = if gone { EngineCommand::RestartDriver } else { EngineCommand::KillDriver };
    now.view.controllable.then_some(AppCommand::Engine(command))
}

fn supervise(now: Now<'_>, _: usize) -> Option<AppCommand> {
    let mode = match now.view.model.driver.supervised {
        SuperviseMode::On => SuperviseMode::Off,
        SuperviseMode::Off => SuperviseMode::On,
    };
    now.view.controllable.then_some(AppCommand::Engine(EngineCommand::SuperviseDriver { mode }))
}

/// Where nothing runs there is nothing to fail.
fn faults(now: Now<'_>, _: usize) -> Option<AppCommand> {
    now.view.time.running.then_some(AppCommand::ShowOverlay(Some(Overlay::Faults)))
}

const fn ask(purpose: Purpose) -> Option<AppCommand> {
    Some(AppCommand::File(FileCommand::Ask(purpose)))
}

fn toggle(now: Now<'_>, overlay: Overlay) -> Option<AppCommand> {
    let open = now.state.overlay == Some(overlay);
    Some(AppCommand::ShowOverlay((!open).then_some(overlay)))
}

const fn scale(step: ScaleStep) -> Option<AppCommand> {
    Some(AppCommand::Settings(SettingsCommand::ScaleStep(step)))
}

/// Turns keys into commands. While a text is edited only keys with a modifier work, while something
/// lies over the window only those of [`Group::Window`].
pub fn send_shortcuts(ctx: &Context, view: &ViewCtx<'_>, state: &UiState) {
    if state.question.is_some() {
        return;
    }
    let nothing_focused = ctx.memory(|memory| memory.focused().is_none());
    let now = Now { view, state, nothing_focused };
    let covered = is_covered(ctx);
    let writing = ctx.text_edit_focused();
    // On the race's page nobody sees what a key would do to the run.
    let elsewhere = |group| state.page == Page::Race && !matches!(group, Group::Race | Group::File | Group::Window);
    // Esc closes a menu first.
    let menu = egui::Popup::is_any_open(ctx);
    // The most specific first: Shift+→ is not →.
    for modifiers in (0..=3).rev() {
        for row in ROWS.iter().filter(|row| !covered || row.group == Group::Window) {
            if elsewhere(row.group) || (menu && row.group == Group::Race) {
                continue;
            }
            let Does::Send(command) = row.does else { continue };
            let keys = row.keys.iter().enumerate().filter(|(_, key)| count(key.modifiers) == modifiers);
            for (index, key) in keys.filter(|(_, key)| !writing || has_modifier(key)) {
                if is_pressed(ctx, *key)
                    && let Some(command) = command(now, index)
                {
                    consume(ctx, *key);
                    view.send.send(command);
                }
            }
        }
    }
}

/// Whether one of a panel's keys was pressed; takes it.
pub fn taken(ctx: &Context, wanted: PanelKey) -> bool {
    if is_covered(ctx) || ctx.text_edit_focused() {
        return false;
    }
    let rows = ROWS.iter().filter(|row| matches!(row.does, Does::Panel(key) if key == wanted));
    let pressed = rows.flat_map(|row| row.keys).find(|key| is_pressed(ctx, **key));
    pressed.inspect(|key| consume(ctx, **key)).is_some()
}

fn is_covered(ctx: &Context) -> bool {
    ctx.memory(|memory| memory.top_modal_layer().is_some())
}

fn count(m: Modifiers) -> u8 {
    u8::from(m.alt) + u8::from(m.shift) + u8::from(m.ctrl || m.command || m.mac_cmd)
}

fn has_modifier(key: &KeyboardShortcut) -> bool {
    key.modifiers.command || key.modifiers.ctrl || key.modifiers.alt
}

/// Shift is ignored for characters that need it on some keyboards: +, ? and even digits.
fn matches(event: &Event, key: KeyboardShortcut) -> bool {
    let Event::Key { key: pressed, modifiers, pressed: true, .. } = event else { return false };
    let moves = matches!(
        key.logical_key,
        Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown | Key::Home | Key::End
    );
    *pressed == key.logical_key
        && modifiers.alt == key.modifiers.alt
        && (!moves || modifiers.shift == key.modifiers.shift)
        && modifiers.matches_logically(key.modifiers)
}

fn is_pressed(ctx: &Context, key: KeyboardShortcut) -> bool {
    ctx.input(|input| input.events.iter().any(|event| matches(event, key)))
}

fn consume(ctx: &Context, key: KeyboardShortcut) {
    ctx.input_mut(|input| input.events.retain(|event| !matches(event, key)));
}

impl Row {
    /// Its keys in words: `Ctrl+O`, `1 – 9`, `+ or =`.
    pub fn shown(&self, os: OperatingSystem) -> String {
        match self.keys {
            [] => String::new(),
            [first, .., last] if self.keys.len() > 2 => format!("{} – {}", shown(*first, os), shown(*last, os)),
            keys => keys.iter().map(|key| shown(*key, os)).collect::<Vec<_>>().join(" or "),
        }
    }
}

/// The first key of the row with this name, in words.
pub fn key_of(name: &str, os: OperatingSystem) -> String {
    let row = ROWS.iter().find(|row| row.name == name);
    row.and_then(|row| row.keys.first()).map_or_else(String::new, |key| shown(*key, os))
}

fn shown(key: KeyboardShortcut, os: OperatingSystem) -> String {
    let is_mac = os == OperatingSystem::Mac;
    let name = match key.logical_key {
        Key::ArrowRight => "→",
        Key::ArrowLeft => "←",
        Key::ArrowUp => "↑",
        Key::ArrowDown => "↓",
        Key::Minus => "−",
        other => other.symbol_or_name(),
    };
    let modifiers = ModifierNames::NAMES.format(&key.modifiers, is_mac);
    if modifiers.is_empty() { name.to_owned() } else { format!("{modifiers}+{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Without this two rows want the same key, and one of them never works.
    #[test]
    fn every_key_has_one_row_and_every_row_a_key() {
        let mut seen = BTreeSet::new();
        for row in ROWS {
            assert!(!row.keys.is_empty() && !row.name.is_empty());
            for key in row.keys {
                let text = shown(*key, OperatingSystem::Nix);
                assert!(seen.insert(text.clone()), "{text} is in two rows");
            }
        }
    }

    /// Without this the list shows names that are on no keyboard.
    #[test]
    fn keys_are_shown_as_they_are_on_the_keyboard() {
        let check = |name: &str, expect: &str| {
            let row = ROWS.iter().find(|row| row.name == name).unwrap();
            assert_eq!(row.shown(OperatingSystem::Nix), expect);
        };
        check("Open log", "Ctrl+O");
        check("Settings", "Ctrl+,");
        check("Keys", "?");
        check("Kill that executor", "1 – 9");
        check("Zoom in", "+ or =");
        check("Zoom out", "−");
        check("Step", "→");
        check("Pause and play", "Space");
        assert_eq!(key_of(OPEN_LOG, OperatingSystem::Mac), "Cmd+O");
    }

    /// Without this a menu shows an item without its key.
    #[test]
    fn menus_name_rows() {
        for name in [OPEN_LOG, SAVE_LOG, EXPORT_GRAPH, FAULTS, SETTINGS, KEYS] {
            assert!(ROWS.iter().any(|row| row.name == name), "{name}");
        }
    }
}
