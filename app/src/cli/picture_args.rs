//! What `faultline screenshot` takes.

use super::args::{FAULTS, Source, parse_source};
use super::conf::Conf;
use crate::ui::dock::{Pane, Preset};
use crate::ui::storage_panel::StorageTab;
use clap::{Args, ValueEnum};
use faultline_engine::ids::{BatchId, OperatorName, PartitionId};
use faultline_engine::programs::{BuiltIn, InputSource};
use faultline_engine::sim::faults::PlannedFault;
use std::path::PathBuf;

/// Largest side of a picture, in points.
pub const MAX_PICTURE_SIDE: u32 = 8_192;

/// Arguments of `screenshot`.
#[derive(Clone, Debug, Args)]
#[command(after_help = format!("\
Examples:
  faultline screenshot word-count --at batch=7 --fault kill:executor=2@batch=7 kill.png
  faultline screenshot word-count --view race --fault kill:executor=2@batch=7 race.png
  faultline screenshot word-count --at batch=8 --fault kill:executor=2@batch=8 --select updateStateByKey/7/1 why.png
  faultline screenshot application-log --theme light --size 1920x1080 log.png

{FAULTS}"))]
pub struct ScreenshotArgs {
    /// A program, or the path of an event log
    #[arg(value_parser = parse_source, value_name = "PROGRAM | EVENT LOG")]
    pub source: Source,
    /// When to look: at the end of this batch, written batch=N; else at the end
    #[arg(long, value_name = "batch=N", value_parser = parse_batch)]
    pub at: Option<BatchId>,
    /// A fault, see below; may be repeated
    #[arg(long = "fault", value_name = "SPEC")]
    pub faults: Vec<PlannedFault>,
    /// Of a program: lines that a simulated client sends, simulated:tcp or simulated:ack-tcp
    #[arg(long = "source", value_name = "SOURCE")]
    pub from: Option<InputSource>,
    /// Settings of the program.
    #[command(flatten)]
    pub conf: Conf,
    /// What to draw
    #[arg(long, value_enum, default_value_t = View::Lineage)]
    pub view: View,
    /// The panel below the lineage
    #[arg(long, value_enum, default_value_t = BelowPanel::Timeline)]
    pub below: BelowPanel,
    /// How the panels are arranged
    #[arg(long, value_enum, default_value_t = Layout::Teach)]
    pub layout: Layout,
    /// Ask why about a partition, written operator/batch/partition
    #[arg(long, value_name = "PLACE", value_parser = parse_place)]
    pub select: Option<Place>,
    /// How large everything is, from 0.75 to 2
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_scale)]
    pub scale: f32,
    /// Width and height in points
    #[arg(long, value_name = "WxH", default_value = "1280x800", value_parser = parse_picture_size)]
    pub size: PictureSize,
    /// Colours
    #[arg(long, value_enum, default_value_t = Theme::Dark)]
    pub theme: Theme,
    /// The PNG file to write
    #[arg(value_name = "OUT.png")]
    pub out: PathBuf,
}

impl ScreenshotArgs {
    /// The demo after its kill, in the directory of the caller.
    pub fn lineage_of(program: BuiltIn, faults: Vec<PlannedFault>, at: BatchId, out: PathBuf) -> Self {
        let size = PictureSize { width: 1280, height: 800 };
        Self {
            source: Source::Program(program),
            at: Some(at),
            faults,
            from: None,
            conf: Conf::default(),
            view: View::Lineage,
            below: BelowPanel::Timeline,
            layout: Layout::Teach,
            select: None,
            scale: 1.0,
            size,
            theme: Theme::Dark,
            out,
        }
    }
}

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum View {
    /// The lineage with everything around it.
    Lineage,
    /// The race of the policies.
    Race,
}

/// What a picture shows below the lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BelowPanel {
    /// Tasks over time.
    Timeline,
    /// Batches as plot and table.
    Batches,
    /// Stored partitions.
    Storage,
    /// Map outputs.
    MapOutputs,
    /// Files of the reliable store.
    StoreFiles,
    /// What became of what was received.
    Ledger,
    /// What should be looked at.
    Findings,
}

impl BelowPanel {
    /// The panel, and the table in that of storage.
    pub fn shown(self) -> (Pane, StorageTab) {
        match self {
            Self::Timeline => (Pane::Timeline, StorageTab::default()),
            Self::Batches => (Pane::Batches, StorageTab::default()),
            Self::Storage => (Pane::Storage, StorageTab::Partitions),
            Self::MapOutputs => (Pane::Storage, StorageTab::MapOutputs),
            Self::StoreFiles => (Pane::Storage, StorageTab::Files),
            Self::Ledger => (Pane::Ledger, StorageTab::default()),
            Self::Findings => (Pane::Findings, StorageTab::default()),
        }
    }
}

/// Colours of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Theme {
    /// Dark background.
    Dark,
    /// Light background.
    Light,
    /// Black, white and few colours.
    HighContrast,
}

/// How the panels of a picture are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// The lineage in the middle, one panel below it.
    Teach,
    /// Everything at once.
    Debug,
}

impl From<Layout> for Preset {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::Teach => Self::Teach,
            Layout::Debug => Self::Debug,
        }
    }
}

/// A partition of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Operator.
    pub operator: OperatorName,
    /// Batch, for streaming programs.
    pub batch: Option<BatchId>,
    /// Partition.
    pub partition: PartitionId,
}

impl From<Theme> for crate::theme::Theme {
    fn from(theme: Theme) -> Self {
        match theme {
            Theme::Dark => Self::Dark,
            Theme::Light => Self::Light,
            Theme::HighContrast => Self::HighContrast,
        }
    }
}

/// Width and height of a picture in points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureSize {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

fn parse_batch(text: &str) -> Result<BatchId, String> {
    let number = text.strip_prefix("batch=").and_then(|n| n.parse().ok()).filter(|n| *n > 0);
    number.map(BatchId).ok_or_else(|| "write batch=N, for example batch=7".to_owned())
}

fn parse_picture_size(text: &str) -> Result<PictureSize, String> {
    let side = |text: &str| text.parse().ok().filter(|side| (1..=MAX_PICTURE_SIDE).contains(side));
    let size = text.split_once('x').and_then(|(w, h)| Some(PictureSize { width: side(w)?, height: side(h)? }));
    size.ok_or_else(|| format!("write WIDTHxHEIGHT up to {MAX_PICTURE_SIDE}, for example 1280x800"))
}

fn parse_place(text: &str) -> Result<Place, String> {
    let way_out = || "write operator/batch/partition, for example updateStateByKey/7/1".to_owned();
    let (rest, partition) = text.rsplit_once('/').ok_or_else(way_out)?;
    let partition = PartitionId(partition.parse().map_err(|_| way_out())?);
    let (operator, batch) = match rest.rsplit_once('/') {
        Some((operator, batch)) => (operator, Some(BatchId(batch.parse().map_err(|_| way_out())?))),
        None => (rest, None),
    };
    Ok(Place { operator: operator.into(), batch, partition })
}

fn parse_scale(text: &str) -> Result<f32, String> {
    let scale = text.parse().ok().filter(|scale| (0.75..=2.0).contains(scale));
    scale.ok_or_else(|| "write a number from 0.75 to 2, for example 1.5".to_owned())
}
