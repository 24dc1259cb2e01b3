//! What happens to commands: one small function per family.

pub mod export;
mod file;
mod guide;
mod input;
mod race;
mod scrub;

pub use file::{FileDesk, OpenedLog};
pub use guide::Guide;
pub use race::{RaceDesk, RunShown};

use crate::command::{AppCommand, EngineCommand, Focus, Transport};
use crate::opening;
use crate::scene::node_of;
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
    files: &mut FileDesk,
    wake: &Arc<dyn Fn() + Send + Sync>,
) {
    state.apply(&command);
    match command {
        AppCommand::File(command) => files.carry_out(command, session, state, wake),
        AppCommand::Engine(command) => {
            // What was cannot be changed: only a present that is shown takes commands.
            if !session.is_controllable() {
                return;
            }
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
        AppCommand::Scrub(command) => scrub::scrub(command, session, state),
        AppCommand::OpenProgram(name) => open_program(&name, session, state, guide, wake),
        AppCommand::Input(command) => input::handle(&command, session, state, guide, wake),
        AppCommand::Focus(focus) => select_node_of(focus, session, state),
        // RaceDesk carries them out.
        AppCommand::Race(_) => {}
        AppCommand::SetStepGrain(_)
        | AppCommand::Select(_)
        | AppCommand::ShowPage(_)
        // The shell has the panels.
        | AppCommand::Layout(_)
        | AppCommand::FollowCamera
        | AppCommand::ShowBatch(_)
        | AppCommand::SetTheme(_)
        | AppCommand::Settings(_)
        | AppCommand::ShowOverlay(_) => {}
    }
}

/// The node that shows the selected partition, or the RDD that the selected task computes.
fn select_node_of(focus: Focus, session: &Session, state: &mut UiState) {
    let model = session.model();
    let rdd = match focus {
        Focus::Partition(block) => Some(block.rdd),
        Focus::Task(task) => {
            let stage = model.tasks.get(&task).and_then(|t| model.stages.get(&t.info.stage.stage));
            stage.map(|s| s.info.rdd)
        }
        // No node shows a driver.
        Focus::Driver(_) => {
            state.selection = None;
            None
        }
    };
    if let Some(node) = rdd.and_then(|rdd| node_of(model, rdd)) {
        state.selection = Some(node);
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
    match opening::open_supervised(name, state.supervise, start, Arc::clone(wake)) {
        Ok(opened) => {
            session.replace(opened);
            *guide = Guide::default();
            state.playback = crate::state::Playback::Running;
        }
        Err(error) => state.error = Some(format!("{error:#}")),
    }
}
