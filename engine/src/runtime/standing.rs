//! A driver whose process stands still, while its executors and receivers go on.

use super::live::Live;
use super::program::Control;
use crate::driver::DriverInput;
use crate::ids::Timestamp;
use crate::sync::channel::{First, first, unbounded};
use std::time::Duration;

impl Live<'_> {
    /// Nothing reaches the driver until then, but a window that quits; what arrives waits.
    pub(super) fn stand_still(&mut self, until: Timestamp) {
        let silence = unbounded::<DriverInput>();
        let mut commands = Vec::new();
        while !self.is_over() {
            let now = self.shared.clock.now();
            if until <= now {
                break;
            }
            let patience = Duration::from_nanos(until.ns_since(now));
            match first(&silence.1, self.controls.as_ref(), Some(patience)) {
                First::Other(Ok(Control::Command(command))) => commands.push(command),
                First::Other(control) => self.control(control.unwrap_or(Control::Quit)),
                First::One(_) | First::Timeout => {}
            }
        }
        self.stands_until = None;
        self.hear_what_arrived();
        commands.into_iter().for_each(|command| self.input(DriverInput::Command(command)));
    }
}
