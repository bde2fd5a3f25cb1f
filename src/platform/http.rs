//! Requests to other servers: over TLS with the certificates that browsers trust, within a time, and without following
//! where an answer would send us.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// How long a server may take to answer, with all it has to say.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest answer that is read.
const MAX_ANSWER: usize = 1 << 20;

/// A client of other servers. A clone is another handle to the same connections.
#[derive(Clone)]
pub struct HttpClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

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
    /// A client without connections yet.
    #[must_use]
    pub fn new() -> Self {
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends `body` to `url` by POST, and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`HttpError`].
    pub async fn post(&self, url: &str, headers: &[(HeaderName, &str)], body: Bytes) -> Result<HttpAnswer, HttpError> {
        self.ask(Method::POST, url, headers, body).await
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
        let uri: Uri = url.parse().map_err(|_| HttpError::Request("not an address".to_owned()))?;
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
        tokio::time::timeout(PATIENCE, self.send(request)).await.map_err(|_| HttpError::Timeout)?
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<HttpAnswer, HttpError> {
        let response = self.0.request(request).await.map_err(|error| HttpError::Connection(causes(&error)))?;
        let (head, body) = response.into_parts();
        let whole = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { HttpError::TooLong } else { HttpError::Connection(causes(error.as_ref())) }
        })?;
        Ok(HttpAnswer { status: head.status, headers: head.headers, body: whole.to_bytes() })
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
