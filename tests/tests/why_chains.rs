//! The chain "why", over real runs: what it says is what the run recorded.

use faultline::model::{Model, Sign};
use faultline::opening::{LINES_PER_BATCH, default_text};
use faultline::scene::Focus;
use faultline::scene::why::{MAX_FOLDED, MAX_STEPS, Served, Step, Why, why};
use faultline_engine::config::EngineConfig;
use faultline_engine::event::{Envelope, Event, ReadTier, StorageLevel};
use faultline_engine::ids::*;
use faultline_engine::programs::{self, InputSource, ProgramInput, SimulatedClient};
use faultline_tests::{Loop, run};

fn program(name: &str, config: EngineConfig) -> Vec<Envelope> {
    let program = programs::find(name).expect("a built-in program");
    let input = ProgramInput::replay(default_text(&program, config.seed), LINES_PER_BATCH);
    let (result, log) = run(Loop::Sim, config, move |sc| program.run(sc, &input));
    result.expect("the program succeeds");
    log
}

/// Word count, executor 2 killed before batch 8.
fn demo(change: impl FnOnce(&mut EngineConfig)) -> Vec<Envelope> {
    let mut config = EngineConfig {
        max_batches: Some(8),
        faults: vec!["kill:executor=2@batch=8".parse().expect("a fault")],
        ..EngineConfig::default()
    };
    change(&mut config);
    program("word-count", config)
}

fn state(model: &Model, batch: u32, partition: u32) -> BlockId {
    let rdd = model.operators[&OperatorName::from("updateStateByKey")][&Some(BatchId(batch))].back().copied();
    BlockId::new(rdd.expect("the batch has a state"), PartitionId(partition))
}

fn fold(log: &[Envelope]) -> Model {
    let mut model = Model::default();
    log.iter().for_each(|envelope| model.apply(envelope));
    model
}

/// The lines of a chain with the sign before them.
fn lines(why: &Why) -> Vec<String> {
    let line = |step: &Step| step.sign.map_or_else(|| step.words.clone(), |s| format!("[{}] {}", s.name(), step.words));
    why.steps.iter().map(line).collect()
}

/// The picture of the design: from what is needed, over what was lost, back to the checkpoint.
#[test]
fn the_kill_of_the_demo_is_read_back_to_the_checkpoint() {
    let model = fold(&demo(|_| {}));
    let chain = why(&model, Focus::Partition(state(&model, 8, 1)));
    assert_eq!(chain.question, "Why was partition 1 computed?");
    let expected = [
        "[in memory] batch 8 needed it for the first time",
        "collect at word_count.rs:49, stage 34, task 104",
        "6 map tasks wrote the outputs of map of batch 8",
        "it needed state 7, partition 1",
        "[lost] in memory? lost with executor 2",
        "[never computed] in a checkpoint? not this batch, batch 5 has one",
        "[computing again] so it was computed again, from",
        "map outputs of map of batch 7",
        "[computing again] lost with executor 2, so 2 map tasks ran again",
        "[computing again] state 6, partition 1: the same",
        "[lost] state 5, partition 1: in memory? lost with executor 2",
        "[read back] read back from the checkpoint, rdd-28",
    ];
    assert_eq!(lines(&chain), expected);
    assert_eq!(chain.served, Some(Served::Lineage));
    let back = why(&model, Focus::Partition(state(&model, 5, 1)));
    assert_eq!((back.question.as_str(), back.served), ("Why was partition 1 read back?", Some(Served::Checkpoint)));
    let map_tasks = chain.steps.iter().find(|s| s.words.ends_with("map tasks ran again")).expect("asserted above");
    assert_eq!(map_tasks.folded.len(), 2);
    assert!(map_tasks.folded.iter().all(|s| matches!(s.link, Some(Focus::Task(_)))));
}

/// What a receiver logged would seem never to have been read, just where the log saved it.
#[test]
fn blocks_that_died_with_their_executor_are_read_back_from_the_log() {
    let mut config = EngineConfig {
        max_batches: Some(6),
        faults: vec!["kill:executor=1@batch=4".parse().expect("a fault")],
        ..EngineConfig::default()
    };
    config.receiver_log.enabled = true;
    let program = programs::find("word-count").expect("a built-in program");
    let text = default_text(&program, config.seed);
    let source = InputSource::Simulated(SimulatedClient::Pushing);
    let input = ProgramInput::replay(text, LINES_PER_BATCH).from_source(source).for_a_run(config.max_batches);
    let (result, log) = run(Loop::Sim, config, move |sc| program.run(sc, &input));
    result.expect("the program succeeds");
    let gone = |e: &Envelope| matches!(&e.event, Event::BlockManagerRemoved { executor } if *executor == ExecutorId(1));
    let struck = fold(&log[..=log.iter().position(gone).expect("executor 1 dies")]);
    let held = struck.story.lost_inputs;
    assert!(held > 0 && struck.story.detail.contains(&format!("{held} received blocks")), "{}", struck.story.detail);
    let over = |e: &Envelope| matches!(&e.event, Event::BatchCompleted { batch, .. } if *batch == BatchId(4));
    let log = &log[..=log.iter().position(over).expect("batch 4 completes")];
    let model = fold(log);
    let logged = |e: &Envelope| match &e.event {
        Event::TaskEnd { metrics, .. } => metrics.reads.iter().filter(|r| r.tier == ReadTier::WriteAheadLog).count(),
        _ => 0,
    };
    let blocks: usize = log.iter().map(logged).sum();
    assert!(blocks > 0, "the kill strikes blocks that are needed");
    let told = format!("; {blocks} received blocks came back from the write-ahead log.");
    assert!(model.story.detail.ends_with(&told), "{blocks}: {}", model.story.detail);
    let of_logs = model.rdds.values().filter(|rdd| rdd.info.class == "WriteAheadLogBackedBlockRDD");
    let back: Vec<BlockId> = of_logs
        .flat_map(|rdd| (0..rdd.info.num_partitions).map(|p| BlockId::new(rdd.info.id, PartitionId(p))))
        .filter(|block| model.cell(block.rdd, block.partition).sign == Sign::ReadBack)
        .collect();
    assert_eq!(back.len(), blocks);
    let chain = why(&model, Focus::Partition(back[0]));
    assert_eq!(chain.question, format!("Why was partition {} read back?", back[0].partition));
    assert_eq!(chain.served, Some(Served::WriteAheadLog));
    let lines = lines(&chain);
    let last = lines.last().expect("an answer");
    assert!(last.starts_with("[read back] read back from the write-ahead log, "), "{lines:?}");
}

/// A partition whose task waits for map tasks would be told to be needed by nobody.
#[test]
fn while_map_tasks_run_again_the_lost_state_says_who_waits() {
    let log = demo(|_| {});
    let is_map_task = |e: &Envelope| matches!(&e.event, Event::TaskStart { task } if task.stage.stage == StageId(31));
    let at = log.iter().position(is_map_task).expect("lost map outputs are written again");
    let model = fold(&log[..=at]);
    let chain = why(&model, Focus::Partition(state(&model, 7, 1)));
    assert_eq!(chain.question, "Why is partition 1 lost?");
    let expected = [
        "[lost] its last copy was lost with executor 2",
        "batch 8 needs it: stage 34 waits until its parent stages are done",
    ];
    assert_eq!(lines(&chain)[..2], expected);
    let task = model.tasks.get_max().map(|(id, _)| *id).expect("a task has started");
    let running = lines(&why(&model, Focus::Task(task)));
    assert!(
        running.contains(&"[lost] its map output was lost with executor 2, so it runs again".to_owned()),
        "{running:?}"
    );
}

/// The words of a running task would be guesses: the lineage and the stored blocks tell the same that
/// its rows tell afterwards.
#[test]
fn what_is_derived_while_it_runs_is_what_was_recorded_after() {
    let log = demo(|_| {});
    let started = |e: &Envelope| matches!(&e.event, Event::TaskStart { task } if task.id == TaskId(104));
    let at = log.iter().position(started).expect("the state's task starts");
    let now = fold(&log[..=at]);
    let chain = why(&now, Focus::Partition(state(&now, 8, 1)));
    assert_eq!(chain.question, "Why is partition 1 computed now?");
    let after = fold(&log);
    let then = lines(&why(&after, Focus::Partition(state(&after, 8, 1))));
    let past = |line: &String| {
        let line = line.replace("needs", "needed").replace("it is", "it was");
        line.replace("[computing] ", "[in memory] ")
    };
    assert_eq!(lines(&chain).iter().map(past).collect::<Vec<_>>(), then);
}

/// A long chain would fill the panel, and the window would stand still while it is made.
#[test]
fn a_long_chain_is_folded() {
    let log = demo(|config| {
        config.max_batches = Some(40);
        config.checkpoint.insert("updateStateByKey".into(), 0);
        config.faults = vec!["kill:executor=2@batch=40".parse().expect("a fault")];
    });
    let model = fold(&log);
    let chain = why(&model, Focus::Partition(state(&model, 40, 1)));
    assert!(chain.steps.len() <= 24, "{}", chain.text());
    let folded = chain.steps.iter().find(|s| s.words.contains("more, down to")).expect("the repetition is folded");
    assert_eq!(folded.sign, Some(Sign::ComputingAgain));
    assert!(folded.folded.len() <= MAX_FOLDED);
}

/// A step would lead nowhere, name an executor that holds nothing, or tell a loss that never was. At
/// every moment of runs with faults, every claim is checked against the model.
#[test]
fn every_claim_holds_in_the_model() {
    let two = |c: &mut EngineConfig| {
        c.persist.insert("updateStateByKey".into(), StorageLevel::MEMORY_ONLY_SER_2);
        c.faults.push("drop:block=updateStateByKey/6/3@batch=8".parse().expect("a fault"));
    };
    let small = |c: &mut EngineConfig| c.memory = 4_000;
    for log in [demo(|_| {}), demo(two), demo(small), program("page-rank", EngineConfig::default())] {
        let mut model = Model::default();
        let mut checked = 0;
        for (at, envelope) in log.iter().enumerate() {
            model.apply(envelope);
            if at % 23 != 0 && at + 1 != log.len() {
                continue;
            }
            let partitions = model.rdds.values().flat_map(|r| {
                let id = r.info.id;
                (0..r.info.num_partitions).map(move |p| Focus::Partition(BlockId::new(id, PartitionId(p))))
            });
            let tasks = model.tasks.keys().map(|id| Focus::Task(*id));
            for focus in partitions.chain(tasks) {
                let chain = why(&model, focus);
                assert!(chain.steps.len() <= MAX_STEPS && !chain.question.is_empty());
                assert!(!chain.steps.is_empty(), "{focus:?}: {}", chain.question);
                for step in chain.steps.iter().flat_map(|s| std::iter::once(s).chain(&s.folded)) {
                    check_step(&model, step, &chain);
                    checked += 1;
                }
            }
        }
        assert!(checked > 1_000, "{checked}");
    }
}

fn check_step(model: &Model, step: &Step, chain: &Why) {
    match step.link {
        Some(Focus::Partition(block)) => {
            let rdd = model.rdds.get(&block.rdd);
            assert!(rdd.is_some_and(|r| block.partition.0 < r.info.num_partitions), "{step:?}\n{}", chain.text());
        }
        Some(Focus::Task(task)) => assert!(model.tasks.contains_key(&task), "{step:?}"),
        Some(Focus::Driver(life)) => assert!(model.life_of_driver(life).is_some(), "{step:?}"),
        None => {}
    }
    if let Some(executor) = step.words.rsplit_once("lost with executor ").map(|(_, rest)| rest) {
        let digits: String = executor.chars().take_while(char::is_ascii_digit).collect();
        let id = ExecutorId(digits.parse().expect("the words name an executor"));
        assert!(model.executors.get(&id).is_some_and(|e| !e.alive), "{step:?}\n{}", chain.text());
    }
    if let Some((_, batch)) = step.words.split_once("not this batch, batch ") {
        let batch = BatchId(batch.trim_end_matches(" has one").parse().expect("the words name a batch"));
        let has_one = |id: &RddId| model.batch_of(*id) == Some(batch);
        assert!(model.checkpoints.keys().any(has_one), "{step:?}");
    }
}
