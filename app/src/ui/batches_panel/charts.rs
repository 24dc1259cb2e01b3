//! Three charts over one axis of batches or jobs.

use super::status::{cross, diamond};
use crate::scene::charts::{ChartBar, ChartMark, ChartPoint, bars};
use crate::theme::{STEP, Tokens, format, text};
use crate::ui::table::NOTHING;
use egui::emath::Rangef;
use egui::{Color32, Id, Rect, Response, Shape, Stroke, Ui, Vec2b, WidgetInfo, WidgetType, pos2, vec2};
use egui_plot::{
    AxisHints, Bar, BarChart, GridInput, GridMark, HLine, LineStyle, Plot, PlotMemory, PlotPoint, PlotTransform,
};
use std::ops::RangeInclusive;

/// Height of the line that names a chart.
const TITLE: f32 = 4.0 * STEP;
/// Height of the axis of numbers.
const X_AXIS: f32 = 4.5 * STEP;
/// Width of the axes of values, so that the three stand below each other.
const Y_AXIS: f32 = 12.0 * STEP;
/// Points of width that a bar should have at least.
const BAR_WIDTH: f32 = 3.0;
/// At least so many numbers are on the axis, so that the first bars are not as wide as the chart.
const SHOWN_MIN: f64 = 16.0;

/// What is drawn.
pub(super) struct Charts<'a> {
    /// `Batch` or `Job`.
    pub noun: &'static str,
    /// What each chart shows, with its unit.
    pub titles: [&'static str; 3],
    /// Oldest first.
    pub points: &'a [ChartPoint],
    /// Dashed in the third chart: above it the stream falls behind.
    pub limit: Option<f64>,
    /// Marked in all three.
    pub selected: Option<u32>,
}

/// What the charts keep between frames.
#[derive(Default)]
pub(super) struct ChartState {
    /// Range and greatest count that the bars were made for.
    made_for: Option<(RangeInclusive<u32>, usize)>,
    bars: Vec<ChartBar>,
    /// Numbers that one bar spans.
    width: u32,
    /// The numbers that the user zoomed to.
    visible: Option<RangeInclusive<u32>>,
    hovered: Option<u32>,
}

impl ChartState {
    /// The points changed.
    pub(super) fn forget(&mut self) {
        self.made_for = None;
    }

    fn update(&mut self, charts: &Charts<'_>, width: f32) {
        let whole = || charts.points.first().map_or(0, |p| p.number)..=charts.points.last().map_or(0, |p| p.number);
        let range = self.visible.clone().unwrap_or_else(whole);
        let key = (range, ((width / BAR_WIDTH) as usize).max(8));
        if self.made_for.as_ref() != Some(&key) {
            (self.bars, self.width) = bars(charts.points, key.0.clone(), key.1);
            self.made_for = Some(key);
        }
    }

    fn at(&self, number: u32) -> Option<&ChartBar> {
        let near = |bar: &&ChartBar| *bar.numbers.start() <= number && number < *bar.numbers.start() + self.width;
        self.bars.iter().find(near)
    }
}

/// Draws the charts; returns the number that was clicked.
pub(super) fn charts_ui(ui: &mut Ui, charts: &Charts<'_>, state: &mut ChartState) -> Option<u32> {
    ui.spacing_mut().item_spacing.y = 0.0;
    // The last number on the axis stands half beside it.
    ui.set_max_width(ui.available_width() - 2.0 * STEP);
    state.update(charts, ui.available_width() - Y_AXIS);
    let height = ((ui.available_height() - X_AXIS) / 3.0 - TITLE).max(20.0).floor();
    let (mut clicked, mut hovered) = (None, None);
    for index in 0..3 {
        let shown = chart_ui(ui, charts, state, index, height);
        let number = |at: egui::Pos2| shown.transform.value_from_position(at).x.round().max(0.0) as u32;
        let under =
            shown.response.hover_pos().map(number).and_then(|n| state.at(n)).map(|bar| (*bar.numbers.end(), bar));
        if let Some((number, bar)) = under {
            hovered = Some(number);
            hover_ui(&shown.response, charts, bar);
            if shown.response.clicked() {
                clicked = Some(number);
            }
        }
        if index == 2 {
            state.visible = chosen_range(ui, charts, &shown.transform);
        }
    }
    if state.hovered != hovered {
        state.hovered = hovered;
        ui.ctx().request_repaint();
    }
    clicked
}

/// The numbers that the user zoomed to; `None` while the charts show everything.
fn chosen_range(ui: &Ui, charts: &Charts<'_>, transform: &PlotTransform) -> Option<RangeInclusive<u32>> {
    PlotMemory::load(ui.ctx(), chart_id(ui, 2)).filter(|memory| !memory.auto_bounds.x)?;
    let first = charts.points.first().map_or(0, |p| p.number);
    let bounds = transform.bounds();
    Some(bounds.min()[0].floor().max(first.into()) as u32..=bounds.max()[0].ceil().max(0.0) as u32)
}

struct Shown {
    response: Response,
    transform: PlotTransform,
}

fn chart_ui(ui: &mut Ui, charts: &Charts<'_>, state: &ChartState, index: usize, height: f32) -> Shown {
    let t = Tokens::of(ui.ctx());
    let last = index == 2;
    title_ui(ui, charts, index);
    let group = ui.id().with("numbers");
    let height = if last { height + X_AXIS } else { height };
    let first = charts.points.first().map_or(0.0, |p| f64::from(p.number));
    let limit = charts.limit.filter(|_| last);
    let shown = Plot::new(("chart", index))
        .id(chart_id(ui, index))
        .height(height)
        .min_size(vec2(40.0, 20.0))
        .show_axes([last, true])
        .show_grid([false, true])
        .show_background(false)
        .grid_color(t.line)
        .show_x(false)
        .show_y(false)
        .show_crosshair(false)
        .cursor_color(Color32::TRANSPARENT)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_zoom([true, false])
        .allow_drag([true, false])
        .link_axis(group, Vec2b::new(true, false))
        // Above the highest bar there is room for its mark.
        .set_margin_fraction(vec2(0.01, (14.0 / height).min(0.4)))
        .include_y(0.0)
        .include_y(1.0)
        .include_x(first - 0.6)
        .include_x(first + SHOWN_MIN - 0.4)
        .custom_x_axes(vec![
            axis(t, AxisHints::new_x()).formatter(|mark, _| format::number(mark.value.max(0.0) as u64)),
        ])
        .custom_y_axes(vec![axis(t, AxisHints::new_y()).min_thickness(Y_AXIS).formatter(|mark, _| value(mark.value))])
        .x_grid_spacer(whole_numbers)
        .y_grid_spacer(zero_and_one_more)
        .show(ui, |plot| {
            let bars = state.bars.iter().filter_map(|bar| {
                let middle = (f64::from(*bar.numbers.start()) + f64::from(state.width - 1) * 0.5, bar.values[index]?);
                let wide = f64::from(state.width) * if state.width > 1 { 1.0 } else { 0.72 };
                let color = color(bar.mark, t);
                Some(Bar::new(middle.0, middle.1).width(wide).fill(color).stroke(Stroke::NONE))
            });
            plot.bar_chart(BarChart::new(charts.titles[index], bars.collect()).allow_hover(false));
            if let Some(limit) = limit {
                let line = HLine::new("batch interval", limit).style(LineStyle::dashed_dense());
                plot.hline(line.color(t.text_soft).width(1.0).allow_hover(false));
            }
        });
    let (response, transform) = (shown.response, shown.transform);
    let name = name(charts, index);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Image, true, &name));
    marks(ui, charts, state, index, &transform);
    Shown { response, transform }
}

fn chart_id(ui: &Ui, index: usize) -> Id {
    ui.id().with(("chart", index))
}

fn axis<'a>(t: &Tokens, hints: AxisHints<'a>) -> AxisHints<'a> {
    hints
        .tick_label_color(t.text_faint)
        .tick_label_font(text::regular(text::SMALLEST))
        .label_spacing(Rangef::new(0.0, 1.0))
}

/// First-time work is neutral; orange is only what exists because something was lost.
const fn color(mark: ChartMark, t: &Tokens) -> Color32 {
    match mark {
        ChartMark::Plain => t.first_time,
        ChartMark::Open => t.computing,
        ChartMark::Recovered => t.again,
        ChartMark::Failed => t.lost,
    }
}

/// A sign on every bar that is not plain, and lines at the selected and the hovered number.
fn marks(ui: &Ui, charts: &Charts<'_>, state: &ChartState, index: usize, transform: &PlotTransform) {
    let t = Tokens::of(ui.ctx());
    let frame = *transform.frame();
    let painter = ui.painter().with_clip_rect(frame.intersect(ui.clip_rect()));
    let x = |bar: &ChartBar| f64::from(*bar.numbers.start()) + f64::from(state.width - 1) * 0.5;
    let mut shapes = Vec::new();
    for (number, color) in [(state.hovered, t.empty), (charts.selected, t.selection)] {
        if let Some(bar) = number.and_then(|n| state.at(n)) {
            let at = transform.position_from_point(&PlotPoint::new(x(bar), 0.0));
            let half = (transform.dpos_dvalue_x() as f32 * state.width as f32 * 0.5).max(3.0);
            let band = Rect::from_x_y_ranges(at.x - half..=at.x + half, frame.y_range());
            shapes.push(Shape::rect_stroke(band, 2.0, Stroke::new(1.0, color), egui::StrokeKind::Inside));
        }
    }
    for bar in state.bars.iter().filter(|bar| bar.mark > ChartMark::Open) {
        let Some(value) = bar.values[index] else { continue };
        let top = transform.position_from_point(&PlotPoint::new(x(bar), value));
        let at = pos2(top.x, (top.y - 6.0).max(frame.top() + 6.0));
        match bar.mark {
            ChartMark::Failed => cross(at, t.lost, &mut shapes),
            _ => diamond(at, t.again, &mut shapes),
        }
    }
    painter.extend(shapes);
}

fn title_ui(ui: &mut Ui, charts: &Charts<'_>, index: usize) {
    let t = Tokens::of(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), TITLE), egui::Sense::hover());
    let small = text::regular(text::SMALLEST);
    let used = text::paint_line(
        ui.painter(),
        rect.left_center(),
        charts.titles[index],
        small.clone(),
        t.text_soft,
        rect.width(),
    );
    if let (2, Some(limit)) = (index, charts.limit) {
        let room = rect.right() - rect.left() - used - 2.0 * STEP;
        let whole = format!("- - interval {}", format::number(limit as u64));
        let fits = |words: &str| {
            let galley = text::line(ui.painter(), words, small.clone(), t.text_faint, f32::INFINITY);
            (galley.size().x <= room).then_some(galley)
        };
        if let Some(galley) = fits(&whole).or_else(|| fits("- - interval")) {
            ui.painter().galley(pos2(rect.right() - galley.size().x, rect.top()), galley, t.text_faint);
        }
        response.on_hover_text("Above the batch interval the stream falls behind");
    }
}

fn name(charts: &Charts<'_>, index: usize) -> String {
    let latest = charts.points.iter().rev().find_map(|p| Some((p.number, p.values[index]?)));
    match latest {
        Some((number, latest)) => {
            format!(
                "{} by {}, {} {number} {}",
                charts.titles[index],
                charts.noun.to_lowercase(),
                charts.noun.to_lowercase(),
                value(latest)
            )
        }
        None => format!("{} by {}", charts.titles[index], charts.noun.to_lowercase()),
    }
}

fn hover_ui(response: &Response, charts: &Charts<'_>, bar: &ChartBar) {
    let t = Tokens::of(&response.ctx);
    response.clone().on_hover_ui_at_pointer(|ui| {
        let (first, last) = (bar.numbers.start(), bar.numbers.end());
        let title = if first == last {
            format!("{} {first}", charts.noun)
        } else {
            format!("{}s {first} to {last}, the most of each", charts.noun)
        };
        ui.label(text::rich(title, text::semibold(text::SMALL), t.text));
        for (title, shown) in charts.titles.iter().zip(bar.values) {
            let shown = shown.map_or_else(|| NOTHING.to_owned(), value);
            ui.label(text::rich(format!("{title} {shown}"), text::regular(text::SMALL), t.text_soft));
        }
        let word = match bar.mark {
            ChartMark::Plain => return,
            ChartMark::Open => "not ended yet",
            ChartMark::Recovered => "did work again because something was lost",
            ChartMark::Failed => "failed",
        };
        ui.label(text::rich(word, text::regular(text::SMALL), t.text));
    });
}

/// A value on an axis: whole, or with one digit while it is small.
fn value(value: f64) -> String {
    if value < 10.0 && value.fract().abs() > 0.05 {
        format!("{value:.1}")
    } else {
        format::number(value.round().max(0.0) as u64)
    }
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|f| f * power).into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// Marks at whole numbers, far enough apart for their words.
#[expect(clippy::needless_pass_by_value, reason = "the signature of egui_plot's spacers")]
fn whole_numbers(input: GridInput) -> Vec<GridMark> {
    let step = round_step(input.base_step_size * 6.0).max(1.0);
    let first = (input.bounds.0 / step).ceil().max(0.0) as u64;
    let last = (input.bounds.1 / step).floor().max(0.0) as u64;
    let marks = first..=last.min(first + 200);
    marks.map(|n| GridMark { value: n as f64 * step, step_size: step }).collect()
}

/// Zero, and the roundest value below the top: small charts have room for no more.
#[expect(clippy::needless_pass_by_value, reason = "the signature of egui_plot's spacers")]
fn zero_and_one_more(input: GridInput) -> Vec<GridMark> {
    let top = input.bounds.1.max(1e-9);
    let power = 10f64.powf(top.log10().floor());
    let step = [5.0, 2.0, 1.0, 0.5].map(|f| f * power).into_iter().find(|step| *step <= top * 0.9).unwrap_or(top);
    [0.0, 1.0].map(|n| GridMark { value: n * step, step_size: step }).to_vec()
}
