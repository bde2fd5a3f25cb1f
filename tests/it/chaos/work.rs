//! Background work that is killed again and again, wherever it is: payments, notifications, mails, text messages, webhooks, sums,
//! claims and payments that run out. Nothing that a person or another system sees is lost or comes twice.

use domain::order::PaymentMethod;
use quick_commerce::payments::sandbox::Choice;
use tokio::time::sleep;

use super::plan::{Blow, Dice};
use super::world::{People, World, ends};
use crate::support::{Shape, over_both_shapes};

/// Rounds of orders.
const ROUNDS: usize = 16;

/// Kills, at the least.
const KILLS: usize = 6;

over_both_shapes! {
    work_that_is_killed_again_and_again_is_neither_lost_nor_doubled,
}

/// One order of each way to end, of which the servers do what follows.
async fn round(people: &People, round: usize) {
    let (held, _) = people.place(round, PaymentMethod::CashOnDelivery, 1).await;
    people.claim(round, held, false).await;
    people.send(round).await;
    let (paid, customer) = people.place(round, PaymentMethod::Card, 1).await;
    people.pay(paid, customer, Choice::Succeed).await;
    let (slow, customer) = people.place(round, PaymentMethod::Card, 1).await;
    people.pay(slow, customer, Choice::Late).await;
    let (called_off, customer) = people.place(round, PaymentMethod::Card, 1).await;
    people.pay(called_off, customer, Choice::Succeed).await;
    people.cancel(called_off, customer).await;
    let (unpaid, customer) = people.place(round, PaymentMethod::Card, 1).await;
    people.pay(unpaid, customer, Choice::Never).await;
    people.is_due(unpaid).await;
    if round < people.customers.len() {
        people.forget_password(round).await;
    }
}

async fn work_that_is_killed_again_and_again_is_neither_lost_nor_doubled(shape: Shape) {
    let instances = if shape == Shape::Embedded { 1 } else { 2 };
    let mut world = World::build(shape, instances).await;
    let people = world.people.clone();
    let working = tokio::spawn(async move {
        for number in 0..ROUNDS {
            round(&people, number).await;
        }
    });
    let (mut dice, mut kills) = (Dice::new(11, 1), 0);
    while !working.is_finished() || kills < KILLS {
        sleep(dice.millis(100, 900)).await;
        world.stage.suffer(&Blow::Kill(kills % instances), dice.millis(10, 200)).await;
        kills += 1;
    }
    working.await.unwrap();
    world.settle().await;
    world.check().await;
    // each order came to the end that it had to come to
    let ends = ends(&world.people.app).await;
    let expected = [
        ("Card Cancelled", 2 * ROUNDS),
        ("Card Ready", 2 * ROUNDS),
        ("CashOnDelivery InTransit", ROUNDS),
        ("CashOnDelivery Ready", ROUNDS),
    ];
    assert_eq!(ends, expected.map(|(end, count)| (end.to_owned(), count)).into());
}
