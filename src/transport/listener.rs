//! Connections that can be cut: a server that is killed does not say good-bye, and neither who reads nothing nor who does not
//! say what it wants is waited for.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How long a client may take to take anything of what it is sent. Below this, nobody can tell: what writes an answer is
/// not asked for more of it while the last is not gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may be without a word from here. A request has thirty seconds to be answered, of which its body is
/// part; the rest is for its head, and for the next one to begin. WebSockets are pinged and event streams have their comments
/// before this is over.
const SILENCE: Duration = Duration::from_secs(75);

/// How long the other end may leave what it was sent without a sign of having got it. Whoever lost the network would
/// otherwise be there for a quarter of an hour. (An event stream has no pings to be answered, but it is never silent.)
#[cfg(target_os = "linux")]
const UNSEEN: Duration = Duration::from_secs(30);

/// Connections that may wait until they are accepted: as many as Linux allows unless it is told otherwise
/// (`net.core.somaxconn`). When an instance dies, its clients come to the others within moments, and who finds no place is
/// looked at again a second later, then three, then seven. Without a word it would be 128.
const WAITING: u32 = 4_096;

/// Takes `addr`, and lets nobody in yet: who comes is refused at once, and goes to another instance, instead of waiting for one
/// that may not even start.
///
/// # Errors
/// When the address is not this machine's, or taken.
pub fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // as everywhere: a server that starts again does not wait for the connections of the one before
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// Listens where `socket` is bound.
///
/// # Errors
/// When another process has begun to listen there meanwhile.
pub fn listen(socket: TcpSocket) -> io::Result<TcpListener> {
    socket.listen(WAITING)
}

/// Accepts connections that all break once `cut` is cancelled, those that were upgraded to WebSockets too; and each by itself
/// when its client takes nothing of what it is sent for ten seconds, or does not ask for anything that can be answered.
#[derive(Debug)]
pub struct Listener {
    inner: TcpListener,
    cut: CancellationToken,
    /// The ten seconds.
    pub(super) patience: Duration,
    /// How long it may be silent.
    silence: Duration,
}

impl Listener {
    /// Accepts from `inner`.
    #[must_use]
    pub const fn new(inner: TcpListener, cut: CancellationToken) -> Self {
        Self { inner, cut, patience: PATIENCE, silence: SILENCE }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, addr) = axum::serve::Listener::accept(&mut self.inner).await;
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "a connection stays as the system has them");
        }
        let cut = Box::pin(self.cut.clone().cancelled_owned());
        let (patience, silence) = (self.patience, self.silence);
        let (since, wake) = (Instant::now(), Box::pin(sleep(silence)));
        (Connection { stream, cut, patience, stall: None, silence, since, is_asked: false, wake }, addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// Sends at once, and does not wait for long for those who are gone.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNSEEN))?;
    Ok(())
}

/// A connection of a [`Listener`].
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    patience: Duration,
    /// The end of the patience, while what is written is not taken.
    stall: Option<Pin<Box<Sleep>>>,
    silence: Duration,
    /// When something was written last, or read for the first time after that.
    since: Instant,
    /// Something was read and nothing written since.
    is_asked: bool,
    /// To look at `since`: put off only when it goes off, which is seldom.
    wake: Pin<Box<Sleep>>,
}

impl Connection {
    /// The stream, unless it is cut; else it is an error, and whoever waits is woken to see it.
    fn stream(&mut self, cx: &mut Context<'_>) -> io::Result<Pin<&mut TcpStream>> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(Pin::new(&mut self.stream)),
        }
    }

    /// What became of a write, unless it has been waiting for too long.
    fn in_time(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            (self.stall, self.since, self.is_asked) = (None, Instant::now(), false);
            return written;
        }
        let patience = self.patience;
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(patience)));
        stall.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = self.stream(cx)?.poll_read(cx, buffer);
        if read.is_ready() {
            if buffer.filled().len() > before && !self.is_asked {
                (self.is_asked, self.since) = (true, Instant::now());
            }
            return read;
        }
        while self.wake.as_mut().poll(cx).is_ready() {
            let until = self.since + self.silence;
            if until <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.wake.as_mut().reset(until);
        }
        Poll::Pending
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream(cx)?.poll_write(cx, bytes);
        self.in_time(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream(cx)?.poll_write_vectored(cx, parts);
        self.in_time(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream(cx)?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream(cx)?.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use axum::serve::Listener as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Both ends of a connection whose server has so much patience.
    async fn pair(patience: Duration) -> (Connection, TcpStream) {
        pair_with(patience, SILENCE).await
    }

    async fn pair_with(patience: Duration, silence: Duration) -> (Connection, TcpStream) {
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = inner.local_addr().unwrap();
        let mut listener = Listener { patience, silence, ..Listener::new(inner, CancellationToken::new()) };
        let (client, (server, _)) = tokio::join!(TcpStream::connect(address), listener.accept());
        (server, client.unwrap())
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hundreds_may_come_before_the_first_is_accepted() {
        let socket = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "it is taken, and nobody is there yet");
        let _listener = listen(socket).unwrap();
        let clients = futures_util::future::try_join_all((0..400).map(|_| TcpStream::connect(address)));
        let clients = tokio::time::timeout(Duration::from_secs(20), clients).await.expect("some found no place");
        assert_eq!(clients.unwrap().len(), 400);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_has_left_without_a_word_is_not_waited_for() {
        let (server, _client) = pair(PATIENCE).await;
        assert_eq!(socket2::SockRef::from(&server.stream).tcp_user_timeout().unwrap(), Some(UNSEEN));
    }

    #[tokio::test]
    async fn who_takes_nothing_is_cut_off() {
        let (mut server, _client) = pair(Duration::from_millis(20)).await;
        let part = vec![0; 64 * 1024];
        let error = loop {
            if let Err(error) = server.write_all(&part).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_takes_something_now_and_then_is_not() {
        const SIZE: usize = 32 * 1024 * 1024;
        let (mut server, mut client) = pair(Duration::from_mins(1)).await;
        let writing = tokio::spawn(async move { server.write_all(&vec![0; SIZE]).await.map(|()| server) });
        let (mut taken, mut buffer) = (0, vec![0; 64 * 1024]);
        while taken < SIZE {
            taken += client.read(&mut buffer).await.unwrap();
        }
        let server = writing.await.unwrap().unwrap();
        assert!(server.stall.is_none(), "each time it begins anew");
    }

    /// Serves one connection of a listener that is soon out of patience, and gives its other end.
    async fn serve_one() -> TcpStream {
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = inner.local_addr().unwrap();
        let listener = Listener { silence: Duration::from_secs(2), ..Listener::new(inner, CancellationToken::new()) };
        let router = axum::Router::new().route("/", axum::routing::get(async || "here"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        TcpStream::connect(address).await.unwrap()
    }

    #[tokio::test]
    async fn who_never_says_what_it_wants_is_cut_off() {
        let whole = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";
        let twice = format!("{whole}GET /");
        let outcomes = ["", "GET / HT", "GET / HTTP/1.1\r\nHost:", &twice, whole].map(async |said| {
            let mut client = serve_one().await;
            client.write_all(said.as_bytes()).await.unwrap();
            let mut heard = Vec::new();
            let end = tokio::time::timeout(Duration::from_secs(20), client.read_to_end(&mut heard)).await;
            end.unwrap_or_else(|_| panic!("{said:?} is waited for")).unwrap();
            assert_eq!(heard.ends_with(b"here"), said.starts_with(whole), "what is whole is answered: {said:?}");
        });
        futures_util::future::join_all(outcomes).await;
    }

    /// Sends a byte; no time passes until it has come.
    async fn say(client: &mut TcpStream, server: &Connection) {
        tokio::time::resume();
        client.write_all(b"?").await.unwrap();
        server.stream.readable().await.unwrap();
        tokio::time::pause();
    }

    #[tokio::test]
    async fn who_asks_bit_by_bit_has_one_time_for_it_and_an_answer_begins_another() {
        let (mut server, mut client) = pair_with(PATIENCE, Duration::from_mins(1)).await;
        tokio::time::pause();
        let (mut buffer, mut bits) = ([0; 8], 0);
        for _ in 0..5 {
            // nothing happens for nearly as long as it may, twice: before there is a question, and before its answer
            let quiet = tokio::time::timeout(Duration::from_secs(50), server.read(&mut buffer)).await;
            assert!(quiet.is_err(), "{quiet:?}");
            say(&mut client, &server).await;
            assert_eq!(server.read(&mut buffer).await.unwrap(), 1);
            assert!(tokio::time::timeout(Duration::from_secs(50), server.read(&mut buffer)).await.is_err());
            server.write_all(b"!").await.unwrap();
        }
        let error = loop {
            say(&mut client, &server).await;
            assert_eq!(server.read(&mut buffer).await.unwrap(), 1);
            if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(10), server.read(&mut buffer)).await {
                break error;
            }
            bits += 1;
            assert!(bits < 10, "it goes on and on");
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
