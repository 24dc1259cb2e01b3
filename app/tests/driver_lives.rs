//! A real run whose driver is lost and comes back: what its second life says that it read, and where the why of state
//! that was read back leads.

use faultline::command::Focus;
use faultline::model::Model;
use faultline::opening::{LINES_PER_BATCH, default_text};
use faultline::race::engine_run::{RunRequest, Store};
use faultline::scene::why::{Step, why};
use faultline_engine::config::EngineConfig;
use faultline_engine::ids::{BatchId, BlockId, OperatorName, PartitionId};
use faultline_engine::programs::{self, ProgramInput};

fn killed_and_back() -> Model {
    let program = programs::find("word-count").expect("a built-in program");
    let config = EngineConfig {
        app_name: program.name.to_owned(),
        max_batches: Some(8),
        supervise: true,
        faults: vec!["kill:driver@batch=7".parse().expect("a fault")],
        ..EngineConfig::default()
    };
    let input = ProgramInput::replay(default_text(&program, config.seed), LINES_PER_BATCH);
    RunRequest::new(program, config, input).record(&Store::memory()).expect("it runs").model
}

/// Without it nobody could follow state that was read back after the loss of a driver to the file that it came from,
/// or a life would name another checkpoint than it read.
#[test]
fn state_that_was_read_back_leads_to_the_life_that_found_its_file() {
    let model = killed_and_back();
    let life = model.life_of_driver(2).expect("the driver came back");
    let recovery = life.from_checkpoint.as_ref().expect("it went on from a checkpoint");
    let [saved] = recovery.states.as_slice() else { panic!("one state was saved: {recovery:?}") };
    assert_eq!((saved.operator.as_str(), saved.batch), ("updateStateByKey", BatchId(5)));
    assert_eq!(recovery.saved, std::slice::from_ref(&saved.dir));
    assert!(!life.ran_again.is_empty() && life.lost.is_none(), "{life:?}");
    let state = &model.operators[&OperatorName::from("updateStateByKey")];
    let links: Vec<Step> = state
        .iter()
        .filter(|(batch, _)| batch.is_some_and(|batch| batch >= BatchId(6)))
        .flat_map(|(_, rdds)| rdds.iter().copied())
        .flat_map(|rdd| (0..6).map(move |partition| BlockId::new(rdd, PartitionId(partition))))
        .flat_map(|block| why(&model, Focus::Partition(block)).steps)
        .flat_map(|step| step.folded.clone().into_iter().chain([step]))
        .filter(|step| step.link == Some(Focus::Driver(2)))
        .collect();
    let file = saved.dir.rsplit('/').next().expect("a path has a last name");
    let graph = recovery.path.rsplit('/').next().expect("a path has a last name");
    assert!(!links.is_empty(), "a chain leads to the life");
    for step in &links {
        assert!(step.words.contains(file) && step.words.contains(graph), "{step:?}");
    }
    let chain = why(&model, Focus::Driver(2)).text();
    for words in ["driver 1 was lost", graph, "updateStateByKey of batch 5", "ran again"] {
        assert!(chain.contains(words), "{words}: {chain}");
    }
    assert!(why(&model, Focus::Driver(1)).text().contains("it was lost itself"));
}
