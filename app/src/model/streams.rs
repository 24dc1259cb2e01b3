//! The template of a streaming program.

use super::Model;
use faultline_engine::command::StopMode;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use imbl::{OrdMap, Vector};
use std::sync::Arc;

/// The template of a streaming program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Streams {
    /// Streams, parents first.
    pub streams: Vector<Arc<StreamInfo>>,
    /// Output operations.
    pub outputs: Vector<Arc<OutputOpInfo>>,
    /// Zero time.
    pub zero: Option<Timestamp>,
    /// Batch interval.
    pub interval: Millis,
    /// How the stream is being stopped, or was.
    pub stopping: Option<StopMode>,
    /// Whether it has stopped.
    pub stopped: bool,
    /// Records per second that receivers may store one by one, by input stream (R17.14).
    pub rates: OrdMap<StreamId, u64>,
}

impl Streams {
    /// The input stream of an operator, if it is one.
    pub(super) fn input_stream(&self, operator: &OperatorName) -> Option<StreamId> {
        self.streams.iter().find(|s| s.operator == *operator && s.parents.is_empty()).map(|s| s.id)
    }
}

impl Model {
    pub(super) fn stream_graph_defined(&mut self, streams: &[StreamInfo], outputs: &[OutputOpInfo]) {
        self.streams.streams = streams.iter().cloned().map(Arc::new).collect();
        self.streams.outputs = outputs.iter().cloned().map(Arc::new).collect();
        self.index.stateful = streams.iter().filter(|s| s.stateful).map(|s| s.operator.clone()).collect();
    }

    pub(super) fn streaming_stopping(&mut self, mode: StopMode) {
        self.streams.stopping = Some(mode);
        self.tell_streaming_stopping(mode);
    }

    pub(super) fn streaming_stopped(&mut self, mode: StopMode) {
        self.streams.stopping = Some(mode);
        self.streams.stopped = true;
    }

    pub(super) fn receiver_rate_updated(&mut self, stream: StreamId, rate: u64) {
        self.streams.rates.insert(stream, rate);
    }

    /// Batches whose jobs were generated and wait to run.
    pub fn backlog(&self) -> u64 {
        self.index.waiting_batches.len() as u64
    }

    pub(super) fn streaming_started(&mut self, zero: Timestamp, interval: Millis) {
        self.streams.zero = Some(zero);
        self.streams.interval = interval;
        self.tell_streaming_started();
    }
}
