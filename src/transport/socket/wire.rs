//! The WebSocket below the protocol: messages in and out, none of which may take for ever.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, poll};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::goodbye::Goodbye;

/// Kept for reading, per socket: the library's own 128 KiB are what most sockets would cost. It grows with a message that
/// is larger, and stays so.
const READ_BUFFER: usize = 2048;

/// Small messages that are ready at the same time are sent in one go up to this. What was once needed of it is kept, too.
const WRITE_BUFFER: usize = 2048;

/// Longer messages are sent in fragments of this size: the library copies each frame into a buffer that never shrinks, and
/// one long answer would be paid for as long as its socket is open.
const FRAGMENT: usize = 4096;

/// How long a client may take to take what it is sent.
const WRITE: Duration = Duration::from_secs(10);

/// How long its answer to a close is waited for. Without that wait the code can be lost.
const GOODBYE: Duration = Duration::from_secs(1);

/// How a conversation ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// This side closes.
    Close(Goodbye),
    /// The other side has closed, and is answered.
    Closed,
    /// The other side is away, or does not read what it is sent.
    Cut,
}

impl From<Goodbye> for End {
    fn from(goodbye: Goodbye) -> Self {
        Self::Close(goodbye)
    }
}

/// What is said to a client.
#[derive(Debug)]
pub(super) enum Said {
    /// A message of the protocol.
    Text(Bytes),
    /// The question whether it is there.
    Ping,
}

/// An open WebSocket.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: WebSocketStream<S>,
    /// What came last cannot be read, and nothing can after it.
    is_broken: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Over a connection whose handshake is done. Messages may have up to `limit` bytes.
    pub(super) async fn new(connection: S, limit: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(limit))
            .max_frame_size(Some(limit));
        let stream = WebSocketStream::from_raw_socket(connection, Role::Server, Some(config)).await;
        Self { stream, is_broken: false }
    }

    /// The next message. What is dropped while it waits has lost nothing. Pings are answered by the library.
    ///
    /// # Errors
    /// How the conversation ends.
    pub(super) async fn read(&mut self) -> Result<Message, End> {
        let error = match self.stream.next().await {
            Some(Ok(Message::Close(_))) | None => return Err(End::Closed),
            Some(Ok(message)) => return Ok(message),
            Some(Err(error)) => error,
        };
        let goodbye = match error {
            Error::Capacity(_) => Goodbye::TOO_LARGE,
            Error::Utf8(_) => Goodbye::NOT_UTF8,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return Err(End::Cut),
            Error::Protocol(_) => Goodbye::UNREADABLE,
            _ => return Err(End::Cut),
        };
        self.is_broken = true;
        Err(goodbye.into())
    }

    /// Sends what is `said`, all of it in one go and in one time. Whoever drops this has broken off at most between two
    /// frames: nothing but a close may follow.
    ///
    /// # Errors
    /// When the client is away or does not read.
    pub(super) async fn send(&mut self, said: impl Iterator<Item = Said>) -> Result<(), End> {
        let mut frames = said.flat_map(frames);
        let stream = &mut self.stream;
        let sending = poll_fn(|cx| {
            // a frame is made when there is room for it, and not before
            while let Some(frame) = match ready!(stream.poll_ready_unpin(cx)) {
                Ok(()) => frames.next(),
                Err(error) => return Poll::Ready(Err(error)),
            } {
                stream.start_send_unpin(Message::Frame(frame))?;
            }
            stream.poll_flush_unpin(cx)
        });
        in_time(sending).await
    }

    /// Ends it: with the code, if this side closes, and with time for the client to hear it.
    pub(super) async fn end(&mut self, end: End) {
        match end {
            End::Cut => return,
            End::Closed => {}
            End::Close(goodbye) => {
                let close = self.stream.send(Message::Close(Some(goodbye.frame())));
                if in_time(close).await.is_err() {
                    return;
                }
            }
        }
        // a connection that is dropped with something unread is reset, and a reset overtakes the code
        let rest = async {
            if self.is_broken {
                let connection = self.stream.get_mut();
                let _ = connection.shutdown().await;
                let mut unread = [0; 512];
                while connection.read(&mut unread).await.is_ok_and(|count| count > 0) {}
            } else {
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        let _ = timeout(GOODBYE, rest).await;
    }
}

/// Waits for `sending`, but not for ever.
async fn in_time(sending: impl Future<Output = Result<(), Error>>) -> Result<(), End> {
    let mut sending = pin!(sending);
    let sent = match poll!(sending.as_mut()) {
        Poll::Ready(sent) => sent,
        // nearly always there is room at once; so the clock is not part of every socket, only of those that wait
        Poll::Pending => Box::pin(timeout(WRITE, sending)).await.map_err(|_| End::Cut)?,
    };
    sent.map_err(|_| End::Cut)
}

/// The frames of `said`: one, or as many as it takes.
fn frames(said: Said) -> impl Iterator<Item = Frame> {
    let (mut rest, mut kind) = (Some(said), Data::Text);
    std::iter::from_fn(move || match rest.take()? {
        Said::Ping => Some(Frame::ping(Bytes::new())),
        Said::Text(mut text) => {
            if text.len() > FRAGMENT {
                rest = Some(Said::Text(text.split_off(FRAGMENT)));
            }
            let kind = std::mem::replace(&mut kind, Data::Continue);
            Some(Frame::message(text, OpCode::Data(kind), rest.is_none()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_sent_in_fragments() {
        assert_eq!(frames(Said::Ping).collect::<Vec<_>>(), [Frame::ping(Bytes::new())]);
        for (size, sizes) in [
            (0, &[0][..]),
            (1, &[1]),
            (FRAGMENT, &[FRAGMENT]),
            (FRAGMENT + 1, &[FRAGMENT, 1]),
            (3 * FRAGMENT, &[FRAGMENT; 3]),
        ] {
            let text: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
            let frames: Vec<Frame> = frames(Said::Text(text.clone().into())).collect();
            assert_eq!(frames.iter().map(|frame| frame.payload().len()).collect::<Vec<_>>(), sizes);
            assert_eq!(frames.iter().flat_map(|frame| frame.payload().to_vec()).collect::<Vec<_>>(), text);
            for (index, frame) in frames.iter().enumerate() {
                let kind = if index == 0 { Data::Text } else { Data::Continue };
                assert_eq!(frame.header().opcode, OpCode::Data(kind));
                assert_eq!(frame.header().is_final, index + 1 == sizes.len());
            }
        }
    }
}
