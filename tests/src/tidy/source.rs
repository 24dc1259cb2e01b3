//! One Rust file, taken apart: its code without comments, texts and tests, and its comments.

use std::ops::Range;

/// The parts of a file. Each has the length and the line breaks of the file, so that positions in one
/// are positions in all; what does not belong to a part is blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Code without comments and without the contents of string and character literals.
    pub code: String,
    /// `code` without items under `#[cfg(test)]` and `#[test]`.
    pub shipped: String,
    /// Comments only.
    pub comments: String,
    /// Modules in files of their own that are declared under `#[cfg(test)]`.
    pub test_modules: Vec<String>,
}

impl Source {
    /// Takes a text apart. Any text is accepted; what does not end ends with the text.
    pub fn new(text: &str) -> Self {
        let (code, comments) = split(text);
        let mut shipped = code.clone().into_bytes();
        let mut test_modules = Vec::new();
        for item in test_items(&code) {
            if let Some(name) = declared_module(&code[item.clone()]) {
                test_modules.push(name);
            }
            blank(&mut shipped, item);
        }
        let shipped = String::from_utf8(shipped).expect("whole items were blanked, and code is ASCII at their borders");
        Self { code, shipped, comments, test_modules }
    }
}

/// The line of a byte, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count() + 1
}

/// Where `word` stands by itself and not inside a longer name.
pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part_of_name = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let bytes = text.as_bytes();
        !part_of_name(at.checked_sub(1).and_then(|i| bytes.get(i))) && !part_of_name(bytes.get(at + word.len()))
    })
}

fn blank(bytes: &mut [u8], range: Range<usize>) {
    for byte in &mut bytes[range] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// What a position belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Code,
    Comment,
    Literal,
}

/// Code and comments of a text, each with the rest blanked.
fn split(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut comments = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let (part, end) = next_part(bytes, at);
        let end = end.min(bytes.len());
        if part != Part::Code {
            blank(&mut code, at..end);
        }
        if part != Part::Comment {
            blank(&mut comments, at..end);
        }
        at = end;
    }
    let whole = "parts begin and end at ASCII bytes";
    (String::from_utf8(code).expect(whole), String::from_utf8(comments).expect(whole))
}

/// The part that begins at `at`, and where it ends.
fn next_part(bytes: &[u8], at: usize) -> (Part, usize) {
    let rest = &bytes[at..];
    match rest[0] {
        b'/' if rest.starts_with(b"//") => {
            (Part::Comment, at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len()))
        }
        b'/' if rest.starts_with(b"/*") => (Part::Comment, at + block_comment_len(rest)),
        b'"' => (Part::Literal, at + quoted_len(rest)),
        b'\'' => char_len(rest).map_or((Part::Code, at + 1), |len| (Part::Literal, at + len)),
        b if b.is_ascii_alphabetic() || b == b'_' => {
            let name = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
            match raw_string_len(&rest[..name], &rest[name..]) {
                Some(len) => (Part::Literal, at + name + len),
                None => (Part::Code, at + name),
            }
        }
        _ => (Part::Code, at + 1),
    }
}

fn block_comment_len(rest: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted_len(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// Length of a character literal; none for a lifetime.
fn char_len(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return rest[3.min(rest.len())..].iter().position(|&b| b == b'\'').map(|i| i + 4);
    }
    let text = std::str::from_utf8(rest.get(1..(rest.len().min(6)))?)
        .unwrap_or_else(|error| std::str::from_utf8(&rest[1..1 + error.valid_up_to()]).expect("checked up to here"));
    let len = text.chars().next()?.len_utf8();
    (rest.get(1 + len) == Some(&b'\'')).then_some(len + 2)
}

/// Length of the raw string whose prefix is `name`, from the first `#` or `"` on.
fn raw_string_len(name: &[u8], rest: &[u8]) -> Option<usize> {
    if !matches!(name, b"r" | b"br" | b"cr") {
        return None;
    }
    let hashes = rest.iter().take_while(|&&b| b == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let from = hashes + 1;
    let found = rest[from..].windows(close.len()).position(|w| w == close);
    Some(found.map_or(rest.len(), |i| from + i + close.len()))
}

/// The items, with their attributes, that exist in test builds only.
fn test_items(code: &str) -> Vec<Range<usize>> {
    if code.contains("#![cfg(test)]") {
        return std::iter::once(0..code.len()).collect();
    }
    let mut items: Vec<Range<usize>> = Vec::new();
    let mut starts: Vec<usize> = ["#[cfg(test)]", "#[cfg(all(test", "#[test]"]
        .iter()
        .flat_map(|attribute| code.match_indices(attribute).map(|(at, _)| at))
        .collect();
    starts.sort_unstable();
    for start in starts {
        if items.last().is_none_or(|last| last.end <= start) {
            items.push(start..item_end(code, start));
        }
    }
    items
}

/// Where the item at `start` ends: at its `;`, or at the brace that closes its first brace.
fn item_end(code: &str, start: usize) -> usize {
    let (mut braces, mut brackets) = (0usize, 0usize);
    for (i, b) in code.bytes().enumerate().skip(start) {
        match b {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets = brackets.saturating_sub(1),
            b'{' => braces += 1,
            b'}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return i + 1;
                }
            }
            b';' if braces == 0 && brackets == 0 => return i + 1,
            _ => {}
        }
    }
    code.len()
}

/// `tests` of `#[cfg(test)] mod tests;`.
fn declared_module(item: &str) -> Option<String> {
    let before = item.strip_suffix(';')?;
    let (_, name) = before.rsplit_once("mod ")?;
    let name = name.trim();
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_').then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Forbidden words would be found in texts and comments, or hidden behind them.
    #[test]
    fn comments_and_literals_are_no_code() {
        let check = |text: &str, code: &str| {
            let got = Source::new(text).code;
            assert_eq!(got.split_whitespace().collect::<Vec<_>>().join(" "), code, "{text}");
        };
        check("a // b\nc", "a c");
        check("a /* b /* c */ d */ e", "a e");
        check("/// doc `x`\nfn f() {}", "fn f() {}");
        check(r#"f("a // b", c)"#, "f( , c)");
        check(r#"f("a \" b", c)"#, "f( , c)");
        check("f(r\"a\\\", b)", "f( , b)");
        check("f(r#\"a \" b\"#, c)", "f( , c)");
        check("f(br##\"a \"# b\"##, c)", "f( , c)");
        check("f('\"', b'\\'', '\\u{1F600}', 'é', c)", "f( , b , , , c)");
        check("fn f<'a>(x: &'a str) -> &'static str", "fn f<'a>(x: &'a str) -> &'static str");
        check("a /* never ends", "a");
        check("a \"never ends", "a");
    }

    /// A word in a text that looks like a comment would be reported, or one in a comment missed.
    #[test]
    fn comments_are_kept_apart() {
        let source = Source::new("let x = \"// no\"; // yes\n/* and\nthis */ code");
        assert_eq!(source.comments.split_whitespace().collect::<Vec<_>>(), ["//", "yes", "/*", "and", "this", "*/"]);
    }

    /// Test code would be held to rules that are not meant for it, or shipped code after it to none.
    #[test]
    fn test_items_are_not_shipped() {
        let check = |text: &str, shipped: &str| {
            let got = Source::new(text).shipped;
            assert_eq!(got.split_whitespace().collect::<Vec<_>>().join(" "), shipped, "{text}");
        };
        check("fn a() {} #[cfg(test)] mod tests { fn b() { if c {} } } fn d() {}", "fn a() {} fn d() {}");
        check("#[cfg(test)] use a::b; fn c() {}", "fn c() {}");
        check("#[cfg(test)] fn a(b: [u8; 2]) { c } fn d() {}", "fn d() {}");
        check("#[cfg(test)] mod tests { #[test] fn a() {} } fn b() {}", "fn b() {}");
        check("#[cfg(not(test))] fn a() {}", "#[cfg(not(test))] fn a() {}");
        check("#![cfg(test)] fn a() {}", "");
        check("#[cfg(test)] mod tests { let brace = \"}\"; } fn a() {}", "fn a() {}");
    }

    /// Files of tests would be taken for shipped files.
    #[test]
    fn test_modules_in_files_are_found() {
        let check = |text: &str, expect: &[&str]| assert_eq!(Source::new(text).test_modules, expect, "{text}");
        check("#[cfg(test)]\nmod conformance;\nmod real;", &["conformance"]);
        check("#[cfg(test)]\n#[path = \"x.rs\"]\npub(crate) mod tests;", &["tests"]);
        check("#[cfg(test)]\nmod tests { mod inner; }", &[]);
    }

    /// `unsafe_code` would be taken for `unsafe`.
    #[test]
    fn words_stand_alone() {
        assert_eq!(words("unsafe_code unsafe (unsafe)x not_unsafe", "unsafe").collect::<Vec<_>>(), [12, 20]);
    }

    proptest! {
        /// An unfinished file would make the test panic instead of naming what is wrong.
        #[test]
        fn any_text_is_taken_apart(text in "([a-z'\"/*#!r\\\\{}\\[\\]();é\n ]|#\\[cfg\\(test\\)\\]|mod x;){0,80}") {
            let source = Source::new(&text);
            prop_assert_eq!(source.code.len(), text.len());
            prop_assert_eq!(source.shipped.lines().count(), text.lines().count());
        }
    }
}
