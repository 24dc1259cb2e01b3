use super::*;

fn info(executor: u32, active: bool, error: &str) -> ReceiverInfo {
    ReceiverInfo {
        stream: StreamId(0),
        name: "SocketReceiver localhost:9999".into(),
        active,
        executor: Some(ExecutorId(executor)),
        last_error_message: error.into(),
        last_error: String::new(),
        last_error_time: None,
    }
}

pub(super) fn input(executor: u32, number: u64, bytes: u64) -> Event {
    let level = if bytes > 0 { StorageLevel::MEMORY_AND_DISK_SER_2 } else { StorageLevel::NONE };
    Event::InputBlockUpdated {
        executor: ExecutorId(executor),
        block: InputBlockId { stream: StreamId(0), number },
        level,
        memory_bytes: bytes,
        disk_bytes: 0,
        removal: (bytes == 0).then_some(BlockRemoval::Unpersisted),
        preview: None,
    }
}

// Without this the window would say that a receiver runs where it no longer does, or count its blocks twice.
#[test]
fn receivers_move_and_count_their_blocks() {
    let mut log = Log::default();
    log.executors(1..=3).event(Event::ReceiverStarted { receiver: info(1, true, "") });
    for number in [200, 400] {
        log.event(input(1, number, 30)).event(input(2, number, 30));
        let block = InputBlockId { stream: StreamId(0), number };
        log.event(Event::ReceivedBlockAdded(AddedBlock::new(block, ExecutorId(1), 5)));
    }
    let on = |log: &Log, id| log.model.receivers_on(ExecutorId(id)).map(|r| (r.blocks, r.records)).collect::<Vec<_>>();
    assert_eq!((on(&log, 1), on(&log, 2)), (vec![(2, 10)], vec![]));
    log.gone(1).event(Event::ReceiverStopped { receiver: info(1, false, "executor 1 is gone") });
    let idle: Vec<&str> = log.model.idle_receivers().map(|r| r.info.last_error_message.as_str()).collect();
    assert_eq!(idle, ["executor 1 is gone"]);
    log.event(Event::ReceiverStarted { receiver: info(3, true, "executor 1 is gone") });
    assert_eq!((on(&log, 1), on(&log, 3)), (vec![], vec![(2, 10)]));
    assert_eq!(log.model.receivers[&StreamId(0)].starts, 2);
}

// Without this the memory bar of an executor would not show what receivers keep there, or would show it
// after it was removed or lost.
#[test]
fn blocks_of_receivers_fill_the_memory_of_their_holders() {
    let mut log = Log::default();
    log.executors(1..=2);
    log.event(input(1, 200, 30)).event(input(2, 200, 30)).event(input(1, 400, 12)).event(input(1, 400, 12));
    let memory = |log: &Log, id: u32| log.model.executors[&ExecutorId(id)].memory_bytes;
    assert_eq!((memory(&log, 1), memory(&log, 2), log.model.upkeep.cached_bytes), (42, 30, 72));
    log.event(input(1, 200, 0));
    assert_eq!((memory(&log, 1), log.model.upkeep.cached_bytes), (12, 42));
    log.event(Event::BlockManagerRemoved { executor: ExecutorId(1) });
    assert_eq!((memory(&log, 1), log.model.upkeep.cached_bytes, log.model.upkeep.cached_bytes_peak), (0, 30, 72));
}

// Without this nobody would see what a receiver holds that does not count yet, or it would count on after the loss.
#[test]
fn blocks_wait_until_the_driver_accepts_them() {
    let mut log = Log::default();
    log.executors(1..=2).event(Event::ReceiverStarted { receiver: info(1, true, "") });
    let waiting = |log: &Log| log.model.receivers[&StreamId(0)].waiting.len();
    log.event(input(1, 200, 30)).event(input(2, 200, 30)).event(input(1, 400, 30));
    assert_eq!(waiting(&log), 2);
    let block = InputBlockId { stream: StreamId(0), number: 200 };
    log.event(Event::ReceivedBlockAdded(AddedBlock { duplicates: 3, ..AddedBlock::new(block, ExecutorId(1), 5) }));
    assert_eq!((waiting(&log), log.model.receivers[&StreamId(0)].duplicates), (1, 3));
    log.event(Event::DriverLost { attempt: 1, reason: "killed".into() });
    assert_eq!((waiting(&log), log.model.receivers_on(ExecutorId(1)).count()), (0, 0));
}
