//! The files of a checkpointed RDD, and what makes them trustworthy.
//!
//! ```text
//! <directory>/part-00000              one frame per partition
//! <directory>/part-00001-attempt-18   the same by a later attempt
//! <directory>/_manifest               written last: JSON on one line, its CRC-32 on the next
//! ```
//!
//! Every attempt writes a file of its own, so that one that was given up and still writes changes nothing
//! that anybody reads; the manifest says which file of a partition counts. Names beginning with `_` are no
//! parts, as in Spark. Lineage is cut only after [`verify`].

use crate::event::{CheckpointPart, PartitionerInfo};
use crate::ids::{OpKey, PartitionId, RddId, TaskId};
use crate::object_store::{ObjectStore, StoreError};
use crate::storage::frame::{self, FrameCheck, FrameReader, FrameWriter};
use crate::storage::{BlockError, Data};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version of the manifest that this program writes and reads.
pub const MANIFEST_VERSION: u32 = 1;

/// Largest manifest that is taken for one. A store gives an object whole, so it is read before it is measured.
pub const MAX_MANIFEST_BYTES: usize = 16 << 20;

const MANIFEST_NAME: &str = "_manifest";
const PART_PREFIX: &str = "part-";
const ATTEMPT_INFIX: &str = "-attempt-";
const CHECKSUM_PREFIX: &str = "crc32:";

/// What a checkpoint directory holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub version: u32,
    /// The RDD that was checkpointed, by the numbering of the application that wrote it.
    pub rdd: RddId,
    /// Its identity across runs.
    pub op: OpKey,
    /// One entry per partition, in partition order.
    pub partitions: Vec<CheckpointPart>,
    /// How its keys map to partitions, when that was known.
    pub partitioner: Option<PartitionerInfo>,
}

/// Why a checkpoint cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// The store failed, or an object is missing.
    #[error("checkpoint: {0}")]
    Store(#[from] StoreError),
    /// There is nothing to open.
    #[error("Checkpoint directory does not exist: {directory}")]
    NoDirectory {
        /// The directory.
        directory: String,
    },
    /// The manifest cannot be understood.
    #[error("checkpoint manifest {reason}: {key}")]
    Manifest {
        /// Its key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// Parts are missing or left over.
    #[error(
        "Checkpoint RDD has a different number of partitions from original RDD. \
         Original RDD [ID: {rdd}, num of partitions: {expected}]; \
         Checkpoint RDD [ID: {checkpoint}, num of partitions: {found}]."
    )]
    PartCount {
        /// The original RDD.
        rdd: RddId,
        /// Its partitions.
        expected: usize,
        /// The RDD that would read the files; their directory while there is none.
        checkpoint: String,
        /// Parts in it.
        found: usize,
    },
    /// A file that is no part, or a part whose number leaves a gap.
    #[error("Invalid checkpoint file: {key}")]
    InvalidFile {
        /// The RDD whose directory it is in.
        rdd: RddId,
        /// The file.
        key: String,
    },
    /// A part is sound, but not the one that was written.
    #[error(
        "checkpoint part of RDD {rdd} differs from its manifest: expected {}, found {}: {key}",
        summary(.expected), summary(.found)
    )]
    PartMismatch {
        /// The RDD.
        rdd: RddId,
        /// The file.
        key: String,
        /// The part by the manifest.
        expected: CheckpointPart,
        /// The part that is there.
        found: CheckpointPart,
    },
    /// A part is damaged.
    #[error("checkpoint part of RDD {rdd} is unreadable: {error}: {key}")]
    Part {
        /// The RDD.
        rdd: RddId,
        /// The file.
        key: String,
        /// The damage.
        error: BlockError,
    },
}

/// The directory of an RDD: `<root>/rdd-7`.
pub fn rdd_directory(root: &str, rdd: RddId) -> String {
    format!("{root}/rdd-{rdd}")
}

/// The file of a partition: `part-00003`, and `part-00003-attempt-17` when a later attempt writes it (R9.8).
pub fn part_name(partition: PartitionId, later: Option<TaskId>) -> String {
    match later {
        None => format!("{PART_PREFIX}{:05}", partition.0),
        Some(task) => format!("{PART_PREFIX}{:05}{ATTEMPT_INFIX}{task}", partition.0),
    }
}

/// Whether no other attempt writes a file of this name.
pub(super) fn is_of_one_attempt(key: &str) -> bool {
    key.contains(ATTEMPT_INFIX)
}

/// Whose part a file is; `None` for a name that [`part_name`] never gives.
fn partition_of(name: &str) -> Option<PartitionId> {
    let rest = name.strip_prefix(PART_PREFIX)?;
    let (number, later) = match rest.split_once(ATTEMPT_INFIX) {
        Some((number, task)) => (number, Some(TaskId(task.parse().ok()?))),
        None => (rest, None),
    };
    let partition = PartitionId(number.parse().ok()?);
    (part_name(partition, later) == name).then_some(partition)
}

/// The key of the manifest.
pub fn manifest_key(directory: &str) -> String {
    format!("{directory}/{MANIFEST_NAME}")
}

/// A partition that was encoded, by a `later` attempt or by the first: what the manifest says of it, and the bytes
/// to store.
pub fn finish_part(partition: PartitionId, later: Option<TaskId>, encoder: FrameWriter) -> (CheckpointPart, Vec<u8>) {
    let (bytes, records, crc32) = encoder.finish_with_checksum();
    (CheckpointPart { file: part_name(partition, later), bytes: bytes.len() as u64, records, crc32 }, bytes)
}

/// What the manifest would say of a part, by its bytes, which nobody has to hold for that.
fn describe_part(
    store: &dyn ObjectStore,
    key: &str,
    file: String,
) -> Result<Result<CheckpointPart, BlockError>, StoreError> {
    let mut check = FrameCheck::default();
    store.scan(key, &mut |piece| check.take(piece))?;
    Ok(check.finish().map(|(records, bytes, crc32)| CheckpointPart { file, bytes, records, crc32 }))
}

/// A reader of the records of one partition, once its bytes are those that the manifest tells of.
///
/// # Errors
/// What is wrong with the part, as text.
pub fn part_reader<'a, T: Data>(expected: &CheckpointPart, bytes: &'a [u8]) -> Result<FrameReader<'a, T>, String> {
    let frame = frame::open(bytes).map_err(|error| error.to_string())?;
    let same = (frame.records, frame.crc32, bytes.len() as u64) == (expected.records, expected.crc32, expected.bytes);
    if !same {
        let file = expected.file.clone();
        let found = CheckpointPart { file, bytes: bytes.len() as u64, records: frame.records, crc32: frame.crc32 };
        return Err(format!(
            "the part is not the one of its manifest: expected {}, found {}",
            summary(expected),
            summary(&found)
        ));
    }
    Ok(FrameReader::of(frame))
}

/// Reads the manifest of a directory.
pub fn read_manifest(store: &dyn ObjectStore, directory: &str) -> Result<Manifest, CheckpointError> {
    let key = manifest_key(directory);
    Manifest::decode(&store.get(&key)?).map_err(|reason| CheckpointError::Manifest { key, reason })
}

/// Checks one part of a checkpoint.
pub type PartCheck<'a> = &'a (dyn Fn(&CheckpointPart) -> Result<(), CheckpointError> + Sync);

/// How every part gets checked; gives the error of the first bad one in their order.
pub type PartWalk = fn(&[CheckpointPart], PartCheck<'_>) -> Result<(), CheckpointError>;

/// One part after the other, up to the first bad one.
///
/// # Errors
/// That of the first bad part.
pub fn one_by_one(parts: &[CheckpointPart], check: PartCheck<'_>) -> Result<(), CheckpointError> {
    parts.iter().try_for_each(check)
}

/// Reads everything in a checkpoint directory and checks that it is exactly what the manifest lists:
/// no part missing, left over, damaged or exchanged.
pub fn verify(store: &dyn ObjectStore, directory: &str, walk: PartWalk) -> Result<Manifest, CheckpointError> {
    let manifest = read_manifest(store, directory)?;
    verify_listing(store, directory, &manifest)?;
    walk(&manifest.partitions, &|part| check_part(store, directory, manifest.rdd, part))?;
    Ok(manifest)
}

impl Manifest {
    /// The bytes to store under [`manifest_key`].
    pub fn encode(&self) -> Vec<u8> {
        let json = serde_json::to_string(self).expect("a manifest is plain data, which always becomes JSON");
        Self::sealed(json.as_bytes())
    }

    /// The text of a manifest with its checksum behind it, as a file holds it.
    pub fn sealed(json: &[u8]) -> Vec<u8> {
        [json, b"\n", checksum_line(json).as_bytes()].concat()
    }

    /// Reads what [`Self::encode`] wrote; the error says what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(format!("has {} bytes, more than {MAX_MANIFEST_BYTES}", bytes.len()));
        }
        let end = bytes.iter().position(|b| *b == b'\n').ok_or("has no checksum")?;
        let (json, found) = (&bytes[..end], &bytes[end + 1..]);
        let expected = checksum_line(json);
        if found != expected.as_bytes() {
            let found = String::from_utf8_lossy(&found[..found.len().min(expected.len())]).into_owned();
            return Err(format!("is corrupt: it ends with {found:?}, expected {expected:?}"));
        }
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_slice(json).map_err(|e| format!("cannot be read ({e})"))?;
        if version != MANIFEST_VERSION {
            return Err(format!("has format version {version}, this program reads version {MANIFEST_VERSION}"));
        }
        let manifest: Self = serde_json::from_slice(json).map_err(|e| format!("cannot be read ({e})"))?;
        let mut numbered = (0_u32..).zip(&manifest.partitions);
        match numbered.find(|(i, part)| partition_of(&part.file) != Some(PartitionId(*i))) {
            Some((i, part)) => Err(format!("names partition {i} {:?}", part.file)),
            None => Ok(manifest),
        }
    }
}

/// Reads the manifest of a directory and checks that the files are those that it lists; parts are checked
/// when they are read (R9.17).
pub fn open(store: &dyn ObjectStore, directory: &str) -> Result<Manifest, CheckpointError> {
    if store.list(&format!("{directory}/"))?.is_empty() {
        return Err(CheckpointError::NoDirectory { directory: directory.to_owned() });
    }
    let manifest = read_manifest(store, directory)?;
    verify_listing(store, directory, &manifest)?;
    Ok(manifest)
}

/// As Spark opens a checkpoint: parts in numeric order must be 0, 1, 2 … and as many as there were. What
/// attempts left that the manifest does not name is nobody's.
fn verify_listing(store: &dyn ObjectStore, directory: &str, manifest: &Manifest) -> Result<(), CheckpointError> {
    let invalid = |key: &str| CheckpointError::InvalidFile { rdd: manifest.rdd, key: key.to_owned() };
    let prefix = format!("{directory}/");
    let mut parts = Vec::new();
    for key in store.list(&prefix)? {
        let name = key.strip_prefix(&prefix).unwrap_or(&key);
        if name.starts_with('_') {
            continue;
        }
        let partition = partition_of(name).ok_or_else(|| invalid(&key))?;
        if manifest.partitions.get(partition.0 as usize).is_none_or(|part| part.file == name) {
            parts.push((partition, key));
        }
    }
    parts.sort();
    for (expected, (partition, key)) in (0_u32..).zip(&parts) {
        if partition.0 != expected {
            return Err(invalid(key));
        }
    }
    if parts.len() == manifest.partitions.len() {
        return Ok(());
    }
    Err(CheckpointError::PartCount {
        rdd: manifest.rdd,
        expected: manifest.partitions.len(),
        checkpoint: directory.to_owned(),
        found: parts.len(),
    })
}

fn check_part(
    store: &dyn ObjectStore,
    directory: &str,
    rdd: RddId,
    expected: &CheckpointPart,
) -> Result<(), CheckpointError> {
    let key = format!("{directory}/{}", expected.file);
    match describe_part(store, &key, expected.file.clone())? {
        Ok(found) if found == *expected => Ok(()),
        Ok(found) => Err(CheckpointError::PartMismatch { rdd, key, expected: expected.clone(), found }),
        Err(error) => Err(CheckpointError::Part { rdd, key, error }),
    }
}

fn checksum_line(json: &[u8]) -> String {
    format!("{CHECKSUM_PREFIX}{:08x}\n", crc32fast::hash(json))
}

fn summary(part: &CheckpointPart) -> String {
    format!("{} records in {} bytes with checksum {:08x}", part.records, part.bytes, part.crc32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_store::{LocalObjectStore, MemoryObjectStore, PutMode};

    const DIRECTORY: &str = "app/rdd-3";

    fn content(partition: u32) -> Vec<(String, u32)> {
        (0..partition * 2).map(|i| (format!("key {i}"), partition)).collect()
    }

    fn records_of<T: Data>(expected: &CheckpointPart, bytes: &[u8]) -> Result<Vec<T>, String> {
        part_reader(expected, bytes)?.next_chunk(usize::MAX).map_err(|error| error.to_string())
    }

    fn part_key(partition: u32) -> String {
        format!("{DIRECTORY}/{}", part_name(PartitionId(partition), Some(TaskId(40))))
    }

    fn replace(store: &dyn ObjectStore, key: &str, bytes: &[u8]) {
        store.put(key, bytes, PutMode::Replace).unwrap();
    }

    fn write(store: &dyn ObjectStore, partitions: u32) -> Manifest {
        let mut parts = Vec::new();
        for partition in (0..partitions).map(PartitionId) {
            let mut encoder = FrameWriter::default();
            encoder.append(&content(partition.0)).unwrap();
            let (part, bytes) = finish_part(partition, Some(TaskId(40)), encoder);
            replace(store, &part_key(partition.0), &bytes);
            parts.push(part);
        }
        let manifest = Manifest {
            version: MANIFEST_VERSION,
            rdd: RddId(3),
            op: OpKey { operator: "reduceByKey".into(), batch: None, ordinal: 0 },
            partitions: parts,
            partitioner: Some(PartitionerInfo {
                class: "HashPartitioner".into(),
                partitions,
                hash_version: 1,
                detail: None,
            }),
        };
        replace(store, &manifest_key(DIRECTORY), &manifest.encode());
        manifest
    }

    #[test]
    fn what_was_written_is_verified_and_read() {
        // Without it recovery would read something else than the RDD that was checkpointed.
        let dir = tempfile::tempdir().unwrap();
        let stores: [&dyn ObjectStore; 2] = [&MemoryObjectStore::new(), &LocalObjectStore::new(dir.path())];
        assert_eq!(rdd_directory("app", RddId(3)), DIRECTORY);
        assert_eq!(part_name(PartitionId(123_456), Some(TaskId(7))), "part-123456-attempt-7");
        assert_eq!(part_name(PartitionId(3), None), "part-00003");
        for store in stores {
            for partitions in [3, 0] {
                store.list("").unwrap().iter().for_each(|key| store.delete(key).unwrap());
                let manifest = write(store, partitions);
                replace(store, "app/rdd-3/_partitioner", b"another file of the writer");
                if partitions > 0 {
                    replace(store, "app/rdd-3/part-00000-attempt-41", b"of an attempt that does not count");
                }
                assert_eq!(verify(store, DIRECTORY, one_by_one).unwrap(), manifest);
                for partition in (0..partitions).map(PartitionId) {
                    let bytes = store.get(&part_key(partition.0)).unwrap();
                    let expected = &manifest.partitions[partition.0 as usize];
                    assert_eq!(records_of::<(String, u32)>(expected, &bytes), Ok(content(partition.0)));
                }
            }
        }
    }

    #[test]
    fn a_directory_with_other_files_is_refused() {
        // Without it a lost last part would go unnoticed, and its records with it.
        type Change = fn(&dyn ObjectStore);
        let count = |found: usize| {
            format!(
                "Checkpoint RDD has a different number of partitions from original RDD. Original RDD [ID: 3, num of \
                 partitions: 3]; Checkpoint RDD [ID: app/rdd-3, num of partitions: {found}]."
            )
        };
        let no_manifest = "checkpoint: object does not exist: app/rdd-3/_manifest";
        let invalid = |name: &str| format!("Invalid checkpoint file: app/rdd-3/{name}");
        let cases: [(Change, String); 8] = [
            (|s| s.delete(&part_key(2)).unwrap(), count(2)),
            (|s| replace(s, &part_key(3), b""), count(4)),
            (|s| s.delete(&part_key(1)).unwrap(), invalid("part-00002-attempt-40")),
            (|s| replace(s, "app/rdd-3/part-000002-attempt-40", b""), invalid("part-000002-attempt-40")),
            (|s| replace(s, "app/rdd-3/part-0002", b""), invalid("part-0002")),
            (|s| replace(s, "app/rdd-3/notes.txt", b""), invalid("notes.txt")),
            (|s| replace(s, "app/rdd-3/sub/x", b""), invalid("sub/x")),
            (|s| s.delete("app/rdd-3/_manifest").unwrap(), no_manifest.into()),
        ];
        for (change, expect) in cases {
            let store = MemoryObjectStore::new();
            write(&store, 3);
            change(&store);
            assert_eq!(verify(&store, DIRECTORY, one_by_one).unwrap_err().to_string(), expect);
        }
    }

    #[test]
    fn damaged_and_exchanged_parts_are_refused() {
        // Without it recovery would continue from corrupt data after the lineage has been cut.
        let store = MemoryObjectStore::new();
        let manifest = write(&store, 3);
        let (one, two) = (store.get(&part_key(1)).unwrap(), store.get(&part_key(2)).unwrap());
        replace(&store, &part_key(1), &two);
        let error = verify(&store, DIRECTORY, one_by_one).unwrap_err();
        let CheckpointError::PartMismatch { expected, found, .. } = &error else { panic!("{error}") };
        assert_eq!((expected, found.records), (&manifest.partitions[1], manifest.partitions[2].records));
        assert!(error.to_string().contains("expected 2 records in"), "{error}");
        for bit in 0..one.len() * 8 {
            let mut bytes = one.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            replace(&store, &part_key(1), &bytes);
            assert!(matches!(verify(&store, DIRECTORY, one_by_one), Err(CheckpointError::Part { .. })), "bit {bit}");
        }
        let part = &manifest.partitions[2];
        assert!(records_of::<(Option<u8>, String)>(part, &two).is_err(), "another record type");
        assert!(records_of::<(String, u32)>(part, &one).is_err(), "another part");
    }

    #[test]
    fn a_damaged_manifest_is_refused() {
        // Without it one flipped bit would change which parts a recovery reads.
        let store = MemoryObjectStore::new();
        let manifest = write(&store, 2);
        let bytes = manifest.encode();
        assert_eq!(Manifest::decode(&bytes), Ok(manifest.clone()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::decode(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Manifest::decode(&bytes[..length]).is_err(), "length {length}");
        }
        let refused = |manifest: Manifest| Manifest::decode(&manifest.encode()).unwrap_err();
        let newer = Manifest { version: 2, ..manifest.clone() };
        assert_eq!(refused(newer), "has format version 2, this program reads version 1");
        let mut exchanged = manifest;
        exchanged.partitions.reverse();
        assert_eq!(refused(exchanged), "names partition 0 \"part-00001-attempt-40\"");
        assert!(Manifest::decode(&vec![b'x'; MAX_MANIFEST_BYTES + 1]).is_err());
    }
}
