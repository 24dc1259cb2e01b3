//! `save_to`: a batch of an output operation goes to a sink, once.

use crate::error::{EngineError, Result};
use crate::event::{CommittedOutput, Event, Finding};
use crate::rdd::{Notice, Rdd, TaskError};
use crate::sinks::{BatchOutput, Committed, OutputPart, OutputSink, Row};
use crate::storage::Data;
use std::fmt::Display;
use std::panic::Location;
use std::sync::Arc;

impl<K: Data + Display, V: Data + Display> Rdd<(K, V)> {
    /// Stages every partition in a task, then commits them as one batch: it is in the sink whole, or not at all,
    /// and once, however often tasks, jobs and the batch are run again.
    ///
    /// # Errors
    /// When the job fails, the sink cannot be written, or a newer driver has written to it.
    #[track_caller]
    pub fn save_to(&self, sink: &Arc<dyn OutputSink>, output: BatchOutput) -> Result<Committed> {
        let to = Arc::clone(sink);
        let staged = self.run_job("saveTo", Location::caller(), self.all_partitions(), move |rdd, part, ctx| {
            let row = |(key, value): &(K, V)| Row { key: key.to_string(), value: value.to_string() };
            let mut rows = Vec::new();
            rdd.fold_partition(part, ctx, |chunk| rows.extend(chunk.as_slice().iter().map(row)))?;
            let bytes = rows.iter().map(|row| (row.key.len() + row.value.len()) as u64).sum();
            ctx.count_output(bytes, rows.len() as u64);
            let part = OutputPart { output, partition: part, task: ctx.task().id };
            to.stage(&part, rows).map_err(|error| TaskError::Exception(format!("{}: {error}", to.name())))
        })?;
        let partitions = staged.iter().map(|staged| staged.records).collect();
        let failed = |error| EngineError::Sink { sink: sink.name(), message: format!("{error}") };
        let committed = sink.commit(&output, staged).map_err(failed)?;
        let BatchOutput { batch, output_op, epoch, .. } = output;
        let (outcome, name, written_by) = (committed.outcome, sink.name(), Some(committed.written_by));
        let fact = CommittedOutput { batch, output_op, sink: name, epoch, partitions, outcome, written_by };
        let fact = Event::OutputCommitted { output: fact };
        self.context().tell(Notice::Fact(fact));
        if committed.same_key > 0 {
            self.context().tell(Notice::Fact(Event::FindingReported { finding: same_key(sink, output, committed) }));
        }
        Ok(committed)
    }
}

fn same_key(sink: &Arc<dyn OutputSink>, output: BatchOutput, committed: Committed) -> Finding {
    Finding {
        kind: "rows-with-the-same-key".to_owned(),
        message: format!(
            "{} rows are not in {}, because a later row of the batch has the same key; give rows of a batch keys of their own",
            committed.same_key,
            sink.name()
        ),
        place: format!("batch {}", output.batch),
    }
}
