//! The way to the window, and what happens without a display.

use super::args::{OpenArgs, Sizing, Source};
use super::compare::race_with_progress;
use super::picture_args::{ScreenshotArgs, View};
use super::request::{run_request, simulated};
use super::{UsageError, run};
use crate::command::Focus;
use crate::opening::DEMO;
use crate::platform::screenshot::write_png;
use crate::race::engine_run::{RunRequest, Store};
use crate::race::{Keep, Policy, RaceRequest, RaceState, race_table};
use crate::session::Session;
use crate::source::RecordedSource;
use crate::window::Look;
use anyhow::Context;
use faultline_engine::command::Command;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::{Envelope, Event};
use faultline_engine::ids::{BatchId, BlockId, ExecutorId};
use faultline_engine::programs::{self, BuiltIn, InputSource};
use faultline_engine::sim::faults::{Moment, PlannedFault};
use std::io::Write;

/// Batches of a received input that run behind the last one of a picture.
const PICTURED_AFTER: u32 = 3;

/// Whether a window can be opened here, as far as the environment tells.
pub fn has_display() -> bool {
    cfg!(any(windows, target_os = "macos")) || crate::window::has_display()
}

/// Opens the window.
///
/// # Errors
/// When there is no way to open one.
pub fn open(args: OpenArgs) -> anyhow::Result<()> {
    let name = match args.source {
        None => DEMO.to_owned(),
        Some(Source::Program(program)) => program.name.to_owned(),
        Some(Source::Log(path)) => path.to_string_lossy().into_owned(),
    };
    if args.from.is_none() && args.conf.is_empty() {
        return crate::window::open(&name, crate::theme::Theme::Dark);
    }
    let mut config = EngineConfig::default();
    args.conf.apply(&mut config);
    let Some(from) = args.from else {
        if programs::find(&name).is_none() {
            return Err(UsageError("--conf: a log has run already; settings need a program".into()).into());
        }
        return crate::window::open_with(&name, &InputSource::Replay, config, crate::theme::Theme::Dark);
    };
    let streams = programs::find(&name).is_some_and(|program| program.streaming);
    if !streams {
        let message =
            format!("--source {from}: {name} is no streaming program, so it reads no lines; choose word-count");
        return Err(UsageError(message).into());
    }
    crate::opening::check_source(&from).map_err(|error| UsageError(format!("--source {from}: {error}")))?;
    crate::window::open_with(&name, &from, config, crate::theme::Theme::Dark)
}

/// Writes a picture.
///
/// # Errors
/// When the source cannot be read, or the picture cannot be written.
pub fn screenshot(args: ScreenshotArgs) -> anyhow::Result<()> {
    let session = recorded(&args)?;
    let race = match args.view {
        View::Lineage => None,
        View::Race => Some(raced(&args)?),
    };
    let look = Look {
        theme: args.theme.into(),
        size: [args.size.width, args.size.height],
        scale: args.scale,
        layout: args.layout.into(),
        below: args.below.shown(),
    };
    let place = args.select.as_ref();
    let picture = crate::window::picture(session, race, look, |model| {
        let Some(place) = place else { return Ok(None) };
        let instances = model.operators.get(&place.operator).and_then(|batches| batches.get(&place.batch));
        let rdd = instances.and_then(|rdds| rdds.last()).and_then(|id| model.rdds.get(id));
        let rdd = rdd.filter(|rdd| place.partition.0 < rdd.info.num_partitions).ok_or_else(|| {
            let known: Vec<&str> = model.operators.keys().map(|name| name.as_str()).collect();
            UsageError(format!("--select: nothing is there; operators are {}", known.join(", ")))
        })?;
        Ok(Some(Focus::Partition(BlockId::new(rdd.info.id, place.partition))))
    })?;
    write_png(&picture, &args.out)
}

/// The race of the program's policies, computed to its end.
fn raced(args: &ScreenshotArgs) -> anyhow::Result<RaceState> {
    let Source::Program(program) = &args.source else {
        return Err(UsageError("--view race needs a program; a log holds one run only".into()).into());
    };
    if args.faults.is_empty() {
        return Err(UsageError("--view race needs a --fault, for example kill:executor=2@batch=7".into()).into());
    }
    let run = pictured(*program, args)?;
    let policies = Policy::of_input(&run.input.source).to_vec();
    let request = RaceRequest { run, policies, keep: Keep::Numbers };
    let mut state = RaceState::default();
    state.begin(&request);
    let race = race_with_progress(&request, &mut |news| state.take(news))?;
    state.finish(Ok(race));
    Ok(state)
}

/// The run of a picture.
fn pictured(program: BuiltIn, args: &ScreenshotArgs) -> anyhow::Result<RunRequest> {
    let mut run = run_request(program, &Sizing { conf: args.conf.clone(), ..Sizing::default() })?;
    run.config.faults.clone_from(&args.faults);
    match &args.from {
        Some(source) => Ok(simulated(run, source, None)?),
        None => Ok(run),
    }
}

/// The events of the source up to the end of the batch asked for.
fn recorded(args: &ScreenshotArgs) -> anyhow::Result<Session> {
    let source = match &args.source {
        Source::Program(program) => {
            let mut request = pictured(*program, args)?;
            let replayed = request.input.source.is_replayed();
            if let Some(batch) = args.at {
                // A receiver that stopped with its stream is not what the picture is of.
                let more = if request.input.source.is_replayed() { 0 } else { PICTURED_AFTER };
                request.config.max_batches = Some(batch.0.saturating_add(more));
            }
            let mut events = Vec::new();
            let ran = request.run(&Store::temporary()?, &mut |slice| events.extend_from_slice(slice));
            // A driver that nobody starts again is something to see.
            if !events.iter().any(|e| matches!(e.event, Event::DriverLost { .. })) {
                ran?;
            }
            let ended = |e: &Envelope| matches!(e.event, Event::BatchCompleted { batch, .. } if Some(batch) == args.at);
            if let Some(end) = events.iter().rposition(ended).filter(|_| !replayed) {
                events.truncate(end + 1);
            }
            // The picture shows the run, not its end.
            events.retain(|e| !matches!(e.event, Event::ApplicationEnd));
            RecordedSource::from(events)
        }
        Source::Log(path) => RecordedSource::read(path, args.at)?,
    };
    Ok(Session::new(Box::new(source)))
}

/// Why no window can open when the environment names no display.
pub const NO_DISPLAY: &str =
    "There is no display: none of DISPLAY, WAYLAND_DISPLAY and WAYLAND_SOCKET is set, so no window can open.";

/// The demo without a window: says so, runs the program with its fault, and prints the race.
///
/// # Errors
/// When the run fails.
pub fn without_display(reason: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "{reason}\n\
         Start faultline in a desktop session, or over `ssh -X`, or under `xvfb-run`.\n\
         {}\n\
         `faultline --help` lists what needs no display.\n\n\
         Here is the demo without a window: {DEMO}, and executor 2 dies before batch 7.\n",
        crate::window::WITHOUT_WINDOW
    )?;
    let program = programs::find(DEMO).context("the demo is one of the built-in programs")?;
    let mut request = run_request(program, &Sizing::default())?;
    let faults = vec![PlannedFault {
        command: Command::KillExecutor { executor: ExecutorId(2) },
        moment: Moment::Batch(BatchId(7)),
    }];
    request.config.faults.clone_from(&faults);
    run::tell_run(&request, &Store::temporary()?, out)?;
    writeln!(out, "\nThe same kill under five policies\n")?;
    let race = RaceRequest { run: request, policies: Policy::ALL.to_vec(), keep: Keep::Numbers };
    let race = race_with_progress(&race, &mut |_| {})?;
    out.write_all(race_table(&race).as_bytes())?;
    let path = std::env::temp_dir().join(format!("faultline-demo-{}.png", std::process::id()));
    screenshot(ScreenshotArgs::lineage_of(program, faults, BatchId(7), path.clone()))?;
    writeln!(out, "\nA picture of the window after the kill is in {}", path.display())?;
    Ok(out.flush()?)
}
