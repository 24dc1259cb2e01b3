//! A checkpoint directory told in words: what a driver would find there. The command line prints it, the window
//! shows it.

use crate::state::checkpoint_report::{CheckpointReport, Line, LineKind, Section};
use anyhow::bail;
use faultline_engine::object_store::{LocalObjectStore, ObjectStore};
use faultline_engine::recovery::{
    InspectedFile, InspectedLog, InspectedPosition, Inspection, Restored, SettingFate, directories, inspect,
};
use std::path::Path;

/// Reads every directory of graph checkpoints below `path`.
///
/// # Errors
/// When it cannot be read, or there is none.
pub fn read(path: &Path) -> anyhow::Result<Vec<Inspection>> {
    let shown = path.display();
    let root = std::path::absolute(path)?;
    if !root.is_dir() {
        bail!("{shown} is no directory; give the one that `run --checkpoint-dir` was given");
    }
    let store = LocalObjectStore::new(root);
    let found = directories(&store)?.iter().map(|dir| inspect(&store, dir)).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() {
        let owned = store.list("")?.iter().any(|key| key.ends_with("/_owner"));
        let other = if owned { "; it belongs to a program without batches" } else { "" };
        bail!("{shown} holds no graph checkpoint{other}");
    }
    Ok(found)
}

/// Tells what was found in a directory.
pub fn report(path: &Path, found: &[Inspection]) -> CheckpointReport {
    CheckpointReport { directory: path.display().to_string(), sections: found.iter().flat_map(sections).collect() }
}

/// The parts of one directory.
pub fn sections(found: &Inspection) -> Vec<Section> {
    let dir = if found.dir.is_empty() { "This directory" } else { &found.dir };
    let driver = match found.epochs.last() {
        Some(epoch) => format!("driver of epoch {epoch}, the next one takes epoch {}", epoch + 1),
        None => "no driver has taken it".to_owned(),
    };
    let mut sections = vec![
        section(dir, vec![plain(driver)]),
        section(
            "Graph checkpoints, newest first",
            found.files.iter().map(|file| file_line(file, found.used.as_deref())).collect(),
        ),
    ];
    if let Some(restored) = &found.restored {
        sections.push(section("Restored", restored_lines(restored)));
        let mut again: Vec<Line> = of_fate(Some(restored), SettingFate::ReadAgain).map(plain).collect();
        again.push(plain("the program and its functions"));
        sections.push(section("Read again from the new configuration", again));
    }
    if !found.logs.is_empty() {
        sections.push(section("Write-ahead logs", found.logs.iter().flat_map(log_lines).collect()));
    }
    sections.push(section("Ignored", ignored(found)));
    sections
}

fn section(title: &str, lines: Vec<Line>) -> Section {
    Section { title: title.to_owned(), lines }
}

fn plain(text: impl Into<String>) -> Line {
    Line { kind: LineKind::Plain, text: text.into() }
}

fn damaged(text: impl Into<String>) -> Line {
    Line { kind: LineKind::Damaged, text: text.into() }
}

fn ignored(found: &Inspection) -> Vec<Line> {
    let mut lines: Vec<Line> = found.damaged().map(|file| damaged(file.to_string())).collect();
    lines.extend(found.unnamed.iter().map(|dir| plain(format!("{dir}: no graph checkpoint names it any more"))));
    let former = of_fate(found.restored.as_ref(), SettingFate::Ignored);
    lines.extend(former.map(|setting| plain(format!("{setting}: of the former process"))));
    lines.push(plain("functions: the program is built again, and held against what is saved"));
    lines
}

fn file_line(file: &InspectedFile, used: Option<&str>) -> Line {
    let name = file.key.rsplit('/').next().unwrap_or(&file.key);
    let begin = format!("{name:<28} {:>8} bytes", file.bytes);
    match (&file.damage, file.epoch, file.batch) {
        (None, Some(epoch), Some(batch)) => {
            let text = format!("{begin}  batch {batch}, epoch {epoch}");
            if used == Some(file.key.as_str()) {
                Line { kind: LineKind::Chosen, text: format!("{text}  ← a driver goes on from here") }
            } else {
                plain(text)
            }
        }
        _ => damaged(format!("{begin}  damaged, see below")),
    }
}

fn log_line(log: InspectedPosition) -> Line {
    let begin = format!("log of received blocks: up to record {} in segment {}", log.record, log.segment);
    match log.missing {
        Some(0) => plain(format!("{begin}, all of them are there")),
        Some(missing) => damaged(format!("{begin}, {missing} records are missing")),
        None => damaged(format!("{begin}, it cannot be read")),
    }
}

fn restored_lines(restored: &Restored) -> Vec<Line> {
    let mut lines = vec![
        plain(format!("application {} ({})", restored.application, restored.application_id)),
        plain(format!(
            "a batch every {} ms, counted from {} ms since 1970",
            restored.interval,
            restored.zero.as_millis()
        )),
    ];
    if !restored.pending.is_empty() {
        let batches: Vec<String> = restored.pending.iter().map(ToString::to_string).collect();
        lines.push(plain(format!("run again: batch {}", batches.join(", "))));
    }
    if !restored.skipped.is_empty() {
        let batches: Vec<String> = restored.skipped.iter().map(ToString::to_string).collect();
        lines.push(plain(format!("skipped, and what they received is kept: batch {}", batches.join(", "))));
    }
    lines.extend(restored.log.map(log_line));
    let batch = restored.batch;
    lines.push(plain(format!("generated: batch {batch} and every later one up to the time of the start")));
    lines.extend(restored.streams.iter().map(|(operator, class)| plain(format!("stream {operator} ({class})"))));
    lines.extend(restored.outputs.iter().map(|(name, operator)| plain(format!("output {name} of {operator}"))));
    lines.extend(restored.plans.iter().map(|plan| {
        let inputs = plan.inputs.join("; ");
        let inputs = if inputs.is_empty() { inputs } else { format!(": {inputs}") };
        plain(format!("batch {} reads {} records{inputs}", plan.batch, plan.records))
    }));
    lines.extend(restored.saved.iter().map(|rdd| {
        let begin = format!("{} of batch {}: {}", rdd.operator, rdd.batch, rdd.dir);
        match (&rdd.partitions, &rdd.damage) {
            (Some(partitions), _) => plain(format!("{begin} ({partitions} partitions, {} bytes, whole)", rdd.bytes)),
            (None, damage) => damaged(format!("{begin} (cannot be read: {})", damage.as_deref().unwrap_or("unknown"))),
        }
    }));
    let settings = of_fate(Some(restored), SettingFate::Restored).count();
    lines.push(plain(format!("{settings} settings")));
    lines
}

fn of_fate(restored: Option<&Restored>, fate: SettingFate) -> impl Iterator<Item = String> + '_ {
    let settings = restored.and_then(|restored| restored.settings.get(&fate));
    settings.into_iter().flatten().map(|(key, value)| format!("{key} = {value}"))
}

fn log_lines(log: &InspectedLog) -> Vec<Line> {
    let InspectedLog { log, segments, records, bytes, damage } = log;
    let segments = if *segments == 1 { "1 segment".to_owned() } else { format!("{segments} segments") };
    let mut lines = vec![plain(format!("{log}: {records} records, {bytes} bytes in {segments}"))];
    lines.extend(damage.iter().map(damaged));
    lines
}
