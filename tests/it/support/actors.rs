//! Those who use the API: anonymous, customer, partner, seller, admin. Each comes in by the front door.

use std::net::SocketAddr;

use domain::access::Actor as Principal;
use domain::id::Kind;
use entity::user;
use quick_commerce::accounts;
use quick_commerce::app::App;
use quick_commerce::config::Secret;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

use super::crowd;
use super::http::{Answer, Http};
use super::processes::unique;
use super::socket::{PROTOCOL, Socket, Subscription};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

const REGISTER: &str = "mutation Register($input: RegisterInput!) { register(input: $input) {
    tokens { accessToken refreshToken } user { id } userErrors { code message field } } }";

const LOGIN: &str = "mutation Login($input: LoginInput!) { login(input: $input) {
    tokens { accessToken refreshToken } user { id } userErrors { code message field } } }";

pub(crate) const SET_AVAILABILITY: &str =
    "mutation SetAvailability($input: SetAvailabilityInput!) { setAvailability(input: $input) {
    user { id } userErrors { code message field } } }";

/// One instance of the server, as clients see it: an address.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    /// The application behind it, for what clients cannot do.
    pub(crate) app: App,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// Plain HTTP to it.
    pub(crate) http: Http,
}

impl Api {
    pub(crate) fn new(app: App, addr: SocketAddr) -> Self {
        Self { app, addr, http: Http::new(addr) }
    }

    /// Somebody who is not signed in.
    pub(crate) fn anonymous(&self) -> Actor {
        Actor { api: self.clone(), token: None, refresh_token: None, user_id: String::new(), email: String::new() }
    }

    /// A new customer.
    pub(crate) async fn customer(&self) -> Actor {
        self.register("customer", json!({})).await
    }

    /// A new partner who is available.
    pub(crate) async fn partner(&self) -> Actor {
        let partner = self.partner_off_duty().await;
        partner.mutate(SET_AVAILABILITY, json!({ "available": true })).await.ok("setAvailability");
        partner
    }

    /// A new partner who has not said that they are available.
    pub(crate) async fn partner_off_duty(&self) -> Actor {
        self.register("partner", json!({ "partner": { "vehicle": "SCOOTER", "vehicleNumber": "KA 01 AB 1234" } })).await
    }

    /// A new seller with a store in the middle of Bengaluru.
    pub(crate) async fn seller(&self) -> Actor {
        let store = json!({ "storeName": "Corner Store", "location": { "latitude": 12.9716, "longitude": 77.5946 } });
        self.register("seller", json!({ "seller": store })).await
    }

    /// A new admin, made as the command line makes them.
    pub(crate) async fn admin(&self) -> Actor {
        let (email, password) = (email("admin"), Secret::new(PASSWORD.to_owned()));
        accounts::service::create_admin(&self.app, &email, &password, "Asha Admin").await.unwrap();
        self.login(&email).await
    }

    /// Signs in somebody who has an account.
    pub(crate) async fn login(&self, email: &str) -> Actor {
        let answer = self.anonymous().mutate(LOGIN, json!({ "email": email, "password": PASSWORD })).await;
        self.signed_in(email, answer.ok("login"))
    }

    /// A client of one of many.
    pub(crate) async fn client_of(&self, person: Principal) -> Actor {
        let email = crowd::email(&person);
        let signed_in = accounts::service::issue_token(&self.app, &email).await.unwrap();
        Actor {
            api: self.clone(),
            token: Some(signed_in.tokens.access.expose().to_owned()),
            refresh_token: Some(signed_in.tokens.refresh.expose().to_owned()),
            user_id: domain::id::encode(Kind::User, person.user),
            email,
        }
    }

    async fn register(&self, role: &str, more: Value) -> Actor {
        let email = email(role);
        let mut input = json!({ "email": email, "password": PASSWORD, "name": format!("Test {role}") });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.anonymous().mutate(REGISTER, input).await;
        self.signed_in(&email, answer.ok("register"))
    }

    fn signed_in(&self, email: &str, payload: &Value) -> Actor {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("a text is missing in {payload}")).to_owned();
        Actor {
            token: Some(text(&payload["tokens"]["accessToken"])),
            refresh_token: Some(text(&payload["tokens"]["refreshToken"])),
            user_id: text(&payload["user"]["id"]),
            email: email.to_owned(),
            api: self.clone(),
        }
    }
}

/// An address that nobody has yet.
pub(crate) fn email(role: &str) -> String {
    format!("{role}-{}@test.example", unique())
}

/// Somebody with a client.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    api: Api,
    /// Their access token; `None` when they are not signed in.
    pub(crate) token: Option<String>,
    /// Their refresh token, which works once.
    pub(crate) refresh_token: Option<String>,
    /// `usr_…`; empty when they are not signed in.
    pub(crate) user_id: String,
    /// What they sign in with, and [`PASSWORD`].
    pub(crate) email: String,
}

impl Actor {
    /// Any operation over HTTP.
    pub(crate) async fn query(&self, document: &str, variables: Value) -> Answer {
        self.try_query(document, variables).await.unwrap()
    }

    /// The same, where no answer is an answer: of a server that is killed.
    ///
    /// # Errors
    /// When no answer came.
    pub(crate) async fn try_query(&self, document: &str, variables: Value) -> Result<Answer, String> {
        self.api.http.graphql(self.token.as_deref(), document, &variables).await
    }

    /// A mutation whose one variable is `$input`.
    pub(crate) async fn mutate(&self, document: &str, input: Value) -> Answer {
        self.query(document, json!({ "input": input })).await
    }

    /// A subscription over a WebSocket of its own.
    pub(crate) async fn subscribe(&self, document: &str, variables: Value) -> Subscription {
        Subscription::start(self.api.addr, self.token.as_deref(), document, &variables).await
    }

    /// A WebSocket on which they are signed in and nothing runs.
    pub(crate) async fn socket(&self) -> Socket {
        Socket::connect(self.api.addr, self.token.as_deref()).await
    }

    /// The same, before it is said whether they are let in.
    pub(crate) async fn socket_unacknowledged(&self) -> Socket {
        let mut socket = Socket::open(self.api.addr, PROTOCOL).await.unwrap();
        let payload = json!({ "Authorization": self.token.as_deref().unwrap_or_default() });
        socket.send(&json!({ "type": "connection_init", "payload": payload })).await;
        socket
    }

    /// Who they are within the process.
    pub(crate) async fn principal(&self) -> Principal {
        let token = self.token.as_deref().expect("they are signed in");
        accounts::service::authenticate(&self.api.app, token).await.unwrap()
    }

    /// Has their address proven, as the link in the mail does.
    pub(crate) async fn prove_address(&self) {
        let (app, id) = (&self.api.app, crowd::uuid(Kind::User, &self.user_id));
        let now = app.clock.db_now(app.db.reader()).await.unwrap();
        let update = user::Entity::update_many().col_expr(user::Column::EmailVerifiedAt, Expr::value(now));
        update.filter(user::Column::Id.eq(id)).exec(app.db.writer()).await.unwrap();
    }

    /// The same person at another instance.
    pub(crate) fn at(&self, api: &Api) -> Self {
        Self { api: api.clone(), ..self.clone() }
    }

    /// The same person with another access token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }
}
