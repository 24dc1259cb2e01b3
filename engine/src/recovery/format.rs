//! The bytes of a graph checkpoint.
//!
//! ```text
//! offset  bytes  what
//!      0      4  magic "FLGC"
//!      4      2  version, little endian as all numbers
//!      6      2  zero
//!      8      8  epoch of the driver that wrote it
//!     16      8  length of the description
//!     24      4  CRC-32 of everything but these four bytes
//!     28      …  the description: one line of JSON
//! ```

use super::description::StreamingCheckpoint;

/// The version that this program writes. Version 2 added skipped batches and the place in the log of received blocks.
pub const FORMAT_VERSION: u16 = 2;
/// The oldest version that it reads.
pub const OLDEST_VERSION: u16 = 1;
/// Largest file that is read.
pub const MAX_CHECKPOINT_BYTES: usize = 64 << 20;

const MAGIC: [u8; 4] = *b"FLGC";
const CHECKED_BYTES: usize = 24;
const HEADER_BYTES: usize = 28;

/// The bytes to store.
pub fn encode(checkpoint: &StreamingCheckpoint) -> Vec<u8> {
    let json = serde_json::to_vec(checkpoint).expect("a description is plain data, which always becomes JSON");
    let mut bytes = Vec::with_capacity(HEADER_BYTES + json.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&checkpoint.epoch.to_le_bytes());
    bytes.extend_from_slice(&(json.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&checksum(&bytes, &json).to_le_bytes());
    bytes.extend_from_slice(&json);
    bytes
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// What is wrong with the bytes.
pub fn decode(bytes: &[u8]) -> Result<StreamingCheckpoint, String> {
    let (epoch, json) = open(bytes)?;
    let checkpoint: StreamingCheckpoint =
        serde_json::from_slice(json).map_err(|error| format!("it cannot be read ({error})"))?;
    if checkpoint.epoch != epoch {
        return Err(format!("it is of epoch {} in a file of epoch {epoch}", checkpoint.epoch));
    }
    if checkpoint.interval.0 == 0 || checkpoint.time <= checkpoint.zero {
        return Err("its batch times make no sense".to_owned());
    }
    Ok(checkpoint)
}

/// The version of a sound description that this program is too old to read.
pub(super) fn newer_version(bytes: &[u8]) -> Option<u16> {
    let (header, json) = bytes.split_at_checked(HEADER_BYTES)?;
    let sound = header[..4] == MAGIC
        && u32::from_le_bytes(array(header, CHECKED_BYTES)) == checksum(&header[..CHECKED_BYTES], json);
    let version = u16::from_le_bytes(array(header, 4));
    (sound && version > FORMAT_VERSION).then_some(version)
}

/// Epoch and description, when the bytes are those that were written.
pub(super) fn open(bytes: &[u8]) -> Result<(u64, &[u8]), String> {
    if bytes.len() > MAX_CHECKPOINT_BYTES {
        return Err(format!("it has {} bytes, more than {MAX_CHECKPOINT_BYTES}", bytes.len()));
    }
    let Some((header, json)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(format!("it has {} bytes, fewer than its header", bytes.len()));
    };
    if header[..4] != MAGIC {
        return Err("it does not begin as a checkpoint does".to_owned());
    }
    let found = u32::from_le_bytes(array(header, CHECKED_BYTES));
    let expected = checksum(&header[..CHECKED_BYTES], json);
    if found != expected {
        return Err(format!("its checksum is {found:08x}, expected {expected:08x}"));
    }
    let version = u16::from_le_bytes(array(header, 4));
    if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&version) {
        return Err(format!(
            "it has format version {version}, this program reads versions {OLDEST_VERSION} to {FORMAT_VERSION}"
        ));
    }
    if u64::from_le_bytes(array(header, 16)) != json.len() as u64 {
        return Err("its length is not the one in its header".to_owned());
    }
    Ok((u64::from_le_bytes(array(header, 8)), json))
}

fn checksum(header: &[u8], json: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(json);
    hasher.finalize()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::InputPlan;
    use crate::ids::*;
    use crate::object_store::{MemoryObjectStore, ObjectStore, PutMode};
    use crate::recovery::{BatchPlan, GraphDescription, LogPosition, SavedRdd, read_newest};
    use std::collections::BTreeMap;

    fn sample() -> StreamingCheckpoint {
        let inputs = [
            (StreamId(0), InputPlan::Files { paths: vec!["in/a \"b\"\n.txt".into()] }),
            (StreamId(1), InputPlan::Range { first: 7, records: u64::MAX }),
            (StreamId(2), InputPlan::Blocks { blocks: Vec::new() }),
        ];
        StreamingCheckpoint {
            application: "words".into(),
            application_id: "faultline-1".into(),
            epoch: 3,
            time: VIRTUAL_EPOCH.plus(Millis(4000)),
            zero: VIRTUAL_EPOCH,
            interval: Millis(1000),
            graph: GraphDescription::default(),
            properties: BTreeMap::from([("spark.app.name".to_owned(), "words".to_owned())]),
            pending: [BatchId(3), BatchId(4)].into(),
            skipped: [BatchId(1)].into(),
            batches: BTreeMap::from([(BatchId(4), BatchPlan { records: 7, inputs: inputs.into() })]),
            saved: BTreeMap::from([(
                StreamId(3),
                BTreeMap::from([(BatchId(2), SavedRdd { rdd: RddId(9), dir: "c/rdd-9".into() })]),
            )]),
            rates: BTreeMap::from([(StreamId(2), 200)]),
            log: Some(LogPosition { segment: 3, record: 17 }),
            next_rdd: RddId(12),
        }
    }

    /// Without it a driver would go on from something that nobody wrote.
    #[test]
    fn every_bit_flip_and_every_truncation_is_refused() {
        let (checkpoint, bytes) = (sample(), encode(&sample()));
        assert_eq!(decode(&bytes), Ok(checkpoint.clone()));
        assert_eq!(checkpoint.batch(), BatchId(4));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged).is_err(), "bit {bit} was not noticed");
        }
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_err(), "{len} bytes of {} were enough", bytes.len());
        }
        assert!(decode(&[&bytes[..], &[0]].concat()).is_err(), "a byte too many was not noticed");
    }

    /// Without it a newer program's checkpoint would be called damaged.
    #[test]
    fn a_newer_version_is_named() {
        let mut bytes = encode(&sample());
        bytes[4] = 9;
        let checksum = checksum(&bytes[..CHECKED_BYTES], &bytes[HEADER_BYTES..]).to_le_bytes();
        bytes[CHECKED_BYTES..HEADER_BYTES].copy_from_slice(&checksum);
        let error = decode(&bytes).expect_err("a version of the future");
        assert_eq!(error, "it has format version 9, this program reads versions 1 to 2");
        // It would go on from what is past, whose input is cleaned.
        let store = MemoryObjectStore::new();
        let put = |key: &str, bytes: &[u8]| assert!(store.put(key, bytes, PutMode::Create).is_ok());
        put("d/checkpoint-1000", &encode(&sample()));
        put("d/checkpoint-2000", &bytes);
        let error = read_newest(&store, "d").expect_err("an older one is there").to_string();
        assert!(error.contains("d/checkpoint-2000") && error.contains("of a newer program"), "{error}");
        // Who went back after all goes on from what was written since.
        put("d/checkpoint-3000", &encode(&sample()));
        assert_eq!(
            read_newest(&store, "d").map(|read| read.map(|read| read.key)),
            Ok(Some("d/checkpoint-3000".into()))
        );
    }

    /// Without it an update of the program would leave every running stream without its checkpoint.
    #[test]
    fn a_description_of_the_first_version_is_read() {
        let read = decode(include_bytes!("checkpoint-v1")).expect("a file of version 1");
        assert_eq!((read.epoch, read.batch(), read.pending), (3, BatchId(4), [BatchId(3), BatchId(4)].into()));
        assert_eq!((read.rates, read.next_rdd), (BTreeMap::from([(StreamId(2), 200)]), RddId(12)));
        assert_eq!((read.skipped.len(), read.log), (0, None), "it says nothing of what came later");
        let inputs = &read.batches[&BatchId(4)].inputs;
        assert_eq!(inputs[&StreamId(0)], InputPlan::Files { paths: vec!["in/a.txt".into()] });
        assert_eq!(read.saved[&StreamId(3)][&BatchId(2)].dir, "c/rdd-9");
    }
}
