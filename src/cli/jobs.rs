//! `quick-commerce jobs`: what was given up, and another try of it, or none.

use std::fmt::Write as _;

use crate::analytics::jobs::{discard_dead, retry_dead};
use crate::app::App;
use crate::platform::audit::By;
use crate::platform::jobs;
use chrono::SecondsFormat;
use clap::Subcommand;

use super::{Failure, Outcome, say};

/// What is to be done about jobs.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Prints the jobs that were given up, the latest first: when, what kind, its key, how often it was tried, and why not.
    List,
    /// Has jobs that were given up tried again, as often as new ones: once what kept them from being done is mended.
    Retry {
        /// Only those of this kind, such as `payments.refund`.
        #[arg(long)]
        kind: Option<String>,
    },
    /// Removes messages that were given up, such as mails to addresses that do not exist: nobody will be told.
    Discard {
        /// Of which kind, such as `notifications.email`.
        #[arg(long)]
        kind: String,
    },
}

/// Does `command`.
pub(super) async fn run(app: &App, command: Command) -> Outcome {
    match command {
        Command::List => {
            let dead = jobs::list_dead(app.db.reader()).await.map_err(|error| Failure::of(&error))?;
            let mut text = String::new();
            for job in &dead {
                let died_at = job.died_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default();
                let error: String =
                    job.last_error.iter().flat_map(|error| error.chars()).filter(|c| !c.is_control()).collect();
                let _ = writeln!(text, "{died_at} {} {} after {} tries: {error}", job.kind, job.key, job.attempts);
            }
            let _ = writeln!(text, "{} jobs were given up.", dead.len());
            say(&text)
        }
        Command::Retry { kind } => {
            let revived = retry_dead(app, By::default(), None, kind).await.map_err(|error| Failure::of(&error))?;
            say(&format!("{revived} jobs are tried again.\n"))
        }
        Command::Discard { kind } => {
            let discarded = discard_dead(app, By::default(), None, Some(kind)).await.map_err(|error| Failure::of(&error))?;
            say(&format!("{discarded} messages were discarded.\n"))
        }
    }
}
