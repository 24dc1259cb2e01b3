//! Output operations: `foreachRDD` and `print` (R11.11, R11.12).

use super::dstream::DStream;
use super::graph::OutputOp;
use crate::driver::BatchTick;
use crate::error::Result;
use crate::event::OutputOpInfo;
use crate::ids::Timestamp;
use crate::rdd::{Rdd, callsite, job_local};
use crate::sinks::{BatchOutput, OutputSink};
use crate::storage::Data;
use std::fmt::Display;
use std::panic::Location;
use std::sync::Arc;

impl<T: Data> DStream<T> {
    fn output(
        &self,
        name: &'static str,
        at: &Location<'_>,
        f: impl Fn(&Rdd<T>, BatchTick) -> Result<()> + Send + Sync + 'static,
    ) {
        let (stream, f) = (self.clone(), Arc::new(f));
        self.ssc.add_output(|id| OutputOp {
            info: OutputOpInfo { id, name: name.to_owned(), callsite: callsite(name, at), stream: self.core.id },
            body: Box::new(move |generation, tick| {
                let Some(rdd) = generation.rdd(&stream, tick)? else { return Ok(None) };
                let f = Arc::clone(&f);
                Ok(Some(Arc::new(move || f(&rdd, tick))))
            }),
        });
    }

    /// Runs `f` with each batch's RDD, in the driver program, when the batch's job runs.
    #[track_caller]
    pub fn for_each_rdd(&self, f: impl Fn(&Rdd<T>, BatchTick) -> Result<()> + Send + Sync + 'static) {
        self.output("foreachRDD", Location::caller(), f);
    }

    /// Prints the first `n` records of each batch, and `...` when there are more, under Spark's heading.
    #[track_caller]
    pub fn print(&self, n: usize) {
        let heading = |time: Timestamp| format!("{} ms", time.as_millis());
        self.output("print", Location::caller(), move |rdd, tick| print_first(rdd, n, &heading(tick.time)));
    }

    /// As [`DStream::print`], under the heading of `PySpark`: date and time of the batch, in UTC.
    #[track_caller]
    pub fn pprint(&self, n: usize) {
        self.output("pprint", Location::caller(), move |rdd, tick| print_first(rdd, n, &date_and_time(tick.time)));
    }
}

impl<K: Data + Display, V: Data + Display> DStream<(K, V)> {
    /// Writes each batch to a sink, as one commit under the time of the batch. A batch that runs again, because its
    /// driver was started again, is there once.
    #[track_caller]
    pub fn save_to(&self, sink: Arc<dyn OutputSink>) {
        self.output("saveTo", Location::caller(), move |rdd, BatchTick { batch, time }| {
            let local = job_local();
            let (output_op, epoch) = (local.output_op.unwrap_or_default(), local.epoch);
            rdd.save_to(&sink, BatchOutput { batch, time, output_op, epoch }).map(drop)
        });
    }
}

impl<T: Data + Display> DStream<T> {
    /// Writes each batch as text files, one per partition, into the directory `prefix-TIME.suffix`, or
    /// `prefix-TIME` without a suffix. A batch that runs again replaces what it wrote (R11.13).
    #[track_caller]
    pub fn save_as_text_files(&self, prefix: &str, suffix: &str) {
        let (prefix, suffix) = (prefix.to_owned(), suffix.to_owned());
        self.output("saveAsTextFiles", Location::caller(), move |rdd, tick| {
            rdd.save_as_text_file_again(&directory(&prefix, tick.time, &suffix))
        });
    }
}

const RULE: &str = "-------------------------------------------";

fn print_first<T: Data>(rdd: &Rdd<T>, n: usize, time: &str) -> Result<()> {
    let mut taken = rdd.take(n + 1)?;
    let more = taken.len() > n;
    taken.truncate(n);
    rdd.context().emit(&taken);
    let mut lines = vec![RULE.to_owned(), format!("Time: {time}"), RULE.to_owned()];
    lines.extend(taken.iter().map(|record| format!("{record:?}")));
    if more {
        lines.push("...".to_owned());
    }
    lines.push(String::new());
    rdd.context().print(lines);
    Ok(())
}

/// As Python prints a `datetime`: `2026-01-01 00:00:01`, with microseconds when there are any.
fn date_and_time(time: Timestamp) -> String {
    let (seconds, micros) = (time.0 / 1_000_000_000, time.0 / 1000 % 1_000_000);
    // Days to a date, by eras of 400 years that begin on the first of March.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    if micros == 0 { text } else { format!("{text}.{micros:06}") }
}

/// Spark's name for the output of a batch.
fn directory(prefix: &str, time: Timestamp, suffix: &str) -> String {
    let time = time.as_millis();
    let stem = if prefix.is_empty() { time.to_string() } else { format!("{prefix}-{time}") };
    if suffix.is_empty() { stem } else { format!("{stem}.{suffix}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it a batch would be printed or saved under another time than in Spark.
    #[test]
    fn times_are_written_as_spark_writes_them() {
        let at = |ms: u64| Timestamp(ms * 1_000_000);
        for (time, text) in [
            (at(0), "1970-01-01 00:00:00"),
            (crate::ids::VIRTUAL_EPOCH, "2026-01-01 00:00:00"),
            (at(1_709_210_096_500), "2024-02-29 12:34:56.500000"),
            (at(951_868_799_000), "2000-02-29 23:59:59"),
            (at(4_107_542_400_000), "2100-03-01 00:00:00"),
        ] {
            assert_eq!(date_and_time(time), text);
        }
        assert_eq!(directory("out/words", at(2000), "txt"), "out/words-2000.txt");
        assert_eq!(directory("out", at(2000), ""), "out-2000");
        assert_eq!(directory("", at(2000), "txt"), "2000.txt");
    }
}
