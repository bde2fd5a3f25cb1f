//! One socket of the crowd.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use serde_json::{Value, json};
use socket2::{Domain, Protocol, Socket, Type};

use super::ledger::Ledger;
use super::record::{Record, read_at};
use crate::crowd::frames::{self, CLOSE, Frame, PING, PONG, TEXT};
use crate::crowd::messages::Open;

/// Sockets that connect from one address; it has 28,000 ports.
const PORTS: usize = 20_000;

/// In every message that is an event, and in no other: one of these.
static EVENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"OrderAvailable\""));
static CHANGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"OrderChanged\""));

/// In a message that says: what came since cannot be told.
static RESET: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"StreamReset\""));

/// How a socket begins.
#[derive(Debug)]
pub(super) struct Hello {
    server: SocketAddr,
    source: Ipv4Addr,
    upgrade: Vec<u8>,
    init: Vec<u8>,
    subscribe: Vec<u8>,
}

impl Hello {
    /// Of the socket `number` of those to open, which goes on `after` a cursor.
    pub(super) fn of(open: &Open, number: usize, after: Option<&str>) -> Self {
        let pick = |length: usize| number % length.max(1);
        let server = open.servers.get(pick(open.servers.len())).copied().unwrap_or_else(|| ([127, 0, 0, 1], 0).into());
        let token = open.tokens.get(pick(open.tokens.len())).map_or("", String::as_str);
        let init = json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } });
        let mut payload = json!({ "query": open.document });
        if let (Some(after), Some(payload)) = (after, payload.as_object_mut()) {
            payload.insert("variables".to_owned(), json!({ "after": after }));
        }
        let subscribe = json!({ "id": "1", "type": "subscribe", "payload": payload });
        let upgrade = format!(
            "GET /graphql HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: bG9hZCBsb2FkIGxvYWQgbA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        );
        Self {
            server,
            source: source(open.source, number),
            upgrade: upgrade.into_bytes(),
            init: frames::encode(TEXT, init.to_string().as_bytes()),
            subscribe: frames::encode(TEXT, subscribe.to_string().as_bytes()),
        }
    }
}

/// The loopback address that the socket `number` connects from.
fn source(first: u16, number: usize) -> Ipv4Addr {
    let offset = u16::try_from(number / PORTS).unwrap_or(u16::MAX);
    let [high, low] = first.saturating_add(offset).to_be_bytes();
    Ipv4Addr::new(127, 0, high, low)
}

/// What is expected next.
#[derive(Debug)]
enum Stage {
    Connection(Box<Hello>),
    Upgrade(Box<Hello>),
    Acknowledgement(Box<Hello>),
    Snapshot,
    Events,
    Nothing,
}

/// What came of a look at a socket.
#[derive(Debug)]
pub(super) enum News {
    Nothing,
    /// It has its snapshot.
    Open,
    /// There were events.
    Events,
    /// It is of no more use.
    Closed {
        was_open: bool,
        reason: String,
    },
}

/// A socket with one subscription.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    stage: Stage,
    /// The beginning of a frame whose end is still to come.
    begun: Vec<u8>,
    /// Events since they were last counted anew.
    pub(super) events: u32,
    /// What it was told, if it may have to come back.
    pub(super) ledger: Option<Box<Ledger>>,
}

impl Connection {
    /// Begins to connect, with the `ledger` of one that may have to come back.
    ///
    /// # Errors
    /// When the system has no socket or port left.
    pub(super) fn open(registry: &Registry, token: Token, hello: Hello, ledger: Option<Box<Ledger>>) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::from((hello.source, 0)).into())?;
        match socket.connect(&hello.server.into()) {
            Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => return Err(error),
            _ => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        let events = ledger.as_ref().map_or(0, |ledger| ledger.count());
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, stage: Stage::Connection(Box::new(hello)), begun: Vec::new(), events, ledger })
    }

    /// Whether it has its snapshot, and has not ended.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Events)
    }

    /// Whether it will have its snapshot, as far as one can tell.
    pub(super) const fn is_on_its_way(&self) -> bool {
        !matches!(self.stage, Stage::Events | Stage::Nothing)
    }

    /// What it waits for, in words.
    pub(super) const fn waits_for(&self) -> &'static str {
        match self.stage {
            Stage::Connection(_) => "a connection",
            Stage::Upgrade(_) => "an answer to the upgrade",
            Stage::Acknowledgement(_) => "connection_ack",
            Stage::Snapshot => "a snapshot",
            Stage::Events => "events",
            Stage::Nothing => "nothing",
        }
    }

    /// Ends it.
    pub(super) fn close(&mut self) {
        self.stage = Stage::Nothing;
        self.begun = Vec::new();
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }

    /// Reads what there is, and says what is to be said next. `is_ended`: nothing comes after what there is.
    pub(super) fn go_on(&mut self, buffer: &mut [u8], is_ended: bool, record: &mut Record) -> News {
        let was_open = self.is_open();
        let before = self.events;
        match self.step(buffer, is_ended, record) {
            Ok(()) if !was_open && self.is_open() => News::Open,
            Ok(()) if self.events != before => News::Events,
            Ok(()) => News::Nothing,
            Err(error) => {
                self.close();
                News::Closed { was_open, reason: error.to_string() }
            }
        }
    }

    fn step(&mut self, buffer: &mut [u8], is_ended: bool, record: &mut Record) -> io::Result<()> {
        match std::mem::replace(&mut self.stage, Stage::Nothing) {
            Stage::Nothing => return Ok(()),
            Stage::Connection(hello) => {
                if let Some(error) = self.stream.take_error()? {
                    return Err(error);
                }
                match self.stream.peer_addr() {
                    Ok(_) => self.say(&hello.upgrade)?,
                    Err(error) if error.kind() == ErrorKind::NotConnected => {
                        self.stage = Stage::Connection(hello);
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                }
                self.stage = Stage::Upgrade(hello);
            }
            stage => self.stage = stage,
        }
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(other("the connection ended without a word")),
                Ok(count) => {
                    self.digest(buffer.get(..count).unwrap_or_default(), record)?;
                    // a buffer that is not full took all there was (epoll(7)); what comes later is told anew
                    if count < buffer.len() && !is_ended {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes what was read; what is not whole waits for the rest.
    fn digest(&mut self, bytes: &[u8], record: &mut Record) -> io::Result<()> {
        if self.begun.is_empty() {
            let used = self.consume(bytes, record)?;
            self.begun.extend(bytes.get(used..).unwrap_or_default());
        } else {
            let mut all = std::mem::take(&mut self.begun);
            all.extend(bytes);
            let used = self.consume(&all, record)?;
            self.begun.extend(all.get(used..).unwrap_or_default());
        }
        Ok(())
    }

    /// Takes all that is whole; so many bytes were used.
    fn consume(&mut self, bytes: &[u8], record: &mut Record) -> io::Result<usize> {
        let mut used = 0;
        let mut time = None;
        if let Stage::Upgrade(_) = &self.stage {
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(0) };
            used = end + 4;
            self.upgraded(bytes)?;
        }
        while let Some(frame) = bytes.get(used..).and_then(frames::first) {
            used += frame.size;
            if frame.opcode == TEXT && is_event(frame.payload) {
                self.event(frame.payload, read_at(&mut time), record);
            } else {
                self.other(&frame)?;
            }
        }
        Ok(used)
    }

    fn event(&mut self, payload: &[u8], now_us: i64, record: &mut Record) {
        record.event(payload, now_us);
        let is_new = self.ledger.as_mut().is_none_or(|ledger| ledger.note(payload));
        if !is_new {
            record.again();
            return;
        }
        self.events += 1;
        record.reached(self.events, now_us);
        if let Stage::Snapshot = self.stage {
            // who comes back is told what they missed, and needs no first picture
            self.stage = Stage::Events;
        }
    }

    fn upgraded(&mut self, answer: &[u8]) -> io::Result<()> {
        if !answer.starts_with(b"HTTP/1.1 101 ") {
            let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
            return Err(other(&format!("no upgrade: {}", String::from_utf8_lossy(line))));
        }
        if let Stage::Upgrade(hello) = std::mem::replace(&mut self.stage, Stage::Nothing) {
            self.say(&hello.init)?;
            self.stage = Stage::Acknowledgement(hello);
        }
        Ok(())
    }

    /// A frame that is no event: there are few of them.
    fn other(&mut self, frame: &Frame<'_>) -> io::Result<()> {
        match frame.opcode {
            PING => self.say(&frames::encode(PONG, frame.payload)),
            TEXT => self.message(frame.payload),
            CLOSE => {
                let (code, reason) = frame.payload.split_at_checked(2).unwrap_or((&[0x03, 0xED], &[]));
                let code = code.iter().fold(0_u16, |code, byte| code << 8 | u16::from(*byte));
                Err(other(&format!("closed with {code} {}", String::from_utf8_lossy(reason))))
            }
            _ => Ok(()),
        }
    }

    fn message(&mut self, payload: &[u8]) -> io::Result<()> {
        let message: Value = serde_json::from_slice(payload)?;
        match (message.get("type").and_then(Value::as_str).unwrap_or_default(), &self.stage) {
            ("ping", _) => self.say(&frames::encode(TEXT, br#"{"type":"pong"}"#)),
            ("connection_ack", Stage::Acknowledgement(_)) => {
                if let Stage::Acknowledgement(hello) = std::mem::replace(&mut self.stage, Stage::Snapshot) {
                    self.say(&hello.subscribe)?;
                }
                Ok(())
            }
            ("next", Stage::Snapshot | Stage::Events) if message.pointer("/payload/errors").is_none() => {
                if let Some(ledger) = &mut self.ledger {
                    if RESET.find(payload).is_some() {
                        return Err(other("it is to begin anew: nobody can say what it missed"));
                    }
                    ledger.stand(payload);
                }
                self.stage = Stage::Events;
                Ok(())
            }
            _ => Err(other(&format!("unexpected: {}", String::from_utf8_lossy(payload)))),
        }
    }

    /// Sends a little: it fits into the system's buffer, or the peer does not read.
    fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }
}

fn is_event(payload: &[u8]) -> bool {
    EVENT.find(payload).or_else(|| CHANGE.find(payload)).is_some()
}

fn other(message: &str) -> io::Error {
    io::Error::other(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_take_turns_with_tokens_and_come_from_as_many_addresses_as_they_need() {
        let open = Open {
            servers: vec![([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into()],
            tokens: vec!["a".to_owned(), "b".to_owned(), "c".to_owned()],
            source: 255,
            ..Open::default()
        };
        let hello = Hello::of(&open, PORTS + 1, None);
        assert_eq!((hello.server.port(), hello.source), (2, Ipv4Addr::new(127, 0, 1, 0)));
        let first = Hello::of(&open, 0, None);
        assert_eq!(first.source, Ipv4Addr::new(127, 0, 0, 255));
        assert!(!String::from_utf8_lossy(&first.subscribe).contains("variables"));
        let third = Hello::of(&open, 2, Some("c7"));
        assert!(String::from_utf8_lossy(&third.init).contains("Bearer c"));
        assert!(String::from_utf8_lossy(&third.subscribe).contains(r#""variables":{"after":"c7"}"#));
    }
}
