//! A socket's life: one task that listens, sends, and watches the time.

use std::convert::Infallible;
use std::future::pending;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tracing::Instrument as _;

use super::envelope;
use super::goodbye::Goodbye;
use super::operations::Operations;
use super::protocol::{ClientMessage, Object};
use super::wire::{End, Said, Wire};
use crate::app::App;
use crate::graphql::context::RequestId;
use crate::platform::limits::Principal;
use crate::platform::quota::{Place, Quota};
use crate::stream::{Authority, Engine, SendQueue};
use crate::transport::Shutdown;
use crate::transport::session::Session;

/// How long a client may take to send `connection_init`.
const INIT: Duration = Duration::from_secs(10);

/// How often a client is pinged, and how long it may take to answer: often enough for a proxy that gives up after a minute
/// of silence.
const PING: Duration = Duration::from_secs(25);

/// How long queries and mutations may take to be answered, once the server stops.
const LEAVE: Duration = Duration::from_secs(5);

/// Answers that are sent before the client is listened to again.
const BATCH: usize = 32;

/// And their size in bytes, of all but the last: they are sent within one time.
const BATCH_BYTES: usize = 64 * 1024;

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
    /// What the log and the client know the socket by.
    pub(super) request_id: RequestId,
    /// Where the client is.
    pub(super) from: IpAddr,
}

/// Speaks the protocol on `wire` until one side has had enough.
pub(super) async fn hold<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>, server: &Server) -> End {
    let queue = SendQueue::new(server.app.config.send_queue);
    let Err(end) = converse(wire, server, &queue).await;
    // whoever waits for room waits in vain
    queue.close();
    end
}

/// The same, with the `queue` of what the operations are answered.
pub(super) async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    server: &Server,
    queue: &Arc<SendQueue>,
) -> Result<Infallible, End> {
    let session = Arc::new(Session::at(server.app.clone(), server.from));
    // these two are waited for once, and not anew in each turn: many sockets wait for the same
    let mut ended = pin!(session.ended());
    let mut stopped = pin!(server.shutdown.leave());
    let mut conversation = Conversation::new(server, &session, queue);
    // one timer for both
    let mut timer = pin!(sleep_until(conversation.next_time()));
    loop {
        conversation.go_when_done()?;
        let said = tokio::select! {
            message = wire.read() => conversation.hear(message?)?,
            outgoing = queue.next() => {
                conversation.operations.envelope(outgoing.map_err(Goodbye::from)?).map(Said::Text)
            }
            checked = conversation.init.checked() => Some(conversation.admit(checked)?),
            () = timer.as_mut() => {
                let said = conversation.look_at_the_time()?;
                timer.as_mut().reset(conversation.next_time());
                said
            }
            () = &mut ended => return Err(Goodbye::FORBIDDEN.into()),
            () = &mut stopped, if !conversation.is_leaving() => {
                conversation.leave();
                timer.as_mut().reset(conversation.next_time());
                None
            }
        };
        let Some(said) = said else { continue };
        // what else is ready goes out with it
        let more = conversation.operations.ready(BATCH, BATCH_BYTES);
        let is_leaving = conversation.is_leaving();
        // boxed: it is large, and mostly done at once
        let sent = Box::pin(async {
            let mut sending = pin!(wire.send(std::iter::once(said).chain(more.into_iter().map(Said::Text))));
            tokio::select! {
                biased;
                sent = sending.as_mut() => return sent.map(|()| is_leaving),
                // whoever reads slowly does not stay for longer than others
                () = &mut ended => return Err(Goodbye::FORBIDDEN.into()),
                verdict = queue.condemned() => return Err(Goodbye::from(verdict).into()),
                () = &mut stopped, if !is_leaving => {}
            }
            // it may be an answer that is on its way
            timeout(LEAVE, sending).await.unwrap_or(Err(Goodbye::RESTART.into())).map(|()| true)
        });
        if sent.await? && !is_leaving {
            conversation.leave();
            timer.as_mut().reset(conversation.next_time());
        }
    }
}

/// What a socket has come to.
struct Conversation<'a> {
    session: &'a Arc<Session>,
    operations: Operations<'a>,
    server: &'a Server,
    /// Among the sockets of its user.
    place: Option<Place>,
    init: Init,
    /// Whether anything came since the last ping.
    is_heard: bool,
    /// Until when a `connection_init` is waited for, or the last answers are.
    due: Instant,
    ping_at: Instant,
}

/// The `connection_init`.
enum Init {
    Awaited,
    /// It is being found out who it is. Meanwhile the client is listened to.
    Checking(BoxFuture<'static, Result<Option<Place>, Goodbye>>),
    Acknowledged,
    /// The server stops: what is asked now is not begun. Who comes back may ask again.
    Leaving,
}

impl Init {
    async fn checked(&mut self) -> Result<Option<Place>, Goodbye> {
        match self {
            Self::Checking(check) => check.await,
            Self::Awaited | Self::Acknowledged | Self::Leaving => pending().await,
        }
    }
}

impl<'a> Conversation<'a> {
    fn new(server: &'a Server, session: &'a Arc<Session>, queue: &'a Arc<SendQueue>) -> Self {
        let authority: Arc<dyn Authority> = Arc::<Session>::clone(session);
        let now = Instant::now();
        Self {
            session,
            server,
            place: None,
            operations: Operations::new(server, authority, queue),
            init: Init::Awaited,
            is_heard: true,
            due: now + INIT,
            ping_at: now + PING,
        }
    }

    /// Does as the client says. What there is to say at once.
    fn hear(&mut self, message: Message) -> Result<Option<Said>, Goodbye> {
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
            ClientMessage::Ping(payload) => Ok(Some(Said::Text(envelope::pong(payload)))),
            ClientMessage::Pong => Ok(None),
            ClientMessage::Subscribe(id, request) => match self.init {
                Init::Acknowledged => Ok(self.operations.start(&id, request)?.map(Said::Text)),
                Init::Awaited | Init::Checking(_) => Err(Goodbye::UNAUTHORIZED),
                Init::Leaving => Ok(None),
            },
            ClientMessage::Complete(id) => {
                self.operations.stop(&id);
                Ok(None)
            }
        }
    }

    /// Finds out who it is. Boxed: it is large, and soon over.
    fn check(&self, payload: Object) -> BoxFuture<'static, Result<Option<Place>, Goodbye>> {
        let (session, quota) = (Arc::clone(self.session), self.server.quota.clone());
        let instruments = self.server.app.instruments.clone();
        let span = tracing::info_span!("socket", request_id = self.server.request_id.0);
        let check = async move {
            let begun = session.begin(&Value::Object(payload)).await;
            if let Err(error) = &begun {
                instruments.count_refusal(error.code());
            }
            match begun {
                Ok(None) => Ok(None),
                Ok(Some(actor)) => quota.take(Principal::signed_in(&actor)).map(Some).ok_or_else(|| {
                    instruments.count_refusal("TOO_MANY_SOCKETS");
                    Goodbye::TRY_AGAIN
                }),
                Err(error) if matches!(error.code(), "INTERNAL" | "RATE_LIMITED") => Err(Goodbye::TRY_AGAIN),
                Err(_) => Err(Goodbye::FORBIDDEN),
            }
        };
        Box::pin(check.instrument(span))
    }

    fn admit(&mut self, checked: Result<Option<Place>, Goodbye>) -> Result<Said, Goodbye> {
        self.place = checked?;
        self.init = Init::Acknowledged;
        Ok(Said::Text(envelope::ACK))
    }

    const fn is_leaving(&self) -> bool {
        matches!(self.init, Init::Leaving)
    }

    /// Begins nothing more, and ends once what was begun is answered; subscriptions are not waited for.
    fn leave(&mut self) {
        self.init = Init::Leaving;
        self.due = Instant::now() + LEAVE;
    }

    /// Ends, if it is leaving and has nothing to wait for.
    fn go_when_done(&self) -> Result<(), Goodbye> {
        if self.is_leaving() && !self.operations.has_unanswered() { Err(Goodbye::RESTART) } else { Ok(()) }
    }

    fn next_time(&self) -> Instant {
        match self.init {
            Init::Awaited | Init::Leaving => self.ping_at.min(self.due),
            Init::Checking(_) | Init::Acknowledged => self.ping_at,
        }
    }

    /// Does what is due.
    fn look_at_the_time(&mut self) -> Result<Option<Said>, End> {
        let now = Instant::now();
        if now >= self.due {
            match self.init {
                Init::Awaited => return Err(Goodbye::NO_INIT.into()),
                Init::Leaving => return Err(Goodbye::RESTART.into()),
                Init::Checking(_) | Init::Acknowledged => {}
            }
        }
        if now < self.ping_at {
            return Ok(None);
        }
        if !self.is_heard {
            return Err(End::Cut);
        }
        self.is_heard = false;
        self.ping_at = now + PING;
        Ok(Some(Said::Ping))
    }
}
