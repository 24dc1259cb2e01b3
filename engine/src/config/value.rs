//! What a setting may be, and how it becomes a field and text again.

use super::units::{ByteUnit, TimeUnit, parse_size, parse_time, short_size, short_time};
use super::{BatchFailurePolicy, CheckpointWriting};
use crate::ids::Millis;
use crate::recovery::OnChange;
use crate::scheduler::SchedulingMode;

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A whole number.
    Count {
        /// Smallest.
        least: u64,
        /// Largest.
        most: u64,
    },
    /// A whole number, or `none`.
    OptionalCount {
        /// Smallest.
        least: u64,
        /// Largest.
        most: u64,
    },
    /// A time; without a unit it counts these.
    Time(TimeUnit),
    /// A time of at least a millisecond: what repeats at such intervals would else repeat without an end.
    Interval(TimeUnit),
    /// A time, or `none`; without a unit it counts these.
    OptionalTime(TimeUnit),
    /// A size; without a unit it counts these.
    Size(ByteUnit),
    /// A number with a fraction.
    Factor {
        /// Smallest.
        least: f64,
        /// Largest.
        most: f64,
    },
    /// `true` or `false`.
    Switch,
    /// Any text, or `none`.
    OptionalText,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A value between text and field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A count, bytes or milliseconds; `None` only for [`Kind::OptionalCount`], [`Kind::OptionalTime`] and
    /// [`Kind::OptionalText`].
    Number(Option<u64>),
    /// A factor.
    Factor(f64),
    /// A switch.
    Switch(bool),
    /// A word, or a text.
    Word(String),
}

impl Kind {
    /// Reads text.
    ///
    /// # Errors
    /// What is wrong, in Spark's words where Spark has them.
    pub fn parse(self, key: &str, text: &str) -> Result<Value, String> {
        let number = |n: u64| Value::Number(Some(n));
        match self {
            Self::OptionalCount { .. } | Self::OptionalTime(_) | Self::OptionalText if text == NONE => {
                Ok(Value::Number(None))
            }
            Self::OptionalText if text.is_empty() => Err(format!("{key} is empty; write {NONE} for no {key}")),
            Self::OptionalText => Ok(Value::Word(text.to_owned())),
            Self::Count { least, most } | Self::OptionalCount { least, most } => {
                let n: u64 = text.parse().map_err(|_| format!("{key} should be int, but was {text}"))?;
                if n < least || n > most {
                    return Err(format!("'{text}' in {key} is invalid. It must be between {least} and {most}."));
                }
                Ok(number(n))
            }
            Self::Time(unit) | Self::OptionalTime(unit) => parse_time(text, unit).map(|Millis(n)| number(n)),
            Self::Interval(unit) => match parse_time(text, unit)? {
                Millis(0) => Err(format!("'{text}' in {key} is invalid. It must be at least 1ms.")),
                Millis(n) => Ok(number(n)),
            },
            Self::Size(unit) => parse_size(text, unit).map(number),
            Self::Factor { least, most } => {
                let n: f64 = text.parse().map_err(|_| format!("{key} should be double, but was {text}"))?;
                if !(n.is_finite() && n >= least && n <= most) {
                    return Err(format!("'{text}' in {key} is invalid. It must be between {least} and {most}."));
                }
                Ok(Value::Factor(n))
            }
            Self::Switch => match text.to_ascii_lowercase().as_str() {
                "true" => Ok(Value::Switch(true)),
                "false" => Ok(Value::Switch(false)),
                _ => Err(format!("{key} should be boolean, but was {text}")),
            },
            Self::Word(words) if words.contains(&text) => Ok(Value::Word(text.to_owned())),
            Self::Word(words) => Err(format!("'{text}' in {key} is invalid. It must be one of {}.", words.join(", "))),
        }
    }

    /// Prints a value so that [`Kind::parse`] reads it back: times in milliseconds, sizes in bytes.
    pub fn print(self, value: &Value) -> String {
        match (self, value) {
            (Self::Time(_) | Self::Interval(_) | Self::OptionalTime(_), Value::Number(Some(n))) => format!("{n}ms"),
            (Self::Size(unit), Value::Number(Some(n))) if unit != ByteUnit::Bytes => format!("{n}b"),
            _ => plain(value),
        }
    }

    /// Prints a value for people: `3s`, `64m`.
    pub fn short(self, value: &Value) -> String {
        match (self, value) {
            (Self::Time(_) | Self::Interval(_) | Self::OptionalTime(_), Value::Number(Some(n))) => short_time(*n),
            (Self::Size(_), Value::Number(Some(n))) => short_size(*n),
            _ => plain(value),
        }
    }

    /// What may be written, for the list of settings.
    pub fn words(self) -> String {
        let range = |least: u64, most: u64| match most {
            u64::MAX => format!("a number from {least}"),
            _ => format!("a number from {least} to {most}"),
        };
        match self {
            Self::Count { least, most } => range(least, most),
            Self::OptionalCount { least, most } => format!("{}, or {NONE}", range(least, most)),
            Self::Time(unit) => format!("a time; without a unit {}", unit.suffix()),
            Self::Interval(unit) => format!("a time from 1ms; without a unit {}", unit.suffix()),
            Self::OptionalTime(unit) => format!("a time, or {NONE}; without a unit {}", unit.suffix()),
            Self::Size(unit) => format!("a size; without a unit {}", unit.suffix()),
            Self::Factor { least, most: f64::MAX } => format!("a factor from {least}"),
            Self::Factor { least, most } => format!("a factor from {least} to {most}"),
            Self::Switch => "true or false".to_owned(),
            Self::OptionalText => format!("a text, or {NONE}"),
            Self::Word(words) => words.join(" or "),
        }
    }
}

/// How the absence of a limit is written.
const NONE: &str = "none";

fn plain(value: &Value) -> String {
    match value {
        Value::Number(None) => NONE.to_owned(),
        Value::Number(Some(n)) => n.to_string(),
        Value::Factor(n) => n.to_string(),
        Value::Switch(on) => on.to_string(),
        Value::Word(word) => word.clone(),
    }
}

/// A type that a field of the configuration may have.
pub trait Field {
    /// As it stands in the struct.
    fn value(&self) -> Value;
    /// Takes a value of its [`Kind`]; values of another kind leave it alone.
    fn accept(&mut self, value: Value);
}

macro_rules! number_field {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn value(&self) -> Value {
                Value::Number(u64::try_from(*self).ok())
            }

            fn accept(&mut self, value: Value) {
                // `most` of the setting's kind lets nothing larger through.
                if let Value::Number(Some(n)) = value {
                    *self = <$type>::try_from(n).unwrap_or(<$type>::MAX);
                }
            }
        }
    )*};
}
number_field!(u8, u16, u32, u64, usize);

impl Field for Millis {
    fn value(&self) -> Value {
        self.0.value()
    }

    fn accept(&mut self, value: Value) {
        self.0.accept(value);
    }
}

impl<T: Field + Default> Field for Option<T> {
    fn value(&self) -> Value {
        self.as_ref().map_or(Value::Number(None), Field::value)
    }

    fn accept(&mut self, value: Value) {
        *self = match value {
            Value::Number(None) => None,
            value => {
                let mut inner = T::default();
                inner.accept(value);
                Some(inner)
            }
        };
    }
}

impl Field for f64 {
    fn value(&self) -> Value {
        Value::Factor(*self)
    }

    fn accept(&mut self, value: Value) {
        if let Value::Factor(n) = value {
            *self = n;
        }
    }
}

impl Field for BatchFailurePolicy {
    fn value(&self) -> Value {
        Value::Word(self.name().to_owned())
    }

    fn accept(&mut self, value: Value) {
        if let Value::Word(word) = value
            && let Some(policy) = Self::ALL.into_iter().find(|policy| policy.name() == word)
        {
            *self = policy;
        }
    }
}

impl Field for OnChange {
    fn value(&self) -> Value {
        Value::Word(self.name().to_owned())
    }

    fn accept(&mut self, value: Value) {
        if let Value::Word(word) = value
            && let Some(choice) = Self::ALL.into_iter().find(|choice| choice.name() == word)
        {
            *self = choice;
        }
    }
}

impl Field for SchedulingMode {
    fn value(&self) -> Value {
        Value::Word(self.name().to_owned())
    }

    fn accept(&mut self, value: Value) {
        if let Value::Word(word) = value {
            *self = if word == Self::Fair.name() { Self::Fair } else { Self::Fifo };
        }
    }
}

impl Field for bool {
    fn value(&self) -> Value {
        Value::Switch(*self)
    }

    fn accept(&mut self, value: Value) {
        if let Value::Switch(on) = value {
            *self = on;
        }
    }
}

impl Field for String {
    fn value(&self) -> Value {
        Value::Word(self.clone())
    }

    fn accept(&mut self, value: Value) {
        if let Value::Word(text) = value {
            *self = text;
        }
    }
}

impl Field for CheckpointWriting {
    fn value(&self) -> Value {
        Value::Word(Self::NAMES[usize::from(*self == Self::Tee)].to_owned())
    }

    fn accept(&mut self, value: Value) {
        if let Value::Word(word) = value {
            *self = if word == Self::NAMES[1] { Self::Tee } else { Self::SecondJob };
        }
    }
}
