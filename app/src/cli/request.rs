//! From the options of the command line to a run.

use super::UsageError;
use super::args::Sizing;
use crate::opening::{LINES_PER_BATCH, default_text};
use crate::race::check_fault;
use crate::race::engine_run::RunRequest;
use faultline_engine::config::EngineConfig;
use faultline_engine::programs::{BuiltIn, ProgramInput};
use faultline_engine::rdd::ReplayText;
use faultline_engine::runtime::SystemFiles;
use std::path::Path;

/// A run under the virtual clock, without faults.
///
/// # Errors
/// When the input cannot be read.
pub fn run_request(program: BuiltIn, sizing: &Sizing) -> anyhow::Result<RunRequest> {
    let config = EngineConfig {
        app_name: program.name.to_owned(),
        seed: sizing.seed,
        executors: sizing.executors,
        cores: sizing.cores,
        memory: sizing.memory,
        partitions: sizing.partitions,
        max_batches: Some(sizing.batches),
        ..EngineConfig::default()
    };
    let text = load_text(sizing.input.as_deref())?;
    Ok(RunRequest::new(program, config, ProgramInput { text, lines_per_batch: LINES_PER_BATCH }))
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

fn load_text(path: Option<&Path>) -> anyhow::Result<ReplayText> {
    let Some(path) = path else { return Ok(default_text()) };
    let Some(text) = path.to_str() else {
        let message = format!("the path of --input is not Unicode; rename it ({})", path.display());
        return Err(UsageError(message).into());
    };
    let loaded = ReplayText::load(&SystemFiles, text);
    loaded.map_err(|error| anyhow::anyhow!("{error}; --input takes a text file, or a directory of text files"))
}
