//! Secrets that an operator replaces while clients and endpoints go on.

use quick_commerce::app::App;
use quick_commerce::config::{Config, Secret};
use quick_commerce::platform::clock::Clock;
use quick_commerce::serve::Running;
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use crate::support::actors::{Actor, Api};
use crate::support::app::{build, serve};
use crate::support::shape::{TestDatabase, config_of};
use crate::support::socket::Frame;
use crate::support::story::{Shop, place_order, seller_with_product};
use crate::support::wait::until;
use crate::support::{Shape, over_both_shapes};
use crate::webhooks::receiver::{Receiver, Says};
use crate::webhooks::{Endpoint, endpoint, nearby};

over_both_shapes! {
    clients_go_on_when_the_secret_of_access_tokens_is_replaced,
    no_token_is_refused_while_that_is_replaced_step_by_step,
    endpoints_go_on_when_the_key_of_their_secrets_is_replaced,
    endpoints_go_on_when_that_key_is_made_of_the_secret_of_access_tokens,
}

const REFRESH: &str = "mutation($input: RefreshTokensInput!) { refreshTokens(input: $input) {
    tokens { accessToken refreshToken } userErrors { code } } }";

const VIEWER: &str = "{ viewer { user { id } } }";

fn secret(text: &str) -> Secret {
    Secret::new(format!("{text}, and of nothing else at all"))
}

/// A server that is ended and started again with other settings, over one database.
struct Place {
    config: Config,
    clock: Clock,
    starts: u64,
    database: TestDatabase,
}

/// It, as long as its settings are the same.
struct Period {
    app: App,
    api: Api,
    running: Running,
}

impl Place {
    async fn new(shape: Shape) -> Self {
        let database = TestDatabase::new(shape).await;
        let mut config = config_of(shape, &database).await;
        nearby(&mut config);
        Self { config, clock: Clock::system(), starts: 0, database }
    }

    async fn start(&mut self) -> Period {
        // each start draws other random numbers
        self.starts += 1;
        let app = build(self.config.clone(), self.clock.clone(), self.starts).await;
        let running = serve(&app).await;
        Period { api: Api::new(app.clone(), running.addr), app, running }
    }
}

impl Period {
    async fn end(self) {
        self.running.stop().await;
    }
}

async fn clients_go_on_when_the_secret_of_access_tokens_is_replaced(shape: Shape) {
    let mut place = Place::new(shape).await;
    let first = place.start().await;
    let customer = first.api.customer().await;
    customer.query(VIEWER, json!({})).await.data();
    first.end().await;

    place.config.jwt_secret = Some(secret("another secret of access tokens"));
    let second = place.start().await;
    let customer = customer.at(&second.api);
    let refused = customer.query(VIEWER, json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (401, "INVALID_TOKEN"));
    let closed = customer.socket_unacknowledged().await.next().await;
    assert!(matches!(closed, Frame::Closed(4403, _)), "{closed:?}");
    // nobody has to sign in again: refresh tokens are random, and known by their hashes
    let refreshed = second.api.anonymous().mutate(REFRESH, json!({ "refreshToken": customer.refresh_token })).await;
    let tokens = &refreshed.ok("refreshTokens")["tokens"];
    let customer = customer.with_token(tokens["accessToken"].as_str().unwrap());
    let viewer = customer.query(VIEWER, json!({})).await;
    assert_eq!(viewer.data()["viewer"]["user"]["id"], customer.user_id.as_str());
    let mut updates = customer.subscribe("subscription { cartUpdates { lines { quantity } } }", json!({})).await;
    assert_eq!(updates.next().await["lines"], json!([]));
    second.end().await;
    drop(place.database);
}

async fn no_token_is_refused_while_that_is_replaced_step_by_step(shape: Shape) {
    let mut place = Place::new(shape).await;
    let (old, new) = (secret("the first secret of access tokens"), secret("another secret of access tokens"));
    let (begun, done) = ((old.clone(), Some(new.clone())), (new.clone(), Some(old.clone())));
    let mut customers: Vec<Actor> = Vec::new();
    // instances go over one by one: while some have come to the next step, others still are where they were
    for (current, also) in [(old, None), begun.clone(), done.clone(), begun, done] {
        (place.config.jwt_secret, place.config.jwt_secret_also) = (Some(current), also);
        let period = place.start().await;
        customers.push(period.api.customer().await);
        for customer in &customers {
            let viewer = customer.at(&period.api).query(VIEWER, json!({})).await;
            assert_eq!(viewer.data()["viewer"]["user"]["id"], customer.user_id.as_str());
        }
        period.end().await;
    }

    place.config.jwt_secret_also = None;
    let last = place.start().await;
    let (newest, first) = (customers.pop().unwrap().at(&last.api), customers.swap_remove(0).at(&last.api));
    assert_eq!(first.query(VIEWER, json!({})).await.code(), "INVALID_TOKEN");
    assert_eq!(newest.query(VIEWER, json!({})).await.data()["viewer"]["user"]["id"], newest.user_id.as_str());
    last.end().await;
    drop(place.database);
}

/// A store whose orders a receiver is told of, and a customer of it.
struct Told {
    admin: Actor,
    customer: Actor,
    shop: Shop,
    receiver: Receiver,
    endpoint: Endpoint,
}

impl Told {
    async fn new(api: &Api) -> Self {
        let (admin, receiver) = tokio::join!(api.admin(), Receiver::start(Says::Status(200)));
        let (shop, customer) = tokio::join!(seller_with_product(api, 10, "40.00"), api.customer());
        let endpoint = endpoint(&admin, &receiver, &["ORDER_CREATED"]).await;
        Self { admin, customer, shop, receiver, endpoint }
    }

    /// Whether the receiver is told of the next order, signed as ever.
    async fn is_told(&self, api: &Api) -> bool {
        let before = self.receiver.received().len();
        place_order(&self.customer.at(api), &self.shop.product_id, 1).await;
        let received = self.receiver.until(before + 1).await;
        received[before].is_signed_with(&self.endpoint.secret)
    }
}

/// The one endpoint's secret, as it is stored.
async fn stored(app: &App) -> String {
    entity::webhook_endpoint::Entity::find().one(app.db.reader()).await.unwrap().unwrap().secret
}

/// Whether that is encrypted as it would be now.
async fn is_current(app: &App) -> bool {
    quick_commerce::webhooks::secrets::is_current(app, &stored(app).await).unwrap()
}

async fn endpoints_go_on_when_that_key_is_made_of_the_secret_of_access_tokens(shape: Shape) {
    let mut place = Place::new(shape).await;
    place.config.webhooks.key = None;
    place.config.jwt_secret = Some(secret("the first secret of access tokens"));
    let first = place.start().await;
    let mut told = Told::new(&first.api).await;
    assert!(told.is_told(&first.api).await);
    first.end().await;

    place.config.jwt_secret_also = place.config.jwt_secret.replace(secret("another secret of access tokens"));
    let second = place.start().await;
    assert!(told.is_told(&second.api).await);
    until(async || is_current(&second.app).await).await;
    second.end().await;

    place.config.jwt_secret_also = None;
    let third = place.start().await;
    told.customer = third.api.customer().await;
    assert!(told.is_told(&third.api).await);
    third.end().await;
    drop(place.database);
}

async fn endpoints_go_on_when_the_key_of_their_secrets_is_replaced(shape: Shape) {
    let mut place = Place::new(shape).await;
    place.config.webhooks.key = Some(secret("the first key"));
    let first = place.start().await;
    let told = Told::new(&first.api).await;
    assert!(told.is_told(&first.api).await);
    let sealed = stored(&first.app).await;
    first.end().await;

    // both, until every secret is encrypted anew: the clean-up does that at the start
    place.config.webhooks.key_before = place.config.webhooks.key.replace(secret("the second key"));
    let second = place.start().await;
    assert!(told.is_told(&second.api).await);
    until(async || is_current(&second.app).await).await;
    assert_ne!(stored(&second.app).await, sealed);
    assert!(told.is_told(&second.api).await);
    second.end().await;

    place.config.webhooks.key_before = None;
    let third = place.start().await;
    assert!(is_current(&third.app).await);
    assert!(told.is_told(&third.api).await);
    // it was the same secret all the time, and nobody was told of another
    let asked = told
        .admin
        .at(&third.api)
        .query("query($id: ID!) { node(id: $id) { ... on WebhookEndpoint { active } } }", json!({ "id": told.endpoint.id }))
        .await;
    assert_eq!(asked.data()["node"], json!({ "active": true }));
    assert!(told.receiver.received().iter().all(|message| message.json() != Value::Null && message.signatures.len() == 1));
    third.end().await;
    drop(place.database);
}
