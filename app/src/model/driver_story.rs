//! The story of a driver that is lost and comes back; its numbers are those of [`super::DriverState`].

use super::sentences::{count, list_of};
use super::{DriverPhase, Model, Story, StoryPhase};
use faultline_engine::ids::*;
use std::collections::BTreeSet;

/// What went with a driver, counted when it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostWithDriver {
    /// Executors that lived.
    pub executors: u32,
    /// Stored partitions, however many copies.
    pub partitions: u32,
    /// Blocks of receivers, however many copies.
    pub inputs: u32,
}

impl Model {
    /// `The driver died before batch 7.`
    pub(super) fn tell_driver_lost(&mut self) {
        let batch = self.running_or_next_batch();
        let headline = format!("The driver died{}.", self.moment(batch));
        let mut partitions: BTreeSet<BlockId> = BTreeSet::new();
        let mut inputs: BTreeSet<InputBlockId> = BTreeSet::new();
        let mut executors = 0;
        for executor in self.executors.values().filter(|e| e.alive) {
            executors += 1;
            partitions.extend(executor.blocks.iter().copied());
            inputs.extend(executor.inputs.keys().copied());
        }
        let lost = LostWithDriver { executors, partitions: partitions.len() as u32, inputs: inputs.len() as u32 };
        self.clear_marks();
        self.story = Story {
            headline,
            struck_in: batch,
            lost_with_driver: lost,
            phase: StoryPhase::DriverLost,
            ..Story::default()
        };
        self.tell_driver_waits();
    }

    /// What went with it, and what comes next.
    pub(super) fn tell_driver_waits(&mut self) {
        if self.story.phase != StoryPhase::DriverLost {
            return;
        }
        let LostWithDriver { executors, partitions, inputs } = self.story.lost_with_driver;
        let parts = [(executors, "executor"), (partitions, "stored partition"), (inputs, "received block")];
        let gone = list_of(&parts).map_or_else(String::new, |things| format!("{things} went with it; "));
        let next = match (self.driver_phase(), &self.driver.checkpoint) {
            (DriverPhase::Waiting, _) => "its supervisor starts it again.".to_owned(),
            (_, Some(checkpoint)) => {
                format!("nobody supervises it: start it again from the checkpoint of batch {}.", checkpoint.batch)
            }
            (_, None) => {
                "nobody supervises it, and there is no checkpoint: started again, it begins from nothing.".to_owned()
            }
        };
        self.story.detail = format!("{gone}{next}");
    }

    pub(super) fn tell_driver_started(&mut self, delay: Millis) {
        let life = self.driver_life();
        let after = format!("{:.1} s after the loss", delay.0 as f64 / 1000.0);
        let detail = match &self.driver.checkpoint {
            Some(checkpoint) => format!("It looks for the checkpoint of batch {}.", checkpoint.batch),
            None => "There is no checkpoint: the program begins from nothing.".to_owned(),
        };
        let lost_with_driver = self.story.lost_with_driver;
        let from_nothing = self.driver.checkpoint.is_none();
        self.story = Story {
            headline: format!("Driver {life} runs, {after}."),
            detail,
            closing: if from_nothing { format!("Driver {life} began from nothing.") } else { String::new() },
            lost_with_driver,
            phase: StoryPhase::DriverRecovering,
            ..Story::default()
        };
    }

    /// `Driver 2 goes on from the checkpoint of batch 6.`
    pub(super) fn tell_driver_recovers(&mut self) {
        let Some(recovery) = &self.driver.recovery else { return };
        match self.story.phase {
            StoryPhase::DriverRecovering => {}
            // The loss is in another log.
            phase if phase != StoryPhase::Recovering && recovery.done == 0 => {
                self.story = Story { phase: StoryPhase::DriverRecovering, ..Story::default() };
            }
            // Something else was lost meanwhile, and that is told.
            StoryPhase::Recovering => return,
            // A batch failed and ran again.
            _ => self.story.phase = StoryPhase::DriverRecovering,
        }
        let life = self.driver_life();
        self.story.headline = format!("Driver {life} goes on from the checkpoint of batch {}.", recovery.batch);
        let batches = count(recovery.of().into(), "batch");
        self.story.detail = format!("{} of {batches} ran again{}.", recovery.done, self.read_and_missed());
    }

    /// `; 6 partitions came back from the checkpoint; batch 7 lacks received blocks`
    fn read_and_missed(&self) -> String {
        let mut words = String::new();
        if self.story.read_back > 0 {
            let things = count(self.story.read_back.into(), "state partition");
            words.push_str(&format!("; {things} came back from the checkpoint"));
        }
        if self.story.blocks_read_back > 0 {
            let things = count(self.story.blocks_read_back.into(), "received block");
            words.push_str(&format!("; {things} came back from the write-ahead log"));
        }
        let incomplete = self.driver.recovery.as_ref().map(|r| &r.incomplete);
        if let Some(first) = incomplete.and_then(|batches| batches.get_min()) {
            words.push_str(&match incomplete.map_or(0, |batches| batches.len()) {
                1 => format!("; batch {first} lacks received blocks"),
                n => format!("; {n} batches lack received blocks, the first is batch {first}"),
            });
        }
        words
    }

    /// Everything that the life before left has run again.
    pub(super) fn tell_driver_recovered(&mut self) {
        let Some(recovery) = &self.driver.recovery else { return };
        if self.story.phase != StoryPhase::DriverRecovering {
            return;
        }
        let life = self.driver_life();
        let batches = count(recovery.of().into(), "batch");
        let again =
            if recovery.of() == 0 { "no batch had to run again".to_owned() } else { format!("{batches} ran again") };
        let from = format!("from the checkpoint of batch {}", recovery.batch);
        self.story.closing = format!("Driver {life} recovered {from}: {again}{}.", self.read_and_missed());
        self.story.headline = format!("Driver {life} has recovered.");
        self.story.detail.clone_from(&self.story.closing);
        self.story.phase = StoryPhase::Recovered;
    }
}
