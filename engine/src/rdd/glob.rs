//! Glob patterns, as Hadoop's file systems understand them, for one component of a path.

/// Whether a text has any character that makes it a pattern.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Whether `name` fits: `*` is any text, `?` one character, `[abc]`, `[a-z]` and `[^a]` one of a set, `{a,b}`
/// one of several patterns. Names that begin with `.` fit as others do.
pub fn matches(pattern: &str, name: &str) -> bool {
    alternatives(pattern).iter().any(|pattern| fits(&pattern.chars().collect::<Vec<_>>(), name))
}

/// The patterns without `{…}` that a pattern stands for.
fn alternatives(pattern: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(text) = open.pop() {
        let braces = text.find('{').and_then(|from| Some((from, from + text[from..].find('}')?)));
        match braces {
            Some((from, to)) => {
                let (before, after) = (&text[..from], &text[to + 1..]);
                open.extend(text[from + 1..to].split(',').map(|choice| format!("{before}{choice}{after}")));
            }
            None => done.push(text),
        }
    }
    done
}

/// Goes back to the last `*` when a character does not fit; so the time is bounded by the product of both
/// lengths.
fn fits(pattern: &[char], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match one(pattern, p, name[n]) {
            Some(next) => (p, n) = (next, n + 1),
            None if pattern.get(p) == Some(&'*') => {
                star = Some((p, n));
                p += 1;
            }
            None => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Where the pattern goes on when its element at `at` takes `c`.
fn one(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match *pattern.get(at)? {
        '*' => None,
        '?' => Some(at + 1),
        '[' => {
            // A bracket that is never closed is a character.
            let Some(end) = pattern[at + 1..].iter().position(|c| *c == ']').map(|len| at + 1 + len) else {
                return (c == '[').then_some(at + 1);
            };
            let (inverse, set) = match &pattern[at + 1..end] {
                ['^' | '!', set @ ..] => (true, set),
                set => (false, set),
            };
            (contains(set, c) != inverse).then_some(end + 1)
        }
        other => (other == c).then_some(at + 1),
    }
}

fn contains(mut set: &[char], c: char) -> bool {
    loop {
        match set {
            [] => return false,
            [from, '-', to, rest @ ..] => {
                if (*from..=*to).contains(&c) {
                    return true;
                }
                set = rest;
            }
            [one, rest @ ..] => {
                if *one == c {
                    return true;
                }
                set = rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a pattern would read directories that it does not name, or miss some that it does.
    #[test]
    fn patterns_fit_what_they_name() {
        for (pattern, fitting, others) in [
            ("*", &["", "a", "2026-11"][..], &[][..]),
            ("logs-*", &["logs-", "logs-a-b"], &["log-a", "xlogs-a"]),
            ("*-*-x", &["a-b-x", "a-b-c-x"], &["a-x", "a-b-xy"]),
            ("a?c", &["abc", "a\u{e9}c"], &["ac", "abbc"]),
            ("[a-cx]1", &["a1", "c1", "x1"], &["d1", "1", "ab1"]),
            ("[^a-c]1", &["d1"], &["a1"]),
            ("{eu,us}-*", &["eu-1", "us-"], &["uk-1", "{eu,us}-1"]),
            ("[", &["["], &["a"]),
            ("{a", &["{a"], &["a"]),
        ] {
            assert!(fitting.iter().all(|name| matches(pattern, name)), "{pattern} takes {fitting:?}");
            assert!(!others.iter().any(|name| matches(pattern, name)), "{pattern} does not take {others:?}");
        }
        assert!(is_pattern("a/*/b") && !is_pattern("a/b.txt"));
    }

    /// Without it a pattern of many stars would take for ever.
    #[test]
    fn many_stars_take_little_time() {
        assert!(!matches(&format!("{}b", "a*".repeat(30)), &"a".repeat(2000)));
    }
}
