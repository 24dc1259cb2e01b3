//! Streams that go on where a former driver stood.

use super::lab::*;
use faultline_engine::event::Event;
use faultline_engine::ids::*;
use faultline_engine::rdd::{Line, SparkContext};
use faultline_engine::streaming::StreamingContext;

fn words(ssc: &StreamingContext) -> faultline_engine::streaming::DStream<Line> {
    ssc.text_replay_stream(text(), 2).flat_map(|line: Line| line.split(' ').map(Line::from).collect::<Vec<_>>())
}

/// V02. Without it state would be lost, or counted twice, when the driver is.
#[test]
fn v02_recovery_with_update_state_by_key() {
    for (environment, _dir) in environments() {
        let given = Given::default();
        let oracle = Given::default();
        let program = |given: &Given<(Line, u64)>| {
            let given = given.clone();
            move |sc: &SparkContext| {
                let ssc = StreamingContext::new(sc, INTERVAL);
                ssc.checkpoint(DIR);
                let counts = words(&ssc)
                    .map(|word| (word, 1u64))
                    .update_state_by_key(|_, new: Vec<u64>, old: Option<u64>| {
                        Some(old.unwrap_or(0) + new.iter().sum::<u64>())
                    })
                    .checkpoint(Millis(2000))?;
                gather(&counts, &given);
                Ok(ssc)
            }
        };
        run(settings(10, Millis(0)), &memory(), program(&oracle)).result.expect("nothing fails");
        let first = run_until(settings(10, Millis(0)), &environment, program(&given), completed(7));
        assert_eq!(order(&given), [1, 2, 3, 4, 5, 6, 7]);
        assert!(first.result.is_err(), "it was broken off");
        let second = run(settings(10, Millis(0)), &environment, program(&given));
        second.result.clone().expect("it goes on");
        // The last batch before the crash runs again (R15.11).
        assert_eq!(order(&given), [1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10]);
        assert_eq!(by_batch(&given), by_batch(&oracle));
        let restored = second.all(|e| match e {
            Event::StreamingRecovered { batch, saved, damaged, .. } => Some((batch.0, saved.len(), damaged.len())),
            _ => None,
        });
        assert_eq!(restored, [(7, 2, 0)]);
    }
}
