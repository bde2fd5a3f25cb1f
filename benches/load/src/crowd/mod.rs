//! The clients: many sockets, each with one subscription, in processes of their own. A process may not have as many files
//! open as there are to be sockets, and what the clients cost is told apart from what the server costs.

mod frames;
mod messages;
pub(crate) mod sockets;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, Command, Stdio};

use rustix::process::Signal;
use tokio::sync::mpsc;

pub(crate) use self::messages::{Open, Opened, Return, Seen};
use self::messages::{Order, Reply};
use crate::process::Guarded;
use crate::{Outcome, proc_fs};

/// All clients. Their sockets close when this is dropped.
#[derive(Debug)]
pub(crate) struct Crowd {
    parts: Vec<Part>,
    /// Sockets that one part can hold.
    room: usize,
}

/// One process of clients.
#[derive(Debug)]
struct Part {
    orders: ChildStdin,
    replies: mpsc::UnboundedReceiver<Reply>,
    // after its standard input, whose end is its own
    process: Guarded,
}

impl Part {
    fn start() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("crowd").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Guarded::spawn(&mut command, Signal::TERM)?;
        let (orders, output) = process.pipes().ok_or("a crowd without pipes")?;
        let (sender, replies) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Ok(reply) = serde_json::from_str(&line) else { break };
                if sender.send(reply).is_err() {
                    break;
                }
            }
        });
        Ok(Self { orders, replies, process })
    }

    fn order(&mut self, order: &Order) -> Outcome {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        Ok(self.orders.write_all(&line)?)
    }

    async fn reply(&mut self) -> Outcome<Reply> {
        self.replies.recv().await.ok_or_else(|| "a part of the crowd has ended".into())
    }
}

impl Crowd {
    /// Nobody yet; each process takes up to `room` sockets.
    pub(crate) const fn new(room: usize) -> Self {
        Self { parts: Vec::new(), room }
    }

    /// Opens `open.count` sockets more, and waits until each has its snapshot or has failed.
    ///
    /// # Errors
    /// When a process cannot be started, or no socket at all was opened.
    pub(crate) async fn open(&mut self, open: &Open) -> Outcome<Opened> {
        let first = self.parts.len();
        let mut left = open.count;
        while left > 0 {
            let number = self.parts.len();
            let count = left.min(self.room);
            let mut part = Part::start()?;
            part.order(&Order::Open(Open { count, source: source(number), ..open.clone() }))?;
            self.parts.push(part);
            left -= count;
        }
        self.opened(first).await
    }

    /// Has all sockets come back at once, each from where it was, and waits until each was told something or has failed.
    ///
    /// # Errors
    /// When a process has ended, or no socket at all was opened.
    pub(crate) async fn come_back(&mut self, order: Return) -> Outcome<Opened> {
        self.tell(&Order::Return(order))?;
        self.opened(0).await
    }

    /// What came of opening the sockets of all parts from `first` on.
    async fn opened(&mut self, first: usize) -> Outcome<Opened> {
        let mut all = Opened::default();
        for part in self.parts.iter_mut().skip(first) {
            match part.reply().await? {
                Reply::Opened(opened) => all.add(opened),
                other => return Err(format!("the crowd said {other:?}").into()),
            }
        }
        if all.open == 0 {
            return Err(format!("no socket was opened: {}", all.reason.unwrap_or_default()).into());
        }
        Ok(all)
    }

    /// From now on events are counted anew; with `is_recording` each receipt is kept with its time.
    ///
    /// # Errors
    /// When a process has ended.
    pub(crate) async fn begin(&mut self, is_recording: bool) -> Outcome {
        self.tell(&Order::Begin { is_recording })?;
        for part in &mut self.parts {
            part.reply().await?;
        }
        Ok(())
    }

    /// What was seen once every socket had `events` events since [`Crowd::begin`], or nothing came for a while.
    ///
    /// # Errors
    /// When a process has ended.
    pub(crate) async fn seen(&mut self, events: u32) -> Outcome<Seen> {
        self.tell(&Order::Await { events })?;
        let mut all = Seen::default();
        for part in &mut self.parts {
            match part.reply().await? {
                Reply::Seen(seen) => all.add(seen),
                other => return Err(format!("the crowd said {other:?}").into()),
            }
        }
        Ok(all)
    }

    /// Processor time that the clients have used so far, in microseconds.
    ///
    /// # Errors
    /// When a process has ended.
    pub(crate) fn cpu_us(&self) -> Outcome<u64> {
        self.parts.iter().map(|part| proc_fs::cpu_us(part.process.pid())).sum()
    }

    fn tell(&mut self, order: &Order) -> Outcome {
        self.parts.iter_mut().try_for_each(|part| part.order(order))
    }
}

/// The last two numbers of the first loopback address that the process `number` connects from. An address has 28,000 ports to
/// connect from, and no two processes share one.
fn source(number: usize) -> u16 {
    const ADDRESSES_EACH: usize = 16;
    u16::try_from(2 + number * ADDRESSES_EACH).unwrap_or(u16::MAX)
}
