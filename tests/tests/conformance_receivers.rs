//! Receivers and their blocks, as the driver decides about them: Spark's receiver suites.

use faultline_engine::command::{Command, StopMode};
use faultline_engine::driver::{
    BatchTick, ClusterOp, DriverInput, ReceiverNews, ReceiverOp, Request, SlotId, StreamingPlan,
};
use faultline_engine::event::*;
use faultline_engine::executor::BlockReport;
use faultline_engine::ids::*;
use faultline_engine::receiver::{Arrival, Clients, ReceivedBlock, ReceiverPlan, ReceiverSource};
use faultline_engine::storage::BlockChange;
use faultline_tests::DriverLab;

const STREAM: StreamId = StreamId(0);
const GENERATOR: SlotId = SlotId(1);

/// A driver with `receivers` receivers on `executors` executors.
fn lab(executors: u32, receivers: u32) -> DriverLab {
    let mut lab = DriverLab::new(executors, 2);
    let plan = |stream| ReceiverPlan {
        stream: StreamId(stream),
        source: ReceiverSource::scripted("SocketReceiver localhost:9999", |_| None::<Arrival<u8>>),
        level: StorageLevel::MEMORY_AND_DISK_SER_2,
    };
    let request = Request::StartStreaming(StreamingPlan {
        interval: Millis(1000),
        streams: Vec::new(),
        outputs: Vec::new(),
        receivers: (0..receivers).map(plan).collect(),
        checkpoint: None,
        received_log: None,
        slots: Vec::new(),
    });
    lab.input(DriverInput::Request { slot: SlotId(0), request });
    lab
}

fn news(lab: &mut DriverLab, attempt: u32, news: ReceiverNews) {
    lab.input(DriverInput::Receiver { stream: STREAM, attempt, news });
}

/// The receiver stored block `number` on these executors.
fn store(lab: &mut DriverLab, number: u64, at: &[u32]) {
    store_of(lab, 1, number, at, &[]);
}

/// The same by start `attempt` of the receiver, with how far it reaches for each client.
fn store_of(lab: &mut DriverLab, attempt: u32, number: u64, at: &[u32], clients: &[(&str, u64)]) {
    let id = InputBlockId { stream: STREAM, number };
    let report = |executor: &u32| BlockReport {
        executor: ExecutorId(*executor),
        version: number,
        change: BlockChange {
            block: id.into(),
            level: StorageLevel::MEMORY_AND_DISK_SER_2,
            status: BlockStatus { memory_bytes: 10, disk_bytes: 0, removal: None },
        },
        preview: None,
    };
    let reports = at.iter().map(report).collect();
    let clients: Clients = clients.iter().map(|(name, last)| ((*name).to_owned(), *last)).collect();
    let block = ReceivedBlock { clients, ..ReceivedBlock::new(id, 1) };
    news(lab, attempt, ReceiverNews::Stored { block, executor: ExecutorId(at[0]), reports });
}

/// The numbers of the blocks that batch `number` is given.
fn allocate(lab: &mut DriverLab, number: u32) -> Vec<u64> {
    let tick = BatchTick { batch: BatchId(number), time: lab.now };
    lab.input(DriverInput::Request { slot: GENERATOR, request: Request::ReceivedBlocks(tick) });
    let given = lab.received.last().expect("the driver answers");
    given.get(&STREAM).into_iter().flatten().map(|block| block.id.number).collect()
}

/// Where the driver started receivers, in order: stream, executor, attempt.
fn starts(lab: &DriverLab) -> Vec<(u32, u32, u32)> {
    let started = lab.receiver_operations.iter().filter_map(|op| match op {
        ReceiverOp::Start { plan, executor, attempt, .. } => Some((plan.stream.0, executor.0, *attempt)),
        _ => None,
    });
    started.collect()
}

/// Without it a record would be in two batches, or in none.
#[test]
fn r05_each_block_is_in_exactly_one_batch() {
    let mut lab = lab(3, 1);
    (1..=5).for_each(|n| store(&mut lab, n, &[1, 2]));
    assert_eq!(allocate(&mut lab, 1), [1, 2, 3, 4, 5]);
    (6..=10).for_each(|n| store(&mut lab, n, &[1, 2]));
    assert_eq!(allocate(&mut lab, 1), Vec::<u64>::new(), "a batch is given blocks once");
    assert_eq!(allocate(&mut lab, 2), [6, 7, 8, 9, 10]);
    assert_eq!(allocate(&mut lab, 3), Vec::<u64>::new(), "the queue is empty");
}

/// Without it a batch would fail over blocks that are known to be lost before it begins.
#[test]
fn r18_blocks_without_a_copy_are_dropped_and_said() {
    let mut lab = lab(3, 1);
    store(&mut lab, 1, &[1, 2]);
    store(&mut lab, 2, &[2, 3]);
    store(&mut lab, 3, &[1, 3]);
    lab.lose(ExecutorId(1));
    lab.lose(ExecutorId(2));
    assert_eq!(allocate(&mut lab, 1), [2, 3], "copies on executor 3 remain");
    let findings: Vec<&Finding> = lab
        .log
        .iter()
        .filter_map(|e| match &e.event {
            Event::FindingReported { finding } => Some(finding),
            _ => None,
        })
        .collect();
    assert_eq!(findings.len(), 1);
    let lost = lab.log.iter().find_map(|e| match &e.event {
        Event::ReceivedBlocksLost(lost) => Some((lost.batch.0, lost.blocks.clone())),
        _ => None,
    });
    let first = PlannedBlock { id: InputBlockId { stream: STREAM, number: 1 }, records: 1 };
    assert_eq!(lost, Some((1, vec![first])), "block by block");
    assert!(
        findings[0].message.contains("1 of stream 0, 1 records, the first is input-0-1"),
        "{}",
        findings[0].message
    );
    lab.check();
}

/// Without it a line that its client sends again, because it heard of no end, would be in two blocks: one of the
/// start of the receiver that died, and one of the next.
#[test]
fn lines_of_clients_are_accepted_once() {
    let mut lab = lab(2, 1);
    store_of(&mut lab, 1, 1, &[1, 2], &[("a", 7), ("b", 2)]);
    store_of(&mut lab, 1, 2, &[1, 2], &[("a", 9)]);
    lab.lose(ExecutorId(1));
    let known: Vec<Clients> = lab
        .receiver_operations
        .iter()
        .filter_map(|op| match op {
            ReceiverOp::Start { clients, .. } => Some(clients.clone()),
            _ => None,
        })
        .collect();
    let expected = [("a".to_owned(), 9), ("b".to_owned(), 2)];
    assert_eq!(known, [Clients::new(), Clients::from(expected)]);
    // The block was under way when the executor died; nobody has acknowledged it, and nobody will.
    store_of(&mut lab, 1, 3, &[2], &[("a", 10)]);
    store_of(&mut lab, 2, 4, &[2], &[("a", 10)]);
    // Without clients a copy counts wherever it is.
    store_of(&mut lab, 1, 5, &[2], &[]);
    assert_eq!(allocate(&mut lab, 1), [1, 2, 4, 5]);
    let refused = lab.receiver_operations.iter().filter_map(|op| match op {
        ReceiverOp::Answer { block, result: Err(_), .. } => Some(block.number),
        _ => None,
    });
    assert_eq!(refused.collect::<Vec<u64>>(), [3]);
    lab.check();
}

/// Without it what an executor said before it died would count as a copy.
#[test]
fn copies_on_dead_executors_do_not_count() {
    let mut lab = lab(2, 1);
    lab.lose(ExecutorId(2));
    store(&mut lab, 1, &[2]);
    assert_eq!(allocate(&mut lab, 1), Vec::<u64>::new());
    let added = lab.log.iter().filter(|e| matches!(e.event, Event::ReceivedBlockAdded(_)));
    assert_eq!(added.count(), 0);
    lab.check();
}

/// Without it two receivers would share an executor while another has none.
#[test]
fn receivers_are_spread() {
    assert_eq!(starts(&lab(3, 3)), [(0, 1, 1), (1, 2, 1), (2, 3, 1)]);
    assert_eq!(starts(&lab(2, 3)), [(0, 1, 1), (1, 2, 1), (2, 1, 1)]);
    // R22: six receivers on three executors, three on six.
    let count = |lab: &DriverLab, executor: u32| starts(lab).iter().filter(|(_, at, _)| *at == executor).count();
    let (many, few) = (lab(3, 6), lab(6, 3));
    assert_eq!([1, 2, 3].map(|executor| count(&many, executor)), [2; 3]);
    assert_eq!([1, 2, 3, 4, 5, 6].map(|executor| count(&few, executor)), [1, 1, 1, 0, 0, 0]);
}

/// Without it a receiver would be gone with its executor, or two of them would read the same socket.
#[test]
fn r21_a_receiver_moves_when_its_executor_dies() {
    let mut lab = lab(2, 1);
    news(&mut lab, 1, ReceiverNews::Started);
    lab.lose(ExecutorId(1));
    assert_eq!(starts(&lab), [(0, 1, 1), (0, 2, 2)]);
    // What the first start still says arrives late, and is not heard.
    let (message, error) = ("Socket data stream had no more data".to_owned(), String::new());
    news(&mut lab, 1, ReceiverNews::Stopped { message, error });
    news(&mut lab, 2, ReceiverNews::Started);
    let told: Vec<(bool, Option<ExecutorId>)> = lab
        .log
        .iter()
        .filter_map(|e| match &e.event {
            Event::ReceiverStarted { receiver } | Event::ReceiverStopped { receiver } => {
                Some((receiver.active, receiver.executor))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [(true, Some(ExecutorId(1))), (false, Some(ExecutorId(1))), (true, Some(ExecutorId(2)))]);
    // Without an executor it waits for one.
    lab.lose(ExecutorId(2));
    assert_eq!(starts(&lab).len(), 2);
    lab.input(DriverInput::Command(Command::RestartExecutor { executor: ExecutorId(2) }));
    assert_eq!(starts(&lab)[2..], [(0, 3, 3)]);
    lab.check();
}

/// Without it an executor that leaves in order would take with it what its receiver had gathered.
#[test]
fn a_receiver_moves_before_its_executor_leaves() {
    let decommission = || DriverInput::Command(Command::DecommissionExecutor { executor: ExecutorId(1) });
    let stops = |lab: &DriverLab| -> Vec<StopMode> {
        let stops = lab.receiver_operations.iter().filter_map(|op| match op {
            ReceiverOp::Stop { mode, .. } => Some(*mode),
            _ => None,
        });
        stops.collect()
    };
    let migrates = |lab: &DriverLab| lab.operations.iter().any(|op| matches!(op, ClusterOp::Migrate(_)));
    let mut moved = lab(2, 1);
    news(&mut moved, 1, ReceiverNews::Started);
    moved.input(decommission());
    assert_eq!((stops(&moved), migrates(&moved)), (vec![StopMode::Graceful], false), "it stores what it has");
    store(&mut moved, 1, &[1]);
    assert_eq!((starts(&moved), migrates(&moved)), (vec![(0, 1, 1)], false));
    news(&mut moved, 1, ReceiverNews::Ended { message: String::new(), error: String::new() });
    assert_eq!(starts(&moved), [(0, 1, 1), (0, 2, 2)], "at once, not after the delay of a restart");
    assert!(migrates(&moved), "and then what it stored moves");
    moved.check();

    // One that does not stop is given up: the executor leaves nevertheless.
    let mut stuck = lab(2, 1);
    news(&mut stuck, 1, ReceiverNews::Started);
    stuck.input(decommission());
    stuck.pass(59_000);
    assert_eq!((starts(&stuck).len(), migrates(&stuck)), (1, false));
    stuck.pass(2_000);
    assert_eq!(stops(&stuck), [StopMode::Graceful, StopMode::Immediate]);
    assert_eq!((starts(&stuck), migrates(&stuck)), (vec![(0, 1, 1), (0, 2, 2)], true));
    let said = stuck.log.iter().any(|e| match &e.event {
        Event::ReceiverStopped { receiver } => receiver.last_error_message.contains("did not stop within 60000 ms"),
        _ => false,
    });
    assert!(said, "what it had buffered is lost, and said");
    stuck.check();
}
