//! Comparing this instance with the log: the bus promises nothing, so what it did not bring is looked for.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::counters::Counters;
use super::engine::Engine;
use crate::platform::error::Result;
use crate::platform::relay;

/// How often the log is looked at while the bus is away: what happens then arrives this late.
const AWAY: Duration = Duration::from_millis(500);

/// Entries of the log that are looked at in one go.
const MAX_ENTRIES: u64 = 5_000;

impl Engine {
    /// Compares with the log until `stop`: at once and often while the bus is away, every so often otherwise.
    pub async fn watch(self, stop: CancellationToken) {
        let mut known: Option<relay::Head> = None;
        let silence = self.app().config.bus_check;
        let bus = &self.app().bus;
        let mut losses = bus.losses();
        loop {
            // what is lost after this is looked for once more
            losses.mark_unchanged();
            let compared = self.compare(known).await;
            Counters::add(&self.counters().comparisons, usize::from(compared.is_ok()));
            let pause = if bus.is_live() && compared.is_ok() { silence } else { AWAY.min(silence) };
            match compared {
                Ok(head) => known = Some(head),
                Err(error) => tracing::warn!(?error, "this instance could not be compared with the log"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                // the groups wait for it
                Ok(()) = losses.changed() => {}
                // a bus that goes is a reason to look at once
                _ = timeout(pause, bus.turned()) => {}
            }
        }
    }

    /// Tells whoever may have missed something; where the log is now.
    async fn compare(&self, known: Option<relay::Head>) -> Result<relay::Head> {
        let app = self.app();
        let head = relay::head(app.db.reader()).await?;
        self.note_epoch(head.epoch);
        let Some(known) = known else {
            self.begin_comparing(head.position);
            // of what came before this, whoever is here already may have missed something
            app.bus.gap();
            return Ok(head);
        };
        if head.position < known.position {
            tracing::warn!("the log has lost what it had");
            self.begin_comparing(head.position);
            app.bus.gap();
            return Ok(head);
        }
        let mut position = known.position;
        let used: HashSet<_> = app.bus.topics_in_use().into_iter().collect();
        while position < head.position {
            let moved = relay::moved(app.db.reader(), position, MAX_ENTRIES).await?;
            if moved.known == position {
                // what there was is no longer kept
                self.begin_comparing(head.position);
                app.bus.gap();
                return Ok(head);
            }
            position = moved.known;
            for (topic, position) in moved.topics.into_iter().filter(|(topic, _)| used.contains(topic)) {
                app.bus.behind(topic, position);
            }
        }
        self.note_compared(head.position);
        Ok(head)
    }
}
