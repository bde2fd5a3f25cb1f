//! `quick-commerce import`: products of a file, for one store.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use crate::accounts;
use crate::app::App;
use crate::inventory::import::{Import, ImportRow, MAX_ROWS, import_batch};
use clap::Args;
use domain::access::Actor;
use indicatif::{ProgressBar, ProgressStyle};

use super::sheet::{Complaint, Sheet};
use super::{Failure, Outcome, say};

/// What is asked of the command.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Comma-separated values: a first line with the field names sku, name, description, categorySlug, price and stock, and
    /// tags and images if you like, each separated by `|`.
    file: PathBuf,
    /// Whose products they are: the store's name, its id, or the e-mail address of its seller.
    #[arg(long, value_name = "STORE")]
    seller: String,
    /// Writes nothing when a row is refused. For files of at most 1,000 rows, which are one transaction: a longer one would
    /// keep everybody else waiting.
    #[arg(long)]
    all_or_nothing: bool,
    /// Writes nothing at all, and says what would come of it.
    #[arg(long)]
    dry_run: bool,
}

/// What came of it so far.
#[derive(Debug, Default)]
struct Tally {
    read: u64,
    created: i64,
    updated: i64,
    refused: u64,
}

/// Imports the file.
pub(super) async fn run(app: &App, arguments: &Arguments) -> Outcome {
    let seller = accounts::service::find_store(app, &arguments.seller).await.map_err(|error| Failure::of(&error))?;
    let mut run = Run {
        app,
        seller,
        arguments,
        sheet: Sheet::open(&arguments.file)?,
        progress: Progress::new(&arguments.file),
        tally: Tally::default(),
        complaints: Vec::new(),
    };
    let outcome = run.all().await;
    run.progress.end();
    let Run { tally, .. } = run;
    let (created, updated) = if arguments.dry_run { ("would be new", "would be changed") } else { ("new", "changed") };
    let done = format!("{} {created}, {} {updated}, {} refused", tally.created, tally.updated, tally.refused);
    if let Err(failure) = outcome {
        // what was imported before stays
        if tally.read > 0 {
            say(&format!("{} rows read, and so far: {done}.\n", tally.read))?;
        }
        return Err(failure);
    }
    say(&format!("{} rows: {done}.\n", tally.read))?;
    match tally.refused {
        0 => Ok(()),
        _ if arguments.all_or_nothing => Err(Failure::new("rows were refused, so nothing was imported")),
        refused => Err(Failure::new(format!("{refused} of {} rows were refused", tally.read))),
    }
}

/// An import on its way.
struct Run<'a> {
    app: &'a App,
    seller: Actor,
    arguments: &'a Arguments,
    sheet: Sheet,
    progress: Progress,
    tally: Tally,
    /// Of the rows since the last batch.
    complaints: Vec<Complaint>,
}

impl Run<'_> {
    /// Reads the file to its end, and imports a batch of rows whenever there is one.
    async fn all(&mut self) -> Outcome {
        let mut batch: Vec<(u64, ImportRow)> = Vec::new();
        while let Some(row) = self.sheet.next()? {
            self.tally.read += 1;
            if self.arguments.all_or_nothing && self.tally.read > MAX_ROWS as u64 {
                let message = format!("--all-or-nothing is for files of at most {MAX_ROWS} rows; nothing was imported");
                return Err(Failure::usage(message));
            }
            match row {
                Ok(row) => batch.push(row),
                Err(complaint) => self.complaints.push(complaint),
            }
            if batch.len() + self.complaints.len() == MAX_ROWS && !self.arguments.all_or_nothing {
                self.import(std::mem::take(&mut batch)).await?;
            }
        }
        self.import(batch).await
    }

    async fn import(&mut self, batch: Vec<(u64, ImportRow)>) -> Outcome {
        let (lines, rows): (Vec<u64>, Vec<ImportRow>) = batch.into_iter().unzip();
        let import = Import { rows, is_all_or_nothing: self.arguments.all_or_nothing };
        // rows that could not even be read are rows that were refused
        let is_spoilt = self.arguments.all_or_nothing && !self.complaints.is_empty();
        let imported = import_batch(self.app, &self.seller, &import, self.arguments.dry_run || is_spoilt).await;
        let imported = imported.map_err(|error| Failure::of(&error))?;
        if !is_spoilt {
            self.tally.created += i64::from(imported.created);
            self.tally.updated += i64::from(imported.updated);
        }
        for error in imported.errors {
            let place = usize::try_from(error.row - 1).unwrap_or_default();
            let line = lines.get(place).copied().unwrap_or_default();
            // it speaks of rows of the batch; the operator's are lines of the file
            let message = format!("{}: {}", error.field.join("."), error.message);
            self.complaints.push(Complaint { line, sku: error.sku, message });
        }
        self.complaints.sort_by_key(|complaint| complaint.line);
        for complaint in self.complaints.drain(..) {
            self.tally.refused += 1;
            self.progress.say(&complaint.to_string());
        }
        self.progress.reach(self.sheet.position(), self.tally.read);
        Ok(())
    }
}

/// How far it is: a bar at a terminal, else a line for each batch.
struct Progress(Option<ProgressBar>);

impl Progress {
    fn new(file: &Path) -> Self {
        let length = std::fs::metadata(file).map_or(0, |file| file.len());
        let bar = || {
            let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}");
            let bar = ProgressBar::new(length);
            match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        };
        Self(std::io::stderr().is_terminal().then(bar))
    }

    fn reach(&self, position: u64, rows: u64) {
        match &self.0 {
            Some(bar) => {
                bar.set_position(position);
                bar.set_message(format!("{rows} rows"));
            }
            None => self.say(&format!("{rows} rows read")),
        }
    }

    fn say(&self, line: &str) {
        // a closed terminal is no reason to stop halfway
        let print = || drop(writeln!(std::io::stderr(), "{line}"));
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
