//! The log, the application, its settings.

use super::{Fixed, Mark, Plain};
use crate::event::{ClockKind, Event};
use crate::eventlog::record::{Reading, SparkLine};
use crate::eventlog::spark::SparkLog;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The version of Spark whose format we write.
pub(in crate::eventlog) const FORMAT_VERSION: &str = "3.5.9";

/// `SparkListenerLogStart`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct LogStartLine<'a> {
    #[serde(rename = "Spark Version", borrow)]
    pub version: Cow<'a, str>,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Mark<LogStartExtra>>,
}

/// What Spark does not know about a run.
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct LogStartExtra {
    pub version: String,
    pub seed: u64,
    pub clock: ClockKind,
}

impl SparkLine for LogStartLine<'_> {
    fn reading(self, _: &mut SparkLog) -> Reading {
        let (stamp, extra) = Mark::split(self.mark);
        let event = match extra {
            Some(LogStartExtra { version, seed, clock }) => Event::LogStart { version, seed, clock },
            None => Event::LogStart { version: self.version.into_owned(), seed: 0, clock: ClockKind::Wall },
        };
        Reading::of(stamp, None, event)
    }
}

/// `SparkListenerEnvironmentUpdate`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct EnvironmentUpdateLine<'a> {
    #[serde(rename = "JVM Information", default)]
    pub jvm: Fixed,
    #[serde(rename = "Spark Properties", default)]
    pub properties: Cow<'a, BTreeMap<String, String>>,
    #[serde(rename = "Hadoop Properties", default)]
    pub hadoop: Fixed,
    #[serde(rename = "System Properties", default)]
    pub system: Fixed,
    #[serde(rename = "Metrics Properties", default)]
    pub metrics: Fixed,
    #[serde(rename = "Classpath Entries", default)]
    pub classpath: Fixed,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Plain>,
}

impl<'a> EnvironmentUpdateLine<'a> {
    /// Settings in force; the JVM has nothing to say.
    pub fn new(properties: &'a BTreeMap<String, String>, mark: Option<Plain>) -> Self {
        let empty = Fixed::EmptyMap;
        let properties = Cow::Borrowed(properties);
        Self { jvm: empty, properties, hadoop: empty, system: empty, metrics: empty, classpath: empty, mark }
    }
}

impl SparkLine for EnvironmentUpdateLine<'_> {
    fn reading(self, _: &mut SparkLog) -> Reading {
        let (stamp, _) = Mark::split(self.mark);
        Reading::of(stamp, None, Event::EnvironmentUpdate { properties: self.properties.into_owned() })
    }
}

/// `SparkListenerApplicationStart`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct ApplicationStartLine<'a> {
    #[serde(rename = "App Name", borrow)]
    pub name: Cow<'a, str>,
    #[serde(rename = "App ID", default, borrow)]
    pub id: Cow<'a, str>,
    #[serde(rename = "Timestamp")]
    pub time_ms: u64,
    #[serde(rename = "User", default, borrow)]
    pub user: Cow<'a, str>,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Plain>,
}

impl SparkLine for ApplicationStartLine<'_> {
    fn reading(self, _: &mut SparkLog) -> Reading {
        let (stamp, _) = Mark::split(self.mark);
        let event = Event::ApplicationStart { name: self.name.into_owned(), id: self.id.into_owned() };
        Reading::of(stamp, Some(self.time_ms), event)
    }
}

/// `SparkListenerApplicationEnd`
#[derive(Serialize, Deserialize)]
pub(in crate::eventlog) struct ApplicationEndLine {
    #[serde(rename = "Timestamp")]
    pub time_ms: u64,
    #[serde(rename = "Faultline", default)]
    pub mark: Option<Plain>,
}

impl SparkLine for ApplicationEndLine {
    fn reading(self, _: &mut SparkLog) -> Reading {
        let (stamp, _) = Mark::split(self.mark);
        Reading::of(stamp, Some(self.time_ms), Event::ApplicationEnd)
    }
}
