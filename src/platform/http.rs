//! Requests to other servers: over TLS with the certificates that browsers trust, within a time, and without following
//! where an answer would send us.
//!
//! Where somebody else names the server, its address decides: a name is resolved here, and what may not be reached is not
//! connected to, however it was spelt and whatever the name meant a moment before.

use std::fmt;
use std::future::ready;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;

use super::addresses::Reach;

/// How long a server may take to answer, with all it has to say.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest answer that is read.
const MAX_ANSWER: usize = 1 << 20;

/// How much is read of an answer that says nothing by its body: enough for the connection to be of further use.
const MAX_ACKNOWLEDGEMENT: usize = 16_384;

/// How long a connection to a server that somebody else named is kept for its next request.
const IDLE: Duration = Duration::from_secs(20);

/// A client of other servers. A clone is another handle to the same connections.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    reach: Arc<Reach>,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpClient")
    }
}

/// What another server said.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
}

/// Why there is no answer. Without what was asked: it may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The address or a header cannot be sent.
    #[error("the request cannot be sent: {0}")]
    Request(String),
    /// The server cannot be reached, or the connection broke.
    #[error("the server cannot be reached: {0}")]
    Connection(String),
    /// It took too long.
    #[error("the server did not answer in time")]
    Timeout,
    /// It said too much.
    #[error("the answer is too long")]
    TooLong,
}

impl HttpClient {
    /// A client of servers that the operator named, without connections yet.
    #[must_use]
    pub fn new() -> Self {
        Self::within(Reach::Anywhere, Names::system())
    }

    /// A client that connects to what `reach` allows of the addresses that `names` finds.
    #[must_use]
    pub fn within(reach: Reach, names: Names) -> Self {
        let is_bounded = matches!(reach, Reach::Public(_));
        let reach = Arc::new(reach);
        let mut http = HttpConnector::new_with_resolver(Resolver { names, reach: Arc::clone(&reach) });
        http.enforce_http(false);
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().wrap_connector(http);
        let mut builder = Client::builder(TokioExecutor::new());
        if is_bounded {
            builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(2);
        }
        Self { client: builder.build(connector), reach }
    }

    /// Sends `body` to `url` by POST, and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn post(&self, url: &str, headers: &[(HeaderName, &str)], body: Bytes) -> Result<HttpAnswer, HttpError> {
        self.ask(Method::POST, url, headers, body).await
    }

    /// Sends `body` to `url` by POST, and reads how it was taken: of the answer's body no more than its beginning.
    ///
    /// # Errors
    /// [`HttpError`] but for [`HttpError::TooLong`].
    pub async fn hand_in(&self, url: &str, headers: &[(HeaderName, &str)], body: Bytes) -> Result<HttpAnswer, HttpError> {
        let asking = async {
            let (head, body) = self.send(self.request(Method::POST, url, headers, body)?).await?;
            // what was said is in the head, whatever becomes of the rest
            let body = match Limited::new(body, MAX_ACKNOWLEDGEMENT).collect().await {
                Ok(whole) => whole.to_bytes(),
                Err(_) => Bytes::new(),
            };
            Ok(HttpAnswer { status: head.status, headers: head.headers, body })
        };
        tokio::time::timeout(PATIENCE, asking).await.map_err(|_| HttpError::Timeout)?
    }

    /// Reads what is at `url`, whatever the answer's status.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn get(&self, url: &str, headers: &[(HeaderName, &str)]) -> Result<HttpAnswer, HttpError> {
        self.ask(Method::GET, url, headers, Bytes::new()).await
    }

    async fn ask(
        &self,
        method: Method,
        url: &str,
        headers: &[(HeaderName, &str)],
        body: Bytes,
    ) -> Result<HttpAnswer, HttpError> {
        let asking = async {
            let (head, body) = self.send(self.request(method, url, headers, body)?).await?;
            let whole = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| {
                let is_long = error.is::<LengthLimitError>();
                if is_long { HttpError::TooLong } else { HttpError::Connection(causes(error.as_ref())) }
            })?;
            Ok(HttpAnswer { status: head.status, headers: head.headers, body: whole.to_bytes() })
        };
        tokio::time::timeout(PATIENCE, asking).await.map_err(|_| HttpError::Timeout)?
    }

    fn request(
        &self,
        method: Method,
        url: &str,
        headers: &[(HeaderName, &str)],
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, HttpError> {
        let uri: Uri = url.parse().map_err(|_| HttpError::Request("not an address".to_owned()))?;
        // what is written as an address is not resolved, so the resolver does not see it
        let host = uri.host().unwrap_or_default();
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse::<IpAddr>();
        if literal.is_ok_and(|address| !self.reach.allows(address)) {
            return Err(HttpError::Connection(OUT_OF_REACH.to_owned()));
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        for (name, value) in headers {
            let mut value =
                HeaderValue::from_str(value).map_err(|_| HttpError::Request(format!("{name} has a bad value")))?;
            // never in the text of an error
            value.set_sensitive(true);
            request.headers_mut().append(name, value);
        }
        Ok(request)
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(Parts, Incoming), HttpError> {
        let response = self.client.request(request).await.map_err(|error| HttpError::Connection(causes(&error)))?;
        Ok(response.into_parts())
    }
}

/// Why a server is not connected to.
const OUT_OF_REACH: &str = "its address is not a public one";

type Lookup = dyn Fn(Name) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;

/// Who knows the addresses of names. A clone is another handle to the same.
#[derive(Clone)]
pub struct Names(Arc<Lookup>);

impl Names {
    /// The system's resolver.
    #[must_use]
    pub fn system() -> Self {
        let system = GaiResolver::new();
        Self(Arc::new(move |name| {
            let looking = system.clone().call(name);
            async move { Ok(looking.await?.collect()) }.boxed()
        }))
    }

    /// One that says what `lookup` says each time that a name is looked up.
    pub fn by(lookup: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |name| {
            // the port is the address's
            let found: Vec<SocketAddr> = lookup(name.as_str()).into_iter().map(|found| SocketAddr::new(found, 0)).collect();
            ready(Ok(found)).boxed()
        }))
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// Resolves names to those of their addresses that may be reached. The connector takes the very addresses that come from
/// here: between the look and the connection nothing is asked again.
#[derive(Clone)]
struct Resolver {
    names: Names,
    reach: Arc<Reach>,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = Arc::clone(&self.reach);
        let within = move |found: io::Result<Vec<SocketAddr>>| {
            let within: Vec<SocketAddr> = found?.into_iter().filter(|address| reach.allows(address.ip())).collect();
            if within.is_empty() { Err(io::Error::other(OUT_OF_REACH)) } else { Ok(within.into_iter()) }
        };
        self.names.0(name).map(within).boxed()
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

/// An error with what it comes from.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where nobody listens, so that only the refusals differ.
    async fn reason(reach: Reach, host: &str) -> String {
        let client = HttpClient::within(reach, Names::system());
        let outcome = client.hand_in(&format!("http://{host}:1/"), &[], Bytes::new()).await;
        outcome.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn private_addresses_are_not_connected_to_however_they_are_spelt() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "localhost",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "10.0.0.1",
            "169.254.169.254",
            "[fe80::1]",
            "[64:ff9b::7f00:1]",
            "0.0.0.0",
        ] {
            let reason = reason(Reach::Public(Vec::new()), host).await;
            assert!(reason.contains("not a public one") || reason.contains("lookup"), "{host}: {reason}");
        }
        // and those that the system's resolver knows are refused for what they are
        for host in ["127.0.0.1", "127.1", "localhost", "[::1]"] {
            let reason = reason(Reach::Public(Vec::new()), host).await;
            assert!(reason.contains("not a public one"), "{host}: {reason}");
        }
    }

    #[tokio::test]
    async fn what_is_allowed_is_connected_to() {
        let loopback = Reach::Public(vec!["127.0.0.0/8".parse().unwrap()]);
        for (reach, host) in [(Reach::Anywhere, "127.0.0.1"), (loopback.clone(), "127.0.0.1"), (loopback, "127.1")] {
            let reason = reason(reach, host).await;
            assert!(!reason.contains("not a public one"), "{host}: {reason}");
        }
    }

    /// The addresses that a client within `reach` would connect to, of those that a name has.
    async fn resolved(reach: Reach, has: &[&str]) -> Result<Vec<IpAddr>, String> {
        let has: Vec<IpAddr> = has.iter().map(|address| address.parse().unwrap()).collect();
        let mut resolver = Resolver { names: Names::by(move |_| has.clone()), reach: Arc::new(reach) };
        let found = resolver.call("shop.example".parse().unwrap()).await.map_err(|error| error.to_string())?;
        Ok(found.map(|address| address.ip()).collect())
    }

    #[tokio::test]
    async fn of_a_name_with_several_addresses_the_public_ones_are_connected_to() {
        let public: IpAddr = "93.184.215.14".parse().unwrap();
        let mixed = ["10.0.0.1", "93.184.215.14", "::1", "169.254.169.254", "::ffff:192.168.0.1"];
        assert_eq!(resolved(Reach::Public(Vec::new()), &mixed).await, Ok(vec![public]));
        let besides = Reach::Public(vec!["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(resolved(besides, &mixed).await.unwrap().len(), 2);
        for private in [&["10.0.0.1"][..], &["127.0.0.1", "fd00::1"], &[]] {
            assert_eq!(resolved(Reach::Public(Vec::new()), private).await, Err(OUT_OF_REACH.to_owned()), "{private:?}");
        }
        assert_eq!(resolved(Reach::Anywhere, &mixed).await.unwrap().len(), mixed.len());
    }
}
