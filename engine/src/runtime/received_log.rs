//! The driver's log of received blocks, as the loops carry it out: at once under the virtual clock, on a thread of
//! its own under the wall clock, so that no sync of it waits for a checkpoint.

use crate::driver::{DriverInput, Logged, OpenedLog, ReceivedLogOp};
use crate::ids::Timestamp;
use crate::object_store::ObjectStore;
use crate::recovery::{LogPosition, newer_epoch};
use crate::write_ahead::{
    Contents, DamageKind, LogSettings, LogStart, RecordHandle, WriteAheadError, WriteAheadLog, delete_segments,
    quarantine, read_all,
};
use std::sync::Arc;

/// Carries out what the driver wants of its log.
pub struct ReceivedLogWriter {
    store: Arc<dyn ObjectStore>,
    settings: LogSettings,
    log: Option<WriteAheadLog>,
    /// The checkpoint directory, and which driver of it writes the log.
    driver: Option<(String, u64)>,
}

impl ReceivedLogWriter {
    /// One that has not opened a log.
    pub fn new(store: Arc<dyn ObjectStore>, settings: LogSettings) -> Self {
        Self { store, settings, log: None, driver: None }
    }

    /// Does one thing; returns what the driver hears of it.
    pub fn perform(&mut self, now: Timestamp, op: ReceivedLogOp) -> DriverInput {
        match op {
            ReceivedLogOp::Open { slot, plan, log } => {
                let (epoch, replay) = plan.received_log.as_ref().map_or((0, false), |log| (log.epoch, log.replay));
                self.driver = plan.received_log.as_ref().map(|log| (log.dir.clone(), log.epoch));
                let opened = self.open(&log, epoch, replay);
                DriverInput::ReceivedLogOpened { slot, plan, result: opened.map_err(|error| error.to_string()) }
            }
            ReceivedLogOp::Append { records, take_back } => {
                if let Some(log) = self.log.as_mut().filter(|_| take_back > 0) {
                    log.take_back(take_back);
                }
                let result = self.append(now, &records).map_err(|error| error.to_string());
                let doubtful = self.log.as_mut().map(WriteAheadLog::take_doubtful).unwrap_or_default();
                DriverInput::ReceivedLogged { result, doubtful }
            }
            ReceivedLogOp::Delete { segments } => {
                let result = self.delete(&segments);
                DriverInput::ReceivedLogDeleted { segments, result }
            }
        }
    }

    /// The epoch of a driver that took over, if one did (D-17).
    fn newer(&self) -> Result<Option<u64>, WriteAheadError> {
        let Some((dir, epoch)) = &self.driver else { return Ok(None) };
        Ok(newer_epoch(&*self.store, dir, *epoch)?)
    }

    /// Looks for a newer driver before, so that nothing is written in vain, and after: a newer one takes its epoch and
    /// then reads the log, so what is called synced here every newer one finds.
    fn append(&mut self, now: Timestamp, records: &[Vec<u8>]) -> Result<Logged, WriteAheadError> {
        if let Some(by) = self.newer()? {
            return Ok(Logged::TakenOver { by });
        }
        let log = self.log.as_mut().ok_or(WriteAheadError::Closed)?;
        let bytes: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let handles = log.append(now, &bytes)?;
        let segment = handles.last().map_or(Ok(0), RecordHandle::segment)?;
        let position = LogPosition { segment, record: log.next() - 1 };
        match self.newer() {
            Ok(Some(by)) => Ok(Logged::TakenOver { by }),
            Ok(None) => Ok(Logged::Synced { position }),
            Err(error) => {
                if let Some(log) = &mut self.log {
                    log.take_back(records.len() as u64);
                }
                Err(error)
            }
        }
    }

    fn delete(&self, segments: &[u64]) -> Result<(), String> {
        let newer = self.newer().map_err(|error| error.to_string())?;
        if let Some(by) = newer {
            return Err(format!("the driver of epoch {by} took over"));
        }
        let Some(log) = &self.log else { return Err(WriteAheadError::Closed.to_string()) };
        delete_segments(&*self.store, log.log(), segments).map_err(|error| error.to_string())
    }

    /// What a former driver logged counts only when it is asked for; otherwise the log begins anew.
    fn open(&mut self, log: &str, epoch: u64, replay: bool) -> Result<OpenedLog, WriteAheadError> {
        let (contents, start) = if replay {
            let contents = read_all(&*self.store, log)?;
            let start = LogStart::After { next: contents.next };
            (contents, start)
        } else {
            let segments = crate::object_store::segments_of(&*self.store, log)?;
            (Contents { segments, ..Contents::default() }, LogStart::New)
        };
        let damage = self.report(log, &contents);
        self.log = Some(WriteAheadLog::new(Arc::clone(&self.store), log, epoch, start, self.settings));
        Ok(OpenedLog { contents, replayed: replay, damage })
    }

    /// Copies of damaged segments are put where nobody cleans, so that somebody can look at them.
    fn report(&self, log: &str, contents: &Contents) -> Vec<String> {
        let told = contents.damage.iter().filter(|damage| !damage.is_ordinary()).map(|damage| {
            if !matches!(damage.kind, DamageKind::BadMiddle | DamageKind::BadHeader | DamageKind::Misplaced) {
                return damage.to_string();
            }
            match quarantine(&*self.store, log, damage.segment) {
                Ok(copy) => format!("{damage}; the file as it was found: {copy}"),
                Err(error) => format!("{damage}; it could not be copied away: {error}"),
            }
        });
        told.collect()
    }
}
