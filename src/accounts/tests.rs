//! Accounts over a real database: an SQLite file of its own for each test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_graphql::{Request, Value, value};
use domain::Named as _;
use domain::access::{Actor, Role};
use domain::claims::VehicleType;
use domain::geo::Point;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait as _, EntityTrait as _, QueryOrder as _};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::event::{ACCESS_ENDED, AccessEnded};
use super::partners;
use super::service::{self, PartnerSignup, Registration, SellerSignup, SignedIn, UserChange, UserFilter, closing};
use crate::app::{Ambient, App};
use crate::config::{Config, Secret};
use crate::graphql::build_schema;
use crate::graphql::context::Viewer;
use crate::platform::clock::Clock;
use crate::platform::doors::SignIn;
use crate::platform::error::{Denial, Error};
use crate::platform::ids::Entropy;
use crate::platform::page::PageArgs;

const PASSWORD: &str = "correct horse battery";

/// An application on a database of its own, removed at the end.
struct Shop {
    app: App,
    clock: Clock,
    folder: PathBuf,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Shop {
    async fn open() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let seed = NEXT.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("qc-accounts-{}-{seed}", std::process::id()));
        let url = format!("sqlite://{}/shop.db", folder.display());
        let config = Config::load(None, |name| (name == "DATABASE_URL").then(|| url.clone())).unwrap();
        let clock = Clock::system();
        let app = App::build(config, Ambient { clock: clock.clone(), entropy: Entropy::seeded(seed), ..Ambient::default() })
            .await
            .unwrap();
        app.migrate().await.unwrap();
        Self { app, clock, folder }
    }

    async fn register(&self, email: &str) -> SignedIn {
        service::register(&self.app, None, signup(email)).await.unwrap()
    }

    async fn is_signed_in(&self, who: &SignedIn) -> bool {
        match service::authenticate(&self.app, who.tokens.access.expose()).await {
            Ok(actor) => actor.user == who.user.id,
            Err(Error::Denied(Denial::InvalidToken)) => false,
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn sql(&self, statement: &str) {
        self.app.db.writer().execute_unprepared(statement).await.unwrap();
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn signup(email: &str) -> Registration {
    Registration {
        email: email.to_owned(),
        password: secret(PASSWORD),
        name: "Ana".to_owned(),
        phone: None,
        partner: None,
        seller: None,
    }
}

/// The code and path of a refusal.
fn refusal<T: std::fmt::Debug>(result: crate::platform::Result<T>) -> (&'static str, String, String) {
    match result.unwrap_err() {
        Error::Rejected(rejection) => (rejection.code.name(), rejection.field.join("."), rejection.message),
        other => panic!("{other:?}"),
    }
}

fn code<T: std::fmt::Debug>(result: crate::platform::Result<T>) -> &'static str {
    refusal(result).0
}

#[tokio::test]
async fn whoever_registers_is_signed_in_with_the_role_they_asked_for() {
    let shop = Shop::open().await;
    let customer = shop.register("Ana@Shop.example").await;
    assert_eq!(customer.user.email, "ana@shop.example");
    let actor = service::authenticate(&shop.app, customer.tokens.access.expose()).await.unwrap();
    assert_eq!((actor.user, actor.role, actor.seller), (customer.user.id, Role::Customer, None));

    let partner = PartnerSignup { vehicle: VehicleType::Scooter, vehicle_number: Some(String::new()), license_number: None };
    let seller = SellerSignup { store_name: "Corner".to_owned(), location: Point::new(12.97, 77.59).unwrap() };
    let rider = Registration { partner: Some(partner.clone()), ..signup("rider@shop.example") };
    let rider = service::register(&shop.app, None, rider).await.unwrap();
    let rows = super::repo::list_partners_by_users(shop.app.db.reader(), &[rider.user.id]).await.unwrap();
    assert_eq!((rows[0].is_available, rows[0].capacity, rows[0].vehicle_number.as_deref()), (false, 2, None));

    let store = Registration { seller: Some(seller.clone()), ..signup("store@shop.example") };
    let store = service::register(&shop.app, None, store).await.unwrap();
    let actor = service::authenticate(&shop.app, store.tokens.access.expose()).await.unwrap();
    let row = service::get_seller(shop.app.db.reader(), actor.seller.unwrap()).await.unwrap();
    assert_eq!((actor.role, row.store_name.as_str()), (Role::Seller, "Corner"));

    let both = Registration { partner: Some(partner), seller: Some(seller), ..signup("both@shop.example") };
    assert_eq!(code(service::register(&shop.app, None, both).await), "INVALID_INPUT");
}

#[tokio::test]
async fn a_store_that_is_called_like_anothers_address_is_never_taken_for_theirs() {
    let shop = Shop::open().await;
    let open = async |email: &str, name: &str| {
        let seller = SellerSignup { store_name: name.to_owned(), location: Point::new(12.97, 77.59).unwrap() };
        let signup = Registration { seller: Some(seller), ..signup(email) };
        let signed_in = service::register(&shop.app, None, signup).await.unwrap();
        service::authenticate(&shop.app, signed_in.tokens.access.expose()).await.unwrap().seller.unwrap()
    };
    shop.register("ana@shop.example").await;
    let (real, own) = (open("real@shop.example", "Real").await, open("own@shop.example", "own@shop.example").await);
    let found = async |text: &str| service::find_store(&shop.app, text).await;
    assert_eq!(found("Real@shop.example").await.unwrap().seller, Some(real));
    assert_eq!(found("own@shop.example").await.unwrap().seller, Some(own), "it is their own address");
    let impostor = open("impostor@shop.example", "real@shop.example").await;
    let of_customer = open("other@shop.example", "ana@shop.example").await;
    for ambiguous in ["real@shop.example", "ana@shop.example"] {
        assert_eq!(code(found(ambiguous).await), "INVALID_INPUT", "{ambiguous}");
    }
    // the owner's address in other letters is the owner's all the same: nothing of the kind is their name
    assert_eq!(found("REAL@shop.example").await.unwrap().seller, Some(real));
    for (store, text) in [(real, "Real"), (impostor, "impostor@shop.example"), (of_customer, "other@shop.example")] {
        assert_eq!(found(text).await.unwrap().seller, Some(store), "{text}");
    }
}

#[tokio::test]
async fn a_refused_registration_names_the_input_at_fault() {
    let shop = Shop::open().await;
    let cases = [
        (Registration { email: "nobody".to_owned(), ..signup("") }, "INVALID_INPUT", "email"),
        (Registration { name: " ".to_owned(), ..signup("a@b.example") }, "INVALID_INPUT", "name"),
        (Registration { phone: Some("call me".to_owned()), ..signup("a@b.example") }, "INVALID_INPUT", "phone"),
        (Registration { password: secret("short"), ..signup("a@b.example") }, "WEAK_PASSWORD", "password"),
        (Registration { password: secret("Password123"), ..signup("a@b.example") }, "WEAK_PASSWORD", "password"),
        (Registration { password: secret("A@b.example"), ..signup("a@b.example") }, "WEAK_PASSWORD", "password"),
        (
            Registration {
                partner: Some(PartnerSignup {
                    vehicle: VehicleType::Car,
                    vehicle_number: Some("K".repeat(21)),
                    license_number: None,
                }),
                ..signup("a@b.example")
            },
            "INVALID_INPUT",
            "partner.vehicleNumber",
        ),
    ];
    for (registration, code, field) in cases {
        let (got, at, message) = refusal(service::register(&shop.app, None, registration).await);
        assert_eq!((got, at.as_str()), (code, field), "{message}");
    }
}

#[tokio::test]
async fn of_eight_registrations_of_one_address_one_makes_an_account() {
    let shop = Shop::open().await;
    let tries = (0..8).map(|_| service::register(&shop.app, None, signup("race@shop.example")));
    let (made, refused): (Vec<_>, Vec<_>) = join_all(tries).await.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for result in refused {
        assert_eq!(refusal(result), ("EMAIL_TAKEN", "email".into(), "An account with this e-mail address exists.".into()));
    }
    let args = PageArgs::new(&"users", None, None, None, None).unwrap();
    let page = service::list_users(&shop.app, &UserFilter::default(), &args).await.unwrap();
    assert_eq!(page.rows.len(), 1);
}

#[tokio::test]
async fn a_login_that_fails_does_not_say_why() {
    let shop = Shop::open().await;
    shop.register("ana@shop.example").await;
    shop.register("gone@shop.example").await;
    shop.sql("UPDATE users SET is_active = FALSE WHERE email = 'gone@shop.example'").await;
    let login = async |email: &str, password: &str| service::login(&shop.app, None, email, &secret(password)).await;

    assert!(shop.is_signed_in(&login(" ANA@shop.example", PASSWORD).await.unwrap()).await);
    let wrong = refusal(login("ana@shop.example", "not the password").await);
    assert_eq!((wrong.0, wrong.1.as_str()), ("INVALID_CREDENTIALS", ""));
    assert_eq!(refusal(login("nobody@shop.example", PASSWORD).await), wrong);
    assert_eq!(refusal(login("gone@shop.example", PASSWORD).await), wrong);
    assert_eq!(refusal(login("no address\0", PASSWORD).await), wrong);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_second_use_ends_the_session() {
    let shop = Shop::open().await;
    let first = shop.register("ana@shop.example").await;
    let other = service::login(&shop.app, None, "ana@shop.example", &secret(PASSWORD)).await.unwrap();
    let second = service::refresh(&shop.app, &first.tokens.refresh).await.unwrap();
    let third = service::refresh(&shop.app, &second.tokens.refresh).await.unwrap();
    assert!(shop.is_signed_in(&first).await, "an access token outlives the refresh");
    assert!(shop.is_signed_in(&third).await);

    assert_eq!(code(service::refresh(&shop.app, &secret("unknown")).await), "INVALID_TOKEN");
    assert!(shop.is_signed_in(&third).await, "an unknown token ends nothing");
    assert_eq!(code(service::refresh(&shop.app, &first.tokens.refresh).await), "INVALID_TOKEN");
    assert!(!shop.is_signed_in(&third).await);
    assert_eq!(code(service::refresh(&shop.app, &third.tokens.refresh).await), "INVALID_TOKEN");
    assert!(shop.is_signed_in(&other).await, "the user's other session lives on");
}

#[tokio::test]
async fn of_two_uses_of_a_refresh_token_at_once_one_wins_and_the_session_ends() {
    let shop = Shop::open().await;
    let ana = shop.register("ana@shop.example").await;
    let use_it = || service::refresh(&shop.app, &ana.tokens.refresh);
    let (one, two) = tokio::join!(use_it(), use_it());
    let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
    assert_eq!(code(lost), "INVALID_TOKEN");
    assert!(!shop.is_signed_in(&won.unwrap()).await);
}

#[tokio::test]
async fn tokens_and_sessions_expire() {
    let shop = Shop::open().await;
    let config = &shop.app.config;
    let ana = shop.register("ana@shop.example").await;
    shop.clock.advance(config.access_token);
    assert!(!shop.is_signed_in(&ana).await);
    let ana = service::refresh(&shop.app, &ana.tokens.refresh).await.unwrap();
    assert!(shop.is_signed_in(&ana).await);
    shop.clock.advance(config.refresh_token + Duration::from_secs(1));
    assert_eq!(code(service::refresh(&shop.app, &ana.tokens.refresh).await), "INVALID_TOKEN");

    let mut ana = service::login(&shop.app, None, "ana@shop.example", &secret(PASSWORD)).await.unwrap();
    let (session_end, step) = (shop.clock.now() + config.session, config.refresh_token * 9 / 10);
    while shop.clock.now() + step < session_end {
        shop.clock.advance(step);
        ana = service::refresh(&shop.app, &ana.tokens.refresh).await.unwrap();
        assert!(ana.tokens.refresh_expires_at <= session_end && ana.tokens.access_expires_at <= session_end);
    }
    shop.clock.advance(step);
    assert_eq!(code(service::refresh(&shop.app, &ana.tokens.refresh).await), "INVALID_TOKEN");
}

#[tokio::test]
async fn a_logout_ends_this_session_or_all_of_them() {
    let shop = Shop::open().await;
    let bob = shop.register("bob@shop.example").await;
    let mut sessions = vec![shop.register("ana@shop.example").await];
    for _ in 0..2 {
        sessions.push(service::issue_token(&shop.app, "ana@shop.example").await.unwrap());
    }
    let actor = service::authenticate(&shop.app, sessions[0].tokens.access.expose()).await.unwrap();
    assert_eq!(service::logout(&shop.app, &actor, false).await.unwrap(), 1);
    assert!(!shop.is_signed_in(&sessions[0]).await && shop.is_signed_in(&sessions[1]).await);
    let actor = service::authenticate(&shop.app, sessions[1].tokens.access.expose()).await.unwrap();
    assert_eq!(service::logout(&shop.app, &actor, true).await.unwrap(), 2);
    assert!(!shop.is_signed_in(&sessions[2]).await && shop.is_signed_in(&bob).await);
    assert_eq!(code(service::refresh(&shop.app, &sessions[2].tokens.refresh).await), "INVALID_TOKEN");
}

#[tokio::test]
async fn of_two_who_ask_for_nobodys_password_neither_takes_the_others_place() {
    let shop = Shop::open().await;
    for email in ["nobody@shop.example", "no-one@shop.example"] {
        service::request_password_reset(&shop.app, None, email).await.unwrap();
    }
    let jobs = entity::job::Entity::find().all(shop.app.db.reader()).await.unwrap();
    let keys: Vec<_> = jobs.iter().filter(|job| job.kind == service::mailing::PASSWORD_RESET).map(|job| &job.key).collect();
    assert!(matches!(keys[..], [one, other] if one != other), "{keys:?}");
}

#[tokio::test]
async fn the_role_is_read_from_the_database_and_an_inactive_user_is_out_at_once() {
    let shop = Shop::open().await;
    let ana = shop.register("ana@shop.example").await;
    shop.sql("UPDATE users SET role = 'ADMIN'").await;
    // what was known of them is known for a second, and that has passed
    shop.app.actors.forget_all();
    assert_eq!(service::authenticate(&shop.app, ana.tokens.access.expose()).await.unwrap().role, Role::Admin);
    shop.sql("UPDATE users SET is_active = FALSE").await;
    shop.app.actors.forget_all();
    assert!(!shop.is_signed_in(&ana).await);
    assert_eq!(code(service::refresh(&shop.app, &ana.tokens.refresh).await), "INVALID_TOKEN");
    assert_eq!(code(service::issue_token(&shop.app, "ana@shop.example").await), "NOT_FOUND");
}

/// Waits for what is expected, and not for ever.
async fn soon<T>(expected: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), expected).await.expect("it comes in time")
}

/// The events of ended access, oldest first.
async fn ended(shop: &Shop) -> Vec<AccessEnded> {
    let rows =
        entity::event::Entity::find().order_by_asc(entity::event::Column::Id).all(shop.app.db.reader()).await.unwrap();
    let ended = rows.into_iter().filter(|row| row.kind == ACCESS_ENDED && row.topics == "access");
    ended.map(|row| serde_json::from_value(row.payload).unwrap()).collect()
}

#[tokio::test]
async fn whatever_ends_a_session_says_so_in_the_log() {
    let shop = Shop::open().await;
    let ana = shop.register("ana@shop.example").await;
    let again = service::refresh(&shop.app, &ana.tokens.refresh).await.unwrap();
    assert_eq!(code(service::refresh(&shop.app, &secret("unknown")).await), "INVALID_TOKEN");
    assert_eq!(ended(&shop).await, [], "nothing has ended yet");

    let first = service::authenticate(&shop.app, again.tokens.access.expose()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(code(service::refresh(&shop.app, &ana.tokens.refresh).await), "INVALID_TOKEN");
    }
    let other = service::issue_token(&shop.app, "ana@shop.example").await.unwrap();
    let second = service::authenticate(&shop.app, other.tokens.access.expose()).await.unwrap();
    for _ in 0..2 {
        service::logout(&shop.app, &second, false).await.unwrap();
    }
    service::issue_token(&shop.app, "ana@shop.example").await.unwrap();
    for _ in 0..2 {
        service::logout(&shop.app, &second, true).await.unwrap();
    }
    let user = first.user;
    let of = |session| AccessEnded { user, session };
    assert_eq!(ended(&shop).await, [of(Some(first.session)), of(Some(second.session)), of(None)], "each end once");
}

#[tokio::test]
async fn who_signs_in_again_is_not_shut_out_by_what_ended_before() {
    let shop = Shop::open().await;
    let ana = shop.register("ana@shop.example").await;
    let actor = service::authenticate(&shop.app, ana.tokens.access.expose()).await.unwrap();
    let enter = |session| shop.app.doors.enter(SignIn { user: actor.user, session });
    let (before, nobodys) = (enter(actor.session), enter(shop.app.ids.uuid()));
    let stop = CancellationToken::new();
    let watching = tokio::spawn(closing::watch(shop.app.clone(), stop.clone()));
    // whoever is connected has been asked about, once: what closes from here on, the event closes
    soon(nobodys.closed()).await;
    service::logout(&shop.app, &actor, true).await.unwrap();
    let again = service::issue_token(&shop.app, "ana@shop.example").await.unwrap();
    let again = service::authenticate(&shop.app, again.tokens.access.expose()).await.unwrap();
    let (after, more) = (enter(again.session), enter(actor.session));
    soon(before.closed()).await;
    soon(more.closed()).await;
    assert!(after.closed().now_or_never().is_none());
    stop.cancel();
    watching.await.unwrap();
}

/// A shop with an admin.
async fn shop_with_admin() -> (Shop, Actor) {
    let shop = Shop::open().await;
    service::create_admin(&shop.app, "root@shop.example", &secret(PASSWORD), "Root").await.unwrap();
    let root = service::issue_token(&shop.app, "root@shop.example").await.unwrap();
    let actor = service::authenticate(&shop.app, root.tokens.access.expose()).await.unwrap();
    (shop, actor)
}

const fn no_change(user: Uuid) -> UserChange {
    UserChange { user, role: None, is_active: None, capacity: None }
}

#[tokio::test]
async fn who_is_deactivated_or_given_another_role_is_signed_out() {
    let (shop, root) = shop_with_admin().await;
    let ana = shop.register("ana@shop.example").await;
    let change = |change| service::update_user(&shop.app, root, change);
    change(no_change(ana.user.id)).await.unwrap();
    change(UserChange { role: Some(Role::Customer), is_active: Some(true), ..no_change(ana.user.id) }).await.unwrap();
    assert!(shop.is_signed_in(&ana).await && ended(&shop).await.is_empty(), "what changes nothing ends nothing");

    let admin = change(UserChange { role: Some(Role::Admin), ..no_change(ana.user.id) }).await.unwrap();
    assert_eq!(admin.role.0, Role::Admin);
    assert!(!shop.is_signed_in(&ana).await);
    let ana = service::issue_token(&shop.app, "ana@shop.example").await.unwrap();
    let off = change(UserChange { is_active: Some(false), ..no_change(ana.user.id) }).await.unwrap();
    assert!(!off.is_active && !shop.is_signed_in(&ana).await);
    assert_eq!(ended(&shop).await, [AccessEnded { user: ana.user.id, session: None }; 2]);
    assert_eq!(code(service::issue_token(&shop.app, "ana@shop.example").await), "NOT_FOUND");

    change(UserChange { is_active: Some(true), ..no_change(ana.user.id) }).await.unwrap();
    assert!(!shop.is_signed_in(&ana).await, "an ended session stays ended");
    let ana = service::issue_token(&shop.app, "ana@shop.example").await.unwrap();
    assert_eq!(service::authenticate(&shop.app, ana.tokens.access.expose()).await.unwrap().role, Role::Admin);
}

#[tokio::test]
async fn a_change_that_makes_no_sense_is_refused() {
    let (shop, root) = shop_with_admin().await;
    let ana = shop.register("ana@shop.example").await.user.id;
    let nobody = shop.app.ids.uuid();
    for (change, expected, field) in [
        (UserChange { is_active: Some(false), ..no_change(root.user) }, "INVALID_INPUT", "active"),
        (UserChange { role: Some(Role::Customer), ..no_change(root.user) }, "INVALID_INPUT", "role"),
        (UserChange { role: Some(Role::Partner), ..no_change(ana) }, "INVALID_INPUT", "role"),
        (UserChange { role: Some(Role::Seller), ..no_change(ana) }, "INVALID_INPUT", "role"),
        (UserChange { capacity: Some(3), ..no_change(ana) }, "INVALID_INPUT", "capacity"),
        (UserChange { capacity: Some(0), ..no_change(ana) }, "INVALID_INPUT", "capacity"),
        (no_change(nobody), "NOT_FOUND", "userId"),
    ] {
        let (got, at, message) = refusal(service::update_user(&shop.app, root, change).await);
        assert_eq!((got, at.as_str()), (expected, field), "{change:?}: {message}");
    }
}

#[tokio::test]
async fn of_two_admins_who_take_each_others_rights_one_stays() {
    let (shop, root) = shop_with_admin().await;
    service::create_admin(&shop.app, "two@shop.example", &secret(PASSWORD), "Two").await.unwrap();
    let two = service::issue_token(&shop.app, "two@shop.example").await.unwrap();
    let two = service::authenticate(&shop.app, two.tokens.access.expose()).await.unwrap();
    let demote = |who: Actor, whom: Actor| {
        service::update_user(&shop.app, who, UserChange { role: Some(Role::Customer), ..no_change(whom.user) })
    };
    let (one, other) = tokio::join!(demote(root, two), demote(two, root));
    let late = match (one, other) {
        (Ok(_), Err(late)) | (Err(late), Ok(_)) => late,
        both => panic!("one of them was expected to be late: {both:?}"),
    };
    assert!(matches!(late, Error::Denied(Denial::Forbidden)), "{late:?}");
}

#[tokio::test]
async fn a_partner_who_may_not_deliver_any_more_takes_no_orders() {
    let (shop, root) = shop_with_admin().await;
    let signup = Registration {
        partner: Some(PartnerSignup { vehicle: VehicleType::Van, vehicle_number: None, license_number: None }),
        ..signup("rider@shop.example")
    };
    let rider = service::register(&shop.app, None, signup).await.unwrap();
    let actor = service::authenticate(&shop.app, rider.tokens.access.expose()).await.unwrap();
    let is_available =
        async || super::repo::list_partners_by_users(shop.app.db.reader(), &[actor.user]).await.unwrap()[0].is_available;
    partners::set_availability(&shop.app, actor, true).await.unwrap();
    service::update_user(&shop.app, root, UserChange { capacity: Some(7), ..no_change(actor.user) }).await.unwrap();
    assert!(is_available().await && shop.is_signed_in(&rider).await);
    service::update_user(&shop.app, root, UserChange { is_active: Some(false), ..no_change(actor.user) }).await.unwrap();
    assert!(!is_available().await);
    let late = partners::set_availability(&shop.app, actor, true).await.unwrap_err();
    assert!(matches!(late, Error::Denied(Denial::Forbidden)), "{late:?}");
    assert!(!is_available().await);
}

#[tokio::test]
async fn users_are_listed_by_role_and_text() {
    let shop = Shop::open().await;
    shop.register("ana@shop.example").await;
    let admin = service::create_admin(&shop.app, "root@shop.example", &secret(PASSWORD), "Root 100%").await.unwrap();
    assert_eq!(admin.role.0, Role::Admin);
    let find = async |filter: UserFilter| {
        let args = PageArgs::new(&filter, None, None, None, None).unwrap();
        let page = service::list_users(&shop.app, &filter, &args).await.unwrap();
        assert_eq!(service::count_users(&shop.app, &filter).await.unwrap().0, i32::try_from(page.rows.len()).unwrap());
        page.rows.into_iter().map(|(_, user)| user.email).collect::<Vec<_>>()
    };
    let search = |text: &str| UserFilter { search: Some(text.to_owned()), ..UserFilter::default() };
    assert_eq!(find(UserFilter::default()).await, ["root@shop.example", "ana@shop.example"]);
    assert_eq!(find(UserFilter { role: Some(Role::Admin), ..UserFilter::default() }).await, ["root@shop.example"]);
    assert_eq!(find(search("ANA")).await, ["ana@shop.example"]);
    assert_eq!(find(search("0%")).await, ["root@shop.example"]);
    assert!(find(search("a%a")).await.is_empty());
    assert!(find(UserFilter { available: Some(true), ..UserFilter::default() }).await.is_empty());
}

#[tokio::test]
async fn clients_see_what_is_theirs_to_see() {
    let shop = Shop::open().await;
    let schema = build_schema(&shop.app);
    let ask = async |text: &str, token: Option<&str>| -> Value {
        let viewer = match token {
            Some(token) => Some(service::authenticate(&shop.app, token).await.unwrap()),
            None => None,
        };
        let answer = schema.execute(Request::new(text).data(Viewer(viewer))).await;
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        answer.data
    };
    let user = "user { email phone partner { vehicle available capacity } addresses { id } }";
    let register = r#"mutation { register(input: { email: "rider@shop.example", password: "correct horse battery",
        name: "Ravi", phone: "+91 80 1234 5678", partner: { vehicle: ON_FOOT } })
        { tokens { accessToken tokenType } USER userErrors { code field } } }"#;
    let answer = ask(&register.replace("USER", user), None).await.into_json().unwrap();
    let payload = &answer["register"];
    assert_eq!(payload["user"]["email"], "rider@shop.example", "whoever registers sees themselves: {payload}");
    assert_eq!(payload["tokens"]["tokenType"], "Bearer");
    let token = payload["tokens"]["accessToken"].as_str().unwrap();

    assert_eq!(ask("{ viewer { user { id } } }", None).await, value!({ "viewer": null }));
    let seen = ask(&format!("{{ viewer {{ {user} }} }}"), Some(token)).await;
    let partner = value!({ "vehicle": "ON_FOOT", "available": false, "capacity": 2 });
    let own = value!({ "email": "rider@shop.example", "phone": "+918012345678", "partner": partner, "addresses": [] });
    assert_eq!(seen, value!({ "viewer": { "user": own } }));

    let refused = r#"mutation { register(input: { email: "s@shop.example", password: "correct horse battery", name: "S",
        seller: { storeName: " ", location: { latitude: 1, longitude: 1 } } }) { user { id } userErrors { code field } } }"#;
    let errors = value!([{ "code": "INVALID_INPUT", "field": ["seller", "storeName"] }]);
    assert_eq!(ask(refused, None).await, value!({ "register": { "user": null, "userErrors": errors } }));

    let logout = ask("mutation { logout { sessionsEnded userErrors { code } } }", Some(token)).await;
    assert_eq!(logout, value!({ "logout": { "sessionsEnded": 1, "userErrors": [] } }));
    let nobody = schema.execute("mutation { logout { sessionsEnded } }").await;
    let code = nobody.errors[0].extensions.as_ref().and_then(|extensions| extensions.get("code").cloned());
    assert_eq!(code, Some(value!("UNAUTHENTICATED")));
}
