//! As many sockets as there may be, with nothing to do; then one event for all of them.

use super::{Bench, complain, memory, say};
use crate::Outcome;
use crate::api::Api;
use crate::clock::now_us;
use crate::report::Idle;
use crate::server::Server;
use crate::stats::each;

/// Opens `count` sockets at as many instances as are needed for them.
///
/// # Errors
/// When a server or the crowd fails.
pub(super) async fn measure(bench: &Bench, count: usize) -> Outcome<Idle> {
    let instances = bench.options.instances.unwrap_or_else(|| count.div_ceil(bench.machine.room())).max(1);
    say(&format!("{count} idle sockets at {instances} instance(s)"));
    let is_alone = instances == 1 && bench.options.database_url.is_none();
    let site = if is_alone { bench.program.embedded()? } else { bench.shared()? };
    let people = site.people().await?;
    let servers = (0..instances).map(|_| site.start()).collect::<Outcome<Vec<_>>>()?;
    let servers: Vec<&Server> = servers.iter().collect();
    let api = Api::new(servers.first().ok_or("no server was started")?.addr());
    bench.warm_up(&servers, &api, &people, count).await?;
    let before = memory(&servers).await?;
    let begun_us = now_us();
    let (mut crowd, opened) = bench.open(&servers, &people, count).await?;
    let opening_us = now_us() - begun_us;
    let after = memory(&servers).await?;
    crowd.begin(false).await?;
    let begun_us = now_us();
    api.offer(&people).await?;
    let seen = crowd.seen(1).await?;
    complain(&seen, 1, usize::try_from(opened.open)?);
    #[expect(clippy::cast_precision_loss, reason = "memory of a machine is far below 2^53 bytes")]
    let grown = after.saturating_sub(before) as f64;
    Ok(Idle {
        sockets: opened.open,
        failed: opened.failed,
        instances,
        memory: after,
        memory_each: each(grown, opened.open),
        opening_us,
        reached: seen.complete,
        reached_us: seen.last_us - begun_us,
        memory_afterwards: memory(&servers).await?,
    })
}
