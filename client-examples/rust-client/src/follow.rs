//! A subscription that outlives its connection.

use std::sync::Arc;
use std::time::Duration;

use cynic::serde::Serialize;
use cynic::{GraphQlResponse, StreamingOperation, SubscriptionBuilder as _};
use futures_util::StreamExt as _;
use graphql_ws_client::graphql::GraphqlOperation;
use graphql_ws_client::{Client, Subscription};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::api::{EventCursor, Follow, FollowVariables, Update};
use crate::shop::{Error, Extensions, Shop, pause, refusal};

/// The server's word for a token that is worn out.
const FORBIDDEN: u16 = 4403;

/// How long a connection may be silent before it is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(10);

type Stream = Subscription<Operation>;

/// As it is for [`StreamingOperation`] itself, but errors keep their code.
#[derive(Serialize)]
#[serde(crate = "cynic::serde", transparent)]
struct Operation(StreamingOperation<Follow, FollowVariables>);

impl GraphqlOperation for Operation {
    type Response = GraphQlResponse<Follow, Extensions>;
    type Error = serde_json::Error;

    fn decode(&self, data: Value) -> Result<Self::Response, Self::Error> {
        serde_json::from_value(data)
    }
}

/// The store's orders: as they are, then each change.
pub struct Follower {
    shop: Arc<Shop>,
    cursor: Option<EventCursor>,
    stream: Option<Stream>,
    tries: u32,
}

impl Follower {
    /// Follows from now on.
    #[must_use]
    pub fn new(shop: Arc<Shop>) -> Self {
        Self { shop, cursor: None, stream: None, tries: 0 }
    }

    /// The next item. When the connection breaks there will be another, which goes on after the last item.
    ///
    /// # Errors
    /// What coming back does not mend.
    pub async fn next(&mut self) -> Result<Update, Error> {
        loop {
            match self.try_next().await {
                Ok(Some(update)) => {
                    self.tries = 0;
                    self.cursor = update.cursor().cloned().or_else(|| self.cursor.take());
                    return Ok(update);
                }
                Err(error) if !error.is_retryable() => return Err(error),
                ended => {
                    let why = ended.err().unwrap_or_else(|| Error::Unreachable("the connection ended".to_owned()));
                    self.stream = None;
                    pause(self.tries, &why).await;
                    self.tries += 1;
                }
            }
        }
    }

    /// Nothing when the connection has ended.
    async fn try_next(&mut self) -> Result<Option<Update>, Error> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(connect(&self.shop, self.cursor.clone()).await?),
        };
        let answer = match stream.next().await {
            None => return Ok(None),
            Some(Ok(answer)) => answer,
            // it would be the same after the next connection
            Some(Err(graphql_ws_client::Error::Decode(why))) => return Err(Error::Answer(why)),
            Some(Err(error)) => return Err(Error::Unreachable(error.to_string())),
        };
        match answer.data {
            Some(data) => Ok(Some(data.seller_order_updates)),
            None => Err(refusal(answer.errors)),
        }
    }
}

async fn connect(shop: &Shop, after: Option<EventCursor>) -> Result<Stream, Error> {
    let token = shop.access_token().await?;
    match begin(shop, &token, after.clone()).await {
        Err(graphql_ws_client::Error::Close(FORBIDDEN, _)) => {
            let token = shop.renewed(&token).await?;
            begin(shop, &token, after).await
        }
        done => done,
    }
    .map_err(|error| Error::Unreachable(error.to_string()))
}

async fn begin(shop: &Shop, token: &str, after: Option<EventCursor>) -> Result<Stream, graphql_ws_client::Error> {
    let unknown = |error: tokio_tungstenite::tungstenite::Error| graphql_ws_client::Error::Unknown(error.to_string());
    let mut request = shop.socket_url().into_client_request().map_err(unknown)?;
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("graphql-transport-ws"));
    let stream = async {
        let (socket, _) = connect_async(request).await.map_err(unknown)?;
        Client::build(socket)
            .payload(json!({ "Authorization": format!("Bearer {token}") }))?
            .keep_alive_interval(KEEP_ALIVE)
            .subscribe(Operation(Follow::build(FollowVariables { after })))
            .await
    };
    let late = |_| graphql_ws_client::Error::Unknown("it takes too long".to_owned());
    tokio::time::timeout(PATIENCE, stream).await.map_err(late)?
}

#[cfg(test)]
pub(crate) mod tests {
    use futures_util::SinkExt as _;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
    use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

    use super::*;
    use crate::api::LoginInput;

    /// A shop of `scheme` that is whatever listens there.
    async fn listen(scheme: &str) -> (TcpListener, Shop) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let login = LoginInput { email: String::new(), password: String::new() };
        (listener, Shop::new(&url, login).expect("an address"))
    }

    #[tokio::test]
    async fn the_socket_of_a_shop_of_https_is_spoken_to_by_tls() {
        let (listener, shop) = listen("https").await;
        let first = async {
            let (mut client, _) = listener.accept().await.expect("it comes");
            client.read_u8().await.expect("it says something")
        };
        tokio::select! {
            first = first => assert_eq!(first, 22, "a handshake"),
            given_up = begin(&shop, "", None) => panic!("{}", given_up.err().expect("nobody answers")),
        }
    }

    /// The socket that `client` asks for.
    pub(crate) async fn upgrade(client: TcpStream) -> WebSocketStream<TcpStream> {
        #[expect(clippy::result_large_err, reason = "the library's")]
        accept_hdr_async(client, |_: &Request, mut response: Response| {
            let spoken = HeaderValue::from_static("graphql-transport-ws");
            response.headers_mut().insert("Sec-WebSocket-Protocol", spoken);
            Ok(response)
        })
        .await
        .expect("a handshake")
    }

    /// Tells whoever subscribes first of `update`, and listens until they are gone.
    async fn tell(listener: TcpListener, update: Value) {
        let (client, _) = listener.accept().await.expect("it comes");
        let mut socket = upgrade(client).await;
        let mut answer = async |from: fn(Value, &Value) -> Value| {
            let asked = socket.next().await.expect("it asks").expect("a message");
            let asked = serde_json::from_str(asked.to_text().expect("a text")).expect("JSON");
            socket.send(Message::text(from(asked, &update).to_string())).await.expect("it listens");
        };
        answer(|_, _| json!({ "type": "connection_ack" })).await;
        answer(|asked, update| json!({ "type": "next", "id": asked["id"], "payload": { "data": { "sellerOrderUpdates": update } } })).await;
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
    }

    /// What becomes of the first item of a subscription.
    async fn first(update: Value) -> Result<Update, Error> {
        let (listener, shop) = listen("http").await;
        tokio::spawn(tell(listener, update));
        let stream = begin(&shop, "", None).await.expect("it is let in");
        let mut follower = Follower { shop: Arc::new(shop), cursor: None, stream: Some(stream), tries: 0 };
        tokio::time::timeout(PATIENCE, follower.next()).await.expect("it does not try for ever")
    }

    #[tokio::test]
    async fn an_item_that_is_not_understood_is_no_reason_to_come_back() {
        let known = json!({ "__typename": "StreamPosition", "cursor": "here" });
        assert!(matches!(first(known).await, Ok(Update::Position(_))));
        let other = json!({ "__typename": "StreamPosition", "place": "here" });
        let refused = first(other).await;
        assert!(matches!(&refused, Err(Error::Answer(why)) if why.contains("cursor")), "{refused:?}");
    }
}
