//! A mail server: speaks SMTP as its library has it, and keeps what it is given.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use mailin::{Action, Handler, Response, SessionBuilder, response};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::mail::Letter;
use super::wait::until;

/// What the server does with the next mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes them.
    Open,
    /// Refuses every receiver with this code, and repeats the address.
    Refuses(u16),
}

#[derive(Debug)]
struct State {
    mood: Mood,
    refused: usize,
    letters: Vec<Letter>,
}

/// A mail server on a free port; gone with this value.
#[derive(Debug)]
pub(crate) struct SmtpServer {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
    _accepting: AbortOnDropHandle<()>,
}

impl SmtpServer {
    /// Starts one.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { mood: Mood::Open, refused: 0, letters: Vec::new() }));
        let shared = Arc::clone(&state);
        let accepting = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let desk = Desk { state: Arc::clone(&shared), to: Vec::new(), bytes: Vec::new() };
                // whoever hangs up in the middle has sent nothing
                tokio::spawn(async move { drop(talk(stream, desk).await) });
            }
        };
        Self { addr, state, _accepting: AbortOnDropHandle::new(tokio::spawn(accepting)) }
    }

    /// For `SMTP_URL`.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.addr)
    }

    /// What it does from now on.
    pub(crate) fn set(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// Receivers it has refused.
    pub(crate) fn refused(&self) -> usize {
        self.state.lock().unwrap().refused
    }

    /// All that it was given, the oldest first.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.state.lock().unwrap().letters.clone()
    }

    /// The first letter to `address`, once it is here.
    pub(crate) async fn letter_to(&self, address: &str) -> Letter {
        until(async || self.letters().iter().any(|letter| letter.to == address)).await;
        self.letters().into_iter().find(|letter| letter.to == address).unwrap()
    }
}

/// One conversation's side of the server.
struct Desk {
    state: Arc<Mutex<State>>,
    to: Vec<String>,
    bytes: Vec<u8>,
}

impl Handler for Desk {
    fn rcpt(&mut self, to: &str) -> Response {
        let mut state = self.state.lock().unwrap();
        match state.mood {
            Mood::Open => response::OK,
            Mood::Refuses(code) => {
                state.refused += 1;
                Response::custom(code, format!("<{to}> is not served"))
            }
        }
    }

    fn data_start(&mut self, _domain: &str, _from: &str, _is8bit: bool, to: &[String]) -> Response {
        self.to = to.to_vec();
        self.bytes.clear();
        response::OK
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let letter = Letter::parse(&String::from_utf8_lossy(&self.bytes));
        assert_eq!(self.to, [letter.to.as_str()], "the envelope is for whom the letter is for");
        self.state.lock().unwrap().letters.push(letter);
        response::OK
    }
}

async fn talk(stream: TcpStream, desk: Desk) -> io::Result<()> {
    let mut session = SessionBuilder::new("mail.test").build(IpAddr::V4(Ipv4Addr::LOCALHOST), desk);
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    writer.write_all(&session.greeting().buffer()?).await?;
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await? > 0 {
        let answer = session.process(&line);
        line.clear();
        if answer.action != Action::NoReply {
            writer.write_all(&answer.buffer()?).await?;
        }
        if answer.action == Action::Close {
            break;
        }
    }
    Ok(())
}
