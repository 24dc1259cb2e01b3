//! What Spark checks when a context starts, in its words (R11.3, R12).

use super::graph::{DStreamGraph, DefaultInterval, StreamCore};
use crate::config::EngineConfig;
use crate::error::{EngineError, Result};
use crate::event::StorageLevel;
use crate::ids::*;
use std::collections::BTreeSet;
use std::sync::Arc;

fn require(holds: bool, text: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(EngineError::IllegalArgument(format!("requirement failed: {}", text()))) }
}

/// The checkpoint interval of a stateful stream when the program does not say (R12.2).
fn default_interval(slide: Millis, interval: DefaultInterval) -> Millis {
    let slide = slide.0.max(1);
    match interval {
        DefaultInterval::TenSeconds => Millis(slide * 10_000u64.div_ceil(slide)),
        DefaultInterval::TenSlides => Millis(slide * 10),
    }
}

/// The streams that an output operation reaches, parents before their children: nobody else generates RDDs.
fn reached(graph: &DStreamGraph) -> Vec<&Arc<StreamCore>> {
    let mut wanted: BTreeSet<StreamId> = graph.outputs.iter().map(|output| output.info.stream).collect();
    // Children come after their parents.
    for stream in graph.streams.iter().rev() {
        if wanted.contains(&stream.id) {
            wanted.extend(stream.parents.iter().map(|parent| parent.id));
        }
    }
    graph.streams.iter().filter(|stream| wanted.contains(&stream.id)).collect()
}

/// Fills in default intervals and remember durations, then checks the streams that outputs reach.
pub(super) fn validate(graph: &DStreamGraph, interval: Millis, has_checkpoint_dir: bool) -> Result<()> {
    // Spark divides by it.
    require(interval.0 > 0, || "The batch duration has been set to 0 ms. Please set it to at least 1 ms.".into())?;
    require(!graph.outputs.is_empty(), || "No output operations registered, so nothing to execute".into())?;
    let streams = reached(graph);
    for stream in &streams {
        let mut info = stream.info.lock();
        if stream.must_checkpoint && info.checkpoint_interval.is_none() {
            info.checkpoint_interval = Some(default_interval(info.slide, stream.interval));
        }
    }
    spread_remember(&streams, graph.remember, interval);
    streams.iter().try_for_each(|stream| check(stream, has_checkpoint_dir))
}

/// R12.6: each stream remembers max(slide, asked, 2 × checkpoint interval), and at least what its
/// children need of it; a window adds its length.
fn spread_remember(streams: &[&Arc<StreamCore>], asked: Option<Millis>, interval: Millis) {
    // Children come after their parents.
    for stream in streams.iter().rev() {
        let (own, window) = {
            let mut info = stream.info.lock();
            let checkpoint = info.checkpoint_interval.filter(|c| c.0 >= info.slide.0).map_or(0, |c| 2 * c.0);
            let asked = asked.map_or(0, |r| r.0);
            let inherited = info.remember.map_or(0, |r| r.0);
            let own = info.slide.0.max(checkpoint).max(asked).max(inherited).max(interval.0);
            info.remember = Some(Millis(own));
            (own, info.window)
        };
        let needed = own + window.map_or(0, |w| w.0);
        for parent in &stream.parents {
            let mut info = parent.info.lock();
            info.remember = Some(Millis(info.remember.map_or(0, |r| r.0).max(needed)));
        }
    }
}

/// R12.4, in Spark's order.
fn check(stream: &Arc<StreamCore>, has_checkpoint_dir: bool) -> Result<()> {
    let info = stream.info.lock().clone();
    let Some(every) = info.checkpoint_interval else { return Ok(()) };
    let (class, slide) = (&info.class, info.slide);
    require(has_checkpoint_dir, || {
        "The checkpoint directory has not been set. Please set it by StreamingContext.checkpoint().".into()
    })?;
    require(every.0 >= slide.0, || {
        format!(
            "The checkpoint interval for {class} has been set to {every} ms which is lower than its slide time ({slide} ms). Please set it to at least {slide} ms."
        )
    })?;
    require(every.0.is_multiple_of(slide.0.max(1)), || {
        format!(
            "The checkpoint interval for {class} has been set to  {every} ms which not a multiple of its slide time ({slide} ms). Please set it to a multiple of {slide} ms."
        )
    })?;
    require(info.level != StorageLevel::NONE, || {
        format!(
            "{class} has been marked for checkpointing but the storage level has not been set to enable persisting. Please use DStream.persist() to set the storage level to use memory for better checkpointing performance."
        )
    })?;
    let remember = info.remember.unwrap_or_default();
    require(remember.0 > every.0, || {
        format!(
            "The remember duration for {class} has been set to  {remember} ms which is not more than the checkpoint interval ({every} ms). Please set it to a value higher than {every} ms."
        )
    })
}

/// Levels and intervals of the user's choice, applied after validation: a race runs lanes that Spark
/// would refuse.
pub(super) fn apply_overrides(graph: &DStreamGraph, config: &EngineConfig) {
    for stream in &graph.streams {
        let (operator, reduces_a_window) = {
            let info = stream.info.lock();
            (info.operator.clone(), info.window.is_some() && info.stateful)
        };
        match config.persist.get(&operator) {
            // Its parent goes with it, as with `persist`; children come later and so win.
            Some(level) if reduces_a_window => stream.set_level(*level),
            Some(level) => stream.info.lock().level = *level,
            None => {}
        }
        let mut info = stream.info.lock();
        if let Some(&every) = config.checkpoint.get(&info.operator) {
            info.checkpoint_interval = (every > 0).then(|| Millis(info.slide.0 * u64::from(every)));
        }
    }
}
