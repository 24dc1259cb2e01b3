//! Which settings a restarted driver has (R15.9).

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
const RELOADED: [&str; 18] = [
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
    "faultline.supervise",
];

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
