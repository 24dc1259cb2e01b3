//! Spark's units of time and size in settings, read as `JavaUtils.timeStringAs` and `byteStringAs` read them.

use crate::ids::Millis;

/// What a time without a unit counts, which differs from key to key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
}

/// What a size without a unit counts, which differs from key to key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteUnit {
    /// Bytes.
    Bytes,
    /// 1024 bytes.
    Kibi,
    /// 1024 × 1024 bytes.
    Mebi,
}

impl TimeUnit {
    const fn in_nanos(self) -> u128 {
        match self {
            Self::Millis => 1_000_000,
            Self::Seconds => 1_000_000_000,
        }
    }

    /// The suffix that means this unit.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Millis => "ms",
            Self::Seconds => "s",
        }
    }
}

impl ByteUnit {
    const fn in_bytes(self) -> u128 {
        match self {
            Self::Bytes => 1,
            Self::Kibi => 1 << 10,
            Self::Mebi => 1 << 20,
        }
    }

    /// The suffix that means this unit.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Bytes => "b",
            Self::Kibi => "k",
            Self::Mebi => "m",
        }
    }
}

const TIME_HELP: &str = "Time must be specified as seconds (s), milliseconds (ms), microseconds (us), minutes (m or min), hour (h), or day (d). E.g. 50s, 100ms, or 250us.";
const SIZE_HELP: &str = "Size must be specified as bytes (b), kibibytes (k), mebibytes (m), gibibytes (g), tebibytes (t), or pebibytes(p). E.g. 50b, 100k, or 250m.";

/// A number and the letters behind it, lower case and without blanks around.
fn split(text: &str) -> Option<(u128, String)> {
    let text = text.trim().to_ascii_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let letters = suffix.chars().all(|c| c.is_ascii_lowercase());
    Some((digits.parse().ok()?, suffix.to_owned())).filter(|_| letters)
}

/// `3s`, `100ms`, `1h`, or a number of `unit`. Parts of a millisecond are cut off.
///
/// # Errors
/// In Spark's words.
pub fn parse_time(text: &str, unit: TimeUnit) -> Result<Millis, String> {
    let wrong = |why: String| format!("{TIME_HELP}\n{why}");
    let failed = || wrong(format!("Failed to parse time string: {text}"));
    let (number, suffix) = split(text).ok_or_else(failed)?;
    let nanos = match suffix.as_str() {
        "" => unit.in_nanos(),
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60 * 1_000_000_000,
        "h" => 3_600 * 1_000_000_000,
        "d" => 86_400 * 1_000_000_000,
        _ => return Err(wrong(format!("Invalid suffix: \"{suffix}\""))),
    };
    let millis = number.checked_mul(nanos).map(|total| total / 1_000_000);
    // As nanoseconds every time has to fit into 64 bits, with room for adding it to a moment.
    millis.and_then(|n| u64::try_from(n).ok()).filter(|n| *n <= MOST_MILLIS).map(Millis).ok_or_else(failed)
}

/// The longest time that a setting takes: a hundred years.
pub(super) const MOST_MILLIS: u64 = 100 * 366 * 86_400_000;

/// `64m`, `512k`, `1g`, or a number of `unit`.
///
/// # Errors
/// In Spark's words.
pub(super) fn parse_size(text: &str, unit: ByteUnit) -> Result<u64, String> {
    let wrong = |why: String| format!("{SIZE_HELP}\n{why}");
    let failed = || match text.trim().split_once('.') {
        Some((a, b)) if a.parse::<u64>().is_ok() && b.starts_with(|c: char| c.is_ascii_digit()) => {
            wrong(format!("Fractional values are not supported. Input was: {text}"))
        }
        _ => wrong(format!("Failed to parse byte string: {text}")),
    };
    let (number, suffix) = split(text).ok_or_else(failed)?;
    let bytes: u128 = match suffix.as_str() {
        "" => unit.in_bytes(),
        "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        "t" | "tb" => 1 << 40,
        "p" | "pb" => 1 << 50,
        _ => return Err(wrong(format!("Invalid suffix: \"{suffix}\""))),
    };
    number.checked_mul(bytes).and_then(|n| u64::try_from(n).ok()).ok_or_else(failed)
}

/// The shortest exact way to write a time: `3s`, `200ms`, `2min`.
pub(super) fn short_time(millis: u64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let exact = units.iter().find(|(size, _)| millis > 0 && millis.is_multiple_of(*size));
    exact.map_or_else(|| format!("{millis}ms"), |(size, suffix)| format!("{}{suffix}", millis / size))
}

/// The shortest exact way to write a size: `64m`, `512k`, `100b`.
pub(super) fn short_size(bytes: u64) -> String {
    let units = [(1_u64 << 40, "t"), (1 << 30, "g"), (1 << 20, "m"), (1 << 10, "k")];
    let exact = units.iter().find(|(size, _)| bytes > 0 && bytes.is_multiple_of(*size));
    exact.map_or_else(|| format!("{bytes}b"), |(size, suffix)| format!("{}{suffix}", bytes / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A time would mean another one than in Spark's configuration.
    #[test]
    fn times_are_read_as_spark_reads_them() {
        let good = [
            ("3s", TimeUnit::Millis, 3_000),
            ("100ms", TimeUnit::Seconds, 100),
            ("100", TimeUnit::Millis, 100),
            ("120", TimeUnit::Seconds, 120_000),
            (" 2MIN ", TimeUnit::Millis, 120_000),
            ("1h", TimeUnit::Millis, 3_600_000),
            ("1d", TimeUnit::Seconds, 86_400_000),
            ("2500us", TimeUnit::Millis, 2),
            ("0", TimeUnit::Millis, 0),
        ];
        for (text, unit, millis) in good {
            assert_eq!(parse_time(text, unit), Ok(Millis(millis)), "{text}");
        }
        for text in ["", "s", "3x", "1.5s", "-1s", "99999999999999999999d", "3 s", "٣s", "4000000d"] {
            let error = parse_time(text, TimeUnit::Millis).expect_err(text);
            assert!(error.starts_with(TIME_HELP), "{text}: {error}");
        }
    }

    /// A size would mean another one than in Spark's configuration.
    #[test]
    fn sizes_are_read_as_spark_reads_them() {
        let good = [
            ("64m", ByteUnit::Bytes, 64 << 20),
            ("512K", ByteUnit::Mebi, 512 << 10),
            ("48", ByteUnit::Mebi, 48 << 20),
            ("48", ByteUnit::Kibi, 48 << 10),
            ("48", ByteUnit::Bytes, 48),
            ("1gb", ByteUnit::Bytes, 1 << 30),
            ("7b", ByteUnit::Mebi, 7),
        ];
        for (text, unit, bytes) in good {
            assert_eq!(parse_size(text, unit), Ok(bytes), "{text}");
        }
        for text in ["", "m", "64x", "-1k", "99999999p", "64µb"] {
            let error = parse_size(text, ByteUnit::Bytes).expect_err(text);
            assert!(error.starts_with(SIZE_HELP), "{text}: {error}");
        }
        let fraction = parse_size("1.5g", ByteUnit::Bytes).expect_err("a fraction");
        assert!(fraction.ends_with("Fractional values are not supported. Input was: 1.5g"), "{fraction}");
    }

    /// The list of settings would show a default that reads back as another value.
    #[test]
    fn what_is_written_short_reads_back() {
        for n in [0, 1, 999, 1_000, 1_024, 60_000, 90_000, 86_400_000, 64 << 20, 3 << 30, 12_345_678] {
            assert_eq!(parse_time(&short_time(n), TimeUnit::Seconds), Ok(Millis(n)));
            assert_eq!(parse_size(&short_size(n), ByteUnit::Mebi), Ok(n));
        }
        assert_eq!((short_time(3_000), short_size(64 << 20)), ("3s".into(), "64m".into()));
    }
}
