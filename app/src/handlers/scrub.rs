//! Showing another moment of the run.

use crate::command::Scrub;
use crate::session::Session;
use crate::state::UiState;

/// Shows it. The engine is neither paused nor asked.
pub(super) fn scrub(command: Scrub, session: &mut Session, state: &mut UiState) {
    session.scrub(command);
    // The camera goes where the moment is, unless the user has chosen a place to look at.
    if command == Scrub::Live {
        state.follow = true;
    }
}
