//! The byte form of a block, used on disk, between executors and in checkpoint parts.
//!
//! ```text
//! 0   magic "FLBK"          4
//! 4   format version        u16
//! 6   zero                  u16
//! 8   records               u64
//! 16  payload bytes         u64
//! 24  CRC-32 of the payload u32
//! 28  CRC-32 of bytes 0..28 u32
//! 32  payload: one postcard encoding after the other
//! ```
//!
//! Integers are little endian. Every record takes at least one payload byte (a zero stands for a
//! record that encodes to nothing), so the record count is bounded by the bytes that are really there.

use super::data::Data;
use super::error::BlockError;
use super::guard::guarded;
use postcard::ser_flavors::Flavor;
use std::any::type_name;
use std::marker::PhantomData;
use std::sync::Arc;

/// Bytes before the payload.
pub const HEADER_BYTES: usize = 32;

/// The version that this program writes and reads.
pub const FORMAT_VERSION: u16 = 1;

const MAGIC: [u8; 4] = *b"FLBK";
const CHECKED_HEADER_BYTES: usize = HEADER_BYTES - 4;

/// A frame whose length and checksums have been verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Records in the payload.
    pub records: u64,
    /// CRC-32 of the payload.
    pub crc32: u32,
    /// The encoded records.
    pub payload: &'a [u8],
}

/// Encodes records into a frame.
pub fn encode<T: Data>(values: &[T]) -> Result<Arc<[u8]>, BlockError> {
    let mut writer = FrameWriter::default();
    writer.append(values)?;
    Ok(writer.finish())
}

/// A frame that grows chunk by chunk, so that a partition need not be held as values.
#[derive(Debug)]
pub struct FrameWriter {
    bytes: Vec<u8>,
    records: u64,
}

impl Default for FrameWriter {
    fn default() -> Self {
        Self { bytes: vec![0; HEADER_BYTES], records: 0 }
    }
}

impl FrameWriter {
    /// Appends records.
    ///
    /// # Errors
    /// When one cannot be encoded; the frame is then of no use.
    pub fn append<T: Data>(&mut self, values: &[T]) -> Result<(), BlockError> {
        let appended = guarded(|| self.append_all(values).map_err(|error| error.to_string())).flatten();
        appended.map_err(|message| BlockError::Encode { index: self.records, type_name: type_name::<T>(), message })
    }

    fn append_all<T: Data>(&mut self, values: &[T]) -> postcard::Result<()> {
        let mut serializer = postcard::Serializer { output: Appender(&mut self.bytes) };
        for value in values {
            let start = serializer.output.0.len();
            value.serialize(&mut serializer)?;
            if serializer.output.0.len() == start {
                serializer.output.0.push(0);
            }
            self.records += 1;
        }
        Ok(())
    }

    /// Bytes that the frame has so far, its header included.
    pub const fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether it holds no record.
    pub const fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// The whole frame.
    pub fn finish(self) -> Arc<[u8]> {
        self.finish_with_checksum().0.into()
    }

    /// The whole frame, its records, and the checksum of its payload.
    pub fn finish_with_checksum(mut self) -> (Vec<u8>, u64, u32) {
        let crc32 = write_header(&mut self.bytes, self.records);
        (self.bytes, self.records, crc32)
    }
}

/// What a sound header says.
struct Header {
    records: u64,
    payload_bytes: u64,
    crc32: u32,
}

impl Header {
    fn read(header: &[u8; HEADER_BYTES]) -> Result<Self, BlockError> {
        let magic = array(header, 0);
        if magic != MAGIC {
            return Err(BlockError::Foreign { found: magic });
        }
        let version = u16::from_le_bytes(array(header, 4));
        if version != FORMAT_VERSION {
            return Err(BlockError::Version { expected: FORMAT_VERSION, found: version });
        }
        let expected = u32::from_le_bytes(array(header, CHECKED_HEADER_BYTES));
        let found = crc32fast::hash(&header[..CHECKED_HEADER_BYTES]);
        if expected != found {
            return Err(BlockError::HeaderChecksum { expected, found });
        }
        Ok(Self {
            records: u64::from_le_bytes(array(header, 8)),
            payload_bytes: u64::from_le_bytes(array(header, 16)),
            crc32: u32::from_le_bytes(array(header, 24)),
        })
    }

    /// Whether a payload is the one it tells of. The checksum is asked for only when the length is right.
    fn check(&self, payload_bytes: u64, crc32: impl FnOnce() -> u32) -> Result<(), BlockError> {
        if self.payload_bytes != payload_bytes {
            return Err(BlockError::Length { expected: self.payload_bytes, found: payload_bytes });
        }
        let found = crc32();
        if self.crc32 != found {
            return Err(BlockError::Checksum { expected: self.crc32, found });
        }
        if self.records > payload_bytes || (self.records == 0 && payload_bytes > 0) {
            return Err(BlockError::Records { records: self.records, payload_bytes });
        }
        Ok(())
    }
}

/// Verifies everything about a frame but the records themselves.
pub fn open(bytes: &[u8]) -> Result<Frame<'_>, BlockError> {
    let Some((header, payload)) = bytes.split_first_chunk() else {
        return Err(BlockError::Truncated { expected: HEADER_BYTES as u64, found: bytes.len() as u64 });
    };
    let header = Header::read(header)?;
    header.check(payload.len() as u64, || crc32fast::hash(payload))?;
    Ok(Frame { records: header.records, crc32: header.crc32, payload })
}

/// Verifies a frame that comes in pieces as [`open`] does one that is there whole, so that nobody has to
/// hold it.
#[derive(Debug, Default)]
pub struct FrameCheck {
    header: [u8; HEADER_BYTES],
    bytes: u64,
    payload: crc32fast::Hasher,
}

impl FrameCheck {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &[u8]) {
        let read = usize::try_from(self.bytes).unwrap_or(HEADER_BYTES).min(HEADER_BYTES);
        let (header, payload) = piece.split_at(piece.len().min(HEADER_BYTES - read));
        self.header[read..read + header.len()].copy_from_slice(header);
        self.payload.update(payload);
        self.bytes += piece.len() as u64;
    }

    /// Records, bytes and the checksum of the payload, once everything has been taken.
    ///
    /// # Errors
    /// As [`open`].
    pub fn finish(self) -> Result<(u64, u64, u32), BlockError> {
        let Some(payload_bytes) = self.bytes.checked_sub(HEADER_BYTES as u64) else {
            return Err(BlockError::Truncated { expected: HEADER_BYTES as u64, found: self.bytes });
        };
        let header = Header::read(&self.header)?;
        header.check(payload_bytes, || self.payload.finalize())?;
        Ok((header.records, self.bytes, header.crc32))
    }
}

/// Decodes every record of a frame.
pub fn decode<T: Data>(bytes: &[u8]) -> Result<Vec<T>, BlockError> {
    decode_frame(open(bytes)?)
}

/// Decodes every record of a frame that is open already.
pub fn decode_frame<T: Data>(frame: Frame<'_>) -> Result<Vec<T>, BlockError> {
    let (values, rest) = decode_first(frame.payload, frame.records)?;
    check_end(&frame, rest)?;
    Ok(values)
}

/// Decodes a frame chunk by chunk; length and checksums are verified before the first.
pub struct FrameReader<'a, T> {
    frame: Frame<'a>,
    rest: &'a [u8],
    left: u64,
    of: PhantomData<fn() -> T>,
}

impl<'a, T: Data> FrameReader<'a, T> {
    /// A reader at the first record.
    ///
    /// # Errors
    /// As [`open`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, BlockError> {
        Ok(Self::of(open(bytes)?))
    }

    /// A reader of a frame that is open already.
    pub const fn of(frame: Frame<'a>) -> Self {
        Self { frame, rest: frame.payload, left: frame.records, of: PhantomData }
    }

    /// The next records, at most `len`; none at the end.
    ///
    /// # Errors
    /// When a record is not a `T`.
    pub fn next_chunk(&mut self, len: usize) -> Result<Vec<T>, BlockError> {
        let wanted = self.left.min(len as u64);
        let (values, rest) = decode_first(self.rest, wanted)?;
        (self.rest, self.left) = (rest, self.left - wanted);
        if self.left == 0 {
            check_end(&self.frame, rest)?;
        }
        Ok(values)
    }
}

fn check_end(frame: &Frame<'_>, rest: &[u8]) -> Result<(), BlockError> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(BlockError::Records { records: frame.records, payload_bytes: frame.payload.len() as u64 })
    }
}

/// Decodes the first `records` records of a payload and returns what follows them.
pub(super) fn decode_first<T: Data>(payload: &[u8], records: u64) -> Result<(Vec<T>, &[u8]), BlockError> {
    // A record takes at least one byte, so a count that lies cannot reserve more than the payload justifies.
    let room = usize::try_from(records).unwrap_or(usize::MAX).min(payload.len());
    let mut values = Vec::with_capacity(room);
    match guarded(|| decode_into(&mut values, payload, records)).flatten() {
        Ok(rest) => Ok((values, rest)),
        Err(message) => {
            let index = values.len() as u64;
            Err(BlockError::Decode { index, type_name: type_name::<T>(), message })
        }
    }
}

fn decode_into<'a, T: Data>(values: &mut Vec<T>, payload: &'a [u8], records: u64) -> Result<&'a [u8], String> {
    let mut rest = payload;
    for _ in 0..records {
        let (value, after) = postcard::take_from_bytes(rest).map_err(|error| error.to_string())?;
        rest = if after.len() < rest.len() {
            after
        } else {
            after.strip_prefix(&[0]).ok_or_else(|| "its place holder is missing".to_owned())?
        };
        values.push(value);
    }
    Ok(rest)
}

/// Returns the checksum of the payload.
fn write_header(bytes: &mut [u8], records: u64) -> u32 {
    let (header, payload) = bytes.split_at_mut(HEADER_BYTES);
    header[..4].copy_from_slice(&MAGIC);
    header[4..6].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[8..16].copy_from_slice(&records.to_le_bytes());
    header[16..24].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    let crc32 = crc32fast::hash(payload);
    header[24..28].copy_from_slice(&crc32.to_le_bytes());
    let checksum = crc32fast::hash(&header[..CHECKED_HEADER_BYTES]);
    header[CHECKED_HEADER_BYTES..].copy_from_slice(&checksum.to_le_bytes());
    crc32
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

/// Appends encodings to one buffer, so that a block costs no allocation per record.
struct Appender<'a>(&'a mut Vec<u8>);

impl Flavor for Appender<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Record = (String, Option<u64>);

    fn small() -> Vec<Record> {
        vec![("a".to_owned(), Some(7)), (String::new(), None), ("größer".to_owned(), Some(u64::MAX))]
    }

    fn in_pieces(bytes: &[u8], len: usize) -> Result<(), BlockError> {
        let mut check = FrameCheck::default();
        bytes.chunks(len).for_each(|piece| check.take(piece));
        check.finish().map(|_| ())
    }

    #[test]
    fn a_frame_checked_in_pieces_tells_the_same() {
        // Without it a part would be cut to although it is not the one that was written.
        for (length, frame) in [encode(&small()).unwrap(), encode::<u8>(&[]).unwrap()].iter().enumerate() {
            let whole = open(frame).unwrap();
            for piece in [1, 31, 32, 33, 1000] {
                let mut check = FrameCheck::default();
                frame.chunks(piece).for_each(|piece| check.take(piece));
                let found = check.finish().unwrap();
                assert_eq!(found, (whole.records, frame.len() as u64, whole.crc32), "frame {length} by {piece}");
            }
        }
    }

    #[test]
    fn every_bit_flip_is_detected() {
        // Without it a flipped bit of a stored block would become a wrong result instead of an error.
        let frame = encode(&small()).unwrap();
        for bit in 0..frame.len() * 8 {
            let mut bytes = frame.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<Record>(&bytes).is_err(), "bit {bit}");
            assert_eq!(in_pieces(&bytes, 7), open(&bytes).map(|_| ()), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_read_in_chunks_is_the_frame() {
        // Without it records of a partition that went to disk would be delivered twice, or not at all.
        let records: Vec<Record> = (0..50).map(|i| (format!("{i}"), Some(i))).collect();
        let mut writer = FrameWriter::default();
        records.chunks(7).for_each(|chunk| writer.append(chunk).unwrap());
        let bytes = writer.finish();
        assert_eq!(bytes, encode(&records).unwrap());
        for len in [1, 3, 50, 80] {
            let mut reader = FrameReader::<Record>::new(&bytes).unwrap();
            let mut read = Vec::new();
            loop {
                let chunk = reader.next_chunk(len).unwrap();
                if chunk.is_empty() {
                    break;
                }
                assert!(chunk.len() <= len);
                read.extend(chunk);
            }
            assert_eq!(read, records);
        }
    }

    #[test]
    fn every_truncation_and_extension_is_detected() {
        // Without it a torn write would be read as a shorter block.
        let frame = encode(&small()).unwrap();
        for length in 0..frame.len() {
            assert!(decode::<Record>(&frame[..length]).is_err(), "length {length}");
            assert_eq!(in_pieces(&frame[..length], 5), open(&frame[..length]).map(|_| ()), "length {length}");
        }
        let mut longer = frame.to_vec();
        longer.push(0);
        assert_eq!(
            open(&longer),
            Err(BlockError::Length {
                expected: (frame.len() - HEADER_BYTES) as u64,
                found: (longer.len() - HEADER_BYTES) as u64
            })
        );
    }

    #[test]
    fn records_without_bytes_are_counted() {
        // Without the place holder an RDD of units would have an unbounded record count in 32 bytes.
        let frame = encode(&[(), (), ()]).unwrap();
        assert_eq!(frame.len(), HEADER_BYTES + 3);
        assert_eq!(decode::<()>(&frame).unwrap().len(), 3);
        assert_eq!(decode::<()>(&encode::<()>(&[]).unwrap()).unwrap().len(), 0);
    }

    #[test]
    fn a_valid_frame_that_lies_about_its_records_is_refused() {
        // Without it a writer's bug would show as missing or invented records.
        for records in [0, 1, 3, 4, u64::MAX] {
            let mut bytes = encode(&[1_u8, 2]).unwrap().to_vec();
            write_header(&mut bytes, records);
            assert!(decode::<u8>(&bytes).is_err(), "{records} records in two bytes");
        }
    }

    #[test]
    fn a_frame_of_another_version_says_so() {
        // Without it a block of a newer program would be reported as corrupt.
        let mut bytes = encode(&[1_u8]).unwrap().to_vec();
        bytes[4] = 9;
        assert_eq!(open(&bytes), Err(BlockError::Version { expected: FORMAT_VERSION, found: 9 }));
        assert!(matches!(open(b"PK\x03\x04 and more than a header of something"), Err(BlockError::Foreign { .. })));
    }

    proptest! {
        /// Without it some input would crash the reader, or be decoded as if it were a block.
        #[test]
        fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0..3) {
            let mut bytes = bytes;
            if start > 0 {
                // Get past the magic, so that the deeper checks are reached too.
                bytes.splice(0..bytes.len().min(6), [b'F', b'L', b'B', b'K', 1, 0]);
            }
            prop_assert!(decode::<Record>(&bytes).is_err());
            if start == 2 && bytes.len() >= HEADER_BYTES {
                let records = u64::from(bytes[8]);
                write_header(&mut bytes, records);
                let _ = decode::<Record>(&bytes);
                let _ = decode::<Vec<Vec<String>>>(&bytes);
            }
        }

        /// Without it some records would not come back as they were put.
        #[test]
        fn records_round_trip(values in prop::collection::vec(any::<(String, Option<u64>)>(), 0..50)) {
            prop_assert_eq!(decode::<Record>(&encode(&values).unwrap()).unwrap(), values);
        }
    }
}
