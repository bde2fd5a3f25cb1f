//! What one request may ask, and how it is told when it asks too much.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::http::{Answer, HttpAnswer};
use crate::support::socket::{Frame, Socket};
use crate::support::{Shape, TestApp, over_both_shapes};

over_both_shapes! {
    a_document_that_asks_too_much_is_refused_by_its_code,
    fragments_that_double_are_refused_at_once_over_every_transport,
    a_document_at_its_limit_is_answered,
    a_refusal_over_a_websocket_leaves_the_socket_open,
    a_message_that_is_too_large_ends_its_socket_with_a_reason,
    a_body_that_is_too_large_is_refused_and_the_connection_lives_on,
    every_error_names_its_code_and_its_request,
    what_changes_something_is_not_sent_by_get,
    graphiql_can_read_the_schema,
}

/// GraphiQL's introspection query (`getIntrospectionQuery` of graphql-js with its default options).
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description
    queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
    fragment FullType on __Type { kind name description specifiedByURL
        fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue }
            type { ...TypeRef } isDeprecated deprecationReason }
        inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
        enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
        possibleTypes { ...TypeRef } }
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
        ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

/// `count` root fields under names of their own.
fn aliases(count: usize) -> String {
    let fields: Vec<String> = (0..count).map(|number| format!("a{number}: version")).collect();
    format!("{{ {} }}", fields.join(" "))
}

/// A document of `count` tokens.
fn tokens(count: usize) -> String {
    format!("{{ {} }}", "version ".repeat(count - 2))
}

/// A document that is `levels` fields deep: a claim is on an order, which has a claim.
fn depth(levels: usize) -> String {
    let mut document = "id".to_owned();
    for level in (3..levels - 1).rev() {
        document = format!("{} {{ {document} }}", if level % 2 == 1 { "claim" } else { "order" });
    }
    format!("{{ viewer {{ orders {{ nodes {{ {document} }} }} }} }}")
}

/// Documents and the codes of their refusals.
fn refused() -> Vec<(&'static str, String)> {
    let page = |first: u32| format!("{{ products(first: {first}) {{ nodes {{ category {{ id name slug }} }} }} }}");
    // a hundred products with twenty lines of their ledgers: list sizes are multiplied
    let ledger = "stock { movements(first: 100) { nodes { id delta } } }";
    vec![
        ("QUERY_TOO_DEEP", depth(15)),
        ("QUERY_TOO_DEEP", "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }".to_owned()),
        ("QUERY_TOO_DEEP", format!("{{ {}version{} }}", "... { ".repeat(70), " }".repeat(70))),
        ("QUERY_TOO_COMPLEX", format!("{{ products(first: 100) {{ nodes {{ {ledger} }} }} }}")),
        ("QUERY_TOO_COMPLEX", page(100).replace("id name slug", &"productCount { value } ".repeat(100))),
        ("TOO_MANY_ALIASES", aliases(51)),
        ("TOO_MANY_ALIASES", tokens(60)),
        ("TOO_MANY_TOKENS", tokens(4001)),
        ("PARSE_FAILED", "{ version".to_owned()),
        ("VALIDATION_FAILED", "{ password }".to_owned()),
        ("VALIDATION_FAILED", "query A { version } query B { version }".to_owned()),
        ("VALIDATION_FAILED", "{ ...A } fragment A on Query { ...A }".to_owned()),
    ]
}

async fn a_document_that_asks_too_much_is_refused_by_its_code(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    for (code, document) in refused() {
        let start = document.chars().take(90).collect::<String>();
        let answer = admin.query(&document, Value::Null).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::OK, code), "{start}: {}", answer.body);
        assert_eq!(answer.body.get("data"), None, "nothing of it was executed: {start}");
        admin.query("{ version }", Value::Null).await.data();
    }
}

async fn fragments_that_double_are_refused_at_once_over_every_transport(shape: Shape) {
    let app = TestApp::start(shape).await;
    let mut socket = app.anonymous().socket().await;
    let mut fragments = String::new();
    for n in 0..60 {
        fragments.extend([format!(" fragment F{n} on T {{ ...F{next} ...F{next} }}", next = n + 1)]);
    }
    // a million million million ways: whoever went them would not come back
    for (end, code) in [
        ("", "QUERY_TOO_COMPLEX"),
        (" fragment F60 on T { ...Missing }", "QUERY_TOO_COMPLEX"),
        (" fragment F60 on T { version }", "QUERY_TOO_COMPLEX"),
        (" fragment F60 on T { ...F0 }", "VALIDATION_FAILED"),
    ] {
        let document =
            |kind: &str, root: &str| format!("{kind} {{ ...F0 }}{fragments}{end}").replace("on T", &format!("on {root}"));
        let query = document("query", "Query");
        assert_complete(&post(&app, json!({ "query": query }).to_string()).await, code);
        let address = query.replace(' ', "%20").replace('{', "%7B").replace('}', "%7D");
        assert_complete(&app.http.get(&format!("/graphql?query={address}")).await, code);
        for document in [query, document("subscription", "Subscription")] {
            assert_eq!(codes(&mut socket, "1", &document).await, [code], "{end}");
        }
    }
}

async fn a_document_at_its_limit_is_answered(shape: Shape) {
    let app = TestApp::start(shape).await;
    let admin = app.admin().await;
    for document in [depth(14), aliases(50), "{ products(first: 100) { nodes { id seller { storeName } } } }".to_owned()] {
        admin.query(&document, Value::Null).await.data();
    }
}

/// Asks for `document` and waits for the end of its answer: the codes of its errors.
async fn codes(socket: &mut Socket, id: &str, document: &str) -> Vec<String> {
    socket.subscribe(id, document, &Value::Null).await;
    let mut codes = Vec::new();
    loop {
        let Frame::Message(message) = socket.next().await else { panic!("the socket was closed at {document}") };
        assert_eq!(message["id"], id, "{message}");
        let payload = &message["payload"];
        let errors = payload.as_array().or_else(|| payload["errors"].as_array()).into_iter().flatten();
        codes.extend(errors.map(|error| error["extensions"]["code"].as_str().unwrap().to_owned()));
        if message["type"] != "next" {
            return codes;
        }
    }
}

async fn a_refusal_over_a_websocket_leaves_the_socket_open(shape: Shape) {
    let app = TestApp::start(shape).await;
    let mut socket = app.admin().await.socket().await;
    for (code, document) in refused() {
        assert_eq!(codes(&mut socket, "bad", &document).await, [code]);
        assert_eq!(codes(&mut socket, "good", "{ version }").await, [""; 0]);
    }
}

async fn a_message_that_is_too_large_ends_its_socket_with_a_reason(shape: Shape) {
    let app = TestApp::start(shape).await;
    let limit = app.app.config.limits.message_bytes;
    for size in [limit + 1, 4 * limit] {
        let mut socket = app.anonymous().socket().await;
        socket.subscribe("1", &format!("{{ version }} #{}", "x".repeat(size)), &Value::Null).await;
        match socket.next().await {
            Frame::Closed(code, reason) => assert_eq!((code, reason.as_str()), (1009, "Message too large")),
            other @ Frame::Message(_) => panic!("the end was expected, not {other:?}"),
        }
    }
    let mut socket = app.anonymous().socket().await;
    let document = format!("{{ version }} #{}", "x".repeat(limit - 200));
    assert_eq!(codes(&mut socket, "1", &document).await, [""; 0]);
}

async fn post(app: &TestApp, body: impl Into<Body>) -> HttpAnswer {
    app.http.send(Method::POST, "/graphql", &[("content-type", "application/json")], body).await.unwrap()
}

async fn a_body_that_is_too_large_is_refused_and_the_connection_lives_on(shape: Shape) {
    let app = TestApp::start(shape).await;
    let limit = app.app.config.limits.body_bytes;
    let body = |size: usize| json!({ "query": format!("{{ version }} #{}", "x".repeat(size)) }).to_string();
    let answer = post(&app, body(limit)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_complete(&answer, "BODY_TOO_LARGE");
    let answer = post(&app, body(limit - 100)).await;
    assert_eq!((answer.status, &answer.json()["data"]["version"]), (StatusCode::OK, &json!(env!("CARGO_PKG_VERSION"))));
}

/// The answer's errors, all of which must be complete and the first of which must have `code`.
fn assert_complete(answer: &HttpAnswer, code: &str) {
    let body = answer.json();
    let errors = body["errors"].as_array().unwrap_or_else(|| panic!("no errors in {body}"));
    assert_eq!(errors[0]["extensions"]["code"], code, "{body}");
    for error in errors {
        let extensions = &error["extensions"];
        assert!(error["message"].is_string() && extensions["code"].is_string() && extensions["retryable"].is_boolean());
        assert_eq!(extensions["requestId"], answer.header("x-request-id"), "{body}");
    }
    assert!(!answer.header("x-request-id").is_empty());
}

async fn every_error_names_its_code_and_its_request(shape: Shape) {
    let app = TestApp::start(shape).await;
    let customer = app.customer().await;
    let bearer = format!("Bearer {}", customer.token.as_deref().unwrap());
    let ask = async |document: &str, variables: Value, bearer: &str| {
        let headers = [("content-type", "application/json"), ("authorization", bearer)];
        let body = json!({ "query": document, "variables": variables }).to_string();
        app.http.send(Method::POST, "/graphql", &headers, body).await.unwrap()
    };
    let one = "query($id: ID!) { order(id: $id) { id } }";
    for (code, document, variables, bearer) in [
        ("FORBIDDEN", "{ admin { liveStats { at } } }", Value::Null, &*bearer),
        ("UNAUTHENTICATED", "{ partner { claims { nodes { id } } } }", Value::Null, ""),
        ("INVALID_TOKEN", "{ version }", Value::Null, "Bearer nonsense"),
        ("INVALID_ID", one, json!({ "id": "nonsense" }), &bearer),
        ("BAD_PAGE", "{ products(first: 101) { nodes { id } } }", Value::Null, ""),
        ("BAD_CURSOR", "{ products(after: \"x\") { nodes { id } } }", Value::Null, ""),
        ("BAD_ARGUMENT", "{ product { id } }", Value::Null, ""),
        ("SUBSCRIPTION_NEEDS_WEBSOCKET", "subscription { myOrderUpdates { __typename } }", Value::Null, &bearer),
        ("PARSE_FAILED", "{", Value::Null, ""),
        ("BAD_ARGUMENT", one, json!({}), &bearer),
        ("VALIDATION_FAILED", one, json!({ "id": [] }), &bearer),
        // several errors of one answer, each of which is complete
        ("BAD_ARGUMENT", "{ a: product { id } b: products(first: 0) { nodes { id } } }", Value::Null, ""),
    ] {
        assert_complete(&ask(document, variables, bearer).await, code);
    }
    for refused in ["", "[]", "{}", "{\"query\": 7}", "{\"query\": \"{ version }\", \"variables\": []}"] {
        assert_complete(&post(&app, refused.to_owned()).await, "BAD_REQUEST");
    }
    assert_complete(&app.http.get("/nothing/here").await, "NOT_FOUND");
    let given = [("x-request-id", "given-by-the-client"), ("content-type", "application/json")];
    let answer = app.http.send(Method::POST, "/graphql", &given, "{}").await.unwrap();
    assert_eq!(answer.json()["errors"][0]["extensions"]["requestId"], "given-by-the-client");
}

async fn what_changes_something_is_not_sent_by_get(shape: Shape) {
    let app = TestApp::start(shape).await;
    let answer = app.http.get("/graphql?query=mutation%7Blogout%7BsessionsEnded%7D%7D").await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    assert_complete(&answer, "METHOD_NOT_ALLOWED");
    let answer = app.http.get("/graphql?query=%7Bversion%7D").await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = app.http.send(Method::PUT, "/graphql", &[], "").await.unwrap();
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_complete(&answer, "METHOD_NOT_ALLOWED");
}

async fn graphiql_can_read_the_schema(shape: Shape) {
    let app = TestApp::start(shape).await;
    let answer: Answer = app.anonymous().query(INTROSPECTION, Value::Null).await;
    let types = answer.data()["__schema"]["types"].as_array().unwrap();
    assert!(types.len() > 50);
    let mut socket = app.anonymous().socket().await;
    assert_eq!(codes(&mut socket, "1", INTROSPECTION).await, [""; 0]);
}
