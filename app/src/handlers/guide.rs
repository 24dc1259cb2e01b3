//! The first minute: slow motion after a kill, and the one hint.

use crate::command::Transport;
use crate::model::Model;
use crate::session::Session;
use crate::state::UiState;
use faultline_engine::ids::{BatchId, ExecutorId};
use faultline_engine::sim::Control;

/// Virtual seconds per wall second while a batch recovers.
const SLOW: f64 = 0.1;

/// What the guide did so far.
#[derive(Debug, Default)]
pub struct Guide {
    /// Speed to return to, and the batch whose end returns to it.
    slowed: Option<(f64, BatchId)>,
    faults_seen: usize,
}

impl Guide {
    /// The user chose a speed: it stays.
    pub fn user_chose_speed(&mut self) {
        self.slowed = None;
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

    /// After a fault the clock runs at 0.1× until the batch that repairs it has ended.
    fn slow_motion(&mut self, model: &Model, session: &Session, state: &mut UiState) {
        if model.faults.len() > self.faults_seen {
            self.faults_seen = model.faults.len();
            if let Some(batch) = model.story.recovering
                && self.slowed.is_none()
                && state.speed > SLOW
            {
                self.slowed = Some((state.speed, batch));
                set_speed(SLOW, session, state);
            }
        }
        if let Some((before, batch)) = self.slowed
            && model.story.recovering.is_none_or(|now| now > batch)
        {
            let completed = model.batches.get(&batch).is_some_and(|b| b.completed.is_some());
            if completed || model.story.recovering.is_none() {
                self.slowed = None;
                set_speed(before, session, state);
            }
        }
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
