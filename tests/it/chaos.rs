//! Chaos: servers and Redis are killed and connections cut while orders are placed, claimed and delivered, and every client
//! hears of every change all the same, once and in order.
//!
//! The servers are the program itself, and a kill is `kill -9`. Clients remember the last cursor and come back with it, to
//! whichever instance. `CHAOS_SECONDS=600 tests/run chaos` takes longer; `CHAOS_SUBSCRIBERS`, `CHAOS_INSTANCES` and
//! `CHAOS_SEED`, of which the plan of what breaks is made, can be set as well.

mod cast;
mod client;
mod driver;
mod log;
mod moments;
mod offers;
mod plan;
mod report;
mod snare;
mod stage;
mod traps;
mod truth;
mod versions;
mod wire;
mod work;
mod world;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::cast::Cast;
use self::client::Client;
use self::driver::{Board, Driver};
use self::plan::{Dice, plan};
use self::report::{Report, say};
use self::stage::{NETWORKS, Stage, allow_files};
use self::truth::Facts;

/// How long anything that must come true may take.
const PATIENCE: Duration = Duration::from_mins(4);

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(100);

/// Orders on their way at the same time.
const DRIVERS: u64 = 6;

/// Orders that a storm must see the end of.
const MIN_ORDERS: u64 = 20;

/// How long the storm is, and how much is in it.
#[derive(Debug)]
struct Settings {
    length: Duration,
    subscribers: usize,
    instances: usize,
    seed: u64,
}

impl Settings {
    fn read() -> Self {
        let number = |name: &str| {
            let text = std::env::var_os(name)?.into_string().expect("a number");
            Some(text.parse::<u64>().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
        };
        let size = |name, default| number(name).map_or(default, |number| usize::try_from(number).unwrap());
        let settings = Self {
            length: Duration::from_secs(number("CHAOS_SECONDS").unwrap_or(20)),
            subscribers: size("CHAOS_SUBSCRIBERS", 500),
            instances: size("CHAOS_INSTANCES", 2),
            seed: number("CHAOS_SEED").unwrap_or_else(|| RandomState::new().hash_one(0)),
        };
        assert!(settings.instances > 0 && settings.subscribers >= 20, "too little to break: {settings:?}");
        settings
    }
}

/// All that goes on in a storm.
struct Storm {
    seed: u64,
    stage: Stage,
    cast: Arc<Cast>,
    board: Arc<Board>,
    clients: Vec<Arc<Client>>,
    /// Ends with the storm.
    listening: JoinSet<()>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_hears_of_everything_whatever_breaks() {
    let settings = Settings::read();
    say(&format!("chaos: CHAOS_SEED={} repeats this plan; {settings:?}", settings.seed));
    // each client has an end here, and two in a network
    allow_files(4 * settings.subscribers as u64 + 1_000);
    let mut storm = Storm::gather(&settings).await;
    let stop = CancellationToken::new();
    let began = Instant::now();
    let mut drivers = JoinSet::new();
    for number in 0..DRIVERS {
        drivers.spawn(storm.driver(number).work(stop.clone()));
    }
    for strike in plan(settings.seed, settings.instances, settings.instances * NETWORKS, settings.length) {
        sleep(strike.calm).await;
        // shown with a failed test
        println!("after {:?}: {strike:?}", began.elapsed());
        storm.stage.suffer(&strike.blow, strike.outage).await;
    }
    let board = Arc::clone(&storm.board);
    in_time(|| {
        let done = board.done.load(Ordering::Relaxed);
        (done < MIN_ORDERS).then(|| format!("{done} orders came to an end, and {MIN_ORDERS} must"))
    })
    .await;
    stop.cancel();
    all_of(drivers).await;
    storm.stage.recover().await;
    storm.change_everything_once_more().await;
    let report = storm.end().await;
    report.print();
    report.check(&settings);
}

impl Storm {
    /// Starts everything, and waits until every client has heard something: from then on all can be held to every change.
    async fn gather(settings: &Settings) -> Self {
        let stage = Stage::build(settings.instances).await;
        let customers = (settings.subscribers / 16).clamp(1, 30);
        let cast = Arc::new(Cast::gather(&stage.app, &stage.doors[0], customers).await);
        let board = Arc::new(Board::default());
        let client = |number| Arc::new(Client::new(number, &cast, &board));
        let clients = (0..settings.subscribers).map(client).collect();
        let mut storm = Self { seed: settings.seed, stage, cast, board, clients, listening: JoinSet::new() };
        // Offers and the platform are followed from before there is an order, and thus completely. What is an order's, a
        // customer's or a seller's begins with a picture, which must have something in it to be held to.
        let (early, late): (Vec<_>, Vec<_>) = storm.clients.clone().into_iter().partition(|client| client.begins_early());
        storm.listen(&early).await;
        let mut driver = storm.driver(DRIVERS);
        for customer in 0..customers {
            driver.place(customer).await;
        }
        storm.listen(&late).await;
        storm
    }

    /// Has `clients` listen, and waits until all of them have heard something.
    async fn listen(&mut self, clients: &[Arc<Client>]) {
        let doors: Arc<[_]> = self.stage.doors.clone().into();
        for client in clients {
            let dice = Dice::new(self.seed, 1_000 + client.number());
            self.listening.spawn(Arc::clone(client).run(Arc::clone(&doors), dice));
        }
        in_time(|| clients.iter().find(|client| !client.has_begun()).map(|client| client.describe())).await;
    }

    fn driver(&self, number: u64) -> Driver {
        let dice = Dice::new(self.seed, 1 + number);
        Driver { cast: Arc::clone(&self.cast), doors: self.stage.doors.clone().into(), board: Arc::clone(&self.board), dice }
    }

    async fn change_everything_once_more(&self) {
        let mut changes = JoinSet::new();
        for (number, order) in (0..).zip(self.board.open()) {
            let mut driver = self.driver(100 + number);
            changes.spawn(async move { driver.change_once_more(order).await });
        }
        all_of(changes).await;
    }

    /// Waits until every client knows how things are, and holds what it heard against what happened.
    async fn end(&mut self) -> Report {
        let facts = Facts::read(&self.stage.app).await;
        assert_eq!(facts.versions(), self.board.versions(), "everything was done that was answered, and once");
        in_time(|| {
            let behind = self.clients.iter().filter_map(|client| {
                let awaited = client.awaits(&facts)?;
                Some(format!("{}: {awaited}", client.describe()))
            });
            // one is enough to wait for; the report of who waits in vain has the first ones
            let behind: Vec<String> = behind.take(10).collect();
            (!behind.is_empty()).then(|| behind.join("\n"))
        })
        .await;
        self.listening.abort_all();
        while let Some(ended) = self.listening.join_next().await {
            if let Err(error) = ended
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        }
        self.stage.listen_to_all();
        Report::write(self, &facts)
    }
}

/// Waits until nothing is awaited any more.
async fn in_time(awaited: impl Fn() -> Option<String>) {
    let deadline = Instant::now() + PATIENCE;
    while let Some(words) = awaited() {
        assert!(Instant::now() < deadline, "in {PATIENCE:?} this did not come true:\n{words}");
        sleep(EVERY).await;
    }
}

/// Waits until all tasks are done; a failed assertion in one of them is the test's.
async fn all_of(mut tasks: JoinSet<()>) {
    let all = async {
        while let Some(result) = tasks.join_next().await {
            result.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("the work comes to its end in time");
}
