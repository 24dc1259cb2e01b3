//! `faultline run`: one run, told batch by batch or as JSON.

use super::args::{Clock, RunArgs};
use super::interrupt::{INTERRUPTED, Interrupter, on_interrupt};
use super::ledger::{LedgerFile, LedgerReport, ToldLedger, finish_for_the_killed};
use super::operators::check_operators;
use super::request::{check_faults, from_source, run_request};
use super::supervise::{self, DriverLife, obey};
use super::{DriverEnded, UsageError};
use crate::race::engine_run::{RunRequest, Store};
use crate::race::{BatchRow, Recording, stages_to_name, unstruck};
use faultline_engine::event::{ClockKind, Envelope, Event, Finding, ReceiverInfo};
use faultline_engine::eventlog::LogWriter;
use faultline_engine::ids::BatchId;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What `run --json` prints.
#[derive(Debug, Serialize)]
struct RunReport<'a> {
    program: &'a str,
    seed: u64,
    clock: ClockKind,
    batches: Vec<BatchReport>,
    tasks: u64,
    recomputed_partitions: u64,
    findings: Vec<&'a Finding>,
    output_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<LedgerReport>,
}

#[derive(Debug, Serialize)]
struct BatchReport {
    batch: BatchId,
    records: u64,
    scheduling_delay_ms: u64,
    processing_ms: u64,
}

/// Runs the program and prints what it did.
pub fn run(args: &RunArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let request = request(args)?;
    let store = match &args.checkpoint_dir {
        Some(dir) => Store::directory(dir)?,
        None => Store::temporary()?,
    };
    let life = args.driver_life.clone();
    let log = args.events.as_deref().map(|path| EventsFile::create(&of_life(path, life.as_ref()))).transpose()?;
    let mut ledger = None;
    if let Some(path) = &args.ledger {
        let (file, before) = LedgerFile::open(path, request.program.name, life.as_ref())?;
        if let Some(before) = before.filter(|_| !args.json) {
            before.so_far(out)?;
        }
        ledger = Some(file);
    }
    let beside = Beside { log, life, ledger };
    let recording = if args.json {
        let (recording, ledger) = record(&request, &store, beside, None)?;
        serde_json::to_writer(&mut *out, &report(&request, &recording, ledger.as_ref()))?;
        writeln!(out)?;
        recording
    } else {
        tell_and_log(&request, &store, beside, out)?
    };
    out.flush()?;
    let stages = stages_to_name(&args.faults, &recording);
    warn(&unstruck(&args.faults, &recording).into_iter().chain(stages).collect::<Vec<_>>());
    Ok(())
}

/// Runs the program in a process of its own, which is started again when it crashes.
pub fn supervise(args: &RunArgs) -> anyhow::Result<()> {
    // What is wrong with the command line is wrong each time.
    request(args)?;
    if args.checkpoint_dir.is_none() && args.program.streaming {
        warn(&["without --checkpoint-dir a driver that is started again begins anew".to_owned()]);
    }
    let code = supervise::supervise(&mut io::stderr())?;
    if let Some(path) = &args.ledger {
        let mut out = io::stdout().lock();
        finish_for_the_killed(path, if args.json { None } else { Some(&mut out) })?;
    }
    match code {
        0 => Ok(()),
        code => Err(DriverEnded(code).into()),
    }
}

/// Where the log of a life of the driver goes: the first to `path`, later ones beside it.
fn of_life(path: &Path, life: Option<&DriverLife>) -> PathBuf {
    match life.filter(|life| life.number > 1) {
        Some(life) => {
            let mut name = path.as_os_str().to_owned();
            name.push(format!("-{}", life.number));
            PathBuf::from(name)
        }
        None => path.to_owned(),
    }
}

/// What is done with each event beside telling it.
#[derive(Default)]
struct Beside {
    log: Option<EventsFile>,
    /// Of a driver that is supervised.
    life: Option<DriverLife>,
    ledger: Option<LedgerFile>,
}

/// Runs the program and tells what it does, batch by batch.
pub(super) fn tell_run(request: &RunRequest, store: &Store, out: &mut dyn Write) -> anyhow::Result<()> {
    tell_and_log(request, store, Beside::default(), out).map(drop)
}

fn tell_and_log(request: &RunRequest, store: &Store, beside: Beside, out: &mut dyn Write) -> anyhow::Result<Recording> {
    let (recording, _) = record(request, store, beside, Some(&mut *out))?;
    summary(request, &recording, out)?;
    Ok(recording)
}

/// What happened to planned faults that did not strike goes beside the output, not into it.
pub(super) fn warn(sentences: &[String]) {
    for sentence in sentences {
        // Nobody is left to tell when the terminal is gone.
        let _ = writeln!(io::stderr(), "warning: {sentence}");
    }
}

fn request(args: &RunArgs) -> anyhow::Result<RunRequest> {
    let mut request = run_request(args.program, &args.sizing)?;
    match args.source.clone() {
        Some(source) => request = from_source(request, source, args.clock, args.sizing.batches)?,
        None => request.clock = args.clock.unwrap_or(Clock::Virtual).into(),
    }
    request.input.sink = args.sink.open(&args.program)?;
    request.input.interval = args.interval;
    if args.interval.is_some() && !args.program.streaming {
        let name = args.program.name;
        return Err(UsageError(format!("--interval: {name} has no batches; choose a streaming program")).into());
    }
    if let Some(policy) = &args.on_batch_failure {
        // The words of the option are those of the setting.
        request.config.set("faultline.streaming.onBatchFailure", policy)?;
    }
    if let Some(wal) = &args.wal {
        let enable = if wal == "on" { "true" } else { "false" };
        request.config.set("spark.streaming.receiver.writeAheadLog.enable", enable)?;
    }
    if let Some(on_change) = &args.on_change {
        request.config.set("faultline.recovery.onChange", on_change)?;
    }
    if !args.rename.is_empty() {
        if args.on_change.as_deref() != Some("migrate") {
            return Err(UsageError("--rename: only with --on-change migrate".to_owned()).into());
        }
        request.config.set("faultline.recovery.renamed", &args.rename.join(","))?;
    }
    request.config.faults.clone_from(&args.faults);
    request.config.persist.extend(args.persist.iter().cloned());
    request.config.checkpoint.extend(args.checkpoint.iter().cloned());
    check_faults(&request)?;
    check_operators(&request)?;
    Ok(request)
}

/// Runs, writes the log, and tells `out` about it meanwhile.
fn record(
    request: &RunRequest,
    store: &Store,
    Beside { mut log, mut life, mut ledger }: Beside,
    mut out: Option<&mut dyn Write>,
) -> anyhow::Result<(Recording, Option<ToldLedger>)> {
    let supervised = life.is_some();
    let mut recording = Recording::default();
    let mut told: io::Result<()> = match &mut out {
        Some(out) => opening(request, *out),
        None => Ok(()),
    };
    let bar = progress(request, out.is_some());
    let mut words: Vec<String> = Vec::new();
    let mut see = |events: &[Envelope]| {
        for envelope in events {
            recording.see(envelope);
            if let Some(log) = &mut log {
                log.write(envelope);
            }
            if let Some(ledger) = &mut ledger {
                ledger.see(&recording.model);
            }
            if let Some(life) = &mut life {
                life.see(envelope);
            }
            if matches!(envelope.event, Event::BatchCompleted { .. }) {
                bar.inc(1);
            }
            if let (Some(out), Ok(())) = (&mut out, &told) {
                told = bar.suspend(|| tell(&recording, &envelope.event, &mut words, *out));
            }
        }
        // Before the engine carries out what it decided.
        if let Some(ledger) = &mut ledger {
            ledger.flush();
        }
    };
    // What never ends by itself is ended by the user.
    let ran = if request.input.source.is_external() {
        let (interrupter, controls) = Interrupter::new();
        if supervised {
            let interrupter = interrupter.clone();
            obey(move || interrupter.interrupt())?;
        }
        on_interrupt(move |_| interrupter.interrupt())?;
        request.run_controlled(store, controls, &mut see)
    } else {
        if supervised {
            obey(|| std::process::exit(INTERRUPTED))?;
        }
        request.run(store, &mut see)
    };
    bar.finish_and_clear();
    // The log of a run that failed is the one that is needed most.
    log.map_or(Ok(()), EventsFile::finish)?;
    let ledger = ledger.map(LedgerFile::finish).transpose()?;
    told?;
    if let (Some(ledger), Some(out)) = (&ledger, &mut out) {
        ledger.table(*out)?;
    }
    ran.map_err(|error| explained(error, &recording))?;
    Ok((recording, ledger))
}

/// Without executors a run cannot go on, and the error of the loop does not know the way out.
fn explained(error: anyhow::Error, recording: &Recording) -> anyhow::Error {
    if recording.model.driver.lost.is_some() {
        return error.context("nobody started the driver again; --conf faultline.supervise=true does");
    }
    let executors = &recording.model.executors;
    if executors.is_empty() || executors.values().any(|e| e.alive) {
        return error;
    }
    error.context("no executor is alive; plan a restart too, for example --fault restart:executor=1@batch=7")
}

/// Only on a terminal; of a program without batches nobody knows the length.
fn progress(request: &RunRequest, lines_tell: bool) -> ProgressBar {
    let endless = request.config.max_batches.is_none();
    if !request.program.streaming || endless || lines_tell && io::IsTerminal::is_terminal(&io::stdout()) {
        return ProgressBar::hidden();
    }
    bar(u64::from(request.config.max_batches.unwrap_or(0)), "batches")
}

/// A bar on standard error, which draws nothing when that is no terminal.
pub(super) fn bar(len: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(len);
    match ProgressStyle::with_template(&format!("{{bar:40}} {{pos}}/{{len}} {what} {{msg}}")) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn opening(request: &RunRequest, out: &mut dyn Write) -> io::Result<()> {
    let config = &request.config;
    let clock = match request.clock {
        ClockKind::Virtual => "virtual clock, durations are modelled",
        ClockKind::Wall => "wall clock, durations are measured",
    };
    let (name, executors, cores, partitions) =
        (request.program.name, config.executors, config.cores, config.partitions);
    let seed = config.seed;
    writeln!(out, "{name}: {executors} executors of {cores} cores, {partitions} partitions, seed {seed}, {clock}")
}

/// One line per batch, per fault, and per line that a program without batches prints.
fn tell(recording: &Recording, event: &Event, words: &mut Vec<String>, out: &mut dyn Write) -> io::Result<()> {
    match event {
        Event::OutputPrinted { batch: Some(_), lines, .. } => words.extend(lines.iter().cloned()),
        Event::OutputPrinted { batch: None, lines, .. } => {
            for line in lines {
                writeln!(out, "  {line}")?;
            }
        }
        Event::FaultInjected { fault, .. } => writeln!(out, "fault      {fault}")?,
        Event::DriverLost { attempt, reason } => writeln!(out, "driver     run {attempt} ended: {reason}")?,
        Event::DriverStarted { attempt, delay } => writeln!(out, "driver     run {attempt}, after {delay} ms")?,
        Event::StreamingRecovered { recovery } => {
            let (path, batch) = (&recovery.path, recovery.batch);
            writeln!(out, "driver     goes on from {path}: batch {batch} and every later one run again")?;
        }
        Event::ReceiverStarted { receiver } => receiver_line(receiver, "started", out)?,
        Event::ReceiverError { receiver } => receiver_line(receiver, "error", out)?,
        Event::ReceiverStopped { receiver } => receiver_line(receiver, "stopped", out)?,
        Event::BatchCompleted { batch, failure, .. } => {
            let Some(row) = recording.batches.get(batch) else { return Ok(()) };
            let words = std::mem::take(words);
            batch_line(*batch, row, &words, failure.as_deref(), out)?;
        }
        _ => return Ok(()),
    }
    out.flush()
}

fn receiver_line(receiver: &ReceiverInfo, what: &str, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "receiver   {} {what}", receiver.name)?;
    if let (Some(executor), true) = (receiver.executor, receiver.active) {
        write!(out, " on executor {executor}")?;
    }
    if !receiver.active && !receiver.last_error_message.is_empty() {
        write!(out, ": {}", receiver.last_error_message)?;
        if !receiver.last_error.is_empty() {
            write!(out, " ({})", receiver.last_error)?;
        }
    }
    writeln!(out)
}

fn batch_line(
    batch: BatchId,
    row: &BatchRow,
    words: &[String],
    failure: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let BatchRow { records, scheduling_delay_ms: waited, processing_ms: took, tally } = row;
    write!(out, "batch {batch:>4}  {records:>6} records  waited {waited:>4} ms  took {took:>4} ms  ")?;
    match failure {
        Some(error) => write!(out, "failed: {}", error.lines().next().unwrap_or_default())?,
        None => write!(out, "{}", words.join(" "))?,
    }
    let again = (tally.computed_again, "computed again");
    let back = (tally.checkpoint_partitions_read, "read from the checkpoint");
    for (partitions, what) in [again, back].into_iter().filter(|(n, _)| *n > 0) {
        write!(out, "  [{partitions} partitions {what}]")?;
    }
    writeln!(out)
}

fn summary(request: &RunRequest, recording: &Recording, out: &mut dyn Write) -> io::Result<()> {
    let tally = recording.model.run_tally();
    let (tasks, again, time) = (tally.tasks, tally.computed_again, tally.time_ms);
    writeln!(out, "{}: {tasks} tasks, {again} partitions computed again, {time} ms", request.program.name)?;
    for finding in &recording.model.findings {
        writeln!(out, "finding {}: {} ({})", finding.kind, finding.message, finding.place)?;
    }
    writeln!(out, "output sha256 {}", recording.output.hex())
}

fn report<'a>(request: &'a RunRequest, recording: &'a Recording, ledger: Option<&ToldLedger>) -> RunReport<'a> {
    let tally = recording.model.run_tally();
    let batch = |(&batch, row): (&BatchId, &BatchRow)| BatchReport {
        batch,
        records: row.records,
        scheduling_delay_ms: row.scheduling_delay_ms,
        processing_ms: row.processing_ms,
    };
    RunReport {
        program: request.program.name,
        seed: request.config.seed,
        clock: request.clock,
        batches: recording.batches.iter().map(batch).collect(),
        tasks: tally.tasks,
        recomputed_partitions: tally.computed_again,
        findings: recording.model.findings.iter().map(|f| &**f).collect(),
        output_sha256: recording.output.hex(),
        ledger: ledger.map(ToldLedger::report),
    }
}

/// The event log while it is written. After the first error nothing more is written.
struct EventsFile {
    path: PathBuf,
    writer: LogWriter<BufWriter<File>>,
    written: io::Result<()>,
}

impl EventsFile {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).map_err(|error| Self::error(&error, path))?;
        Ok(Self { path: path.to_owned(), writer: LogWriter::new(BufWriter::new(file)), written: Ok(()) })
    }

    fn write(&mut self, envelope: &Envelope) {
        if self.written.is_ok() {
            self.written = self.writer.write(envelope);
        }
        // Whoever breaks a run off has the batches that it finished.
        if self.written.is_ok() && matches!(envelope.event, Event::BatchCompleted { .. }) {
            self.written = self.writer.flush();
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        let Self { path, writer, written } = self;
        let finished = written.and_then(|()| writer.finish().map(drop));
        finished.map_err(|error| Self::error(&error, &path))
    }

    fn error(error: &io::Error, path: &Path) -> anyhow::Error {
        anyhow::anyhow!("cannot write the event log: {error}; choose another --events ({})", path.display())
    }
}
