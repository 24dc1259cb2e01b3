//! Planned faults and their moments: which is due.

use super::Driver;
use super::effects::Effects;
use crate::command::Command;
use crate::event::{Event, Finding, RddInfo};
use crate::ids::*;
use crate::lineage::LineageGraph;
use crate::scheduler::Outbox;
use crate::sim::faults::{FieldFilter, Moment, PlannedFault};
use serde_json::Value;
use std::collections::VecDeque;

/// Faults that have not struck, and those whose event was announced and that strike next.
#[derive(Default)]
pub(super) struct Planned {
    /// With how many of its events each still waits for.
    faults: Vec<(PlannedFault, u32)>,
    /// Whether any waits for an event: looked at for every event.
    watching: bool,
    due: VecDeque<Command>,
}

impl Planned {
    pub fn new(faults: &[PlannedFault]) -> Self {
        let left = |fault: &PlannedFault| match fault.moment {
            Moment::Event { nth, .. } => nth,
            _ => 1,
        };
        let mut planned = Self { faults: faults.iter().map(|f| (f.clone(), left(f))).collect(), ..Self::default() };
        planned.look_again();
        planned
    }

    fn look_again(&mut self) {
        self.watching = self.faults.iter().any(|(fault, _)| matches!(fault.moment, Moment::Event { .. }));
    }

    /// Takes what happens at this moment, in the order of the plan.
    pub fn take(&mut self, at: impl Fn(&Moment) -> bool) -> Vec<Command> {
        self.faults.extract_if(.., |(fault, _)| at(&fault.moment)).map(|(fault, _)| fault.command).collect()
    }

    /// When the next fault with a time strikes, counted from `begun`.
    pub fn next_at(&self, begun: Timestamp) -> Option<Timestamp> {
        let times = self.faults.iter().filter_map(|(fault, _)| match fault.moment {
            Moment::Time(after) => Some(begun.plus(after)),
            _ => None,
        });
        times.min()
    }

    /// An event was announced: what waited for it is due.
    pub fn see(&mut self, event: &Event, lineage: &LineageGraph) {
        if !self.watching {
            return;
        }
        let mut json = None;
        for (fault, left) in &mut self.faults {
            let Moment::Event { name, filter, .. } = &fault.moment else { continue };
            if *left > 0 && name == event.name() && filter.as_ref().is_none_or(|f| has(event, &mut json, f, lineage)) {
                *left -= 1;
            }
        }
        let struck = self.faults.extract_if(.., |(_, left)| *left == 0);
        self.due.extend(struck.map(|(fault, _)| fault.command));
        self.look_again();
    }

    /// Faults whose moment has not come.
    pub fn waiting(&self) -> impl Iterator<Item = &PlannedFault> {
        self.faults.iter().map(|(fault, _)| fault)
    }

    pub fn next_due(&mut self) -> Option<Command> {
        self.due.pop_front()
    }
}

/// Whether an event has a field with this value.
fn has(event: &Event, json: &mut Option<Value>, filter: &FieldFilter, lineage: &LineageGraph) -> bool {
    // An event that cannot be written has no field.
    let json = json.get_or_insert_with(|| serde_json::to_value(event).unwrap_or_default());
    if filter.field == "operator" {
        let of = |info: Option<&RddInfo>| info.is_some_and(|info| info.op.operator.as_str() == filter.value);
        return any_field(json, "rdd", &|value| {
            let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
            of(id.and_then(|id| lineage.get(RddId(id))))
        }) || any_field(json, "operator", &|value| is(value, &filter.value));
    }
    any_field(json, &filter.field, &|value| is(value, &filter.value))
}

fn is(value: &Value, text: &str) -> bool {
    match value {
        Value::String(s) => s == text,
        Value::Number(number) => number.to_string() == text,
        Value::Bool(yes) => text == if *yes { "true" } else { "false" },
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether a field of this name, however deep, satisfies `test`. Depth is that of our own event types.
fn any_field(value: &Value, field: &str, test: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name == field && test(value) || any_field(value, field, test))
        }
        Value::Array(values) => values.iter().any(|value| any_field(value, field, test)),
        _ => false,
    }
}

impl Driver {
    /// Faults whose event was announced strike now; what follows from them may make others due.
    pub(super) fn strike_due(&mut self, now: Timestamp, fx: &mut Effects) -> bool {
        let mut struck = false;
        if self.ended {
            return false;
        }
        while !self.lost
            && let Some(command) = self.planned.next_due()
        {
            struck = true;
            self.strike(now, command, fx);
        }
        struck
    }

    /// Faults whose time has come.
    pub(super) fn strike_in_time(&mut self, now: Timestamp, fx: &mut Effects) {
        let begun = self.begun;
        for command in self.planned.take(|moment| matches!(moment, Moment::Time(after) if begun.plus(*after) <= now)) {
            self.strike(now, command, fx);
        }
    }

    /// The application ends: what was planned and hit nothing is said, so that nobody takes the run for one
    /// that survived it.
    pub(super) fn report_unspent(&mut self, now: Timestamp, fx: &mut Effects) {
        let missed = |fault: &PlannedFault| (fault.to_string(), "its moment never came".to_owned());
        let unspent: Vec<(String, String)> = {
            let lasting = self.injected.unspent().chain(self.messages.unspent());
            self.planned.waiting().map(missed).chain(lasting).collect()
        };
        for (fault, why) in unspent {
            let message = format!("the fault {fault} struck nothing: {why}");
            let finding = Finding { kind: "fault-without-target".into(), message, place: fault };
            self.emit(now, fx, Event::FindingReported { finding });
        }
    }

    fn strike(&mut self, now: Timestamp, command: Command, fx: &mut Effects) {
        let mut out = Outbox::default();
        self.on_command(now, command, &mut out, fx);
        self.drain(now, &mut out, fx);
    }
}
