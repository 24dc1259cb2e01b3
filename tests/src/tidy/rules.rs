//! A rule about imports as data, and what is said when it is broken.

use super::mentions::{Mention, Mentions, behind_reexports, mentions};
use super::workspace::{SourceFile, modules};
use std::collections::BTreeMap;
use std::fmt;

/// Some files must not name some paths.
#[derive(Clone, Copy, Debug)]
pub struct ImportRule {
    /// Name of the rule.
    pub name: &'static str,
    /// Files it holds for: prefixes of their paths.
    pub within: &'static [&'static str],
    /// Files among these that are free of it: prefixes of their paths.
    pub except: &'static [&'static str],
    /// What must not be named: `std::fs` forbids `std::fs` and everything in it; a path may also be
    /// the middle or the end of a longer one, as `Instant::now`.
    pub forbidden: &'static [&'static str],
    /// What of it may be named all the same: beginnings of full paths, behind re-exports.
    pub but: &'static [&'static str],
    /// What to do instead.
    pub way_out: &'static str,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// File, relative to the root.
    pub file: String,
    /// Line from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// Name of the rule.
    pub rule: String,
    /// What is there.
    pub found: String,
    /// What to do instead.
    pub way_out: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: ", self.file)?,
            line => write!(f, "{}:{line}: ", self.file)?,
        }
        write!(f, "{}: {}. Way out: {}", self.rule, self.found, self.way_out)
    }
}

/// Fails with one line per violation.
///
/// # Panics
/// When there is one.
pub fn assert_none(violations: &[Violation]) {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

/// What the shipped code of some files names.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    files: Vec<(String, Vec<Mention>)>,
    reexports: BTreeMap<Vec<String>, Vec<String>>,
}

impl Imports {
    /// Reads the files once, for any number of rules.
    pub fn new(files: &[SourceFile]) -> Self {
        let modules = modules(files);
        let mut imports = Self::default();
        for file in files.iter().filter(|f| !f.test_only) {
            let Mentions { all, reexports } = mentions(&file.source.shipped, &file.module, &modules);
            imports.files.push((file.path.clone(), all));
            imports.reexports.extend(reexports);
        }
        imports
    }

    /// Where a rule is broken.
    pub fn broken(&self, rule: &ImportRule) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (file, mentions) in self.files.iter().filter(|(file, _)| rule.holds_for(file)) {
            for Mention { line, path } in mentions {
                let real = behind_reexports(path, &self.reexports);
                if rule.forbids(&real) {
                    violations.push(Violation {
                        file: file.clone(),
                        line: *line,
                        rule: rule.name.to_owned(),
                        found: format!("names `{}`", real.join("::")),
                        way_out: rule.way_out.to_owned(),
                    });
                }
            }
        }
        violations
    }
}

impl ImportRule {
    fn holds_for(&self, file: &str) -> bool {
        let starts = |prefixes: &[&str]| prefixes.iter().any(|p| file.starts_with(p));
        starts(self.within) && !starts(self.except)
    }

    fn forbids(&self, path: &[String]) -> bool {
        let steps = |text: &'static str| text.split("::");
        let allowed = self.but.iter().any(|but| {
            let but: Vec<&str> = steps(but).collect();
            path.len() >= but.len() && path.iter().zip(&but).all(|(a, b)| a == b)
        });
        let named = self.forbidden.iter().any(|forbidden| {
            let forbidden: Vec<&str> = steps(forbidden).collect();
            path.windows(forbidden.len()).any(|w| w.iter().zip(&forbidden).all(|(a, b)| a == b))
        });
        named && !allowed
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;

    fn file(path: &str, module: &str, text: &str) -> SourceFile {
        SourceFile {
            path: path.to_owned(),
            module: module.split("::").map(str::to_owned).collect(),
            source: Source::new(text),
            test_only: false,
        }
    }

    const RULE: ImportRule = ImportRule {
        name: "driver_knows_no_pool",
        within: &["engine/src/driver/"],
        except: &["engine/src/driver/free.rs"],
        forbidden: &["engine::executor::pool", "engine::sim", "Instant::now"],
        but: &["engine::sim::faults"],
        way_out: "return an effect",
    };

    /// A rule would pass whatever the code says, or fail on what is allowed.
    #[test]
    fn rules_hold_where_they_are_meant_to() {
        let check = |path: &str, text: &str, expect: &[usize]| {
            let pool = file("engine/src/executor/pool.rs", "engine::executor::pool", "pub struct Pool;");
            let executor = file("engine/src/executor/mod.rs", "engine::executor", "mod pool; pub use pool::Pool;");
            let sim = file("engine/src/sim/mod.rs", "engine::sim", "pub use faults::PlannedFault;");
            let faults = file("engine/src/sim/faults.rs", "engine::sim::faults", "pub struct PlannedFault;");
            let imports = Imports::new(&[pool, executor, sim, faults, file(path, "engine::driver::x", text)]);
            let lines: Vec<usize> = imports.broken(&RULE).iter().map(|v| v.line).collect();
            assert_eq!(lines, expect, "{path}: {text}");
        };
        let driver = "engine/src/driver/x.rs";
        check(driver, "use crate::executor::pool::Pool;", &[1]);
        check(driver, "use crate::executor::Pool;", &[1]);
        check(driver, "use crate::executor::Script;", &[]);
        check(driver, "\nfn f() { std::time::Instant::now(); }", &[2]);
        check(driver, "use crate::sim::Simulation;", &[1]);
        check(driver, "use crate::sim::faults::PlannedFault;", &[]);
        check(driver, "use crate::sim::PlannedFault;", &[]);
        check(driver, "use crate::simulation::X;", &[]);
        check(driver, "// crate::sim::x\nconst X: &str = \"crate::sim::x\";", &[]);
        check(driver, "#[cfg(test)]\nmod tests { use crate::sim::Simulation; }", &[]);
        check("engine/src/driver/free.rs", "use crate::sim::Simulation;", &[]);
        check("engine/src/runtime/x.rs", "use crate::sim::Simulation;", &[]);
    }

    /// A message would not say where, what, and how to go on.
    #[test]
    fn messages_name_file_line_rule_and_way_out() {
        let files = [file("engine/src/driver/x.rs", "engine::driver::x", "\nuse crate::sim::Run;")];
        let text = Imports::new(&files).broken(&RULE)[0].to_string();
        assert_eq!(
            text,
            "engine/src/driver/x.rs:2: driver_knows_no_pool: names `engine::sim::Run`. Way out: return an effect"
        );
    }
}
