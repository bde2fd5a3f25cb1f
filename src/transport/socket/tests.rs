//! The protocol over a pipe, at a time that passes when nothing else happens.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{Context, EmptyMutation, Object, Schema, Subscription};
use futures_util::stream::{self, Stream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::accounts::service::{self, Registration};
use crate::app::{Ambient, App};
use crate::config::{Config, Secret};
use crate::graphql::limits::limited;
use crate::platform::quota::Quota;
use crate::stream::{Engine, SendQueue, Verdict};
use crate::transport::Shutdown;

struct Query;

#[Object]
impl Query {
    async fn number(&self) -> i32 {
        1
    }

    async fn text(&self, size: usize) -> String {
        "₹".repeat(size)
    }

    async fn never(&self, of: Option<Vec<i32>>) -> i32 {
        drop(of);
        std::future::pending().await
    }

    async fn later(&self, seconds: u64) -> u64 {
        sleep(Duration::from_secs(seconds)).await;
        seconds
    }
}

/// Items that were made, and streams of them that are open.
#[derive(Debug, Clone, Default)]
struct Made {
    items: Arc<AtomicUsize>,
    streams: Arc<()>,
}

struct Always;

#[Subscription]
impl Always {
    /// Has nothing to say after the first word.
    async fn once(&self) -> impl Stream<Item = i32> + use<> {
        stream::iter([1]).chain(stream::pending())
    }

    /// Has an item of `size` bytes whenever it is asked for one.
    async fn always(&self, ctx: &Context<'_>, size: usize) -> impl Stream<Item = String> + use<> {
        let Made { items, streams } = ctx.data_unchecked::<Made>().clone();
        stream::repeat_with(move || {
            assert!(Arc::strong_count(&streams) > 0, "it is kept as long as this is");
            items.fetch_add(1, Ordering::Relaxed);
            "x".repeat(size)
        })
    }
}

/// A server without a listener.
struct Parts {
    app: App,
    engine: Engine,
    made: Made,
    shutdown: Shutdown,
    folder: PathBuf,
}

impl Parts {
    /// From here on time passes only when nothing else happens.
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("qc-socket-{name}-{}", std::process::id()));
        let url = format!("sqlite://{}/qc.db", folder.display());
        let setting = move |key: &str| (key == "DATABASE_URL").then(|| url.clone());
        let app = App::build(Config::load(None, setting).unwrap(), Ambient::default()).await.unwrap();
        let made = Made::default();
        let schema = Schema::build(Query, EmptyMutation, Always).data(made.clone());
        let engine = Engine::new(app.clone(), limited(schema, app.config.limits).finish());
        tokio::time::pause();
        let shutdown = Shutdown::new(app.ids.clone(), app.config.drain);
        Self { app, engine, made, shutdown, folder }
    }

    fn server(&self) -> Server {
        Server {
            app: self.app.clone(),
            engine: self.engine.clone(),
            quota: Quota::new(self.app.config.sockets_per_user, self.app.config.sockets_per_address),
            shutdown: self.shutdown.clone(),
            request_id: RequestId("test".to_owned()),
            from: [127, 0, 0, 1].into(),
        }
    }

    /// A socket whose pipe holds `size` bytes in each direction.
    async fn open(&self, size: usize) -> (Client, JoinHandle<()>) {
        let (near, far) = duplex(size);
        let server = self.server();
        let serving = tokio::spawn(async move {
            let mut wire = Wire::new(near, server.app.config.limits.message_bytes).await;
            let end = conversation::hold(&mut wire, &server).await;
            wire.end(end).await;
        });
        (Client(WebSocketStream::from_raw_socket(far, Role::Client, None).await), serving)
    }

    /// The same, acknowledged.
    async fn connect(&self, size: usize) -> (Client, JoinHandle<()>) {
        let (mut client, serving) = self.open(size).await;
        client.send(json!({ "type": "connection_init" })).await;
        assert_eq!(client.next().await, Ok(json!({ "type": "connection_ack" })));
        (client, serving)
    }

    async fn end(self) {
        tokio::time::resume();
        self.app.db.close().await.unwrap();
        std::fs::remove_dir_all(self.folder).unwrap();
    }
}

struct Client(WebSocketStream<DuplexStream>);

impl Client {
    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.subscribe_with(id, query, json!({})).await;
    }

    async fn subscribe_with(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// Whether what was asked before has been taken in, and not refused: then a ping is what is answered next.
    async fn is_quiet(&mut self) -> bool {
        self.send(json!({ "type": "ping" })).await;
        let next = self.next().await.unwrap();
        if next["type"] == "pong" {
            return true;
        }
        assert_eq!(next["payload"][0]["extensions"]["code"], "TOO_MANY_OPERATIONS", "{next}");
        assert_eq!(self.next().await.unwrap()["type"], "pong");
        false
    }

    /// The next message, or how the socket was closed: 1006 when it was without a word.
    async fn next(&mut self) -> Result<Value, (u16, String)> {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                    Some(Ok(Message::Close(Some(close)))) => return Err((close.code.into(), close.reason.to_string())),
                    Some(Ok(_)) => {}
                    None | Some(Err(_)) => return Err((1006, String::new())),
                }
            }
        };
        in_time(next).await
    }

    /// How the socket is closed, after whatever is still said.
    async fn end(&mut self) -> Result<(), (u16, String)> {
        for _ in 0..2_000 {
            self.next().await?;
        }
        panic!("the socket goes on and on");
    }
}

/// Fails a test that would wait for ever: time passes by itself.
async fn in_time<T>(waiting: impl Future<Output = T>) -> T {
    timeout(Duration::from_hours(1), waiting).await.expect("it comes to an end")
}

/// Waits until a socket is over.
async fn over(serving: JoinHandle<()>) {
    in_time(serving).await.unwrap();
}

fn closed<T>(code: u16, reason: &str) -> Result<T, (u16, String)> {
    Err((code, reason.to_owned()))
}

#[test]
fn a_socket_is_small() {
    fn size<F>(_function: impl Fn(OnUpgrade, Server, bool, (OpenSocket, Place)) -> F) -> usize {
        size_of::<F>()
    }
    // There are a hundred thousand of them, and most of the time they wait. Whatever is large and soon over is boxed: the
    // check of a token, a write that is not done at once, the end. With what the runtime adds, this is 1,792 bytes, and the
    // next size of an allocator is 2,048.
    assert!(size(serve) <= 1688, "{} bytes", size(serve));
}

#[tokio::test]
async fn who_does_not_begin_is_told_so_whatever_else_it_says() {
    let parts = Parts::new("init").await;
    let begun = Instant::now();
    let (mut client, serving) = parts.open(1 << 16).await;
    let close = loop {
        client.send(json!({ "type": "ping" })).await;
        client.0.send(Message::Ping(Vec::new().into())).await.unwrap();
        match client.next().await {
            Ok(pong) => assert_eq!(pong, json!({ "type": "pong" })),
            Err(close) => break close,
        }
        sleep(Duration::from_secs(1)).await;
    };
    assert_eq!(Err::<(), _>(close), closed(4408, "Connection initialisation timeout"));
    assert_eq!(begun.elapsed().as_secs(), 10);
    over(serving).await;
    parts.end().await;
}

#[tokio::test]
async fn who_has_begun_may_be_silent_but_must_be_there() {
    let parts = Parts::new("ping").await;
    let (mut there, serving) = parts.connect(1 << 16).await;
    let (mut pings, begun) = (0, Instant::now());
    while pings < 4 {
        // it is answered while the next message is read
        pings += usize::from(in_time(there.0.next()).await.unwrap().unwrap().is_ping());
    }
    assert_eq!(begun.elapsed().as_secs(), 100, "and not at 10");
    there.subscribe("1", "{ number }").await;
    assert_eq!(there.next().await.unwrap()["payload"]["data"]["number"], 1);

    // any word will do
    let (mut talks, _serving) = parts.connect(1 << 16).await;
    for _ in 0..10 {
        sleep(Duration::from_secs(20)).await;
        talks.send(json!({ "type": "pong" })).await;
    }
    talks.subscribe("1", "{ number }").await;
    assert_eq!(talks.next().await.unwrap()["payload"]["data"]["number"], 1);

    let begun = Instant::now();
    let (away, gone) = parts.connect(1 << 16).await;
    over(gone).await;
    assert_eq!(begun.elapsed().as_secs(), 50, "pinged once, and given up at the next");
    drop((away, there));
    over(serving).await;
    parts.end().await;
}

#[tokio::test]
async fn who_does_not_read_is_cut_and_costs_little_until_then() {
    let parts = Parts::new("stuck").await;
    let (mut client, serving) = parts.connect(1 << 14).await;
    client.subscribe("1", "subscription { always(size: 10000) }").await;
    client.subscribe("2", "subscription { always(size: 10000) }").await;
    over(serving).await;
    let made = parts.made.items.load(Ordering::Relaxed);
    assert!((2..20).contains(&made), "{made} were made for nobody");
    // its operations are over: what is left are the server's handle and this one
    while Arc::strong_count(&parts.made.streams) > 2 {
        tokio::task::yield_now().await;
    }
    let last = client.end().await;
    assert_eq!(last, closed(1006, ""));
    parts.end().await;
}

#[tokio::test]
async fn who_reads_too_slowly_is_told_to_come_back() {
    let parts = Parts::new("slow").await;
    let queue = SendQueue::new(parts.app.config.send_queue);
    let (near, far) = duplex(1 << 16);
    let mut client = Client(WebSocketStream::from_raw_socket(far, Role::Client, None).await);
    let (server, of_socket) = (parts.server(), Arc::clone(&queue));
    let serving = tokio::spawn(async move {
        let mut wire = Wire::new(near, 1000).await;
        let Err(end) = conversation::converse(&mut wire, &server, &of_socket).await;
        wire.end(end).await;
    });
    client.send(json!({ "type": "ping" })).await;
    assert_eq!(client.next().await, Ok(json!({ "type": "pong" })));
    queue.condemn(Verdict::TooSlow);
    assert_eq!(client.next().await, closed(1013, "Too slow"));
    drop(client);
    over(serving).await;
    parts.end().await;
}

#[tokio::test]
async fn a_stream_that_always_has_something_to_say_takes_turns() {
    let parts = Parts::new("fair").await;
    let (mut client, _serving) = parts.connect(1 << 16).await;
    client.subscribe("busy", "subscription { always(size: 1) }").await;
    assert_eq!(client.next().await.unwrap()["id"], "busy");
    for round in 0..20 {
        let id = round.to_string();
        client.subscribe(&id, "{ number }").await;
        let mut heard = 0;
        let answer = loop {
            let message = client.next().await.unwrap();
            if message["id"] == *id {
                break message;
            }
            heard += 1;
            assert!(heard < 2_000, "its neighbour is not heard");
        };
        assert_eq!(answer, json!({ "id": id, "type": "next", "payload": { "data": { "number": 1 } } }));
    }
    client.send(json!({ "id": "busy", "type": "complete" })).await;
    client.send(json!({ "type": "ping" })).await;
    while client.next().await.unwrap()["type"] != "pong" {}
    client.subscribe("busy", "{ number }").await;
    assert_eq!(client.next().await.unwrap()["payload"]["data"]["number"], 1, "nothing more of the stream");
    parts.end().await;
}

#[tokio::test]
async fn an_id_is_taken_until_the_last_word_has_been_sent() {
    let parts = Parts::new("ids").await;
    for first in ["{ never }", "subscription { always(size: 1) }"] {
        for second in ["{ number }", "subscription { always(size: 1) }", "{"] {
            let (mut client, _serving) = parts.connect(1 << 16).await;
            client.subscribe("a \"b\"", first).await;
            client.subscribe("a \"b\"", second).await;
            let last = client.end().await;
            assert_eq!(last, closed(4409, "Subscriber for a \"b\" already exists"), "{first} {second}");
        }
    }
    let (mut client, _serving) = parts.connect(1 << 16).await;
    for _ in 0..3 {
        client.subscribe("1", "{ number }").await;
        assert_eq!(client.next().await.unwrap()["type"], "next");
        assert_eq!(client.next().await.unwrap(), json!({ "id": "1", "type": "complete" }));
        client.subscribe("1", "{ wrong }").await;
        assert_eq!(client.next().await.unwrap()["type"], "error");
        client.subscribe("1", "{ never }").await;
        client.send(json!({ "id": "1", "type": "complete" })).await;
    }
    parts.end().await;
}

#[tokio::test]
async fn what_the_operations_of_a_socket_keep_is_bounded() {
    let parts = Parts::new("size").await;
    let (mut client, _serving) = parts.connect(1 << 20).await;
    // what is not declared is not kept
    for id in 0..20 {
        client.subscribe_with(&id.to_string(), "{ never }", json!({ "junk": "x".repeat(200_000) })).await;
        assert!(client.is_quiet().await, "{id}");
    }
    // a text takes as much as it has
    let long = format!("{{ never }} #{}", "x".repeat(200_000));
    let mut taken = 0;
    while taken < 50 {
        client.subscribe(&format!("long {taken}"), &long).await;
        if !client.is_quiet().await {
            break;
        }
        taken += 1;
    }
    assert_eq!(taken, 10);
    client.send(json!({ "id": "long 0", "type": "complete" })).await;
    client.subscribe("again", &long).await;
    assert!(client.is_quiet().await, "there is room again");

    // small numbers are small as a text only; who has nothing else may ask with many of them
    let (mut client, _serving) = parts.connect(1 << 20).await;
    for (id, is_taken) in [("1", true), ("2", false)] {
        let query = "query($of: [Int!]) { never(of: $of) }";
        client.subscribe_with(id, query, json!({ "of": vec![0; 100_000] })).await;
        assert_eq!(client.is_quiet().await, is_taken);
    }
    parts.end().await;
}

#[tokio::test]
async fn a_long_answer_arrives_whole() {
    let parts = Parts::new("long").await;
    let (mut client, _serving) = parts.connect(100).await;
    for size in [0, 1, 1_000, 1_365, 100_000] {
        client.subscribe("1", &format!("{{ text(size: {size}) }}")).await;
        assert_eq!(client.next().await.unwrap()["payload"]["data"]["text"], "₹".repeat(size));
        assert_eq!(client.next().await.unwrap(), json!({ "id": "1", "type": "complete" }));
    }
    parts.end().await;
}

#[tokio::test]
async fn a_server_that_stops_says_so_to_those_who_listen_and_waits_for_nobody() {
    let parts = Parts::new("stop").await;
    let (mut listens, first) = parts.connect(1 << 16).await;
    let (deaf, second) = parts.connect(1 << 16).await;
    let (stuck, third) = {
        let (mut client, serving) = parts.connect(100).await;
        client.subscribe("1", "subscription { always(size: 10000) }").await;
        (client, serving)
    };
    parts.shutdown.begun.cancel();
    assert_eq!(listens.next().await, closed(1012, "Service restart"));
    drop(listens);
    for serving in [first, second, third] {
        over(serving).await;
    }
    drop((deaf, stuck));
    parts.end().await;
}

/// Why a conversation ends that its client would go on with.
#[derive(Debug, Clone, Copy)]
enum Why {
    SessionEnds,
    TooSlow,
    ServerStops,
}

#[tokio::test]
async fn who_trickles_is_closed_like_anybody_else() {
    let mut parts = Parts::new("trickle").await;
    parts.shutdown = Shutdown::new(parts.app.ids.clone(), Duration::ZERO);
    // the database has a time of its own
    tokio::time::resume();
    parts.app.migrate().await.unwrap();
    let somebody = Registration {
        email: "ana@shop.example".to_owned(),
        password: Secret::new("correct horse battery".to_owned()),
        name: "Ana".to_owned(),
        phone: None,
        partner: None,
        seller: None,
    };
    let ana = service::register(&parts.app, None, somebody).await.unwrap();
    for (why, code) in [(Why::SessionEnds, 4403), (Why::TooSlow, 1013), (Why::ServerStops, 1012)] {
        let queue = SendQueue::new(parts.app.config.send_queue);
        let (near, far) = duplex(8192);
        let mut client = Client(WebSocketStream::from_raw_socket(far, Role::Client, None).await);
        let (server, of_socket) = (parts.server(), Arc::clone(&queue));
        let serving = tokio::spawn(async move {
            let mut wire = Wire::new(near, 1000).await;
            let Err(end) = conversation::converse(&mut wire, &server, &of_socket).await;
            of_socket.close();
            wire.end(end).await;
        });
        let token = ana.tokens.access.expose();
        client.send(json!({ "type": "connection_init", "payload": { "Authorization": token } })).await;
        assert_eq!(client.next().await, Ok(json!({ "type": "connection_ack" })));
        tokio::time::pause();
        // so many that there is always more to be sent
        for id in 0..30 {
            client.subscribe(&id.to_string(), "subscription { always(size: 4000) }").await;
        }
        for _ in 0..20 {
            sleep(Duration::from_millis(300)).await;
            client.next().await.unwrap();
        }
        match why {
            Why::SessionEnds => parts.app.doors.close_user(ana.user.id),
            Why::TooSlow => queue.condemn(Verdict::TooSlow),
            Why::ServerStops => parts.shutdown.begun.cancel(),
        }
        let mut heard = 0;
        let end = loop {
            // in time for each message, and not for all
            sleep(Duration::from_secs(1)).await;
            match client.next().await {
                Ok(_) => heard += 1,
                Err((code, _)) => break code,
            }
        };
        assert!(end == code && heard <= 10, "{why:?}: {end} after {heard} more messages");
        drop(client);
        over(serving).await;
        tokio::time::resume();
    }
    tokio::time::pause();
    parts.end().await;
}

#[tokio::test]
async fn a_server_that_stops_waits_for_answers_and_begins_nothing() {
    let mut parts = Parts::new("answers").await;
    parts.shutdown = Shutdown::new(parts.app.ids.clone(), Duration::ZERO);
    let (mut client, serving) = parts.connect(1 << 16).await;
    let (mut waits, others) = parts.connect(1 << 16).await;
    client.subscribe("1", "{ later(seconds: 3) }").await;
    client.subscribe("2", "subscription { once }").await;
    waits.subscribe("1", "{ never }").await;
    client.next().await.unwrap();
    let begun = Instant::now();
    parts.shutdown.begun.cancel();
    sleep(Duration::from_millis(1)).await;
    client.subscribe("3", "{ number }").await;
    let mut heard = Vec::new();
    let end = loop {
        match client.next().await {
            Ok(message) if message["id"] == "2" => {}
            Ok(message) => heard.push((message["id"].clone(), message["type"].clone())),
            Err(end) => break end,
        }
    };
    assert_eq!(heard, [(json!("1"), json!("next")), (json!("1"), json!("complete"))]);
    assert_eq!(Err::<(), _>(end), closed(1012, "Service restart"));
    assert_eq!(begun.elapsed().as_secs(), 3);
    assert_eq!(waits.next().await, closed(1012, "Service restart"));
    assert_eq!(begun.elapsed().as_secs(), 5, "and not for ever");
    drop((client, waits));
    over(serving).await;
    over(others).await;
    parts.end().await;
}
