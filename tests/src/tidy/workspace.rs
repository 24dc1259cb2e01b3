//! The files of the workspace, and the modules that its sources make up.

use super::mentions::Modules;
use super::source::Source;
use std::fs;
use std::path::{Path, PathBuf};

/// Names of folders and files that are not part of the repository.
const NOT_OURS: [&str; 2] = ["target", ".git"];

/// The checkout that the tests were built from.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
}

/// A Rust file of the workspace.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Relative to the root, with `/`.
    pub path: String,
    /// Full path of its module: `["faultline_engine", "rdd", "read"]`.
    pub module: Vec<String>,
    /// Its parts.
    pub source: Source,
    /// Whether it exists in test builds only.
    pub test_only: bool,
}

impl Default for Workspace {
    fn default() -> Self {
        Self { root: Path::new(env!("CARGO_MANIFEST_DIR")).join("..") }
    }
}

impl Workspace {
    /// The text of a file; empty when it is missing or is no text.
    pub fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    /// The length of a file in bytes.
    pub fn len(&self, path: &str) -> u64 {
        fs::metadata(self.root.join(path)).map_or(0, |m| m.len())
    }

    /// All files below a folder, or of the whole checkout for an empty path, in name order.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let mut files = Vec::new();
        let mut todo = vec![folder.trim_end_matches('/').to_owned()];
        while let Some(folder) = todo.pop() {
            for (name, is_folder) in self.entries(&folder) {
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                if is_folder {
                    todo.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files.sort();
        files
    }

    /// Names in a folder in order, and whether each is a folder itself. Empty when there is none.
    pub fn entries(&self, folder: &str) -> Vec<(String, bool)> {
        let Ok(entries) = fs::read_dir(self.root.join(folder)) else { return Vec::new() };
        let mut entries: Vec<_> = entries
            .flatten()
            .map(|e| (e.file_name().to_string_lossy().into_owned(), e.path().is_dir()))
            .filter(|(name, _)| !NOT_OURS.contains(&name.as_str()))
            .collect();
        entries.sort();
        entries
    }

    /// The Rust files below a folder.
    pub fn sources(&self, folder: &str) -> Vec<SourceFile> {
        let mut sources: Vec<SourceFile> = self
            .files(folder)
            .into_iter()
            .filter(|path| path.ends_with(".rs"))
            .map(|path| SourceFile {
                module: module_of(&path),
                source: Source::new(&self.text(&path)),
                test_only: !path.contains("/src/"),
                path,
            })
            .collect();
        let test_folders: Vec<Vec<String>> = sources
            .iter()
            .flat_map(|f| f.source.test_modules.iter().map(|name| f.module.iter().chain([name]).cloned().collect()))
            .collect();
        for file in &mut sources {
            file.test_only |= test_folders.iter().any(|t| file.module.starts_with(t));
        }
        sources
    }
}

/// The modules of the given files.
pub fn modules(files: &[SourceFile]) -> Modules {
    files.iter().map(|f| f.module.join("::")).collect()
}

/// The module that a file holds: `engine/src/rdd/mod.rs` is `faultline_engine::rdd`.
fn module_of(path: &str) -> Vec<String> {
    let (package, inside) = path.split_once("/src/").unwrap_or(("", path));
    let name = match package {
        "engine" => "faultline_engine",
        "engine/connectors" => "faultline_connectors",
        "app" => "faultline",
        other => other,
    };
    let inside = inside.trim_end_matches(".rs");
    let steps = inside.split('/').filter(|s| !matches!(*s, "mod" | "lib" | "main"));
    std::iter::once(name).chain(steps).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `super` and `crate` would resolve to the wrong place.
    #[test]
    fn modules_follow_files() {
        let check = |path: &str, expect: &str| assert_eq!(module_of(path).join("::"), expect);
        check("engine/src/lib.rs", "faultline_engine");
        check("engine/src/ids.rs", "faultline_engine::ids");
        check("engine/src/rdd/mod.rs", "faultline_engine::rdd");
        check("engine/src/rdd/read.rs", "faultline_engine::rdd::read");
        check("app/src/main.rs", "faultline");
        check("app/src/ui/mod.rs", "faultline::ui");
    }

    /// Every rule would pass, because nothing was read.
    #[test]
    fn the_workspace_is_found() {
        let workspace = Workspace::default();
        let engine = workspace.sources("engine");
        assert!(engine.iter().any(|f| f.path == "engine/src/ids.rs" && !f.test_only));
        assert!(engine.iter().any(|f| f.path == "engine/src/storage/conformance.rs" && f.test_only));
        assert!(!workspace.text("Cargo.lock").is_empty());
    }
}
