//! What a storm has come to.

use std::io::Write as _;
use std::sync::atomic::Ordering;

use super::truth::Facts;
use super::{MIN_ORDERS, Settings, Storm};

/// Faults that are printed.
const MAX_PRINTED: usize = 20;

/// What a storm has come to.
#[derive(Debug, Default)]
pub(super) struct Report {
    lost: u64,
    wrong: u64,
    repeats: u64,
    resets: u64,
    refused: u64,
    reconnects: u64,
    events: u64,
    servers_killed: u64,
    redis_killed: u64,
    cuts: u64,
    orders: u64,
    mutations: u64,
    repetitions: u64,
    faults: Vec<String>,
}

impl Report {
    pub(super) fn write(storm: &Storm, facts: &Facts) -> Self {
        let (blows, board) = (&storm.stage.blows, &storm.board);
        let mut report = Self {
            servers_killed: blows.servers,
            redis_killed: blows.redis,
            cuts: blows.cuts,
            orders: facts.versions().len() as u64,
            mutations: board.mutations.load(Ordering::Relaxed),
            repetitions: board.repetitions.load(Ordering::Relaxed),
            wrong: storm.stage.complaints.len() as u64,
            faults: storm.stage.complaints.clone(),
            ..Self::default()
        };
        for client in &storm.clients {
            let marks = client.close(facts);
            report.lost += marks.lost;
            report.wrong += marks.wrong;
            report.repeats += marks.repeats;
            report.resets += marks.resets;
            report.refused += marks.refused;
            report.events += marks.events;
            report.reconnects += client.reconnects();
            report.faults.extend(marks.faults.iter().map(|fault| format!("{}: {fault}", client.describe())));
        }
        report
    }

    pub(super) fn print(&self) {
        let Self { lost, wrong, repeats, resets, reconnects, events, servers_killed, redis_killed, cuts, .. } = self;
        let Self { orders, mutations, repetitions, refused, .. } = self;
        say(&format!(
            "chaos: lost = {lost}, wrong = {wrong}\n  events delivered {events}, duplicates dropped {repeats}, resets {resets}, \
             errors that may pass {refused}, reconnects {reconnects}\n  kills: servers {servers_killed}, Redis {redis_killed}; cuts {cuts}\n  orders {orders}, \
             mutations {mutations}, each done once, requests repeated {repetitions}"
        ));
        for fault in self.faults.iter().take(MAX_PRINTED) {
            say(&format!("  {fault}"));
        }
    }

    /// Fails the test if anything was lost, and also if there was too little that could have been.
    pub(super) fn check(&self, settings: &Settings) {
        assert!(self.lost == 0 && self.wrong == 0, "{self:#?}");
        // the database stays, and keeps everything: there is no reason for one or the other
        assert!(self.resets == 0 && self.refused == 0, "{self:#?}");
        let (subscribers, instances) = (settings.subscribers as u64, settings.instances as u64);
        // a server that dies takes its share of the clients with it
        let has_stormed = self.servers_killed >= 2
            && self.redis_killed >= 1
            && self.cuts >= 1
            && self.reconnects >= subscribers / instances
            && self.orders >= MIN_ORDERS
            && self.events >= 20 * subscribers;
        assert!(has_stormed, "too little happened for this to prove anything: {self:#?}");
    }
}

/// Says it on the terminal, also when the test is a success: then cargo keeps what tests print to itself.
pub(super) fn say(text: &str) {
    // who closed the terminal does not want to know
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
