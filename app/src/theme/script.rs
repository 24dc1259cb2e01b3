//! Writing systems that the embedded fonts lack: records may hold any language.

/// A writing system for which a font of the system is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Script {
    /// Chinese characters, with their punctuation and full-width forms.
    Han,
    /// Hiragana and Katakana.
    Kana,
    /// Korean.
    Hangul,
    /// Arabic, Persian, Urdu.
    Arabic,
    /// Hebrew.
    Hebrew,
    /// Hindi, Marathi, Nepali.
    Devanagari,
    /// Bengali.
    Bengali,
    /// Tamil.
    Tamil,
    /// Telugu.
    Telugu,
    /// Thai.
    Thai,
    /// Armenian.
    Armenian,
    /// Georgian.
    Georgian,
    /// Amharic, Tigrinya.
    Ethiopic,
}

/// First and last code point of each range, in order.
const RANGES: &[(u32, u32, Script)] = &[
    (0x0531, 0x058F, Script::Armenian),
    (0x0591, 0x05F4, Script::Hebrew),
    (0x0600, 0x06FF, Script::Arabic),
    (0x0750, 0x077F, Script::Arabic),
    (0x0900, 0x097F, Script::Devanagari),
    (0x0980, 0x09FF, Script::Bengali),
    (0x0B80, 0x0BFF, Script::Tamil),
    (0x0C00, 0x0C7F, Script::Telugu),
    (0x0E00, 0x0E7F, Script::Thai),
    (0x10A0, 0x10FF, Script::Georgian),
    (0x1100, 0x11FF, Script::Hangul),
    (0x1200, 0x139F, Script::Ethiopic),
    (0x2E80, 0x303F, Script::Han),
    (0x3040, 0x30FF, Script::Kana),
    (0x3105, 0x312F, Script::Han),
    (0x3130, 0x318F, Script::Hangul),
    (0x31C0, 0x31EF, Script::Han),
    (0x31F0, 0x31FF, Script::Kana),
    (0x3200, 0x4DBF, Script::Han),
    (0x4E00, 0x9FFF, Script::Han),
    (0xAC00, 0xD7AF, Script::Hangul),
    (0xF900, 0xFAFF, Script::Han),
    (0xFB50, 0xFDFF, Script::Arabic),
    (0xFE70, 0xFEFE, Script::Arabic),
    (0xFF01, 0xFFEE, Script::Han),
    (0x20000, 0x323AF, Script::Han),
];

impl Script {
    /// Every script.
    pub const ALL: [Self; 13] = [
        Self::Han,
        Self::Kana,
        Self::Hangul,
        Self::Arabic,
        Self::Hebrew,
        Self::Devanagari,
        Self::Bengali,
        Self::Tamil,
        Self::Telugu,
        Self::Thai,
        Self::Armenian,
        Self::Georgian,
        Self::Ethiopic,
    ];

    /// The script of a character, when the embedded fonts lack it.
    pub fn of(c: char) -> Option<Self> {
        let code = u32::from(c);
        if code < RANGES[0].0 {
            return None;
        }
        let after = RANGES.partition_point(|(first, _, _)| *first <= code);
        let (_, last, script) = RANGES.get(after.checked_sub(1)?)?;
        (code <= *last).then_some(*script)
    }

    /// Characters that a font for this script must have.
    pub const fn sample(self) -> &'static [char] {
        match self {
            Self::Han => &['中', '文', '，'],
            Self::Kana => &['あ', 'カ'],
            Self::Hangul => &['한', '글'],
            Self::Arabic => &['ع', 'ر'],
            Self::Hebrew => &['א', 'ש'],
            Self::Devanagari => &['अ', 'न'],
            Self::Bengali => &['অ', 'ব'],
            Self::Tamil => &['அ', 'த'],
            Self::Telugu => &['అ', 'త'],
            Self::Thai => &['ก', 'ท'],
            Self::Armenian => &['Ա', 'ա'],
            Self::Georgian => &['ა', 'ბ'],
            Self::Ethiopic => &['አ', 'ማ'],
        }
    }
}

/// A set of scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scripts(u16);

impl Scripts {
    /// The scripts of a text that the embedded fonts lack.
    pub fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self::default();
        }
        text.chars().filter_map(Script::of).collect()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it has this script.
    pub const fn contains(self, script: Script) -> bool {
        self.0 & (1 << script as u16) != 0
    }

    /// Whether they have a script in common.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The scripts of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The scripts of this that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Its scripts.
    pub fn iter(self) -> impl Iterator<Item = Script> {
        Script::ALL.into_iter().filter(move |script| self.contains(*script))
    }
}

impl FromIterator<Script> for Scripts {
    fn from_iter<I: IntoIterator<Item = Script>>(scripts: I) -> Self {
        Self(scripts.into_iter().fold(0, |bits, script| bits | 1 << script as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this a character is looked for in a font of another script, or never.
    #[test]
    fn characters_have_their_script() {
        assert!(RANGES.is_sorted_by_key(|range| range.0));
        assert!(RANGES.windows(2).all(|pair| pair[0].1 < pair[1].0), "ranges overlap");
        for script in Script::ALL {
            for c in script.sample() {
                assert_eq!(Script::of(*c), Some(script), "{c}");
            }
        }
        for c in "aé·…→×−ЖΩ€≡😀".chars() {
            assert_eq!(Script::of(c), None, "{c}: ours or egui's fonts have it");
        }
    }

    /// Without this every line with a dot in its middle asks for fonts.
    #[test]
    fn only_foreign_texts_want_fonts() {
        assert!(Scripts::of("flatMap · map → 6 partitions").is_empty());
        let mixed = Scripts::of("(word, 中文), (カタカナ, 2)");
        assert_eq!(mixed.iter().collect::<Vec<_>>(), [Script::Han, Script::Kana]);
        assert!(mixed.without(Scripts::of("中")).contains(Script::Kana));
    }
}
