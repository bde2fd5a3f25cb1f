//! Several instances on one database and one Redis, with a network between that can be broken.

use quick_commerce::config::Config;
use quick_commerce::platform::clock::Clock;
use quick_commerce::serve::Running;

use super::actors::Api;
use super::app::{build, serve};
use super::proxy::Proxy;
use super::redis::Redis;
use super::shape::{Shape, TestDatabase, config};

/// One instance of the server.
#[derive(Debug)]
pub(crate) struct Instance {
    /// The instance as clients see it: through its proxy.
    pub(crate) api: Api,
    /// The network before it.
    pub(crate) network: Proxy,
    /// `None` while it is dead.
    running: Option<Running>,
    config: Config,
}

/// A cluster in the shape of production. `cluster[0]` is the first instance's [`Api`].
#[derive(Debug)]
pub(crate) struct TestCluster {
    /// The instances.
    pub(crate) instances: Vec<Instance>,
    /// The network between the instances and Redis.
    pub(crate) redis_network: Proxy,
    /// Everybody's time.
    pub(crate) clock: Clock,
    starts: u64,
    _database: TestDatabase,
}

impl std::ops::Index<usize> for TestCluster {
    type Output = Api;

    fn index(&self, index: usize) -> &Api {
        &self.instances[index].api
    }
}

impl TestCluster {
    /// Starts `count` instances on a new database and the tests' Redis.
    pub(crate) async fn start(count: usize) -> Self {
        Self::start_on(Redis::shared().await, count, |_| {}).await
    }

    /// The same on a Redis of the caller's choice, and with another configuration.
    pub(crate) async fn start_on(redis: &Redis, count: usize, change: impl Fn(&mut Config)) -> Self {
        let database = TestDatabase::new(Shape::Production).await;
        let redis_network = Proxy::start(redis.addr()).await;
        let mut config = config(&database, Some(format!("redis://{}", redis_network.addr)));
        change(&mut config);
        let mut cluster =
            Self { instances: Vec::new(), redis_network, clock: Clock::system(), starts: 0, _database: database };
        for _ in 0..count {
            let (api, running) = cluster.launch(config.clone()).await;
            let network = Proxy::start(running.addr).await;
            let api = Api::new(api.app, network.addr);
            cluster.instances.push(Instance { api, network, running: Some(running), config: config.clone() });
        }
        cluster
    }

    /// Ends an instance without a goodbye, as `kill -9` would.
    pub(crate) fn kill(&mut self, index: usize) {
        let instance = &mut self.instances[index];
        instance.network.down();
        instance.running.take().expect("the instance runs").kill();
    }

    /// Ends an instance as a deployment would.
    pub(crate) async fn stop(&mut self, index: usize) {
        self.instances[index].running.take().expect("the instance runs").stop().await;
        self.instances[index].network.down();
    }

    /// Starts an instance again after [`TestCluster::kill`] or [`TestCluster::stop`]; clients find it where it was.
    pub(crate) async fn start_again(&mut self, index: usize) {
        let (api, running) = self.launch(self.instances[index].config.clone()).await;
        let instance = &mut self.instances[index];
        assert!(instance.running.is_none(), "the instance runs");
        instance.network.retarget(running.addr);
        instance.network.resume();
        instance.api = Api::new(api.app, instance.network.addr);
        instance.running = Some(running);
    }

    async fn launch(&mut self, config: Config) -> (Api, Running) {
        self.starts += 1;
        let app = build(config, self.clock.clone(), self.starts).await;
        let running = serve(&app).await;
        (Api::new(app, running.addr), running)
    }
}
