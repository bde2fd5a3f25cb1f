use futures_util::future::join_all;

use super::*;
use crate::config::Config;
use crate::platform::bus::Bus;
use crate::platform::clock::Clock;

fn budgets(points: u32, per_second: u32, clock: &Clock) -> Budgets {
    let mut rules = Config::defaults().unwrap().budgets;
    (rules.user, rules.address) = (Budget { points, per_second }, Budget { points: 2 * points, per_second });
    rules.subscriptions_per_user = 2;
    Budgets::new(Store::new(clock.clone(), b"secret", &Bus::memory()), rules, Counters::default())
}

fn ana() -> Principal {
    Principal::User(Uuid::from_u128(1))
}

#[tokio::test]
async fn each_has_a_bucket_and_is_told_when_to_come_back() {
    let clock = Clock::system();
    let budgets = budgets(100, 1, &clock);
    let charge = budgets.take(ana(), 100).await.unwrap();
    assert_eq!((charge.balance.limit, charge.balance.remaining), (100, 0));
    let Err(Refused::Empty { wait_ms, balance }) = budgets.take(ana(), 30).await else { panic!() };
    assert!((29_000..=30_000).contains(&wait_ms), "{wait_ms}");
    assert!(balance.full_in_ms > wait_ms);
    let bob = Principal::User(Uuid::from_u128(2));
    assert_eq!(budgets.take(bob, 1).await.unwrap().balance.remaining, 99);
    let there = Principal::address([192, 0, 2, 1].into());
    assert_eq!(budgets.take(there, 1).await.unwrap().balance.limit, 200);
    clock.advance(std::time::Duration::from_millis(wait_ms));
    assert!(budgets.take(ana(), 30).await.is_ok(), "what was said is true");
    assert!(matches!(budgets.take(ana(), 101).await, Err(Refused::TooCostly { .. })));
    let Refusals { by_reason, alone } = budgets.refusals();
    assert_eq!((by_reason, alone), ([1, 1, 0, 0, 0], 0));
}

#[tokio::test]
async fn what_was_used_is_paid_and_the_rest_comes_back() {
    let budgets = budgets(100, 1, &Clock::system());
    let charge = budgets.take(ana(), 80).await.unwrap();
    assert_eq!(budgets.settle(&charge, 30).await.remaining, 70);
    let charge = budgets.take(ana(), 10).await.unwrap();
    assert_eq!(budgets.settle(&charge, 50).await.remaining, 20, "who used more than was asked pays that");
    let charge = budgets.take(ana(), 10).await.unwrap();
    assert_eq!(budgets.settle(&charge, 21).await.remaining, 10, "as far as there is as much");
    let charge = budgets.take(ana(), 0).await.unwrap();
    assert_eq!(charge.balance.remaining, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_never_take_more_than_there_is() {
    let budgets = budgets(100, 1, &Clock::system());
    let takes = (0..500).map(|_| {
        let budgets = budgets.clone();
        tokio::spawn(async move { budgets.take(ana(), 7).await.is_ok() })
    });
    let taken = join_all(takes).await.into_iter().filter(|taken| *taken.as_ref().unwrap()).count();
    assert_eq!(taken, 14);
}

#[tokio::test]
async fn nothing_is_counted_where_there_is_no_limit() {
    let budgets = budgets(0, 1, &Clock::system());
    let charge = budgets.take(ana(), 1_000_000).await.unwrap();
    assert_eq!(charge.balance, Balance { limit: 0, remaining: 0, full_in_ms: 0 });
    assert_eq!(budgets.settle(&charge, 1).await, charge.balance);
}

#[tokio::test]
async fn open_subscriptions_are_counted() {
    let budgets = budgets(100, 1, &Clock::system());
    let (first, _second) = (budgets.open(ana()).unwrap(), budgets.open(ana()).unwrap());
    assert!(budgets.open(ana()).is_none());
    drop(first);
    assert!(budgets.open(ana()).is_some());
    assert_eq!(budgets.refusals().by_reason, [0, 0, 1, 0, 0]);
}

#[tokio::test]
async fn so_many_an_hour_are_had_by_each_name_and_all_or_none_are_counted() {
    let (clock, counters) = (Clock::system(), Counters::default());
    let hourly = |most| {
        let store = Store::new(clock.clone(), b"secret", &Bus::memory());
        Hourly::new(store, most, Reason::TextMessages, counters.clone())
    };
    let two = hourly(2);
    assert!(two.take(&["ana", "her telephone"]).await.is_some());
    two.take(&["ana", "her telephone"]).await.unwrap().give_back().await;
    assert!(two.take(&["ana", "another telephone"]).await.is_some());
    assert!(two.take(&["ana", "her telephone"]).await.is_none(), "she had two");
    assert!(
        two.take(&["bob", "her telephone"]).await.is_some(),
        "of which her telephone had one, and what was refused none"
    );
    assert!(two.take(&["bob", "her telephone"]).await.is_none());
    assert!(two.take(&["bob", "his telephone"]).await.is_some(), "nor has he had what her telephone was refused");
    clock.advance(std::time::Duration::from_mins(30));
    assert!(two.take(&["ana"]).await.is_some(), "one comes back in half an hour");
    assert!(two.take(&["ana"]).await.is_none());
    assert_eq!(counters.0[Reason::TextMessages as usize].load(Ordering::Relaxed), 3);
    let any = hourly(0);
    for _ in 0..100 {
        assert!(any.take(&["ana"]).await.is_some());
    }
}

#[test]
fn the_addresses_of_one_network_are_one_principal() {
    let of = |text: &str| Principal::address(text.parse().unwrap());
    assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
    assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
}

#[test]
fn what_is_counted_under_says_nothing_of_whom() {
    let store = |secret: &[u8]| Store::new(Clock::system(), secret, &Bus::memory());
    assert_eq!(store(b"a").key("address 192.0.2.1"), store(b"a").key("address 192.0.2.1"), "the same on every instance");
    assert_ne!(store(b"a").key("address 192.0.2.1"), store(b"b").key("address 192.0.2.1"), "unless the secret is another");
    assert_ne!(store(b"a").key("address 192.0.2.1"), store(b"a").key("address 192.0.2.2"));
}
