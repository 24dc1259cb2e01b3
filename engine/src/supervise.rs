//! Starting a driver again after a crash: how long to wait, and when not to (R16).
//!
//! Owns the decision and nothing else: whoever asks measures the time, starts the driver and sees it end. So the
//! loops of the engine and the process that supervises `faultline run` decide alike.
//!
//! ```text
//!             started                    ended: crashed, supervised
//! Waiting ───────────────▶ Running ───────────────────────────────▶ Waiting { until }
//!    │                        │
//!    └── killed ──▶ Over ◀────┴── ended: finished, killed before, or not supervised
//!                    └── somebody starts it ──▶ Running
//! ```

pub use crate::command::SuperviseMode;

use crate::ids::{Millis, Timestamp};

/// Wait before the first restart, and after a run that got on.
pub const FIRST_DELAY: Millis = Millis(1000);
/// Longest wait. Spark doubles without end.
pub const DELAY_MAX: Millis = Millis(8000);
/// A run that lasted longer than this got on.
pub const STEADY_RUN: Millis = Millis(5000);

/// How a run of the driver ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverEnd {
    /// With exit code 0: it did what it was to do.
    Finished,
    /// With another exit code, by a signal, or it could not even start.
    Crashed,
}

/// What follows the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterEnd {
    /// The driver is to be started again.
    Restart {
        /// How long to wait.
        delay: Millis,
        /// When the wait is over.
        at: Timestamp,
    },
    /// It is not started again.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting { until: Timestamp },
    Running { since: Timestamp },
    Over,
}

/// The supervision of one driver, over all of its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervision {
    mode: SuperviseMode,
    phase: Phase,
    /// The wait after a crash, unless the run got on.
    delay: Millis,
    /// The run that goes on, or ended last, completed a batch.
    batch_completed: bool,
    kill_requested: bool,
    restarts: u32,
}

impl Supervision {
    /// Of a driver that has not been started yet and may be at once.
    pub const fn new(mode: SuperviseMode) -> Self {
        let phase = Phase::Waiting { until: Timestamp(0) };
        Self { mode, phase, delay: FIRST_DELAY, batch_completed: false, kill_requested: false, restarts: 0 }
    }

    /// Whether crashes are followed by restarts.
    pub const fn mode(&self) -> SuperviseMode {
        self.mode
    }

    /// Switches it while the driver runs. What waits for a restart is not started any more when it is off.
    pub const fn set_mode(&mut self, mode: SuperviseMode) {
        self.mode = mode;
        if matches!((mode, self.phase), (SuperviseMode::Off, Phase::Waiting { .. })) {
            self.phase = Phase::Over;
        }
    }

    /// A run began.
    pub const fn started(&mut self, now: Timestamp) {
        self.phase = Phase::Running { since: now };
        self.batch_completed = false;
    }

    /// The run completed a batch: whatever makes it crash, it gets on.
    pub const fn batch_completed(&mut self) {
        self.batch_completed = true;
    }

    /// Somebody wants the driver to be gone for good. A run that goes on is ended by whoever started it.
    pub const fn request_kill(&mut self) {
        self.kill_requested = true;
        if matches!(self.phase, Phase::Waiting { .. }) {
            self.phase = Phase::Over;
        }
    }

    /// The run ended. Without a run nothing changes.
    pub fn ended(&mut self, now: Timestamp, end: DriverEnd) -> AfterEnd {
        let Phase::Running { since } = self.phase else {
            return match self.phase {
                Phase::Waiting { until } => {
                    AfterEnd::Restart { delay: Millis(until.ns_since(now) / 1_000_000), at: until }
                }
                _ => AfterEnd::Over,
            };
        };
        if end == DriverEnd::Finished || self.mode == SuperviseMode::Off || self.kill_requested {
            self.phase = Phase::Over;
            return AfterEnd::Over;
        }
        if self.batch_completed || now > since.plus(STEADY_RUN) {
            self.delay = FIRST_DELAY;
        }
        let delay = self.delay;
        let at = now.plus(delay);
        self.delay = Millis(delay.0.saturating_mul(2).min(DELAY_MAX.0));
        self.restarts += 1;
        self.phase = Phase::Waiting { until: at };
        AfterEnd::Restart { delay, at }
    }

    /// When the driver is to be started; nothing while it runs, and when it is not started any more.
    pub const fn start_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Waiting { until } => Some(until),
            Phase::Running { .. } | Phase::Over => None,
        }
    }

    /// Whether the driver is not started any more.
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Restarts that were decided on, from 0.
    pub const fn restarts(&self) -> u32 {
        self.restarts
    }
}

#[cfg(test)]
mod tests {
    use super::DriverEnd::{Crashed, Finished};
    use super::*;

    const T0: Timestamp = crate::ids::VIRTUAL_EPOCH;

    /// One run of the driver: how long, whether a batch completed in it, and its end.
    type Run = (u64, bool, DriverEnd);

    /// The waits after each run, in milliseconds; `None` when the driver stays away.
    fn waits(runs: &[Run]) -> Vec<Option<u64>> {
        let mut supervision = Supervision::new(SuperviseMode::On);
        let mut now = T0;
        let after = |&(lasted, batch, end): &Run| {
            supervision.started(now);
            if batch {
                supervision.batch_completed();
            }
            now = now.plus(Millis(lasted));
            match supervision.ended(now, end) {
                AfterEnd::Restart { delay, at } => {
                    assert_eq!(supervision.start_at(), Some(at));
                    assert_eq!(at, now.plus(delay));
                    now = at;
                    Some(delay.0)
                }
                AfterEnd::Over => {
                    assert!(supervision.is_over());
                    None
                }
            }
        };
        runs.iter().map(after).collect()
    }

    /// G08, R16.1. Without it a driver that crashes at each start would be started as fast as the machine can, or
    /// one that ran well would wait as if it had not.
    #[test]
    fn g08_restarts_wait_longer_until_a_run_gets_on() {
        let short = (100, false, Crashed);
        assert_eq!(waits(&[short; 3]), [Some(1000), Some(2000), Some(4000)]);
        assert_eq!(waits(&[(100, false, Finished)]), [None]);
        assert_eq!(waits(&[short, short, (6000, false, Crashed)]), [Some(1000), Some(2000), Some(1000)]);
        // Exactly five seconds are not more than five.
        assert_eq!(waits(&[short, (5000, false, Crashed)]), [Some(1000), Some(2000)]);
    }

    /// Where we differ from Spark. Without it a driver that is killed again and again would wait for minutes,
    /// although it completes batches each time.
    #[test]
    fn a_completed_batch_resets_the_wait_and_eight_seconds_cap_it() {
        let short = (100, false, Crashed);
        let capped = [1000, 2000, 4000, 8000, 8000, 8000].map(Some);
        assert_eq!(waits(&[short; 6]), capped);
        // What an earlier run completed is not what this one did.
        let runs = [short, short, (100, true, Crashed), short];
        assert_eq!(waits(&runs), [1000, 2000, 1000, 2000].map(Some));
    }

    /// G08: a kill request. Without it a driver that somebody ended would come back.
    #[test]
    fn g08_a_killed_driver_stays_away() {
        let mut running = Supervision::new(SuperviseMode::On);
        running.started(T0);
        running.request_kill();
        assert!(!running.is_over(), "its process still ends");
        assert_eq!(running.ended(T0.plus(Millis(10)), Crashed), AfterEnd::Over);

        let mut waiting = Supervision::new(SuperviseMode::On);
        waiting.started(T0);
        waiting.ended(T0, Crashed);
        assert_eq!(waiting.restarts(), 1);
        waiting.request_kill();
        assert_eq!((waiting.is_over(), waiting.start_at()), (true, None));
    }

    /// Without it a driver that nobody supervises would be restarted, or the switch would come too late.
    #[test]
    fn without_supervision_a_crash_is_the_end() {
        let mut off = Supervision::new(SuperviseMode::Off);
        off.started(T0);
        assert_eq!(off.ended(T0, Crashed), AfterEnd::Over);

        let mut switched = Supervision::new(SuperviseMode::On);
        switched.started(T0);
        switched.ended(T0, Crashed);
        switched.set_mode(SuperviseMode::Off);
        assert_eq!(switched.start_at(), None);

        // Somebody starts it by hand.
        off.started(T0);
        assert_eq!((off.is_over(), off.start_at()), (false, None));

        let mut late = Supervision::new(SuperviseMode::Off);
        late.started(T0);
        late.set_mode(SuperviseMode::On);
        assert_eq!(late.ended(T0, Crashed), AfterEnd::Restart { delay: FIRST_DELAY, at: T0.plus(FIRST_DELAY) });
    }
}
