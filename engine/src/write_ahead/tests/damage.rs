//! Bytes that are not what was written: flipped, cut, zeroed, swapped, copied, by others.

use super::*;
use crate::object_store::PutMode;

/// Two segments with records of several lengths: the first ended in order.
fn written() -> (Arc<dyn ObjectStore>, Vec<String>) {
    let store = memory();
    let mut log = log_on(&store, LogStart::New);
    write(&mut log, &["one", "", "three"]);
    log.append(at(0), &[b"four", b"five"]).unwrap();
    log.roll();
    write(&mut log, &["six", "seven"]);
    let all = texts(&read(&store));
    (store, all)
}

fn put(store: &Arc<dyn ObjectStore>, segment: u64, bytes: &[u8]) {
    store.put(&segment_key(LOG, segment), bytes, PutMode::Replace).unwrap();
}

fn get(store: &Arc<dyn ObjectStore>, segment: u64) -> Vec<u8> {
    store.get(&segment_key(LOG, segment)).unwrap()
}

#[test]
fn every_bit_flip_is_noticed() {
    // Without it a flipped bit would become a block that nobody stored, or lose one without a word.
    let (store, all) = written();
    for segment in 1..=2 {
        let sound = get(&store, segment);
        for bit in 0..sound.len() * 8 {
            let mut bytes = sound.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            put(&store, segment, &bytes);
            let contents = read(&store);
            assert!(contents.records.iter().all(|r| all.contains(&String::from_utf8_lossy(&r.bytes).into_owned())));
            assert!(!contents.damage.is_empty(), "segment {segment}, bit {bit}");
            let lost = all.len() - contents.records.len();
            if bit / 8 < HEADER_BYTES {
                let kinds: Vec<DamageKind> = contents.damage.iter().map(|damage| damage.kind).collect();
                assert_eq!((lost, kinds.as_slice()), (0, &[DamageKind::BadHeader][..]), "segment {segment}, bit {bit}");
            } else {
                assert_eq!(lost, 1, "segment {segment}, bit {bit}: the others are read");
                // The end of the last segment may be a write that was cut; nowhere else may anything be.
                let last = contents.damage.iter().all(Damage::is_ordinary);
                let in_last_record = bit / 8 >= sound.len() - "seven".len() - RECORD_HEADER_BYTES;
                assert_eq!(last, segment == 2 && in_last_record, "segment {segment}, bit {bit}");
            }
        }
        put(&store, segment, &sound);
    }
    assert_eq!(texts(&read(&store)), all);
}

#[test]
fn r12_garbage_behind_the_end_and_a_last_byte_that_is_missing() {
    // Without it the driver could not start after a crash in the middle of a write.
    let (store, all) = written();
    let sound = get(&store, 2);
    put(&store, 2, &[&sound[..], b"some garbage of a write that never ended, and more of it"].concat());
    assert_eq!(texts(&read(&store)), all);
    put(&store, 2, &sound[..sound.len() - 1]);
    let contents = read(&store);
    assert_eq!(texts(&contents), all[..6]);
    assert!(contents.damage.iter().all(Damage::is_ordinary));
    put(&store, 2, &[&sound[..], &[0; 5000]].concat());
    assert_eq!(texts(&read(&store)), all, "zeros behind the end");
}

#[test]
fn r13_segments_cut_to_one_byte_leave_the_others() {
    // Without it one bad file would hide every later one.
    let (store, all) = written();
    let sound = get(&store, 1);
    for length in [0, 1, HEADER_BYTES - 1, HEADER_BYTES] {
        put(&store, 1, &sound[..length]);
        let contents = read(&store);
        assert_eq!(texts(&contents), all[5..], "{length} bytes");
        let kinds: Vec<DamageKind> = contents.damage.iter().map(|damage| damage.kind).collect();
        assert!(kinds.contains(&DamageKind::Gap { records: 5 }), "{length} bytes: {kinds:?}");
    }
}

#[test]
fn truncation_anywhere_leaves_what_is_before() {
    // Without it a torn write would be read as another record, or panic.
    let (store, all) = written();
    let sound = get(&store, 2);
    for length in 0..sound.len() {
        put(&store, 2, &sound[..length]);
        let contents = read(&store);
        let whole = match length {
            0..55 => 5,
            55.. => 6,
        };
        assert_eq!(texts(&contents), all[..whole], "{length} bytes");
        assert!(contents.damage.iter().all(Damage::is_ordinary), "{length} bytes: {:?}", contents.damage);
        // Whoever goes on from there does so without a gap.
        let mut next = log_on(&store, LogStart::After { next: contents.next });
        write(&mut next, &["next"]);
        let went_on = read(&store);
        assert_eq!(texts(&went_on).last().map(String::as_str), Some("next"));
        assert_eq!((went_on.records.len(), went_on.damage), (whole + 1, contents.damage), "{length} bytes");
        delete_segments(&*store, LOG, &[3]).unwrap();
    }
}

#[test]
fn a_bad_middle_is_told_with_its_place_and_kept() {
    // Without it what was acknowledged and then damaged would be gone without a word (D-26).
    let (store, all) = written();
    let mut bytes = get(&store, 1);
    let bad = read(&store).records[2].handle.clone();
    for byte in &mut bytes[bad.offset as usize..][..10] {
        *byte = 0xFF;
    }
    put(&store, 1, &bytes);
    let contents = read(&store);
    assert_eq!(texts(&contents), [&all[..2], &all[3..]].concat());
    let told: Vec<String> = contents.damage.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["app/wal/log-0000000001 is damaged at byte 71, 21 bytes are no record"]);
    let copy = quarantine(&*store, LOG, contents.damage[0].segment).unwrap();
    assert_eq!(copy, "app/wal/quarantine/log-0000000001");
    assert_eq!((store.get(&copy).unwrap(), read(&store)), (bytes, contents), "a copy is no segment");
    assert_eq!(quarantine(&*store, LOG, 1).unwrap(), copy, "again");
    let error = read_record(&*store, &bad).unwrap_err().to_string();
    assert_eq!(
        error,
        "Could not read data from write ahead log record: its checksum is wrong: app/wal/log-0000000001 at byte 71"
    );
}

#[test]
fn segments_in_the_wrong_place_are_not_read() {
    // Without it a copied or exchanged file would add blocks twice, or give one log those of another.
    let (store, all) = written();
    put(&store, 3, &get(&store, 1));
    let contents = read(&store);
    assert_eq!((texts(&contents), contents.damage[0].kind), (all.clone(), DamageKind::Misplaced));
    delete_segments(&*store, LOG, &[3]).unwrap();
    let (first, second) = (get(&store, 1), get(&store, 2));
    put(&store, 1, &second);
    put(&store, 2, &first);
    let contents = read(&store);
    assert_eq!((contents.records.len(), contents.damage.len()), (0, 2));
    // Records without their header: a write that went into another file.
    put(&store, 1, &first);
    put(&store, 2, &[&second[..HEADER_BYTES], &first[HEADER_BYTES..]].concat());
    assert_eq!(texts(&read(&store)), all[..5]);
}

#[test]
fn what_a_replaced_driver_still_writes_does_not_count() {
    // Without it a driver that hung while another took over would add its blocks to those of the new one (D-17).
    let store = memory();
    let driver = |epoch, start| WriteAheadLog::new(Arc::clone(&store), LOG, epoch, start, LogSettings::default());
    let mut old = driver(1, LogStart::New);
    write(&mut old, &["one", "two"]);
    let mut new = driver(2, LogStart::After { next: read(&store).next });
    write(&mut new, &["three"]);
    // Behind what the new one has read, and in a segment of its own.
    write(&mut old, &["late"]);
    old.roll();
    write(&mut old, &["later"]);
    write(&mut new, &["four"]);
    let contents = read(&store);
    assert_eq!(texts(&contents), ["one", "two", "three", "four"]);
    let told: Vec<String> = contents.damage.iter().map(ToString::to_string).collect();
    let expected = "app/wal/log-0000000003 was written by a driver that a newer one had replaced, and is not read";
    assert_eq!(told, [expected]);
}

#[test]
fn a_newer_format_is_refused_by_its_name() {
    // Without it a log of a newer program would count as empty, and its blocks as never received.
    let (store, _) = written();
    let mut bytes = get(&store, 2);
    bytes[4] = 9;
    let checksum = crc32c::crc32c(&bytes[..32]);
    bytes[32..36].copy_from_slice(&checksum.to_le_bytes());
    put(&store, 2, &bytes);
    let error = read_all(&*store, LOG).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the write-ahead log has version 9, this program reads 1; use the program that wrote it: app/wal/log-0000000002"
    );
}

#[test]
fn handles_that_lie_are_refused() {
    // Without it a damaged list of blocks would read past the end, or the bytes of another record.
    let (store, _) = written();
    let good = read(&store).records[3].handle.clone();
    assert!(read_record(&*store, &good).is_ok());
    let wrong = [
        RecordHandle { bytes: good.bytes + 1, ..good.clone() },
        RecordHandle { bytes: 0, ..good.clone() },
        RecordHandle { bytes: u32::MAX, ..good.clone() },
        RecordHandle { offset: good.offset + 1, ..good.clone() },
        RecordHandle { offset: u64::MAX, ..good.clone() },
        RecordHandle { key: "app/wal/log-0000000002".into(), ..good.clone() },
        RecordHandle { key: "app/wal/part-0".into(), ..good.clone() },
        RecordHandle { key: "".into(), ..good },
    ];
    for handle in wrong {
        assert!(read_record(&*store, &handle).is_err(), "{handle:?}");
    }
}
