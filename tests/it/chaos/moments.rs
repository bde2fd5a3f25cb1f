//! A server is killed in the very middle of each kind of background work: while it writes down what it does, and when that is done
//! and only its end is not written down. Another does it again, and nobody sees anything lost or doubled.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::money::Currency;
use domain::order::{OrderEventType, OrderStatus, PaymentMethod};
use entity::{
    Text, event, job, notification, order, order_event, partner_location, promo, refresh_token, skipped_event,
    webhook_delivery,
};
use quick_commerce::accounts::service::mailing;
use quick_commerce::app::App;
use quick_commerce::notifications::sending as notifying;
use quick_commerce::payments::sandbox::{self, Choice};
use quick_commerce::payments::service as payments;
use quick_commerce::platform::{consumers, sweep};
use quick_commerce::serve;
use quick_commerce::webhooks::sending as webhooks;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _,
};
use serde_json::json;

use super::snare::Snare;
use super::traps::{PATIENCE, Trap, Traps};
use super::world::{People, World};
use crate::support::actors::Actor;
use crate::support::wait::{until, until_or};
use crate::support::{Shape, over_both_shapes};

over_both_shapes! {
    a_job_that_is_killed_in_its_middle_or_at_its_end_is_done_again_and_seen_once,
    a_reader_of_the_log_that_is_killed_is_followed_by_another_that_goes_on_where_it_was,
    a_sweep_that_is_killed_is_done_once_all_the_same,
    what_is_kept_and_what_is_removed_is_right_though_each_is_killed_at_it,
}

/// An order of so many pieces the sums do not take, for a while.
const TOO_MANY: i32 = 20;

/// Kills every server while it is in each of `traps`, which `work` leads it into; then others do what is left.
///
/// Over PostgreSQL it is in all of them at once. Over SQLite it is in one after the other, since nobody writes while it is in one: there
/// is work for each of them, by its number, which leaves no server alive, and the server comes to it when it is started.
async fn strike(world: &mut World, traps: Vec<Trap>, work: impl AsyncFn(&mut World, usize)) {
    if world.is_embedded() {
        for (turn, trap) in traps.into_iter().enumerate() {
            work(world, turn).await;
            let snare = Snare::set(&world.people.app, trap).await;
            world.let_leases_end().await;
            world.stage.start_all_again();
            snare.until_sprung().await;
            world.stage.kill_all();
            snare.take_away().await;
            world.let_leases_end().await;
            world.stage.start_all_again();
        }
    } else {
        let traps = Traps::set(&world.people.app, traps).await;
        work(world, 0).await;
        traps.until_sprung().await;
        world.stage.kill_all();
        traps.take_away().await;
        world.let_leases_end().await;
        world.stage.start_all_again();
    }
    world.stage.recover().await;
    world.settle().await;
}

/// Kills the server where [`strike`] has work leave none alive.
fn rest(world: &mut World) {
    if world.is_embedded() {
        world.stage.kill_all();
    }
}

/// Has the sums not take one event, and a claim not be ended: both are set aside.
async fn refuse(app: &App) {
    let refusals = if app.config.is_embedded() {
        [
            "CREATE TRIGGER refuse_sums BEFORE INSERT ON sales_orders WHEN NEW.total_minor > 50000
                BEGIN SELECT RAISE(ABORT, 'not now'); END",
            "CREATE TRIGGER refuse_ends BEFORE INSERT ON order_events WHEN NEW.type = 'CLAIM_EXPIRED'
                BEGIN SELECT RAISE(ABORT, 'not now'); END",
        ]
    } else {
        [
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
                CREATE TRIGGER refuse_sums BEFORE INSERT ON sales_orders FOR EACH ROW WHEN (NEW.total_minor > 50000)
                EXECUTE FUNCTION refuse()",
            "CREATE TRIGGER refuse_ends BEFORE INSERT ON order_events FOR EACH ROW WHEN (NEW.type = 'CLAIM_EXPIRED')
                EXECUTE FUNCTION refuse()",
        ]
    };
    for refusal in refusals {
        app.db.writer().execute_unprepared(refusal).await.unwrap();
    }
}

/// Takes that back.
async fn allow(app: &App) {
    let allowances = if app.config.is_embedded() {
        ["DROP TRIGGER refuse_sums", "DROP TRIGGER refuse_ends"]
    } else {
        ["DROP TRIGGER refuse_sums ON sales_orders", "DROP TRIGGER refuse_ends ON order_events; DROP FUNCTION refuse()"]
    };
    for allowance in allowances {
        app.db.writer().execute_unprepared(allowance).await.unwrap();
    }
}

/// An order too large for the sums, and a claim that cannot be ended, until both are set aside.
async fn set_aside(world: &World, round: usize) {
    let people = &world.people;
    people.place(round, PaymentMethod::CashOnDelivery, TOO_MANY).await;
    let (held, _) = people.place(round, PaymentMethod::CashOnDelivery, 1).await;
    people.claim(round, held, false).await;
    let db = people.app.db.reader();
    until_or(async || skipped_event::Entity::find().count(db).await.unwrap() > 0, || world.stage.said()).await;
    let overdue =
        job::Entity::find().filter(job::Column::Kind.eq(sweep::OVERDUE)).filter(job::Column::LastError.is_not_null());
    until_or(async || overdue.clone().count(db).await.unwrap() > 0, || world.stage.said()).await;
}

/// Leads to jobs of each kind that need nobody to fail, of the work of `round`, in which `paid` is paid.
async fn jobs_of_most_kinds(people: &People, round: usize, paid: uuid::Uuid) {
    let (one, customer) = people.place(round, PaymentMethod::Card, 1).await;
    people.pay(one, customer, Choice::Succeed).await;
    let (slow, customer) = people.place(round, PaymentMethod::Card, 1).await;
    people.pay(slow, customer, Choice::Late).await;
    people.cancel(paid, customer).await;
    let (open, customer) = people.place(round, PaymentMethod::Card, 1).await;
    people.pay(open, customer, Choice::Never).await;
    people.cancel(open, customer).await;
    let (unpaid, customer) = people.place(round, PaymentMethod::Card, 1).await;
    people.pay(unpaid, customer, Choice::Never).await;
    people.is_due(unpaid).await;
    people.send(round).await;
    // whoever registers is mailed a link
    people.register().await;
}

/// Leads to a job of each kind, of the work of `round`.
async fn jobs_of_every_kind(world: &mut World, round: usize, paid: uuid::Uuid) {
    let people = world.people.clone();
    refuse(&people.app).await;
    people.forget_password(round).await;
    jobs_of_most_kinds(&people, round, paid).await;
    set_aside(world, round).await;
    allow(&people.app).await;
}

/// Leads to a job of `kind`, of the work of `round`, where no server is left alive.
async fn job_of(world: &mut World, kind: &str, round: usize) {
    let people = world.people.clone();
    if [consumers::SKIPPED, sweep::OVERDUE].contains(&kind) {
        refuse(&people.app).await;
        set_aside(world, round).await;
        world.stage.kill_all();
        return allow(&people.app).await;
    }
    if kind == mailing::PASSWORD_RESET {
        // one mail of it is enough for a person
        world.stage.kill_all();
        return people.forget_password(round).await;
    }
    let paid = paid(world, round).await;
    world.stage.kill_all();
    jobs_of_most_kinds(&people, round, paid).await;
}

/// An order of the customer of `round` that is paid.
async fn paid(world: &World, round: usize) -> uuid::Uuid {
    let (paid, customer) = world.people.place(round, PaymentMethod::Card, 1).await;
    world.people.pay(paid, customer, Choice::Succeed).await;
    let app = &world.people.app;
    until(async || {
        let order = order::Entity::find_by_id(paid).one(app.db.reader()).await.unwrap().unwrap();
        *order.status == OrderStatus::Ready
    })
    .await;
    paid
}

async fn events(app: &App, of: OrderEventType) -> u64 {
    let events = order_event::Entity::find().filter(order_event::Column::Type.eq(Text(of)));
    events.count(app.db.reader()).await.unwrap()
}

async fn a_job_that_is_killed_in_its_middle_or_at_its_end_is_done_again_and_seen_once(shape: Shape) {
    let mut world = Box::pin(World::build(shape, 1)).await;
    let kinds = serve::job_kinds(&world.people.app);
    // what a job writes; mails and text messages write nothing: their end is their middle, below
    let middles = [
        (sandbox::CALLBACK, "INSERT ON payment_events", "true"),
        (sandbox::LATE, "UPDATE ON sandbox_intents", "NEW.status = 'SUCCEEDED' AND OLD.status = 'PROCESSING'"),
        (payments::REFUND, "INSERT ON sandbox_refunds", "true"),
        (payments::CANCEL, "UPDATE ON sandbox_intents", "NEW.status = 'CANCELLED'"),
        (payments::ASK, "INSERT ON order_events", "NEW.type = 'CANCELLED' AND NEW.actor_id IS NULL"),
        (consumers::SKIPPED, "DELETE ON skipped_events", "true"),
        (sweep::OVERDUE, "INSERT ON order_events", "NEW.type = 'CLAIM_EXPIRED'"),
        (mailing::PASSWORD_RESET, "INSERT ON mailed_tokens", "NEW.purpose = 'RESET_PASSWORD'"),
        (mailing::EMAIL_VERIFICATION, "INSERT ON mailed_tokens", "NEW.purpose = 'VERIFY_EMAIL'"),
        (webhooks::SEND, "UPDATE ON webhook_deliveries", "NEW.status = 'DELIVERED'"),
    ];
    let covered: BTreeSet<&str> = middles.iter().map(|(kind, ..)| *kind).chain([notifying::EMAIL, notifying::SMS]).collect();
    assert_eq!(covered, kinds, "every kind of job there is");
    let middles: Vec<(&str, Trap)> = middles.map(|(kind, before, when)| (kind, Trap::new(kind, before, when))).into();
    let ends = kinds.iter().map(|kind| (*kind, Trap::new(kind, "DELETE ON jobs", &format!("OLD.kind = '{kind}'"))));
    for (round, traps) in [middles, ends.collect()].into_iter().enumerate() {
        let (kinds, traps): (Vec<&str>, Vec<Trap>) = traps.into_iter().unzip();
        if world.is_embedded() {
            strike(&mut world, traps, async |world, turn| job_of(world, kinds[turn], round).await).await;
        } else {
            let order = paid(&world, round).await;
            strike(&mut world, traps, async |world, _| jobs_of_every_kind(world, round, order).await).await;
        }
        world.check().await;
    }
    let app = &world.people.app;
    let count = async |of| events(app, of).await;
    let (paid, refunded) = (count(OrderEventType::PaymentSucceeded).await, count(OrderEventType::Refunded).await);
    let cancelled = count(OrderEventType::Cancelled).await;
    // of each round: those that succeed, and the one that was paid before, which goes back
    assert_eq!((paid, cancelled), (3 * refunded, 3 * refunded));
    if !world.is_embedded() {
        assert_eq!(refunded, 2);
    }
}

async fn a_reader_of_the_log_that_is_killed_is_followed_by_another_that_goes_on_where_it_was(shape: Shape) {
    let mut world = Box::pin(World::build(shape, 1)).await;
    let names = consumers::lags(world.people.app.db.reader()).await.unwrap();
    let work = async |world: &mut World, turn: usize| {
        rest(world);
        let people = &world.people;
        let (paid, customer) = people.place(0, PaymentMethod::Card, 1).await;
        people.pay(paid, customer, Choice::Succeed).await;
        people.send(0).await;
        let (unpaid, _) = people.place(0, PaymentMethod::Card, 1).await;
        people.is_due(unpaid).await;
        if turn == 0 {
            people.forget_password(0).await;
        }
    };
    assert_eq!(names.len(), 3, "{names:?}");
    let traps =
        names.iter().map(|(name, _)| Trap::new(name, "UPDATE ON consumers", &format!("NEW.name = '{name}'"))).collect();
    strike(&mut world, traps, work).await;
    world.check().await;
    // the relay: while it numbers, and while it writes down what it has published
    let relay = ["NEW.position > OLD.position", "NEW.published > OLD.published"];
    for (round, when) in (1..).zip(relay) {
        strike(&mut world, vec![Trap::new(when, "UPDATE ON relays", when)], async |world, _| {
            rest(world);
            world.people.send(round).await;
            world.people.forget_password(round).await;
        })
        .await;
        world.check().await;
    }
}

async fn a_sweep_that_is_killed_is_done_once_all_the_same(shape: Shape) {
    let mut world = Box::pin(World::build(shape, 1)).await;
    let traps = vec![
        Trap::new("expiry of claims", "INSERT ON order_events", "NEW.type = 'CLAIM_EXPIRED'"),
        Trap::new("expiry of unpaid orders", "INSERT ON order_events", "NEW.type = 'CANCELLED'"),
        Trap::new("edges of promo codes", "UPDATE ON promos", "OLD.next_edge_at IS DISTINCT FROM NEW.next_edge_at"),
    ];
    strike(&mut world, traps, async |world, turn| {
        rest(world);
        let people = &world.people;
        let is_due = |number| turn == number || !world.is_embedded();
        if is_due(0) {
            let (held, _) = people.place(0, PaymentMethod::CashOnDelivery, 1).await;
            people.claim(0, held, false).await;
            people.send(0).await;
            let (paid, customer) = people.place(0, PaymentMethod::Card, 1).await;
            people.pay(paid, customer, Choice::Succeed).await;
            people.forget_password(0).await;
        }
        if is_due(1) {
            let (unpaid, _) = people.place(1, PaymentMethod::Card, 1).await;
            people.is_due(unpaid).await;
        }
        if is_due(2) {
            begin_promo(people).await;
        }
    })
    .await;
    world.check().await;
    let app = world.people.app.clone();
    assert_eq!(events(&app, OrderEventType::ClaimExpired).await, 1);
    assert_eq!(events(&app, OrderEventType::Cancelled).await, 1);
    let announced = event::Entity::find().filter(event::Column::Kind.starts_with("promo"));
    // the edge is announced after the sweep's look at the clock, by whichever server came
    tokio::time::timeout(Duration::from_secs(10), async {
        while announced.clone().count(app.db.reader()).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(announced.count(app.db.reader()).await.unwrap(), 1);
}

/// A promo code that began a minute ago, of which nobody was told.
async fn begin_promo(people: &People) {
    let now = people.app.clock.now();
    let promo = promo::Model {
        id: people.app.ids.uuid(),
        code: "NOW".to_owned(),
        percent_basis_points: Some(1_000),
        amount_minor: None,
        minimum_subtotal_minor: 0,
        currency: Text(Currency::Inr),
        starts_at: Some(now - TimeDelta::minutes(1)),
        ends_at: Some(now + TimeDelta::days(1)),
        max_uses: None,
        max_uses_per_customer: None,
        uses: 0,
        next_edge_at: Some(now - TimeDelta::minutes(1)),
        created_at: now,
    };
    promo::Entity::insert(promo.into_active_model()).exec_without_returning(people.app.db.writer()).await.unwrap();
}

/// What is removed when it is old, in the order in which [`grow_old`] numbers it.
const REMOVALS: [(&str, &str); 5] = [
    ("retention", "DELETE ON events"),
    ("clean-up of webhooks", "DELETE ON webhook_deliveries"),
    ("clean-up of notifications", "DELETE ON notifications"),
    ("clean-up of sessions", "DELETE ON refresh_tokens"),
    ("clean-up of locations", "DELETE ON partner_locations"),
];

/// Makes what there was at `mark` so much older that clean-ups remove it, and adds a position of long ago: of [`REMOVALS`] that of
/// `number`.
async fn grow_old(people: &People, mark: DateTime<Utc>, number: usize) {
    let db = people.app.db.writer();
    let then = Expr::val(people.app.clock.now() - TimeDelta::days(200));
    let aged = match number {
        0 => {
            event::Entity::update_many().col_expr(event::Column::At, then).filter(event::Column::At.lt(mark)).exec(db).await
        }
        1 => {
            let (column, is_older) = (webhook_delivery::Column::EndedAt, webhook_delivery::Column::EndedAt.lt(mark));
            webhook_delivery::Entity::update_many().col_expr(column, then).filter(is_older).exec(db).await
        }
        2 => {
            let (column, is_older) = (notification::Column::CreatedAt, notification::Column::CreatedAt.lt(mark));
            notification::Entity::update_many().col_expr(column, then).filter(is_older).exec(db).await
        }
        3 => {
            let (column, is_older) = (refresh_token::Column::ExpiresAt, refresh_token::Column::CreatedAt.lt(mark));
            refresh_token::Entity::update_many().col_expr(column, then).filter(is_older).exec(db).await
        }
        _ => {
            let old = partner_location::Model {
                partner_id: people.partners[5].user,
                minute: 0,
                latitude: 12.97,
                longitude: 77.64,
                heading: None,
                speed_kmh: None,
                accuracy_m: None,
                recorded_at: DateTime::UNIX_EPOCH,
            };
            partner_location::Entity::insert(old.into_active_model()).exec_without_returning(db).await.unwrap();
            return;
        }
    };
    assert!(aged.unwrap().rows_affected > 0, "{}", REMOVALS[number].0);
}

/// Says where `device` is.
async fn report(device: &Actor) {
    let document = "mutation ($input: ReportLocationInput!) { reportLocation(input: $input) { userErrors { code } } }";
    let answer = device.mutate(document, json!({ "point": { "latitude": 12.97, "longitude": 77.64 } })).await;
    assert_eq!(answer.user_errors("reportLocation").len(), 0, "{answer:?}");
}

async fn what_is_kept_and_what_is_removed_is_right_though_each_is_killed_at_it(shape: Shape) {
    let mut world = Box::pin(World::build(shape, 1)).await;
    let app = world.people.app.clone();
    let db = app.db.reader();
    world.people.send(0).await;
    world.settle().await;
    let mark = app.clock.now();
    let before = event::Entity::find().count(db).await.unwrap();
    // what is new stays
    let (order, _) = world.people.place(1, PaymentMethod::CashOnDelivery, 1).await;
    let partner = world.people.claim(1, order, true).await;
    world.settle().await;
    let device = world.stage.doors[0].client_of(partner).await;
    let all = event::Entity::find().count(db).await.unwrap();
    assert!(all > before && before > 0);
    let history = Trap::new("history of locations", "INSERT ON partner_locations", "NEW.minute > 0");
    let mut traps: Vec<Trap> = REMOVALS.map(|(what, before)| Trap::new(what, before, "true")).into();
    // servers look for what is old when they begin
    if world.is_embedded() {
        strike(&mut world, traps, async |world, turn| {
            rest(world);
            grow_old(&world.people, mark, turn).await;
        })
        .await;
        // where people are is in memory, and forgotten with the server until they say so again
        let snare = Snare::set(&app, history).await;
        report(&device).await;
        snare.until_sprung().await;
        world.stage.kill_all();
        snare.take_away().await;
        world.stage.start_all_again();
        world.stage.recover().await;
        report(&device).await;
    } else {
        for number in 0..REMOVALS.len() {
            grow_old(&world.people, mark, number).await;
        }
        report(&device).await;
        traps.push(history);
        strike(&mut world, traps, async |world, _| {
            world.stage.kill_all();
            world.let_leases_end().await;
            world.stage.start_all_again();
        })
        .await;
    }
    let month = app.clock.now() - TimeDelta::days(30);
    let left = async || {
        [
            event::Entity::find().filter(event::Column::At.lt(month)).count(db).await.unwrap(),
            webhook_delivery::Entity::find().filter(webhook_delivery::Column::EndedAt.lt(month)).count(db).await.unwrap(),
            notification::Entity::find().filter(notification::Column::CreatedAt.lt(month)).count(db).await.unwrap(),
            refresh_token::Entity::find().filter(refresh_token::Column::ExpiresAt.lt(month)).count(db).await.unwrap(),
            partner_location::Entity::find().filter(partner_location::Column::Minute.eq(0)).count(db).await.unwrap(),
        ]
    };
    until(async || left().await == [0; 5]).await;
    // positions are written down every half a minute
    tokio::time::timeout(PATIENCE, async {
        while partner_location::Entity::find().count(db).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("where the partner is, is written down");
    let kept = partner_location::Entity::find().all(db).await.unwrap();
    assert_eq!(kept.iter().map(|row| row.partner_id).collect::<Vec<_>>(), [partner.user], "once, in its minute");
    assert_eq!(event::Entity::find().count(db).await.unwrap(), all - before);
    let news = notification::Entity::find().all(db).await.unwrap();
    assert!(news.iter().any(|row| row.order_id == Some(order)), "{news:?}");
}
