//! Looking every so often for what is due, and ending it.
//!
//! Every instance sweeps, so what a sweep does must be a conditional change that is made once however many try.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::error::Result;

/// How often is looked: what is due ends within a second of its time, the sweep itself included.
const EVERY: Duration = Duration::from_millis(250);

/// Ended in one sweep; the next follows at once when there are more.
pub const BATCH: u64 = 100;

/// What a sweep came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// How many were due.
    pub found: usize,
    /// Those of them that need no other look.
    pub ended: usize,
}

impl Swept {
    /// Whether there may be more, and something can be done about them: when nothing can, not again at once.
    const fn is_full(self) -> bool {
        self.found as u64 == BATCH && self.ended > 0
    }
}

/// Sweeps until `stop`. `what` is swept, for the log.
pub async fn run<Sweep>(stop: CancellationToken, what: &'static str, sweep: impl Fn() -> Sweep)
where
    Sweep: Future<Output = Result<Swept>>,
{
    loop {
        let is_full = match sweep().await {
            Ok(swept) => swept.is_full(),
            Err(error) => {
                tracing::warn!(?error, what, "a sweep could not be made; trying again");
                false
            }
        };
        let pause = if is_full { Duration::ZERO } else { EVERY };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Cleans up by `once` until `stop`: at once, and then after each `pause`. `what` is cleaned up, for the log. Instances may do so at
/// once: what one removed, the other does not find.
pub async fn clean_up<Once>(pause: Duration, stop: CancellationToken, what: &'static str, once: impl Fn() -> Once)
where
    Once: Future<Output = Result<()>>,
{
    loop {
        if let Err(error) = once().await {
            tracing::warn!(?error, what, "what is old could not be cleaned up; trying again later");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Ends each of `due` by `end`. One that cannot be ended is logged as `what`, by its `id`, and does not keep the others waiting.
pub async fn each<'a, Due, End>(
    due: &'a [Due],
    what: &'static str,
    id: impl Fn(&Due) -> Uuid,
    end: impl Fn(&'a Due) -> End,
) -> Swept
where
    End: Future<Output = Result<()>>,
{
    let mut ended = 0;
    for one in due {
        match end(one).await {
            Ok(()) => ended += 1,
            Err(error) => tracing::warn!(?error, id = %id(one), what, "what is due could not be ended"),
        }
    }
    Swept { found: due.len(), ended }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_sweep_follows_at_once_when_there_is_more_that_can_be_done() {
        let full = usize::try_from(BATCH).unwrap();
        assert!(Swept { found: full, ended: 1 }.is_full());
        assert!(!Swept { found: full, ended: 0 }.is_full(), "a hundred that always fail would be tried without a pause");
        assert!(!Swept { found: full - 1, ended: full - 1 }.is_full());
    }
}
