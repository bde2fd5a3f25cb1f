use std::sync::Arc;

use async_graphql::{EmptyMutation, Object, Schema, Subscription, Value, Variables, value};
use futures_util::{Stream, StreamExt, stream};

use super::*;
use crate::config::Config;
use crate::graphql::context::RequestId;

struct Query;

#[Object]
impl Query {
    async fn number(&self, of: Option<i32>) -> i32 {
        of.unwrap_or(1)
    }

    async fn again(&self) -> Query {
        Query
    }

    #[graphql(complexity = "usize::try_from(size).unwrap_or(0) * child_complexity")]
    async fn list(&self, size: i32) -> Vec<Query> {
        (0..size.min(2)).map(|_| Query).collect()
    }

    async fn panics(&self) -> i32 {
        Vec::new().pop().expect("on purpose")
    }

    async fn leaks(&self) -> async_graphql::Result<i32> {
        std::future::ready(Err("SELECT secret FROM users".into())).await
    }
}

struct Event(i32);

#[Object]
impl Event {
    async fn number(&self) -> i32 {
        assert_ne!(self.0, 1, "on purpose");
        self.0
    }
}

struct Subscriptions;

#[Subscription]
impl Subscriptions {
    async fn events(&self) -> impl Stream<Item = Event> {
        stream::iter([0, 1, 2]).map(Event)
    }

    async fn breaks(&self) -> impl Stream<Item = i32> {
        stream::iter([0, 1]).map(|n| {
            assert_eq!(n, 0, "on purpose");
            n
        })
    }
}

fn schema() -> Schema<Query, EmptyMutation, Subscriptions> {
    let limits = Limits { tokens: 1000, ..Config::defaults().unwrap().limits };
    limited(Schema::build(Query, EmptyMutation, Subscriptions), limits).finish()
}

fn codes(response: &async_graphql::Response) -> Vec<String> {
    let code = |error: &ServerError| match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(Value::String(code)) => code.clone(),
        other => format!("{other:?}"),
    };
    response.errors.iter().map(code).collect()
}

async fn code(query: &str) -> String {
    codes(&schema().execute(query).await).join(" ")
}

#[tokio::test]
async fn every_refusal_has_its_code() {
    let aliased = |count: usize| (0..count).map(|n| format!("a{n}: number")).collect::<Vec<_>>().join(" ");
    let deep = |levels: usize| format!("{}number{}", "{again".repeat(levels) + "{", "}".repeat(levels + 1));
    for (query, expected) in [
        ("{ number }".to_owned(), ""),
        ("{ number".to_owned(), "PARSE_FAILED"),
        (String::new(), "PARSE_FAILED"),
        ("{ nmber }".to_owned(), "VALIDATION_FAILED"),
        ("query A { number } query B { number }".to_owned(), "VALIDATION_FAILED"),
        ("fragment F on Query { number }".to_owned(), "PARSE_FAILED"),
        ("{ ...F } fragment F on Query { ...F ...F }".to_owned(), "VALIDATION_FAILED"),
        (deep(13), ""),
        (deep(14), "QUERY_TOO_DEEP"),
        (deep(80), "QUERY_TOO_DEEP"),
        (format!("{{ number(of: {}1{}) }}", "[".repeat(400), "]".repeat(400)), "QUERY_TOO_DEEP"),
        ("{ list(size: 100) { list(size: 100) { number } } }".to_owned(), ""),
        ("{ list(size: 100) { list(size: 100) { again { list(size: 3) { number } } } } }".to_owned(), "QUERY_TOO_COMPLEX"),
        (format!("{{ {} }}", "number ".repeat(999)), "TOO_MANY_TOKENS"),
        (format!("{{ {} }}", "number ".repeat(51)), ""),
        (format!("{{ {} }}", "number ".repeat(52)), "TOO_MANY_ALIASES"),
        (format!("{{ {} }}", aliased(50)), ""),
        (format!("{{ {} }}", aliased(51)), "TOO_MANY_ALIASES"),
        ("{ number(of: \"x\") }".to_owned(), "VALIDATION_FAILED"),
        (format!("{{ number {} }}", "@include(if: true) ".repeat(9)), "VALIDATION_FAILED"),
        ("{ panics }".to_owned(), "INTERNAL"),
        ("{ leaks }".to_owned(), "INTERNAL"),
        ("subscription { events { number } }".to_owned(), "INTERNAL"),
    ] {
        assert_eq!(code(&query).await, expected, "{query:.100}");
    }
}

#[tokio::test]
async fn fragments_that_double_are_refused_at_once() {
    let mut query = "{ ...F0 }".to_owned();
    for n in 0..30 {
        query.extend([format!(" fragment F{n} on Query {{ ...F{next} ...F{next} }}", next = n + 1)]);
    }
    query += " fragment F30 on Query { number }";
    assert_eq!(code(&query).await, "QUERY_TOO_COMPLEX");
    // the same in an operation that is not the one to execute
    let mut request = Request::new(format!("query A {{ number }} query B {query}")).operation_name("A");
    request.data.insert(RequestId("r-1".to_owned()));
    let response = schema().execute(request).await;
    assert_eq!(codes(&response), ["QUERY_TOO_COMPLEX"]);
    assert_eq!(response.errors[0].extensions.as_ref().unwrap().get("requestId"), Some(&value!("r-1")));
}

#[tokio::test]
async fn fragments_that_double_and_lead_nowhere_are_refused_at_once() {
    let mut doubling = "...F0 }".to_owned();
    for n in 0..60 {
        doubling.extend([format!(" fragment F{n} on T {{ ...F{next} ...F{next} }}", next = n + 1)]);
    }
    for (kind, root) in [("query", "Query"), ("subscription", "Subscriptions")] {
        for end in ["", " fragment F60 on T { ...Missing }", " fragment F60 on T { ...F0 }"] {
            let query = format!("{kind} {{ {doubling}{end}").replace("on T", &format!("on {root}"));
            let mut answers = schema().execute_stream(query);
            let expected = if end.contains("F0") { "VALIDATION_FAILED" } else { "QUERY_TOO_COMPLEX" };
            assert_eq!(codes(&answers.next().await.unwrap()), [expected], "{kind}{end}");
        }
    }
    // few ways are followed, and told that they lead nowhere
    let query = "{ ...F ...F } fragment F on Query { ...Missing ...Missing }";
    assert_eq!(codes(&schema().execute(query).await).first().map(String::as_str), Some("VALIDATION_FAILED"));
}

#[tokio::test]
async fn the_operations_of_a_document_are_bounded_together() {
    let mut fragments = " fragment F12 on Query { number }".to_owned();
    for n in 0..12 {
        fragments.extend([format!(" fragment F{n} on Query {{ ...F{next} ...F{next} }}", next = n + 1)]);
    }
    let one = "query A { again { ...F0 } }";
    for (operations, expected) in [(one.to_owned(), &[][..]), (format!("{one} query B {{ ...F0 }}"), &["QUERY_TOO_COMPLEX"])]
    {
        let request = Request::new(operations + &fragments).operation_name("A");
        assert_eq!(codes(&schema().execute(request).await), expected);
    }
}

#[tokio::test]
async fn nothing_of_the_inside_is_told() {
    let response = schema().execute("{ leaks again { panics } }").await;
    let text = serde_json::to_string(&response.errors).unwrap();
    assert!(!text.contains("secret") && !text.contains("purpose"), "{text}");
    let response = schema().execute("{ numbr }").await;
    assert!(!response.errors[0].message.contains("number"), "no suggestions: {}", response.errors[0].message);
}

#[tokio::test]
async fn variables_of_the_wrong_type_are_the_clients_mistake() {
    let request = Request::new("query($n: Int) { number(of: $n) }")
        .variables(Variables::from_json(serde_json::json!({ "n": "many" })));
    assert!(["BAD_ARGUMENT", "VALIDATION_FAILED"].contains(&codes(&schema().execute(request).await).join(" ").as_str()));
}

#[tokio::test]
async fn operations_that_the_transport_is_not_for_are_refused() {
    for (accepts, query, expected) in [
        (Accepts::Queries, "{ number }", ""),
        (Accepts::Queries, "subscription { events { number } }", "METHOD_NOT_ALLOWED"),
        (Accepts::QueriesAndMutations, "subscription { events { number } }", "SUBSCRIPTION_NEEDS_WEBSOCKET"),
        (Accepts::Queries, "mutation { anything }", "METHOD_NOT_ALLOWED"),
    ] {
        let response = schema().execute(Request::new(query).data(accepts)).await;
        assert_eq!(codes(&response).join(" "), expected, "{query}");
    }
}

#[tokio::test]
async fn a_panic_in_one_event_does_not_end_the_subscription() {
    let mut data = async_graphql::Data::default();
    data.insert(RequestId("socket-1".to_owned()));
    let events = schema().execute_stream_with_session_data("subscription { events { number } }", Arc::new(data));
    let responses: Vec<_> = events.collect().await;
    assert_eq!(responses.len(), 3);
    assert_eq!(responses[0].data, value!({ "events": { "number": 0 } }));
    assert_eq!(codes(&responses[1]), ["INTERNAL"]);
    assert_eq!(responses[1].errors[0].extensions.as_ref().unwrap().get("requestId"), Some(&value!("socket-1")));
    assert_eq!(responses[2].data, value!({ "events": { "number": 2 } }));
}

#[tokio::test]
async fn a_panic_in_the_source_ends_its_subscription_with_an_error() {
    let responses: Vec<_> = schema().execute_stream("subscription { breaks }").collect().await;
    assert_eq!(responses.iter().map(|response| codes(response).join(" ")).collect::<Vec<_>>(), ["", "INTERNAL"]);
}

/// What `GraphiQL` 5 sends, with every option on (graphql-js 16, `getIntrospectionQuery`).
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind } \
    subscriptionType { name kind } types { ...FullType } directives { name description isRepeatable locations \
    args(includeDeprecated: true) { ...InputValue } } } } \
    fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name description \
    args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } \
    inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) \
    { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } } \
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason } \
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType \
    { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[tokio::test]
async fn graphiql_can_read_the_schema() {
    let response = schema().execute(INTROSPECTION).await;
    assert!(response.is_ok(), "{:?}", response.errors);
}

#[tokio::test]
async fn introspection_cannot_multiply_itself() {
    let types = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert_eq!(code(types).await, "QUERY_TOO_DEEP");
}
