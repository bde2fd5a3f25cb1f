//! What breaks: servers, each the program itself, in front of them networks, behind them PostgreSQL and Redis, or a file.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use quick_commerce::app::App;
use quick_commerce::config::Config;
use quick_commerce::platform::clock::Clock;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep};

use super::plan::Blow;
use crate::support::actors::Api;
use crate::support::app::build;
use crate::support::processes::{Folder, Server};
use crate::support::proxy::Proxy;
use crate::support::redis::Redis;
use crate::support::shape::TestDatabase;
use crate::support::{Shape, processes};

/// Networks in front of each instance: a cut takes a part of its clients.
pub(super) const NETWORKS: usize = 4;

/// How long the servers may take to be well again.
const PATIENCE: Duration = Duration::from_mins(2);

/// Signs the access tokens.
const SECRET: &str = "a secret of the tests, and of nothing else";

/// The end of what a server says when it has started.
const READY: &str = "(graphql-transport-ws)";

/// What happened to the stage.
#[derive(Debug, Default)]
pub(super) struct Blows {
    pub(super) servers: u64,
    pub(super) redis: u64,
    pub(super) cuts: u64,
}

#[derive(Debug)]
struct Instance {
    /// `None` while it is dead.
    server: Option<Server>,
    networks: Vec<Proxy>,
}

/// Servers, and all that they stand on.
#[derive(Debug)]
pub(super) struct Stage {
    /// For what clients cannot do, past the servers.
    pub(super) app: App,
    /// Every way to the servers: [`NETWORKS`] for each instance.
    pub(super) doors: Vec<Api>,
    /// What happened to it.
    pub(super) blows: Blows,
    /// What no server should do: panic, or end by itself.
    pub(super) complaints: Vec<String>,
    instances: Vec<Instance>,
    settings: Vec<(&'static str, String)>,
    /// Of the shape that has one.
    redis: Option<(Redis, Proxy)>,
    _database: TestDatabase,
}

impl Stage {
    /// Starts `count` instances over PostgreSQL and Redis.
    pub(super) async fn build(count: usize) -> Self {
        Self::build_with(Shape::Production, count, &[]).await
    }

    /// The same in any shape, with other settings than usual. Of the embedded one there is but one instance.
    pub(super) async fn build_with(shape: Shape, count: usize, changes: &[(&'static str, String)]) -> Self {
        let database = TestDatabase::new(shape).await;
        let redis = match shape {
            Shape::Embedded => None,
            Shape::Production => {
                let redis = Redis::private().await;
                // another Redis would have another port
                let network = Proxy::start(redis.addr()).await;
                Some((redis, network))
            }
        };
        let mut settings = vec![
            ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
            ("DATABASE_URL", database.url()),
            ("DATABASE_CONNECTIONS", "8".to_owned()),
            ("JWT_SECRET", SECRET.to_owned()),
            ("DEMO", "false".to_owned()),
            ("LOG", "warn".to_owned()),
            // nothing happens but what somebody does
            ("ACCESS_TOKEN_SECONDS", "86400".to_owned()),
            ("CLAIM_HOLD_SECONDS", "3600".to_owned()),
            ("PICKUP_SECONDS", "86400".to_owned()),
            // few people with many sockets
            ("MAX_SOCKETS_PER_USER", "0".to_owned()),
            ("MAX_SOCKETS_PER_ADDRESS", "0".to_owned()),
            ("MAX_SUBSCRIPTIONS_PER_USER", "0".to_owned()),
        ];
        settings.retain(|(name, _)| changes.iter().all(|(changed, _)| name != changed));
        settings.extend(changes.iter().cloned());
        let get = |name: &str| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let config = Config::load(None, get).unwrap();
        let app = build(config, Clock::system(), 0).await;
        settings.extend(redis.as_ref().map(|(_, network)| ("REDIS_URL", format!("redis://{}", network.addr))));
        let mut stage = Self {
            app,
            doors: Vec::new(),
            blows: Blows::default(),
            complaints: Vec::new(),
            instances: Vec::new(),
            settings,
            redis,
            _database: database,
        };
        for _ in 0..count {
            let (server, addr) = block_in_place(|| start(&stage.settings));
            let mut networks = Vec::new();
            for _ in 0..NETWORKS {
                let network = Proxy::start(addr).await;
                stage.doors.push(Api::new(stage.app.clone(), network.addr));
                networks.push(network);
            }
            stage.instances.push(Instance { server: Some(server), networks });
        }
        stage
    }

    /// Lets `blow` fall, and puts things right again after `outage`.
    pub(super) async fn suffer(&mut self, blow: &Blow, outage: Duration) {
        match blow {
            Blow::Kill(index) => {
                self.kill(*index);
                sleep(outage).await;
                self.start_again(*index);
            }
            Blow::Redis => {
                let (redis, network) = self.redis.as_mut().expect("there is a Redis");
                network.down();
                redis.kill();
                self.blows.redis += 1;
                sleep(outage).await;
                *redis = Redis::private().await;
                network.retarget(redis.addr());
                network.resume();
            }
            Blow::Cut(networks) => {
                for network in networks {
                    self.instances[network / NETWORKS].networks[network % NETWORKS].cut();
                }
                self.blows.cuts += 1;
            }
        }
    }

    /// Redis, where there is one.
    pub(super) fn redis(&self) -> Option<&Redis> {
        self.redis.as_ref().map(|(redis, _)| redis)
    }

    /// Kills every instance.
    pub(super) fn kill_all(&mut self) {
        (0..self.instances.len()).for_each(|index| self.kill(index));
    }

    /// Starts every instance again.
    pub(super) fn start_all_again(&mut self) {
        (0..self.instances.len()).for_each(|index| self.start_again(index));
    }

    fn kill(&mut self, index: usize) {
        self.listen(index);
        let instance = &mut self.instances[index];
        // `kill -9`: what is on its connections is lost with it
        block_in_place(|| drop(instance.server.take()));
        // its port may be somebody else's in a moment
        instance.networks.iter().for_each(Proxy::down);
        self.blows.servers += 1;
    }

    fn start_again(&mut self, index: usize) {
        let (server, addr) = block_in_place(|| start(&self.settings));
        let instance = &mut self.instances[index];
        instance.server = Some(server);
        for network in &instance.networks {
            network.retarget(addr);
            network.resume();
        }
    }

    /// Waits until every instance can work again.
    pub(super) async fn recover(&self) {
        let deadline = Instant::now() + PATIENCE;
        for door in &self.doors {
            loop {
                let answer = door.http.send(Method::GET, "/readyz", &[], Body::empty()).await;
                if answer.as_ref().is_ok_and(|answer| answer.status.is_success()) {
                    break;
                }
                assert!(Instant::now() < deadline, "{} is not ready after {PATIENCE:?}: {answer:?}", door.addr);
                sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// The end of what each instance has said since it was last started.
    pub(super) fn said(&self) -> String {
        let logs = self.instances.iter().filter_map(|instance| instance.server.as_ref()).map(Server::log);
        let ends =
            logs.map(|log| log.lines().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n"));
        ends.collect::<Vec<_>>().join("\n---\n")
    }

    /// Takes note of what all instances have said.
    pub(super) fn listen_to_all(&mut self) {
        (0..self.instances.len()).for_each(|index| self.listen(index));
    }

    fn listen(&mut self, index: usize) {
        let server = self.instances[index].server.as_mut().expect("the instance runs");
        let log = server.log();
        if !server.is_alive() {
            self.complaints.push(format!("instance {index} ended by itself"));
        }
        let panics = log.lines().filter(|line| line.contains("panicked"));
        self.complaints.extend(panics.map(|line| format!("instance {index}: {line}")));
    }
}

/// The program with `settings` and nothing else in its environment, and where it listens.
fn start(settings: &[(&str, String)]) -> (Server, SocketAddr) {
    let env = processes::find_program("env", &["/usr/bin".into(), "/bin".into()]).expect("there is an env on every Unix");
    let mut line = vec![env.into_os_string(), "-i".into()];
    line.extend(settings.iter().map(|(name, value)| format!("{name}={value}").into()));
    line.push(env!("CARGO_BIN_EXE_quick-commerce").into());
    let server = Server::start_saying(READY, Folder::new("server"), None, "KILL", &line).unwrap();
    let said = server.log();
    let addr = said.split_once("GraphQL    http://").and_then(|(_, rest)| rest.split_once('/'));
    let addr = addr.and_then(|(addr, _)| addr.parse().ok()).unwrap_or_else(|| panic!("no address in {said}"));
    (server, addr)
}

/// Lets this process, and those it starts, have `count` files and sockets open.
pub(super) fn allow_files(count: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < count) {
        let enough = maximum.is_none_or(|maximum| count <= maximum);
        assert!(enough, "so many subscribers need {count} open files, and the most here are {maximum:?}: see ulimit -Hn");
        setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum }).unwrap();
    }
}
