//! What is open: a source of events, the run folded from it, and the moment that is shown. Knows no egui.

use crate::command::Scrub;
use crate::model::{Model, Shown, Timeline};
use crate::source::{Capabilities, EventSource};
use faultline_engine::event::Envelope;
use faultline_engine::programs::InputSource;
use faultline_engine::sim::Control;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long one frame may fold events.
const FOLD_BUDGET: Duration = Duration::from_millis(4);
/// How long while a log is being read: nobody works with it yet.
const LOADING_BUDGET: Duration = Duration::from_millis(12);

/// Whether a pump left something for the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pumped {
    /// Nothing is waiting.
    All,
    /// The budget was spent.
    More,
}

/// An open program or log.
pub struct Session {
    source: Box<dyn EventSource>,
    timeline: Timeline,
    past: Option<Past>,
    error: Option<String>,
    /// Ends what was open before.
    predecessor: Option<JoinHandle<()>>,
    generation: u64,
}

/// A moment of the past.
struct Past {
    position: usize,
    model: Model,
}

impl Session {
    /// Begins to fold a source.
    pub fn new(source: Box<dyn EventSource>) -> Self {
        Self { source, timeline: Timeline::new(), past: None, error: None, predecessor: None, generation: 0 }
    }

    /// Gives its place to another session and ends on a thread of its own: its engine may be busy, and
    /// a long run takes its time to be forgotten.
    pub fn replace(&mut self, by: Self) {
        let generation = self.generation + 1;
        let old = std::mem::replace(self, by);
        self.generation = generation;
        let ended = std::thread::Builder::new().name("end of session".into()).spawn(move || drop(old));
        // Without a thread it has been dropped here.
        self.predecessor = ended.ok();
    }

    /// How many runs this place has held before: another run of the same program has the same name and,
    /// with the same seed, the same application id.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Folds what has arrived: whole slices, until the budget is spent. The past stays as it is.
    pub fn pump(&mut self) -> Pumped {
        let budget = if self.source.progress().is_some() { LOADING_BUDGET } else { FOLD_BUDGET };
        let started = Instant::now();
        loop {
            let slice = self.source.poll();
            if slice.is_empty() {
                self.error = self.source.take_error().or(self.error.take());
                return Pumped::All;
            }
            slice.into_iter().for_each(|envelope| self.timeline.push(envelope));
            if started.elapsed() >= budget {
                return Pumped::More;
            }
        }
    }

    /// Every fact up to the moment that is shown.
    pub fn model(&self) -> &Model {
        self.past.as_ref().map_or(self.timeline.live(), |past| &past.model)
    }

    /// Every fact so far, whatever is shown.
    pub const fn live(&self) -> &Model {
        self.timeline.live()
    }

    /// The run so far.
    pub const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The envelopes that are kept, in order: see [`Timeline::first`].
    pub fn envelopes(&self) -> impl Iterator<Item = &Envelope> {
        self.timeline.envelopes_from(0)
    }

    /// How many envelopes there were.
    pub const fn len(&self) -> usize {
        self.timeline.len()
    }

    /// Whether nothing has arrived yet.
    pub const fn is_empty(&self) -> bool {
        self.timeline.is_empty()
    }

    /// Which moment is shown.
    pub fn shown(&self) -> Shown {
        self.past.as_ref().map_or(Shown::Live, |past| Shown::Past { position: past.position })
    }

    /// Shows another moment. The run goes on meanwhile.
    pub fn scrub(&mut self, scrub: Scrub) {
        let now = self.past.as_ref().map_or(self.len(), |past| past.position);
        match scrub {
            Scrub::Live => self.past = None,
            Scrub::To(position) => self.show(position),
            Scrub::Step { stride, way } => self.show(self.timeline.stride(now, stride, way)),
        }
    }

    fn show(&mut self, position: usize) {
        let position = position.max(self.timeline.first());
        let before = self.past.take();
        if position >= self.len() {
            return;
        }
        let model = match before {
            Some(past) => self.timeline.seek_from((past.position, past.model), position),
            None => self.timeline.seek(position),
        };
        self.past = Some(Past { position, model });
    }

    /// Sends a control to the source.
    pub fn send(&self, control: Control) {
        self.source.send(control);
    }

    /// What the source can do.
    pub fn capabilities(&self) -> Capabilities {
        self.source.capabilities()
    }

    /// The input of a race of what is open, if it can be raced.
    pub fn raced_input(&self) -> Option<InputSource> {
        self.source.raced_input()
    }

    /// Whether commands can be carried out: there is a running engine, and its present is shown.
    pub fn is_controllable(&self) -> bool {
        self.is_running() && self.past.is_none()
    }

    /// Whether there is an engine that takes commands and has not ended.
    pub fn is_running(&self) -> bool {
        self.capabilities().commands && self.live().application.ended.is_none()
    }

    /// The share of a log that has been read; nothing when no log is being read.
    pub fn progress(&self) -> Option<f32> {
        self.source.progress()
    }

    /// Why the source ended badly.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The directories of an engine are gone when it has ended: the program should not end before.
        if let Some(predecessor) = self.predecessor.take() {
            drop(predecessor.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::{Receiver, Sender, bounded};

    /// Ends only when it is let.
    struct Slow {
        may_end: Receiver<()>,
        ended: Sender<()>,
    }

    impl EventSource for Slow {
        fn poll(&mut self) -> Vec<Envelope> {
            Vec::new()
        }

        fn send(&self, _: Control) {}

        fn capabilities(&self) -> Capabilities {
            Capabilities { commands: true, pacing: true }
        }

        fn take_error(&mut self) -> Option<String> {
            None
        }
    }

    impl Drop for Slow {
        fn drop(&mut self) {
            let _ = self.may_end.recv();
            let _ = self.ended.send(());
        }
    }

    /// The window would stand still until the engine of the program before has ended, or the program would
    /// end before its directories are gone.
    #[test]
    fn what_was_open_ends_elsewhere_and_is_awaited_at_the_end() {
        let (let_end, may_end) = bounded(1);
        let (ended, has_ended) = bounded(2);
        let mut session = Session::new(Box::new(Slow { may_end, ended: ended.clone() }));
        let (let_next_end, next_may_end) = bounded(1);
        session.replace(Session::new(Box::new(Slow { may_end: next_may_end, ended })));
        assert!(has_ended.is_empty(), "the first one waits on a thread of its own");
        let_end.send(()).unwrap();
        let_next_end.send(()).unwrap();
        drop(session);
        assert_eq!(has_ended.len(), 2);
    }
}
