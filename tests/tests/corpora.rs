//! The corpora of the fuzz targets as tests, and mutations of them under fixed seeds.

use faultline_tests::hostile::{Target, mutated};
use std::panic::catch_unwind;

/// Mutations of each corpus; `cargo run -p faultline-tests --no-default-features --release --example mutate -- --seeds 1000000`
/// tries more.
const SEEDS: u64 = 1_500;

/// Without it a reader would refuse what it must read, or read what it must refuse.
#[test]
fn every_file_of_the_corpora_is_read_or_refused_as_its_name_says() {
    for (name, target) in Target::NAMED {
        let corpus = target.corpus();
        assert!(corpus.len() >= 2, "{name} has no corpus");
        for (file, bytes) in corpus {
            assert_eq!(target.feed(&bytes), file.starts_with("ok-"), "{name}/{file}");
        }
    }
}

/// Without it a damaged file or a slip of the pen would end in a panic, in an error that names no place, or
/// in more memory than the file justifies.
#[test]
fn mutations_neither_panic_nor_ask_for_the_world() {
    for (name, target) in Target::NAMED {
        let corpus = target.corpus();
        let mut refused = 0;
        for seed in 0..SEEDS {
            let bytes = mutated(&corpus, seed);
            let fed = catch_unwind(|| target.feed(&bytes));
            let accepted = fed.unwrap_or_else(|_| panic!("{name} seed {seed}: {:?}", String::from_utf8_lossy(&bytes)));
            refused += u64::from(!accepted);
        }
        assert!(refused > SEEDS / 10, "{name}: {refused} mutations were refused; they do not damage anything");
    }
    // Linux tells the most memory that the process has had; elsewhere this part is not looked at.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<u64> = most.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
    assert!(kib.is_none_or(|kib| kib < 1 << 20), "{kib:?} KiB for files of some KiB");
}

/// Without it a failure that a long run found could not be looked at again.
#[test]
fn the_same_seed_gives_the_same_mutation() {
    let corpus = Target::FaultSpec.corpus();
    let all = |seed| (0..50u64).map(|n| mutated(&corpus, seed + n)).collect::<Vec<_>>();
    assert_eq!(all(7), all(7));
    assert_ne!(all(7), all(1007));
}
