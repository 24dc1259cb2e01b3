//! How fast a simulation runs: as fast as it computes, or its virtual clock held to wall time × speed.

use crate::clock::Clock;
use crate::command::{Command, StepGrain, Transport};
use crate::event::{Envelope, Event};
use crate::ids::Timestamp;
use crate::runtime::Control;
use crate::sync::channel::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::Arc;
use std::time::Duration;

/// Longest sleep between two looks at the controls.
const NAP: Duration = Duration::from_millis(4);

/// Holds virtual time to wall time × speed, and listens to controls meanwhile.
pub struct Pacing {
    controls: Receiver<Control>,
    clock: Arc<dyn Clock>,
    speed: f64,
    paused: bool,
    step: Option<StepGrain>,
    /// Whether the program runs in batches; in others a step of a batch is a step of a job.
    streaming: bool,
    /// Virtual and wall time of the last change of speed.
    anchor: Option<(Timestamp, Timestamp)>,
    quit: bool,
}

/// What happened while waiting.
pub(super) enum Waited {
    /// The time has come.
    Due,
    /// A command arrived at this virtual time.
    Command(Timestamp, Command),
    /// The window is gone.
    Quit,
}

impl Pacing {
    /// Runs at `speed` virtual seconds per wall second until told otherwise.
    pub fn new(controls: Receiver<Control>, clock: Arc<dyn Clock>, speed: f64) -> Self {
        Self { controls, clock, speed, paused: false, step: None, streaming: false, anchor: None, quit: false }
    }

    /// Looks at new events: a step may end.
    pub(super) fn observe(&mut self, events: &[Envelope], now: Timestamp) {
        self.streaming |= events.iter().any(|e| matches!(e.event, Event::StreamingStarted { .. }));
        let Some(grain) = self.step else { return };
        let streaming = self.streaming;
        let ended = events.iter().any(|e| match grain {
            StepGrain::Task => matches!(e.event, Event::TaskEnd { .. }),
            StepGrain::Stage => matches!(e.event, Event::StageCompleted { .. }),
            StepGrain::Batch if streaming => matches!(e.event, Event::BatchCompleted { .. }),
            StepGrain::Batch => matches!(e.event, Event::JobEnd { .. }),
        });
        if ended {
            self.step = None;
            self.paused = true;
            self.anchor = Some((now, self.clock.now()));
        }
    }

    /// Virtual time now, when the last input was handled at `last` and the next is due at `due`.
    fn virtual_now(&mut self, last: Timestamp, due: Timestamp) -> Timestamp {
        let wall = self.clock.now();
        let (virtual_0, wall_0) = *self.anchor.get_or_insert((last, wall));
        if self.paused {
            return last;
        }
        if !self.speed.is_finite() || self.step.is_some() {
            return due;
        }
        let elapsed = (wall.ns_since(wall_0) as f64 * self.speed) as u64;
        Timestamp(virtual_0.plus_ns(elapsed).0.clamp(last.0, due.0.max(last.0)))
    }

    /// Virtual time jumped: from there it goes on.
    pub(super) fn jumped(&mut self, now: Timestamp) {
        self.anchor = Some((now, self.clock.now()));
    }

    fn control(&mut self, control: Control, now: Timestamp) -> Option<Waited> {
        match control {
            Control::Command(command) => return Some(Waited::Command(now, command)),
            Control::Quit => self.quit = true,
            Control::Transport(transport) => {
                match transport {
                    Transport::Pause => {
                        self.paused = true;
                        self.step = None;
                    }
                    Transport::Resume => {
                        self.paused = false;
                        self.step = None;
                    }
                    Transport::Step(grain) => {
                        self.paused = false;
                        self.step = Some(grain);
                    }
                    Transport::Speed(speed) => self.speed = speed.max(0.001),
                }
                self.anchor = Some((now, self.clock.now()));
            }
        }
        self.quit.then_some(Waited::Quit)
    }

    /// Waits until virtual time reaches `due`, or a command arrives. `None` as `due` means that only a
    /// control can go on.
    pub(super) fn wait(&mut self, last: Timestamp, due: Option<Timestamp>) -> Waited {
        loop {
            let now = self.virtual_now(last, due.unwrap_or(last));
            match self.controls.try_recv() {
                Ok(control) => {
                    if let Some(waited) = self.control(control, now) {
                        return waited;
                    }
                    continue;
                }
                Err(TryRecvError::Disconnected) => return Waited::Quit,
                Err(TryRecvError::Empty) => {}
            }
            if !self.paused && due.is_some_and(|due| now >= due) {
                return Waited::Due;
            }
            // While nothing can become due, only a control wakes the loop.
            let idle = self.paused || due.is_none();
            let nap = if idle { Duration::from_secs(3600) } else { NAP };
            match self.controls.recv_timeout(nap) {
                Ok(control) => {
                    let now = self.virtual_now(last, due.unwrap_or(last));
                    if let Some(waited) = self.control(control, now) {
                        return waited;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Waited::Quit,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}
