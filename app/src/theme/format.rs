//! How numbers are written: durations, bytes, counts, speeds.

/// One mebibyte; memory budgets are given in it.
const MIB: u64 = 1 << 20;

/// Bytes with a unit: `812 B`, `39 kB`, `4.2 MB`, `1.5 GB`, in powers of 1024.
pub fn bytes(value: u64) -> String {
    let units = [(1 << 30, "GB"), (MIB, "MB"), (1 << 10, "kB")];
    match units.iter().find(|(size, _)| value >= *size) {
        Some((size, unit)) => {
            let amount = value as f64 / *size as f64;
            if amount < 10.0 && !value.is_multiple_of(*size) {
                format!("{amount:.1} {unit}")
            } else {
                format!("{amount:.0} {unit}")
            }
        }
        None => format!("{value} B"),
    }
}

/// A share of a budget: `39 of 64 MB`; a share below the unit of the budget keeps its own unit.
pub fn bytes_of(used: u64, total: u64) -> String {
    let (used, total) = (bytes(used), bytes(total));
    match (used.split_once(' '), total.split_once(' ')) {
        (Some((amount, unit)), Some((_, same))) if unit == same => format!("{amount} of {total}"),
        (Some(("0", _)), _) => format!("0 of {total}"),
        _ => format!("{used} of {total}"),
    }
}

/// A duration from nanoseconds: `412 µs`, `48 ms`, `8.412 s`.
pub fn duration_ns(ns: u64) -> String {
    match ns {
        0..1_000_000 => format!("{} µs", ns / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => seconds(ns),
    }
}

/// Seconds with milliseconds, for a clock that must not jump in width: `8.412 s`.
pub fn seconds(ns: u64) -> String {
    format!("{}.{:03} s", ns / 1_000_000_000, ns / 1_000_000 % 1_000)
}

/// A count with its noun: `1 partition`, `4 partitions`.
pub fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", number(n)) }
}

/// Thousands apart by narrow spaces: `12 345`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Virtual seconds per wall second: `0.1 ×`, `25 ×`, `maximum`.
pub fn speed(value: f64) -> String {
    if value.is_infinite() {
        "maximum".to_owned()
    } else if value < 10.0 {
        format!("{value:.1} ×")
    } else {
        format!("{value:.0} ×")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this a memory bar reads `40894464 of 67108864`, or names the unit twice.
    #[test]
    fn bytes_are_short_and_name_their_unit_once() {
        let check = |used: u64, total: u64, expect: &str| assert_eq!(bytes_of(used, total), expect);
        check(39 * MIB, 64 * MIB, "39 of 64 MB");
        check(0, 64 * MIB, "0 of 64 MB");
        check(812, 64 * MIB, "812 B of 64 MB");
        check(300 << 10, 64 * MIB, "300 kB of 64 MB");
        check(4 * MIB + 200_000, 64 * MIB, "4.2 of 64 MB");
        check(3 << 30, 4 << 30, "3 of 4 GB");
    }

    /// Without this a clock jumps in width, or a count says `1 partitions`.
    #[test]
    fn durations_counts_and_speeds() {
        let check = |text: String, expect: &str| assert_eq!(text, expect);
        check(seconds(8_412_000_000), "8.412 s");
        check(seconds(0), "0.000 s");
        check(duration_ns(412_000), "412 µs");
        check(duration_ns(48_900_000), "48 ms");
        check(duration_ns(1_500_000_000), "1.500 s");
        check(count(1, "partition"), "1 partition");
        check(count(4, "partition"), "4 partitions");
        check(count(12_345, "record"), "12\u{202f}345 records");
        check(speed(0.1), "0.1 ×");
        check(speed(25.0), "25 ×");
        check(speed(f64::INFINITY), "maximum");
    }
}
