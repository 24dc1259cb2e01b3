//! Bits that flip while nobody runs, in what a driver goes on from (E3 23, 24).

use faultline_engine::object_store::{ObjectStore, PutMode};
use faultline_tests::system::{Crash, DIR, Input, Ran, Shape, SystemPlan, run_with};
use std::cell::Cell;

/// Which bits of an object are tried: all of its first bytes, and of the others one now and then.
fn bits(length: usize) -> impl Iterator<Item = usize> {
    let all = length.min(HEADER) * 8;
    (0..all).chain((all..length * 8).step_by(STRIDE))
}

/// Bytes of which every bit is tried.
const HEADER: usize = 40;
/// Of what follows one bit in so many: no divisor of a byte, so that all bits have their turn.
const STRIDE: usize = 211;

/// Flips a bit of the last object whose key `is_meant`; how long the object is.
fn flip(store: &dyn ObjectStore, is_meant: impl Fn(&str) -> bool, bit: usize) -> usize {
    let keys = store.list("").expect("the store can be listed");
    let key = keys.iter().rfind(|key| is_meant(key)).expect("there is such an object");
    let mut bytes = store.get(key).expect("it can be read");
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
    store.put(key, &bytes, PutMode::Replace).expect("it can be written");
    bytes.len()
}

/// What was shown is right, and who cannot go on says so.
fn is_right_or_refused(ran: &Ran) -> bool {
    let refused = ran.ends.iter().skip(1).all(|end| end != "it ended well");
    ran.broken.is_empty() || refused && ran.broken.iter().all(|what| what.starts_with("liveness"))
}

/// Flips bit after bit of an object between a crash and what goes on from it. Returns how often the damage was said.
fn each_bit(is_meant: impl Fn(&str) -> bool) -> (u64, u64) {
    let crash = Crash::Dies { at: 300, power: None };
    let plan = SystemPlan { crashes: vec![crash], ..SystemPlan::calm(6, Input::Numbered, Shape::State) };
    let length = Cell::new(usize::MAX);
    let flipped = |bit: usize| {
        run_with(&plan, &mut |life, store| {
            if life == 1 {
                length.set(flip(store, &is_meant, bit));
            }
        })
    };
    flipped(usize::MAX);
    let (mut told, mut tried) = (0, 0);
    for bit in bits(length.get()) {
        let ran = flipped(bit);
        assert!(is_right_or_refused(&ran), "bit {bit}: ends {:?}\n{}", ran.ends, ran.broken.join("\n"));
        tried += 1;
        told += u64::from(!ran.findings.is_empty() || ran.ends.len() > 2);
    }
    assert!(tried > 200, "{tried} bits");
    (told, tried)
}

/// Without it a driver would go on from something that nobody wrote.
#[test]
fn a_flipped_bit_of_a_description_is_said_and_the_one_before_it_used() {
    let newest = |key: &str| key.starts_with(&format!("{DIR}/checkpoint-")) && !key.ends_with(".bk");
    let (told, tried) = each_bit(newest);
    assert_eq!(told, tried, "each of them");
}

/// Without it state would go on from records that nobody wrote.
#[test]
fn a_flipped_bit_of_a_manifest_never_becomes_state() {
    each_bit(|key| key.contains("rdd-") && key.ends_with("_manifest"));
}

/// Without it a batch would be given blocks that nobody stored, or none.
#[test]
fn a_flipped_bit_of_the_log_of_blocks_is_said() {
    each_bit(|key| key.contains("/receivedBlockMetadata/log-"));
}
