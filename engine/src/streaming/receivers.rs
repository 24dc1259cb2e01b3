//! Streams of what receivers store (R17).

use super::context::StreamingContext;
use super::dstream::{DStream, StreamNode, StreamSpec};
use super::instances::Generation;
use crate::driver::BatchTick;
use crate::error::{EngineError, Result};
use crate::event::StorageLevel;
use crate::ids::*;
use crate::rdd::{Line, Rdd};
use crate::receiver::{Arrival, Receiver, ReceiverPlan, ReceiverSource, ScriptedSource};
use crate::runtime::acknowledged::AcknowledgedReceiver;
use crate::runtime::http_stream::{HttpReceiver, StreamUrl};
use crate::runtime::listening::listen_address;
use crate::runtime::pushed::PushReceiver;
use crate::runtime::sockets::SocketReceiver;
use crate::storage::Data;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

/// The blocks that a receiver stored for each batch: Spark's `ReceiverInputDStream`.
struct Received {
    stream: Arc<OnceLock<StreamId>>,
}

impl<T: Data> StreamNode<T> for Received {
    fn compute(&self, generation: &Generation<'_>, tick: BatchTick) -> Result<Option<Rdd<T>>> {
        let blocks = self.stream.get().map(|stream| generation.received(*stream, tick.batch.0)).transpose()?;
        Ok(Some(generation.sc.block_rdd(blocks.unwrap_or_default())))
    }
}

impl StreamingContext {
    fn received<T: Data>(
        &self,
        spec: StreamSpec,
        source: ReceiverSource,
        level: StorageLevel,
        at: &Location<'_>,
    ) -> DStream<T> {
        let stream = Arc::new(OnceLock::new());
        let node = Received { stream: Arc::clone(&stream) };
        let records = DStream::create(self, spec, Vec::new(), node, at);
        let id = *stream.get_or_init(|| records.core.id);
        self.add_receiver(ReceiverPlan { stream: id, source, level });
        records
    }

    /// The lines that a receiver reads from `host:port`, in blocks kept on two executors.
    #[track_caller]
    pub fn socket_text_stream(&self, host: &str, port: u16) -> DStream<Line> {
        let spec = StreamSpec::narrow("socketTextStream", "SocketInputDStream", self.interval());
        let source = ReceiverSource::custom(SocketReceiver::new(host, port));
        self.received(spec, source, StorageLevel::MEMORY_AND_DISK_SER_2, Location::caller())
    }

    /// The lines that clients push to a port of this machine, in blocks kept on two executors. Nobody tells a client
    /// what became of its lines: those that were not stored are lost with the receiver.
    ///
    /// # Errors
    /// When `host` is not the loopback of this machine.
    #[track_caller]
    pub fn push_text_stream(&self, host: &str, port: u16) -> Result<DStream<Line>> {
        let spec = StreamSpec::narrow("pushTextStream", "PushInputDStream", self.interval());
        let source = ReceiverSource::custom(PushReceiver::new(listen_address(host, port)?));
        Ok(self.received(spec, source, StorageLevel::MEMORY_AND_DISK_SER_2, Location::caller()))
    }

    /// The lines that clients number and push to a port of this machine, in blocks kept on two executors. A client is
    /// told which of its lines are stored, and sends the others again.
    ///
    /// # Errors
    /// When `host` is not the loopback of this machine.
    #[track_caller]
    pub fn acknowledged_text_stream(&self, host: &str, port: u16) -> Result<DStream<(u64, Line)>> {
        let spec = StreamSpec::narrow("acknowledgedTextStream", "AcknowledgedInputDStream", self.interval());
        let source = ReceiverSource::custom(AcknowledgedReceiver::new(listen_address(host, port)?));
        Ok(self.received(spec, source, StorageLevel::MEMORY_AND_DISK_SER_2, Location::caller()))
    }

    /// The lines of an HTTP response without end, as the filtered stream of X sends them, in blocks kept on two
    /// executors. Empty lines are heartbeats. Nobody tells the server what is stored, so what was gathered is lost
    /// with the receiver.
    ///
    /// # Errors
    /// When `url` is no `http://HOST[:PORT][/PATH]`.
    #[track_caller]
    pub fn http_text_stream(&self, url: &str) -> Result<DStream<Line>> {
        let address = StreamUrl::parse(url)
            .map_err(|why| EngineError::IllegalArgument(format!("{url:?} is no address of a stream: {why}")))?;
        let spec = StreamSpec::narrow("httpTextStream", "HttpInputDStream", self.interval());
        let source = ReceiverSource::custom(HttpReceiver::new(address));
        Ok(self.received(spec, source, StorageLevel::MEMORY_AND_DISK_SER_2, Location::caller()))
    }

    /// What a receiver of the program stores, in blocks kept at `level`. It runs under the wall clock only:
    /// it has threads of its own.
    #[track_caller]
    pub fn receiver_stream<T: Data>(&self, receiver: impl Receiver<T>, level: StorageLevel) -> DStream<T> {
        let spec = StreamSpec::narrow("receiverStream", "PluggableInputDStream", self.interval());
        self.received(spec, ReceiverSource::custom(receiver), level, Location::caller())
    }

    /// What a scripted receiver stores: `arrival` gives its n-th arrival, from 0, with times that never
    /// fall. Under the virtual clock the same script gives the same run.
    #[track_caller]
    pub fn scripted_stream<T: Data>(
        &self,
        arrival: impl Fn(u64) -> Option<Arrival<T>> + Send + Sync + 'static,
        level: StorageLevel,
    ) -> DStream<T> {
        let spec = StreamSpec::narrow("receiverStream", "PluggableInputDStream", self.interval());
        self.received(spec, ReceiverSource::scripted("ScriptedReceiver", arrival), level, Location::caller())
    }

    /// What a scripted source sends. It is outside of the program: one that is kept goes on where it was when a driver
    /// runs the program again.
    #[track_caller]
    pub fn scripted_source_stream<T: Data>(&self, source: &Arc<ScriptedSource<T>>, level: StorageLevel) -> DStream<T> {
        let spec = StreamSpec::narrow("receiverStream", "PluggableInputDStream", self.interval());
        let source = ReceiverSource::playing("ScriptedReceiver", Arc::clone(source));
        self.received(spec, source, level, Location::caller())
    }
    /// The same under the names of a method and of a class, in blocks kept on two executors.
    #[track_caller]
    pub(crate) fn simulated_stream<T: Data>(
        &self,
        (method, class): (&'static str, &'static str),
        source: &Arc<ScriptedSource<T>>,
    ) -> DStream<T> {
        let spec = StreamSpec::narrow(method, class, self.interval());
        let source = ReceiverSource::playing("SimulatedReceiver", Arc::clone(source));
        self.received(spec, source, StorageLevel::MEMORY_AND_DISK_SER_2, Location::caller())
    }
}
