//! The storm after an instance died: all of its clients come back at once, to the one that is left.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::feed::count_u64;
use super::latency::{Answers, other_work};
use super::{Bench, complain, say};
use crate::api::{AVAILABLE_ORDERS, Api, MY_ORDERS_AFTER, People};
use crate::clock::now_us;
use crate::crowd::{Open, Return};
use crate::report::{Cost, Requests, Storm};
use crate::server::Server;
use crate::stats::{Delays, each};
use crate::{Outcome, proc_fs};

/// Orders and registrations at once.
const PLACERS: usize = 8;

/// Partners who are at the instance that is left from the beginning.
const RESIDENTS: usize = 50;

/// For how long requests are looked at before the storm.
const BEFORE: Duration = Duration::from_secs(5);

/// For how long they are sent before that, and not looked at: the first of each kind take longer.
const WARM_UP: Duration = Duration::from_secs(1);

/// What the clients follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    /// Partners: one feed, which is the same for all, and which others follow at the instance that is left.
    Offers,
    /// The same where nobody follows it yet.
    OffersAnew,
    /// Customers: the orders of each.
    OwnOrders,
}

/// Who follows what, and what happens to that.
#[derive(Debug, Clone)]
struct Scene {
    follows: Follows,
    /// Of the instance that takes the orders.
    api: Api,
    people: Arc<People>,
    /// Access tokens of those who follow.
    followers: Vec<String>,
    /// Orders that everybody hears of in some way: these customers' of one round.
    round: Vec<String>,
    /// How many rounds there are of each kind.
    rounds: usize,
}

/// Measures with `sockets` clients that follow what `follows` says.
///
/// # Errors
/// When a server, a database or the crowd fails.
pub(super) async fn measure(bench: &Bench, follows: Follows, sockets: usize) -> Outcome<Storm> {
    say(&format!("the storm of {sockets} clients, {}", follows.name()));
    let site = bench.shared()?;
    let people = site.people().await?;
    // orders and background work are another's: what the two instances do is for their clients
    let worker = site.start()?;
    let (dying, left) = (site.start_without_work()?, site.start_without_work()?);
    let api = Api::new(worker.addr());
    // before there are orders: the first picture of all that are offered is no small message
    bench.warm_up(&[&dying, &left], &api, &people, sockets).await?;
    let scene = Scene::set(bench, follows, api, people, sockets).await?;
    let left_api = scene.api.at(left.addr());

    let spent = Spent::begin(&dying, &scene.api).await?;
    let begun_us = now_us();
    let open = Open { document: follows.document().to_owned(), may_return: true, ..Open::default() };
    let (mut crowd, opened) = bench.open_as(&[&dying], &scene.followers, sockets, open.clone()).await?;
    let opening_us = now_us() - begun_us;
    let first = spent.end(&dying).await?.each(opened.open);
    if opened.failed > 0 {
        return Err("not all of the clients are there that were to come back".into());
    }

    let mut residents = match follows {
        Follows::Offers => Some(bench.open_as(&[&left], &scene.followers, RESIDENTS, open).await?.0),
        Follows::OffersAnew | Follows::OwnOrders => None,
    };

    let work = bench.options.work;
    let (before, request) = requests(&left, &left_api, &scene.people, work).await?;

    crowd.begin(false).await?;
    if let Some(residents) = &mut residents {
        residents.begin(false).await?;
    }
    let changes = scene.changes().await?;
    let half = scene.rounds * changes;
    scene.place(scene.orders(scene.rounds)).await?;
    complain(&crowd.seen(u32::try_from(half)?).await?, half, sockets);
    // one half of them on its way when it dies, the other comes afterwards
    let mut orders = scene.orders(scene.rounds);
    let rest = orders.split_off(orders.len() / 2);
    scene.place(orders).await?;
    say("an instance dies");
    let placing = tokio::spawn({
        let scene = scene.clone();
        async move { scene.place(rest).await }
    });
    dying.kill();
    placing.await??;

    let events = 2 * half;
    let answers = Answers::default();
    let others = other_work(std::slice::from_ref(&left_api), &scene.people, work, &answers);
    let spent = Spent::begin(&left, &left_api).await?;
    let order = Return { servers: vec![left.addr()], lost: half, events: u32::try_from(events)? };
    let returned = crowd.come_back(order).await?;
    let seen = crowd.seen(u32::try_from(events)?).await?;
    let (answered, back_us) = (answers.count(), now_us());
    let back = spent.end(&left).await?.without(request, answered).each(sockets as u64);
    if let Some(reason) = &returned.reason {
        say(&format!("{} of {sockets} clients could not come back: {reason}", returned.failed));
    }

    // whatever was told too much, or was still to come, has come before this
    scene.place(scene.orders(1)).await?;
    let events = events + changes;
    let last = crowd.seen(u32::try_from(events)?).await?;
    complain(&last, events, sockets);
    // those that were asked in the storm and waited until it was over count, too
    let during = answers.take(back_us);
    drop(others);
    let mut expected = (sockets * events) as u64;
    let (mut told, mut again) = (last.messages - last.again, last.again);
    if let Some(residents) = &mut residents {
        let seen = residents.seen(u32::try_from(events)?).await?;
        complain(&seen, events, RESIDENTS);
        expected += (RESIDENTS * events) as u64;
        (told, again) = (told + seen.messages - seen.again, again + seen.again);
    }
    Ok(Storm {
        follows: follows.name(),
        sockets: opened.open,
        users: scene.followers.len().min(sockets),
        failed: returned.failed,
        missed_each: each(count_u64((sockets * 2 * half) as u64 - returned.had), sockets as u64),
        opening_us,
        first,
        back_us: Delays::of(seen.back),
        ratio: back.cpu_us_each / first.cpu_us_each,
        back,
        expected,
        told,
        again,
        closed: last.closed,
        requests: Requests { before: Delays::of(before), during: Delays::of(during) },
    })
}

impl Follows {
    const fn name(self) -> &'static str {
        match self {
            Self::Offers => "one feed for all, others follow it there",
            Self::OffersAnew => "one feed for all, nobody follows it there",
            Self::OwnOrders => "each their own orders",
        }
    }

    const fn document(self) -> &'static str {
        match self {
            Self::Offers | Self::OffersAnew => AVAILABLE_ORDERS,
            Self::OwnOrders => MY_ORDERS_AFTER,
        }
    }
}

impl Scene {
    /// Those who follow; customers have an order that they wait for.
    async fn set(bench: &Bench, follows: Follows, api: Api, people: People, sockets: usize) -> Outcome<Self> {
        let (followers, round) = match follows {
            Follows::Offers | Follows::OffersAnew => (people.partners.clone(), vec![people.customer.clone()]),
            Follows::OwnOrders => {
                let customers = customers(&api, bench.options.customers.clamp(1, sockets)).await?;
                (customers.clone(), customers)
            }
        };
        let rounds = if follows == Follows::OwnOrders { 1 } else { 10 };
        let scene = Self { follows, api, people: Arc::new(people), followers, round, rounds };
        if follows == Follows::OwnOrders {
            scene.place(scene.orders(1)).await?;
        }
        Ok(scene)
    }

    /// How many events each of those who follow hears of in a round.
    async fn changes(&self) -> Outcome<usize> {
        match (self.follows, self.round.first()) {
            (Follows::OwnOrders, Some(customer)) => self.api.changes(customer).await,
            _ => Ok(1),
        }
    }

    /// Whose orders `rounds` rounds are, one after the other.
    fn orders(&self, rounds: usize) -> Vec<String> {
        std::iter::repeat_n(&self.round, rounds).flatten().cloned().collect()
    }

    /// Places an order for each of `customers`, as fast as the server takes them.
    async fn place(&self, customers: Vec<String>) -> Outcome {
        let customers = Arc::new(customers);
        at_once(customers.len(), |number| {
            let (scene, customers) = (self.clone(), Arc::clone(&customers));
            async move {
                let customer = customers.get(number).ok_or("there is no such customer")?;
                scene.api.offer_to(&scene.people, customer).await
            }
        })
        .await?;
        Ok(())
    }
}

/// Access tokens of `count` new customers.
async fn customers(api: &Api, count: usize) -> Outcome<Vec<String>> {
    say(&format!("{count} customers register"));
    at_once(count, |_| {
        let api = api.clone();
        async move { api.customer().await }
    })
    .await
}

/// Does `work` for each number below `count`, a few at a time.
async fn at_once<Work>(count: usize, work: impl Fn(usize) -> Work) -> Outcome<Vec<String>>
where
    Work: Future<Output = Outcome<String>> + Send + 'static,
{
    let (mut done, mut tasks) = (Vec::new(), JoinSet::new());
    for number in 0..count {
        if tasks.len() == PLACERS
            && let Some(result) = tasks.join_next().await
        {
            done.push(result??);
        }
        tasks.spawn(work(number));
    }
    while let Some(result) = tasks.join_next().await {
        done.push(result??);
    }
    Ok(done)
}

/// How long ordinary requests to `server` take while nothing else happens, and what it uses for one.
async fn requests(server: &Server, api: &Api, people: &Arc<People>, rate: u32) -> Outcome<(Vec<i64>, Cost)> {
    let answers = Answers::default();
    let others = other_work(std::slice::from_ref(api), people, rate, &answers);
    sleep(WARM_UP).await;
    answers.take(0);
    let spent = Spent::begin(server, api).await?;
    sleep(BEFORE).await;
    let (took, spent) = (answers.take(i64::MAX), spent.end(server).await?);
    drop(others);
    let cost = spent.each(took.len() as u64);
    Ok((took, cost))
}

/// What a server had used before something was asked of it.
struct Spent {
    api: Api,
    cpu_us: u64,
    statements: Option<f64>,
}

/// What it has used since.
struct Used {
    cpu_us: f64,
    statements: Option<f64>,
}

impl Spent {
    async fn begin(server: &Server, api: &Api) -> Outcome<Self> {
        let api = api.at(server.addr());
        let statements = statements(&api).await?;
        Ok(Self { api, cpu_us: proc_fs::cpu_us(server.pid())?, statements })
    }

    async fn end(self, server: &Server) -> Outcome<Used> {
        let cpu_us = count_u64(proc_fs::cpu_us(server.pid())? - self.cpu_us);
        let statements = statements(&self.api).await?.zip(self.statements).map(|(after, before)| after - before);
        Ok(Used { cpu_us, statements })
    }
}

impl Used {
    /// The rest, when `count` requests cost `request` each.
    fn without(self, request: Cost, count: usize) -> Self {
        let count = count_u64(count as u64);
        let statements = self.statements.zip(request.statements_each).map(|(all, each)| all - each * count);
        Self { cpu_us: self.cpu_us - request.cpu_us_each * count, statements }
    }

    fn each(self, count: u64) -> Cost {
        Cost { cpu_us_each: each(self.cpu_us, count), statements_each: self.statements.map(|all| each(all, count)) }
    }
}

async fn statements(api: &Api) -> Outcome<Option<f64>> {
    Ok(api.metrics().await?.sum("quick_commerce_database_statements_total"))
}
