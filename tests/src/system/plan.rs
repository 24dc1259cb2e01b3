//! Everything that a seed decides, printed in full when a run fails.

use super::faults;
use crate::plans;
use faultline_engine::command::Command;
use faultline_engine::config::{BatchFailurePolicy, CheckpointWriting, EngineConfig, ReceiverLogSettings};
use faultline_engine::config::{SchedulerConfig, StorageSettings};
use faultline_engine::event::StorageLevel;
use faultline_engine::ids::*;
use faultline_engine::object_store::{Harm, PowerLoss};
use faultline_engine::rng::{Rng, Seed};
use faultline_engine::sim::faults::{Moment, PlannedFault};
use faultline_engine::write_ahead::LogSettings;
use std::fmt;
use std::ops::Range;

/// The batch interval of every plan.
pub const INTERVAL: Millis = Millis(1000);

/// Where records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A text that every driver can read again.
    Replay,
    /// Files that appear in a directory.
    Files,
    /// A receiver whose source forgets what it sent.
    Unreliable,
    /// A receiver whose source sends again what was not acknowledged.
    Reliable,
    /// The same with numbers, so that what comes again is recognised.
    Numbered,
}

impl Input {
    /// Whether a receiver takes it in.
    pub const fn is_received(self) -> bool {
        matches!(self, Self::Unreliable | Self::Reliable | Self::Numbered)
    }
}

/// What is computed beside the records themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    Identity,
    /// `updateStateByKey`: how often each key was there.
    State,
    /// The same over the last three batches, each window from the one before it.
    InverseWindow,
    /// The same over the union of three batches.
    Window,
}

/// Where the records of a batch go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkKind {
    /// Each time that the batch runs they are there once more.
    AtLeastOnce,
    /// Under the batch's number, in place of what is there.
    Idempotent,
    /// The engine's directory of files.
    Transactional,
}

/// How the stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// After its last batch.
    Batches,
    /// By a graceful stop after so many batch intervals.
    Graceful {
        /// How many.
        after: u32,
    },
    /// By an immediate stop.
    Immediate {
        /// After how many batch intervals.
        after: u32,
    },
}

/// What the reliable store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A store in memory, which no loss of power reaches.
    Memory,
    /// Files on a disk that may lose what was not synced.
    Disk,
}

/// What happens to operations of the disk, counted from the beginning of a life of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// One fails, and the process goes on.
    FailsOnce {
        /// Which.
        at: u64,
    },
    /// From one on none is carried out: the process died before it.
    Dies {
        /// Which.
        at: u64,
        /// What happens to the machine.
        power: Option<PowerLoss>,
    },
}

/// Everything that a seed decides.
#[derive(Clone, Debug)]
pub struct SystemPlan {
    /// The seed.
    pub seed: u64,
    /// Batches until the stream ends.
    pub batches: u32,
    /// Where records come from.
    pub input: Input,
    /// How many such sources there are.
    pub sources: u32,
    /// What is computed.
    pub shape: Shape,
    /// Where records go.
    pub sink: SinkKind,
    /// How the stream ends.
    pub ending: Ending,
    /// What the reliable store is.
    pub medium: Medium,
    /// Whether what is received is logged.
    pub logged: bool,
    /// Level of received blocks.
    pub level: StorageLevel,
    /// Batches between two checkpoints of state.
    pub saved_every: u32,
    /// What the n-th loss of a driver does to the disk; the last one holds for all that follow.
    pub power: Vec<Option<PowerLoss>>,
    /// Operations of the store, counted from its first, that fail in some way.
    pub harm: Vec<(Range<u64>, Harm)>,
    /// The same of the disk below the transactional sink.
    pub sink_failures: Vec<Range<u64>>,
    /// Faults that the engine injects.
    pub faults: Vec<PlannedFault>,
    /// What happens to the operations of the disk in each life of the process, one after the other.
    pub crashes: Vec<Crash>,
    /// Operations of the disk, counted from its first, in which the syncs of the reliable store lie until the power
    /// is lost.
    pub lies: Option<Range<u64>>,
    /// By how many milliseconds the clock of the machine is changed before each process but the first.
    pub skews: Vec<i64>,
    /// When everything is healed.
    pub healed: Millis,
    /// The engine's settings, without the faults.
    pub settings: EngineConfig,
}

impl fmt::Display for SystemPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, batches, input, sources, shape, sink, ending, medium, logged, level, .. } = self;
        writeln!(f, "seed {seed}, {batches} batches of {INTERVAL} ms, input {sources} × {input:?}, shape {shape:?}")?;
        writeln!(f, "sink {sink:?}, ending {ending:?}, store {medium:?}, logged {logged}, blocks {level}")?;
        writeln!(f, "state saved every {} batches, power {:?}, harm {:?}", self.saved_every, self.power, self.harm)?;
        let Self { sink_failures, crashes, healed, lies, skews, .. } = self;
        writeln!(f, "syncs that lie {lies:?}, changes of the clock {skews:?}")?;
        writeln!(f, "failures of the sink {sink_failures:?}, crashes {crashes:?}, healed at {healed} ms")?;
        writeln!(f, "faults: {}", plans::words(&self.faults))?;
        let mut settings: Vec<String> =
            self.settings.properties().into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        settings.sort();
        write!(f, "settings: {}", settings.join(" "))
    }
}

impl SystemPlan {
    /// The plan of a seed for `batches` batches.
    pub fn of(seed: u64, batches: u32) -> Self {
        let mut rng = plans::rng(seed, "system");
        let rng = &mut rng;
        let input = pick(
            rng,
            &[
                Input::Replay,
                Input::Files,
                Input::Unreliable,
                Input::Reliable,
                Input::Numbered,
                Input::Unreliable,
                Input::Reliable,
                Input::Numbered,
            ],
        );
        // What is not logged goes with its driver, and state that is made of it is then another (D-13).
        let logged = input.is_received() && rng.below(4) != 0;
        let shapes = [Shape::Identity, Shape::State, Shape::InverseWindow, Shape::Window, Shape::State];
        let shape = if input.is_received() && !logged { Shape::Identity } else { pick(rng, &shapes) };
        let sink = pick(rng, &[SinkKind::AtLeastOnce, SinkKind::Idempotent, SinkKind::Transactional]);
        let medium = if rng.below(3) == 0 { Medium::Memory } else { Medium::Disk };
        let levels = [
            StorageLevel::MEMORY_AND_DISK_SER_2,
            StorageLevel::MEMORY_ONLY,
            StorageLevel::MEMORY_AND_DISK_SER,
            StorageLevel::MEMORY_ONLY_2,
        ];
        let level = pick(rng, &levels);
        let after = batches * 4 / 5;
        let ending = match rng.below(8) {
            0 => Ending::Graceful { after },
            1 => Ending::Immediate { after },
            _ => Ending::Batches,
        };
        let settings = settings(rng, seed, batches, input, logged);
        let mut plan = Self {
            seed,
            batches,
            input,
            sources: 1 + u32::from(input.is_received() && rng.below(4) == 0),
            shape,
            sink,
            ending,
            medium,
            logged,
            level,
            saved_every: 1 + rng.below(4) as u32,
            power: Vec::new(),
            harm: Vec::new(),
            sink_failures: Vec::new(),
            faults: Vec::new(),
            crashes: Vec::new(),
            lies: None,
            skews: Vec::new(),
            healed: Millis(u64::from(batches) * INTERVAL.0 * 3 / 5),
            settings,
        };
        faults::plan(&mut plan);
        plan
    }

    /// A small system on a disk in which everything is written that can be, and nothing goes wrong.
    pub fn calm(batches: u32, input: Input, shape: Shape) -> Self {
        let log = LogSettings { roll_every: INTERVAL, ..LogSettings::default() };
        let logged = input.is_received();
        let settings = EngineConfig {
            executors: 2,
            cores: 2,
            partitions: 1,
            previews: false,
            max_batches: Some(batches),
            receiver_log: ReceiverLogSettings {
                enabled: logged,
                blocks: log,
                metadata: log,
                ..ReceiverLogSettings::default()
            },
            on_batch_failure: BatchFailurePolicy::Retry,
            clean_checkpoints: true,
            supervise: true,
            ..EngineConfig::default()
        };
        Self {
            seed: 1,
            batches,
            input,
            sources: u32::from(logged),
            shape,
            sink: SinkKind::Transactional,
            ending: Ending::Batches,
            medium: Medium::Disk,
            logged,
            level: StorageLevel::MEMORY_AND_DISK_SER,
            saved_every: 2,
            power: Vec::new(),
            harm: Vec::new(),
            sink_failures: Vec::new(),
            faults: Vec::new(),
            crashes: Vec::new(),
            lies: None,
            skews: Vec::new(),
            healed: Millis(0),
            settings,
        }
    }

    /// A plan on a disk whose syncs lie for some time before the power is lost with a driver.
    pub fn lied(seed: u64, batches: u32) -> Self {
        let mut plan = Self::of(seed, batches);
        let mut rng = plans::rng(seed, "lies");
        plan.medium = Medium::Disk;
        let from = rng.below(u64::from(batches) * 20);
        plan.lies = Some(from..from + pick(&mut rng, &[5, 50, 500]));
        let losses = [PowerLoss::Lost, PowerLoss::Zeros, PowerLoss::Sectors(Seed(rng.below(u64::MAX)))];
        plan.power = vec![Some(pick(&mut rng, &losses))];
        let batch = BatchId(2 + rng.below(u64::from(batches) / 2) as u32);
        plan.faults.push(PlannedFault { command: Command::KillDriver, moment: Moment::Batch(batch) });
        plan
    }

    /// The same without what was added to plans after their seeds had become regressions: messages that are late or
    /// come twice, a driver that stands still, a clock that is changed and syncs that lie.
    #[must_use]
    pub fn of_old(mut self) -> Self {
        let is_new = |command: &Command| {
            matches!(
                command,
                Command::DelayMessage { .. } | Command::RepeatMessage { .. } | Command::PauseDriver { .. }
            )
        };
        self.faults.retain(|fault| !is_new(&fault.command));
        (self.lies, self.skews) = (None, Vec::new());
        self
    }

    /// By how much faults hold the stream up beyond what everything else takes.
    pub fn held_up(&self) -> Millis {
        let held = self.faults.iter().map(|fault| match fault.command {
            Command::DelayMessage { by, .. } => by.0,
            Command::PauseDriver { time } => time.0,
            _ => 0,
        });
        let forward = self.skews.iter().filter_map(|skew| u64::try_from(*skew).ok());
        Millis(held.chain(forward).sum())
    }

    /// Whether a record that was acknowledged may be lost, if that is reported.
    pub fn may_lose(&self) -> bool {
        self.input.is_received() && !self.logged
    }
}

/// One of several.
pub fn pick<T: Clone>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.below(from.len() as u64) as usize].clone()
}

fn settings(rng: &mut Rng, seed: u64, batches: u32, input: Input, logged: bool) -> EngineConfig {
    let executors = 2 + rng.below(3) as u32;
    let scheduler = SchedulerConfig {
        heartbeat_interval: Millis(500),
        network_timeout: Millis(3000),
        detect_by_heartbeat: rng.below(4) == 0,
        speculation: rng.below(4) == 0,
        shuffle_service: rng.below(4) == 0,
        // A task that brings its executor down brings it back, however often.
        ..SchedulerConfig::default()
    };
    let log = LogSettings {
        roll_every: Millis(pick(rng, &[1000, 3000, 60_000])),
        close_after_write: rng.below(8) == 0,
        ..LogSettings::default()
    };
    // Two receivers, and slots for tasks beside them.
    let cores = 2 + u32::from(input.is_received());
    let policies = [BatchFailurePolicy::Stop, BatchFailurePolicy::Retry, BatchFailurePolicy::Skip];
    EngineConfig {
        seed,
        executors,
        cores,
        partitions: 1 + rng.below(3) as u32,
        memory: pick(rng, &[64 << 20, 64 << 20, 20_000, 1500]),
        scheduler,
        storage: StorageSettings::default(),
        task_max_failures: 16,
        stage_max_consecutive_attempts: 16,
        resubmit_delay: Millis(50),
        locality_wait: Millis(pick(rng, &[0, 50])),
        proactive_replication: rng.below(4) != 0,
        previews: false,
        max_batches: Some(batches),
        block_interval: Millis(pick(rng, &[200, 100, 500])),
        block_queue_size: pick(rng, &[10, 1, 3]),
        receiver_restart_delay: Millis(pick(rng, &[200, 1000])),
        receiver_max_rate: pick(rng, &[None, None, Some(20)]),
        receiver_log: ReceiverLogSettings {
            enabled: logged,
            blocks: log,
            metadata: log,
            ..ReceiverLogSettings::default()
        },
        backpressure: rng.below(8) == 0,
        max_queued_batches: pick(rng, &[1000, 2, 5]),
        on_batch_failure: pick(rng, &policies),
        checkpoint_write: pick(rng, &[CheckpointWriting::SecondJob, CheckpointWriting::Tee]),
        clean_checkpoints: rng.below(4) == 0,
        supervise: rng.below(5) != 0,
        ..EngineConfig::default()
    }
}
