//! What manifests and the lock file say, as far as the rules ask.

use std::collections::{BTreeMap, BTreeSet};

/// Fewer words than this above a group of dependencies are a heading, not a reason.
const REASON_WORDS: usize = 4;

/// The packages of a lock file: name → versions, and name → names it depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Versions by package.
    pub versions: BTreeMap<String, BTreeSet<String>>,
    depends_on: BTreeMap<String, BTreeSet<String>>,
}

impl Lock {
    /// Reads `Cargo.lock`.
    pub fn new(text: &str) -> Self {
        let mut lock = Self::default();
        let mut name = String::new();
        for line in text.lines() {
            let value = |key: &str| line.strip_prefix(key).map(|v| v.trim_matches('"').to_owned());
            if let Some(found) = value("name = ") {
                name = found;
            } else if let Some(version) = value("version = ") {
                lock.versions.entry(name.clone()).or_default().insert(version);
            } else if let Some(dependency) = line.strip_prefix(" \"") {
                let dependency = dependency.split([' ', '"']).next().unwrap_or_default();
                lock.depends_on.entry(name.clone()).or_default().insert(dependency.to_owned());
            }
        }
        lock
    }

    /// Everything that a package needs, directly or not.
    pub fn needs(&self, package: &str) -> BTreeSet<&str> {
        let mut needs = BTreeSet::new();
        let mut todo = vec![package];
        while let Some(package) = todo.pop() {
            for dependency in self.depends_on.get(package).into_iter().flatten() {
                if needs.insert(dependency.as_str()) {
                    todo.push(dependency);
                }
            }
        }
        needs
    }
}

/// The dependencies in a section of a manifest that have neither a comment behind them nor a comment
/// above their group that says more than a heading, with their lines.
pub fn without_reason(manifest: &str, section: &str) -> Vec<(usize, String)> {
    let mut inside = false;
    let mut group_has_reason = false;
    let mut missing = Vec::new();
    for (i, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            inside = line == section;
            group_has_reason = false;
        } else if line.is_empty() {
            group_has_reason = false;
        } else if let Some(comment) = line.strip_prefix('#') {
            group_has_reason |= comment.split_whitespace().count() >= REASON_WORDS;
        } else if let Some((name, value)) = line.split_once('=') {
            let ours = value.contains("path =");
            if inside && !ours && !group_has_reason && !has_comment(value) {
                missing.push((i + 1, name.trim().to_owned()));
            }
        }
    }
    missing
}

/// Whether a `#` stands outside quotes.
fn has_comment(value: &str) -> bool {
    value.split('"').step_by(2).any(|outside| outside.contains('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second egui, or a window crate behind the engine, would go unseen.
    #[test]
    fn the_lock_file_is_read() {
        let lock = Lock::new(
            "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\n \"b\",\n \"c 2.0.0\",\n]\n\n\
             [[package]]\nname = \"b\"\nversion = \"1.0.0\"\ndependencies = [\n \"d\",\n]\n\n\
             [[package]]\nname = \"c\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"c\"\nversion = \"2.0.0\"\n",
        );
        assert_eq!(lock.needs("a").into_iter().collect::<Vec<_>>(), ["b", "c", "d"]);
        assert_eq!(lock.versions["c"].len(), 2);
    }

    /// A dependency could come in without anybody saying why.
    #[test]
    fn dependencies_need_reasons() {
        let check = |text: &str, expect: &[usize]| {
            let text = format!("[workspace.dependencies]\n{text}\n[other]\nx = \"1\"\n");
            let lines: Vec<usize> =
                without_reason(&text, "[workspace.dependencies]").into_iter().map(|(l, _)| l).collect();
            assert_eq!(lines, expect, "{text}");
        };
        check("a = \"1\"", &[2]);
        check("a = \"1\" # why", &[]);
        check("a = { git = \"x#y\" }", &[2]);
        check("a = { path = \"a\" }", &[]);
        check("# Engine.\na = \"1\"", &[3]);
        check("# Window: one family, one version.\na = \"1\"\nb = \"1\"\n\nc = \"1\"", &[6]);
    }
}
