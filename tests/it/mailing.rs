//! Whom mails and text messages reach, and whom they do not.

use std::sync::{Arc, Mutex};

use entity::job;
use quick_commerce::config::{Secret, SmsSettings};
use quick_commerce::notifications::sending;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use crate::notifications::{give_phone, scene_with};
use crate::recovery::REQUEST_RESET;
use crate::support::mail::letter_in;
use crate::support::story::{ASSIGN_ORDER, key, ready_order};
use crate::support::wait::until;
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    a_provider_that_says_nothing_holds_up_no_reset,
}

/// A provider of text messages at `url`.
fn provider(url: String) -> Option<SmsSettings> {
    Some(SmsSettings { url: Secret::new(url), token: None, body: json!({ "to": "{to}", "text": "{text}" }) })
}

/// A server that lets everybody in and says nothing; gone with this value.
#[derive(Debug)]
struct Silent {
    url: String,
    guests: Arc<Mutex<Vec<TcpStream>>>,
    _accepting: AbortOnDropHandle<()>,
}

impl Silent {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/messages", listener.local_addr().unwrap());
        let guests: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let all = Arc::clone(&guests);
        let accepting = tokio::spawn(async move {
            while let Ok((guest, _)) = listener.accept().await {
                all.lock().unwrap().push(guest);
            }
        });
        Self { url, guests, _accepting: AbortOnDropHandle::new(accepting) }
    }

    fn guests(&self) -> usize {
        self.guests.lock().unwrap().len()
    }
}

async fn a_provider_that_says_nothing_holds_up_no_reset(shape: Shape) {
    // more than any worker has hands, twice over: those behind them would wait until two of them were given up
    const TEXTS: u64 = 24;
    let silent = Silent::start().await;
    let (app, shop, customer, partner) = scene_with(shape, |config| {
        config.sms = provider(silent.url.clone());
        config.partner_capacity = 100;
    })
    .await;
    let admin = app.admin().await;
    give_phone(&app.app, &partner, "+918055501234").await;
    for _ in 0..TEXTS {
        let order = ready_order(&shop, &customer).await;
        let assign = json!({ "idempotencyKey": key(), "orderId": order, "partnerId": partner.user_id });
        admin.mutate(ASSIGN_ORDER, assign).await.ok("assignOrder");
    }
    let waiting = || job::Entity::find().filter(job::Column::Kind.eq(sending::SMS)).count(app.app.db.reader());
    until(async || waiting().await.unwrap() == TEXTS && silent.guests() > 1).await;
    app.anonymous().mutate(REQUEST_RESET, json!({ "email": customer.email })).await.ok("requestPasswordReset");
    letter_in(&app.app.config.mail.folder, &customer.email, "password", &[]).await;
}
