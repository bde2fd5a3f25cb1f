use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::accounts::service::{self, Registration, SignedIn, closing};
use crate::app::Ambient;
use crate::config::Config;
use crate::platform::clock::Clock;

/// An application on an SQLite file of its own, and somebody who is signed in.
struct Shop {
    app: App,
    clock: Clock,
    folder: PathBuf,
    ana: SignedIn,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Shop {
    async fn open(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("qc-session-{name}-{}", std::process::id()));
        let url = format!("sqlite://{}/qc.db", folder.display());
        let config = Config::load(None, |key| (key == "DATABASE_URL").then(|| url.clone())).unwrap();
        let ambient = Ambient::default();
        let clock = ambient.clock.clone();
        let app = App::build(config, ambient).await.unwrap();
        app.migrate().await.unwrap();
        let ana = Registration {
            email: "ana@shop.example".to_owned(),
            password: Secret::new("correct horse battery".to_owned()),
            name: "Ana".to_owned(),
            phone: None,
            partner: None,
            seller: None,
        };
        let ana = service::register(&app, None, ana).await.unwrap();
        Self { app, clock, folder, ana }
    }

    fn token(&self) -> Secret {
        self.ana.tokens.access.clone()
    }

    async fn begun(&self) -> Session {
        let session = Session::new(self.app.clone());
        session.begin_with_token(Some(self.token())).await.unwrap();
        session
    }

    async fn log_out(&self) {
        let actor = service::authenticate(&self.app, self.token().expose()).await.unwrap();
        assert_eq!(service::logout(&self.app, &actor, false).await.unwrap(), 1);
    }
}

/// Waits for what is expected, and not for ever.
async fn soon<T>(expected: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), expected).await.expect("it comes in time")
}

fn has_ended(session: &Session) -> bool {
    session.ended().now_or_never().is_some()
}

#[tokio::test]
async fn a_session_that_ends_before_its_door_is_entered_is_refused() {
    let shop = Shop::open("before").await;
    // the token was read by whoever sent it; its session ends, and everybody is told, before there is a door
    shop.log_out().await;
    let session = Session::new(shop.app.clone());
    assert_eq!(session.begin_with_token(Some(shop.token())).await.unwrap_err().code(), "INVALID_TOKEN");
    assert!(shop.app.doors.is_empty(), "a refusal leaves no door");
}

#[tokio::test]
async fn a_session_that_ends_between_the_door_and_the_question_is_refused() {
    let shop = Shop::open("between").await;
    let standing = Standing::enter(&shop.app, shop.token()).await.unwrap();
    shop.log_out().await;
    assert_eq!(standing.actor(&shop.app).await.unwrap_err().code(), "INVALID_TOKEN");
}

#[tokio::test]
async fn a_session_that_ends_after_the_question_finds_the_door() {
    let shop = Shop::open("after").await;
    let (stop, session) = (CancellationToken::new(), Session::new(shop.app.clone()));
    let standing = Standing::enter(&shop.app, shop.token()).await.unwrap();
    standing.actor(&shop.app).await.unwrap();
    // told before anybody waits for it
    shop.log_out().await;
    let watching = tokio::spawn(closing::watch(shop.app.clone(), stop.clone()));
    soon(standing.door.closed()).await;
    assert!(session.standing.set(Some(standing)).is_ok());
    soon(session.ended()).await;
    stop.cancel();
    watching.await.unwrap();
}

#[tokio::test]
async fn a_session_that_ends_is_noticed_within_a_second_though_nothing_is_heard() {
    let shop = Shop::open("unheard").await;
    assert!(shop.app.bus.is_live(), "it is taken for one that works, but nobody relays");
    let stop = CancellationToken::new();
    let first = shop.begun().await;
    let watching = tokio::spawn(closing::watch(shop.app.clone(), stop.clone()));
    shop.log_out().await;
    soon(first.ended()).await;
    // what ends now has just been missed: it waits for the next look
    let again = service::issue_token(&shop.app, "ana@shop.example").await.unwrap();
    let second = Session::new(shop.app.clone());
    second.begin_with_token(Some(again.tokens.access.clone())).await.unwrap();
    let actor = service::authenticate(&shop.app, again.tokens.access.expose()).await.unwrap();
    service::logout(&shop.app, &actor, false).await.unwrap();
    // a second, as this machine has them: asking takes its time as well
    let mut looks = 0;
    while !has_ended(&second) {
        looks += 1;
        assert!(looks <= 10, "five seconds and more");
        tokio::time::sleep(Duration::from_millis(500)).await;
        shop.app.db.ping().await.unwrap();
    }
    stop.cancel();
    watching.await.unwrap();
}

#[tokio::test]
async fn a_session_ends_when_its_token_expires() {
    let shop = Shop::open("expiry").await;
    let session = shop.begun().await;
    assert_eq!(session.viewer().await.unwrap().0.unwrap().user, shop.ana.user.id);
    shop.clock.advance(shop.app.config.access_token.saturating_sub(Duration::from_secs(5)));
    assert!(!has_ended(&session));
    let ended = session.ended();
    shop.clock.advance(Duration::from_secs(5));
    soon(ended).await;
    assert_eq!(session.viewer().await.unwrap_err().code(), "INVALID_TOKEN");
}

#[tokio::test]
async fn a_door_is_open_as_long_as_its_session_lasts() {
    let shop = Shop::open("door").await;
    let session = shop.begun().await;
    let copy = session.clone();
    drop(session);
    assert_eq!(shop.app.doors.len(), 1);
    drop(copy);
    assert!(shop.app.doors.is_empty());
}

#[tokio::test]
async fn nobodys_session_never_ends() {
    let shop = Shop::open("nobody").await;
    let session = Session::new(shop.app.clone());
    assert!(!has_ended(&session), "it has not begun");
    assert_eq!(session.begin(&json!({ "Authorization": "" })).await.unwrap(), None);
    shop.clock.advance(Duration::from_hours(24));
    assert!(!has_ended(&session) && shop.app.doors.is_empty());
    assert_eq!(session.viewer().await.unwrap().0, None);
}
