//! From the options of the command line to a run.

use super::UsageError;
use super::args::{Clock, Sizing};
use crate::opening::{LINES_PER_BATCH, check_source, default_text};
use crate::race::check_fault;
use crate::race::engine_run::RunRequest;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::ClockKind;
use faultline_engine::programs::{BuiltIn, InputSource, ProgramInput};
use faultline_engine::rdd::ReplayText;
use faultline_engine::runtime::SystemFiles;
use std::path::Path;

/// A run under the virtual clock, without faults.
///
/// # Errors
/// When the input cannot be read.
pub fn run_request(program: BuiltIn, sizing: &Sizing) -> anyhow::Result<RunRequest> {
    let mut config = EngineConfig {
        app_name: program.name.to_owned(),
        seed: sizing.seed,
        executors: sizing.executors,
        cores: sizing.cores,
        memory: sizing.memory,
        partitions: sizing.partitions,
        max_batches: Some(sizing.batches()),
        ..EngineConfig::default()
    };
    sizing.conf.apply(&mut config);
    let text = match sizing.input.as_deref() {
        Some(path) => load_text(path)?,
        None => default_text(&program, config.seed),
    };
    Ok(RunRequest::new(program, config, ProgramInput::replay(text, LINES_PER_BATCH)))
}

/// The same with lines from outside: under the wall clock, and without end unless `batches` says one.
///
/// # Errors
/// When the source does not fit the program or the clock, or cannot be read.
pub fn from_source(
    mut request: RunRequest,
    source: InputSource,
    clock: Option<Clock>,
    batches: Option<u32>,
) -> Result<RunRequest, UsageError> {
    if !request.program.streaming {
        let name = request.program.name;
        return Err(UsageError(format!(
            "--source {source}: {name} has no batches, so it reads no lines; choose word-count"
        )));
    }
    if !source.is_external() {
        request.config.max_batches = batches.or(request.config.max_batches);
        request.input.source = source;
        request.clock = clock.unwrap_or(Clock::Virtual).into();
        return Ok(request);
    }
    if clock == Some(Clock::Virtual) {
        return Err(UsageError(format!(
            "--source {source} cannot be read under --clock virtual: nobody outside knows its time; leave --clock away"
        )));
    }
    check_source(&source).map_err(|error| UsageError(format!("--source {source}: {error}")))?;
    request.clock = ClockKind::Wall;
    request.config.max_batches = batches;
    request.input.source = source;
    Ok(request)
}

/// The same with lines from a simulated client, under the virtual clock.
///
/// # Errors
/// When the source is another, or the program reads no lines.
pub fn simulated(run: RunRequest, source: &InputSource, batches: Option<u32>) -> Result<RunRequest, UsageError> {
    if source.is_external() {
        return Err(UsageError(format!(
            "--source {source}: what others send is not sent twice; choose simulated:tcp or simulated:ack-tcp"
        )));
    }
    from_source(run, source.clone(), None, batches)
}

/// Refuses faults that cannot strike in this run.
///
/// # Errors
/// Which fault, why, and what to write instead.
pub fn check_faults(request: &RunRequest) -> Result<(), UsageError> {
    let check = |fault| {
        check_fault(&request.program, &request.config, fault)
            .map_err(|problem| UsageError(format!("--fault {fault}: {problem}")))
    };
    request.config.faults.iter().try_for_each(check)
}

fn load_text(path: &Path) -> anyhow::Result<ReplayText> {
    let Some(text) = path.to_str() else {
        let message = format!("the path of --input is not Unicode; rename it ({})", path.display());
        return Err(UsageError(message).into());
    };
    let loaded = ReplayText::load(&SystemFiles, text);
    loaded.map_err(|error| anyhow::anyhow!("{error}; --input takes a text file, or a directory of text files"))
}
