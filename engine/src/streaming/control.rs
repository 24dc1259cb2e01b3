//! Waiting for a stream and stopping it (R11.2, R22).

use super::context::StreamingContext;
use super::graph::ContextState;
use crate::command::StopMode;
use crate::driver::{Reply, Request};
use crate::error::{EngineError, Result};
use crate::ids::Millis;
use crate::rdd::job_local;
use crate::runtime::slots;

impl StreamingContext {
    /// Waits until the stream ends, for `timeout` at most, in the time of the clock of the run. Returns
    /// whether it ended.
    ///
    /// # Errors
    /// The error of the batch that failed (R11.7).
    pub fn await_termination_or_timeout(&self, timeout: Millis) -> Result<bool> {
        match slots::call(Request::AwaitTerminationFor(timeout))? {
            Reply::Terminated(result) => result,
            _ => Err(EngineError::DriverLost),
        }
    }

    /// Stops the stream, and returns when it has stopped; its `SparkContext` goes on. A graceful stop first
    /// stops the receivers and processes everything that they received, with limits on every wait (R22.1).
    /// To stop what was never started, or was stopped before, is no error (R22.3).
    ///
    /// # Errors
    /// From within an output operation, which would wait for itself.
    pub fn stop(&self, mode: StopMode) -> Result<()> {
        if job_local().output_op.is_some() {
            return Err(EngineError::IllegalState(
                "Cannot stop StreamingContext within an output operation, which would wait for itself; stop it from the thread that started it".to_owned(),
            ));
        }
        match self.state() {
            ContextState::Initialized => self.release(),
            ContextState::Active => match slots::call(Request::StopStreaming(mode))? {
                Reply::Done(result) => result?,
                _ => return Err(EngineError::DriverLost),
            },
            ContextState::Stopped => {}
        }
        self.set_state(ContextState::Stopped);
        Ok(())
    }
}
