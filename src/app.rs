//! The application: handles to everything a use-case needs, and nothing else.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use migration::MigratorTrait as _;
use uuid::Uuid;

use crate::config::{Config, Secret};
use crate::platform::actors::Actors;
use crate::platform::addresses::Reach;
use crate::platform::bus::Bus;
use crate::platform::cache::Cache;
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::platform::doors::Doors;
use crate::platform::error::Error;
use crate::platform::http::{HttpClient, Names};
use crate::platform::ids::{Entropy, Ids};
use crate::platform::jobs;
use crate::platform::lately::Lately;
use crate::platform::limits::{Budgets, Counters, Hourly, Reason, Store};
use crate::platform::mailer::Mailer;
use crate::platform::metrics::Instruments;
use crate::platform::newest::Newest;
use crate::platform::passwords::Passwords;
use crate::platform::relay::{self, Relay};
use crate::platform::retention::{self, Retention};
use crate::platform::sms::Sms;
use crate::platform::storage_key;
use crate::platform::sweep::Sweeper;
use crate::platform::throttle::Throttle;
use crate::platform::tokens::Keys;

/// What the world gives: real in production, set and seeded in tests.
#[derive(Debug, Clone)]
pub struct Ambient {
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Where servers are that users named.
    pub names: Names,
}

impl Default for Ambient {
    fn default() -> Self {
        Self { clock: Clock::system(), entropy: Entropy::System, names: Names::system() }
    }
}

/// The application. A clone is another handle to the same.
#[derive(Debug, Clone)]
pub struct App(Arc<Handles>);

/// What [`App`] gives access to.
#[derive(Debug)]
pub struct Handles {
    /// The configuration.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// Live events.
    pub bus: Bus,
    /// What is read often.
    pub cache: Cache,
    /// What changes many times a second: where partners are.
    pub newest: Newest,
    /// What takes some work to find out, and is asked for by many.
    pub lately: Lately,
    /// Time.
    pub clock: Clock,
    /// Identifiers and randomness.
    pub ids: Ids,
    /// Access tokens.
    pub keys: Keys,
    /// What encrypts what is stored where no key is configured: the installation's own, from the file beside the database.
    pub storage_key: Option<Secret>,
    /// Password hashing.
    pub passwords: Passwords,
    /// What operations are paid from.
    pub budgets: Budgets,
    /// Who may try again, and when.
    pub throttle: Throttle,
    /// Who is behind a session or a key.
    pub actors: Actors,
    /// Who is connected to this instance.
    pub doors: Doors,
    /// Requests to servers that the operator named.
    pub http: HttpClient,
    /// Requests to servers that users named: to public addresses, and what else is configured.
    pub webhooks: HttpClient,
    /// Mails to people.
    pub mailer: Mailer,
    /// Text messages to people.
    pub sms: Sms,
    /// How many of them there may be.
    pub texts: Hourly,
    /// What is counted of operations.
    pub instruments: Instruments,
    /// What the workers of this instance have counted.
    pub jobs: jobs::Counters,
    /// What the sweeps and clean-ups of this instance have counted, by their names.
    pub sweeps: jobs::Counters,
    /// Refunds that failed, as this instance was told: somebody has to see to the money.
    pub refunds_failed: AtomicU64,
    /// This instance, among those that share the database.
    pub instance: Uuid,
}

impl Deref for App {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        &self.0
    }
}

/// Why the application could not be built: one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database's folder cannot be made.
    #[error("cannot make the folder of the database (DATABASE_URL): {0}")]
    Folder(std::io::Error),
    /// The key beside the database cannot be read or made.
    #[error("cannot read or make the key beside the database, {}: {error}", .file.display())]
    StorageKey {
        /// Its file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The database cannot be reached or opened.
    #[error("cannot open the database (DATABASE_URL): {0}")]
    Database(sea_orm::DbErr),
    /// A migration failed.
    #[error("cannot migrate the database: {0}")]
    Migration(sea_orm::DbErr),
    /// The address of Redis is none.
    #[error("REDIS_URL: {0}")]
    Redis(redis::RedisError),
    /// Anything else.
    #[error("cannot start: {0}")]
    Other(String),
}

impl App {
    /// Connects to the database, and to Redis as soon as that is there: while it is away events are late, and nothing else. Does
    /// not migrate.
    ///
    /// # Errors
    /// [`StartError`] for what cannot be reached.
    pub async fn build(config: Config, ambient: Ambient) -> Result<Self, StartError> {
        let Ambient { clock, entropy, names } = ambient;
        let ids = Ids::new(clock.clone(), entropy);
        if let Some(folder) = sqlite_folder(config.database_url.expose()) {
            std::fs::create_dir_all(folder).map_err(StartError::Folder)?;
        }
        let (url, cache) = (config.database_url.expose(), Cache::new(config.cache_rows));
        let db = Db::connect(url, config.database_connections, cache.clone()).await.map_err(StartError::Database)?;
        let bus = if let Some(url) = &config.redis_url {
            Bus::redis(url.expose(), &config.redis_prefix).await.map_err(StartError::Redis)?
        } else {
            if !config.is_embedded() {
                tracing::warn!("REDIS_URL is not set: other instances would not hear of this one's events");
            }
            Bus::memory()
        };
        let storage_key = storage_key(&config, &ids)?;
        let keys = if let Some(secret) = &config.jwt_secret {
            let also = config.jwt_secret_also.as_ref().map(|also| also.expose().as_bytes());
            Keys::new(secret.expose().as_bytes(), also)
        } else {
            tracing::warn!("JWT_SECRET is not set: using a random one, so everybody is signed out when the server restarts");
            Keys::new(&ids.bytes::<32>(), None)
        };
        let secret = keys.derive("limits");
        let store = Store::new(clock.clone(), &secret, &bus);
        let counters = Counters::default();
        let budgets = Budgets::new(store.clone(), config.budgets, counters.clone());
        let texts = Hourly::new(store.clone(), config.texts_per_hour, Reason::TextMessages, counters.clone());
        let throttle = Throttle::new(store, config.attempts, counters);
        let passwords =
            Passwords::new(config.password_hashes, ids.clone()).map_err(|error| StartError::Other(fault_text(&error)))?;
        let newest = Newest::new(bus.clone(), clock.clone(), config.tracking.keep);
        let lately = Lately::new(clock.clone());
        let (doors, instance) = (Doors::default(), ids.uuid());
        let (http, jobs) = (HttpClient::new(), jobs::Counters::default());
        if config.mail.smtp_url.is_none() && !config.is_embedded() {
            tracing::warn!("SMTP_URL is not set: mails are only written to MAIL_FOLDER");
        }
        let mailer = Mailer::new(&config.mail, clock.clone()).map_err(StartError::Other)?;
        let sms = Sms::new(http.clone(), config.sms.clone());
        let webhooks = HttpClient::within(Reach::Public(config.webhooks.networks.clone()), names);
        Ok(Self(Arc::new(Handles {
            config,
            db,
            bus,
            cache,
            newest,
            lately,
            clock,
            ids,
            keys,
            storage_key,
            passwords,
            budgets,
            throttle,
            actors: Actors::default(),
            doors,
            http,
            webhooks,
            mailer,
            sms,
            texts,
            instruments: Instruments::default(),
            jobs,
            sweeps: jobs::Counters::default(),
            refunds_failed: AtomicU64::new(0),
            instance,
        })))
    }

    /// Brings the database to the newest schema, with an epoch for its event log.
    ///
    /// # Errors
    /// When a migration fails.
    pub async fn migrate(&self) -> Result<(), StartError> {
        let pending = migration::pending(self.db.writer()).await.map_err(StartError::Migration)?;
        if !pending.is_empty() {
            migration::Migrator::up(self.db.writer(), None).await.map_err(StartError::Migration)?;
        }
        let prepared = relay::prepare(self.db.writer(), &self.ids).await;
        prepared.map_err(|error| StartError::Other(fault_text(&error)))
    }

    /// The relay of this instance.
    #[must_use]
    pub fn relay(&self) -> Relay {
        Relay::new(self.db.clone(), self.bus.clone(), self.clock.clone(), self.ids.clone(), self.instance)
    }

    /// A worker for the jobs that `handlers` know how to do.
    #[must_use]
    pub fn worker(&self, handlers: jobs::Handlers) -> jobs::Worker {
        jobs::Worker::new(self.db.clone(), self.clock.clone(), self.ids.clone(), handlers, self.jobs.clone())
    }

    /// Sweeps called `name`.
    #[must_use]
    pub fn sweeper(&self, name: &'static str) -> Sweeper {
        Sweeper::new(self.db.clone(), self.clock.clone(), self.ids.clone(), self.sweeps.clone(), name)
    }

    /// The clean-up of what is kept for a time only.
    #[must_use]
    pub fn retention(&self) -> Retention {
        let (events, keys) = (self.config.event_retention, self.config.idempotency_retention);
        Retention::new(self.db.clone(), self.clock.clone(), self.sweeper(retention::SWEEP), events, keys)
    }
}

fn fault_text(error: &Error) -> String {
    match error {
        Error::Fault(fault) => format!("{}: {}", fault.doing, fault.source),
        other => format!("{other:?}"),
    }
}

/// The key beside the database. It is made where nothing else would outlive a restart; one that was made before is read also when
/// a secret is configured since, for what it encrypted.
fn storage_key(config: &Config, ids: &Ids) -> Result<Option<Secret>, StartError> {
    let Some(file) = sqlite_file(config.database_url.expose()).map(storage_key::path) else { return Ok(None) };
    let key = if config.jwt_secret.is_none() && config.webhooks.key.is_none() {
        storage_key::read_or_make(&file, ids).map(Some)
    } else {
        storage_key::read(&file)
    };
    key.map_err(|error| StartError::StorageKey { file, error })
}

/// The file of an SQLite database, unless that is in memory.
fn sqlite_file(url: &str) -> Option<&Path> {
    let (file, options) = url.strip_prefix("sqlite:")?.split_once('?').unwrap_or((url.strip_prefix("sqlite:")?, ""));
    let file = file.trim_start_matches("//");
    let is_in_memory = file.is_empty() || file.starts_with(':') || options.contains("mode=memory");
    (!is_in_memory).then(|| Path::new(file))
}

/// Its folder.
fn sqlite_folder(url: &str) -> Option<&Path> {
    sqlite_file(url)?.parent().filter(|folder| !folder.as_os_str().is_empty())
}
