//! The race of the policies: computed beside the live run, and its lanes opened in its place.

use crate::command::{AppCommand, EngineCommand, Focus, Page, RaceCommand, Transport};
use crate::opening::{BATCHES, window_input};
use crate::race::runner::{RaceRunner, Report};
use crate::race::{LaneRun, Policy, RaceState, ShownLane, plan_of, run_of};
use crate::scene::NodeKey;
use crate::session::Session;
use crate::source::ReplayedSource;
use crate::state::{Playback, UiState};
use faultline_engine::programs::BuiltIn;
use faultline_engine::sim::Control;
use faultline_engine::sim::faults::PlannedFault;
use std::sync::Arc;

/// The live run while a lane is open in its place, and what was chosen in it.
struct Parked {
    session: Session,
    playback: Playback,
    selection: Option<NodeKey>,
    focus: Option<Focus>,
}

/// Whether a command put another run into the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunShown {
    /// The run is the same.
    Same,
    /// Views must forget what they kept of the run before.
    Another,
}

/// Everything about the race but its page.
#[derive(Default)]
pub struct RaceDesk {
    state: RaceState,
    runner: Option<RaceRunner>,
    parked: Option<Parked>,
    /// Which of the runs in the window's place is raced, and whether it is known how it was started.
    generation: Option<u64>,
    based: bool,
    /// The fault of the live run whose race was started without being asked for.
    offered: Option<PlannedFault>,
}

impl RaceDesk {
    /// A desk with a race that was computed elsewhere.
    pub fn with(state: RaceState) -> Self {
        Self { state, ..Self::default() }
    }

    /// What the page shows.
    pub const fn state(&self) -> &RaceState {
        &self.state
    }

    /// Looks at the live run, and takes what the race reports.
    pub fn observe(&mut self, session: &Session) {
        let live = self.parked.as_ref().map_or(session, |parked| &parked.session);
        let generation = live.generation();
        if self.generation.is_some_and(|known| known != generation) {
            // Another run, be it of the same program: nothing that was raced is about it.
            (self.state, self.runner, self.offered, self.based) = (RaceState::default(), None, None, false);
        }
        self.generation = Some(generation);
        if !self.based && !live.live().application.properties.is_empty() {
            self.based = true;
            // A race reads its input again, or receives it from a simulated client, and under the virtual clock.
            let base = live.raced_input().and_then(|source| {
                let input = |program: &BuiltIn, seed| window_input(program, seed).from_source(source.clone());
                run_of(live.live(), input, BATCHES)
            });
            self.state.set_base(base);
        }
        self.state.just_done = live.live().faults.last().and_then(|fault| plan_of(fault));
        while let Some(report) = self.runner.as_mut().and_then(RaceRunner::poll) {
            match report {
                Report::News(news) => self.state.take(news),
                Report::Ended(result) => {
                    self.state.finish(result);
                    self.runner = None;
                }
            }
        }
    }

    /// Carries out what concerns the race, after the window's choices have changed.
    pub fn handle(
        &mut self,
        command: &AppCommand,
        session: &mut Session,
        state: &mut UiState,
        wake: &Arc<dyn Fn() + Send + Sync>,
    ) -> RunShown {
        match command {
            AppCommand::Race(RaceCommand::Start { fault }) => self.start(fault, wake),
            AppCommand::Race(RaceCommand::OfLastFault) => self.race_last_fault(wake),
            AppCommand::Race(RaceCommand::Cancel) => {
                if let Some(runner) = &self.runner {
                    runner.cancel();
                }
            }
            AppCommand::Race(RaceCommand::OpenLane { policy, run }) => {
                return self.open_lane(*policy, *run, session, state);
            }
            AppCommand::Race(RaceCommand::BackToRun) => return self.back_to_run(session, state),
            AppCommand::ShowPage(Page::Race) if self.state.just_done != self.offered => self.race_last_fault(wake),
            _ => {}
        }
        RunShown::Same
    }

    /// The race of the last fault, unless it is raced already, or is none that can be raced: then the page
    /// offers to choose one.
    fn race_last_fault(&mut self, wake: &Arc<dyn Fn() + Send + Sync>) {
        self.offered.clone_from(&self.state.just_done);
        let Some(fault) = self.state.just_done.clone() else { return };
        let raced = self.state.plan.as_ref().is_some_and(|plan| plan.faults == [fault.clone()]);
        if raced {
            return;
        }
        match self.state.request(&fault) {
            Ok(_) => self.start(&fault, wake),
            Err(_) => {
                self.runner = None;
                self.state.forget();
            }
        }
    }

    fn start(&mut self, fault: &PlannedFault, wake: &Arc<dyn Fn() + Send + Sync>) {
        // The one before is broken off.
        self.runner = None;
        match self.state.request(fault) {
            Ok(request) => {
                self.state.begin(&request);
                match RaceRunner::start(request, Arc::clone(wake)) {
                    Ok(runner) => self.runner = Some(runner),
                    Err(error) => self.state.finish(Err(error.into())),
                }
            }
            Err(problem) => self.state.finish(Err(anyhow::Error::msg(problem))),
        }
    }

    /// The live run waits where it is.
    fn open_lane(&mut self, policy: Policy, run: LaneRun, session: &mut Session, state: &mut UiState) -> RunShown {
        let Some(done) = self.state.done(policy) else { return RunShown::Same };
        let source = ReplayedSource::new(Arc::clone(done.events(run)));
        let live = std::mem::replace(session, Session::new(Box::new(source)));
        if self.parked.is_none() {
            let playback = state.playback;
            if playback == Playback::Running {
                live.send(Control::Transport(Transport::Pause));
            }
            let (selection, focus) = (state.selection, state.focus);
            self.parked = Some(Parked { session: live, playback, selection, focus });
        }
        self.state.shown = Some(ShownLane { policy, run });
        state.page = Page::Run;
        (state.selection, state.focus) = (None, None);
        (state.hint, state.hint_command) = (None, None);
        state.follow = true;
        RunShown::Another
    }

    /// The live run goes on where it waited. Also before another run is opened.
    pub fn back_to_run(&mut self, session: &mut Session, state: &mut UiState) -> RunShown {
        self.state.shown = None;
        let Some(parked) = self.parked.take() else { return RunShown::Same };
        *session = parked.session;
        if parked.playback == Playback::Running {
            session.send(Control::Transport(Transport::Resume));
        }
        state.playback = parked.playback;
        state.page = Page::Run;
        (state.selection, state.focus) = (parked.selection, parked.focus);
        state.follow = true;
        RunShown::Another
    }
}

/// What the advice after a recovery says: the same under every policy, or with and without a log of what is received.
pub fn advice(fault: &PlannedFault, received: bool) -> String {
    let kills = matches!(fault.command, EngineCommand::KillExecutor { .. } | EngineCommand::KillDriver);
    let policies = crate::race::number_word(Policy::ALL.len());
    let fault = if kills { "kill" } else { "fault" };
    if received {
        return format!("The same {fault} with the write-ahead log and without");
    }
    format!("The same {fault} under {policies} policies")
}
