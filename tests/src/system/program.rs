//! The program of a plan, as a user would write it.

use super::files::DIRECTORY;
use super::input::{LINES, Sources};
use super::plan::{INTERVAL, Input, Shape, SinkKind, SystemPlan};
use super::world::{DIR, Results, lock};
use faultline_engine::error::{EngineError, Result};
use faultline_engine::ids::Millis;
use faultline_engine::rdd::{Line, SparkContext};
use faultline_engine::sinks::OutputSink;
use faultline_engine::streaming::{DStream, StreamingContext};
use std::sync::Arc;

/// Keys of what is derived.
pub const KEYS: u64 = 5;
/// Batches of a window.
pub const WINDOW: u32 = 3;

/// What the program of a plan uses.
pub struct Parts {
    /// The plan.
    pub plan: SystemPlan,
    /// Where records come from.
    pub sources: Sources,
    /// Where results go.
    pub results: Arc<Results>,
    /// The transactional sink, if it is used.
    pub sink: Arc<dyn OutputSink>,
}

impl Parts {
    /// Goes on in the checkpoint directory, to the end of the stream.
    pub fn run(&self, sc: &SparkContext) -> Result<()> {
        let ssc = StreamingContext::get_or_create(sc, DIR, |sc| self.create(sc))?;
        ssc.start()?;
        ssc.await_termination()
    }

    fn create(&self, sc: &SparkContext) -> Result<StreamingContext> {
        let ssc = StreamingContext::new(sc, INTERVAL);
        ssc.checkpoint(DIR);
        let records = self.records(&ssc)?;
        self.save(&records);
        self.derive(&records)?;
        Ok(ssc)
    }

    fn records(&self, ssc: &StreamingContext) -> Result<DStream<u64>> {
        let numbers = |lines: DStream<Line>| lines.map(|line| line.as_str().parse::<u64>().unwrap_or(u64::MAX));
        match self.plan.input {
            Input::Replay => Ok(numbers(ssc.text_replay_stream(self.sources.text.clone(), LINES))),
            Input::Files => Ok(numbers(ssc.text_file_stream(DIRECTORY))),
            _ => {
                let mut streams = self.sources.received.iter();
                let mut stream =
                    || streams.next().map(|(source, _)| ssc.scripted_source_stream(source, self.plan.level));
                let first = stream().ok_or_else(|| EngineError::IllegalArgument("a plan without sources".into()))?;
                match stream() {
                    Some(second) => first.union(&second),
                    None => Ok(first),
                }
            }
        }
    }

    fn save(&self, records: &DStream<u64>) {
        if self.plan.sink == SinkKind::Transactional {
            return records.map(|record| (record, 0_u64)).save_to(Arc::clone(&self.sink));
        }
        let results = Arc::clone(&self.results);
        records.for_each_rdd(move |rdd, tick| {
            let mut records = rdd.collect()?;
            records.sort_unstable();
            lock(&results.replaced).insert(tick.batch.0, records.clone());
            lock(&results.given).push((tick.batch.0, records));
            Ok(())
        });
    }

    fn derive(&self, records: &DStream<u64>) -> Result<()> {
        let every = Millis(u64::from(self.plan.saved_every) * INTERVAL.0);
        let window = Millis(u64::from(WINDOW) * INTERVAL.0);
        let pairs = || records.map(|record| (record % KEYS, 1_u64));
        let sum = |a: u64, b: u64| a + b;
        let derived = match self.plan.shape {
            Shape::Identity => return Ok(()),
            Shape::State => pairs()
                .update_state_by_key(|_, new: Vec<u64>, old: Option<u64>| {
                    Some(old.unwrap_or(0) + new.iter().sum::<u64>())
                })
                .checkpoint(every)?,
            Shape::InverseWindow => {
                pairs().reduce_by_key_and_window_inverse(sum, |a, b| a - b, window, INTERVAL)?.checkpoint(every)?
            }
            Shape::Window => pairs().window(window, INTERVAL)?.reduce_by_key(sum),
        };
        let results = Arc::clone(&self.results);
        derived.for_each_rdd(move |rdd, tick| {
            let mut counts = rdd.collect()?;
            counts.retain(|(_, count)| *count > 0);
            counts.sort_unstable();
            lock(&results.derived).push((tick.batch.0, counts));
            Ok(())
        });
        Ok(())
    }
}
