//! One hash over everything that a run wrote.

use faultline_engine::event::Event;
use faultline_engine::ids::{BatchId, OutputOpId};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Digests of output operations, in (batch, output operation) order whatever the order of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputHash {
    digests: BTreeMap<(Option<BatchId>, Option<OutputOpId>), Vec<String>>,
}

impl OutputHash {
    /// Looks at an event; only digests of output matter. An output operation that runs again replaces what it gave.
    pub fn see(&mut self, event: &Event) {
        match event {
            Event::OutputOperationStarted { batch, output_op } => {
                self.digests.remove(&(Some(*batch), Some(*output_op)));
            }
            Event::OutputDigest { batch, output_op, sha256, .. } => {
                self.digests.entry((*batch, *output_op)).or_default().push(sha256.clone());
            }
            _ => {}
        }
    }

    /// SHA-256 in hex over one line per digest, `batch/output digest`, with `-` for what a program
    /// without batches does not have.
    pub fn hex(&self) -> String {
        let mut hash = Sha256::new();
        for ((batch, output_op), digests) in &self.digests {
            let batch = batch.map_or("-".to_owned(), |b| b.to_string());
            let output_op = output_op.map_or("-".to_owned(), |o| o.to_string());
            for digest in digests {
                hash.update(format!("{batch}/{output_op} {digest}\n"));
            }
        }
        hash.finalize().iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(batch: u32, output_op: u32, sha256: &str) -> Event {
        Event::OutputDigest {
            batch: Some(BatchId(batch)),
            output_op: Some(OutputOpId(output_op)),
            records: 1,
            sha256: sha256.into(),
        }
    }

    fn hash(events: &[Event]) -> String {
        let mut hash = OutputHash::default();
        events.iter().for_each(|e| hash.see(e));
        hash.hex()
    }

    /// Lanes whose output operations end in another order would seem to have other results, and lanes
    /// that exchanged the results of two batches would seem to agree.
    #[test]
    fn order_is_by_batch_and_output_not_by_arrival() {
        let one = [digest(1, 0, "a"), digest(1, 1, "b"), digest(2, 0, "c")];
        let other = [digest(2, 0, "c"), digest(1, 1, "b"), digest(1, 0, "a")];
        let exchanged = [digest(1, 0, "c"), digest(1, 1, "b"), digest(2, 0, "a")];
        assert_eq!(hash(&one), hash(&other));
        assert_ne!(hash(&one), hash(&exchanged));
        assert_ne!(hash(&one), hash(&one[..2]));
    }
}
