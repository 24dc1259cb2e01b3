use super::super::retention::*;
use super::*;

// Without this a stream that runs for days fills the memory with tasks nobody looks at.
#[test]
fn old_tasks_go_and_running_ones_stay() {
    let mut log = Log::default();
    log.rdd(rdd_info(1, "map", None, &[])).job(0, None, stage(0, 1, None));
    for id in 0..MAX_TASKS as u64 {
        log.ran(&task(id, 0, 0, 1, TaskKind::ResultTask), vec![]);
    }
    let slow = task(MAX_TASKS as u64, 0, 0, 1, TaskKind::ResultTask);
    log.start(&slow);
    assert_eq!(log.model.tasks.len(), MAX_TASKS);
    assert!(!log.model.tasks.contains_key(&TaskId(0)));
    assert!(log.model.tasks.contains_key(&slow.id));
    assert_eq!(log.model.run_tally().tasks, MAX_TASKS as u64 + 1, "what was counted stays counted");
}

// Without this a program that prints a lot makes the window slower and slower.
#[test]
fn output_keeps_the_newest_lines() {
    let mut log = Log::default();
    for i in 0..=MAX_OUTPUT_LINES {
        log.event(Event::OutputPrinted { batch: None, output_op: None, lines: vec![i.to_string(), "-".into()] });
    }
    let lines: usize = log.model.output.iter().map(|o| o.lines.len()).sum();
    assert_eq!(lines, MAX_OUTPUT_LINES);
    assert_eq!(log.model.output.last().expect("kept").lines[0], MAX_OUTPUT_LINES.to_string());
}

// Without this released RDDs pile up, or leave their bytes on an executor when they go.
#[test]
fn the_oldest_released_rdds_go() {
    let mut log = Log::default();
    log.executors(1..=1);
    let num = MAX_RELEASED_RDDS as u32 + 1;
    for id in 0..num {
        log.rdd(rdd_info(id, "map", Some(id), &[]));
    }
    log.store(1, 0, 0, 10);
    for id in 0..num {
        log.event(Event::RddReleased { rdd: RddId(id) });
    }
    assert!(!log.model.rdds.contains_key(&RddId(0)) && log.model.rdds.contains_key(&RddId(1)));
    assert_eq!(log.model.operators[&OperatorName::from("map")].len(), MAX_RELEASED_RDDS);
    assert_eq!((log.model.upkeep.cached_bytes, log.model.executors[&ExecutorId(1)].blocks.len()), (0, 0));
}

// Without this a damaged log that claims four thousand million partitions ends the program.
#[test]
fn absurd_partition_counts_are_bounded() {
    let mut log = Log::default();
    let absurd = RddInfo { num_partitions: u32::MAX, ..rdd_info(1, "map", None, &[]) };
    log.rdd(absurd).rdd(shuffled(2, "reduceByKey", None, 1, 0)).event(maps_lost(0, 1, &[u32::MAX], 1));
    assert_eq!(log.model.rdds[&RddId(1)].partitions.len(), MAX_PARTITIONS as usize);
    assert_eq!(log.model.shuffles[&ShuffleId(0)].outputs.len(), MAX_PARTITIONS as usize);
}
