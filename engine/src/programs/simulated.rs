//! A simulated client: it sends the lines of a text to a receiver, at the times of the run's own clock.
//!
//! It is to the programs what somebody is who writes to a port, but every run of the same text is the same, so that
//! what a receiver and its write-ahead log are good for can be tried, and raced, under the virtual clock.

use crate::ids::Millis;
use crate::rdd::{Line, ReplayText};
use crate::receiver::{Arrival, Arrived, Delivery, ScriptedSource};
use std::fmt;
use std::sync::Arc;

/// Batches at the end of a run in which its client is silent, so that what it sent is in a batch when the run ends.
const SILENT_BATCHES: u32 = 2;
/// Blocks that an acknowledged client makes of a batch.
const BLOCKS_PER_BATCH: usize = 5;

/// Which protocol the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulatedClient {
    /// That of `tcp://`: what it has sent is not sent again, and what it sends while no receiver runs nobody hears.
    Pushing,
    /// That of `ack-tcp://`: it numbers its lines, and sends again what was not acknowledged.
    Acknowledged,
}

impl SimulatedClient {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Pushing, Self::Acknowledged];

    /// The protocol, as sources spell it.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Pushing => "tcp",
            Self::Acknowledged => "ack-tcp",
        }
    }

    /// The client of a protocol.
    pub fn of(protocol: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client| client.protocol() == protocol)
    }

    /// Operator and class of the stream of its lines.
    pub(super) const fn stream(self) -> (&'static str, &'static str) {
        match self {
            Self::Pushing => ("simulatedTextStream", "SimulatedPushInputDStream"),
            Self::Acknowledged => ("simulatedTextStream", "SimulatedAcknowledgedInputDStream"),
        }
    }

    /// The client with `lines_per_batch` lines of `text` for each batch interval; in a run of so many batches it ends
    /// before them. Lines have the numbers from 1 on.
    pub(super) fn sends(
        self,
        text: &ReplayText,
        lines_per_batch: usize,
        interval: Millis,
        batches: Option<u32>,
    ) -> SentLines {
        let per_batch = lines_per_batch.max(1);
        // A block of an acknowledged client is stored, and acknowledged, as a whole.
        let (together, delivery) = match self {
            Self::Pushing => (1, Delivery::Once),
            Self::Acknowledged => (per_batch.div_ceil(BLOCKS_PER_BATCH), Delivery::Numbered),
        };
        let sending = batches.map(|batches| batches.saturating_sub(SILENT_BATCHES).max(1));
        let last = sending.map(|batches| u64::from(batches) * per_batch as u64);
        let text = text.clone();
        SentLines(ScriptedSource::new(delivery, move |n| {
            let first = n.checked_mul(together as u64)?;
            let until = last.unwrap_or(u64::MAX).min(first.saturating_add(together as u64));
            if first >= until {
                return None;
            }
            let lines = (first..until).map(|line| Some((line + 1, text.line(line)?))).collect::<Option<_>>()?;
            let at = Millis(first.saturating_mul(interval.0) / per_batch as u64);
            let what = match self {
                Self::Pushing => Arrived::Records(lines),
                Self::Acknowledged => Arrived::Block(lines),
            };
            Some(Arrival { at, what })
        }))
    }
}

/// What a client has sent and what it was told, for as long as a run: it outlives the run's drivers.
#[derive(Clone)]
pub struct SentLines(pub(super) Arc<ScriptedSource<(u64, Line)>>);

impl fmt::Debug for SentLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SentLines").finish_non_exhaustive()
    }
}
