//! What is open for a session that ended is closed, on every instance.
//!
//! The bus says it at once. It promises nothing, so the log is read as well: after a gap, often while the bus is away, and
//! twice a second besides, since a connection can be dead for a while before anybody knows. When the log cannot say what
//! happened, the sessions are asked, all that are connected here. What this instance knows of who a user is ends the same way.

use std::collections::HashSet;
use std::time::Duration;

use domain::event::Topic;
use serde::Deserialize as _;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::accounts::event::AccessEnded;
use crate::accounts::repo;
use crate::app::App;
use crate::platform::Result;
use crate::platform::bus::{Delivery, Message};
use crate::platform::doors::SignIn;
use crate::platform::relay::{self, Since};

/// How often the log is read while the bus is heard: what it did not bring has to be closed within a second all the same.
/// Mostly one row and an empty index answer.
const POLL: Duration = Duration::from_millis(500);

/// How often it is read while the bus is away.
const POLL_AWAY: Duration = Duration::from_millis(250);

/// Events read at once. If more came, asking the sessions is less work.
const MOST: u64 = 1_000;

/// Sessions asked about in one statement.
const BATCH: usize = 500;

/// Closes the doors of this instance whose sessions end, until `stop`.
pub async fn watch(app: App, stop: CancellationToken) {
    let gaps = Notify::new();
    tokio::select! {
        () = stop.cancelled() => {}
        () = hear(&app, &gaps) => {}
        () = read(&app, &gaps) => {}
    }
}

/// Listens to the bus.
async fn hear(app: &App, gaps: &Notify) {
    loop {
        match app.bus.listen(Topic::Access).await {
            Ok(mut listener) => loop {
                match listener.next().await {
                    Delivery::Message(message) => end(app, &message).await,
                    Delivery::Gap | Delivery::Behind(_) => gaps.notify_one(),
                    Delivery::Whisper => {}
                }
            },
            Err(error) => tracing::warn!(?error, "the ends of sessions are not heard, only read"),
        }
        sleep(POLL).await;
    }
}

/// Reads the log. What the bus brought is read again, and does no harm: a position that only the log moves has no holes
/// before it.
async fn read(app: &App, gaps: &Notify) {
    let mut position = None;
    loop {
        match catch_up(app, position).await {
            Ok(known) => position = Some(known),
            Err(error) => tracing::warn!(?error, "the ends of sessions could not be read; trying again"),
        }
        tokio::select! {
            () = sleep(if app.bus.is_live() { POLL } else { POLL_AWAY }) => {}
            () = gaps.notified() => {}
        }
    }
}

/// Closes what ended after `position`, or whatever has ended when there is none. Gives the position up to which that is done.
async fn catch_up(app: &App, position: Option<i64>) -> Result<i64> {
    let db = app.db.reader();
    // the relay may be held up by a bus that does not answer
    for message in relay::waiting(db, Topic::Access, MOST).await? {
        end(app, &message).await;
    }
    if let Some(position) = position
        && let Since::Messages(messages, known) = relay::since(db, Topic::Access, position, MOST).await?
    {
        for message in &messages {
            end(app, message).await;
        }
        return Ok(known);
    }
    // before the sessions are asked: what ends while they are is after it
    let head = relay::head(db).await?.position;
    app.actors.forget_all();
    check_all(app).await?;
    Ok(head)
}

/// Closes what the event says has ended.
async fn end(app: &App, message: &Message) {
    let AccessEnded { user, session } = match AccessEnded::deserialize(&*message.payload) {
        Ok(ended) => ended,
        Err(error) => return tracing::error!(%error, "an end of sessions cannot be read"),
    };
    app.actors.forget(user);
    if let Some(session) = session {
        app.doors.close(SignIn { user, session });
        return;
    }
    // they may have signed in again since: which sessions ended, the sessions know
    if let Err(error) = check(app, &app.doors.sign_ins_of(user)).await {
        tracing::warn!(?error, "it cannot be told which sessions ended: all of the user's are closed");
        app.doors.close_user(user);
    }
}

/// Closes every door whose session has ended.
async fn check_all(app: &App) -> Result<()> {
    let mut last = None;
    loop {
        let sign_ins = app.doors.sign_ins(last, BATCH);
        let Some(newest) = sign_ins.last() else { return Ok(()) };
        last = Some(*newest);
        check(app, &sign_ins).await?;
    }
}

/// Closes the doors of those of `sign_ins` whose sessions have ended.
async fn check(app: &App, sign_ins: &[SignIn]) -> Result<()> {
    for batch in sign_ins.chunks(BATCH) {
        let ids: Vec<Uuid> = batch.iter().map(|sign_in| sign_in.session).collect();
        let now = app.clock.sql_now(app.db.backend());
        let live = repo::sessions::list_live_sessions(app.db.reader(), &ids, now.clone()).await?;
        let mut live: HashSet<Uuid> = live.into_iter().collect();
        let others: Vec<Uuid> = ids.into_iter().filter(|id| !live.contains(id)).collect();
        if !others.is_empty() {
            live.extend(repo::keys::list_live_keys(app.db.reader(), &others, now).await?);
        }
        for sign_in in batch.iter().filter(|sign_in| !live.contains(&sign_in.session)) {
            app.doors.close(*sign_in);
        }
    }
    Ok(())
}
