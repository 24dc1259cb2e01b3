//! Broken logs: nothing panics, and what is whole is read.

use super::samples::samples;
use super::spark_logs::LOGS;
use super::{ReadError, envelopes, lines, read, write};
use proptest::prelude::*;

#[test]
fn a_log_cut_anywhere_is_read_up_to_the_cut() {
    // Without it the log of a killed driver could not be opened.
    let bytes = write(&envelopes(samples()));
    for line in lines(&bytes) {
        for cut in (1..line.len()).filter(|&cut| line.is_char_boundary(cut)) {
            let (items, truncated) = read(&line.as_bytes()[..cut]);
            assert!(items.is_empty() && truncated, "cut at {cut} of {line}");
        }
        let (items, truncated) = read(line.as_bytes());
        assert!(items.len() == 1 && items[0].is_ok() && !truncated, "a last line needs no end: {line}");
    }
}

#[test]
fn a_cut_inside_a_character_is_a_cut() {
    // Without it a log in another script would fail where one in English is tolerated.
    let (items, truncated) = read("{\"Event\":\"é".as_bytes().split_last().unwrap().1);
    assert!(items.is_empty() && truncated);
}

#[test]
fn no_flipped_byte_panics() {
    // Without it a bad disk would close the window.
    let bytes = write(&envelopes(samples()));
    for line in lines(&bytes).into_iter().chain(LOGS.iter().flat_map(|(_, log)| log.lines().take(20))) {
        let step = 1 + line.len() / 400;
        for at in (0..line.len()).step_by(step) {
            for flip in [0x01, 0x10, 0x80] {
                let mut broken = line.as_bytes().to_vec();
                broken[at] ^= flip;
                broken.push(b'\n');
                drop(read(&broken));
            }
        }
    }
}

#[test]
fn an_error_names_its_line_and_the_rest_is_read() {
    // Without it one bad line would hide the rest, or nobody could find it.
    let good = r#"{"Event":"SparkListenerUnpersistRDD","RDD ID":7}"#;
    let check = |bad: &str, expect: &str| {
        let (items, _) = read(format!("{good}\n\n{bad}\n{good}\n").as_bytes());
        let [Ok(_), Err(error), Ok(_)] = items.as_slice() else { panic!("{bad}: {items:?}") };
        assert!(error.to_string().starts_with(expect), "{bad}: {error}");
        assert!(error.to_string().ends_with("(line 3)"), "{bad}: {error}");
    };
    check("nonsense", "not an event");
    check("[1]", "not an event");
    check("{}", "not an event");
    check(r#"{"Event":"Odd","a":}"#, "not an event");
    check(r#"{"Event":"SparkListenerUnpersistRDD","RDD ID":7"#, "not an event");
    check(r#"{"Event":"SparkListenerUnpersistRDD"}"#, "cannot read SparkListenerUnpersistRDD");
    check(r#"{"Event":"SparkListenerUnpersistRDD","RDD ID":-1}"#, "cannot read SparkListenerUnpersistRDD");
    check(r#"{"Event":"FaultlineRddReleased","Faultline":{"seq":1,"at_ns":2}}"#, "cannot read FaultlineRddReleased");
}

#[test]
fn a_source_that_fails_ends_the_log() {
    // Without it a reader would ask a dead disk for ever.
    struct Dead;
    impl std::io::Read for Dead {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    let mut log = super::LogReader::new(std::io::BufReader::new(Dead));
    assert!(matches!(log.next(), Some(Err(ReadError::Io { line: 1, .. }))));
    assert!(log.next().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_in_any_order_are_read(order in Just((0..150usize).collect::<Vec<_>>()).prop_shuffle()) {
        // Without it a log merged from parts would panic in what is inferred from earlier lines.
        let ours = write(&envelopes(samples()));
        for log in LOGS.iter().map(|(_, log)| *log).chain([std::str::from_utf8(&ours).unwrap()]) {
            let lines: Vec<&str> = log.lines().collect();
            let shuffled: Vec<&str> = order.iter().filter_map(|&i| lines.get(i).copied()).collect();
            let (items, truncated) = read(shuffled.join("\n").as_bytes());
            prop_assert!(!truncated && items.len() >= shuffled.len() && items.iter().all(Result::is_ok));
        }
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        // Without it opening a file of another kind could close the window.
        drop(read(&bytes));
    }
}
