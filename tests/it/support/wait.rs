//! Waiting for what nobody announces.

use std::time::Duration;

/// How long anything may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(5);

/// Waits until `holds` says yes. Where there is an event to wait for, that is better.
pub(crate) async fn until<Answer: Future<Output = bool>>(holds: impl Fn() -> Answer) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes true in time");
}
