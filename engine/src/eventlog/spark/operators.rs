//! Operators from the scopes of RDDs: `updateStateByKey @ 07:56:05.000` is `updateStateByKey`.

use crate::eventlog::spark_json::rdds::{RddInfoJson, Scope};
use crate::ids::{OpKey, OperatorName};
use std::collections::BTreeMap;

/// Names given to operator calls so far.
#[derive(Debug, Default)]
pub(super) struct Operators {
    by_call: BTreeMap<String, OperatorName>,
    /// How many operator calls have a name.
    calls: BTreeMap<String, u32>,
    /// How many RDDs an operator has made.
    rdds: BTreeMap<OperatorName, u32>,
}

impl Operators {
    /// What identifies a new RDD, and the scope around it. A log does not number its batches, so the
    /// RDDs that a stream makes in one batch after another are numbered through.
    pub fn identify(&mut self, rdd: &RddInfoJson) -> (OpKey, Option<String>) {
        let scope = rdd.scope.as_deref().and_then(|text| serde_json::from_str::<Scope>(text).ok());
        let call = Call::of(scope.as_ref(), &rdd.callsite);
        let operator = self.operator(&call);
        let ordinal = self.rdds.entry(operator.clone()).or_default();
        let key = OpKey { operator, batch: None, ordinal: *ordinal };
        *ordinal = ordinal.saturating_add(1);
        (key, call.around)
    }

    fn operator(&mut self, call: &Call) -> OperatorName {
        if let Some(operator) = self.by_call.get(&call.key) {
            return operator.clone();
        }
        let count = self.calls.entry(call.name.clone()).or_default();
        *count = count.saturating_add(1);
        let operator = OperatorName::new(&call.name, *count);
        self.by_call.insert(call.key.clone(), operator.clone());
        operator
    }
}

/// One call of an operator in the program.
struct Call {
    /// The same for every RDD of the call.
    key: String,
    /// The operator's name.
    name: String,
    /// The scope around it: set by the program, or the batch.
    around: Option<String>,
}

impl Call {
    fn of(scope: Option<&Scope>, callsite: &str) -> Self {
        let Some(scope) = scope else {
            let name = callsite.split(' ').next().unwrap_or_default().to_owned();
            return Self { key: format!("callsite {callsite}"), name, around: None };
        };
        let (name, time) = split_time(scope);
        if let Some((stream, time)) = time {
            return Self { key: format!("stream {stream} {name}"), name, around: Some(format!("batch {time}")) };
        }
        if name == "checkpoint" {
            // Every checkpoint has a scope of its own; the program did not call an operator.
            return Self { key: name.clone(), name, around: None };
        }
        let (key, around) = match scope.parent.as_deref().map(|parent| (parent, split_time(parent))) {
            // RDD operators inside a DStream's have new scopes in every batch.
            Some((_, (_, Some((stream, time))))) => (format!("stream {stream} {name}"), Some(format!("batch {time}"))),
            Some((_, (parent, None))) => (format!("rdd {}", scope.id), Some(parent)),
            None => (format!("rdd {}", scope.id), None),
        };
        Self { key, name, around }
    }
}

/// The name of a scope without its batch; for a DStream's, also the DStream's scope id and the time.
fn split_time(scope: &Scope) -> (String, Option<(&str, &str)>) {
    let stream = scope.id.split_once('_').map(|(stream, _)| stream);
    match (stream, scope.name.rsplit_once('@')) {
        (Some(stream), Some((name, time))) => (name.trim_end().to_owned(), Some((stream, time.trim()))),
        _ => (scope.name.clone(), None),
    }
}
