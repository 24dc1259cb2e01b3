//! The settings: theme, scale, language of numbers, advice.

use super::ViewCtx;
use crate::command::settings::Hints;
use crate::command::{AppCommand, SettingsCommand};
use crate::state::{SCALES, UiState};
use crate::theme::widgets::{line_ui, modal_frame};
use crate::theme::{NumberStyle, STEP, Theme, Tokens, text};
use egui::{Align, ComboBox, Context, Id, Layout, Modal, Ui, WidgetInfo, WidgetType, vec2};

/// Width of the window.
const WIDTH: f32 = 400.0;
/// Width of the column of names.
const NAMES: f32 = 160.0;
/// Width of a control.
const CONTROL: f32 = 208.0;

/// Puts the settings into force before a frame is painted.
pub fn apply_settings(ctx: &Context, view: &ViewCtx<'_>, state: &UiState) {
    state.theme.apply(ctx);
    state.settings.numbers.apply();
    // The keys for the size are rows of our table, and the size is ours to remember.
    if ctx.options(|options| options.zoom_with_keyboard) {
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
    }
    let scale = state.settings.scale_factor();
    if (ctx.zoom_factor() - scale).abs() > f32::EPSILON {
        ctx.set_zoom_factor(scale);
    }
    if state.settings.follow_system
        && let Some(theme) = system_theme(ctx)
        && theme != state.theme
    {
        view.send.send(AppCommand::Settings(SettingsCommand::SystemIs(theme)));
    }
}

fn system_theme(ctx: &Context) -> Option<Theme> {
    ctx.system_theme().map(|theme| match theme {
        egui::Theme::Dark => Theme::Dark,
        egui::Theme::Light => Theme::Light,
    })
}

/// The settings over the window; Esc and a click beside them close them.
pub fn settings_ui(ctx: &Context, view: &ViewCtx<'_>, state: &UiState) {
    let t = Tokens::of(ctx);
    let modal = Modal::new(Id::new("settings")).frame(modal_frame(t)).show(ctx, |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 16.0 * STEP));
        ui.spacing_mut().item_spacing.y = 2.0 * STEP;
        ui.label(text::rich("Settings", text::semibold(text::LARGE), t.text));
        ui.add_space(STEP);
        row_ui(ui, "Theme", |ui| theme_ui(ui, view, state));
        row_ui(ui, "Scale", |ui| scale_ui(ui, view, state));
        row_ui(ui, "Language of numbers", |ui| numbers_ui(ui, view, state));
        row_ui(ui, "Advice", |ui| hints_ui(ui, view, state));
        ui.add_space(2.0 * STEP);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.button("Close").clicked()).inner
    });
    if modal.inner || modal.should_close() {
        view.send.send(AppCommand::ShowOverlay(None));
    }
}

fn row_ui(ui: &mut Ui, name: &str, control: impl FnOnce(&mut Ui)) {
    let t = Tokens::of(ui.ctx());
    ui.horizontal(|ui| {
        let size = vec2(NAMES, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(NAMES);
            line_ui(ui, text::rich(name, text::regular(text::SMALL), t.text_soft));
        });
        control(ui);
    });
}

/// A combo box with a name; returns what was chosen.
fn choice_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    name: &'static str,
    shown: &str,
    choices: impl Iterator<Item = (T, String)>,
    now: T,
) -> Option<T> {
    let mut chosen = None;
    let combo = ComboBox::from_id_salt(name).width(CONTROL).truncate().selected_text(shown);
    let response = combo.show_ui(ui, |ui| {
        for (choice, words) in choices {
            if ui.selectable_label(choice == now, words).clicked() && choice != now {
                chosen = Some(choice);
            }
        }
    });
    let value = shown.to_owned();
    response.response.widget_info(|| {
        let mut info = WidgetInfo::labeled(WidgetType::ComboBox, true, name);
        info.current_text_value = Some(value.clone());
        info
    });
    chosen
}

fn theme_ui(ui: &mut Ui, view: &ViewCtx<'_>, state: &UiState) {
    const SYSTEM: &str = "As the system";
    let now = (!state.settings.follow_system).then_some(state.theme);
    let shown = now.map_or(SYSTEM, Theme::name);
    // Where the system does not say, following it would be a choice without effect.
    let system = system_theme(ui.ctx()).is_some() || state.settings.follow_system;
    let themes = Theme::ALL.into_iter().map(|theme| (Some(theme), theme.name().to_owned()));
    let choices = themes.chain(system.then(|| (None, SYSTEM.to_owned())));
    if let Some(chosen) = choice_ui(ui, "Theme", shown, choices, now) {
        view.send.send(match chosen {
            Some(theme) => AppCommand::SetTheme(theme),
            None => AppCommand::Settings(SettingsCommand::FollowSystem),
        });
    }
}

fn scale_ui(ui: &mut Ui, view: &ViewCtx<'_>, state: &UiState) {
    let words = |percent: u16| format!("{percent} %");
    let now = state.settings.scale;
    let choices = SCALES.into_iter().map(|percent| (percent, words(percent)));
    if let Some(percent) = choice_ui(ui, "Scale", &words(now), choices, now) {
        view.send.send(AppCommand::Settings(SettingsCommand::Scale(percent)));
    }
}

fn numbers_ui(ui: &mut Ui, view: &ViewCtx<'_>, state: &UiState) {
    let words = |style: NumberStyle| format!("{}, {}", style.name(), style.decimal_number(1234.5, 1));
    let now = state.settings.numbers;
    let choices = NumberStyle::ALL.into_iter().map(|style| (style, words(style)));
    if let Some(style) = choice_ui(ui, "Language of numbers", &words(now), choices, now) {
        view.send.send(AppCommand::Settings(SettingsCommand::Numbers(style)));
    }
}

fn hints_ui(ui: &mut Ui, view: &ViewCtx<'_>, state: &UiState) {
    let mut shown = state.settings.hints == Hints::Shown;
    if ui.checkbox(&mut shown, "Show what to try next").changed() {
        let hints = if shown { Hints::Shown } else { Hints::Hidden };
        view.send.send(AppCommand::Settings(SettingsCommand::Hints(hints)));
    }
}
