//! The event log as JSON Lines, in Spark's own names and spellings.
//!
//! One line is one envelope. Kinds that Spark has are written as Spark writes them, so that its History
//! Server opens our logs; our own kinds are named `Faultline…`. The last field of every line we write,
//! `Faultline`, holds the number, the time in nanoseconds and what Spark's spelling cannot say, so that
//! parsing gives back the identical envelope. A line without that field comes from Spark, and
//! [`LogReader`] adds what Spark omits.
//!
//! Reads and writes only through `BufRead` and `Write`: no files, no clocks, no threads.
//!
//! The format only grows: no field is ever removed, new ones are optional, unknown kinds are kept.

mod announced;
mod ours;
mod reader;
mod record;
mod spark;
mod spark_json;
#[cfg(test)]
mod tests;
mod unknown;
mod writer;

pub use reader::{LogReader, MAX_LINE_BYTES, ReadError};
pub use writer::LogWriter;
