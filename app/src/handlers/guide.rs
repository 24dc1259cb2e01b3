//! The first minute: slow motion after a kill, and the one hint.

use crate::command::Transport;
use crate::model::Model;
use crate::session::Session;
use crate::state::UiState;
use faultline_engine::ids::ExecutorId;
use faultline_engine::sim::Control;

/// Virtual seconds per wall second while a batch recovers.
const SLOW: f64 = 0.1;

/// What the guide did so far.
#[derive(Debug, Default)]
pub struct Guide {
    /// Speed to return to when the slow motion ends.
    slowed: Option<f64>,
    /// A fault is being repaired, and the user has not chosen a speed meanwhile.
    armed: bool,
    faults_seen: usize,
}

impl Guide {
    /// The user chose a speed: it stays.
    pub fn user_chose_speed(&mut self) {
        self.slowed = None;
        self.armed = false;
    }

    /// Looks at the model after events were folded.
    pub fn observe(&mut self, session: &Session, state: &mut UiState) {
        if !session.capabilities().commands {
            return;
        }
        let model = session.model();
        self.slow_motion(model, session, state);
        state.hint = self.hint(model).or_else(|| session.error().map(ToOwned::to_owned));
    }

    /// While the batch that repairs a fault runs, the clock runs at 0.1×; between batches nothing
    /// happens, so there it keeps its speed.
    fn slow_motion(&mut self, model: &Model, session: &Session, state: &mut UiState) {
        if model.faults.len() > self.faults_seen {
            self.faults_seen = model.faults.len();
            self.armed = true;
        }
        let recovering = model.story.recovering.is_some();
        // Programs without batches recover as a whole.
        let at_work = recovering && (model.streams.streams.is_empty() || model.running_batch().is_some());
        match self.slowed {
            None if self.armed && at_work && state.speed > SLOW => {
                self.slowed = Some(state.speed);
                set_speed(SLOW, session, state);
            }
            Some(before) if !at_work => {
                self.slowed = None;
                set_speed(before, session, state);
            }
            _ => {}
        }
        self.armed &= recovering;
    }

    /// One line of advice: to kill an executor once a checkpoint has been cut, then to race policies.
    fn hint(&self, model: &Model) -> Option<String> {
        if model.faults.is_empty() {
            let cut = model.checkpoints.values().next().is_some();
            let waited = model.streams.streams.is_empty() || cut;
            let victim = model.executors.values().filter(|e| e.alive).map(|e| e.id).nth(1)?;
            return waited.then(|| kill_hint(victim));
        }
        if model.story.recovering.is_some() {
            return None;
        }
        let fault = model.faults.last()?;
        let batch = fault.batch?;

        Some(format!(
            "The same kill under five policies: faultline compare {} --fault {}@batch={batch}",
            model.application.name, fault.fault
        ))
    }
}

fn kill_hint(victim: ExecutorId) -> String {
    format!("Press {victim} to kill executor {victim}")
}

fn set_speed(speed: f64, session: &Session, state: &mut UiState) {
    state.speed = speed;
    session.send(Control::Transport(Transport::Speed(speed)));
}
