//! Opens programs on other inputs.

use super::Guide;
use crate::command::{InputCommand, Keeping, ReceivedLog};
use crate::opening;
use crate::session::Session;
use crate::source::Start;
use crate::state::{Playback, UiState};
use faultline_engine::command::SuperviseMode;
use faultline_engine::config::EngineConfig;
use faultline_engine::programs::InputSource;
use std::sync::Arc;

/// Carries out one command. What is open stays open when the new input cannot be read.
pub fn handle(
    command: &InputCommand,
    session: &mut Session,
    state: &mut UiState,
    guide: &mut Guide,
    wake: &Arc<dyn Fn() + Send + Sync>,
) {
    let InputCommand::Open { program, source, keeping } = command;
    state.speed = guide.chosen_speed().unwrap_or(state.speed);
    let start = Start::Running { speed: state.speed };
    match open((program, source), keeping, state.supervise, start, wake) {
        Ok(opened) => {
            session.replace(opened);
            *guide = Guide::default();
            state.playback = Playback::Running;
        }
        Err(error) => state.error = Some(format!("{error:#}")),
    }
}

fn open(
    (program, source): (&str, &str),
    keeping: &Keeping,
    supervise: SuperviseMode,
    start: Start,
    wake: &Arc<dyn Fn() + Send + Sync>,
) -> anyhow::Result<Session> {
    let source: InputSource = if source == "replay" { InputSource::Replay } else { source.parse()? };
    let mut config = EngineConfig { supervise: supervise == SuperviseMode::On, ..EngineConfig::default() };
    config.receiver_log.enabled = keeping.received == ReceivedLog::On;
    opening::open_kept(program, &source, config, keeping.directory.as_deref(), start, Arc::clone(wake))
}
