//! A race on a thread of its own.

use super::{Race, RaceCancelled, RaceNews, RaceRequest, race};
use crossbeam_channel::{Receiver, TryRecvError, unbounded};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the thread reports.
#[derive(Debug)]
pub enum Report {
    /// The race goes on.
    News(RaceNews),
    /// It ended.
    Ended(anyhow::Result<Race>),
}

/// A race that is being computed. Dropping it breaks the race off; nobody waits for that.
pub struct RaceRunner {
    reports: Receiver<Report>,
    cancel: Arc<AtomicBool>,
    ended: bool,
}

impl RaceRunner {
    /// Starts a race. `wake` is called when there is something to take.
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn start(request: RaceRequest, wake: Arc<dyn Fn() + Send + Sync>) -> std::io::Result<Self> {
        // One thread computes all lanes, one after the other, so that the live engine keeps a core.
        // At most a few reports per batch, taken by every frame.
        let (sender, reports) = unbounded();
        let cancel = Arc::new(AtomicBool::new(false));
        let cancelled = Arc::clone(&cancel);
        std::thread::Builder::new().name("race".into()).spawn(move || {
            let result = race(&request, &mut |news| {
                // A window that is gone needs no news; it also cancels.
                drop(sender.send(Report::News(news)));
                wake();
                if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            drop(sender.send(Report::Ended(result)));
            wake();
        })?;
        Ok(Self { reports, cancel, ended: false })
    }

    /// Breaks the race off, soon.
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// The next report, if there is one now.
    pub fn poll(&mut self) -> Option<Report> {
        let report = match self.reports.try_recv() {
            Ok(report) => Some(report),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) if self.ended => None,
            // Only a panic of the engine ends the thread without a report.
            Err(TryRecvError::Disconnected) if self.cancel.load(Ordering::Relaxed) => {
                Some(Report::Ended(Err(RaceCancelled.into())))
            }
            Err(TryRecvError::Disconnected) => {
                Some(Report::Ended(Err(anyhow::anyhow!("the race broke down; please report this fault"))))
            }
        };
        self.ended |= matches!(report, Some(Report::Ended(_)));
        report
    }
}

impl Drop for RaceRunner {
    fn drop(&mut self) {
        self.cancel();
    }
}
