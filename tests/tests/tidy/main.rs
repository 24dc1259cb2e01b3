//! The rules of the repository that a compiler cannot check. `ARCHITECTURE.md` says why they are there.
//!
//! Imports have a table of their own; here is the rest, one test per rule.

mod imports;

use faultline_tests::tidy::manifest::{Lock, without_reason};
use faultline_tests::tidy::rules::assert_none;
use faultline_tests::tidy::source::{line_of, words};
use faultline_tests::tidy::workspace::SourceFile;
use faultline_tests::tidy::{Violation, Workspace};
use std::sync::LazyLock;

/// Lines of a file that are too many.
const MAX_LINES: usize = 500;
/// Lines of a file that are worth a thought.
const MANY_LINES: usize = 400;
/// Lines of a function that are worth a thought: more than a screen.
const MANY_FUNCTION_LINES: usize = 70;
/// Largest file below `assets/`.
const MAX_ASSET_BYTES: u64 = 1_000_000;
/// Crates that draw or open windows.
const WINDOW_CRATES: [&str; 8] = ["egui", "eframe", "emath", "epaint", "rfd", "egui_graphs", "egui_kittest", "winit"];
/// Beginnings of paths that exist on one machine only, written so that this file does not hold them.
const MACHINE_PATHS: [&str; 3] = [concat!("/", "work/"), concat!("/", "tmp/"), concat!("/", "root/")];

/// Every Rust file of the workspace, read once.
fn sources() -> &'static [SourceFile] {
    static SOURCES: LazyLock<Vec<SourceFile>> = LazyLock::new(|| {
        let workspace = Workspace::default();
        ["engine", "app", "tests"].iter().flat_map(|folder| workspace.sources(folder)).collect()
    });
    &SOURCES
}

fn violation(file: &str, line: usize, rule: &str, found: impl Into<String>, way_out: &str) -> Violation {
    Violation { file: file.into(), line, rule: rule.into(), found: found.into(), way_out: way_out.into() }
}

/// Building the engine, or using it elsewhere, would build a window.
#[test]
fn the_engine_resolves_no_window_crate() {
    let workspace = Workspace::default();
    let lock = Lock::new(&workspace.text("Cargo.lock"));
    let needs = lock.needs("faultline-engine");
    assert!(needs.contains("petgraph"), "Cargo.lock was not understood");
    let mut violations: Vec<Violation> = WINDOW_CRATES
        .iter()
        .filter(|name| needs.contains(**name))
        .map(|name| {
            let found = format!("faultline-engine needs {name}");
            violation("Cargo.lock", 0, "engine_resolves_no_window_crate", found, "remove what pulls it in")
        })
        .collect();
    for (i, line) in workspace.text("engine/Cargo.toml").lines().enumerate() {
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        if WINDOW_CRATES.contains(&name) || name == "faultline" {
            let way_out = "the dependency belongs to app/Cargo.toml";
            violations.push(violation("engine/Cargo.toml", i + 1, "engine_depends_on_no_window_crate", line, way_out));
        }
    }
    assert_none(&violations);
}

/// Two versions of egui do not know each other's types, and the window would not build or not draw.
#[test]
fn there_is_one_egui() {
    let lock = Lock::new(&Workspace::default().text("Cargo.lock"));
    for name in ["egui", "emath", "epaint", "eframe"] {
        let versions = lock.versions.get(name).map_or(0, |v| v.len());
        let found = format!("{versions} versions of {name}: {:?}", lock.versions.get(name));
        let way_out = "pin the family to the version that egui_graphs needs";
        if versions != 1 {
            assert_none(&[violation("Cargo.lock", 0, "one_egui", found, way_out)]);
        }
    }
}

/// Nobody would know why a dependency is there, and whether it may go.
#[test]
fn every_dependency_has_a_reason() {
    let manifest = Workspace::default().text("Cargo.toml");
    let violations: Vec<Violation> = without_reason(&manifest, "[workspace.dependencies]")
        .into_iter()
        .map(|(line, name)| {
            let way_out = "write the reason behind it, or above its group";
            violation("Cargo.toml", line, "dependency_without_reason", name, way_out)
        })
        .collect();
    assert!(manifest.contains("[workspace.dependencies]"));
    assert_none(&violations);
}

/// A file would hold more than one noun or verb.
#[test]
fn files_are_short() {
    let workspace = Workspace::default();
    let mut violations = Vec::new();
    for file in sources() {
        let lines = workspace.text(&file.path).lines().count();
        if lines > MAX_LINES {
            let found = format!("{lines} lines, at most {MAX_LINES}");
            violations.push(violation(
                &file.path,
                0,
                "file_length",
                found,
                "split it by concept, one noun or verb per file",
            ));
        } else if lines > MANY_LINES {
            eprintln!("long file: {} has {lines} lines", file.path);
        }
        for (line, name, len) in long_functions(&file.source.code) {
            eprintln!("long function: {}:{line}: {name} has {len} lines", file.path);
        }
    }
    assert_none(&violations);
}

/// Functions of more than a screen: line, name, length. Relies on rustfmt's indentation.
fn long_functions(code: &str) -> Vec<(usize, String, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut long = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let Some(name) = words(line, "fn").next().map(|at| &line[at + 2..]) else { continue };
        let indent = line.len() - line.trim_start().len();
        let close = format!("{}}}", &line[..indent]);
        let len = lines[i..].iter().position(|l| l.trim_end() == close).map_or(0, |n| n + 1);
        if len > MANY_FUNCTION_LINES && line.trim_end().ends_with(['{', '(', '>']) {
            let name = name.trim().split(['(', '<']).next().unwrap_or_default();
            long.push((i + 1, name.to_owned(), len));
        }
    }
    long
}

/// A warning about length would name the wrong function, or none.
#[test]
fn long_functions_are_found() {
    let body = "        x();\n".repeat(MANY_FUNCTION_LINES);
    let code = format!("impl X {{\n    fn short() {{\n    }}\n\n    pub fn long<T>(a: T) {{\n{body}    }}\n}}\n");
    assert_eq!(long_functions(&code), [(5, "long".to_owned(), MANY_FUNCTION_LINES + 2)]);
}

/// What the compiler promises about memory would not hold.
#[test]
fn nothing_is_unsafe() {
    let mut violations = Vec::new();
    for file in sources() {
        for at in words(&file.source.code, "unsafe") {
            let line = line_of(&file.source.code, at);
            let way_out = "there is a safe way, or a well-kept crate that has it";
            violations.push(violation(&file.path, line, "unsafe", "`unsafe`", way_out));
        }
    }
    assert_none(&violations);
}

/// Input of any kind could end the program without a word.
#[test]
fn shipped_code_does_not_unwrap() {
    let mut violations = Vec::new();
    for file in sources().iter().filter(|f| !f.test_only && !f.path.starts_with("tests/")) {
        for word in [".unwrap()", "todo!(", "unimplemented!(", "dbg!("] {
            for (at, _) in file.source.shipped.match_indices(word) {
                let line = line_of(&file.source.shipped, at);
                let way_out = "return an error; expect(\"why this holds\") only for what this function established";
                violations.push(violation(&file.path, line, "unwrap", word, way_out));
            }
        }
    }
    assert_none(&violations);
}

/// Work left open would be forgotten.
#[test]
fn open_ends_name_an_issue() {
    let mut violations = Vec::new();
    for file in sources() {
        let comments = &file.source.comments;
        for word in ["TODO", "FIXME"] {
            for at in words(comments, word).filter(|at| !names_issue(&comments[at + word.len()..])) {
                let way_out = "do it, or open an issue and write its number: (#12)";
                let line = line_of(comments, at);
                violations.push(violation(&file.path, line, "open_end", word, way_out));
            }
        }
    }
    assert_none(&violations);
}

fn names_issue(rest: &str) -> bool {
    rest.strip_prefix("(#").is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))
}

/// A clone would take long, for ever.
#[test]
fn assets_are_small() {
    let workspace = Workspace::default();
    let violations: Vec<Violation> = workspace
        .files("assets")
        .iter()
        .filter(|path| workspace.len(path) > MAX_ASSET_BYTES)
        .map(|path| {
            let found = format!("{} bytes, at most {MAX_ASSET_BYTES}", workspace.len(path));
            violation(path, 0, "asset_size", found, "take a smaller file, or make it when it is needed")
        })
        .collect();
    assert_none(&violations);
}

/// A stranger would not find what a folder is for.
#[test]
fn the_code_map_names_every_module() {
    let workspace = Workspace::default();
    let text = workspace.text("ARCHITECTURE.md");
    let mut violations = Vec::new();
    for folder in ["engine/src", "app/src"] {
        let heading = format!("### `{folder}`");
        let map: String =
            text.lines().skip_while(|l| **l != heading).skip(1).take_while(|l| !l.starts_with('#')).collect();
        for (name, is_folder) in workspace.entries(folder) {
            let named = if is_folder { format!("`{name}/`") } else { format!("`{name}`") };
            if !map.contains(&named) && !["lib.rs", "main.rs"].contains(&name.as_str()) {
                let found = format!("{named} is missing below {heading}");
                let way_out = "add one line that says what it owns and what it must not know";
                violations.push(violation("ARCHITECTURE.md", 0, "code_map", found, way_out));
            }
        }
    }
    assert_none(&violations);
}

/// Something would work on one machine only.
#[test]
fn no_file_names_a_place_on_one_machine() {
    let workspace = Workspace::default();
    let mut violations = Vec::new();
    for path in workspace.files("") {
        for (i, line) in workspace.text(&path).lines().enumerate() {
            if let Some(place) = MACHINE_PATHS.iter().find(|place| names_place(line, place)) {
                let way_out = "name it relative to the repository, or take a temporary directory";
                violations.push(violation(&path, i + 1, "machine_path", *place, way_out));
            }
        }
    }
    assert_none(&violations);
}

/// Whether a path begins here, and not in the middle of a longer one.
fn names_place(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '}' | ')'))
    })
}

/// A path in the middle of another would be reported, or one behind a scheme missed.
#[test]
fn places_are_told_from_longer_paths() {
    let place = MACHINE_PATHS[1];
    for (line, expect) in [
        (format!("cd {place}x"), true),
        (format!("\"{place}x\""), true),
        (format!("file://{place}x"), true),
        (format!("var{place}x"), false),
        (format!("{{dir}}{place}x"), false),
        (format!("$HOME{place}x"), false),
    ] {
        assert_eq!(names_place(&line, place), expect, "{line}");
    }
}
