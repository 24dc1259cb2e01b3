//! The language of numbers: what separates thousands and decimals.
//!
//! The style in force belongs to the thread that paints, as egui's fonts belong to its context: the
//! shell sets it before each frame, and whatever is formatted for the window on that thread uses it.

use serde::{Deserialize, Serialize};
use std::cell::Cell;

/// How numbers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberStyle {
    /// `1,234.5`
    #[default]
    English,
    /// `1.234,5`
    German,
    /// `1 234,5`, with a narrow space.
    French,
    /// `1234.5`
    Plain,
}

thread_local! {
    static IN_FORCE: Cell<NumberStyle> = const { Cell::new(NumberStyle::English) };
}

impl NumberStyle {
    /// Every style, in the order of menus.
    pub const ALL: [Self; 4] = [Self::English, Self::German, Self::French, Self::Plain];

    /// Its name in the window, in its own language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
            Self::French => "Français",
            Self::Plain => "Plain",
        }
    }

    /// The style in force on this thread.
    pub fn in_force() -> Self {
        IN_FORCE.get()
    }

    /// Puts the style into force on this thread.
    pub fn apply(self) {
        IN_FORCE.set(self);
    }

    const fn thousands(self) -> Option<char> {
        match self {
            Self::English => Some(','),
            Self::German => Some('.'),
            Self::French => Some('\u{202f}'),
            Self::Plain => None,
        }
    }

    const fn decimal(self) -> char {
        match self {
            Self::English | Self::Plain => '.',
            Self::German | Self::French => ',',
        }
    }

    /// A whole number.
    pub fn whole(self, n: u64) -> String {
        let digits = n.to_string();
        let Some(separator) = self.thousands() else { return digits };
        let mut text = String::with_capacity(digits.len() * 4 / 3);
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
        text
    }

    /// A number of at least 0 with so many decimals.
    pub fn decimal_number(self, value: f64, decimals: usize) -> String {
        let plain = format!("{value:.decimals$}");
        let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
        let whole = whole.parse().map_or_else(|_| whole.to_owned(), |n| self.whole(n));
        if rest.is_empty() { whole } else { format!("{whole}{}{rest}", self.decimal()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this a reader takes 1.234 for a little more than one.
    #[test]
    fn each_language_has_its_separators() {
        let check = |style: NumberStyle, whole: &str, decimal: &str| {
            assert_eq!(style.whole(1_234_567), whole);
            assert_eq!(style.decimal_number(1234.5, 1), decimal);
            assert_eq!(style.whole(999), "999");
            assert_eq!(style.whole(0), "0");
        };
        check(NumberStyle::English, "1,234,567", "1,234.5");
        check(NumberStyle::German, "1.234.567", "1.234,5");
        check(NumberStyle::French, "1\u{202f}234\u{202f}567", "1\u{202f}234,5");
        check(NumberStyle::Plain, "1234567", "1234.5");
    }
}
