//! The first minute: slow motion after a kill, and the one hint.

use super::race::advice;
use crate::command::{AppCommand, EngineCommand, RaceCommand, Transport};
use crate::model::{DriverPhase, Model, Shown};
use crate::race::plan_of;
use crate::session::Session;
use crate::state::UiState;
use faultline_engine::sim::Control;

/// Virtual seconds per wall second while a batch recovers.
const SLOW: f64 = 0.1;
/// Fastest speed between a kill and its recovery: faster, and nobody would see it begin.
const WATCHABLE: f64 = 1.0;

/// What the guide did so far.
#[derive(Debug, Default)]
pub struct Guide {
    /// Speed to return to when the recovery has ended.
    slowed: Option<f64>,
    faults_seen: usize,
}

impl Guide {
    /// The user chose a speed: it stays.
    pub fn user_chose_speed(&mut self) {
        self.slowed = None;
    }

    /// The speed that the user chose, if the guide has changed it.
    pub const fn chosen_speed(&self) -> Option<f64> {
        self.slowed
    }

    /// A kill is about to be sent: from now on the eye must be able to follow.
    pub fn before_kill(&mut self, session: &Session, state: &mut UiState) {
        if session.capabilities().pacing && state.speed > SLOW && self.slowed.is_none() {
            self.slowed = Some(state.speed);
            set_speed(state.speed.min(WATCHABLE), session, state);
        }
    }

    /// Looks at the model after events were folded.
    pub fn observe(&mut self, session: &Session, state: &mut UiState) {
        if let Some(error) = session.error() {
            state.error = Some(error.to_owned());
        }
        if let Some(share) = session.progress() {
            state.hint = Some(format!("Reading the log, {:.0} %", share * 100.0));
            return;
        }
        let live = session.live();
        if session.capabilities().commands {
            self.slow_motion(live, session, state);
        }
        let advice = match session.shown() {
            Shown::Past { .. } if session.is_running() => Some((
                "This is the past, where nothing can be killed; the run goes on: press End to return to live"
                    .to_owned(),
                None,
            )),
            Shown::Past { .. } => Some(("This is the past: press End to see how it ended".to_owned(), None)),
            Shown::Live if session.capabilities().commands => hint(live, session.capabilities().pacing),
            Shown::Live => None,
        };
        let (hint, command) = advice.unzip();
        (state.hint, state.hint_command) = (hint, command.flatten());
    }

    /// While the batch that repairs a fault runs, the clock runs at 0.1×; between batches nothing
    /// happens, so there it keeps its speed.
    fn slow_motion(&mut self, model: &Model, session: &Session, state: &mut UiState) {
        let Some(before) = self.slowed else { return };
        if model.faults.len() > self.faults_seen && !model.story.is_recovering() {
            self.faults_seen = model.faults.len();
            self.slowed = None;
            set_speed(before, session, state);
            return;
        }
        // Programs without batches recover as a whole.
        let at_work = model.streams.streams.is_empty() || model.running_batch().is_some();
        let wanted = if model.story.is_recovering() && at_work { SLOW } else { before.min(WATCHABLE) };
        if (state.speed - wanted).abs() > f64::EPSILON {
            set_speed(wanted, session, state);
        }
    }
}

/// One line of advice, and what it does when it is pressed: to kill an executor once a checkpoint has been
/// cut, then to race the policies. A race needs an input that can be read again.
fn hint(model: &Model, repeatable: bool) -> Option<(String, Option<AppCommand>)> {
    let ended = model.application.ended.is_some();
    match model.driver_phase() {
        DriverPhase::Lost => {
            let next = model.driver_life() + 1;
            let words = match &model.driver.checkpoint {
                Some(checkpoint) => {
                    format!(
                        "The driver is gone: press D to start driver {next} from the checkpoint of batch {}",
                        checkpoint.batch
                    )
                }
                None => format!("The driver is gone: press D to start driver {next} from nothing"),
            };
            return Some((words, Some(AppCommand::Engine(EngineCommand::RestartDriver))));
        }
        DriverPhase::Waiting | DriverPhase::Recovering => return None,
        DriverPhase::Starting | DriverPhase::Running | DriverPhase::Ended => {}
    }
    let mut present = model.executors.values().filter(|e| !model.of_former_life(e)).peekable();
    if !ended && present.peek().is_some() && present.all(|e| !e.alive) {
        return Some(("No executor is alive: restart one to go on".to_owned(), None));
    }
    let Some(fault) = model.faults.last() else {
        let cut = !model.checkpoints.is_empty();
        let victim = model.executors.values().filter(|e| e.alive).map(|e| e.id).nth(1)?;
        let ready = !ended && (cut || model.streams.streams.is_empty());
        return ready.then(|| (format!("Press {victim} to kill executor {victim}"), None));
    };
    if model.story.is_recovering() || !repeatable {
        return None;
    }
    let advice = advice(&plan_of(fault)?, !model.receivers.is_empty());
    Some((advice, Some(AppCommand::Race(RaceCommand::OfLastFault))))
}

fn set_speed(speed: f64, session: &Session, state: &mut UiState) {
    state.speed = speed;
    session.send(Control::Transport(Transport::Speed(speed)));
}
