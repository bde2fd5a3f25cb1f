//! A socket's life: one task that listens, sends, and watches the time.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tracing::Instrument as _;

use super::envelope;
use super::goodbye::Goodbye;
use super::operations::Operations;
use super::protocol::{ClientMessage, Object};
use super::wire::{End, Timings, Wire};
use crate::app::App;
use crate::graphql::context::RequestId;
use crate::stream::{Authority, Engine, Outgoing, SendQueue, Verdict};
use crate::transport::Shutdown;
use crate::transport::quota::{Place, Quota};
use crate::transport::session::Session;

/// Answers that are sent before the client is listened to again.
const BATCH: usize = 32;

/// What a socket needs of the server.
#[derive(Debug)]
pub(super) struct Server {
    /// The application.
    pub(super) app: App,
    /// Runs the operations.
    pub(super) engine: Engine,
    /// How many sockets a user may have.
    pub(super) quota: Quota,
    /// The end of the server.
    pub(super) shutdown: Shutdown,
    /// How long the client may take.
    pub(super) timings: Timings,
    /// What the log and the client know the socket by.
    pub(super) request_id: RequestId,
}

/// Speaks the protocol on `wire` until one side has had enough.
pub(super) async fn hold<S: AsyncRead + AsyncWrite + Unpin>(mut wire: Wire<S>, server: Server) {
    let queue = SendQueue::new(server.app.config.send_queue);
    let Err(end) = converse(&mut wire, server, &queue).await;
    // whoever waits for room waits in vain
    queue.close();
    Box::pin(wire.end(end)).await;
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    server: Server,
    queue: &Arc<SendQueue>,
) -> Result<Infallible, End> {
    let Server { app, engine, quota, shutdown, timings, request_id } = server;
    let session = Arc::new(Session::new(app));
    // these two are waited for once, and not anew in each turn: many sockets wait for the same
    let mut ended = pin!(session.ended());
    let mut stopped = pin!(shutdown.leave());
    let authority: Arc<dyn Authority> = Arc::<Session>::clone(&session);
    let mut conversation = Conversation {
        operations: Operations::new(engine, authority, Arc::clone(queue), request_id),
        session: &session,
        quota,
        place: None,
        init: Init::Awaited,
        is_heard: true,
        timings,
        init_by: Instant::now() + timings.init,
        ping_at: Instant::now() + timings.ping,
    };
    // one timer for both
    let mut timer = pin!(sleep_until(conversation.next_time()));
    loop {
        let said = tokio::select! {
            message = wire.read() => conversation.hear(message?)?,
            outgoing = queue.next() => {
                let outgoing = outgoing.map_err(|Verdict::TooSlow| Goodbye::TOO_SLOW)?;
                conversation.pass_on(wire, queue, outgoing).await?;
                None
            }
            checked = conversation.init.checked() => Some(conversation.admit(checked)?),
            () = timer.as_mut() => {
                conversation.look_at_the_time(wire).await?;
                timer.as_mut().reset(conversation.next_time());
                None
            }
            () = &mut ended => return Err(Goodbye::FORBIDDEN.into()),
            () = &mut stopped => return Err(Goodbye::RESTART.into()),
        };
        if let Some(message) = said {
            wire.feed(message).await?;
            wire.flush().await?;
        }
    }
}

/// What a socket has come to.
struct Conversation<'a> {
    session: &'a Arc<Session>,
    operations: Operations,
    quota: Quota,
    /// Among the sockets of its user.
    place: Option<Place>,
    init: Init,
    /// Whether anything came since the last ping.
    is_heard: bool,
    timings: Timings,
    init_by: Instant,
    ping_at: Instant,
}

/// The `connection_init`.
enum Init {
    Awaited,
    /// It is being found out who it is. Meanwhile the client is listened to.
    Checking(BoxFuture<'static, Result<Option<Place>, Goodbye>>),
    Acknowledged,
}

impl Init {
    async fn checked(&mut self) -> Result<Option<Place>, Goodbye> {
        match self {
            Self::Checking(check) => check.await,
            Self::Awaited | Self::Acknowledged => pending().await,
        }
    }
}

impl Conversation<'_> {
    /// Does as the client says. What there is to say at once.
    fn hear(&mut self, message: Message) -> Result<Option<Bytes>, Goodbye> {
        self.is_heard = true;
        let message = match message {
            Message::Text(text) => ClientMessage::read(&text)?,
            Message::Binary(_) => return Err(Goodbye::invalid("Invalid message: binary")),
            _ => return Ok(None),
        };
        match message {
            ClientMessage::Init(payload) => {
                if !matches!(self.init, Init::Awaited) {
                    return Err(Goodbye::SECOND_INIT);
                }
                self.init = Init::Checking(self.check(payload.unwrap_or_default()));
                Ok(None)
            }
            ClientMessage::Ping(payload) => Ok(Some(envelope::pong(payload))),
            ClientMessage::Pong => Ok(None),
            ClientMessage::Subscribe(id, request) => match self.init {
                Init::Acknowledged => self.operations.start(&id, request),
                Init::Awaited | Init::Checking(_) => Err(Goodbye::UNAUTHORIZED),
            },
            ClientMessage::Complete(id) => {
                self.operations.stop(&id);
                Ok(None)
            }
        }
    }

    /// Finds out who it is. Boxed: it is large, and soon over.
    fn check(&self, payload: Object) -> BoxFuture<'static, Result<Option<Place>, Goodbye>> {
        let quota = self.quota.clone();
        let session = Arc::clone(self.session);
        let span = tracing::info_span!("socket", request_id = self.operations.request_id().0);
        let check = async move {
            match session.begin(&Value::Object(payload)).await {
                Ok(None) => Ok(None),
                Ok(Some(actor)) => quota.take_user(actor.user).map(Some).ok_or(Goodbye::TRY_AGAIN),
                Err(error) if error.code() == "INTERNAL" => Err(Goodbye::TRY_AGAIN),
                Err(_) => Err(Goodbye::FORBIDDEN),
            }
        };
        Box::pin(check.instrument(span))
    }

    fn admit(&mut self, checked: Result<Option<Place>, Goodbye>) -> Result<Bytes, Goodbye> {
        self.place = checked?;
        self.init = Init::Acknowledged;
        Ok(envelope::ACK)
    }

    /// Sends `outgoing`, and what else is ready.
    async fn pass_on<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        wire: &mut Wire<S>,
        queue: &SendQueue,
        outgoing: Outgoing,
    ) -> Result<(), End> {
        let (mut next, mut left) = (Some(outgoing), BATCH);
        while let Some(outgoing) = next {
            if let Some(message) = self.operations.envelope(outgoing) {
                wire.feed(message).await?;
            }
            left -= 1;
            next = if left > 0 { queue.try_next() } else { None };
        }
        wire.flush().await
    }

    fn next_time(&self) -> Instant {
        match self.init {
            Init::Awaited => self.ping_at.min(self.init_by),
            Init::Checking(_) | Init::Acknowledged => self.ping_at,
        }
    }

    /// Does what is due.
    async fn look_at_the_time<S: AsyncRead + AsyncWrite + Unpin>(&mut self, wire: &mut Wire<S>) -> Result<(), End> {
        let now = Instant::now();
        if matches!(self.init, Init::Awaited) && now >= self.init_by {
            return Err(Goodbye::NO_INIT.into());
        }
        if now < self.ping_at {
            return Ok(());
        }
        if !self.is_heard {
            return Err(End::Cut);
        }
        self.is_heard = false;
        self.ping_at = now + self.timings.ping;
        wire.ping().await
    }
}
