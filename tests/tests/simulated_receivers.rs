//! Receivers under the virtual clock: scripts instead of threads, the same decisions.

use faultline_engine::config::EngineConfig;
use faultline_engine::event::*;
use faultline_engine::ids::*;
use faultline_engine::receiver::{Arrival, Arrived};
use faultline_tests::Loop;
use faultline_tests::scripted::{received, receiving, scripted, ticking};
use std::collections::{BTreeMap, BTreeSet};

/// Where a receiver was started, in order.
fn starts(log: &[Envelope]) -> Vec<Option<ExecutorId>> {
    let started = log.iter().filter_map(|e| match &e.event {
        Event::ReceiverStarted { receiver } => Some(receiver.executor),
        _ => None,
    });
    started.collect()
}

/// R02 under the virtual clock. Without it a program with receivers could not be simulated: blocks would not be
/// of their intervals, kept on two executors, and in the batch after their arrival, each time alike.
#[test]
fn scripted_receivers_make_blocks_under_the_virtual_clock() {
    let simulate = || scripted(Loop::Sim, receiving(6, &[]), ticking(40, 10));
    let (batches, log) = simulate();
    let all: Vec<u64> = batches.iter().flat_map(|(_, values)| values.clone()).collect();
    assert_eq!(all, (0..40).collect::<Vec<u64>>(), "in order, each once");
    assert_eq!(batches[0], (1, (0..5).collect()), "the block of 50 ms is there at 100 ms, that of 100 ms is not");
    assert_eq!(batches[1], (2, (5..15).collect()));
    let blocks = received(&log);
    assert_eq!(blocks.iter().map(|(_, records)| *records).collect::<Vec<_>>(), [5; 8]);
    let zero = VIRTUAL_EPOCH.as_millis();
    let numbers: Vec<u64> = blocks.iter().map(|(block, _)| block.number - zero).collect();
    assert_eq!(numbers, (1..=8).map(|n| n * 50).collect::<Vec<_>>());
    let mut copies: BTreeMap<InputBlockId, BTreeSet<ExecutorId>> = BTreeMap::new();
    for e in &log {
        if let Event::InputBlockUpdated { executor, block, level, .. } = &e.event
            && level.is_valid()
        {
            copies.entry(*block).or_default().insert(*executor);
        }
    }
    assert!(copies.len() == 8 && copies.values().all(|at| at.len() == 2), "{copies:?}");
    assert_eq!(simulate().1, log, "the same script gives the same log");
    let (batches, _) = scripted(Loop::Threads, receiving(40, &[]), ticking(40, 10));
    let all: BTreeSet<u64> = batches.into_iter().flat_map(|(_, values)| values).collect();
    assert_eq!(all, (0..40).collect(), "and on threads the same records");
}

/// R21. Without it the simulator would hide what the death of a receiver's executor costs: what is stored is
/// kept on the peer, what is gathered is lost, and the receiver goes on elsewhere.
#[test]
fn a_simulated_receiver_loses_its_buffer_with_its_executor() {
    // The first job of batch 2 starts when batch 2 is generated, at 200 ms.
    let config = EngineConfig { loss_detection: Millis(30), ..receiving(8, &["kill:executor=1@batch=2"]) };
    let (batches, log) = scripted(Loop::Sim, config, ticking(60, 10));
    let got: Vec<u64> = batches.into_iter().flat_map(|(_, values)| values).collect();
    let lost: Vec<u64> = (0..60).filter(|n| !got.contains(n)).collect();
    assert!(!lost.is_empty() && lost.windows(2).all(|pair| pair[1] == pair[0] + 1), "one gap: {lost:?}");
    assert!(lost[0] >= 15 && lost.len() <= 10, "what was stored before is kept: {lost:?}");
    // What had arrived is told; what came while no receiver ran reached nobody.
    let at = |is: fn(&Event) -> bool| log.iter().find(|e| is(&e.event)).expect("it happened").at;
    let begin = at(|e| matches!(e, Event::ReceiverStarted { .. }));
    let death = at(|e| matches!(e, Event::FaultInjected { .. }));
    let arrived = lost.iter().filter(|n| begin.plus(Millis(**n * 10)) <= death).count() as u64;
    let told = log.iter().filter_map(|e| match &e.event {
        Event::ReceivedRecordsLost(lost) => Some(lost.records),
        _ => None,
    });
    assert_eq!((told.sum::<u64>(), arrived > 0), (arrived, true));
    let starts = starts(&log);
    assert!(starts.len() == 2 && starts[0] == Some(ExecutorId(1)) && starts[1] != starts[0], "{starts:?}");
    let mut ids: Vec<InputBlockId> = received(&log).into_iter().map(|(block, _)| block).collect();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all, "no block id is given twice");
}

/// Without it an orderly departure would cost what a receiver had gathered, in the loop that runs it.
#[test]
fn a_receiver_moves_with_its_buffer_when_its_executor_leaves() {
    for &loop_ in Loop::ALL {
        let mut config = receiving(14, &["decommission:executor=1@batch=2"]);
        if loop_ == Loop::Threads {
            // What was gathered must stand out against what came while no receiver ran.
            config.block_interval = Millis(400);
            config.max_batches = Some(40);
        }
        let (batches, log) = scripted(loop_, config, ticking(60, 10));
        let got: BTreeSet<u64> = batches.into_iter().flat_map(|(_, values)| values).collect();
        // What comes every 10 ms while no receiver runs, nobody hears; what was gathered is not lost.
        let down = log.iter().find(|e| matches!(e.event, Event::ReceiverStopped { .. })).map_or(Timestamp(0), |e| e.at);
        let up = log.iter().rfind(|e| matches!(e.event, Event::ReceiverStarted { .. })).map_or(Timestamp(0), |e| e.at);
        let unheard = if loop_ == Loop::Sim { 0 } else { up.ns_since(down) / 10_000_000 + 5 };
        let missing: Vec<u64> = (0..60).filter(|n| !got.contains(n)).collect();
        assert!(missing.len() as u64 <= unheard, "{loop_:?}: {missing:?} lost, at most {unheard} were not heard");
        let starts = starts(&log);
        assert!(
            starts.len() == 2 && starts[0] == Some(ExecutorId(1)) && starts[1] != starts[0],
            "{loop_:?} {starts:?}"
        );
        let gone = |e: &Event| matches!(e, Event::ExecutorRemoved { executor: ExecutorId(1), .. });
        assert!(log.iter().any(|e| gone(&e.event)), "{loop_:?}: and the executor leaves");
    }
}

/// Without it an error, a restart or a stop of a receiver could not be simulated, or would end the input
/// (R17.3, R17.4).
#[test]
fn a_simulated_receiver_restarts_and_stops() {
    let script = |n: u64| {
        let (at, what) = match n {
            0 => (10, Arrived::Records(vec![1])),
            1 => (20, Arrived::Error { message: "odd".into() }),
            2 => (60, Arrived::Restart { message: "broken".into(), delay: Some(Millis(30)) }),
            // It is down: nobody hears this one.
            3 => (70, Arrived::Records(vec![2])),
            4 => (100, Arrived::Records(vec![3])),
            5 => (160, Arrived::Stop { message: "enough".into() }),
            6 => (270, Arrived::Block(vec![4, 5])),
            _ => return None,
        };
        Some(Arrival { at: Millis(at), what })
    };
    let (batches, log) = scripted(Loop::Sim, receiving(6, &[]), script);
    let got: Vec<u64> = batches.into_iter().flat_map(|(_, values)| values).collect();
    assert_eq!(got, [1, 3, 4, 5]);
    let told: Vec<(u64, &str, String)> = log
        .iter()
        .filter_map(|e| {
            let at = (e.at.0 - VIRTUAL_EPOCH.0) / 1_000_000;
            match &e.event {
                Event::ReceiverStarted { .. } => Some((at, "started", String::new())),
                Event::ReceiverError { receiver } => Some((at, "error", receiver.last_error_message.clone())),
                Event::ReceiverStopped { receiver } => Some((at, "stopped", receiver.last_error_message.clone())),
                _ => None,
            }
        })
        .collect();
    let expected = [
        (0, "started", ""),
        (20, "error", "odd"),
        (60, "stopped", "Restarting receiver with delay 30 ms: broken"),
        (90, "started", ""),
    ];
    for (told, (at, what, message)) in told.iter().zip(expected) {
        assert_eq!((told.0, told.1, told.2.as_str()), (at, what, message));
    }
    // It ends once its last block is stored; the driver starts it again after the delay.
    assert_eq!((told[4].1, told[4].2.as_str(), told[5].1), ("stopped", "enough", "started"), "{told:?}");
    assert!(told[4].0 >= 160 && told[5].0 >= told[4].0 + 100, "{told:?}");
}
