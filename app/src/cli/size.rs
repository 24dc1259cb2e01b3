//! Sizes in bytes as people write them.

/// Reads `64MB`, `512k`, `1GiB` or a number of bytes. Units are powers of 1024, as in Spark's settings.
///
/// # Errors
/// What is wrong, and what to write instead.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = text.trim()[digits.len()..].trim().to_ascii_lowercase();
    let factor: u64 = match unit.as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return Err(format!("unknown unit {unit:?}; write a whole number with k, MB, GiB, for example 64MB")),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("{digits:?} is no whole number; write a number and a unit, for example 64MB"))?;
    match number.checked_mul(factor) {
        Some(0) => Err("a size must be greater than 0, for example 64MB".into()),
        Some(bytes) => Ok(bytes),
        None => Err(format!("{text} is more than this machine can count; write for example 64MB")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `--memory 64MB` would be another amount of memory than a user expects.
    #[test]
    fn sizes_are_read_as_spark_reads_them() {
        let good = [
            ("64MB", 64 << 20),
            ("64 mib", 64 << 20),
            ("512k", 512 << 10),
            ("1GiB", 1 << 30),
            ("2g", 2 << 30),
            ("100", 100),
            ("7b", 7),
        ];
        for (text, bytes) in good {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "1.5g", "-1k", "64MX", "0", "99999999999T", "64µB", "１MB"] {
            let error = parse_size(text).expect_err(text);
            assert!(error.contains("64MB"), "{text}: {error}");
        }
    }
}
