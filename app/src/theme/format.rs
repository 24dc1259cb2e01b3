//! How numbers are written: durations, bytes, counts, speeds; in the language of
//! [`NumberStyle::in_force`].

use super::NumberStyle;

/// One mebibyte; memory budgets are given in it.
const MIB: u64 = 1 << 20;

/// Bytes with a unit: `812 B`, `39 KiB`, `4.2 MiB`, `1.5 GiB`. Spark's pages use the same units.
pub fn bytes(value: u64) -> String {
    let style = NumberStyle::in_force();
    let units = [(1 << 30, "GiB"), (MIB, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(size, _)| value >= *size) {
        Some((size, unit)) => {
            let amount = value as f64 / *size as f64;
            let decimals = usize::from(amount < 10.0 && !value.is_multiple_of(*size));
            format!("{} {unit}", style.decimal_number(amount, decimals))
        }
        None => format!("{value} B"),
    }
}

/// A share of a budget: `39 of 64 MiB`; a share below the unit of the budget keeps its own unit.
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
    let whole_ms = (ns / 1_000_000) as f64;
    format!("{} s", NumberStyle::in_force().decimal_number(whole_ms / 1_000.0, 3))
}

/// A count with its noun: `1 partition`, `4 partitions`.
pub fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", number(n)) }
}

/// A whole number: `12,345`.
pub fn number(n: u64) -> String {
    NumberStyle::in_force().whole(n)
}

/// How many times as much: `10 times`, `1.5 times`.
pub fn factor(value: f64) -> String {
    let decimals = usize::from(value.fract() != 0.0);
    format!("{} times", NumberStyle::in_force().decimal_number(value, decimals))
}

/// Virtual seconds per wall second: `0.1 ×`, `25 ×`, `maximum`.
pub fn speed(value: f64) -> String {
    if value.is_infinite() {
        return "maximum".to_owned();
    }
    format!("{} ×", NumberStyle::in_force().decimal_number(value, usize::from(value < 10.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this a memory bar reads `40894464 of 67108864`, or names the unit twice.
    #[test]
    fn bytes_are_short_and_name_their_unit_once() {
        let check = |used: u64, total: u64, expect: &str| assert_eq!(bytes_of(used, total), expect);
        check(39 * MIB, 64 * MIB, "39 of 64 MiB");
        check(0, 64 * MIB, "0 of 64 MiB");
        check(812, 64 * MIB, "812 B of 64 MiB");
        check(300 << 10, 64 * MIB, "300 KiB of 64 MiB");
        check(4 * MIB + 200_000, 64 * MIB, "4.2 of 64 MiB");
        check(3 << 30, 4 << 30, "3 of 4 GiB");
    }

    /// Without this a clock jumps in width, or a count says `1 partitions`.
    #[test]
    fn durations_counts_and_speeds() {
        let check = |text: String, expect: &str| assert_eq!(text, expect);
        check(seconds(8_412_000_000), "8.412 s");
        check(seconds(8_412_999_999), "8.412 s");
        check(seconds(0), "0.000 s");
        check(duration_ns(412_000), "412 µs");
        check(duration_ns(48_900_000), "48 ms");
        check(duration_ns(1_500_000_000), "1.500 s");
        check(count(1, "partition"), "1 partition");
        check(count(4, "partition"), "4 partitions");
        check(count(12_345, "record"), "12,345 records");
        check(factor(10.0), "10 times");
        check(factor(1.5), "1.5 times");
        check(speed(0.1), "0.1 ×");
        check(speed(25.0), "25 ×");
        check(speed(f64::INFINITY), "maximum");
    }

    /// Without this some numbers of the window stay in another language than the rest.
    #[test]
    fn every_number_is_in_the_language_in_force() {
        NumberStyle::German.apply();
        assert_eq!(bytes(4 * MIB + 200_000), "4,2 MiB");
        assert_eq!(seconds(1_234_500_000_000), "1.234,500 s");
        assert_eq!(count(1_200, "record"), "1.200 records");
        assert_eq!(speed(0.1), "0,1 ×");
        NumberStyle::default().apply();
    }
}
