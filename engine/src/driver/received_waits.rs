//! How long whoever waits for the log of received blocks waits (R18.8). A store that hangs must not hold up the
//! stream without a word; and what it does in the end, when nobody waits any more, must not count.

use super::Driver;
use super::effects::Effects;
use super::received_log::{ReceivedLog, Wanted};
use crate::event::{Event, Finding};
use crate::ids::*;
use crate::scheduler::Outbox;

impl ReceivedLog {
    /// When the patience of somebody who waits for it ends. What waits for a write that is under way has its own time
    /// when that is answered; while none is answered, the time since it is wanted counts.
    fn overdue_at(&self, limit: Millis) -> Option<Timestamp> {
        let writing = (!self.in_flight.is_empty()).then_some(self.since);
        let queued = self.queue.front().filter(|_| self.unanswered > 0).map(|(since, _)| *since);
        writing.or(queued).map(|since| since.plus(limit))
    }

    /// Takes out what is being written for longer than the limit, and then what was wanted for longer.
    fn give_up(&mut self, now: Timestamp, limit: Millis) -> Vec<Wanted> {
        let overdue = |since: Timestamp| since.plus(limit) <= now;
        let mut given_up = Vec::new();
        if !self.in_flight.is_empty() && overdue(self.since) {
            given_up = std::mem::take(&mut self.in_flight);
            self.unanswered = given_up.len() as u64;
        }
        while self.unanswered > 0
            && let Some((_, wanted)) = self.queue.pop_front_if(|(since, _)| overdue(*since))
        {
            given_up.push(wanted);
        }
        given_up
    }
}

impl Driver {
    /// When the patience of somebody who waits for the log of received blocks ends.
    pub(super) fn received_log_overdue_at(&self) -> Option<Timestamp> {
        let log = self.receivers.tracker.log.as_ref().filter(|_| !self.ended)?;
        log.overdue_at(self.config.receiver_log.metadata_timeout)
    }

    /// What was wanted for too long has failed. A block may be in the log nevertheless: the next write takes its place
    /// there, and before that only a driver that starts anew can find it.
    pub(super) fn give_up_on_received_log(&mut self, now: Timestamp, out: &mut Outbox, fx: &mut Effects) {
        let limit = self.config.receiver_log.metadata_timeout;
        if self.received_log_overdue_at().is_none_or(|at| at > now) {
            return;
        }
        let Some(log) = &mut self.receivers.tracker.log else { return };
        let began = log.unanswered == 0;
        let given_up = log.give_up(now, limit);
        let error = format!(
            "the log of received blocks did not answer within {limit} ms, which is spark.streaming.driver.writeAheadLog.batchingTimeout"
        );
        if began {
            let message = format!(
                "{error}; what waits for it counts as failed and is not acknowledged, and nothing is written before it answers; look at the store of the checkpoint directory"
            );
            let kind = "write-ahead-log-does-not-answer".to_owned();
            let finding = Finding { kind, message, place: "receivedBlockMetadata".to_owned() };
            self.emit(now, fx, Event::FindingReported { finding });
        }
        self.follow_not_logged(now, given_up, &error, out, fx);
    }
}
