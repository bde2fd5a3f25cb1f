//! Configuration: defaults, then a file, then the environment. Everything that is wrong is said at once.

mod limits;
mod mail;
mod network;
mod payments;
mod prices;
mod sms;
mod tokens;
mod traces;
mod tracking;
mod webhooks;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use domain::Named;
use domain::claims::PayoutRule;
use domain::money::Currency;
use domain::pricing::PriceRule;

pub use limits::{Attempts, Budget, Budgets, Limits};
pub use mail::MailSettings;
use network::origins;
pub use network::{Network, NoNetwork};
pub use payments::{Payments, ProviderName, Stripe};
pub use sms::SmsSettings;
pub use traces::Traces;
pub use tracking::Tracking;
pub use webhooks::{EventStream, Webhooks};

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value`.
    #[must_use]
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `text`, e.g. of another's error, without this value; of an address also without the password in it.
    #[must_use]
    pub fn hide_in(&self, text: &str) -> String {
        let authority = self.0.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
        let password = authority.and_then(|(user_info, _)| user_info.split_once(':')).map_or("", |(_, password)| password);
        let hidden = [self.0.as_str(), password].into_iter().filter(|secret| !secret.is_empty());
        hidden.fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// One setting: its name in the environment (in the file: the same in lower case), default and meaning.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Name in the environment.
    pub name: &'static str,
    /// What it is when absent, as it would be written.
    pub default: &'static str,
    /// For `--help` and the README.
    pub meaning: &'static str,
}

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, meaning }
}

/// Every setting there is. A key of the file that is not here is an error.
pub const SETTINGS: &[Setting] = &[
    setting("LISTEN_ADDR", "127.0.0.1:8080", "address and port to serve on"),
    setting("DATABASE_URL", "sqlite://data/quick-commerce.db", "`sqlite://FILE` or `postgres://…`"),
    setting("DATABASE_CONNECTIONS", "16", "most connections to the database"),
    setting("CACHE_ROWS", "50000", "rows of the catalogue that are kept in memory, for a second at most; 0: none"),
    setting("REDIS_URL", "", "`redis://…`; absent: events stay in this process"),
    setting("REDIS_PREFIX", "qc", "first part of every name in Redis"),
    setting("REDIS_STREAM", "events", "name, after the prefix and a colon, of the stream that every event is added to"),
    setting("REDIS_STREAM_LENGTH", "100000", "about how many events the stream keeps; `0`: there is no stream"),
    setting("JWT_SECRET", "", "at least 32 bytes; random at each start when embedded, required with PostgreSQL or Redis"),
    setting(
        "JWT_SECRET_ALSO",
        "",
        "accepted as well as `JWT_SECRET`, and signs nothing: the next one, and then the last one, while that is replaced",
    ),
    setting("DEMO", "", "`true` fills an empty database with demo data; on by default only when embedded"),
    setting("ACCESS_TOKEN_SECONDS", "900", "life of an access token"),
    setting("REFRESH_TOKEN_DAYS", "14", "life of a refresh token; each works once"),
    setting("SESSION_DAYS", "90", "life of a session, however often it is refreshed"),
    setting("PASSWORD_RESET_MINUTES", "30", "how long the link works that lets somebody choose another password"),
    setting("EMAIL_VERIFICATION_HOURS", "48", "how long the link works that proves an e-mail address"),
    setting("EVENT_RETENTION_HOURS", "24", "how long events are kept for clients that resume a subscription"),
    setting("IDEMPOTENCY_HOURS", "48", "how long an idempotency key is remembered; at least 24"),
    setting("CURRENCY", "INR", "ISO 4217 code of every price: INR, USD, EUR, GBP, JPY, AED, SGD or BRL"),
    setting("TAX_PERCENT", "5", "tax on goods, in percent, up to two decimals"),
    setting("DELIVERY_FEE", "25", "fee for a delivery"),
    setting("FREE_DELIVERY_FROM", "199", "goods worth this much are delivered free; `never` for no such threshold"),
    setting("PAYOUT_BASE", "20", "what a partner earns for any delivery"),
    setting("PAYOUT_PER_KM", "8", "and for each kilometre from store to door, by the half"),
    setting("CLAIM_HOLD_SECONDS", "120", "how long a partner may look at an order before accepting it"),
    setting("PICKUP_SECONDS", "900", "how long a partner has from accepting an order to picking it up"),
    setting("PARTNER_CAPACITY", "2", "orders that a new partner may carry at once"),
    setting("LOCATION_MINUTES", "10", "how long a partner's last position is known; none that is older is taken"),
    setting("LOCATION_STALE_SECONDS", "30", "age from which a partner's position is said to be stale"),
    setting("LOCATION_HISTORY_DAYS", "30", "how long the positions of deliveries, one a minute, are kept"),
    setting("CHAT_GRACE_MINUTES", "60", "how long an order's chat stays open after the order's end"),
    setting("PAYMENT_MINUTES", "15", "how long an order waits for its payment before it is called off"),
    setting(
        "PAYMENT_PROVIDER",
        "",
        "`sandbox` or `stripe`; absent: Stripe when its key is there, else the sandbox when embedded, else none, and orders \
         are paid in cash only",
    ),
    setting("STRIPE_SECRET_KEY", "", "key of Stripe's API, `sk_…`; with it payments may be started at Stripe"),
    setting("STRIPE_WEBHOOK_SECRET", "", "secret that Stripe signs its webhooks with, `whsec_…`"),
    setting("STRIPE_API_URL", "https://api.stripe.com", "where Stripe's API is"),
    setting("SANDBOX_WEBHOOK_URL", "", "where the sandbox sends its webhooks; absent: this server's own address"),
    setting("SANDBOX_LATE_SECONDS", "60", "after which time a payment succeeds that is to be late in the sandbox"),
    setting(
        "WEBHOOK_KEY",
        "",
        "at least 32 bytes; encrypts the secrets that webhooks are signed with; absent: derived from `JWT_SECRET`, or embedded \
         from a key in the file `.key` beside the database",
    ),
    setting("WEBHOOK_KEY_BEFORE", "", "the key that `WEBHOOK_KEY` took the place of, until every secret is encrypted anew"),
    setting("WEBHOOK_HTTP", "false", "`true` lets webhooks go to addresses of `http:`, not only of `https:`"),
    setting(
        "WEBHOOK_NETWORKS",
        "",
        "networks (`10.0.0.0/8`), separated by commas, that webhooks may go to although they are not public",
    ),
    setting("WEBHOOK_OVERLAP_HOURS", "24", "how long webhooks are signed with a secret as well that was replaced"),
    setting("WEBHOOK_LOG_DAYS", "30", "how long it is kept what became of a webhook"),
    setting("WEBHOOK_PAUSE_DAYS", "5", "for how long nothing gets through to an endpoint before it is paused; at least 2"),
    setting(
        "WEBHOOK_MAX_WAITING",
        "100000",
        "messages that may wait for one endpoint; what more comes is `FAILED` in its log",
    ),
    setting(
        "SMTP_URL",
        "",
        "mail server, `smtps://USER:PASSWORD@HOST` or `smtp://…@HOST:587?tls=required`; absent: mails are files in `MAIL_FOLDER`",
    ),
    setting("MAIL_FOLDER", "data/mail", "where mails are written, as `.eml` files, while there is no mail server"),
    setting(
        "MAIL_FROM",
        "Quick Commerce <no-reply@localhost>",
        "sender of every mail, `NAME <ADDRESS>`; required with `SMTP_URL`",
    ),
    setting(
        "PUBLIC_URL",
        "http://localhost:8080",
        "where people find the shop in a browser; links in mails lead there; required with `SMTP_URL`",
    ),
    setting("SMS_URL", "", "where text messages are posted to; absent: they go nowhere, and are noted in the log"),
    setting("SMS_TOKEN", "", "sent there as `Authorization: Bearer …`"),
    setting(
        "SMS_BODY",
        r#"{"id":"{id}","to":"{to}","text":"{text}"}"#,
        "what is posted: any JSON with `{to}` and `{text}` in its texts, and `{id}`, the same for the same message",
    ),
    setting(
        "SMS_PER_HOUR",
        "10",
        "text messages an hour to one user, and to one number; what is more is told in the app alone; `0`: no limit",
    ),
    setting("NOTIFICATION_DAYS", "90", "how long notifications are kept"),
    setting("MAX_BODY_BYTES", "1048576", "largest request body"),
    setting("MAX_MESSAGE_BYTES", "262144", "largest WebSocket message"),
    setting("MAX_DEPTH", "14", "deepest nesting of a GraphQL operation"),
    setting("MAX_COMPLEXITY", "20000", "most fields an operation may resolve, list sizes counted"),
    setting("MAX_ALIASES", "50", "most aliases in an operation"),
    setting("MAX_TOKENS", "4000", "most lexical tokens in a document"),
    setting(
        "BUS_CHECK_SECONDS",
        "30",
        "how often an instance compares itself with the event log, in case the bus lost something",
    ),
    setting(
        "SEND_QUEUE_BYTES",
        "1048576",
        "answers that may wait for one connection, in bytes; a client that is further behind is brought up from the log",
    ),
    setting("SEND_QUEUE_SECONDS", "10", "how long they may wait"),
    setting("MAX_SOCKETS_PER_USER", "50", "most WebSockets and event streams of a user on one instance; `0`: no limit"),
    setting("MAX_SOCKETS_PER_ADDRESS", "1000", "the same of a client's address; of IPv6, its network (`/64`)"),
    setting(
        "MAX_SUBSCRIPTIONS_PER_USER",
        "1000",
        "most open subscriptions of a user on one instance, on however many connections; `0`: no limit",
    ),
    setting("MAX_SUBSCRIPTIONS_PER_ADDRESS", "10000", "the same of an address, of whoever is not signed in"),
    setting(
        "BUDGET_PER_USER",
        "100000",
        "points that the operations of a user may cost at once, on all instances: a field is a point, list sizes counted; \
         `0`: no limit",
    ),
    setting("BUDGET_PER_USER_SECOND", "5000", "points that come back each second"),
    setting("BUDGET_PER_ADDRESS", "500000", "the same of an address, of whoever is not signed in; `0`: no limit"),
    setting("BUDGET_PER_ADDRESS_SECOND", "25000", "points that come back each second"),
    setting(
        "ATTEMPTS_PER_ACCOUNT",
        "10",
        "attempts an hour at the password, the registration or the e-mails of one account, before each has to wait; `0`: no limit",
    ),
    setting("ATTEMPTS_PER_ADDRESS", "300", "the same from one address, for all accounts together; `0`: no limit"),
    setting("ATTEMPT_DELAY_SECONDS", "1", "how long the first that has to wait does; each one after it twice as long"),
    setting("ATTEMPT_MAX_DELAY_SECONDS", "900", "and no longer than this"),
    setting(
        "TRUSTED_PROXIES",
        "",
        "addresses and networks (`10.0.0.0/8`), separated by commas, whose `X-Forwarded-For` is believed",
    ),
    setting("PASSWORD_HASHES", "2", "passwords hashed at once; each takes a core and 19 MiB"),
    setting("CORS_ORIGINS", "", "origins of browsers' pages that may call the API, separated by commas; `*` for any"),
    setting(
        "DRAIN_SECONDS",
        "10",
        "over how long a server that stops closes its WebSockets and event streams, each at its own moment; 0: at once",
    ),
    setting("LOG", "info,sea_orm=warn,sea_orm_migration=warn,sqlx=warn", "what is logged: a filter of `tracing-subscriber`"),
    setting("LOG_FORMAT", "text", "`text` or `json`"),
    setting(
        "SLOW_OPERATION_MS",
        "1000",
        "queries and mutations that take longer are logged, by the names of their fields; `0`: none",
    ),
    setting(
        "OTLP_ENDPOINT",
        "",
        "where traces are sent, by OTLP over HTTP, e.g. `http://127.0.0.1:4318`; absent: there are none",
    ),
    setting("OTLP_SAMPLE_PERCENT", "100", "how many of the requests are traced that no trusted proxy has decided on"),
];

/// The server's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address and port to serve on.
    pub listen_addr: SocketAddr,
    /// The database; its password is in it.
    pub database_url: Secret,
    /// Rows of the catalogue that are kept in memory.
    pub cache_rows: u64,
    /// Most connections to it.
    pub database_connections: u32,
    /// The bus between instances; absent: in-process.
    pub redis_url: Option<Secret>,
    /// First part of every name in Redis.
    pub redis_prefix: String,
    /// The stream of all events, for other systems; none without Redis, or when it is not wanted.
    pub event_stream: Option<EventStream>,
    /// Signs access tokens; absent: random.
    pub jwt_secret: Option<Secret>,
    /// Its tokens are accepted, too.
    pub jwt_secret_also: Option<Secret>,
    /// Whether an empty database is filled with demo data.
    pub is_demo: bool,
    /// Life of an access token.
    pub access_token: Duration,
    /// Life of a refresh token.
    pub refresh_token: Duration,
    /// Life of a session.
    pub session: Duration,
    /// How long events are kept.
    pub event_retention: Duration,
    /// How long idempotency keys are kept.
    pub idempotency_retention: Duration,
    /// Of every price.
    pub currency: Currency,
    /// Tax and delivery fee.
    pub prices: PriceRule,
    /// What partners earn.
    pub payout: PayoutRule,
    /// How long a claim is held.
    pub claim_hold: Duration,
    /// How often an instance compares itself with the event log.
    pub bus_check: Duration,
    /// What may wait for one connection.
    pub send_queue: SendQueueBudget,
    /// How long from acceptance to pick-up.
    pub pickup: Duration,
    /// Orders that a new partner may carry at once.
    pub partner_capacity: i32,
    /// Where partners are.
    pub tracking: Tracking,
    /// Payments in advance.
    pub payments: Payments,
    /// Webhooks to other systems.
    pub webhooks: Webhooks,
    /// Mails to people.
    pub mail: MailSettings,
    /// How long an order's chat stays open after the order's end.
    pub chat_grace: Duration,
    /// The provider of text messages; none: they go nowhere.
    pub sms: Option<SmsSettings>,
    /// Text messages that a user, and a number, is sent in an hour; 0: any number.
    pub texts_per_hour: u32,
    /// How long notifications are kept.
    pub notification_retention: Duration,
    /// Where people find the shop in a browser, without a slash at the end.
    pub public_url: String,
    /// Bounds on requests.
    pub limits: Limits,
    /// Sockets and event streams that a user may have open here; 0: any number.
    pub sockets_per_user: usize,
    /// The same for an address.
    pub sockets_per_address: usize,
    /// What the operations of a client may cost.
    pub budgets: Budgets,
    /// How often anybody may try to sign in, and the like.
    pub attempts: Attempts,
    /// Proxies that say truly whom they speak for.
    pub trusted_proxies: Vec<Network>,
    /// Passwords hashed at once.
    pub password_hashes: usize,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// Over how long the WebSockets are closed when the server stops.
    pub drain: Duration,
    /// Log filter.
    pub log: String,
    /// Whether the log is JSON.
    pub is_log_json: bool,
    /// What takes longer is logged; zero: nothing is.
    pub slow_operation: Duration,
    /// Traces; none: nobody wants them.
    pub traces: Option<Traces>,
}

/// How much may wait to be sent on one connection.
#[derive(Debug, Clone, Copy)]
pub struct SendQueueBudget {
    /// In bytes of answers.
    pub bytes: usize,
    /// How long the oldest answer may have waited.
    pub age: Duration,
}

/// All that is wrong with the configuration, a line each.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} mistake(s):", self.0.len())?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the file, if one is named, and the environment through `env`.
    ///
    /// # Errors
    /// Every mistake at once: a file that cannot be read, keys that do not exist, values that make no sense.
    pub fn load(file: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::default();
        if let Some(path) = file {
            reader.read_file(path);
        }
        for setting in SETTINGS {
            if let Some(value) = env(setting.name) {
                reader.values.insert(setting.name.to_owned(), value);
            }
        }
        reader.finish()
    }

    /// The defaults.
    ///
    /// # Errors
    /// Never, as a test shows.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::load(None, |_| None)
    }

    /// Everything that must not be shown to anybody.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Secret> {
        let stripe = self.payments.stripe.as_ref();
        [Some(&self.database_url), self.redis_url.as_ref(), self.jwt_secret.as_ref()]
            .into_iter()
            .chain([stripe.map(|stripe| &stripe.secret_key), stripe.map(|stripe| &stripe.webhook_secret)])
            .chain([self.jwt_secret_also.as_ref(), self.webhooks.key.as_ref(), self.webhooks.key_before.as_ref()])
            .chain([self.mail.smtp_url.as_ref()])
            .chain([self.sms.as_ref().map(|sms| &sms.url), self.sms.as_ref().and_then(|sms| sms.token.as_ref())])
            .flatten()
            .collect()
    }

    /// Whether everything runs in this process.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.database_url.expose().starts_with("sqlite:") && self.redis_url.is_none()
    }
}

#[derive(Default)]
struct Reader {
    values: BTreeMap<String, String>,
    mistakes: Vec<String>,
}

impl Reader {
    fn read_file(&mut self, path: &Path) {
        let table = match std::fs::read_to_string(path)
            .map_err(|e| e.to_string())
            .and_then(|text| text.parse::<toml::Table>().map_err(|e| e.message().to_owned()))
        {
            Ok(table) => table,
            Err(error) => return self.mistakes.push(format!("{}: {error}", path.display())),
        };
        for (key, value) in table {
            let name = key.to_uppercase();
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                _ => {
                    self.mistakes.push(format!("{key}: must be a text, number or boolean"));
                    continue;
                }
            };
            if key == key.to_lowercase() && SETTINGS.iter().any(|setting| setting.name == name) {
                self.values.insert(name, value);
            } else {
                self.mistakes.push(format!("{key}: there is no such setting"));
            }
        }
    }

    /// The text of a setting; empty counts as absent, as it does in compose files.
    fn text(&self, name: &str) -> String {
        let default =
            || SETTINGS.iter().find(|setting| setting.name == name).map_or("", |setting| setting.default).to_owned();
        self.values.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).unwrap_or_else(default)
    }

    fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    fn parse<T>(&mut self, name: &str, fallback: T, must: &str, read: impl Fn(&str) -> Option<T>) -> T {
        let text = self.text(name);
        read(&text).unwrap_or_else(|| {
            self.mistakes.push(format!("{name}: must be {must}, and is {text:?}"));
            fallback
        })
    }

    fn number(&mut self, name: &str, min: u64, max: u64) -> u64 {
        self.parse(name, min, &format!("a whole number between {min} and {max}"), |text| {
            text.parse().ok().filter(|n| (min..=max).contains(n))
        })
    }

    fn size(&mut self, name: &str, min: u64, max: u64) -> usize {
        usize::try_from(self.number(name, min, max)).unwrap_or(usize::MAX)
    }

    fn amount(&mut self, name: &str, currency: Currency) -> i64 {
        self.parse(name, 0, "an amount of the currency, such as 25 or 12.50", |text| {
            domain::money::Money::from_decimal(text.parse().ok()?, currency).ok().map(|money| money.minor)
        })
    }

    fn days(&mut self, name: &str) -> Duration {
        Duration::from_secs(self.number(name, 1, 3650) * 86_400)
    }

    fn seconds(&mut self, name: &str, min: u64, max: u64) -> Duration {
        Duration::from_secs(self.number(name, min, max))
    }

    fn hours(&mut self, name: &str, min: u64) -> Duration {
        Duration::from_secs(self.number(name, min, 8_760) * 3_600)
    }

    fn networks(&mut self, name: &str) -> Vec<Network> {
        self.parse(name, Vec::new(), "addresses or networks such as 10.0.0.0/8", |text| {
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect()
        })
    }

    fn send_queue(&mut self) -> SendQueueBudget {
        SendQueueBudget {
            bytes: self.size("SEND_QUEUE_BYTES", 16_384, 1 << 30),
            age: self.seconds("SEND_QUEUE_SECONDS", 1, 3_600),
        }
    }

    fn finish(mut self) -> Result<Config, ConfigError> {
        let listen_addr =
            self.parse("LISTEN_ADDR", ([127, 0, 0, 1], 8080).into(), "an address and port such as 127.0.0.1:8080", |t| {
                t.parse().ok()
            });
        let database_url = self.text("DATABASE_URL");
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| database_url.starts_with(scheme)) {
            // the value may hold a password
            self.mistakes.push("DATABASE_URL: must begin with sqlite: or postgres:".to_owned());
        }
        let redis_url = self.optional("REDIS_URL");
        if redis_url.as_deref().is_some_and(|url| !["redis://", "rediss://"].iter().any(|scheme| url.starts_with(scheme))) {
            self.mistakes.push("REDIS_URL: must begin with redis:// or rediss://".to_owned());
        }
        let is_embedded = database_url.starts_with("sqlite:") && redis_url.is_none();
        if redis_url.is_some() && database_url.starts_with("sqlite:") {
            self.mistakes
                .push("REDIS_URL: instances that share a Redis need a PostgreSQL DATABASE_URL, not SQLite".to_owned());
        }
        let [jwt_secret, jwt_secret_also] = self.jwt_secrets(is_embedded);
        let is_demo = match self.optional("DEMO") {
            None => is_embedded,
            Some(_) => self.parse("DEMO", false, "true or false", |text| text.parse().ok()),
        };
        let currency =
            self.parse("CURRENCY", Currency::Inr, "a currency of the list", |text| Currency::from_name(text).ok());
        let (prices, payout) = (self.prices(currency), self.payout(currency));
        let (limits, payments, webhooks) = (self.limits(), self.payments(is_embedded), self.webhooks());
        let event_stream = self.event_stream(redis_url.is_some());
        let (mail, public_url) = self.mail();
        let config = Config {
            listen_addr,
            cache_rows: self.number("CACHE_ROWS", 0, 100_000_000),
            database_connections: u32::try_from(self.number("DATABASE_CONNECTIONS", 1, 1_000)).unwrap_or(16),
            database_url: Secret(database_url),
            redis_url: redis_url.map(Secret),
            redis_prefix: self.parse("REDIS_PREFIX", String::new(), "letters, digits, - and _", |text| {
                text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).then(|| text.to_owned())
            }),
            jwt_secret,
            jwt_secret_also,
            is_demo,
            access_token: Duration::from_secs(self.number("ACCESS_TOKEN_SECONDS", 10, 86_400)),
            refresh_token: self.days("REFRESH_TOKEN_DAYS"),
            session: self.days("SESSION_DAYS"),
            event_retention: self.hours("EVENT_RETENTION_HOURS", 1),
            idempotency_retention: self.hours("IDEMPOTENCY_HOURS", 24),
            currency,
            prices,
            payout,
            bus_check: self.seconds("BUS_CHECK_SECONDS", 1, 3_600),
            send_queue: self.send_queue(),
            claim_hold: self.seconds("CLAIM_HOLD_SECONDS", 5, 3_600),
            pickup: self.seconds("PICKUP_SECONDS", 30, 86_400),
            partner_capacity: i32::try_from(self.number("PARTNER_CAPACITY", 1, 100)).unwrap_or(1),
            tracking: self.tracking(),
            payments,
            webhooks,
            event_stream,
            mail,
            chat_grace: Duration::from_secs(self.number("CHAT_GRACE_MINUTES", 0, 43_200) * 60),
            sms: self.sms(),
            texts_per_hour: self.texts_per_hour(),
            notification_retention: self.days("NOTIFICATION_DAYS"),
            public_url,
            limits,
            budgets: self.budgets(),
            attempts: self.attempts(),
            sockets_per_user: self.size("MAX_SOCKETS_PER_USER", 0, 1_000_000),
            sockets_per_address: self.size("MAX_SOCKETS_PER_ADDRESS", 0, 1_000_000),
            trusted_proxies: self.networks("TRUSTED_PROXIES"),
            password_hashes: self.size("PASSWORD_HASHES", 1, 256),
            cors_origins: self.parse("CORS_ORIGINS", Vec::new(), "origins such as https://shop.example, or *", origins),
            drain: Duration::from_secs(self.number("DRAIN_SECONDS", 0, 3_600)),
            log: self.parse("LOG", String::new(), "a filter such as info or warn,quick_commerce=debug", |text| {
                tracing_subscriber::EnvFilter::try_new(text).is_ok().then(|| text.to_owned())
            }),
            is_log_json: self.parse("LOG_FORMAT", false, "text or json", |text| match text {
                "json" => Some(true),
                "text" => Some(false),
                _ => None,
            }),
            slow_operation: Duration::from_millis(self.number("SLOW_OPERATION_MS", 0, 3_600_000)),
            traces: self.traces(),
        };
        if self.mistakes.is_empty() { Ok(config) } else { Err(ConfigError(self.mistakes)) }
    }
}

#[cfg(test)]
mod tests;
