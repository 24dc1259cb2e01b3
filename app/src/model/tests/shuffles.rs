use super::*;

const MAP: TaskKind = TaskKind::ShuffleMapTask;

fn with_a_shuffle() -> Log {
    let mut log = Log::default();
    log.executors(1..=2).rdd(rdd_info(1, "map", None, &[])).rdd(shuffled(2, "reduceByKey", None, 1, 0));
    log.job(0, None, stage(0, 1, Some(0)));
    log
}

fn ticks(log: &Log) -> Vec<MapOutputSign> {
    (0..4).map(|m| log.model.tick(ShuffleId(0), PartitionId(m))).collect()
}

// Without this the ticks of a fan do not show what a kill took and what recovery brought back.
#[test]
fn map_outputs_are_written_lost_and_written_again() {
    use MapOutputSign::{Absent, Lost, Present, Rewritten};
    let mut log = with_a_shuffle();
    assert_eq!(ticks(&log), [Absent; 4]);
    for p in 0..4 {
        log.ran(&task(p.into(), 0, p, 1 + p % 2, MAP), vec![]);
    }
    assert_eq!(ticks(&log), [Present; 4]);
    assert_eq!(log.model.executors[&ExecutorId(2)].map_outputs, 2);
    log.fault(2).gone(2).event(maps_lost(0, 1, &[1, 3], 2));
    assert_eq!(ticks(&log), [Present, Lost, Present, Lost]);
    let two = &log.model.executors[&ExecutorId(2)];
    assert_eq!((two.map_outputs, two.lost_map_outputs), (0, 2));
    log.ran(&task(9, 0, 3, 1, MAP), vec![]);
    assert_eq!(ticks(&log), [Present, Lost, Present, Rewritten]);
    assert_eq!(log.model.run_tally().map_outputs_rewritten, 1);
    log.fault(1);
    assert_eq!(ticks(&log), [Present, Lost, Present, Present], "the mark lasts until the next fault");
    log.event(Event::ShuffleRemoved { shuffle: ShuffleId(0) });
    assert_eq!(ticks(&log), [Absent; 4]);
    assert_eq!(log.model.executors[&ExecutorId(1)].map_outputs, 0);
}

// Without this a result that was under way when its executor died counts as a map output (R5.4).
#[test]
fn a_dead_executor_writes_nothing() {
    let mut log = with_a_shuffle();
    let late = task(1, 0, 0, 2, MAP);
    log.start(&late).gone(2).end(&late, vec![]);
    assert_eq!(ticks(&log), [MapOutputSign::Absent; 4]);
}
