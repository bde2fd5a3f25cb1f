//! The HTTP side of the tests' client.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::tls;

/// How long a request may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl HttpAnswer {
    /// A header's value; empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.text()))
    }
}

/// Speaks HTTP to one address. It belongs to the test that made it, as its connections do.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    pub(crate) addr: SocketAddr,
    scheme: &'static str,
    client: Client<HttpsConnector<HttpConnector>, Body>,
}

impl Http {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self::by("http", addr, tls::client(RootCertStore::empty()))
    }

    /// Over TLS, to a server that `config` trusts.
    pub(crate) fn over_tls(addr: SocketAddr, config: ClientConfig) -> Self {
        Self::by("https", addr, config)
    }

    fn by(scheme: &'static str, addr: SocketAddr, config: ClientConfig) -> Self {
        let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build();
        Self { addr, scheme, client: Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// Any request; `path` begins with a slash.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Result<HttpAnswer, String> {
        let mut request = Request::builder().method(method).uri(format!("{}://{}{path}", self.scheme, self.addr));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let whole = async {
            let response = self.client.request(request).await.map_err(|error| format!("{error:?}"))?;
            let (head, body) = response.into_parts();
            let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.map_err(|error| error.to_string())?;
            Ok(HttpAnswer { status: head.status, headers: head.headers, body })
        };
        tokio::time::timeout(PATIENCE, whole).await.map_err(|_| format!("no answer from {path} in {PATIENCE:?}"))?
    }

    pub(crate) async fn get(&self, path: &str) -> HttpAnswer {
        self.send(Method::GET, path, &[], Body::empty()).await.unwrap()
    }

    /// A GraphQL operation over POST, as an actor with `token`. An error says that no answer came.
    pub(crate) async fn graphql(&self, token: Option<&str>, document: &str, variables: &Value) -> Result<Answer, String> {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![(header::CONTENT_TYPE.as_str(), "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| (header::AUTHORIZATION.as_str(), bearer)));
        let body = json!({ "query": document, "variables": variables }).to_string();
        let answer = self.send(Method::POST, "/graphql", &headers, body).await?;
        Ok(Answer { status: answer.status, body: answer.json() })
    }
}

/// The answer to a GraphQL operation.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    /// The data. Fails the test when there are errors.
    pub(crate) fn data(&self) -> &Value {
        assert!(self.errors().is_empty(), "errors where none were expected: {}", self.body);
        &self.body["data"]
    }

    /// The payload of the mutation `field`. Fails the test when it was refused.
    pub(crate) fn ok(&self, field: &str) -> &Value {
        let refusals = self.user_errors(field);
        assert!(refusals.is_empty(), "{field} was refused: {refusals:?}");
        &self.data()[field]
    }

    /// The top-level errors.
    pub(crate) fn errors(&self) -> &[Value] {
        self.body["errors"].as_array().map_or(&[], Vec::as_slice)
    }

    /// `extensions.code` of the first top-level error. Fails the test when there is none.
    pub(crate) fn code(&self) -> &str {
        self.errors()
            .first()
            .and_then(|error| error["extensions"]["code"].as_str())
            .unwrap_or_else(|| panic!("no error with a code in {}", self.body))
    }

    /// The `userErrors` of the mutation `field`; the document must ask for them.
    pub(crate) fn user_errors(&self, field: &str) -> &[Value] {
        let payload = &self.data()[field];
        payload["userErrors"].as_array().unwrap_or_else(|| panic!("no userErrors of {field} in {}", self.body))
    }

    /// The code of the one refusal of the mutation `field`. Fails the test unless there is exactly one.
    pub(crate) fn refusal(&self, field: &str) -> &str {
        match self.user_errors(field) {
            [refusal] => refusal["code"].as_str().unwrap(),
            others => panic!("one refusal of {field} was expected: {others:?}"),
        }
    }
}
