//! What the user's function sees of one key's state (R14.5).

use thiserror::Error;

/// What a [`State`] refuses, in Spark's words. The task fails with it when the function hands it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StateError {
    /// `get` without state.
    #[error("State is not set")]
    NotSet,
    /// `update` after `remove`.
    #[error("requirement failed: Cannot update the state after it has been removed")]
    UpdateAfterRemove,
    /// `update` in the call that says goodbye to the key.
    #[error("requirement failed: Cannot update the state that is timing out")]
    UpdateWhileTimingOut,
    /// `remove` in the call that says goodbye to the key.
    #[error("requirement failed: Cannot remove the state that is timing out")]
    RemoveWhileTimingOut,
    /// `remove` twice.
    #[error("requirement failed: Cannot remove the state that has already been removed")]
    RemovedTwice,
}

/// The state of the key that a mapping function is called for.
#[derive(Debug)]
pub struct State<'a, S> {
    /// As the call found it; none once it was removed.
    old: Option<&'a S>,
    new: Option<S>,
    removed: bool,
    timing_out: bool,
}

/// What a call of the function did to the state.
pub(super) enum Outcome<S> {
    /// Nothing, and there is none.
    Absent,
    /// Nothing; it was there.
    Read,
    /// It has a new value.
    Updated(S),
    /// It is gone.
    Removed,
}

impl<'a, S> State<'a, S> {
    pub(super) const fn of(old: Option<&'a S>) -> Self {
        Self { old, new: None, removed: false, timing_out: false }
    }

    pub(super) const fn timing_out(old: &'a S) -> Self {
        Self { old: Some(old), new: None, removed: false, timing_out: true }
    }

    pub(super) fn outcome(self) -> Outcome<S> {
        match (self.new, self.old) {
            _ if self.removed => Outcome::Removed,
            (Some(new), _) => Outcome::Updated(new),
            (None, Some(_)) => Outcome::Read,
            (None, None) => Outcome::Absent,
        }
    }

    /// Whether the key has state.
    pub const fn exists(&self) -> bool {
        self.new.is_some() || self.old.is_some()
    }

    /// The state.
    ///
    /// # Errors
    /// `State is not set`.
    pub fn get(&self) -> Result<&S, StateError> {
        self.get_option().ok_or(StateError::NotSet)
    }

    /// The state, if the key has any.
    pub fn get_option(&self) -> Option<&S> {
        self.new.as_ref().or(self.old)
    }

    /// Gives the key a new state.
    ///
    /// # Errors
    /// After `remove`, and while the key is timing out.
    pub fn update(&mut self, state: S) -> Result<(), StateError> {
        if self.removed {
            return Err(StateError::UpdateAfterRemove);
        }
        if self.timing_out {
            return Err(StateError::UpdateWhileTimingOut);
        }
        self.new = Some(state);
        Ok(())
    }

    /// Forgets the key's state.
    ///
    /// # Errors
    /// When it was removed before, and while the key is timing out: it goes anyway.
    pub fn remove(&mut self) -> Result<(), StateError> {
        if self.timing_out {
            return Err(StateError::RemoveWhileTimingOut);
        }
        if self.removed {
            return Err(StateError::RemovedTwice);
        }
        (self.old, self.new, self.removed) = (None, None, true);
        Ok(())
    }

    /// Whether this call says goodbye to a key that had no data for longer than the timeout.
    pub const fn is_timing_out(&self) -> bool {
        self.timing_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D13. Without it a function could revive state that is going, or read state that is not there.
    #[test]
    fn d13_what_a_state_refuses() {
        let mut fresh: State<'_, u32> = State::of(None);
        assert!(!fresh.exists());
        assert_eq!(fresh.get().unwrap_err().to_string(), "State is not set");
        assert_eq!(fresh.update(1), Ok(()));
        assert_eq!((fresh.exists(), fresh.get(), fresh.get_option()), (true, Ok(&1), Some(&1)));
        assert_eq!(fresh.remove(), Ok(()));
        assert_eq!((fresh.exists(), fresh.get()), (false, Err(StateError::NotSet)));
        assert_eq!(
            fresh.update(2).unwrap_err().to_string(),
            "requirement failed: Cannot update the state after it has been removed"
        );
        assert_eq!(
            fresh.remove().unwrap_err().to_string(),
            "requirement failed: Cannot remove the state that has already been removed"
        );
        assert!(matches!(fresh.outcome(), Outcome::Removed));

        let mut going = State::timing_out(&7u32);
        assert!(going.is_timing_out() && going.exists());
        assert_eq!(going.get(), Ok(&7));
        assert_eq!(
            going.update(1).unwrap_err().to_string(),
            "requirement failed: Cannot update the state that is timing out"
        );
        assert_eq!(
            going.remove().unwrap_err().to_string(),
            "requirement failed: Cannot remove the state that is timing out"
        );
        assert_eq!(going.get(), Ok(&7), "what is refused changes nothing");
    }
}
