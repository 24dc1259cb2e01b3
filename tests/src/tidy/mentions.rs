//! Which paths a piece of code names: `use` trees spelled out, `crate`, `self` and `super` resolved.

use std::collections::{BTreeMap, BTreeSet};

/// A path that the code names, from the name of its crate on where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// From 1.
    pub line: usize,
    /// `["std", "fs", "read"]`; a glob ends in `*`.
    pub path: Vec<String>,
}

/// The paths of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Everything named, in order.
    pub all: Vec<Mention>,
    /// What `pub use` makes available under a second path.
    pub reexports: Vec<(Vec<String>, Vec<String>)>,
}

/// Every module of the crates at hand, by its full path joined with `::`.
pub type Modules = BTreeSet<String>;

/// Finds every path in `code`, which belongs to `module`.
pub fn mentions(code: &str, module: &[String], modules: &Modules) -> Mentions {
    let tokens = tokens(code);
    let mut walk = Walk { tokens: &tokens, at: 0, module: module.to_vec(), modules, found: Mentions::default() };
    walk.run();
    walk.found
}

/// The path behind re-exports: `executor::Pool` is `executor::pool::Pool`.
pub fn behind_reexports(path: &[String], reexports: &BTreeMap<Vec<String>, Vec<String>>) -> Vec<String> {
    /// Longer chains than this are circles.
    const MAX_HOPS: usize = 8;
    let mut path = path.to_vec();
    for _ in 0..MAX_HOPS {
        let hop = (1..=path.len()).rev().find_map(|n| reexports.get(&path[..n]).map(|to| (n, to)));
        let Some((n, to)) = hop else { break };
        path = to.iter().chain(&path[n..]).cloned().collect();
    }
    path
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// Names, `::`, and single other characters.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let bytes = code.as_bytes();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let b = bytes[at];
        let len = if b.is_ascii_alphanumeric() || b == b'_' {
            bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
        } else if bytes[at..].starts_with(b"::") {
            2
        } else {
            1
        };
        if !b.is_ascii_whitespace() && b.is_ascii() {
            tokens.push(Token { text: &code[at..at + len], line });
        }
        line += usize::from(b == b'\n');
        at += len;
    }
    tokens
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

struct Walk<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    module: Vec<String>,
    modules: &'a Modules,
    found: Mentions,
}

impl<'a> Walk<'a> {
    fn text(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |t| t.text)
    }

    fn run(&mut self) {
        let mut depth = 0usize;
        let mut inline_modules = Vec::new();
        let mut public = false;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "{" => depth += 1,
                "}" => {
                    if inline_modules.last() == Some(&depth) {
                        inline_modules.pop();
                        self.module.pop();
                    }
                    depth = depth.saturating_sub(1);
                }
                "mod" if is_name(self.text(1)) => {
                    if self.text(2) == "{" {
                        self.module.push(self.text(1).to_owned());
                        depth += 1;
                        inline_modules.push(depth);
                    }
                    self.at += 3;
                    continue;
                }
                "use" if self.text(1) != "<" => {
                    self.at += 1;
                    self.use_tree(&[], public);
                    continue;
                }
                "::" if is_name(self.text(1)) => {}
                text if is_name(text) => {
                    public = text == "pub";
                    self.path();
                    continue;
                }
                _ => {}
            }
            public &= matches!(self.text(0), "(" | ")");
            self.at += 1;
        }
    }

    /// `a::b::c` in code.
    fn path(&mut self) {
        let line = self.tokens[self.at].line;
        let mut path = vec![self.text(0).to_owned()];
        self.at += 1;
        while self.text(0) == "::" && is_name(self.text(1)) {
            path.push(self.text(1).to_owned());
            self.at += 2;
        }
        self.add(line, &path);
    }

    /// One branch of a `use` declaration, which goes on behind `prefix`.
    fn use_tree(&mut self, prefix: &[String], public: bool) {
        let mut path = prefix.to_vec();
        loop {
            let line = self.tokens.get(self.at).map_or(0, |t| t.line);
            match self.text(0) {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(0), "}" | "") {
                        self.use_tree(&path, public);
                        if self.text(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                text if text == "*" || is_name(text) => {
                    self.at += 1;
                    if text != "self" || path.is_empty() {
                        path.push(text.to_owned());
                    }
                    if self.text(0) != "::" {
                        let full = self.add(line, &path);
                        self.alias(full, public);
                        return;
                    }
                }
                _ => {
                    self.at += 1;
                    return;
                }
            }
        }
    }

    /// `as other`, and what a public `use` makes available.
    fn alias(&mut self, full: Vec<String>, public: bool) {
        let mut name = full.last().cloned().unwrap_or_default();
        if self.text(0) == "as" {
            name = self.text(1).to_owned();
            self.at += 2;
        }
        if public && name != "*" {
            let here = self.module.iter().cloned().chain([name]).collect();
            self.found.reexports.push((here, full));
        }
    }

    fn add(&mut self, line: usize, path: &[String]) -> Vec<String> {
        let path = self.resolve(path);
        self.found.all.push(Mention { line, path: path.clone() });
        path
    }

    fn resolve(&self, path: &[String]) -> Vec<String> {
        let ups = path.iter().take_while(|s| *s == "super").count();
        let (base, rest): (&[String], &[String]) = match path[0].as_str() {
            "crate" => (&self.module[..1.min(self.module.len())], &path[1..]),
            "self" if path[1..].iter().take_while(|s| *s == "super").count() == 0 => (&self.module, &path[1..]),
            "super" => (&self.module[..self.module.len().saturating_sub(ups)], &path[ups..]),
            child if self.modules.contains(&format!("{}::{child}", self.module.join("::"))) => (&self.module, path),
            _ => (&[], path),
        };
        base.iter().chain(rest).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split("::").map(str::to_owned).collect()
    }

    fn named(code: &str) -> Vec<String> {
        let modules = Modules::from(["engine::executor::pool".to_owned()]);
        mentions(code, &path("engine::executor"), &modules).all.iter().map(|m| m.path.join("::")).collect()
    }

    /// A forbidden import would pass in any spelling but the plainest.
    #[test]
    fn every_spelling_of_an_import_is_the_same() {
        for code in [
            "use std::fs;",
            "use ::std::fs;",
            "use std::{fs, io};",
            "use std::{io, fs::{self, File}};",
            "pub use std::fs as disk;",
            "pub(crate) use std::{ collections::{BTreeMap}, fs, };",
            "fn f() { std::fs }",
        ] {
            assert!(named(code).contains(&"std::fs".to_owned()), "{code}: {:?}", named(code));
        }
    }

    /// A module would be allowed under another name of the same place.
    #[test]
    fn relative_paths_are_resolved() {
        let check = |code: &str, expect: &str| assert!(named(code).contains(&expect.to_owned()), "{:?}", named(code));
        check("use crate::ids::RddId;", "engine::ids::RddId");
        check("use super::scheduler::Job;", "engine::scheduler::Job");
        check("use super::super::x;", "x");
        check("use self::run::go;", "engine::executor::run::go");
        check("use pool::Pool;", "engine::executor::pool::Pool");
        check("fn f() { super::runtime::live::go::<u8>() }", "engine::runtime::live::go");
        check("mod inner { use super::pool::Pool; } use super::ids;", "engine::executor::pool::Pool");
        check("mod inner { use super::pool::Pool; } use super::ids;", "engine::ids");
        check("fn f() -> impl Sized + use<'a> { Instant::now() }", "Instant::now");
        check("use crate::event::*;", "engine::event::*");
    }

    /// A message would point at the wrong line.
    #[test]
    fn lines_are_those_of_the_name() {
        let found = mentions("use std::{\n  io,\n  fs,\n};\n", &path("engine"), &Modules::new());
        let lines: Vec<_> = found.all.iter().map(|m| (m.path.join("::"), m.line)).collect();
        assert_eq!(lines, [("std::io".to_owned(), 2), ("std::fs".to_owned(), 3)]);
    }

    /// A re-export would open a way around every rule.
    #[test]
    fn reexports_are_seen_through() {
        let modules = Modules::from(["engine::executor::pool".to_owned()]);
        let code = "pub use pool::{Pool, Worker as Thread}; use pool::Hidden;";
        let found = mentions(code, &path("engine::executor"), &modules);
        let reexports: BTreeMap<_, _> = found.reexports.into_iter().collect();
        let check = |from: &str, to: &str| assert_eq!(behind_reexports(&path(from), &reexports), path(to));
        check("engine::executor::Pool::new", "engine::executor::pool::Pool::new");
        check("engine::executor::Thread", "engine::executor::pool::Worker");
        check("engine::executor::Hidden", "engine::executor::Hidden");
    }
}
