//! What happens to commands: one small function per family.

mod guide;
mod input;

pub use guide::Guide;

use crate::command::{AppCommand, EngineCommand, Transport};
use crate::opening;
use crate::session::Session;
use crate::source::Start;
use crate::state::UiState;
use faultline_engine::sim::Control;
use std::sync::Arc;

/// Carries out one command.
pub fn handle(
    command: AppCommand,
    session: &mut Session,
    state: &mut UiState,
    guide: &mut Guide,
    wake: &Arc<dyn Fn() + Send + Sync>,
) {
    state.apply(&command);
    match command {
        AppCommand::Engine(command) => {
            if matches!(command, EngineCommand::KillExecutor { .. }) {
                guide.before_kill(session, state);
            }
            session.send(Control::Command(command));
        }
        AppCommand::Transport(transport) => {
            if matches!(transport, Transport::Speed(_)) {
                guide.user_chose_speed();
            }
            session.send(Control::Transport(transport));
        }
        AppCommand::OpenProgram(name) => open_program(&name, session, state, guide, wake),
        AppCommand::Input(command) => input::handle(&command, session, state, guide, wake),
        AppCommand::SetStepGrain(_) | AppCommand::Select(_) | AppCommand::FollowCamera | AppCommand::SetTheme(_) => {}
    }
}

fn open_program(
    name: &str,
    session: &mut Session,
    state: &mut UiState,
    guide: &mut Guide,
    wake: &Arc<dyn Fn() + Send + Sync>,
) {
    // A program opened in slow motion runs at the speed that the user had chosen.
    state.speed = guide.chosen_speed().unwrap_or(state.speed);
    let start = Start::Running { speed: state.speed };
    match opening::open(name, start, Arc::clone(wake)) {
        Ok(opened) => {
            *session = opened;
            *guide = Guide::default();
            state.playback = crate::state::Playback::Running;
        }
        Err(error) => state.error = Some(format!("{error:#}")),
    }
}
