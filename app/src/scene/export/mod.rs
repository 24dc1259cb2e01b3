//! A scene as a file: SVG, and diagrams for Graphviz and Mermaid. Text in, text out.

mod cells;
mod diagram;
mod edges;
mod svg;

pub use diagram::{Arrow, Diagram, DiagramBox, Line};
pub use svg::svg;

/// Colours as `#rrggbb`; the names are those of the theme's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the token of the same name")]
pub struct Palette {
    pub background: String,
    pub raised: String,
    pub column: String,
    pub column_live: String,
    pub line: String,
    pub text: String,
    pub text_soft: String,
    pub text_faint: String,
    pub empty: String,
    pub first_time: String,
    pub memory: String,
    pub disk: String,
    pub checkpoint: String,
    pub computing: String,
    pub computing_words: String,
    pub again: String,
    pub lost: String,
    pub on_fill: String,
}

/// Text inside an element or an attribute of XML. Characters that XML cannot hold become U+FFFD.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
