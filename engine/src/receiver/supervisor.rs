//! The life of one start of a receiver by the driver: restarts inside it, and its end (R17.3, R17.4, R17.9).
//!
//! ```text
//!           start            on_start returned            on_stop returned
//! (new) ──▶ Starting ──────▶ Up ── restart, stop ──▶ Stopping ──┬─▶ Down ── delay ──▶ Starting
//!                                                               └─▶ Draining ── all answered ──▶ Over
//! ```

use super::generator::ReadyBlock;
use super::intake::{Advance, AnyIntake};
use crate::ids::*;
use crate::seeded::{SeededBug, seeded};
use std::sync::Arc;

/// What a receiver asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// To report an error.
    Error { message: String, error: String },
    /// To be stopped and started again.
    Restart { message: String, error: String, delay: Option<Millis> },
    /// To be stopped.
    Stop { message: String, error: String },
}

/// What is said to the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Say {
    /// It runs.
    Started,
    /// Something went wrong; it goes on.
    Error { message: String, error: String },
    /// It stopped, and starts again by itself.
    Stopped { message: String, error: String },
    /// It has ended: everything that it had is stored and accepted, or lost.
    Ended { message: String, error: String },
}

/// A method of the receiver that is to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    Start,
    Stop,
}

/// What the loop has to do, in order.
#[derive(Debug)]
pub(crate) enum Step {
    /// Tell the driver.
    Tell(Say),
    /// Store a block, and tell the driver; or say that it failed.
    Store(ReadyBlock),
    /// Call the receiver, and say when it returned.
    Call(Hook),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Starting,
    Up,
    Stopping,
    Down { until: Timestamp },
    Draining,
    Over,
}

/// What comes after the stop.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Then {
    Restart { delay: Millis },
    End { message: String, error: String },
}

/// One start of a receiver.
pub(crate) struct Supervisor {
    intake: Arc<dyn AnyIntake>,
    delay: Millis,
    phase: Phase,
    then: Option<Then>,
}

impl Supervisor {
    /// Not started yet; `delay` is `spark.streaming.receiverRestartDelay`.
    pub fn new(intake: Arc<dyn AnyIntake>, delay: Millis) -> Self {
        Self { intake, delay, phase: Phase::New, then: None }
    }

    /// Where records come in.
    pub const fn intake(&self) -> &Arc<dyn AnyIntake> {
        &self.intake
    }

    /// Whether nothing more will happen.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// When something happens by itself.
    pub fn next_at(&self) -> Option<Timestamp> {
        let resume = match self.phase {
            Phase::Over => return None,
            Phase::Down { until } => Some(until),
            _ => None,
        };
        resume.into_iter().chain(self.intake.next_at()).min()
    }

    /// Starts.
    pub fn start(&mut self, now: Timestamp, steps: &mut Vec<Step>) {
        self.phase = Phase::Starting;
        self.intake.resume(now);
        steps.push(Step::Tell(Say::Started));
        steps.push(Step::Call(Hook::Start));
    }

    /// Time passed.
    pub fn advance(&mut self, now: Timestamp, steps: &mut Vec<Step>) {
        if let Phase::Down { until } = self.phase
            && until <= now
        {
            self.start(now, steps);
        }
        if self.phase == Phase::Over {
            return;
        }
        for happened in self.intake.advance(now) {
            match happened {
                Advance::Block(block) => steps.push(Step::Store(block)),
                Advance::Ask(ask) => self.ask(ask, steps),
            }
        }
    }

    /// The receiver asked for something.
    pub fn ask(&mut self, ask: Ask, steps: &mut Vec<Step>) {
        let running = matches!(self.phase, Phase::Starting | Phase::Up) && self.then.is_none();
        match ask {
            Ask::Error { message, error } => steps.push(Step::Tell(Say::Error { message, error })),
            Ask::Restart { message, error, delay } if running => {
                let delay = delay.unwrap_or(self.delay);
                let message = format!("Restarting receiver with delay {delay} ms: {message}");
                steps.push(Step::Tell(Say::Stopped { message, error }));
                self.stop_then(Then::Restart { delay }, steps);
            }
            Ask::Stop { message, error } if running => self.stop_then(Then::End { message, error }, steps),
            // It is being stopped already.
            Ask::Restart { .. } | Ask::Stop { .. } => {}
        }
    }

    /// The driver wants its end. What was received is stored first.
    pub fn stop(&mut self, now: Timestamp, steps: &mut Vec<Step>) {
        let end = Then::End { message: String::new(), error: String::new() };
        match self.phase {
            Phase::Starting | Phase::Up => self.stop_then(end, steps),
            Phase::Stopping => self.then = Some(end),
            Phase::New | Phase::Down { .. } => {
                self.then = Some(end);
                self.drain(now, steps);
            }
            Phase::Draining | Phase::Over => {}
        }
    }

    fn stop_then(&mut self, then: Then, steps: &mut Vec<Step>) {
        self.then = Some(then);
        self.intake.suspend();
        if self.phase == Phase::Up {
            self.phase = Phase::Stopping;
            steps.push(Step::Call(Hook::Stop));
        }
    }

    /// The receiver returned from a call, or panicked with a message.
    pub fn called(&mut self, now: Timestamp, hook: Hook, result: Result<(), String>, steps: &mut Vec<Step>) {
        match (hook, self.phase) {
            (Hook::Start, Phase::Starting) => {
                self.phase = Phase::Up;
                if let Some(then) = self.then.take() {
                    self.stop_then(then, steps);
                } else if let Err(error) = result {
                    let message = "Error starting receiver".to_owned();
                    self.ask(Ask::Stop { message, error }, steps);
                }
            }
            (Hook::Stop, Phase::Stopping) => {
                if let Err(error) = result {
                    let message = "Error stopping receiver".to_owned();
                    steps.push(Step::Tell(Say::Error { message, error }));
                }
                match self.then.take() {
                    Some(Then::Restart { delay }) => self.phase = Phase::Down { until: now.plus(delay) },
                    end => {
                        self.then = end;
                        self.drain(now, steps);
                    }
                }
            }
            _ => {}
        }
    }

    fn drain(&mut self, now: Timestamp, steps: &mut Vec<Step>) {
        self.phase = Phase::Draining;
        if let Some(last) = self.intake.close(now) {
            steps.push(Step::Store(last));
        }
        self.look_whether_drained(steps);
    }

    fn look_whether_drained(&mut self, steps: &mut Vec<Step>) {
        if self.phase == Phase::Draining && self.intake.waiting() == 0 {
            self.phase = Phase::Over;
            let (message, error) = match self.then.take() {
                Some(Then::End { message, error }) => (message, error),
                _ => (String::new(), String::new()),
            };
            steps.push(Step::Tell(Say::Ended { message, error }));
        }
    }

    /// The driver accepted a block, or not.
    pub fn answered(&mut self, now: Timestamp, block: InputBlockId, result: Result<(), String>, steps: &mut Vec<Step>) {
        self.intake.answered(now, block, result);
        self.look_whether_drained(steps);
    }

    /// A block could not be stored: its records are lost, and the receiver starts again.
    pub fn store_failed(&mut self, now: Timestamp, block: &ReadyBlock, error: String, steps: &mut Vec<Step>) {
        if seeded(SeededBug::PushingEndsSilently) {
            return;
        }
        let received = block.received();
        let message = format!("block {} could not be stored; its {} records are lost", received.id, received.records);
        if self.phase == Phase::Draining {
            steps.push(Step::Tell(Say::Error { message: message.clone(), error: error.clone() }));
        }
        self.ask(Ask::Restart { message, error: error.clone(), delay: None }, steps);
        self.answered(now, received.id, Err(error), steps);
    }
}
