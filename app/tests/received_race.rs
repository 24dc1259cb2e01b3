//! The race of an input that is received: the write-ahead log on and off, after a kill.

use faultline::model::{Fate, Totals};
use faultline::opening::{LINES_PER_BATCH, default_text};
use faultline::race::engine_run::{RunRequest, Store};
use faultline::race::{Keep, Lane, Policy, Race, RaceRequest, race};
use faultline_engine::config::EngineConfig;
use faultline_engine::event::Event;
use faultline_engine::programs::{self, InputSource, ProgramInput, SimulatedClient};
use std::ops::ControlFlow;

const BATCHES: u32 = 12;

fn run_of(program: &str, client: SimulatedClient, fault: &str) -> RunRequest {
    let program = programs::find(program).expect("a built-in program");
    let config = EngineConfig {
        app_name: program.name.to_owned(),
        max_batches: Some(BATCHES),
        faults: vec![fault.parse().expect("a fault")],
        ..EngineConfig::default()
    };
    let input = ProgramInput::replay(default_text(&program, config.seed), LINES_PER_BATCH);
    RunRequest::new(program, config, input.from_source(InputSource::Simulated(client)))
}

fn raced(run: &RunRequest) -> Race {
    let policies = Policy::of_input(&run.input.source).to_vec();
    assert_eq!(policies, Policy::OF_RECEIVED, "the lanes of what is received are those of its log");
    let request = RaceRequest { run: run.clone(), policies, keep: Keep::Numbers };
    race(&request, &mut |_| ControlFlow::Continue(())).expect("a race")
}

fn with_fault(lane: &Lane) -> Totals {
    lane.fates.expect("a lane of what is received says what became of it").with_fault
}

/// Without it the lanes would show numbers that the ledger of no run has, or praise a log that saves nothing.
#[test]
fn the_log_saves_what_the_driver_takes_with_it() {
    use SimulatedClient::{Acknowledged, Pushing};
    let cases = [
        ("ledger", Pushing, "kill:driver@batch=7"),
        ("ledger", Acknowledged, "kill:driver@batch=7"),
        ("word-count", Acknowledged, "kill:driver@batch=5"),
        ("ledger", Pushing, "kill:executor=1@batch=7"),
        ("ledger", Acknowledged, "kill:executor=1@batch=7"),
    ];
    for (program, client, fault) in cases {
        let case = format!("{program}, {client:?}, {fault}");
        let run = run_of(program, client, fault);
        let race = raced(&run);
        assert!(!race.results_differ(), "{case}");
        let lane = |policy| race.lane(policy).unwrap_or_else(|| panic!("{case}: {policy:?}"));
        let (on, off) = (with_fault(lane(Policy::LogOn)), with_fault(lane(Policy::LogOff)));
        for lane in &race.lanes {
            let fates = lane.fates.expect("fates");
            for totals in [fates.with_fault, fates.without_fault] {
                let parts: u64 = Fate::ALL.iter().map(|fate| totals.of(*fate).records).sum();
                assert_eq!(totals.received.records, parts, "{case}: every record has one fate");
            }
            let without = fates.without_fault;
            let all = u64::from(BATCHES - 2) * LINES_PER_BATCH as u64;
            assert_eq!((without.received.records, without.once.records), (all, all), "{case}: nothing fails");
        }
        // What is acknowledged is in the log, and what is not is sent again.
        if client == Acknowledged {
            assert_eq!(on.lost.records, 0, "{case}: {on:?}");
            assert_eq!(on.once.records + on.duplicated.records, u64::from(BATCHES - 2) * LINES_PER_BATCH as u64);
        }
        if fault.starts_with("kill:driver") {
            assert!(off.lost.records > on.lost.records, "{case}: {on:?} {off:?}");
        }
        assert_eq!(serde_json::to_string(&raced(&run)).expect("JSON"), serde_json::to_string(&race).expect("JSON"));
    }
}

/// Without it a client that is simulated would be believed that is not there: every line of the text comes once, in
/// order, and nothing after the end of the run.
#[test]
fn a_simulated_client_sends_the_text() {
    for client in SimulatedClient::ALL {
        let mut run = run_of("ledger", client, "kill:driver@batch=7");
        run.config.faults.clear();
        let mut records = Vec::new();
        run.run(&Store::memory(), &mut |events| {
            records.extend(events.iter().filter_map(|e| match &e.event {
                Event::BatchSubmitted { batch } => Some(batch.records),
                _ => None,
            }));
        })
        .expect("it runs");
        let all: u64 = records.iter().sum();
        assert_eq!(all, u64::from(BATCHES - 2) * LINES_PER_BATCH as u64, "{client:?}: {records:?}");
        assert!(records.iter().filter(|records| **records > 0).count() >= 10, "{client:?}: {records:?}");
    }
}

/// Without it findings would call lost what the ledger calls once: blocks that a window or a state reads again, and
/// that a batch had put out before the driver was lost.
#[test]
fn findings_name_as_lost_what_the_ledger_calls_lost() {
    for program in ["ledger", "windowed-counts", "word-count"] {
        let mut run = run_of(program, SimulatedClient::Pushing, "kill:driver@batch=7");
        run.config.supervise = true;
        let recording = run.record(&Store::memory()).expect("it runs");
        let model = &recording.model;
        let records = |kind: &str| -> u64 {
            let of = model.findings.iter().filter(|finding| finding.kind == kind);
            let number = |message: &str| message.split(" records").next()?.rsplit(' ').next()?.parse::<u64>().ok();
            of.map(|finding| number(&finding.message).unwrap_or_else(|| panic!("{program}: {}", finding.message))).sum()
        };
        let lost = model.ledger.totals().lost.records;
        assert_eq!((records("received-blocks-lost"), lost > 0), (lost, true), "{program}");
        assert_eq!(records("received-blocks-not-read-again") > 0, program != "ledger", "{program}");
    }
}
