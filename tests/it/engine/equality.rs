//! What many are sent is, byte for byte, what each would have been sent alone: for every subscription, role and field.
//!
//! The documents are made from the schema: a field that is added is compared from then on, and a subscription that is added
//! has to say here who follows it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use domain::access::Actor as Principal;
use quick_commerce::graphql::build_schema;
use quick_commerce::stream::{Answer, Engine};
use serde_json::{Value, json};

use crate::cart::set;
use crate::chat::{read_up_to, say};
use crate::ratings::rate;
use crate::support::actors::{Actor, SET_AVAILABILITY};
use crate::support::story::{
    ASSIGN_ORDER, adjust_stock, by_hand, claim, hand_over, place_order, seller_with_product, step, try_claim,
};
use crate::support::ticks::Follower;
use crate::support::wait::{until, until_or, until_quiet};
use crate::support::{Shape, TestApp};
use crate::tracking::report;

/// Levels of objects below an item that a document goes down.
const DEPTH: usize = 3;

/// Fields that tell the time at which they are read.
const VOLATILE: &[&str] = &["waitingSeconds", "oldestUnassignedSeconds", "serverTime"];

/// The types of the schema, by name.
struct Types(BTreeMap<String, Value>);

impl Types {
    async fn read(app: &TestApp) -> Self {
        let document = "{ __schema { types { kind name possibleTypes { name } fields { name
            args { name type { kind } } type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";
        let answer = app.anonymous().query(document, json!({})).await;
        let types = answer.data()["__schema"]["types"].as_array().unwrap().clone();
        Self(types.into_iter().map(|of| (of["name"].as_str().unwrap().to_owned(), of)).collect())
    }

    fn fields(&self, of: &str) -> Vec<Value> {
        self.0[of]["fields"].as_array().cloned().unwrap_or_default()
    }

    /// All that can be selected of `of`, `depth` levels down. Every field has a name of its own in the answer, since types of
    /// one union may have different ones by the same name.
    fn selection(&self, of: &str, depth: usize) -> String {
        let mut text = String::from("__typename ");
        if let Some(possible) = self.0[of]["possibleTypes"].as_array() {
            for possible in possible {
                let name = possible["name"].as_str().unwrap();
                let _ = write!(text, "... on {name} {{ {} }} ", self.selection(name, depth));
            }
            return text;
        }
        for field in self.fields(of) {
            let name = field["name"].as_str().unwrap();
            let arguments = field["args"].as_array().unwrap();
            if VOLATILE.contains(&name) || arguments.iter().any(|argument| argument["type"]["kind"] == "NON_NULL") {
                continue;
            }
            let page = if arguments.iter().any(|argument| argument["name"] == "first") { "(first: 3)" } else { "" };
            let (kind, to) = named(&field["type"]);
            let is_leaf = matches!(kind.as_str(), "SCALAR" | "ENUM");
            if is_leaf {
                let _ = write!(text, "{of}_{name}: {name}{page} ");
            } else if depth > 0 {
                // of its order a delivery tells when that changes, and not when what belongs to it does: it is asked what it
                // is itself, since when a delivery is told is another moment for each
                let below = if (of, name) == ("DeliveryTracking", "order") { 0 } else { depth - 1 };
                let _ = write!(text, "{of}_{name}: {name}{page} {{ {} }} ", self.selection(&to, below));
            }
        }
        text
    }
}

/// What a type is of, below lists and what must not be null.
fn named(of: &Value) -> (String, String) {
    match of["name"].as_str() {
        Some(name) => (of["kind"].as_str().unwrap().to_owned(), name.to_owned()),
        None => named(&of["ofType"]),
    }
}

/// One who follows a subscription twice: among others, and alone.
struct Pair {
    what: String,
    among_others: Follower,
    alone: Follower,
    /// Whom the group was begun for.
    _other: Follower,
    compared: usize,
    /// What one of them was told of which the other will hear in a moment.
    ahead: [VecDeque<String>; 2],
    /// Of a subscription that tells the newest only: the last answer to each, in place of all of them.
    newest: Option<(Option<String>, Option<String>)>,
}

impl Pair {
    /// Compares all that has come to both.
    fn compare(&mut self) {
        if let Some((shared, alone)) = &mut self.newest {
            for (follower, newest) in [(&self.among_others, &mut *shared), (&self.alone, alone)] {
                while let Some(answer) = bytes(follower) {
                    self.compared += 1;
                    *newest = Some(answer);
                }
            }
            return;
        }
        let [shared, alone] = &mut self.ahead;
        shared.extend(std::iter::from_fn(|| bytes(&self.among_others)));
        alone.extend(std::iter::from_fn(|| bytes(&self.alone)));
        while let (Some(left), Some(right)) = (shared.front(), alone.front()) {
            assert_eq!(left, right, "{}, answer {}", self.what, self.compared);
            shared.pop_front();
            alone.pop_front();
            self.compared += 1;
        }
    }

    /// Whether they were told the same by now: all of the same, or the same newest.
    fn is_same(&self) -> bool {
        let is_newest = self.newest.as_ref().is_none_or(|(shared, alone)| shared == alone);
        is_newest && self.ahead.iter().all(VecDeque::is_empty)
    }
}

fn bytes(follower: &Follower) -> Option<String> {
    let outgoing = follower.queue.try_next()?;
    let frame = match outgoing.answer {
        Answer::Next(frame) => frame,
        // a delivery that has come to its end: nothing follows
        Answer::Complete => return None,
        Answer::Errors(_) => panic!("{outgoing:?}"),
    };
    let body = String::from_utf8(frame.body.to_vec()).unwrap();
    assert!(!body.starts_with("{\"errors\""), "{body}");
    Some(body)
}

struct World {
    app: TestApp,
    shared: Engine,
    unshared: Engine,
    pairs: Vec<Pair>,
}

impl World {
    /// Waits until everything that happened has been told to everybody, and compares what they were told.
    async fn compare(&mut self) {
        until_quiet(&self.app.app).await;
        until(|| async { self.shared.counts().pending == 0 && self.unshared.counts().pending == 0 }).await;
        // it comes when it comes, and what is told at intervals above all; in the end it is the same
        let pairs = std::sync::Mutex::new(&mut self.pairs);
        let are_same = || async {
            let mut pairs = pairs.lock().unwrap();
            pairs.iter_mut().for_each(Pair::compare);
            pairs.iter().all(Pair::is_same)
        };
        let which = || {
            let pairs = pairs.lock().unwrap();
            let other = pairs.iter().find(|pair| !pair.is_same());
            other.map_or_else(String::new, |pair| format!("{}: {:#?} {:#?}", pair.what, pair.newest, pair.ahead))
        };
        until_or(are_same, which).await;
    }

    /// `one` follows `document` both ways; in company of `other`, who came first.
    async fn follow(&mut self, what: &str, document: &str, variables: &Value, one: Principal, other: Principal) {
        let expected = self.shared.counts().subscriptions + 2;
        let mut first = Follower::start(&self.shared, Some(other), document, variables);
        let has_snapshot = !document.contains("lowStockAlerts");
        if has_snapshot {
            first.item().await;
        }
        until(|| async { self.shared.counts().subscriptions == expected - 1 }).await;
        let mut pair = Pair {
            what: what.to_owned(),
            among_others: Follower::start(&self.shared, Some(one), document, variables),
            alone: Follower::start(&self.unshared, Some(one), document, variables),
            _other: first,
            compared: 0,
            ahead: Default::default(),
            newest: ["cartUpdates", "deliveryTracking"].iter().any(|name| document.contains(name)).then(Default::default),
        };
        // snapshots are made for each alone, always
        if has_snapshot {
            pair.among_others.item().await;
            pair.alone.item().await;
        }
        let alone = i64::try_from(self.pairs.len() + 1).unwrap();
        let counts = || [self.shared.counts(), self.unshared.counts()];
        let are_there = || async { counts().map(|counts| counts.subscriptions) == [expected, alone] };
        until_or(are_there, || format!("{what}: {:?} instead of {expected} and {alone}", counts())).await;
        self.pairs.push(pair);
    }
}

async fn two(first: &Actor, second: &Actor) -> (Principal, Principal) {
    (first.principal().await, second.principal().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "a table of who follows what, and a story that each of them hears of")]
async fn what_many_are_sent_is_what_each_would_have_been_sent_alone() {
    let app = TestApp::start_with(Shape::Embedded, |config| {
        config.limits.complexity = 10_000_000;
        config.limits.aliases = 100_000;
        config.limits.tokens = 1_000_000;
        config.limits.depth = 50;
    })
    .await;
    let (shop, customer, partner, other_partner) =
        tokio::join!(seller_with_product(&app, 100, "40.00"), app.customer(), app.partner(), app.partner());
    let (admin, other_admin) = tokio::join!(app.admin(), app.admin());
    by_hand(&app, &shop.seller).await;
    let types = Types::read(&app).await;
    let schema = build_schema(&app.app);
    let engine = Engine::new(app.app.clone(), schema.clone());
    let unshared = Engine::unshared(app.app.clone(), schema);
    let mut world = World { app, shared: engine, unshared, pairs: Vec::new() };

    set(&customer, &shop.product_id, 5).await;
    let order = place_order(&customer, &shop.product_id, 2).await;
    let other = place_order(&customer, &shop.product_id, 1).await;
    for root in types.fields("Subscription") {
        let name = root["name"].as_str().unwrap();
        let (_, item) = named(&root["type"]);
        let selection = types.selection(&item, DEPTH);
        let (arguments, variables, followers) = match name {
            "orderUpdates" | "deliveryTracking" | "chatMessages" => (
                ("($id: ID!)", "(orderId: $id)"),
                json!({ "id": order }),
                vec![(&admin, &other_admin), (&customer, &customer), (&shop.seller, &shop.seller)],
            ),
            "cartUpdates" | "myOrderUpdates" => (("", ""), json!({}), vec![(&customer, &customer)]),
            "notifications" => (("", ""), json!({}), vec![(&customer, &customer), (&shop.seller, &shop.seller)]),
            "sellerOrderUpdates" | "lowStockAlerts" => (("", ""), json!({}), vec![(&shop.seller, &shop.seller)]),
            "availableOrders" => (("", ""), json!({}), vec![(&partner, &other_partner)]),
            "adminUpdates" => (("", ""), json!({}), vec![(&admin, &other_admin)]),
            "productUpdates" => (
                ("($id: ID!)", "(productIds: [$id])"),
                json!({ "id": shop.product_id }),
                vec![(&admin, &other_admin), (&customer, &partner), (&shop.seller, &shop.seller)],
            ),
            // its figures are of the moment at which they are read: there is nothing to compare
            "liveStats" => continue,
            other => panic!("say who follows {other}, so that what they are sent is compared"),
        };
        let document = format!("subscription{} {{ {name}{} {{ {selection} }} }}", arguments.0, arguments.1);
        for (one, first) in followers {
            let (one, first) = two(one, first).await;
            world.follow(&format!("{name} as {:?}", one.role), &document, &variables, one, first).await;
        }
    }
    world.compare().await;

    // a whole story, and what else can happen to an order
    for id in [&order, &other] {
        step(&shop.seller, id, "PREPARING").await;
        world.compare().await;
        step(&shop.seller, id, "READY").await;
        world.compare().await;
    }
    // to its threshold and up again, by its seller, and by another, of which the seller is notified
    for (who, delta) in [(&shop.seller, -95), (&shop.seller, 95), (&admin, -95), (&admin, 95)] {
        adjust_stock(who, &shop.product_id, delta).await;
        world.compare().await;
    }
    partner.mutate(SET_AVAILABILITY, json!({ "available": false })).await;
    world.compare().await;
    set(&customer, &shop.product_id, 1).await;
    world.compare().await;
    partner.mutate(SET_AVAILABILITY, json!({ "available": true })).await;
    world.compare().await;
    try_claim(&partner, &other, false).await;
    world.compare().await;
    claim(&partner, &order).await;
    world.compare().await;
    // now that it is theirs a partner follows it too, and its chat
    let document =
        format!("subscription($id: ID!) {{ chatMessages(orderId: $id) {{ {} }} }}", types.selection("ChatItem", DEPTH));
    let (one, first) = two(&partner, &partner).await;
    world.follow("chatMessages as their partner", &document, &json!({ "id": order }), one, first).await;
    for (sender, reader) in [(&customer, &partner), (&partner, &customer), (&admin, &shop.seller)] {
        let message = say(sender, &order, "Is it far?").await;
        world.compare().await;
        read_up_to(reader, &order, &message).await;
        world.compare().await;
    }
    let document = format!(
        "subscription($id: ID!) {{ orderUpdates(orderId: $id) {{ {} }} }}",
        types.selection("OrderUpdatesItem", DEPTH)
    );
    let (one, first) = two(&partner, &partner).await;
    world.follow("orderUpdates as their partner", &document, &json!({ "id": order }), one, first).await;
    for (status, longitude) in [("PICKED_UP", 77.60), ("IN_TRANSIT", 77.61)] {
        report(&partner, longitude).await;
        world.compare().await;
        step(&partner, &order, status).await;
        world.compare().await;
    }
    hand_over(&partner, &customer, &order).await;
    world.compare().await;
    rate(&customer, &order, 4).await;
    world.compare().await;
    let assign = json!({ "orderId": other, "partnerId": other_partner.user_id, "idempotencyKey": "a-key-of-its-own" });
    admin.mutate(ASSIGN_ORDER, assign).await;
    world.compare().await;

    for pair in &world.pairs {
        assert!(pair.compared > 1, "{} was compared {} times", pair.what, pair.compared);
    }
    let (shared, alone) = (world.shared.counts(), world.unshared.counts());
    assert!(shared.groups == alone.groups && shared.messages > alone.messages, "{shared:?} {alone:?}");
}
