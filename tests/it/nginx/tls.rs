//! TLS that ends at nginx, by `deploy/nginx/tls.conf.example`.

use std::sync::Arc;

use tokio_tungstenite::{Connector, connect_async_tls_with_config};

use super::*;
use crate::support::tls::Certificate;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_everything_comes_through_and_what_comes_without_is_sent_there() {
    let front = Front::start(1, NOBODY, |_| {}).await;
    let certificate = Arc::new(Certificate::new());
    let place = Place { instances: &front.addrs, trusted: "127.0.0.1", rate: FREELY, stripe_key: "" };
    let nginx = Nginx::start_with_tls(place, &certificate).await;
    let api = &front.api;
    let (shop, customer) = tokio::join!(seller_with_product(api, 10, "40.00"), api.customer());
    by_hand(api, &shop.seller).await;
    let id = place_order(&customer, &shop.product_id, 1).await;
    all_published(&api.app).await;

    let http = Http::over_tls(nginx.tls, certificate.client());
    for (path, status) in [("/", StatusCode::OK), ("/healthz", StatusCode::OK), ("/metrics", StatusCode::NOT_FOUND)] {
        let answer = http.get(path).await;
        let strict = answer.headers.get_all("strict-transport-security").iter().collect::<Vec<_>>();
        assert_eq!((answer.status, &strict[..]), (status, &[&HeaderValue::from_static("max-age=63072000")][..]), "{path}");
    }
    let token = customer.token.as_deref();
    let answer = http.graphql(token, "{ viewer { user { id } } }", &json!({})).await.unwrap();
    assert_eq!(answer.data()["viewer"]["user"]["id"], customer.user_id);
    for (known, spoken) in [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"], "http/1.1")] {
        assert_eq!(certificate.spoken(nginx.tls, known).await.as_deref(), Some(spoken));
    }

    let mut request = format!("wss://{}/graphql", nginx.tls).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
    let connector = Connector::Rustls(Arc::new(certificate.client()));
    let (stream, _) = connect_async_tls_with_config(request, None, false, Some(connector)).await.unwrap();
    let mut client = Client::new(&customer, nginx.tls);
    client.begin(Socket::of(stream)).await;
    assert_eq!(client.item().await["__typename"], "OrderSnapshot");
    step(&shop.seller, &id, "PREPARING").await;
    assert_eq!(client.item().await["order"]["status"], "PREPARING");

    let plain = Http::new(nginx.addr);
    for method in [Method::GET, Method::POST] {
        let headers = [("x-forwarded-for", "198.51.100.1")];
        let sent_on = plain.send(method, "/orders/ord_1?tab=chat", &headers, Body::empty()).await.unwrap();
        let to = "https://127.0.0.1/orders/ord_1?tab=chat";
        assert_eq!((sent_on.status, sent_on.header("location")), (StatusCode::PERMANENT_REDIRECT, to));
    }
    assert_eq!(plain.get("/healthz").await.status, StatusCode::OK, "who looks from within whether it is well has no TLS");
}
