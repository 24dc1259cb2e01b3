//! A race as the window shows it: what could be raced, what is raced, and how far it is.

use super::engine_run::RunRequest;
use super::{
    Action, FaultDraft, Keep, LaneDone, LaneRun, Policy, Race, RaceCancelled, RaceNews, RaceRequest, check_fault,
};
use crate::model::Model;
use faultline_engine::config::{EngineConfig, find};
use faultline_engine::programs::{self, BuiltIn, ProgramInput};
use faultline_engine::sim::faults::{Moment, PlannedFault};
use std::sync::Arc;

/// Batches of a race at most: keeping nothing computes all earlier ones again in every batch, and the events
/// of every run are kept.
pub const BATCHES_MAX: u32 = 202;

/// What is raced.
#[derive(Clone, Debug, PartialEq)]
pub struct RacePlan {
    /// Program.
    pub program: String,
    /// Seed of every lane.
    pub seed: u64,
    /// The faults; from the window exactly one.
    pub faults: Vec<PlannedFault>,
    /// Whether the program runs in batches.
    pub streaming: bool,
}

/// One lane, computed or not.
#[derive(Clone, Debug)]
pub struct LaneSlot {
    /// Policy.
    pub policy: Policy,
    /// What the policy does, in a few words.
    pub explanation: String,
    /// Whether Spark would run the program this way.
    pub spark_allows: bool,
    /// How far it is.
    pub state: LaneState,
}

/// How far a lane is.
#[derive(Clone, Debug)]
pub enum LaneState {
    /// Not begun.
    Pending,
    /// Being computed.
    Running {
        /// How much of its two runs is done.
        share: f32,
    },
    /// Computed.
    Done(Arc<LaneDone>),
}

/// How far a race is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RacePhase {
    /// None was started.
    #[default]
    Idle,
    /// Lanes are computed.
    Running,
    /// All lanes are computed.
    Done,
    /// Broken off.
    Cancelled,
    /// It could not be computed.
    Failed(String),
}

/// The lane that is open in place of the live run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownLane {
    /// Its policy.
    pub policy: Policy,
    /// Which of its runs.
    pub run: LaneRun,
}

/// Everything that the race page shows.
#[derive(Clone, Debug, Default)]
pub struct RaceState {
    /// The live program without faults: what can be raced. `None` for logs.
    base: Option<Arc<RunRequest>>,
    /// What is raced.
    pub plan: Option<RacePlan>,
    /// Its lanes, in order.
    pub lanes: Vec<LaneSlot>,
    /// How far it is.
    pub phase: RacePhase,
    /// The result, when every lane is computed.
    pub result: Option<Arc<Race>>,
    /// The last fault of the live run, as a plan.
    pub just_done: Option<PlannedFault>,
    /// The lane that is open in place of the live run.
    pub shown: Option<ShownLane>,
}

impl RaceState {
    /// Nothing raced yet; `base` can be.
    pub fn over(base: Option<RunRequest>) -> Self {
        Self { base: base.map(Arc::new), ..Self::default() }
    }

    /// What can be raced from now on.
    pub fn set_base(&mut self, base: Option<RunRequest>) {
        self.base = base.map(Arc::new);
    }

    /// No race any more: the page offers to choose a fault.
    pub fn forget(&mut self) {
        (self.plan, self.result) = (None, None);
        self.lanes.clear();
        self.phase = RacePhase::Idle;
    }

    /// Whether there is a program to race.
    pub const fn can_race(&self) -> bool {
        self.base.is_some()
    }

    /// The draft that the picker begins with: the raced fault, else the last one of the live run, else a
    /// proposal.
    pub fn draft(&self) -> Option<FaultDraft> {
        let program = self.base.as_ref()?.program;
        let received = self.received();
        let proposal = || {
            let draft = FaultDraft::proposal(program.kept_operator, program.streaming);
            // What a log is good for shows when nothing else is left.
            if received { FaultDraft { action: Action::KillDriver, ..draft } } else { draft }
        };
        let raced = self.plan.as_ref().and_then(|plan| plan.faults.first());
        let known = raced.or(self.just_done.as_ref()).and_then(|fault| proposal().with(fault));
        Some(known.unwrap_or_else(proposal))
    }

    /// Whether the program that can be raced runs in batches.
    pub fn streaming(&self) -> bool {
        self.base.as_ref().is_some_and(|base| base.program.streaming)
    }

    /// Whether what can be raced is a log of what is received.
    pub fn received(&self) -> bool {
        self.base.as_ref().is_some_and(|base| base.input.source.simulated().is_some())
    }

    /// The operator whose data the policies keep.
    pub fn kept_operator(&self) -> &str {
        self.base.as_ref().map_or("", |base| base.program.kept_operator)
    }

    /// The race of a fault.
    ///
    /// # Errors
    /// Why it cannot strike, and what to choose instead.
    pub fn request(&self, fault: &PlannedFault) -> Result<RaceRequest, String> {
        let Some(base) = &self.base else {
            return Err("a log holds one run only; open a program to race its policies".to_owned());
        };
        let mut run = RunRequest::clone(base);
        run.config.faults = vec![fault.clone()];
        let policies = Policy::of_input(&run.input.source).to_vec();
        if let Moment::Batch(batch) = fault.moment {
            // The batch that pays, and one more to see that it is over.
            let needed = batch.0.saturating_add(2);
            if needed > BATCHES_MAX {
                return Err(format!(
                    "batch {batch} is too late for a race, because keeping nothing computes every earlier batch again in \
                     each; choose a batch up to {}",
                    BATCHES_MAX - 2
                ));
            }
            run.config.max_batches = run.config.max_batches.map(|batches| batches.max(needed));
        }
        check_fault(&run.program, &run.config, fault)?;
        Ok(RaceRequest { run, policies, keep: Keep::Events })
    }

    /// A race begins.
    pub fn begin(&mut self, request: &RaceRequest) {
        let run = &request.run;
        self.plan = Some(RacePlan {
            program: run.program.name.to_owned(),
            seed: run.config.seed,
            faults: run.config.faults.clone(),
            streaming: run.program.streaming,
        });
        let lane = |&policy: &Policy| LaneSlot {
            policy,
            explanation: policy.explanation(&run.program),
            spark_allows: policy.spark_allows(&run.program),
            state: LaneState::Pending,
        };
        self.lanes = request.policies.iter().map(lane).collect();
        self.phase = RacePhase::Running;
        self.result = None;
    }

    /// What the race tells.
    pub fn take(&mut self, news: RaceNews) {
        let (index, state) = match news {
            RaceNews::Progress(progress) => {
                let before = if progress.run == LaneRun::WithFault { 0.0 } else { 1.0 };
                (progress.lane, LaneState::Running { share: (before + progress.share.clamp(0.0, 1.0)) / 2.0 })
            }
            RaceNews::Lane { index, done } => (index, LaneState::Done(done)),
        };
        if let Some(lane) = self.lanes.get_mut(index) {
            lane.state = state;
        }
    }

    /// The race ended.
    pub fn finish(&mut self, result: anyhow::Result<Race>) {
        self.phase = match result {
            Ok(race) => {
                self.result = Some(Arc::new(race));
                RacePhase::Done
            }
            Err(error) if error.is::<RaceCancelled>() => RacePhase::Cancelled,
            Err(error) => RacePhase::Failed(format!("{error:#}")),
        };
        for lane in &mut self.lanes {
            if matches!(lane.state, LaneState::Running { .. }) {
                lane.state = LaneState::Pending;
            }
        }
    }

    /// The computed lane of a policy.
    pub fn done(&self, policy: Policy) -> Option<&Arc<LaneDone>> {
        self.lanes.iter().find(|lane| lane.policy == policy).and_then(|lane| match &lane.state {
            LaneState::Done(done) => Some(done),
            LaneState::Pending | LaneState::Running { .. } => None,
        })
    }
}

/// The run that a model shows, from its start and without its faults, as far as its events tell;
/// `None` when it is no built-in program. Streams end after `batches`.
pub fn run_of(model: &Model, input: impl Fn(&BuiltIn, u64) -> ProgramInput, batches: u32) -> Option<RunRequest> {
    let application = &model.application;
    let program = programs::find(&application.name)?;
    let mut config = EngineConfig::default();
    for (setting, value) in application.properties.iter().filter_map(|(key, value)| Some((find(key)?, value))) {
        // What another version announced and this one refuses stays as it is by default.
        drop(setting.set(&mut config, value));
    }
    let of = |key: &str| application.properties.get(key).and_then(|value| value.parse().ok());
    if let (None, Some(partitions)) = (of("faultline.defaultParallelism"), of("spark.default.parallelism")) {
        // Logs from before there were two keys have the number of partitions under Spark's.
        (config.partitions, config.default_parallelism) = (partitions, None);
    }
    let config = EngineConfig {
        app_name: program.name.to_owned(),
        seed: application.seed,
        max_batches: Some(batches),
        ..config
    };
    let input = input(&program, config.seed);
    Some(RunRequest::new(program, config, input))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::race::engine_run::Store;
    use crate::race::plan_of;
    use crate::race::samples::idle;

    fn fault(spec: &str) -> PlannedFault {
        spec.parse().expect(spec)
    }

    /// The run would end before its fault strikes, or before the struck batch has recovered.
    #[test]
    fn a_late_fault_makes_the_runs_longer() {
        let batches = |spec: &str| idle("word-count").request(&fault(spec)).expect(spec).run.config.max_batches;
        assert_eq!(batches("kill:executor=2@batch=7"), Some(12));
        assert_eq!(batches("kill:executor=2@batch=11"), Some(13));
        assert_eq!(batches("kill:executor=2@batch=40"), Some(42));
    }

    /// Ten runs would be computed in which nothing fails.
    #[test]
    fn faults_that_cannot_strike_are_refused_with_the_way_out() {
        for (program, spec, way_out) in [
            ("word-count", "kill:executor=4@batch=7", "the executors are 1 to 3"),
            ("page-rank", "kill:executor=2@batch=7", "choose a task"),
        ] {
            let problem = idle(program).request(&fault(spec)).expect_err(spec);
            assert!(problem.contains(way_out), "{problem}");
        }
        let problem = RaceState::default().request(&fault("kill:executor=2@batch=7")).expect_err("a log");
        assert!(problem.contains("open a program"), "{problem}");
    }

    /// The race of "the fault just done" would be that of another moment, or of other settings.
    #[test]
    fn a_fault_that_happened_is_planned_again() {
        for (program, spec) in [
            ("word-count", "kill:executor=2@batch=7"),
            ("word-count", "slow:executor=1,factor=10@batch=3"),
            ("page-rank", "kill:executor=2@stage=11.task=2"),
        ] {
            let mut run = RunRequest::clone(idle(program).base.as_ref().expect("a program"));
            run.config.faults = vec![fault(spec)];
            let recording = run.record(&Store::memory()).expect(spec);
            let record = recording.model.faults.last().expect("it struck");
            let plan = plan_of(record).expect("its moment is known");
            assert_eq!(plan.command, fault(spec).command);
            match plan.moment {
                Moment::Batch(_) => assert_eq!(plan, fault(spec)),
                Moment::Task { stage, .. } => assert_eq!(stage.0, 11),
                Moment::Time(_) | Moment::Event { .. } => panic!("{spec} was planned for {:?}", plan.moment),
            }
            let again = run_of(&recording.model, |_, _| run.input.clone(), 12).expect("a built-in program");
            assert_eq!(again.config, EngineConfig { faults: Vec::new(), ..run.config });
        }
    }
}
