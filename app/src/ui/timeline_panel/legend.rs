//! What the signs of the timeline mean, painted by what paints them there.

use super::bar_shape::bars;
use super::{PITCH, Plot};
use super::{bands, driver_lane};
use crate::model::Condition;
use crate::scene::timeline::{Bar, BarState, Doing, Piece, Stretch, Timeline};
use crate::theme::widgets::line_ui;
use crate::theme::{STEP, Tokens, text};
use egui::epaint::Mesh;
use egui::{Frame, Margin, Popup, PopupCloseBehavior, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, WidgetType, vec2};
use faultline_engine::ids::{BatchId, TaskId};

/// Width of a column.
const COLUMN: f32 = 264.0;
/// Width of a sign.
const SIGN: f32 = 36.0;
/// Height of an entry.
const ROW: f32 = 5.5 * STEP;

/// One sign.
#[derive(Clone, Copy)]
enum Sample {
    Piece(Doing, bool),
    CheckpointJob,
    State(BarState),
    Speculative,
    Fault,
    Lost,
    Left,
    Band(Condition),
    Driver(Stretch),
}

/// What the legend lists, column by column.
const COLUMNS: [&[(Sample, &str)]; 2] = [
    &[
        (Sample::Piece(Doing::Computed, false), "computed first"),
        (Sample::Piece(Doing::Computed, true), "computed again, because of a loss"),
        (Sample::Piece(Doing::ReadMemory, false), "read from memory"),
        (Sample::Piece(Doing::ReadDisk, false), "read from disk"),
        (Sample::Piece(Doing::ReadBack, false), "read back from a checkpoint or a log"),
        (Sample::Piece(Doing::Fetched, false), "fetched map outputs"),
        (Sample::Piece(Doing::Written, false), "wrote map output"),
        (Sample::CheckpointJob, "second job of a checkpoint"),
        (Sample::State(BarState::Running), "runs"),
        (Sample::Driver(Stretch::Up), "driver up"),
        (Sample::Driver(Stretch::Recovering { checkpoint: BatchId(0) }), "driver goes on from a checkpoint"),
        (Sample::Driver(Stretch::Down), "driver gone"),
    ],
    &[
        (Sample::State(BarState::Failed), "failed"),
        (Sample::State(BarState::Killed), "killed, another attempt succeeded"),
        (Sample::Speculative, "speculative attempt of a slow task"),
        (Sample::Fault, "a fault struck"),
        (Sample::Lost, "executor lost"),
        (Sample::Left, "executor left in order"),
        (Sample::Band(Condition::Decommissioning), "executor is decommissioned"),
        (Sample::Band(Condition::Paused), "executor paused"),
        (Sample::Band(Condition::Slow), "executor slow"),
        (Sample::Band(Condition::Excluded), "executor excluded"),
        (Sample::Band(Condition::ExcludedFromStage), "executor excluded from a stage"),
    ],
];

/// The button, and the list above it.
pub(super) fn legend_ui(ui: &mut Ui) {
    let button = ui.selectable_label(false, "Legend").on_hover_text("What the signs of the timeline mean");
    button.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "Legend of the timeline"));
    Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        let room = ui.ctx().content_rect().width() - 12.0 * STEP;
        let wide = room >= 2.0 * COLUMN;
        ui.spacing_mut().item_spacing = vec2(4.0 * STEP, 0.0);
        Frame::new().inner_margin(Margin::symmetric(8, 4)).show(ui, |ui| {
            if wide {
                ui.set_width(2.0 * COLUMN + 4.0 * STEP);
                ui.horizontal_top(|ui| COLUMNS.iter().for_each(|column| column_ui(ui, column)));
            } else {
                COLUMNS.iter().for_each(|column| column_ui(ui, column));
            }
        });
    });
}

fn column_ui(ui: &mut Ui, entries: &[(Sample, &str)]) {
    let t = Tokens::of(ui.ctx());
    ui.vertical(|ui| {
        ui.set_width(COLUMN);
        ui.spacing_mut().interact_size.y = ROW;
        for (sample, words) in entries {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 3.0 * STEP;
                let (place, _) = ui.allocate_exact_size(vec2(SIGN, ROW), Sense::hover());
                let mut shapes = Vec::new();
                sample_shapes(*sample, place, t, &mut shapes);
                ui.painter().extend(shapes);
                line_ui(ui, text::rich(*words, text::regular(text::SMALL), t.text_soft));
            });
        }
    });
}

fn sample_shapes(sample: Sample, place: Rect, t: &Tokens, out: &mut Vec<Shape>) {
    let plot = Plot { rect: place, pitch: PITCH.0, scroll: 0.0 };
    let x = (0.0, SIGN - 12.0);
    let whole = |doing: Doing, again: bool| vec![Piece { doing, again, x }];
    let bar = Bar {
        row: 0,
        task: TaskId(0),
        x,
        state: BarState::Succeeded,
        checkpoint_job: false,
        speculative: false,
        pieces: whole(Doing::Computed, false),
        lit: false,
        selected: false,
    };
    let bar = match sample {
        Sample::Piece(doing, again) => Bar { pieces: whole(doing, again), ..bar },
        Sample::CheckpointJob => Bar { checkpoint_job: true, ..bar },
        Sample::State(state) => Bar { state, ..bar },
        Sample::Speculative => Bar { speculative: true, ..bar },
        Sample::Fault => {
            let (c, r) = (place.left_center() + vec2(x.1 / 2.0, 0.0), STEP);
            for direction in [vec2(r, r), vec2(r, -r)] {
                out.push(Shape::line_segment([c - direction, c + direction], Stroke::new(2.0, t.lost)));
            }
            return;
        }
        Sample::Lost | Sample::Left => {
            let color = if matches!(sample, Sample::Lost) { t.lost } else { t.line };
            let fill = if matches!(sample, Sample::Lost) { t.lost_surface } else { t.raised };
            let rect = plot.row(0, x);
            out.push(Shape::rect_filled(rect, STEP, fill));
            out.push(Shape::rect_stroke(rect, STEP, Stroke::new(1.0, color), egui::StrokeKind::Inside));
            return;
        }
        Sample::Driver(stretch) => {
            driver_lane::sample(stretch, plot.row(0, x), t, out);
            return;
        }
        Sample::Band(condition) => {
            let mut mesh = Mesh::default();
            let strip = Rect::from_center_size(plot.row(0, x).center(), vec2(x.1, 4.0));
            bands::paint(&mut mesh, strip, condition, t);
            out.push(Shape::mesh(mesh));
            return;
        }
    };
    bars(&Timeline { bars: vec![bar], ..Timeline::default() }, &plot, t, out);
}
