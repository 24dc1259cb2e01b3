//! What can be written on the command line.

use super::conf::Conf;
use super::feed::FeedArgs;
use super::picture_args::ScreenshotArgs;
use super::sink::SinkChoice;
use super::size::parse_size;
use super::supervise::DriverLife;
use crate::opening::BATCHES;
use crate::race::Policy;
use clap::builder::{PossibleValuesParser, RangedU64ValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use faultline_engine::config::{BatchFailurePolicy, EngineConfig, TimeUnit, parse_time};
use faultline_engine::event::{ClockKind, StorageLevel};
use faultline_engine::ids::{Millis, OperatorName};
use faultline_engine::programs::{self, BuiltIn, InputSource};
use faultline_engine::recovery::OnChange;
use faultline_engine::sim::faults::PlannedFault;
use std::path::PathBuf;

/// Most batches of one run.
pub const MAX_BATCHES: u64 = 1_000_000;
/// Most executors.
pub const MAX_EXECUTORS: u64 = 256;
/// Most task slots of one executor.
pub const MAX_CORES: u64 = 256;
/// Most partitions.
pub const MAX_PARTITIONS: u64 = 10_000;

pub(super) const FAULTS: &str = "\
A fault SPEC is action:target@moment:
  kill:executor=2@batch=7                   before batch 7; the driver knows at once
  kill:executor=2@stage=19.task=3           while that task runs
  restart:executor=2@batch=9                a new executor in its place
  decommission:executor=2@batch=7           an executor hands on what it holds, and leaves
  slow:executor=1,factor=10@batch=3         ten times slower; factor=1 heals
  drop:block=updateStateByKey/7/2@batch=8   operator/batch/partition
  corrupt:block=updateStateByKey/7/2@batch=8    one bit of its bytes, at _SER and disk levels
  pause:executor=2@time=3500ms              stands still; lost after spark.network.timeout
  resume:executor=2@batch=9
  fail:task=19.3,times=2@time=0ms           the next attempts of a task: STAGE.TASK
  fail:task=map/7/2,times=2@batch=7         or operator/batch/partition
  fail:store,times=2@batch=3                writes to the reliable store
  slow:store,factor=20@batch=3
  fill:store@batch=3                        until free:store
  free:store@event=CheckpointFailed#2       after an event, the second of its kind
  pause:driver,for=5s@batch=3               its process stands still; executors and receivers go on
  lose:message=task-end,nth=2@batch=3       also launch, block-report
  delay:message=task-end,nth=2,by=5s@batch=3    arrives late
  repeat:message=task-end,nth=2@batch=3     arrives twice
  kill:executor=1@event=BlockUpdated:operator=map#2    after the second that has this field
Moments are batch, stage.task, time and event. docs/faults.md explains each.
Stage numbers depend on the policy, because a checkpoint is a job of its own; batches do not.";

/// See what a failed executor costs: lineage, cache and checkpoint of micro-batch programs.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "faultline",
    version,
    after_help = format!("\
Examples:
  faultline                                                         the window, demo running
  faultline run word-count --fault kill:executor=2@batch=7
  faultline lineage word-count
  faultline compare word-count --fault kill:executor=2@batch=7

Programs:
{}
Exit codes: 0; 1 when the run failed; 2 when the command line was wrong.", program_list())
)]
pub struct Cli {
    /// What to do; the window with the demo when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run a program without the window, and print what each batch took and wrote
    Run(RunArgs),
    /// Print the operators of a program and the lineage of its last result
    Lineage(LineageArgs),
    /// Run a program under several policies, with and without a fault, and compare the work
    Compare(CompareArgs),
    /// Push numbered lines to a run on ack-tcp://, and count which of them are stored
    Feed(FeedArgs),
    /// Open the window with a program or an event log
    Open(OpenArgs),
    /// Write a picture of a program or an event log, without a display
    Screenshot(ScreenshotArgs),
    /// Look into a checkpoint directory
    #[command(subcommand)]
    Checkpoint(CheckpointCommand),
    /// List the settings that --conf takes, with their defaults
    Conf,
}

/// What is done with a checkpoint directory.
#[derive(Clone, Debug, Subcommand)]
pub enum CheckpointCommand {
    /// Print what a driver would restore from a directory, read again from its configuration, and ignore
    Inspect(InspectArgs),
}

/// Arguments of `checkpoint inspect`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  faultline run word-count --checkpoint-dir cp
  faultline checkpoint inspect cp
  faultline checkpoint inspect cp --json

Nothing is changed, and a run that uses the directory does not notice.")]
pub struct InspectArgs {
    /// The directory that `run --checkpoint-dir` was given, or one inside it
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Print JSON in place of text
    #[arg(long)]
    pub json: bool,
}

/// How much of everything, and on which input.
#[derive(Clone, Debug, Args)]
pub struct Sizing {
    /// Batches of a streaming program [default: 12; with --source no end]
    #[arg(long, value_name = "N", value_parser = up_to(MAX_BATCHES))]
    pub batches: Option<u32>,
    /// Executors at the start
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = up_to(MAX_EXECUTORS))]
    pub executors: u32,
    /// Task slots of each executor
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = up_to(MAX_CORES))]
    pub cores: u32,
    /// Storage memory of each executor: 64MB, 512k, 1GiB
    #[arg(long, value_name = "SIZE", default_value = "64MB", value_parser = parse_size)]
    pub memory: u64,
    /// Partitions of input and shuffles
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = up_to(MAX_PARTITIONS))]
    pub partitions: u32,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// A text file, or a directory of text files; when absent a book, or the program's own sample
    #[arg(long, value_name = "PATH")]
    pub input: Option<PathBuf>,
    /// Settings, applied over all of these.
    #[command(flatten)]
    pub conf: Conf,
}

impl Sizing {
    /// Batches of a run on an input that can be read again.
    pub fn batches(&self) -> u32 {
        self.batches.unwrap_or(BATCHES)
    }
}

impl Default for Sizing {
    fn default() -> Self {
        let EngineConfig { seed, executors, cores, memory, partitions, .. } = EngineConfig::default();
        Self { batches: None, executors, cores, memory, partitions, seed, input: None, conf: Conf::default() }
    }
}

/// Arguments of `run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = format!("\
Examples:
  faultline run word-count
  faultline run word-count --batches 20 --input my-texts/ --json
  faultline run word-count --fault kill:executor=2@batch=7 --fault restart:executor=2@batch=9
  faultline run word-count --persist updateStateByKey=DISK_ONLY --checkpoint updateStateByKey=3
  faultline run word-count --conf spark.task.maxFailures=2 --conf spark.locality.wait=100ms
  faultline run page-rank --events page-rank-log
  faultline run word-count --source tcp-connect://localhost:9999     while `nc -lk 9999` runs
  faultline run word-count --source dir:incoming --batches 30
  faultline run ledger --source ack-tcp://localhost:9999 --sink sqlite:out.db --supervise --wal on --checkpoint-dir cp
                                                     and `faultline feed localhost:9999 --lines 1000` beside it

`faultline lineage <PROGRAM>` shows the names of its operators.
{FAULTS}"))]
pub struct RunArgs {
    /// The program, see `faultline --help`
    #[arg(value_parser = parse_program, help = program_help())]
    pub program: BuiltIn,
    /// How much of everything, and on which input.
    #[command(flatten)]
    pub sizing: Sizing,
    /// Lines from outside: dir:PATH reads files that are renamed into a directory, tcp://HOST:PORT and
    /// ack-tcp://HOST:PORT listen on this machine for lines that are pushed, without and with acknowledgements,
    /// tcp-connect://HOST:PORT reads what somebody writes to a socket, http://HOST/PATH a response
    /// without end; runs under the wall clock until Ctrl-C; simulated:tcp and simulated:ack-tcp receive the text
    /// from a client that is simulated, under either clock
    #[arg(long, value_name = "SOURCE", conflicts_with = "input")]
    pub source: Option<InputSource>,
    /// virtual models durations, so that the same seed gives the same bytes; wall measures
    /// [default: virtual; with --source wall]
    #[arg(long, value_enum)]
    pub clock: Option<Clock>,
    /// Where each batch goes, once, beside what is printed: print, files:DIR, or sqlite:FILE
    #[arg(long, value_name = "SINK", default_value_t)]
    pub sink: SinkChoice,
    /// The batch interval, in place of the program's: 200ms, 1s
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    pub interval: Option<Millis>,
    /// What a failed batch does to its stream [default: stop]
    #[arg(long, value_name = "POLICY", value_parser = PossibleValuesParser::new(BatchFailurePolicy::WORDS))]
    pub on_batch_failure: Option<String>,
    /// Whether what receivers store is logged before it counts, so that it outlives the driver [default: off]
    #[arg(long, value_name = "on|off", value_parser = PossibleValuesParser::new(["on", "off"]), hide_possible_values = true)]
    pub wal: Option<String>,
    /// What is done when the program was changed since its checkpoint: ask refuses the start and names the
    /// differences, keep keeps what fits, migrate hands what is saved to renamed operators, discard begins anew
    /// [default: ask]
    #[arg(long, value_name = "POLICY", value_parser = PossibleValuesParser::new(OnChange::WORDS), hide_possible_values = true)]
    pub on_change: Option<String>,
    /// With --on-change migrate: an operator that has another name since the checkpoint; may be repeated
    #[arg(long, value_name = "OLD=NEW")]
    pub rename: Vec<String>,
    /// Run the driver in a process of its own, and start it again when it crashes
    #[arg(long)]
    pub supervise: bool,
    /// Write what became of every block, file and range that was received into this file, life after life, and tell
    /// the totals at the end: received, once, duplicated, lost
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// What a supervisor tells its driver.
    #[arg(long, hide = true, value_parser = DriverLife::parse, conflicts_with = "supervise")]
    pub driver_life: Option<DriverLife>,
    /// Keep checkpoints in this directory; else in a temporary one
    #[arg(long, value_name = "DIR")]
    pub checkpoint_dir: Option<PathBuf>,
    /// Storage level of an operator, in place of the program's
    #[arg(long, value_name = "OP=LEVEL", value_parser = parse_persist)]
    pub persist: Vec<(OperatorName, StorageLevel)>,
    /// Checkpoint an operator every N batches, in place of the program's interval; 0 never
    #[arg(long, value_name = "OP=N", value_parser = parse_checkpoint)]
    pub checkpoint: Vec<(OperatorName, u32)>,
    /// A fault, see below; may be repeated
    #[arg(long = "fault", value_name = "SPEC")]
    pub faults: Vec<PlannedFault>,
    /// Write the event log, in the JSON Lines of Spark's event logs
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Print one JSON object in place of text
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `lineage`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  faultline lineage word-count
  faultline lineage word-count --batches 6
  faultline lineage word-count --format svg > word-count.svg
  faultline lineage page-rank --format dot | dot -Tsvg > page-rank.svg")]
pub struct LineageArgs {
    /// The program, see `faultline --help`
    #[arg(value_parser = parse_program, help = program_help())]
    pub program: BuiltIn,
    /// Batches to run; the lineage is that of the last one
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = up_to(MAX_BATCHES))]
    pub batches: u32,
    /// text has the operators and Spark's toDebugString
    #[arg(long, value_enum, default_value_t = LineageFormat::Text)]
    pub format: LineageFormat,
}

/// Arguments of `compare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = format!("\
Examples:
  faultline compare word-count --fault kill:executor=2@batch=7
  faultline compare word-count --fault kill:executor=2@batch=7 --policies cache,cache+checkpoint --json
  faultline compare page-rank --fault kill:executor=2@stage=11.task=2
  faultline compare ledger --source simulated:tcp --fault kill:driver@batch=7

Every policy replaces the storage level and the checkpoint interval of one operator: the state of
word-count, the window of windowed-counts, the links of page-rank. Each lane runs twice, with and
without the fault. Of an input that a receiver receives, the lanes are the write-ahead log on and off.
{FAULTS}"))]
pub struct CompareArgs {
    /// The program, see `faultline --help`
    #[arg(value_parser = parse_program, help = program_help())]
    pub program: BuiltIn,
    /// How much of everything, and on which input.
    #[command(flatten)]
    pub sizing: Sizing,
    /// A fault, see below; may be repeated
    #[arg(long = "fault", value_name = "SPEC", required = true)]
    pub faults: Vec<PlannedFault>,
    /// Lines that a simulated client sends to a receiver, in place of a text that is read: simulated:tcp sends them
    /// once, simulated:ack-tcp until they are acknowledged
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<InputSource>,
    /// The lanes [default: all five of a text that is read; wal-on,wal-off of what is received]
    #[arg(long, value_name = "POLICIES", value_enum, value_delimiter = ',')]
    pub policies: Vec<Policy>,
    /// Print one JSON object in place of the table
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `open`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  faultline open page-rank
  faultline open word-count --source tcp-connect://localhost:9999     while `nc -lk 9999` runs
  faultline open application-log")]
pub struct OpenArgs {
    /// A program, or the path of an event log; the demo when absent
    #[arg(value_parser = parse_source, value_name = "PROGRAM | EVENT LOG")]
    pub source: Option<Source>,
    /// Lines from outside, for a program: dir:PATH, tcp://HOST:PORT, ack-tcp://HOST:PORT,
    /// tcp-connect://HOST:PORT, http://HOST/PATH, simulated:tcp or simulated:ack-tcp
    #[arg(long = "source", value_name = "SOURCE")]
    pub from: Option<InputSource>,
    /// Settings of the program.
    #[command(flatten)]
    pub conf: Conf,
}

/// Where durations come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Clock {
    /// Durations are modelled.
    Virtual,
    /// Durations are measured.
    Wall,
}

impl From<Clock> for ClockKind {
    fn from(clock: Clock) -> Self {
        match clock {
            Clock::Virtual => Self::Virtual,
            Clock::Wall => Self::Wall,
        }
    }
}

/// How `lineage` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LineageFormat {
    /// Operators and `toDebugString`.
    Text,
    /// Graphviz.
    Dot,
    /// Mermaid, for Markdown.
    Mermaid,
    /// A picture of the operators, batch by batch.
    Svg,
    /// The RDDs as a list.
    Json,
}

/// What the window opens.
#[derive(Clone, Debug)]
pub enum Source {
    /// A program that runs.
    Program(BuiltIn),
    /// A recorded run, ours or Spark's.
    Log(PathBuf),
}

fn up_to(most: u64) -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..=most)
}

fn program_names() -> String {
    programs::ALL.map(|p| p.name).join(", ")
}

/// Every program with what it shows, a line each.
fn program_list() -> String {
    programs::ALL.map(|p| format!("  {:<15}  {}", p.name, p.about)).join("\n")
}

fn program_help() -> String {
    format!("The program: {}", program_names())
}

fn parse_program(name: &str) -> Result<BuiltIn, String> {
    programs::find(name).ok_or_else(|| format!("no such program; the programs are {}", program_names()))
}

pub(super) fn parse_source(text: &str) -> Result<Source, String> {
    if let Some(program) = programs::find(text) {
        return Ok(Source::Program(program));
    }
    let path = PathBuf::from(text);
    if path.exists() {
        return Ok(Source::Log(path));
    }
    Err(format!("neither a program ({}) nor a file", program_names()))
}

fn parse_interval(text: &str) -> Result<Millis, String> {
    match parse_time(text, TimeUnit::Millis)? {
        Millis(0) => Err("batches need time between them, for example 200ms".to_owned()),
        interval => Ok(interval),
    }
}

fn parse_persist(text: &str) -> Result<(OperatorName, StorageLevel), String> {
    let (op, level) = assignment(text, "write OP=LEVEL, for example updateStateByKey=DISK_ONLY")?;
    Ok((op, level.parse().map_err(|e: faultline_engine::event::UnknownLevel| e.to_string())?))
}

fn parse_checkpoint(text: &str) -> Result<(OperatorName, u32), String> {
    let way_out = "write OP=N, for example updateStateByKey=5";
    let (op, every) = assignment(text, way_out)?;
    Ok((op, every.parse().map_err(|_| format!("{every:?} is no number of batches; {way_out}"))?))
}

fn assignment<'a>(text: &'a str, way_out: &str) -> Result<(OperatorName, &'a str), String> {
    match text.rsplit_once('=') {
        Some((op, value)) if !op.is_empty() && !value.is_empty() => Ok((op.into(), value)),
        _ => Err(way_out.to_owned()),
    }
}
