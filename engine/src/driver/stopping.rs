//! Stopping a stream (R22): receivers first, then what they received gets into batches, then batches run.
//!
//! Spark waits until the last batch that it processed is the one of its last tick, which never comes when that
//! tick had no job or its batch failed; here every tick is followed to its end, whatever that is.

use super::Driver;
use super::effects::{Effect, Effects};
use super::graph_checkpoints::GraphCheckpoints;
use super::input::{Reply, SlotId};
use super::streaming::Streaming;
use crate::command::StopMode;
use crate::event::{Event, Finding};
use crate::ids::*;
use crate::scheduler::Outbox;

/// Why jobs end that run when the application ends: in Spark's words.
pub(super) const APPLICATION_ENDED: &str = "because SparkContext was shut down";
/// How long generated batches of a graceful stop may run.
const JOBS_GRACEFUL: Millis = Millis(3_600_000);
/// How long user code may take to notice that its jobs are cancelled.
const JOBS_IMMEDIATE: Millis = Millis(2000);
/// Intervals that `spark.streaming.gracefulStopTimeout` has by default.
const INTERVALS_GRACEFUL: u64 = 10;

/// What a stop waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Receivers store what they have.
    Receivers,
    /// What they stored gets into batches, and one more tick comes.
    Ticks,
    /// Generated batches run.
    Batches,
}

/// A stop under way.
pub(super) struct Stopping {
    mode: StopMode,
    phase: Phase,
    /// When it goes on without what it waits for.
    until: Timestamp,
    waiters: Vec<SlotId>,
}

impl Stopping {
    /// When it goes on without what it waits for.
    #[expect(clippy::unnecessary_wraps, reason = "it is one of several deadlines")]
    pub const fn until(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

impl Streaming {
    /// Stopped at once: what still comes back does not count.
    pub(super) fn is_abandoned(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.mode == StopMode::Immediate)
    }
}

impl Driver {
    /// A program stops its stream, and waits.
    pub(super) fn stop_requested(
        &mut self,
        now: Timestamp,
        slot: SlotId,
        mode: StopMode,
        out: &mut Outbox,
        fx: &mut Effects,
    ) {
        self.begin_stop(now, mode, out, fx);
        match self.streaming.as_mut().and_then(|s| s.stop.as_mut().filter(|_| !s.stopped)) {
            Some(stop) => stop.waiters.push(slot),
            None => fx.push(Effect::Reply(slot, Reply::Done(Ok(())))),
        }
    }

    /// Begins a stop. An immediate one overtakes a graceful one; otherwise the first counts (R22.3).
    pub(super) fn begin_stop(&mut self, now: Timestamp, mode: StopMode, out: &mut Outbox, fx: &mut Effects) {
        let Some(s) = &mut self.streaming else {
            if mode == StopMode::Immediate {
                self.scheduler.cancel_all(APPLICATION_ENDED, out);
            }
            return;
        };
        if s.stopped || s.stop.as_ref().is_some_and(|stop| stop.mode == mode || stop.mode == StopMode::Immediate) {
            return;
        }
        let waiters = s.stop.take().map(|stop| stop.waiters).unwrap_or_default();
        match mode {
            StopMode::Graceful => {
                let until = now.plus(self.config.receiver_stop_timeout);
                s.stop = Some(Stopping { mode, phase: Phase::Receivers, until, waiters });
                self.emit(now, fx, Event::StreamingStopping { mode });
                self.end_receivers(fx);
            }
            StopMode::Immediate => {
                let until = now.plus(JOBS_IMMEDIATE);
                s.stop = Some(Stopping { mode, phase: Phase::Batches, until, waiters });
                self.emit(now, fx, Event::StreamingStopping { mode });
                drop(self.stop_receivers(now, fx));
                self.abandon_batches(out);
            }
        }
    }

    /// A stream has started that somebody wanted to stop before.
    pub(super) fn stop_if_wanted(&mut self, now: Timestamp, fx: &mut Effects) {
        if let Some(mode) = self.stops_when_started.take() {
            let mut out = Outbox::default();
            self.begin_stop(now, mode, &mut out, fx);
            self.drain(now, &mut out, fx);
        }
    }

    /// R22.2: nothing more is generated or started, and what runs is cancelled.
    fn abandon_batches(&mut self, out: &mut Outbox) {
        let Some(s) = &mut self.streaming else { return };
        s.stopping = true;
        s.queue.clear();
        s.instructions.clear();
        s.running.iter_mut().for_each(|running| running.batch.outputs.clear());
        self.scheduler.cancel_all("because the StreamingContext was stopped", out);
    }

    /// Goes on with a stop, as far as it can.
    pub(super) fn advance_stop(&mut self, now: Timestamp, out: &mut Outbox, fx: &mut Effects) {
        while !self.ended
            && let Some(s) = &self.streaming
            && let Some(stop) = s.stop.as_ref().filter(|_| !s.stopped)
        {
            let overdue = stop.until <= now;
            let written = self.graph.as_ref().is_none_or(GraphCheckpoints::is_idle);
            match stop.phase {
                Phase::Receivers if self.receivers.have_ended() || overdue => self.after_receivers(now, fx),
                Phase::Ticks if s.next_tick_at().is_none() && s.has_generated() || overdue => {
                    self.after_ticks(now, fx);
                }
                Phase::Batches if s.has_processed() && (s.has_forgotten() && written || s.is_abandoned()) => {
                    self.end_stop(now, fx);
                }
                Phase::Batches if overdue && stop.mode == StopMode::Immediate => self.end_stop(now, fx),
                Phase::Batches if overdue => {
                    let message = format!("{} after {JOBS_GRACEFUL} ms; they are cancelled", awaited(s));
                    self.report_stop(now, message, fx);
                    self.begin_stop(now, StopMode::Immediate, out, fx);
                }
                Phase::Receivers | Phase::Ticks | Phase::Batches => return,
            }
        }
    }

    fn enter(&mut self, phase: Phase, until: Timestamp) {
        if let Some(stop) = self.streaming.as_mut().and_then(|s| s.stop.as_mut()) {
            (stop.phase, stop.until) = (phase, until);
        }
    }

    /// One more tick; before it, one that takes what receivers stored.
    fn after_receivers(&mut self, now: Timestamp, fx: &mut Effects) {
        if !self.receivers.have_ended() {
            let timeout = self.config.receiver_stop_timeout;
            let late: Vec<String> = self.stop_receivers(now, fx).iter().map(ToString::to_string).collect();
            let message = format!(
                "the receivers of streams {} did not stop within {timeout} ms; what they still have is lost",
                late.join(", ")
            );
            self.report_stop(now, message, fx);
        }
        let unallocated = self.receivers.tracker.unallocated().0 > 0;
        let Some(s) = &mut self.streaming else { return };
        let last = s.next + u32::from(unallocated);
        s.last = Some(s.last.map_or(last, |planned| planned.min(last)));
        let timeout = match self.config.graceful_stop_timeout {
            Millis(0) => Millis(s.interval.0 * INTERVALS_GRACEFUL),
            timeout => timeout,
        };
        self.enter(Phase::Ticks, now.plus(timeout));
    }

    fn after_ticks(&mut self, now: Timestamp, fx: &mut Effects) {
        let Some(s) = &self.streaming else { return };
        if s.next_tick_at().is_some() || !s.has_generated() {
            let (blocks, records) = self.receivers.tracker.unallocated();
            let message = format!(
                "Timed out while stopping the job generator: {}; {blocks} received blocks with {records} records are in no batch",
                awaited(s)
            );
            self.report_stop(now, message, fx);
        }
        self.stop_streaming();
        self.enter(Phase::Batches, now.plus(JOBS_GRACEFUL));
    }

    fn end_stop(&mut self, now: Timestamp, fx: &mut Effects) {
        drop(self.stop_receivers(now, fx));
        let Some(s) = &mut self.streaming else { return };
        s.stopped = true;
        let Some(stop) = &mut s.stop else { return };
        let mode = stop.mode;
        for slot in std::mem::take(&mut stop.waiters) {
            fx.push(Effect::Reply(slot, Reply::Done(Ok(()))));
        }
        self.emit(now, fx, Event::StreamingStopped { mode });
    }

    fn report_stop(&mut self, now: Timestamp, message: String, fx: &mut Effects) {
        let finding = Finding { kind: "graceful-stop-timeout".into(), message, place: "StreamingContext.stop".into() };
        self.emit(now, fx, Event::FindingReported { finding });
    }
}

/// What is not done yet, in words.
fn awaited(s: &Streaming) -> String {
    let running = s.running.iter().map(|running| running.batch.tick.batch);
    let batches: Vec<String> =
        running.chain(s.queue.iter().map(|batch| batch.tick.batch)).map(|batch| batch.to_string()).collect();
    match &batches[..] {
        [] => "no batch waits or runs".to_owned(),
        [one] => format!("batch {one} has not completed"),
        [first, .., last] => format!("batches {first} to {last} have not completed"),
    }
}
