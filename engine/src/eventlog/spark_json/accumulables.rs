//! `Accumulables`: what a task added to named accumulators. Those that Spark writes for its own metrics
//! are not read: the metrics say the same.

use crate::event::AccumulableInfo;
use serde::de::IgnoredAny;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The list, as it is written.
#[derive(Default)]
pub(super) struct Accumulables<'a>(pub &'a [AccumulableInfo]);

#[derive(Serialize)]
struct AccumulableJson<'a> {
    #[serde(rename = "ID")]
    id: u64,
    #[serde(rename = "Name")]
    name: &'a str,
    #[serde(rename = "Update", skip_serializing_if = "Option::is_none")]
    update: Option<&'a str>,
    #[serde(rename = "Value", skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(rename = "Internal")]
    internal: bool,
    #[serde(rename = "Count Failed Values")]
    count_failed_values: bool,
}

impl Serialize for Accumulables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for info in self.0 {
            list.serialize_element(&AccumulableJson {
                id: info.id.0,
                name: &info.name,
                update: info.update.as_deref(),
                value: info.value.as_deref(),
                internal: false,
                count_failed_values: false,
            })?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Accumulables<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Ok(Self::default())
    }
}
