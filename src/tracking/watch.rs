//! What nobody says: that a fix has grown stale or was forgotten, and what the bus lost.

use std::collections::HashMap;
use std::time::Duration;

use domain::event::Topic;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::service::{is_stale, list_fixes};
use crate::app::App;

/// How often is looked: whatever is not said is told this late.
const EVERY: Duration = Duration::from_secs(1);

/// Partners asked about in one go.
const BATCH: usize = 1_000;

/// What was seen of a partner last: when their fix is of, and whether it is stale.
type Sight = Option<(i64, bool)>;

/// Looks where those partners are whom somebody follows at this instance, until `stop`. Nothing is asked of the database.
pub async fn watch(app: App, stop: CancellationToken) {
    stop.run_until_cancelled(async {
        let mut seen = HashMap::new();
        loop {
            seen = look(&app, &seen).await;
            sleep(EVERY).await;
        }
    })
    .await;
}

/// Tells those who follow a partner of whom something else is to be seen than in `seen`; what is to be seen now. Who is told the same
/// twice does not hear it.
async fn look(app: &App, seen: &HashMap<Uuid, Sight>) -> HashMap<Uuid, Sight> {
    let topics = app.bus.topics_in_use().into_iter();
    let partners: Vec<Uuid> =
        topics.filter_map(|topic| if let Topic::Location(partner) = topic { Some(partner) } else { None }).collect();
    let mut now = HashMap::with_capacity(partners.len());
    for partners in partners.chunks(BATCH) {
        for (partner, fix) in partners.iter().zip(list_fixes(app, partners).await) {
            let sight = fix.map(|fix| (fix.recorded_at.timestamp_micros(), is_stale(app, &fix)));
            if seen.get(partner) != Some(&sight) {
                app.bus.whisper_here(Topic::Location(*partner));
            }
            now.insert(*partner, sight);
        }
    }
    now
}
