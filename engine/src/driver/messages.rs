//! Messages between the driver and its executors that a fault loses, holds up or repeats.

use super::Driver;
use super::effects::{Effect, Effects};
use super::input::DriverInput;
use crate::command::Message;
use crate::event::Event;
use crate::ids::*;
use crate::rdd::TaskError;
use crate::scheduler::{TaskLaunch, TaskReport};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It never arrives.
    Lost,
    /// It arrives so much later.
    Late(Millis),
    /// It arrives twice.
    Twice,
}

/// One fault that waits for its message.
struct Awaited {
    message: Message,
    /// It strikes the n-th one of the kind from now on.
    nth: u32,
    fate: Fate,
    /// The words of the fault.
    fault: String,
}

/// What arrives later than it should.
enum OnItsWay {
    Input(DriverInput),
    Launch(TaskLaunch),
}

/// How an input reaches the driver.
pub(super) enum Arrival {
    /// As it should.
    Now(DriverInput),
    /// A copy of it follows.
    Twice(DriverInput, DriverInput),
    /// Not now.
    Not,
}

/// Faults of messages, and what they brought about.
#[derive(Default)]
pub(super) struct Messages {
    awaited: Vec<Awaited>,
    /// Attempts whose start or end was lost, and when a heartbeat tells.
    pub lost: BTreeSet<(Timestamp, TaskId)>,
    /// What is on its way, by its arrival and in the order in which it was sent.
    late: BTreeMap<(Timestamp, u64), OnItsWay>,
    sent: u64,
}

impl Messages {
    /// From now on a fault waits for its message.
    pub fn await_one(&mut self, (message, nth): (Message, u32), fate: Fate, fault: String) {
        self.awaited.push(Awaited { message, nth, fate, fault });
    }

    pub fn next_at(&self) -> Option<Timestamp> {
        let late = self.late.first_key_value().map(|((at, _), _)| *at);
        late.into_iter().chain(self.lost.first().map(|(at, _)| *at)).min()
    }

    /// What still waits for its message: each fault, and why it has not struck.
    pub fn unspent(&self) -> impl Iterator<Item = (String, String)> {
        self.awaited.iter().map(|awaited| {
            let n = awaited.nth;
            let messages = if n == 1 { "1 more such message" } else { &format!("{n} more such messages") };
            (awaited.fault.clone(), format!("it waits for {messages}"))
        })
    }

    /// Counts a message, and says which fault strikes it. Of several that name this message the first does; the
    /// others take the next one.
    fn strikes(&mut self, message: Message) -> Option<(Fate, String)> {
        let mut strikes = None;
        for (at, awaited) in self.awaited.iter_mut().enumerate().filter(|(_, awaited)| awaited.message == message) {
            if awaited.nth > 1 {
                awaited.nth -= 1;
            } else {
                strikes = strikes.or(Some(at));
            }
        }
        strikes.map(|at| self.awaited.remove(at)).map(|struck| (struck.fate, struck.fault))
    }

    fn send_late(&mut self, at: Timestamp, what: OnItsWay) {
        self.late.insert((at, self.sent), what);
        self.sent += 1;
    }
}

impl Driver {
    /// Whether messages are on their way that should have arrived.
    pub fn awaits_late_messages(&self) -> bool {
        !self.messages.late.is_empty()
    }

    /// How an input reaches the driver, if a fault is in its way or not.
    pub(super) fn arrival(&mut self, now: Timestamp, input: DriverInput, fx: &mut Effects) -> Arrival {
        if self.messages.awaited.is_empty() || self.ended {
            return Arrival::Now(input);
        }
        let message = match &input {
            DriverInput::TaskFinished(report) if self.scheduler.executor_of(report.task).is_some() => Message::TaskEnd,
            DriverInput::Blocks(_) => Message::BlockReport,
            _ => return Arrival::Now(input),
        };
        let Some((fate, fault)) = self.messages.strikes(message) else { return Arrival::Now(input) };
        self.emit(now, fx, Event::FaultInjected { fault, executor: None });
        match (fate, input) {
            (Fate::Lost, DriverInput::TaskFinished(report)) => self.heartbeat_tells(now, report.task),
            (Fate::Lost, _) => {}
            (Fate::Late(by), input) => self.messages.send_late(now.plus(by), OnItsWay::Input(input)),
            (Fate::Twice, DriverInput::Blocks(reports)) => {
                return Arrival::Twice(DriverInput::Blocks(reports.clone()), DriverInput::Blocks(reports));
            }
            (Fate::Twice, DriverInput::TaskFinished(report)) => {
                // Results are handed over, not copied. Whoever took the copy for the first one would see it fail.
                let error = report.result.as_ref().err().cloned();
                let error = error.unwrap_or_else(|| TaskError::Exception("a repeated end of a task counted".into()));
                let copy = TaskReport::failed(report.task, error);
                return Arrival::Twice(DriverInput::TaskFinished(report), DriverInput::TaskFinished(copy));
            }
            (Fate::Twice, input) => return Arrival::Now(input),
        }
        Arrival::Not
    }

    /// Sends the start of a task to its executor, unless a fault is in its way.
    pub(super) fn send(&mut self, now: Timestamp, launch: TaskLaunch, fx: &mut Effects) {
        let Some((fate, fault)) = self.messages.strikes(Message::Launch) else {
            return fx.push(Effect::Launch(launch));
        };
        self.emit(now, fx, Event::FaultInjected { fault, executor: None });
        match fate {
            Fate::Lost => self.heartbeat_tells(now, launch.info.id),
            Fate::Late(by) => self.messages.send_late(now.plus(by), OnItsWay::Launch(launch)),
            Fate::Twice => {
                fx.push(Effect::Launch(launch.clone()));
                fx.push(Effect::Launch(launch));
            }
        }
    }

    /// The next heartbeat does not list a task whose start or end was lost.
    fn heartbeat_tells(&mut self, now: Timestamp, task: TaskId) {
        self.messages.lost.insert((now.plus(self.config.scheduler.heartbeat_interval), task));
    }

    /// What arrives now although it was sent long ago. The start of a task that was given up meanwhile is not sent
    /// any more.
    pub(super) fn late_arrivals(&mut self, now: Timestamp, fx: &mut Effects) {
        while let Some(due) = self.messages.late.first_entry().filter(|due| due.key().0 <= now) {
            match due.remove() {
                OnItsWay::Input(input) => self.take_in(now, input, fx),
                OnItsWay::Launch(launch) if self.scheduler.executor_of(launch.info.id).is_some() => {
                    fx.push(Effect::Launch(launch))
                }
                OnItsWay::Launch(_) => {}
            }
        }
    }
}
