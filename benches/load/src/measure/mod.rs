//! What is measured, one after the other, each on servers of its own.

mod feed;
mod idle;
mod latency;
mod storm;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};

use crate::api::{AVAILABLE_ORDERS, Api, People};
use crate::crowd::{Crowd, Open, Opened, Seen};
use crate::machine::Machine;
use crate::report::Report;
use crate::server::{Program, Server, Shared, Site};
use crate::services::Services;
use crate::{Outcome, proc_fs};

/// Sockets that a server has seen before its memory is taken for what it needs without any.
const WARM_UP: usize = 50;

/// What to measure, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The server to measure: a release build.
    #[arg(long, value_name = "BIN")]
    server: PathBuf,
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "feed,latency,across")]
    measure: Vec<What>,
    /// Subscribers of the feed, a table's row each.
    #[arg(long, value_delimiter = ',', default_value = "1000,5000,20000")]
    sockets: Vec<usize>,
    /// Messages to deliver in each row: so many orders are placed, 20 at least and 2,000 at most.
    #[arg(long, default_value_t = 1_000_000)]
    messages: usize,
    /// Subscribers while latency is measured.
    #[arg(long, default_value_t = 1000)]
    latency_sockets: usize,
    /// Orders a second while latency is measured.
    #[arg(long, default_value_t = 10)]
    rate: u32,
    /// Other requests a second while latency is measured.
    #[arg(long, default_value_t = 50)]
    work: u32,
    /// Seconds for which latency is measured.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Clients that come back after an instance died, a row for each of what they follow.
    #[arg(long, value_delimiter = ',', default_value = "2000,5000")]
    storm_sockets: Vec<usize>,
    /// Customers who share the sockets of a storm in which each follows their own orders.
    #[arg(long, default_value_t = 2000)]
    customers: usize,
    /// Only opens so many sockets, looks at the memory, and sends one event to all of them.
    #[arg(long, value_name = "SOCKETS")]
    idle: Option<usize>,
    /// Server processes that share the sockets of --idle; as many as the limit of open files asks for when absent.
    #[arg(long)]
    instances: Option<usize>,
    /// PostgreSQL for what needs several instances: a database that is empty. One is started when absent.
    #[arg(long, requires = "redis_url")]
    database_url: Option<String>,
    /// Redis for what needs several instances. One is started when absent.
    #[arg(long, requires = "database_url")]
    redis_url: Option<String>,
    /// A setting for every server, as `NAME=VALUE`.
    #[arg(long = "setting", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Writes everything that was measured to this file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Records a profile of the server with `perf` while events are delivered, into this folder.
    #[arg(long, value_name = "FOLDER")]
    perf: Option<PathBuf>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Memory and throughput, beside the bare broadcaster.
    Feed,
    /// From commit to receipt, on one instance.
    Latency,
    /// From commit to receipt, with the subscribers at another instance.
    Across,
    /// All clients come back at once, because their instance died.
    Storm,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Measures, and prints.
///
/// # Errors
/// When something could not be measured at all; and, after everything is printed, when the server lost something.
pub(crate) async fn run(options: Options) -> Outcome {
    let bench = Bench { program: Program::new(&options.server, &options.settings)?, machine: Machine::prepare()?, options };
    let work = bench.measure();
    // whatever was started ends with the values that are dropped here
    let report = tokio::select! {
        report = work => report?,
        () = interruption() => return Err("interrupted".into()),
    };
    println!("{}", report.markdown());
    if let Some(path) = &bench.options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    match report.failures() {
        0 => Ok(()),
        failures => Err(format!("{failures} messages were lost or came twice, or sockets could not be opened").into()),
    }
}

/// Comes when the program is to end before it is done.
async fn interruption() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = ctrl_c() => {}
        },
        Err(_) => drop(ctrl_c().await),
    }
}

/// Everything a measurement needs.
#[derive(Debug)]
struct Bench {
    options: Options,
    program: Program,
    machine: Machine,
}

impl Bench {
    async fn measure(&self) -> Outcome<Report> {
        let mut report = Report::new(self.machine.clone(), self.program.version()?);
        if let Some(count) = self.options.idle {
            report.idle = Some(idle::measure(self, count).await?);
            return Ok(report);
        }
        if self.measures(What::Feed) {
            for wanted in &self.options.sockets {
                let sockets = self.as_many(*wanted, &mut report);
                report.feed.push(feed::measure(self, sockets).await?);
            }
        }
        if self.measures(What::Latency) {
            report.latency.push(latency::on_one(self).await?);
        }
        if self.measures(What::Across) {
            report.latency.push(latency::across(self).await?);
        }
        if self.measures(What::Storm) {
            for follows in [storm::Follows::Offers, storm::Follows::OffersAnew, storm::Follows::OwnOrders] {
                for wanted in &self.options.storm_sockets {
                    let sockets = self.as_many(*wanted, &mut report);
                    report.storm.push(storm::measure(self, follows, sockets).await?);
                }
            }
        }
        Ok(report)
    }

    /// As many sockets as were `wanted`, or as one server may have; that is noted.
    fn as_many(&self, wanted: usize, report: &mut Report) -> usize {
        let sockets = wanted.min(self.machine.room());
        if sockets < wanted {
            let files = self.machine.files;
            report.note(format!("{sockets} sockets instead of {wanted}: a process may have {files} files open."));
        }
        sockets
    }

    fn measures(&self, what: What) -> bool {
        self.options.measure.contains(&what)
    }

    /// Where several instances work together.
    fn shared(&self) -> Outcome<Site> {
        let Options { database_url, redis_url, .. } = &self.options;
        if let (Some(database_url), Some(redis_url)) = (database_url.clone(), redis_url.clone()) {
            return self.program.shared(Shared { database_url, redis_url }, None);
        }
        let services = Services::start()?;
        self.program.shared(services.shared.clone(), Some(services))
    }

    /// Opens `count` sockets at `servers`, and says on the terminal what came of it.
    async fn open(&self, servers: &[&Server], people: &People, count: usize) -> Outcome<(Crowd, Opened)> {
        let open = Open { document: AVAILABLE_ORDERS.to_owned(), ..Open::default() };
        self.open_as(servers, &people.partners, count, open).await
    }

    /// The same of sockets that are as `open` says, for whoever has the access `tokens`.
    async fn open_as(&self, servers: &[&Server], tokens: &[String], count: usize, open: Open) -> Outcome<(Crowd, Opened)> {
        let mut crowd = Crowd::new(self.machine.room());
        let servers = servers.iter().map(|server| server.addr()).collect();
        let open = Open { servers, tokens: tokens.to_vec(), count, ..open };
        let opened = crowd.open(&open).await?;
        if let Some(reason) = &opened.reason {
            say(&format!("{} of {count} sockets could not be opened: {reason}", opened.failed));
        }
        Ok((crowd, opened))
    }

    /// Lets the servers do once what they will do often, so that the memory of the first time is not put down to sockets.
    async fn warm_up(&self, servers: &[&Server], api: &Api, people: &People, count: usize) -> Outcome {
        let (mut crowd, _) = self.open(servers, people, WARM_UP.min(count)).await?;
        crowd.begin(false).await?;
        let order = api.offer(people).await?;
        let seen = crowd.seen(1).await?;
        complain(&seen, 1, WARM_UP.min(count));
        api.cancel(people, &order).await
    }
}

/// Memory of all of `servers` once it has settled, in bytes.
async fn memory(servers: &[&Server]) -> Outcome<u64> {
    let mut sum = 0;
    for server in servers {
        sum += proc_fs::settled(server.pid()).await?;
    }
    Ok(sum)
}

/// Says on the terminal when not everything arrived.
fn complain(seen: &Seen, events: usize, sockets: usize) {
    let expected = (events * sockets) as u64;
    if seen.messages != expected || seen.closed > 0 {
        let reason = seen.reason.as_deref().unwrap_or("still open");
        say(&format!("{} messages came instead of {expected}; {} sockets ended: {reason}", seen.messages, seen.closed));
    }
}

/// Progress, for the person at the terminal.
fn say(text: &str) {
    eprintln!("load: {text}");
}
