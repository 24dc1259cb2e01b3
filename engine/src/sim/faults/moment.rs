//! When a planned fault happens.

use crate::config;
use crate::event::Event;
use crate::ids::*;
use std::fmt;
use std::str::FromStr;

/// When a fault happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the first job of this batch starts; the driver knows at once.
    Batch(BatchId),
    /// While the `task`-th task of this stage runs.
    Task {
        /// Stage.
        stage: StageId,
        /// Index in the task set.
        task: u32,
    },
    /// So long after the application began.
    Time(Millis),
    /// Right after an event was announced.
    Event {
        /// Name of the event, as in the log but for what Spark puts before it: `StageCompleted`.
        name: String,
        /// Only events with this field count.
        filter: Option<FieldFilter>,
        /// Which of them, from 1.
        nth: u32,
    },
}

/// A field that an event must have: any field of this name, however deep, or `operator` for the
/// operator of the RDD that the event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFilter {
    /// Name of the field.
    pub field: String,
    /// Its value as text.
    pub value: String,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch(batch) => write!(f, "batch={batch}"),
            Self::Task { stage, task } => write!(f, "stage={stage}.task={task}"),
            Self::Time(after) => write!(f, "time={after}ms"),
            Self::Event { name, filter: None, nth } => write!(f, "event={name}#{nth}"),
            Self::Event { name, filter: Some(FieldFilter { field, value }), nth } => {
                write!(f, "event={name}:{field}={value}#{nth}")
            }
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = "the moment is not batch=N, stage=S.task=T, time=3500ms or event=StageCompleted#3";
        let (kind, rest) = text.split_once('=').ok_or(unknown)?;
        match kind {
            "batch" => {
                let batch = rest.parse().ok().filter(|n| *n > 0);
                batch
                    .map(|n| Self::Batch(BatchId(n)))
                    .ok_or_else(|| format!("{rest:?} is no batch; batches count from 1"))
            }
            "stage" => {
                let (stage, task) = rest.split_once(".task=").ok_or(unknown)?;
                let number = |text: &str| text.parse::<u32>().map_err(|_| format!("{text:?} is no number"));
                Ok(Self::Task { stage: StageId(number(stage)?), task: number(task)? })
            }
            "time" => Ok(Self::Time(config::parse_time(rest, config::TimeUnit::Millis)?)),
            "event" => event(rest),
            _ => Err(unknown.to_owned()),
        }
    }
}

/// `NAME`, `NAME#3`, `NAME:FIELD=VALUE` or `NAME:FIELD=VALUE#3`. The last `#` is the count: the operator
/// `map#2` is written `operator=map#2#1`.
fn event(text: &str) -> Result<Moment, String> {
    let (text, nth) = match text.rsplit_once('#') {
        Some((text, n)) => (text, n.parse().map_err(|_| format!("{n:?} after # is no number"))?),
        None => (text, 1),
    };
    if nth == 0 {
        return Err("the number after # counts from 1".to_owned());
    }
    let (name, filter) = match text.split_once(':') {
        Some((name, filter)) => (name, Some(filter.split_once('=').ok_or("after the colon comes FIELD=VALUE")?)),
        None => (text, None),
    };
    if !Event::NAMES.contains(&name) {
        let nearest = config::nearest(name, Event::NAMES.iter().copied());
        return Err(format!("there is no event {name:?}; the nearest is {nearest}"));
    }
    let filter = filter.map(|(field, value)| FieldFilter { field: field.to_owned(), value: value.to_owned() });
    Ok(Moment::Event { name: name.to_owned(), filter, nth })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fault would wait for another operator's block, or for another one of its blocks.
    #[test]
    fn the_last_number_is_the_count() {
        let parts = |text: &str| match event(text) {
            Ok(Moment::Event { name, filter, nth }) => (name, filter.map(|f| format!("{}={}", f.field, f.value)), nth),
            other => panic!("{text}: {other:?}"),
        };
        let block = |filter: &str, nth| ("BlockUpdated".to_owned(), Some(filter.to_owned()), nth);
        assert_eq!(parts("BlockUpdated:operator=map"), block("operator=map", 1));
        assert_eq!(parts("BlockUpdated:operator=map#2"), block("operator=map", 2));
        assert_eq!(parts("BlockUpdated:operator=map#2#3"), block("operator=map#2", 3));
        assert_eq!(parts("BlockUpdated:executor=2#3"), block("executor=2", 3));
        assert_eq!(parts("StageCompleted#3"), ("StageCompleted".to_owned(), None, 3));
    }
}
