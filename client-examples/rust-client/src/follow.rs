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
        let Some(Ok(answer)) = stream.next().await else { return Ok(None) };
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
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::api::LoginInput;

    #[tokio::test]
    async fn the_socket_of_a_shop_of_https_is_spoken_to_by_tls() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        let login = LoginInput { email: String::new(), password: String::new() };
        let shop = Shop::new(&url, login).expect("an address");
        let first = async {
            let (mut client, _) = listener.accept().await.expect("it comes");
            client.read_u8().await.expect("it says something")
        };
        tokio::select! {
            first = first => assert_eq!(first, 22, "a handshake"),
            given_up = begin(&shop, "", None) => panic!("{}", given_up.err().expect("nobody answers")),
        }
    }
}
