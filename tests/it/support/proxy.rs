//! A network that can be broken: a TCP proxy whose connections a test cuts, holds up or refuses.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Everything passes.
    Open,
    /// Connections stay, and nothing passes: what a peer sees of a lost network.
    Paused,
    /// New connections are closed at once.
    Down,
}

#[derive(Debug, Clone)]
struct State {
    line: Line,
    target: SocketAddr,
    /// Cancelled, and replaced, with every cut.
    connections: CancellationToken,
}

/// Listens on a port of its own and forwards to another. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where to connect instead.
    pub(crate) addr: SocketAddr,
    state: Arc<watch::Sender<State>>,
    _stop: DropGuard,
}

impl Proxy {
    /// Begins to forward to `target`.
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state = State { line: Line::Open, target, connections: CancellationToken::new() };
        let state = Arc::new(watch::Sender::new(state));
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(accept(listener, Arc::clone(&state), stop.clone())));
        Self { addr, state, _stop: stop.drop_guard() }
    }

    /// Drops every connection. New ones are taken.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| std::mem::take(&mut state.connections).cancel());
    }

    /// Drops every connection, and refuses new ones until [`Proxy::resume`].
    pub(crate) fn down(&self) {
        self.state.send_modify(|state| state.line = Line::Down);
        self.cut();
    }

    /// Lets nothing pass until [`Proxy::resume`]; connections stay open.
    pub(crate) fn pause(&self) {
        self.state.send_modify(|state| state.line = Line::Paused);
    }

    /// Lets everything pass again; what was held up arrives.
    pub(crate) fn resume(&self) {
        self.state.send_modify(|state| state.line = Line::Open);
    }

    /// Forwards new connections elsewhere: to an instance that came back on another port.
    pub(crate) fn retarget(&self, target: SocketAddr) {
        self.state.send_modify(|state| state.target = target);
    }
}

async fn accept(listener: TcpListener, state: Arc<watch::Sender<State>>, stop: CancellationToken) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let State { line, connections, .. } = state.borrow().clone();
        if line != Line::Down {
            let forwarded = forward(client, state.subscribe());
            let stop = stop.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = connections.cancelled() => {}
                    () = stop.cancelled() => {}
                    _ = forwarded => {}
                }
            });
        }
    }
}

async fn forward(client: TcpStream, mut state: watch::Receiver<State>) -> std::io::Result<()> {
    // a paused network does not connect either
    let target = open(&mut state).await.target;
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(pump(from_client, to_server, state.clone()), pump(from_server, to_client, state))?;
    Ok(())
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        open(&mut state).await;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
    }
}

/// Waits until the line is open.
async fn open(state: &mut watch::Receiver<State>) -> State {
    let open = state.wait_for(|state| state.line == Line::Open).await.map(|state| state.clone());
    match open {
        Ok(state) => state,
        // the proxy is gone, and this connection with it
        Err(_) => std::future::pending().await,
    }
}
