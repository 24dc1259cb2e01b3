//! Output operations: `foreachRDD` and `print` (R11.11, R11.12).

use super::dstream::DStream;
use super::graph::OutputOp;
use crate::driver::BatchTick;
use crate::error::Result;
use crate::event::OutputOpInfo;
use crate::rdd::{Rdd, callsite};
use crate::storage::Data;
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

    /// Prints the first `n` records of each batch, and `...` when there are more.
    #[track_caller]
    pub fn print(&self, n: usize) {
        self.output("print", Location::caller(), move |rdd, _| {
            let mut taken = rdd.take(n + 1)?;
            let more = taken.len() > n;
            taken.truncate(n);
            rdd.context().emit(&taken);
            let mut lines: Vec<String> = taken.iter().map(|record| format!("{record:?}")).collect();
            if more {
                lines.push("...".to_owned());
            }
            rdd.context().print(lines);
            Ok(())
        });
    }
}
