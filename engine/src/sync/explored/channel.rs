//! Channels: a queue under a lock, and a condition.
//!
//! Whoever waits for one channel waits for its condition. Whoever waits for two, or for a time, looks at them
//! again and again, and lets others go on in between.

use super::clock::Deadline;
use super::locks::{Condvar, Mutex, MutexGuard};
pub use crossbeam_channel::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError};
use shuttle::rand::{Rng, thread_rng};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The end that sends. The channel is disconnected when all of them are gone.
pub struct Sender<T>(Arc<Channel<T>>);

/// The end that receives. The channel is disconnected when all of them are gone.
pub struct Receiver<T>(Arc<Channel<T>>);

struct Channel<T> {
    state: Mutex<State<T>>,
    /// A message came or went, or an end is gone.
    changed: Condvar,
}

struct State<T> {
    messages: VecDeque<T>,
    most: usize,
    senders: usize,
    receivers: usize,
}

/// What came first.
pub enum First<A, B> {
    /// Something on the one channel, or it is disconnected.
    One(Result<A, RecvError>),
    /// Something on the other channel, or it is disconnected.
    Other(Result<B, RecvError>),
    /// Nothing in time.
    Timeout,
}

/// A channel that holds at most so many messages.
pub fn bounded<T>(most: usize) -> (Sender<T>, Receiver<T>) {
    assert!(most > 0, "the engine hands nothing from thread to thread without a place to put it");
    let state = State { messages: VecDeque::new(), most, senders: 1, receivers: 1 };
    let channel = Arc::new(Channel { state: Mutex::new(state), changed: Condvar::new() });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

/// A channel that takes everything.
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    bounded(usize::MAX)
}

/// Waits for one of two channels, of which the other need not be there, for a time or for ever.
pub fn first<A, B>(one: &Receiver<A>, other: Option<&Receiver<B>>, patience: Option<Duration>) -> First<A, B> {
    if other.is_none() && patience.is_none() {
        return First::One(one.recv());
    }
    let deadline = Deadline::perhaps(patience);
    loop {
        // When both have something either may be first.
        let other_last = thread_rng().r#gen::<bool>();
        if let Some(message) = other.filter(|_| !other_last).and_then(|other| heard(other.try_recv())) {
            return First::Other(message);
        }
        if let Some(message) = heard(one.try_recv()) {
            return First::One(message);
        }
        if let Some(message) = other.filter(|_| other_last).and_then(|other| heard(other.try_recv())) {
            return First::Other(message);
        }
        if deadline.passes() {
            return First::Timeout;
        }
    }
}

fn heard<T>(tried: Result<T, TryRecvError>) -> Option<Result<T, RecvError>> {
    match tried {
        Ok(message) => Some(Ok(message)),
        Err(TryRecvError::Disconnected) => Some(Err(RecvError)),
        Err(TryRecvError::Empty) => None,
    }
}

impl<T> State<T> {
    fn push(&mut self, message: T) -> Result<(), T> {
        if self.messages.len() == self.most {
            return Err(message);
        }
        self.messages.push_back(message);
        Ok(())
    }

    fn pop(&mut self) -> Result<T, TryRecvError> {
        let empty = if self.senders == 0 { TryRecvError::Disconnected } else { TryRecvError::Empty };
        self.messages.pop_front().ok_or(empty)
    }
}

impl<T> Channel<T> {
    /// Does something to the state, and wakes whoever waits for a change.
    fn change<R>(&self, f: impl FnOnce(&mut State<T>) -> R) -> R {
        let result = f(&mut self.state.lock());
        self.changed.notify_all();
        result
    }

    fn try_send(&self, state: &mut MutexGuard<'_, State<T>>, message: T) -> Result<(), SendTimeoutError<T>> {
        if state.receivers == 0 {
            return Err(SendTimeoutError::Disconnected(message));
        }
        state.push(message).map_err(SendTimeoutError::Timeout)?;
        self.changed.notify_all();
        Ok(())
    }
}

impl<T> Sender<T> {
    /// Sends, and waits for room.
    ///
    /// # Errors
    /// When nobody can receive it any more.
    pub fn send(&self, mut message: T) -> Result<(), SendError<T>> {
        let mut state = self.0.state.lock();
        loop {
            message = match self.0.try_send(&mut state, message) {
                Ok(()) => return Ok(()),
                Err(SendTimeoutError::Disconnected(message)) => return Err(SendError(message)),
                Err(SendTimeoutError::Timeout(message)) => message,
            };
            self.0.changed.wait(&mut state);
        }
    }

    /// Sends, and waits for room for a time.
    ///
    /// # Errors
    /// When there was no room in time, or nobody can receive it any more.
    pub fn send_timeout(&self, mut message: T, patience: Duration) -> Result<(), SendTimeoutError<T>> {
        let deadline = Deadline::after(patience);
        loop {
            message = match self.0.try_send(&mut self.0.state.lock(), message) {
                Err(SendTimeoutError::Timeout(message)) => message,
                sent => return sent,
            };
            if deadline.passes() {
                return Err(SendTimeoutError::Timeout(message));
            }
        }
    }
}

impl<T> Receiver<T> {
    /// The next message.
    ///
    /// # Errors
    /// When there is none and none can come.
    pub fn recv(&self) -> Result<T, RecvError> {
        let mut state = self.0.state.lock();
        loop {
            if let Some(message) = heard(state.pop()) {
                self.0.changed.notify_all();
                return message;
            }
            self.0.changed.wait(&mut state);
        }
    }

    /// The next message if it is there.
    ///
    /// # Errors
    /// When there is none.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let popped = self.0.state.lock().pop();
        if popped.is_ok() {
            self.0.changed.notify_all();
        }
        popped
    }

    /// The next message if it comes in time.
    ///
    /// # Errors
    /// When there was none in time, or none can come.
    pub fn recv_timeout(&self, patience: Duration) -> Result<T, RecvTimeoutError> {
        match first::<T, T>(self, None, Some(patience)) {
            First::One(message) | First::Other(message) => message.map_err(|RecvError| RecvTimeoutError::Disconnected),
            First::Timeout => Err(RecvTimeoutError::Timeout),
        }
    }

    /// Messages that wait.
    pub fn len(&self) -> usize {
        self.0.state.lock().messages.len()
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.0.state.lock().messages.is_empty()
    }

    /// Messages until none can come.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.recv().ok())
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.state.lock().senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.0.state.lock().receivers += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.change(|state| state.senders -= 1);
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // Nobody can receive what is left: whoever waits for a reply in it must hear so.
        let left = self.0.change(|state| {
            state.receivers -= 1;
            if state.receivers == 0 { std::mem::take(&mut state.messages) } else { VecDeque::new() }
        });
        drop(left);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver")
    }
}
