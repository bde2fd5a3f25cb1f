//! Live feeds across instances, without Redis, and with an instance gone.

use quick_commerce::config::{Config, Secret};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_at_one_instance_hears_of_changes_at_the_other() {
    let cluster = TestCluster::start(2).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer, partner) = tokio::join!(seller_with_product(here, 100, "40.00"), here.customer(), here.partner());
    place_some(here, &customer, &shop, 1).await;
    let mut mine = Feed::follow(&customer.at(there), MY_ORDER_UPDATES, json!({})).await;
    let mut offers = partner.at(there).subscribe(AVAILABLE_ORDERS, json!({})).await;
    mine.snapshot(1).await;
    offers.next().await;
    let restless = partners(&here.app, 4, 10).await;
    for api in [here, there] {
        place_some(api, &customer, &shop, 2).await;
    }
    let all = versions(&here.app, None).await;
    let changing = all.keys().zip(&restless).enumerate().map(|(number, (id, partner))| {
        hold_and_release(cluster[number % 2].app.clone(), *partner, uuid(Kind::Order, id), 5)
    });
    at_once(changing.collect::<Vec<_>>()).await;
    mine.catch_up(&versions(&here.app, None).await).await;
    let last = place_order(&customer, &shop.product_id, 1).await;
    offers.until(|item| item["order"]["orderId"] == last.as_str()).await;
    audit(&here.app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_go_on_without_redis_and_nothing_is_missing_afterwards() {
    let mut redis = Redis::private().await;
    let cluster = TestCluster::start_on(&redis, 2, |_| {}).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer) = tokio::join!(seller_with_product(here, 100, "40.00"), here.customer());
    place_some(here, &customer, &shop, 1).await;
    let mut feeds = [
        Feed::follow(&customer.at(here), MY_ORDER_UPDATES, json!({})).await,
        Feed::follow(&shop.seller.at(there), SELLER_ORDER_UPDATES, json!({})).await,
    ];
    for feed in &mut feeds {
        feed.snapshot(1).await;
    }
    place_some(here, &customer, &shop, 3).await;
    redis.kill();
    place_some(here, &customer, &shop, 5).await;
    place_some(there, &customer, &shop, 5).await;
    redis.start_again();
    place_some(there, &customer, &shop, 1).await;
    let expected = versions(&here.app, None).await;
    assert_eq!(expected.len(), 15);
    for feed in &mut feeds {
        feed.catch_up(&expected).await;
    }
    audit(&here.app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_while_redis_is_away_hear_of_each_other_once_it_is_back() {
    let mut redis = Redis::private().await;
    redis.kill();
    let cluster = TestCluster::start_on(&redis, 2, |config| config.bus_check = Duration::from_hours(1)).await;
    start_without_redis(&cluster, async || redis.start_again()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_redis_refuses_at_first_hear_of_each_other_once_it_lets_them_in() {
    let redis = Redis::private().await;
    let with_password = |config: &mut Config| {
        config.bus_check = Duration::from_hours(1);
        let url = config.redis_url.as_ref().unwrap().expose().replace("redis://", "redis://:of-tomorrow@");
        config.redis_url = Some(Secret::new(url));
    };
    let mut commands = redis.connect().await;
    let cluster = TestCluster::start_on(&redis, 2, with_password).await;
    let set = redis::cmd("CONFIG").arg("SET").arg("requirepass").arg("of-tomorrow").to_owned();
    start_without_redis(&cluster, async || set.query_async(&mut commands).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_redis_refuses_for_a_while_hear_of_each_other_once_it_lets_them_in_again() {
    let redis = Redis::private().await;
    let mut commands = redis.connect().await;
    let set = |password: &str| redis::cmd("CONFIG").arg("SET").arg("requirepass").arg(password).to_owned();
    set("of-today").exec_async(&mut commands).await.unwrap();
    let cluster = TestCluster::start_on(&redis, 2, |config| {
        config.bus_check = Duration::from_hours(1);
        let url = config.redis_url.as_ref().unwrap().expose().replace("redis://", "redis://:of-today@");
        config.redis_url = Some(Secret::new(url));
    })
    .await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer) = tokio::join!(seller_with_product(here, 100, "40.00"), here.customer());
    let mut feed = Feed::follow(&shop.seller.at(there), SELLER_ORDER_UPDATES, json!({})).await;
    feed.snapshot(0).await;
    place_some(here, &customer, &shop, 1).await;
    set("of-tomorrow").exec_async(&mut commands).await.unwrap();
    cluster.redis_network.cut();
    for api in [here, there] {
        // not only broken: that would mend itself
        until(async || {
            let whispered = api.app.bus.whisper(Topic::Inbox(Uuid::nil())).await;
            format!("{whispered:?}").contains("AuthenticationFailed")
        })
        .await;
        until(async || !api.app.bus.is_live()).await;
    }
    place_some(here, &customer, &shop, 2).await;
    set("of-today").exec_async(&mut commands).await.unwrap();
    until(async || here.app.bus.is_ready().await && there.app.bus.is_ready().await).await;
    until(async || here.app.bus.is_live() && there.app.bus.is_live()).await;
    place_some(here, &customer, &shop, 1).await;
    feed.catch_up(&versions(&here.app, None).await).await;
    audit(&here.app).await;
}

/// What servers can do that started without Redis, and once `mend` has brought it.
async fn start_without_redis(cluster: &TestCluster, mend: impl AsyncFnOnce()) {
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer) = tokio::join!(seller_with_product(here, 100, "40.00"), here.customer());
    place_some(here, &customer, &shop, 1).await;
    let mut feed = Feed::follow(&shop.seller.at(there), SELLER_ORDER_UPDATES, json!({})).await;
    feed.snapshot(1).await;
    place_some(here, &customer, &shop, 2).await;
    assert!(!here.app.bus.is_ready().await && !there.app.bus.is_ready().await);
    mend().await;
    until(async || here.app.bus.is_ready().await && there.app.bus.is_ready().await).await;
    until(async || here.app.bus.is_live() && there.app.bus.is_live()).await;
    place_some(here, &customer, &shop, 1).await;
    feed.catch_up(&versions(&here.app, None).await).await;
    audit(&here.app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feeds_go_on_while_redis_is_away() {
    let mut redis = Redis::private().await;
    // what is found is found because Redis is away
    let cluster = TestCluster::start_on(&redis, 2, |config| config.bus_check = Duration::from_hours(1)).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let (shop, customer) = tokio::join!(seller_with_product(here, 100, "40.00"), here.customer());
    place_some(here, &customer, &shop, 1).await;
    let mut feeds = [
        Feed::follow(&customer.at(here), MY_ORDER_UPDATES, json!({})).await,
        Feed::follow(&shop.seller.at(there), SELLER_ORDER_UPDATES, json!({})).await,
    ];
    for feed in &mut feeds {
        feed.snapshot(1).await;
    }
    redis.kill();
    until(async || !here.app.bus.is_live() && !there.app.bus.is_live()).await;
    for api in [here, there, here] {
        place_some(api, &customer, &shop, 2).await;
        let expected = versions(&here.app, None).await;
        for feed in &mut feeds {
            feed.catch_up(&expected).await;
        }
    }
}

/// The channels of Redis that begin with `prefix`, and how many instances are subscribed to each.
async fn subscribed(redis: &mut ::redis::aio::MultiplexedConnection, prefix: &str) -> BTreeMap<String, u64> {
    let channels: Vec<String> =
        ::redis::cmd("PUBSUB").arg("CHANNELS").arg(format!("{prefix}:*")).query_async(redis).await.unwrap();
    let counts = ::redis::cmd("PUBSUB").arg("NUMSUB").arg(&channels).query_async(redis).await.unwrap();
    BTreeMap::into_iter(counts)
        .map(|(channel, count): (String, u64)| (channel[prefix.len() + 1..].to_owned(), count))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_has_one_subscription_at_redis_for_each_topic_in_use() {
    let cluster = TestCluster::start(2).await;
    let (here, there) = (&cluster[0], &cluster[1]);
    let redis = Redis::shared().await.connect().await;
    let (anna, boris) = tokio::join!(here.customer(), here.customer());
    let prefix = here.app.config.redis_prefix.clone();
    let topic = |customer: &Actor| Topic::Customer(uuid(Kind::User, &customer.user_id)).to_string();
    let mut open = Vec::new();
    for (whose, at) in [(&anna, here), (&anna, here), (&anna, there), (&boris, there), (&boris, there)] {
        let mut feed = whose.at(at).subscribe("subscription { myOrderUpdates { __typename } }", json!({})).await;
        feed.next().await;
        open.push(feed);
    }
    let counts = || async {
        let counts = subscribed(&mut redis.clone(), &prefix).await;
        [&anna, &boris].map(|customer| counts.get(&topic(customer)).copied().unwrap_or_default())
    };
    // an instance that waits for Redis too long shows what it has, and is subscribed once Redis answers
    until(async || counts().await.iter().all(|count| *count > 0) && counts().await[0] > 1).await;
    assert_eq!(counts().await, [2, 1]);
    drop(open);
    let waiting = async {
        while counts().await != [0, 0] {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    // a topic stays for a while after its last subscriber
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("none is left after the last one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_instance_that_relays_is_killed_the_other_takes_over() {
    let mut cluster = TestCluster::start(2).await;
    let (shop, customer) = tokio::join!(seller_with_product(&cluster[0], 100, "40.00"), cluster[0].customer());
    place_some(&cluster[0], &customer, &shop, 1).await;
    all_published(&cluster[0].app).await;
    let lease = relays::Entity::find().one(cluster[0].app.db.reader()).await.unwrap().unwrap();
    let victim = usize::from(lease.holder != cluster[0].app.instance);
    assert_eq!(lease.holder, cluster[victim].app.instance);
    let survivor = cluster[1 - victim].clone();

    let mut feed = Feed::follow(&customer.at(&survivor), MY_ORDER_UPDATES, json!({})).await;
    feed.snapshot(1).await;
    place_some(&cluster[victim], &customer, &shop, 3).await;
    cluster.kill(victim);
    place_some(&survivor, &customer, &shop, 3).await;
    cluster.clock.advance(Duration::from_secs(3));
    feed.catch_up(&versions(&survivor.app, None).await).await;
    let lease = relays::Entity::find().one(survivor.app.db.reader()).await.unwrap().unwrap();
    assert_eq!(lease.holder, survivor.app.instance);

    cluster.start_again(victim).await;
    place_some(&cluster[victim], &customer, &shop, 1).await;
    feed.catch_up(&versions(&survivor.app, None).await).await;
    audit(&survivor.app).await;
}
