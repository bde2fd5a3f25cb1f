//! GraphQL over HTTP, where its authors' audits (`tests/protocol`) do not look.

use super::*;

const GRAPHQL: &str = "application/graphql-response+json";

impl Server {
    /// A POST of `body` by a client that takes `accept`.
    async fn ask(&self, accept: &str, body: impl Into<Body>) -> Response<Body> {
        self.send(json_request().header(header::ACCEPT, accept).body(body.into()).unwrap()).await
    }

    /// A request whose address asks for `query`, written as it is.
    async fn ask_by(&self, method: Method, query: &str) -> Response<Body> {
        let request = Request::builder().method(method).uri(format!("/graphql?{query}")).header(header::ACCEPT, GRAPHQL);
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn data_is_absent_before_the_execution_and_null_when_nothing_came_of_it() {
    let server = Server::new("absent").await;
    for (request, status) in [
        (json!({ "query": "{" }), 400),
        (json!({ "query": "" }), 400),
        (json!({ "query": "fragment F on Query { number }" }), 400),
        (json!({ "query": "{ nothing }" }), 400),
        (json!({ "query": "query A { number }", "operationName": "B" }), 400),
        (json!({ "query": "{ number }", "operationName": "B" }), 400),
        (json!({ "query": "query A { number } query B { number }" }), 400),
        (json!({ "query": "query A { number } query B { number }", "operationName": null }), 400),
        (json!({ "query": "query($n: Int!) { number(of: $n) }" }), 400),
        (json!({ "query": "query($n: Int!) { number(of: $n) }", "variables": { "n": null } }), 400),
        (json!({ "query": "query($n: Int!) { number(of: $n) }", "variables": { "n": "1" } }), 400),
        (json!({ "query": "subscription { number }" }), 400),
        (json!({ "query": "{ fails }" }), 200),
        (json!({ "query": "{ number fails }" }), 200),
    ] {
        let response = server.ask(GRAPHQL, request.to_string()).await;
        assert_eq!(response.status().as_u16(), status, "{request}");
        let answer = body(response).await;
        let expected = (status == 200).then_some(&Value::Null);
        assert_eq!(answer.get("data"), expected, "{request}: {answer}");
        assert!(answer["errors"][0]["extensions"]["code"].is_string(), "{request}: {answer}");
        // the same for whoever takes the old form, but for the status
        let response = server.ask("application/json", request.to_string()).await;
        assert_eq!(response.status(), StatusCode::OK, "{request}");
        assert_eq!(body(response).await.get("data"), expected, "{request}");
    }
    let partial = server.ask(GRAPHQL, r#"{"query":"{ number mayFail }"}"#).await;
    assert_eq!(partial.status(), StatusCode::OK);
    assert_eq!(body(partial).await["data"], json!({ "number": 1, "mayFail": null }));
    server.end().await;
}

#[tokio::test]
async fn a_refusal_has_the_form_that_was_asked_for() {
    let server = Server::new("form").await;
    for accept in ["application/json", GRAPHQL] {
        let build = |request: axum::http::request::Builder| request.header(header::ACCEPT, accept);
        let token = build(json_request()).header(header::AUTHORIZATION, "Bearer x").body(r#"{"query":"{number}"}"#.into());
        for (request, expected) in [
            (build(json_request()).body("{".into()), StatusCode::BAD_REQUEST),
            (build(Request::post("/graphql")).body("{}".into()), StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (build(json_request()).body("x".repeat(3000).into()), StatusCode::PAYLOAD_TOO_LARGE),
            (build(Request::get("/graphql?variables=x")).body(Body::empty()), StatusCode::BAD_REQUEST),
            (build(Request::get("/graphql?query=mutation%7Bchange%7D")).body(Body::empty()), StatusCode::METHOD_NOT_ALLOWED),
            (token, StatusCode::UNAUTHORIZED),
        ] {
            let response = server.send(request.unwrap()).await;
            assert_eq!(response.status(), expected, "{accept}");
            assert_eq!(header_of(&response, header::CONTENT_TYPE), format!("{accept}; charset=utf-8"), "{expected}");
            assert_eq!(header_of(&response, header::CACHE_CONTROL), "no-store", "{expected}");
            let answer = body(response).await;
            assert!(answer.get("data").is_none() && answer["errors"][0]["message"].is_string(), "{answer}");
        }
    }
    server.end().await;
}

#[tokio::test]
async fn nothing_is_executed_for_a_client_that_takes_no_form_of_the_answer() {
    let server = Server::new("no-form").await;
    let mutation = r#"{"query":"mutation { change }"}"#;
    for accept in
        ["text/html", "text/event-stream;q=0", "multipart/mixed", "application/xml", "*/*;q=0", "application/json;q=0"]
    {
        let response = server.ask(accept, mutation).await;
        assert_eq!(response.status(), StatusCode::NOT_ACCEPTABLE, "{accept}");
        assert_eq!(code(response).await, "NOT_ACCEPTABLE", "{accept}");
    }
    assert_eq!(server.changes(), 0);
    for (accept, expected) in [
        ("*/*", "application/json; charset=utf-8"),
        ("text/html, application/*;q=0.1", "application/json; charset=utf-8"),
        (
            "application/json;q=0.1, application/graphql-response+json;q=0.2",
            "application/graphql-response+json; charset=utf-8",
        ),
        ("application/json;q=0, */*", "application/graphql-response+json; charset=utf-8"),
    ] {
        let response = server.ask(accept, mutation).await;
        assert_eq!(header_of(&response, header::CONTENT_TYPE), expected, "{accept}");
    }
    assert_eq!(server.changes(), 4);
    server.end().await;
}

#[tokio::test]
async fn an_address_changes_nothing() {
    let server = Server::new("address").await;
    for (query, expected) in [
        ("query=mutation%7Bchange%7D", 405),
        ("query=mutation%20M%7Bchange%7D&operationName=M", 405),
        ("query=query%20A%7Bnumber%7Dmutation%20M%7Bchange%7D&operationName=M", 405),
        ("query=query%20A%7Bnumber%7Dmutation%20M%7Bchange%7D&operationName=A", 200),
        ("query=query%20A%7Bnumber%7Dmutation%20M%7Bchange%7D", 400),
        ("query=query%20A%7Bnumber%7Dmutation%20M%7Bchange%7D&operationName=B", 400),
        ("query=subscription%7Bnumber%7D", 405),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let response = server.ask_by(method.clone(), query).await;
            assert_eq!(response.status().as_u16(), expected, "{method} {query}");
            let allowed = if expected == 405 { "POST" } else { "" };
            assert_eq!(header_of(&response, header::ALLOW), allowed, "{method} {query}");
        }
    }
    assert_eq!(server.changes(), 0);
    server.end().await;
}

#[tokio::test]
async fn the_parts_of_a_request_by_address_are_what_the_specification_says() {
    let server = Server::new("parts").await;
    for (query, expected) in [
        ("query=%7Bnumber%7D&operationName=", json!({ "number": 1 })),
        ("query=query%20null%7Bnumber%7D&operationName=null", json!({ "number": 1 })),
        ("query=query($n:Int)%7Bnumber(of:$n)%7D&variables=%7B%22n%22%3A3%7D&extensions=%7B%7D", json!({ "number": 3 })),
        ("query=%7B+number+%7D&variables=null&extensions=null", json!({ "number": 1 })),
        ("query=%7Bnumber%7D&unknown=1", json!({ "number": 1 })),
    ] {
        let response = server.ask_by(Method::GET, query).await;
        assert_eq!(body(response).await, json!({ "data": expected }), "{query}");
    }
    for query in ["variables=%5B%5D", "variables=1", "variables=%7B", "extensions=%5B%5D", "extensions=x"] {
        let response = server.ask_by(Method::GET, &format!("query=%7Bnumber%7D&{query}")).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(code(response).await, "BAD_REQUEST", "{query}");
    }
    server.end().await;
}

#[tokio::test]
async fn what_a_page_of_another_origin_may_send_unasked_is_not_executed() {
    let server = Server::new("unasked").await;
    let mutation = r#"{"query":"mutation { change }"}"#;
    let boundary =
        "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"mutation { change }\"}\r\n--x--";
    for (content_type, body) in [
        ("text/plain", mutation),
        ("text/plain; application/json", mutation),
        ("application/graphql", "mutation { change }"),
        ("application/x-www-form-urlencoded", "query=mutation%7Bchange%7D"),
        ("multipart/form-data; boundary=x", boundary),
        ("multipart/form-data; boundary=x; application/json", boundary),
        ("application/json, text/plain", mutation),
        ("application/json; charset=utf-16", mutation),
        ("", mutation),
    ] {
        let request = Request::post("/graphql?query=%7Bnumber%7D").header(header::CONTENT_TYPE, content_type);
        let response = server.send(request.body(body.into()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type:?}");
    }
    assert_eq!(server.changes(), 0);
    server.end().await;
}

#[tokio::test]
async fn a_body_is_utf_8_and_its_unknown_parts_are_passed_over() {
    let server = Server::new("utf-8").await;
    let query = r#"{"query":"{ number # 🛵 ₹ \ud83d\udef5\n }","id":"x","mode":null}"#;
    for content_type in ["application/json", "application/json;charset=utf-8", "Application/JSON; Charset=\"UTF-8\""] {
        let request = Request::post("/graphql").header(header::CONTENT_TYPE, content_type);
        let response = server.send(request.body(query.into()).unwrap()).await;
        assert_eq!(body(response).await, json!({ "data": { "number": 1 } }), "{content_type}");
    }
    let response = server.ask("*/*", &b"{\"query\":\"{ number # \xff\\n }\"}"[..]).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(code(response).await, "BAD_REQUEST");
    server.end().await;
}
