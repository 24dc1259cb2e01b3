//! Settings: their page, and what one of them does to a run.

use faultline_engine::config::{EngineConfig, markdown};
use faultline_tests::{Loop, run};
use std::path::Path;

/// Without it the page would list settings that do not exist, or miss new ones.
#[test]
fn the_page_of_settings_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    if std::env::var_os("FAULTLINE_WRITE").is_some() {
        std::fs::write(&path, markdown()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(markdown().lines().map(str::to_owned)).find(|(a, b)| a != b);
    assert!(written == markdown(), "{}: {differs:?}; FAULTLINE_WRITE=1 writes it again", path.display());
}

/// Without it a setting given as text would change nothing.
#[test]
fn a_setting_given_as_text_is_obeyed() {
    faultline_tests::quiet::silence_deliberate_panics();
    for &loop_ in Loop::ALL {
        for failures in [1, 3] {
            let mut config = EngineConfig::default();
            config.assign(&format!("spark.task.maxFailures={failures}")).unwrap();
            let (result, _) = run(loop_, config, |sc| {
                let broken = sc
                    .parallelize(vec![1], 1)
                    .map(|_: i32| -> i32 { panic!("{}", faultline_tests::quiet::DELIBERATE) });
                broken.count().map(|_| ())
            });
            let error = result.expect_err("every attempt panics").to_string();
            assert!(error.contains(&format!("failed {failures} times")), "{loop_:?}: {error}");
        }
    }
}
