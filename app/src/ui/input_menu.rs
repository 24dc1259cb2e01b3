//! The input of the program: the text, a directory, or what others send; and what of it outlives the driver.

use super::ViewCtx;
use crate::command::{AppCommand, InputCommand, Keeping, ReceivedLog};
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, text};
use egui::{
    Align, Button, ComboBox, Key, Layout, Margin, PopupCloseBehavior, TextEdit, Ui, WidgetInfo, WidgetType, vec2,
};

/// Width of the closed menu, whatever it says.
const CLOSED: f32 = 112.0;
/// Width of the opened menu.
const WIDTH: f32 = 288.0;
/// Greatest height of it; what it holds is less.
const HEIGHT: f32 = 480.0;
/// Height of the field.
const FIELD: f32 = 28.0;

/// Where lines can come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// The program's own text.
    #[default]
    Text,
    /// Files that are renamed into a directory.
    Directory,
    /// What others push to a port.
    Pushed,
    /// The same with numbers and acknowledgements.
    Acknowledged,
    /// What somebody writes to a socket.
    Socket,
    /// A response without end.
    Http,
    /// The text, sent to a receiver by a simulated client.
    Simulated,
    /// The same with numbers and acknowledgements.
    SimulatedAcknowledged,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Text,
        Self::Simulated,
        Self::SimulatedAcknowledged,
        Self::Directory,
        Self::Pushed,
        Self::Acknowledged,
        Self::Socket,
        Self::Http,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "Replayed text",
            Self::Directory => "Directory",
            Self::Pushed => "Pushed lines",
            Self::Acknowledged => "Acknowledged lines",
            Self::Socket => "Socket",
            Self::Http => "HTTP stream",
            Self::Simulated => "Simulated",
            Self::SimulatedAcknowledged => "Simulated acks",
        }
    }

    /// What is written into the field, and what stands there while it is empty.
    const fn field(self) -> (&'static str, &'static str) {
        match self {
            Self::Text | Self::Simulated | Self::SimulatedAcknowledged => ("", ""),
            Self::Directory => ("Path of the directory", "/path/of/a/directory"),
            Self::Pushed | Self::Acknowledged | Self::Socket => ("Host and port", "localhost:9999"),
            Self::Http => ("Address of the stream", "http://localhost:8080/stream"),
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::Text => "The program's own text, again from its beginning",
            Self::Directory => "Rename files into it while the program runs",
            Self::Pushed => "It listens: write to it with nc localhost 9999",
            Self::Acknowledged => "It listens: faultline feed localhost:9999",
            Self::Socket => "A receiver connects, for example to nc -lk 9999",
            Self::Http => "Asked for again when it ends or falls silent",
            Self::Simulated => "A simulated client sends the text, each line once",
            Self::SimulatedAcknowledged => "A simulated client sends the text until it is stored",
        }
    }

    /// Whether a receiver stores what comes.
    const fn is_received(self) -> bool {
        !matches!(self, Self::Text | Self::Directory)
    }

    /// By the class of an input stream.
    fn of(class: &str) -> Option<Self> {
        match class {
            "TextReplayInputDStream" => Some(Self::Text),
            "FileInputDStream" => Some(Self::Directory),
            "PushInputDStream" => Some(Self::Pushed),
            "AcknowledgedInputDStream" => Some(Self::Acknowledged),
            "SocketInputDStream" => Some(Self::Socket),
            "HttpInputDStream" => Some(Self::Http),
            "SimulatedPushInputDStream" => Some(Self::Simulated),
            "SimulatedAcknowledgedInputDStream" => Some(Self::SimulatedAcknowledged),
            _ => None,
        }
    }
}

/// What the user has written so far.
#[derive(Debug, Default)]
pub struct InputMenuState {
    /// The choice that is not opened yet.
    kind: Option<Kind>,
    directory: String,
    address: String,
    url: String,
    /// Whether what is received is logged.
    logged: bool,
    /// Where checkpoints and logs go; empty for a directory that goes with the run.
    kept: String,
}

impl InputMenuState {
    fn field(&mut self, kind: Kind) -> Option<&mut String> {
        match kind {
            Kind::Text | Kind::Simulated | Kind::SimulatedAcknowledged => None,
            Kind::Directory => Some(&mut self.directory),
            Kind::Pushed | Kind::Acknowledged | Kind::Socket => Some(&mut self.address),
            Kind::Http => Some(&mut self.url),
        }
    }

    /// The source as the command line spells it; nothing while its field is empty.
    fn source(&self, kind: Kind) -> Option<String> {
        let filled = |words: &str, scheme: &str| {
            let words = words.trim();
            (!words.is_empty()).then(|| format!("{scheme}{words}"))
        };
        match kind {
            Kind::Text => Some("replay".to_owned()),
            Kind::Simulated => Some("simulated:tcp".to_owned()),
            Kind::SimulatedAcknowledged => Some("simulated:ack-tcp".to_owned()),
            Kind::Directory => filled(&self.directory, "dir:"),
            Kind::Pushed => filled(&self.address, "tcp://"),
            Kind::Acknowledged => filled(&self.address, "ack-tcp://"),
            Kind::Socket => filled(&self.address, "tcp-connect://"),
            Kind::Http => filled(&self.url, ""),
        }
    }

    /// What outlives the driver: of a replayed text nothing needs to.
    fn keeping(&self, kind: Kind) -> Keeping {
        let kept = self.kept.trim();
        Keeping {
            received: if self.logged && kind.is_received() { ReceivedLog::On } else { ReceivedLog::Off },
            directory: (kind != Kind::Text && !kept.is_empty()).then(|| kept.into()),
        }
    }
}

/// The menu of a running program. It has its place before anything is known of the streams, and also where there are
/// none: what stands beside it rests.
pub fn input_menu_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut InputMenuState) {
    let (closed, middle) = (vec2(CLOSED, FIELD), Layout::left_to_right(Align::Center));
    ui.allocate_ui_with_layout(closed, middle, |ui| closed_ui(ui, ctx, state));
}

fn closed_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut InputMenuState) {
    ui.set_min_width(CLOSED);
    let streams = &ctx.model.streams.streams;
    let Some(current) = streams.iter().find_map(|stream| Kind::of(&stream.class)) else {
        let (words, why) = absent(ctx);
        let shown = ui.add_enabled_ui(false, |ui| combo(words).show_ui(ui, |_| {})).inner.response;
        shown.widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, false, "Input"));
        shown.on_disabled_hover_text(why);
        return;
    };
    let combo = combo(current.name()).height(HEIGHT).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let shown = combo.show_ui(ui, |ui| {
        ui.set_width(WIDTH);
        menu_ui(ui, ctx, state, current);
    });
    shown.response.widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, true, "Input"));
}

fn combo(words: &str) -> ComboBox {
    ComboBox::from_id_salt("input").width(CLOSED).truncate().selected_text(words)
}

/// What stands in the menu's place where there is no input to choose, and why.
fn absent(ctx: &ViewCtx<'_>) -> (&'static str, &'static str) {
    let streams = !ctx.model.streams.streams.is_empty();
    // Jobs of a stream come after what says which streams there are.
    match (streams, ctx.model.jobs.is_empty()) {
        (true, _) => ("Own input", "The program makes its input itself"),
        (false, true) => ("Input…", "Waits for the program to say what its streams read"),
        (false, false) => ("No streams", "This program has no batches, so it reads no stream"),
    }
}

fn menu_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut InputMenuState, current: Kind) {
    let t = Tokens::of(ui.ctx());
    ui.spacing_mut().item_spacing.y = STEP;
    let mut kind = state.kind.unwrap_or(current);
    ui.scope(|ui| {
        // Half a window of usual height has room for all.
        ui.spacing_mut().item_spacing.y = STEP / 2.0;
        ui.spacing_mut().interact_size.y = 22.0;
        ui.spacing_mut().button_padding.y = STEP / 2.0;
        for choice in Kind::ALL {
            if ui.selectable_value(&mut kind, choice, choice.name()).changed() {
                state.kind = Some(kind);
            }
        }
    });
    ui.add_space(STEP);
    let mut entered = false;
    let (name, example) = kind.field();
    if let Some(words) = state.field(kind) {
        entered = field_ui(ui, words, name, example);
    } else {
        // The menu is as high for every choice: nothing jumps.
        ui.allocate_space(vec2(ui.available_width(), FIELD));
    }
    line_ui(ui, text::rich(kind.advice(), text::regular(text::SMALL), t.text_soft));
    ui.add_space(STEP);
    ui.add_enabled_ui(kind != Kind::Text, |ui| {
        entered |= field_ui(ui, &mut state.kept, "Checkpoint directory", "Checkpoint directory, else a temporary one");
    });
    ui.add_enabled_ui(kind.is_received(), |ui| {
        let words = text::rich("Write-ahead log", text::regular(text::SMALL), t.text);
        ui.checkbox(&mut state.logged, words)
            .on_hover_text("What a receiver stores is logged before it counts, so that it outlives the driver");
    });
    ui.add_space(STEP);
    let source = state.source(kind);
    let words =
        text::rich("Open", text::semibold(text::MEDIUM), if source.is_some() { t.on_primary } else { t.text_faint });
    let button =
        Button::new(words).fill(if source.is_some() { t.primary } else { t.raised }).min_size(vec2(88.0, 28.0));
    let button = ui.horizontal(|ui| ui.add_enabled(source.is_some(), button)).inner;
    button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, source.is_some(), "Open the program on this input"));
    if let Some(source) = source.clone()
        && (button.clicked() || entered)
    {
        let program = ctx.model.application.name.clone();
        ctx.send.send(AppCommand::Input(InputCommand::Open { program, source, keeping: state.keeping(kind) }));
        state.kind = None;
        ui.close();
    }
}

/// One line to write; says whether Enter was pressed in it.
fn field_ui(ui: &mut Ui, words: &mut String, name: &str, example: &str) -> bool {
    let field = TextEdit::singleline(words).hint_text(example).margin(Margin::symmetric(8, 6));
    let enabled = ui.is_enabled();
    let field = ui.add_sized(vec2(ui.available_width(), FIELD), field);
    let value = words.clone();
    field.widget_info(|| WidgetInfo { label: Some(name.to_owned()), ..WidgetInfo::text_edit(enabled, "", &value, "") });
    field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}
