//! The program: the server and the commands that go with it. What is more than a line has a module of its own.
//!
//! It is a part of the library so that all of it is compiled once: the body of an asynchronous function is compiled where
//! something calls it that is not asynchronous, and another crate would compile it all again.

mod health;
mod import;
mod jobs;
mod open_files;
mod schema;
mod serve;
mod sheet;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::app::{Ambient, App};
use crate::config::{Config, SETTINGS, Secret};
use crate::platform::{Error, relay};
use crate::{accounts, catalog, demo, telemetry};

/// Where `admin create` finds the password unless it comes by standard input.
const ADMIN_PASSWORD: &str = "ADMIN_PASSWORD";

/// A GraphQL server for shops that deliver in minutes. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "quick-commerce", version)]
struct Cli {
    /// Reads settings from this TOML file, their names in lower case; the environment wins over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answers requests and does the background work.
    Serve {
        /// Leaves the background work to others.
        #[arg(long)]
        no_work: bool,
    },
    /// Does the background work, and answers nothing but how it is.
    Worker,
    /// Asks the server or worker of this machine whether it can work; exits with 1 when it cannot: for containers.
    Health,
    /// Brings the database to the newest schema.
    Migrate,
    /// Voids every cursor given so far: for a database that was restored to an earlier state.
    NewEpoch,
    /// Fills an empty database with demo data.
    Seed,
    /// Imports a store's products from a file: makes those whose SKU is new, and changes the others. Exits with 1 when a row
    /// is refused; the rest is imported all the same.
    Import(import::Arguments),
    /// Prints the GraphQL schema.
    Schema {
        /// Compares it with ./schema.graphql instead; exits with 1 when they differ.
        #[arg(long)]
        check: bool,
    },
    /// Manages admins.
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Manages jobs: what follows from requests and calls other servers, such as refunds.
    Jobs {
        #[command(subcommand)]
        command: jobs::Command,
    },
    /// Prints an access token for an account.
    Token {
        /// The account's e-mail address.
        email: String,
    },
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Makes an admin. The password is taken from the environment's `ADMIN_PASSWORD`.
    Create {
        /// What they sign in with.
        #[arg(long)]
        email: String,
        /// As shown.
        #[arg(long)]
        name: String,
        /// Takes the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
}

/// What ends the program early: a line for the operator, and the exit code.
#[derive(Debug)]
struct Failure {
    code: u8,
    message: String,
    /// Whether the log has it, for those who read nothing else.
    is_logged: bool,
}

impl Failure {
    /// Something went wrong.
    fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into(), is_logged: false }
    }

    /// Something was asked for that makes no sense.
    fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into(), is_logged: false }
    }

    /// What a service says, for an operator.
    fn of(error: &Error) -> Self {
        Self::new(match error {
            Error::Rejected(rejection) => rejection.message.clone(),
            Error::Denied(denial) => format!("refused: {denial:?}"),
            Error::Fault(fault) => format!("{}: {}", fault.doing, fault.source),
        })
    }

    /// The same without the secrets of `config`: drivers repeat addresses in their errors.
    fn without_secrets(mut self, config: &Config) -> Self {
        for secret in config.secrets() {
            self.message = Secret::hide_in(secret, &self.message);
        }
        self
    }
}

type Outcome<T = ()> = Result<T, Failure>;

/// Stack of a thread, in bytes. An operation is one future, of all that it may have to do: without optimisation it needs more
/// than the two MiB that threads have by default. It is address space, not memory.
const STACK: usize = 8 << 20;

/// Does what the arguments of this process ask for, and says how it should end.
#[must_use]
pub fn main() -> ExitCode {
    let matches = Cli::command().after_help(settings()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => Err(Failure::usage(format!("cannot start threads: {error}"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, message, is_logged }) => {
            if !is_logged {
                // a closed terminal is no reason to panic
                let _ = writeln!(std::io::stderr(), "quick-commerce: {message}");
            }
            ExitCode::from(code)
        }
    }
}

async fn run(cli: Cli) -> Outcome {
    let command = cli.command.unwrap_or(Command::Serve { no_work: false });
    if let Command::Schema { check } = command {
        return schema::run(check).await;
    }
    let mut config = Config::load(cli.config.as_deref(), environment).map_err(|error| Failure::usage(error.to_string()))?;
    let is_server = matches!(command, Command::Serve { .. } | Command::Worker);
    if !is_server {
        // what a command has to say it prints; the rest is for servers
        "error".clone_into(&mut config.log);
        config.traces = None;
    }
    let telemetry = telemetry::init(&config).map_err(|error| Failure::usage(error.to_string()))?;
    let mut outcome = execute(command, &config).await.map_err(|failure| failure.without_secrets(&config));
    if let Err(failure) = &mut outcome
        && is_server
        && config.is_log_json
    {
        tracing::error!("{}", failure.message);
        // LOG may leave it out
        failure.is_logged = tracing::enabled!(tracing::Level::ERROR);
    }
    telemetry.end().await;
    outcome
}

async fn execute(command: Command, config: &Config) -> Outcome {
    match command {
        Command::Serve { no_work: true } if config.redis_url.is_none() => {
            Err(Failure::usage("--no-work needs REDIS_URL: without it this process hears of no event that another relays"))
        }
        Command::Serve { no_work } => serve::run(config, !no_work).await,
        Command::Worker => serve::work(config).await,
        Command::Health => health::ask(config.listen_addr).await,
        Command::Migrate => {
            let app = build(config).await?;
            migrate(&app).await?;
            say("The database has the newest schema.\n")
        }
        Command::NewEpoch => {
            let app = ready(config).await?;
            relay::new_epoch(app.db.writer(), &app.ids).await.map_err(|error| Failure::of(&error))?;
            say("The event log has a new epoch: clients that resume begin with a new snapshot.\n")
        }
        Command::Seed => {
            let is_new = demo::seed(&ready(config).await?).await.map_err(|error| Failure::of(&error))?;
            say(if is_new {
                "The database is filled with demo data.\n"
            } else {
                "The database is not empty; nothing was done.\n"
            })
        }
        Command::Import(arguments) => {
            let app = ready(config).await?;
            import::run(&app, &arguments).await?;
            close(&app).await
        }
        Command::Jobs { command } => {
            let app = ready(config).await?;
            jobs::run(&app, command).await?;
            close(&app).await
        }
        Command::Schema { check } => schema::run(check).await,
        Command::Admin { command: AdminCommand::Create { email, name, password_stdin } } => {
            let password = password(password_stdin)?;
            let app = ready(config).await?;
            let made = accounts::service::create_admin(&app, &email, &password, &name).await;
            made.map_err(|error| Failure::of(&error))?;
            say("The admin can sign in.\n")
        }
        Command::Token { email } => {
            if config.jwt_secret.is_none() {
                return Err(Failure::usage("set JWT_SECRET to the server's: a token signed with another is of no use"));
            }
            let app = ready(config).await?;
            let signed_in = accounts::service::issue_token(&app, &email).await.map_err(|error| Failure::of(&error))?;
            say(&format!("{}\n", signed_in.tokens.access.expose()))
        }
    }
}

async fn build(config: &Config) -> Outcome<App> {
    App::build(config.clone(), Ambient::default()).await.map_err(|error| Failure::new(error.to_string()))
}

/// Brings the database to the newest schema, and what is in it to the newest index.
async fn migrate(app: &App) -> Outcome {
    app.migrate().await.map_err(|error| Failure::new(error.to_string()))?;
    catalog::service::reindex(app).await.map_err(|error| Failure::of(&error))?;
    Ok(())
}

/// The application over a database that has the newest schema. An embedded one is migrated on the way; one that others
/// share is migrated by whoever decides to.
async fn ready(config: &Config) -> Outcome<App> {
    let app = build(config).await?;
    if config.is_embedded() {
        migrate(&app).await?;
        return Ok(app);
    }
    let pending = migration::pending(app.db.reader())
        .await
        .map_err(|error| Failure::new(format!("cannot read the state of the database: {error}")))?;
    match pending.len() {
        0 => {
            // written meanwhile by servers of before
            catalog::service::reindex(&app).await.map_err(|error| Failure::of(&error))?;
            Ok(app)
        }
        count => Err(Failure::new(format!("{count} migration(s) are pending: run `quick-commerce migrate`"))),
    }
}

async fn close(app: &App) -> Outcome {
    app.db.close().await.map_err(|error| Failure::new(format!("the database did not close cleanly: {error}")))
}

/// The admin's password: never an argument, which every process of the machine can read.
fn password(from_stdin: bool) -> Outcome<Secret> {
    if !from_stdin {
        let missing = || Failure::usage(format!("set {ADMIN_PASSWORD}, or give --password-stdin"));
        return environment(ADMIN_PASSWORD).filter(|password| !password.is_empty()).map(Secret::new).ok_or_else(missing);
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("cannot read the password from standard input: {error}")))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Every setting, for `--help`.
fn settings() -> String {
    let mut text = "Settings, from the environment or the file of --config:\n".to_owned();
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { "none" } else { setting.default };
        let _ = writeln!(text, "  {}\n          {} [default: {default}]", setting.name, setting.meaning);
    }
    text
}

/// Writes to standard output.
fn say(text: &str) -> Outcome {
    let mut output = std::io::stdout();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| Failure::new(format!("cannot write to standard output: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent_and_help_names_every_setting() {
        Cli::command().debug_assert();
        let help = settings();
        assert!(SETTINGS.iter().all(|setting| help.contains(setting.name)));
    }
}
