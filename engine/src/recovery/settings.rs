//! Which settings a restarted driver has (R15.9).

use serde::Serialize;
use std::collections::BTreeMap;

/// Where the former process was: of no use to a new one.
const FORGOTTEN: [&str; 9] = [
    "spark.driver.host",
    "spark.driver.bindAddress",
    "spark.driver.port",
    "spark.ui.port",
    "spark.blockManager.port",
    "spark.kubernetes.driver.pod.name",
    "spark.kubernetes.executor.podNamePrefix",
    "spark.yarn.app.id",
    "spark.yarn.app.attemptId",
];

/// What the new process says, if it says anything.
const RELOADED: [&str; 19] = [
    "spark.yarn.app.id",
    "spark.yarn.app.attemptId",
    "spark.driver.host",
    "spark.driver.bindAddress",
    "spark.driver.port",
    "spark.master",
    "spark.ui.port",
    "spark.blockManager.port",
    "spark.kubernetes.driver.pod.name",
    "spark.kubernetes.executor.podNamePrefix",
    "spark.yarn.jars",
    "spark.yarn.keytab",
    "spark.yarn.principal",
    "spark.kerberos.keytab",
    "spark.kerberos.principal",
    "spark.ui.filters",
    // Of ours: what a user says about this start and no other.
    "faultline.recovery.onChange",
    "faultline.recovery.renamed",
    "faultline.supervise",
];

/// What becomes of a saved setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingFate {
    /// It is as it was, whatever the new process says.
    Restored,
    /// The new process says it; where it says nothing, it is as it was, or unknown when only the former could know.
    ReadAgain,
    /// It was only true of the former process.
    Ignored,
}

/// What becomes of a saved setting when a driver goes on (R15.9).
pub fn fate_of(key: &str) -> SettingFate {
    match (RELOADED.contains(&key), FORGOTTEN.contains(&key)) {
        (true, _) => SettingFate::ReadAgain,
        (false, true) => SettingFate::Ignored,
        (false, false) => SettingFate::Restored,
    }
}

/// The saved settings, without those that were only true of the former process, and with those of the new one
/// that Spark reads again.
pub fn restored_properties(
    saved: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut restored = saved.clone();
    restored.retain(|key, _| !FORGOTTEN.contains(&key.as_str()));
    for key in RELOADED {
        if let Some(value) = new.get(key) {
            restored.insert(key.to_owned(), value.clone());
        }
    }
    restored
}
