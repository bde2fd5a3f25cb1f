//! A process of clients: one thread, one buffer, and next to nothing for each socket, since they share the machine with
//! the server that is measured.

mod connection;
mod ledger;
mod record;

use std::collections::VecDeque;
use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};

use self::connection::{Connection, Hello, News};
use self::record::Record;
use super::messages::{Open, Opened, Order, Reply, Return};
use crate::Outcome;
use crate::clock::now_us;

/// Sockets that are on their way at once: each snapshot is a query of the server's.
const OPENING: usize = 200;

/// How long a socket may take from the connection to its snapshot.
const PATIENCE: Duration = Duration::from_mins(1);

/// Nothing more is expected when nothing came for so long.
const QUIET: Duration = Duration::from_secs(20);

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(50);

/// Bytes read at once.
const BUFFER: usize = 64 * 1024;

/// The token of the thread that reads orders.
const ORDERS: Token = Token(usize::MAX);

/// Does what it is told on standard input, until that ends.
///
/// # Errors
/// When the system refuses what every process may have.
pub(crate) fn run() -> Outcome {
    crate::machine::Machine::prepare()?;
    let poll = Poll::new()?;
    let orders = listen(Arc::new(Waker::new(poll.registry(), ORDERS)?));
    Sockets {
        poll,
        connections: Vec::new(),
        opening: None,
        asked: Open::default(),
        on_their_way: VecDeque::new(),
        opened: None,
        expected: None,
        open: 0,
        last_news: Instant::now(),
        record: Record::default(),
        buffer: vec![0; BUFFER],
    }
    .work(&orders)
}

/// Reads orders on a thread of its own.
fn listen(waker: Arc<Waker>) -> Receiver<Order> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(order) = serde_json::from_str(&line) else { break };
            if sender.send(order).is_err() {
                break;
            }
            let _ = waker.wake();
        }
        drop(sender);
        let _ = waker.wake();
    });
    receiver
}

struct Sockets {
    poll: Poll,
    connections: Vec<Connection>,
    /// What to open, and how many of it have begun.
    opening: Option<(Open, usize)>,
    /// What was to be opened last.
    asked: Open,
    /// Being opened, by their number, and until when.
    on_their_way: VecDeque<(usize, Instant)>,
    /// What came of the opening so far, while it goes on.
    opened: Option<Opened>,
    /// How many events every socket is to have, while that is waited for.
    expected: Option<u32>,
    /// Those that have their snapshot, and have not ended.
    open: u64,
    last_news: Instant,
    record: Record,
    buffer: Vec<u8>,
}

impl Sockets {
    fn work(mut self, orders: &Receiver<Order>) -> Outcome {
        let mut events = Events::with_capacity(1024);
        loop {
            if let Err(error) = self.poll.poll(&mut events, Some(TICK)) {
                if error.kind() == std::io::ErrorKind::Interrupted {
                    continue;
                }
                return Err(error.into());
            }
            for event in &events {
                let Token(number) = event.token();
                self.wake(number, event.is_read_closed());
            }
            loop {
                match orders.try_recv() {
                    Ok(order) => self.obey(order)?,
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            self.go_on_opening();
            self.answer()?;
        }
    }

    fn obey(&mut self, order: Order) -> Outcome {
        match order {
            Order::Open(open) => {
                self.asked = open.clone();
                self.opening = Some((open, 0));
                self.opened = Some(Opened::default());
            }
            Order::Begin { is_recording } => {
                self.record = Record::begin(is_recording);
                for connection in &mut self.connections {
                    connection.events = 0;
                    if let Some(ledger) = &mut connection.ledger {
                        ledger.count_anew();
                    }
                }
                say(&Reply::Begun)?;
            }
            Order::Await { events } => {
                self.expected = Some(events);
                self.last_news = Instant::now();
            }
            Order::Return(order) => self.come_back(order),
        }
        Ok(())
    }

    /// Every socket connects anew, and goes on from where it was.
    fn come_back(&mut self, Return { servers, lost, events }: Return) {
        self.asked.servers = servers;
        let mut had = 0;
        for (number, connection) in self.connections.iter_mut().enumerate() {
            if let Some(ledger) = &mut connection.ledger {
                ledger.lose(1 + number % lost.max(1));
                had += u64::from(ledger.count());
            }
        }
        self.open = 0;
        self.opened = Some(Opened { had, ..Opened::default() });
        self.record.set_out(events, had, now_us());
        let deadline = Instant::now() + PATIENCE;
        for number in 0..self.connections.len() {
            let Some(connection) = self.connections.get_mut(number) else { break };
            let ledger = connection.ledger.take();
            let hello = Hello::of(&self.asked, number, ledger.as_ref().and_then(|ledger| ledger.cursor()));
            match Connection::open(self.poll.registry(), Token(number), hello, ledger) {
                Ok(opened) => {
                    *connection = opened;
                    self.on_their_way.push_back((number, deadline));
                }
                Err(error) => {
                    connection.close();
                    self.closed(false, error.to_string());
                }
            }
        }
    }

    /// Something can be read or written at the connection `number`.
    fn wake(&mut self, number: usize, is_ended: bool) {
        let Some(connection) = self.connections.get_mut(number) else { return };
        match connection.go_on(&mut self.buffer, is_ended, &mut self.record) {
            News::Nothing => {}
            News::Events => self.last_news = Instant::now(),
            News::Open => {
                self.open += 1;
                if let Some(opened) = &mut self.opened {
                    opened.open += 1;
                }
            }
            News::Closed { was_open, reason } => self.closed(was_open, reason),
        }
    }

    fn closed(&mut self, was_open: bool, reason: String) {
        self.open -= u64::from(was_open);
        match &mut self.opened {
            Some(opened) if !was_open => {
                opened.failed += 1;
                opened.reason.get_or_insert(reason);
            }
            _ => self.record.closed(reason),
        }
    }

    /// Opens as many as may be on their way, and gives up those that take too long.
    fn go_on_opening(&mut self) {
        let now = Instant::now();
        while let Some((number, deadline)) = self.on_their_way.front().copied() {
            let Some(connection) = self.connections.get_mut(number) else { break };
            if connection.is_on_its_way() {
                if now < deadline {
                    break;
                }
                let reason = format!("waited {PATIENCE:?} for a snapshot, at last for {}", connection.waits_for());
                connection.close();
                self.closed(false, reason);
            }
            self.on_their_way.pop_front();
        }
        while self.on_their_way.len() < OPENING {
            let Some(hello) = self.next_hello() else { return };
            let number = self.connections.len();
            let ledger = self.asked.may_return.then(Box::default);
            match Connection::open(self.poll.registry(), Token(number), hello, ledger) {
                Ok(connection) => {
                    self.connections.push(connection);
                    self.on_their_way.push_back((number, now + PATIENCE));
                }
                Err(error) => self.closed(false, error.to_string()),
            }
        }
    }

    /// How the next socket begins; `None` when all have begun.
    fn next_hello(&mut self) -> Option<Hello> {
        let (open, begun) = self.opening.as_mut()?;
        if *begun == open.count {
            self.opening = None;
            return None;
        }
        *begun += 1;
        Some(Hello::of(open, *begun - 1, None))
    }

    /// Says what is waited for, once it is there.
    fn answer(&mut self) -> Outcome {
        if self.opening.is_none()
            && self.on_their_way.is_empty()
            && let Some(opened) = self.opened.take()
        {
            say(&Reply::Opened(opened))?;
        }
        let Some(events) = self.expected else { return Ok(()) };
        // counting who has how many is only worth it when they may be enough
        let is_enough = self.record.messages >= self.open * u64::from(events);
        let is_over = self.last_news.elapsed() > QUIET;
        if is_enough || is_over {
            let has_all = |connection: &&Connection| connection.is_open() && connection.events >= events;
            let complete = self.connections.iter().filter(has_all).count() as u64;
            if is_over || complete == self.open {
                self.expected = None;
                say(&Reply::Seen(self.record.report(complete)))?;
            }
        }
        Ok(())
    }
}

fn say(reply: &Reply) -> Outcome {
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, reply)?;
    output.write_all(b"\n")?;
    Ok(output.flush()?)
}
