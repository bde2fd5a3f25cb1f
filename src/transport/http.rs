//! GraphQL over HTTP, after the draft of that name (<https://graphql.github.io/graphql-over-http/draft/>).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_graphql::{Executor, Request as Operation, ServerError, Value as GraphValue, Variables};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::accept::{self, Media};
use super::error::{Refusal, Refused};
use super::token::Bearer;
use super::{Transport, event_stream, graphiql, peer, socket};
use crate::graphql::budget::{Purse, charge_failure};
use crate::graphql::context::{Accepts, Begun, Origin, RequestId};
use crate::graphql::limits::is_subscription;
use crate::graphql::{Authority as _, Visitor};

/// A request as the specification names its parts.
#[derive(Debug)]
pub(super) struct Params {
    pub(super) query: String,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Map<String, Value>,
}

/// POST: any operation, as JSON.
pub(super) async fn post<E: Executor>(
    State(transport): State<Transport<E>>,
    Extension(id): Extension<RequestId>,
    head: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let read = || {
        if !accept::is_json(&head.headers) {
            let message = "Send the request as application/json.";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message));
        }
        let limit = transport.app.config.limits.body_bytes;
        let body = body.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let message = format!("The request is larger than {limit} bytes.");
                Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", message)
            }
            _ => Refusal::bad_request("The body could not be read."),
        })?;
        Params::of_json(&body)
    };
    match read() {
        Ok(params) => answer(&transport, &id, &head, params, Accepts::QueriesAndMutations).await,
        Err(refusal) => refusal.respond_as(accept::media(&head.headers), &id),
    }
}

/// GET: queries, subscriptions as event streams, the page for browsers, and the way to a WebSocket.
pub(super) async fn get<E: Executor>(
    State(transport): State<Transport<E>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    // clients also ask for `h2c` here, which is declined by an ordinary answer
    let upgrade = parts.headers.get(header::UPGRADE).map(HeaderValue::as_bytes);
    if upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(b"websocket")) {
        return socket::upgrade(transport, id, parts);
    }
    let Ok(Query(params)) = Query::<HashMap<String, String>>::try_from_uri(&parts.uri) else {
        return Refusal::bad_request("The address is not well formed.").respond_as(accept::media(&parts.headers), &id);
    };
    if !params.contains_key("query") && accept::wants_page(&parts.headers) {
        return graphiql::page(parts.headers).await;
    }
    match Params::of_address(params) {
        Ok(params) => answer(&transport, &id, &parts, params, Accepts::Queries).await,
        Err(refusal) => refusal.respond_as(accept::media(&parts.headers), &id),
    }
}

impl Params {
    fn of_json(body: &[u8]) -> Result<Self, Refusal> {
        let Ok(Value::Object(mut object)) = serde_json::from_slice(body) else {
            return Err(Refusal::bad_request("The body must be a JSON object with `query`."));
        };
        Self::new(
            object.remove("query"),
            object.remove("operationName"),
            object.remove("variables"),
            object.get("extensions"),
        )
    }

    fn of_address(mut params: HashMap<String, String>) -> Result<Self, Refusal> {
        let json = |name: &'static str, text: Option<String>| {
            text.map(|text| serde_json::from_str(&text).map_err(|_| Refusal::bad_request(format!("`{name}` must be JSON."))))
                .transpose()
        };
        let variables = json("variables", params.remove("variables"))?;
        let extensions: Option<Value> = json("extensions", params.remove("extensions"))?;
        let query = params.remove("query").map(Value::String);
        // in an address, a name that is empty is one that is absent
        let name = params.remove("operationName").filter(|name| !name.is_empty()).map(Value::String);
        Self::new(query, name, variables, extensions.as_ref())
    }

    fn new(
        query: Option<Value>,
        operation_name: Option<Value>,
        variables: Option<Value>,
        extensions: Option<&Value>,
    ) -> Result<Self, Refusal> {
        let Some(Value::String(query)) = query else {
            return Err(Refusal::bad_request("`query` is required, and must be a text."));
        };
        let operation_name = match operation_name {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(Refusal::bad_request("`operationName` must be a text.")),
        };
        let variables = match variables {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(variables)) => variables,
            Some(_) => return Err(Refusal::bad_request("`variables` must be an object.")),
        };
        // no extension is known, but the specification says what they must look like
        match extensions {
            None | Some(Value::Null | Value::Object(_)) => Ok(Self { query, operation_name, variables }),
            Some(_) => Err(Refusal::bad_request("`extensions` must be an object.")),
        }
    }
}

/// Executes a request, or says why not.
async fn answer<E: Executor>(
    transport: &Transport<E>,
    id: &RequestId,
    head: &Parts,
    params: Params,
    accepts: Accepts,
) -> Response {
    let headers = &head.headers;
    let Some(media) = accept::media(headers) else {
        let message = "Answers are application/json, application/graphql-response+json or text/event-stream.";
        return Refusal::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message).respond(id);
    };
    let limits = transport.app.config.limits;
    if accept::takes_events(headers) && is_subscription(&params.query, params.operation_name.as_deref(), limits) {
        return event_stream::open(transport, id, head, params).await;
    }
    let from = peer::address(&head.extensions, headers, &transport.app.config);
    let bearer = match Bearer::read(&transport.app, headers) {
        Ok(bearer) => bearer,
        Err(error) => {
            let error = charge_failure(&transport.app, from).await.err().unwrap_or(error);
            return Refusal::unauthenticated(error).respond_as(Some(media), id);
        }
    };
    let purse = Purse::of(bearer.principal(from), from);
    let visitor = Visitor::new(Arc::new(bearer));
    let begun = Begun::default();
    let mut operation = Operation::new(params.query)
        .variables(Variables::from_json(Value::Object(params.variables)))
        .data(visitor.clone())
        .data(purse)
        .data(Origin(from))
        .data(id.clone())
        .data(accepts)
        .data(begun.clone());
    operation.operation_name = params.operation_name;
    let response = transport.executor.execute(operation).await;
    match visitor.refusal() {
        Some(error) => {
            let mut answer = Refusal::unauthenticated(error).respond_as(Some(media), id);
            // counted with the operation that asked who it is
            answer.extensions_mut().remove::<Refused>();
            answer
        }
        None => respond(response, begun.get(), media),
    }
}

/// The answer as it is sent. Before the execution there is no `data` (GraphQL specification, section 7.1).
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a GraphValue>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, GraphValue>,
}

fn respond(response: async_graphql::Response, has_begun: bool, media: Media) -> Response {
    let data = has_begun.then_some(&response.data);
    let body = Body { errors: &response.errors, data, extensions: &response.extensions };
    let Ok(body) = serde_json::to_vec(&body) else {
        tracing::error!("an answer cannot be written as JSON");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let is_method = response.errors.iter().any(|error| has_code(error, "METHOD_NOT_ALLOWED"));
    let retry_after = response.errors.iter().find_map(retry_after).filter(|_| !has_begun);
    let status = match media {
        _ if is_method && !has_begun => StatusCode::METHOD_NOT_ALLOWED,
        // the protocol has errors of the document in the stream: browsers tell their page nothing of another status
        Media::EventStream => return event_stream::single(&body),
        // of JSON the draft wants 200 whatever an answer says: what reads it takes another status for a broken connection
        Media::GraphQl if !has_begun && retry_after.is_some() => StatusCode::TOO_MANY_REQUESTS,
        Media::GraphQl if !has_begun => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    // what an answer says depends on who asks
    let fixed = [(header::CONTENT_TYPE, media.of_refusal().content_type()), (header::CACHE_CONTROL, "no-store")];
    let mut answer = (status, fixed, body).into_response();
    answer.headers_mut().extend(response.http_headers);
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    answer
}

/// Whole seconds after which whoever asked too much may ask again.
fn retry_after(error: &ServerError) -> Option<u64> {
    let wait = error.extensions.as_ref().filter(|_| has_code(error, "RATE_LIMITED"))?.get("retryAfterMs")?;
    let GraphValue::Number(wait) = wait else { return None };
    Some(wait.as_u64()?.div_ceil(1_000))
}

fn has_code(error: &ServerError, code: &str) -> bool {
    let found = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    matches!(found, Some(GraphValue::String(found)) if found == code)
}
