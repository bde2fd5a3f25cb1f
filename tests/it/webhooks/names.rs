//! Names that lead elsewhere than they did a moment before: to what is not public.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use quick_commerce::platform::http::Names;

use super::*;
use crate::support::over_both_shapes;
use crate::support::story::{Shop, place_order, seller_with_product};

over_both_shapes! {
    a_name_that_changes_its_mind_leads_to_nothing_private,
    a_name_with_a_private_address_among_others_does_not_lead_there,
}

/// What stands here for an address of the public internet, and what for one inside of the house: both are of this machine.
const PUBLIC: [u8; 4] = [127, 0, 0, 1];
const PRIVATE: [u8; 4] = [127, 0, 0, 2];

/// Who answers for every name, and how often they were asked.
#[derive(Clone, Default)]
struct Dns(Arc<Mutex<(Vec<IpAddr>, usize)>>);

impl Dns {
    fn says(&self, addresses: &[[u8; 4]]) {
        self.0.lock().unwrap().0 = addresses.iter().map(|address| (*address).into()).collect();
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().1
    }

    fn names(&self) -> Names {
        let dns = self.clone();
        Names::by(move |_| {
            let mut state = dns.0.lock().unwrap();
            state.1 += 1;
            state.0.clone()
        })
    }
}

/// A server that may send to what is public, and an endpoint of a name with a port at which somebody listens at either address.
struct World {
    app: TestApp,
    dns: Dns,
    public: Receiver,
    private: Receiver,
    admin: Actor,
    customer: Actor,
    shop: Shop,
    endpoint: String,
}

impl World {
    async fn new(shape: Shape) -> Self {
        let dns = Dns::default();
        dns.says(&[PUBLIC]);
        let app = TestApp::start_among(shape, dns.names(), |config| {
            config.webhooks.is_http_allowed = true;
            config.webhooks.networks = vec!["127.0.0.1/32".parse().unwrap()];
        })
        .await;
        // what answers keeps no connection, so that the name is looked up for each message
        let public = Receiver::start(Says::Farewell(200)).await;
        let port = public.addr.port();
        let private = Receiver::start_at(Says::Farewell(200), (PRIVATE, port).into()).await;
        let (admin, shop, customer) = tokio::join!(app.admin(), seller_with_product(&app, 10, "40.00"), app.customer());
        let input = json!({ "url": format!("http://shop.example:{port}/hooks"), "topics": ["ORDER_CREATED"] });
        let made = admin.mutate(CREATE, input).await;
        let endpoint = text(made.ok("createWebhookEndpoint"), "/endpoint/id");
        Self { app, dns, public, private, admin, customer, shop, endpoint }
    }

    async fn order(&self) {
        place_order(&self.customer, &self.shop.product_id, 1).await;
    }

    async fn until(&self, status: &str, attempts: i64) {
        until_delivery(&self.app, &self.admin, &self.endpoint, status, attempts).await;
    }

    /// Waits until an attempt at the newest message has failed, for where its name led.
    async fn until_refused(&self) {
        let newest = async || deliveries(&self.admin, &self.endpoint).await.swap_remove(0);
        until(async || newest().await["lastError"].is_string()).await;
        let refused = newest().await;
        assert!(refused["lastError"].as_str().unwrap().contains("not a public one"), "{refused}");
        assert_eq!(refused["status"], "PENDING", "{refused}");
    }
}

async fn a_name_that_changes_its_mind_leads_to_nothing_private(shape: Shape) {
    let world = World::new(shape).await;
    world.order().await;
    world.until("DELIVERED", 1).await;
    let asked = world.dns.asked();
    world.dns.says(&[PRIVATE]);
    world.order().await;
    world.until_refused().await;
    assert!(world.dns.asked() > asked, "it was looked up again");
    // and back
    world.dns.says(&[PUBLIC]);
    world.app.clock.advance(LATER);
    world.until("DELIVERED", 2).await;
    assert_eq!((world.public.received().len(), world.private.received().len()), (2, 0));
}

async fn a_name_with_a_private_address_among_others_does_not_lead_there(shape: Shape) {
    let world = World::new(shape).await;
    world.dns.says(&[PRIVATE, PUBLIC]);
    world.order().await;
    world.until("DELIVERED", 1).await;
    // nor when there is none to choose, however many there are
    world.dns.says(&[[127, 0, 0, 3], PRIVATE]);
    world.order().await;
    world.until_refused().await;
    assert_eq!((world.public.received().len(), world.private.received().len()), (1, 0));
}
