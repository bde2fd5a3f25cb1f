//! What one connection has yet to be sent: bounded, and fair among its operations.
//!
//! Two kinds of senders use it. A group hands over shared frames and never waits: when there is no room its subscriber has
//! fallen behind, and is brought up from the log later. An operation's own task waits for its last answer to be taken before
//! it adds another, so that one that always has something to say takes turns with its neighbours.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::config::SendQueueBudget;
use crate::graphql::scalars::EventCursor;

/// One answer of a subscription, ready to be sent: the same bytes for everybody who asked the same.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The result as JSON: `{"data":…}`.
    pub body: Bytes,
    /// Where the stream is after it, if it can be resumed.
    pub cursor: Option<EventCursor>,
}

/// What is said to an operation.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The next result.
    Next(Frame),
    /// It was refused, or could not go on: its errors as a JSON list. Nothing comes after.
    Errors(Bytes),
    /// It has come to its end. Nothing comes after.
    Complete,
}

/// An answer to an operation of this connection.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The number that the connection gave the operation.
    pub operation: u32,
    /// What it is told.
    pub answer: Answer,
}

/// The connection is over, or the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

#[derive(Debug)]
struct Entry {
    outgoing: Outgoing,
    since: Instant,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Nobody takes anything any more.
    is_closed: bool,
    /// Why the connection must end, where somebody else but its two ends said so.
    verdict: Option<Verdict>,
    /// Senders that wait for something to be taken.
    waiting: usize,
}

/// Why a connection must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its client reads more slowly than events come. It may come back and resume.
    TooSlow,
    /// Something of it could not go on for now. It may come back and resume.
    TryAgain,
    /// Its client may not have it any more.
    Forbidden,
}

/// What one connection has yet to be sent.
#[derive(Debug)]
pub struct SendQueue {
    state: Mutex<State>,
    filled: Notify,
    taken: Notify,
    budget: SendQueueBudget,
}

impl SendQueue {
    /// An empty one.
    #[must_use]
    pub fn new(budget: SendQueueBudget) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), filled: Notify::new(), taken: Notify::new(), budget })
    }

    /// Takes the oldest answer out, if there is one.
    pub fn try_next(&self) -> Option<Outgoing> {
        let mut state = self.lock();
        let entry = state.entries.pop_front()?;
        state.bytes = state.bytes.saturating_sub(size(&entry.outgoing));
        if state.entries.is_empty() {
            // most connections are quiet most of the time, and there are many of them
            state.entries = VecDeque::new();
        }
        let is_awaited = state.waiting > 0;
        drop(state);
        if is_awaited {
            self.taken.notify_waiters();
        }
        Some(entry.outgoing)
    }

    /// Takes the oldest answer out once there is one, or says why the connection must end. What is dropped while it waits
    /// has taken nothing.
    ///
    /// # Errors
    /// The verdict, at once, whatever is waiting.
    pub async fn next(&self) -> Result<Outgoing, Verdict> {
        loop {
            let filled = self.filled.notified();
            if let Some(verdict) = self.lock().verdict {
                return Err(verdict);
            }
            if let Some(outgoing) = self.try_next() {
                return Ok(outgoing);
            }
            filled.await;
        }
    }

    /// Resolves with the verdict once there is one, and takes nothing out.
    pub async fn condemned(&self) -> Verdict {
        loop {
            let filled = self.filled.notified();
            if let Some(verdict) = self.verdict() {
                return verdict;
            }
            filled.await;
        }
    }

    /// Puts a shared frame in, unless there is no room for it.
    #[must_use]
    pub fn offer(&self, operation: u32, frame: Frame) -> bool {
        let state = self.lock();
        if state.is_closed || !self.has_room(&state, frame.body.len()) {
            return false;
        }
        self.push(state, Outgoing { operation, answer: Answer::Next(frame) })
    }

    /// Puts a frame in, in place of an older one of the same operation that was not sent yet.
    #[must_use]
    pub fn replace(&self, operation: u32, frame: Frame) -> bool {
        let mut state = self.lock();
        let older = state.entries.iter_mut().find_map(|entry| match &mut entry.outgoing {
            Outgoing { operation: of, answer: Answer::Next(older) } if *of == operation => Some(older),
            _ => None,
        });
        if let Some(older) = older {
            let (before, after) = (older.body.len(), frame.body.len());
            *older = frame;
            state.bytes = (state.bytes + after).saturating_sub(before);
            return true;
        }
        drop(state);
        self.offer(operation, frame)
    }

    /// Puts an operation's own answer in once there is room and its last one was taken.
    ///
    /// # Errors
    /// When the connection is over.
    pub async fn send(&self, operation: u32, answer: Answer) -> Result<(), Gone> {
        let outgoing = Outgoing { operation, answer };
        let _waiting = Waiting::new(self);
        loop {
            let taken = self.taken.notified();
            {
                let state = self.lock();
                if state.is_closed {
                    return Err(Gone);
                }
                let is_its_turn = !state.entries.iter().any(|entry| entry.outgoing.operation == operation);
                if is_its_turn && (state.entries.is_empty() || self.has_room(&state, size(&outgoing))) {
                    self.push(state, outgoing);
                    return Ok(());
                }
            }
            taken.await;
        }
    }

    /// Puts an operation's last word in, room or not: it is small, and comes once.
    pub fn finish(&self, operation: u32, answer: Answer) {
        let state = self.lock();
        if !state.is_closed {
            self.push(state, Outgoing { operation, answer });
        }
    }

    /// Resolves once half of the room is free again.
    ///
    /// # Errors
    /// When the connection is over.
    pub async fn drained(&self) -> Result<(), Gone> {
        let _waiting = Waiting::new(self);
        loop {
            let taken = self.taken.notified();
            {
                let state = self.lock();
                if state.is_closed {
                    return Err(Gone);
                }
                if state.bytes <= self.budget.bytes / 2 && self.is_young(&state) {
                    return Ok(());
                }
            }
            taken.await;
        }
    }

    /// Forgets what waits for an operation that its client has stopped.
    pub fn forget(&self, operation: u32) {
        let mut state = self.lock();
        let mut freed = 0;
        state.entries.retain(|entry| {
            let is_kept = entry.outgoing.operation != operation;
            freed += if is_kept { 0 } else { size(&entry.outgoing) };
            is_kept
        });
        state.bytes = state.bytes.saturating_sub(freed);
        drop(state);
        self.taken.notify_waiters();
    }

    /// Why it must end, if it must.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.lock().verdict
    }

    /// How long a reader who has fallen behind is waited for.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.budget.age * 3
    }

    /// Has the connection end, as soon as its task looks.
    pub fn condemn(&self, verdict: Verdict) {
        self.lock().verdict.get_or_insert(verdict);
        self.filled.notify_one();
    }

    /// Ends it: nothing can be put in any more, and whoever waits is told.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.entries = VecDeque::new();
        state.bytes = 0;
        drop(state);
        self.taken.notify_waiters();
    }

    fn push(&self, mut state: MutexGuard<'_, State>, outgoing: Outgoing) -> bool {
        state.bytes += size(&outgoing);
        state.entries.push_back(Entry { outgoing, since: Instant::now() });
        drop(state);
        self.filled.notify_one();
        true
    }

    fn has_room(&self, state: &State, more: usize) -> bool {
        state.bytes + more <= self.budget.bytes && self.is_young(state)
    }

    fn is_young(&self, state: &State) -> bool {
        state.entries.front().is_none_or(|oldest| oldest.since.elapsed() <= self.budget.age)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a sender that waits, as long as it does.
struct Waiting<'a>(&'a SendQueue);

impl<'a> Waiting<'a> {
    fn new(queue: &'a SendQueue) -> Self {
        queue.lock().waiting += 1;
        Self(queue)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}

fn size(outgoing: &Outgoing) -> usize {
    match &outgoing.answer {
        Answer::Next(frame) => frame.body.len(),
        Answer::Errors(errors) => errors.len(),
        Answer::Complete => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: SendQueueBudget = SendQueueBudget { bytes: 100, age: Duration::from_secs(10) };

    fn frame(size: usize) -> Frame {
        Frame { body: Bytes::from(vec![b'x'; size]), cursor: None }
    }

    fn next(operation: u32, size: usize) -> (u32, Answer) {
        (operation, Answer::Next(frame(size)))
    }

    #[test]
    fn what_is_too_much_is_not_taken() {
        let queue = SendQueue::new(BUDGET);
        assert!(queue.offer(1, frame(60)) && !queue.offer(2, frame(41)) && queue.offer(2, frame(40)));
        assert_eq!(queue.try_next().unwrap().operation, 1);
        assert!(queue.offer(3, frame(60)), "room again");
        queue.forget(2);
        assert_eq!(queue.try_next().unwrap().operation, 3, "what its client stopped is not sent");
        assert!(queue.try_next().is_none());
        queue.close();
        assert!(!queue.offer(1, frame(1)));
    }

    #[test]
    fn what_has_waited_for_too_long_lets_nothing_more_in() {
        let queue = SendQueue::new(SendQueueBudget { age: Duration::ZERO, ..BUDGET });
        assert!(queue.offer(1, frame(1)));
        let since = Instant::now();
        while since.elapsed().is_zero() {}
        assert!(!queue.offer(1, frame(1)));
        queue.try_next();
        assert!(queue.offer(1, frame(1)));
    }

    #[tokio::test]
    async fn operations_take_turns() {
        let queue = SendQueue::new(BUDGET);
        let busy = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { while queue.send(1, next(1, 10).1).await.is_ok() {} }
        });
        let mut heard = vec![queue.next().await.unwrap().operation];
        queue.send(2, next(2, 10).1).await.unwrap();
        while heard.last() != Some(&2) {
            heard.push(queue.next().await.unwrap().operation);
        }
        assert!(heard.len() <= 3, "the neighbour waits for one answer of the other at the most: {heard:?}");
        queue.close();
        busy.await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_larger_than_the_room_is_sent_alone() {
        let queue = SendQueue::new(BUDGET);
        queue.send(1, next(1, 500).1).await.unwrap();
        let second = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.send(2, next(2, 500).1).await }
        });
        assert_eq!(queue.next().await.unwrap().operation, 1);
        assert_eq!(queue.next().await.unwrap().operation, 2);
        second.await.unwrap().unwrap();
        queue.condemn(Verdict::TooSlow);
        assert_eq!(queue.next().await.unwrap_err(), Verdict::TooSlow);
    }

    #[test]
    fn the_newest_takes_the_place_of_an_older_one() {
        let queue = SendQueue::new(BUDGET);
        assert!(queue.replace(1, frame(60)) && queue.replace(1, frame(90)) && queue.offer(2, frame(10)));
        let Outgoing { answer: Answer::Next(first), .. } = queue.try_next().unwrap() else { panic!() };
        assert_eq!(first.body.len(), 90);
        assert_eq!(queue.try_next().unwrap().operation, 2);
    }
}
