//! The input of the program: the text, a directory, or a socket.

use super::ViewCtx;
use crate::command::{AppCommand, InputCommand};
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, text};
use egui::{Button, ComboBox, Key, PopupCloseBehavior, TextEdit, Ui, WidgetInfo, WidgetType, vec2};

/// Width of the opened menu.
const WIDTH: f32 = 288.0;

/// Where lines can come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// The program's own text.
    #[default]
    Text,
    /// Files that are renamed into a directory.
    Directory,
    /// What somebody writes to a socket.
    Socket,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Text, Self::Directory, Self::Socket];

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "Replayed text",
            Self::Directory => "Directory",
            Self::Socket => "Socket",
        }
    }

    /// What stands in the empty field.
    const fn example(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::Directory => "/path/of/a/directory",
            Self::Socket => "localhost:9999",
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::Text => "The program's own text, again from its beginning",
            Self::Directory => "Rename files into it while the program runs",
            Self::Socket => "A receiver connects, for example to nc -lk 9999",
        }
    }

    /// By the class of an input stream.
    fn of(class: &str) -> Option<Self> {
        match class {
            "TextReplayInputDStream" => Some(Self::Text),
            "FileInputDStream" => Some(Self::Directory),
            "SocketInputDStream" => Some(Self::Socket),
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
}

impl InputMenuState {
    fn field(&mut self, kind: Kind) -> Option<&mut String> {
        match kind {
            Kind::Text => None,
            Kind::Directory => Some(&mut self.directory),
            Kind::Socket => Some(&mut self.address),
        }
    }

    /// The source as the command line spells it; nothing while its field is empty.
    fn source(&self, kind: Kind) -> Option<String> {
        let (directory, address) = (self.directory.trim(), self.address.trim());
        match kind {
            Kind::Text => Some("replay".to_owned()),
            Kind::Directory => (!directory.is_empty()).then(|| format!("dir:{directory}")),
            Kind::Socket => (!address.is_empty()).then(|| format!("tcp-connect://{address}")),
        }
    }
}

/// The menu, for a running program that reads lines.
pub fn input_menu_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut InputMenuState) {
    let streams = &ctx.model.streams.streams;
    let Some(current) = streams.iter().find_map(|stream| Kind::of(&stream.class)) else { return };
    let combo = ComboBox::from_id_salt("input")
        .width(112.0)
        .truncate()
        .selected_text(current.name())
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let shown = combo.show_ui(ui, |ui| {
        ui.set_width(WIDTH);
        menu_ui(ui, ctx, state, current);
    });
    shown.response.widget_info(|| WidgetInfo::labeled(WidgetType::ComboBox, true, "Input"));
}

fn menu_ui(ui: &mut Ui, ctx: &ViewCtx<'_>, state: &mut InputMenuState, current: Kind) {
    let t = Tokens::of(ui.ctx());
    ui.spacing_mut().item_spacing.y = STEP;
    let mut kind = state.kind.unwrap_or(current);
    for choice in Kind::ALL {
        if ui.radio_value(&mut kind, choice, choice.name()).changed() {
            state.kind = Some(kind);
        }
    }
    ui.add_space(STEP);
    let mut entered = false;
    if let Some(words) = state.field(kind) {
        let field = TextEdit::singleline(words).hint_text(kind.example()).desired_width(f32::INFINITY);
        let field = ui.add(field);
        let name = if kind == Kind::Directory { "Path of the directory" } else { "Host and port" };
        let value = words.clone();
        field
            .widget_info(|| WidgetInfo { label: Some(name.to_owned()), ..WidgetInfo::text_edit(true, "", &value, "") });
        entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    }
    line_ui(ui, text::rich(kind.advice(), text::regular(text::SMALL), t.text_soft));
    ui.add_space(STEP);
    let source = state.source(kind);
    let words =
        text::rich("Open", text::semibold(text::MEDIUM), if source.is_some() { t.on_primary } else { t.text_faint });
    let button =
        Button::new(words).fill(if source.is_some() { t.primary } else { t.raised }).min_size(vec2(88.0, 28.0));
    let button = ui.add_enabled(source.is_some(), button);
    button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, source.is_some(), "Open the program on this input"));
    if let Some(source) = source.clone()
        && (button.clicked() || entered)
    {
        let program = ctx.model.application.name.clone();
        ctx.send.send(AppCommand::Input(InputCommand::Open { program, source }));
        state.kind = None;
        ui.close();
    }
}
