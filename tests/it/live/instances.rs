//! Live feeds across instances, without Redis, and with an instance gone.

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
