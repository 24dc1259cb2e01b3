//! What is sent to a system, by sources that know nothing of its drivers.

use super::files::{DIRECTORY, File, TimedFiles};
use super::plan::{INTERVAL, Input, SystemPlan};
use crate::plans;
use faultline_engine::ids::*;
use faultline_engine::rdd::ReplayText;
use faultline_engine::receiver::{Arrival, Arrived, Delivery, ScriptedSource};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Lines of a replayed text in each batch.
pub const LINES: usize = 3;
/// Records of the second source begin here.
const SECOND: u64 = 1_000_000;

/// Where the records of a plan come from.
pub struct Sources {
    /// The text, if it is replayed.
    pub text: ReplayText,
    /// The directory, empty where no file is watched.
    pub files: Arc<TimedFiles>,
    /// Sources of receivers, with what each arrival brings.
    pub received: Vec<(Arc<ScriptedSource<u64>>, Arc<Vec<Arrival<u64>>>)>,
}

impl Sources {
    /// Those of a plan; `now` is the time as the files see it.
    pub fn of(plan: &SystemPlan, now: &Arc<AtomicU64>) -> Self {
        let lines: Vec<String> = (0..(plan.batches as usize + 2) * LINES).map(|line| line.to_string()).collect();
        let mut files = TimedFiles { files: Vec::new(), now: Arc::clone(now) };
        if plan.input == Input::Files {
            files.files = appearing(plan);
        }
        let received = (0..plan.sources).filter(|_| plan.input.is_received()).map(|n| arriving(plan, n)).collect();
        Self { text: ReplayText::from_text("lines", &lines.join("\n")), files: Arc::new(files), received }
    }

    /// The same sources, for another program.
    pub fn shared(other: &Self) -> Self {
        Self { text: other.text.clone(), files: Arc::clone(&other.files), received: other.received.clone() }
    }

    /// Records of arrivals.
    fn records(arrivals: &[Arrival<u64>], of: impl IntoIterator<Item = u64>) -> impl Iterator<Item = u64> {
        of.into_iter().flat_map(|n| match arrivals.get(n as usize).map(|arrival| &arrival.what) {
            Some(Arrived::Records(records) | Arrived::Block(records)) => records.clone(),
            _ => Vec::new(),
        })
    }

    /// Records of all files.
    pub fn file_records(&self) -> impl Iterator<Item = u64> {
        Self::records_of(self.files.files.iter())
    }

    /// Records of the files that changed after a stream began and could be seen at the time of a batch.
    pub fn file_records_before(&self, batch: u32, began: Timestamp) -> impl Iterator<Item = u64> {
        let before = VIRTUAL_EPOCH.plus(Millis(u64::from(batch) * INTERVAL.0));
        Self::records_of(self.files.files.iter().filter(move |file| file.visible <= before && file.modified > began))
    }

    /// Whether files could be seen at a time that are older than it: a stream that begins then says so (R19.2).
    pub fn has_files_before(&self, began: Timestamp) -> bool {
        self.files.files.iter().any(|file| file.visible <= began)
    }

    fn records_of<'a>(files: impl Iterator<Item = &'a File>) -> impl Iterator<Item = u64> {
        files.flat_map(|file| file.text.lines()).filter_map(|line| line.parse().ok())
    }

    /// Records of which a source was told that they are stored.
    pub fn acknowledged(&self) -> BTreeSet<u64> {
        self.received.iter().flat_map(|(source, all)| Self::records(all, source.acknowledged())).collect()
    }

    /// Records that a receiver heard, as often as it did.
    pub fn heard(&self) -> Vec<u64> {
        let heard = |source: &ScriptedSource<u64>| source.heard().into_iter().map(|(n, _)| n);
        self.received.iter().flat_map(|(source, all)| Self::records(all, heard(source))).collect()
    }
}

/// Two files a second or so; some can be seen only later than they say.
fn appearing(plan: &SystemPlan) -> Vec<File> {
    let mut rng = plans::rng(plan.seed, "files");
    let mut at = 300;
    let mut record = 0_u64;
    let mut files = Vec::new();
    while at < u64::from(plan.batches) * INTERVAL.0 {
        let lines: Vec<String> = (0..1 + rng.below(3)).map(|n| (record + n).to_string()).collect();
        record += lines.len() as u64;
        let modified = VIRTUAL_EPOCH.plus(Millis(at));
        let late = if rng.below(5) == 0 { rng.below(4000) } else { 0 };
        let visible = modified.plus(Millis(late));
        files.push(File { path: format!("{DIRECTORY}/f{at:08}"), modified, visible, text: lines.join("\n") });
        at += 200 + rng.below(900);
    }
    files
}

/// Some records a second, and now and then something goes wrong with the receiver.
fn arriving(plan: &SystemPlan, n: u32) -> (Arc<ScriptedSource<u64>>, Arc<Vec<Arrival<u64>>>) {
    let mut rng = plans::rng(plan.seed, &format!("source {n}"));
    let mut record = u64::from(n) * SECOND;
    let mut at = 0;
    let mut arrivals = Vec::new();
    // What is stored together overtakes what is gathered.
    let together = plan.input == Input::Numbered || rng.below(3) == 0;
    while at < u64::from(plan.batches) * INTERVAL.0 {
        // What is sent again is sent again whole: a limit must not put one half of it into another block.
        let more = rng.below(3) * u64::from(together || plan.input != Input::Reliable);
        let some: Vec<u64> = (record..=record + more).collect();
        // One that sends again what was not acknowledged would repeat its trouble, too.
        let trouble = at < plan.healed.0 && plan.input == Input::Unreliable;
        let what = match rng.below(60) {
            0 if trouble => Arrived::Error { message: "the source stumbled".to_owned() },
            1 | 2 if trouble => Arrived::Restart { message: "the connection broke".to_owned(), delay: None },
            3 if trouble => Arrived::Stop { message: "the source hung up".to_owned() },
            _ => {
                record += some.len() as u64;
                if together { Arrived::Block(some) } else { Arrived::Records(some) }
            }
        };
        arrivals.push(Arrival { at: Millis(at), what });
        at += 50 + rng.below(400);
    }
    let delivery = match plan.input {
        Input::Reliable => Delivery::UntilAcknowledged,
        Input::Numbered => Delivery::Numbered,
        _ => Delivery::Once,
    };
    let arrivals = Arc::new(arrivals);
    let script = Arc::clone(&arrivals);
    (ScriptedSource::new(delivery, move |n| script.get(n as usize).cloned()), arrivals)
}
