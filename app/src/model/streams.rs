//! The template of a streaming program.

use super::Model;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use imbl::Vector;
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
}

impl Model {
    pub(super) fn stream_graph_defined(&mut self, streams: &[StreamInfo], outputs: &[OutputOpInfo]) {
        self.streams.streams = streams.iter().cloned().map(Arc::new).collect();
        self.streams.outputs = outputs.iter().cloned().map(Arc::new).collect();
        self.index.stateful = streams.iter().filter(|s| s.stateful).map(|s| s.operator.clone()).collect();
    }

    pub(super) fn streaming_started(&mut self, zero: Timestamp, interval: Millis) {
        self.streams.zero = Some(zero);
        self.streams.interval = interval;
        self.tell_streaming_started();
    }
}
