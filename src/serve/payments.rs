//! What providers of payments call, and the page on which a person plays the customer of the sandbox.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::Named as _;
use domain::money::{Currency, Money};
use serde::Deserialize;

use crate::app::App;
use crate::config::ProviderName;
use crate::orders::service::paying::{self, Heard};
use crate::payments::provider;
use crate::payments::sandbox::{self, Choice};

/// The routes of payments.
pub(super) fn router(app: App) -> Router {
    let has_sandbox = app.config.payments.provider == Some(ProviderName::Sandbox);
    let router = Router::new().route("/webhooks/payments/{provider}", post(webhook));
    let router =
        if has_sandbox { router.route("/sandbox/payments/{client_secret}", get(page).post(choose)) } else { router };
    router.with_state(app)
}

/// A webhook of a provider: 200 once it is applied or is none of our business, 400 when it is not the provider's, 5xx when
/// it is to be sent again. Nothing is read of the body before its signature is checked.
async fn webhook(State(app): State<App>, Path(name): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(provider) = provider::find(&app, &name) else {
        return (StatusCode::NOT_FOUND, "There is no such payment provider.\n").into_response();
    };
    let signature = headers.get(provider.signature_header()).and_then(|value| value.to_str().ok());
    let event = match provider.parse_webhook(signature, &body, app.clock.now()) {
        Ok(Some(event)) => event,
        Ok(None) => return "ignored\n".into_response(),
        Err(error) => {
            tracing::warn!(provider = name, %error, "a webhook was refused");
            return (StatusCode::BAD_REQUEST, format!("Refused: {error}.\n")).into_response();
        }
    };
    match paying::apply_provider_event(&app, &name, &event).await {
        Ok(Heard::Applied) => "applied\n".into_response(),
        Ok(Heard::Before) => "known\n".into_response(),
        Ok(Heard::Unknown) => "ignored\n".into_response(),
        Err(error) => {
            tracing::error!(provider = name, event = event.id, ?error, "a webhook could not be applied");
            (StatusCode::INTERNAL_SERVER_ERROR, "Send it again later.\n").into_response()
        }
    }
}

/// What is sent to play the customer's part.
#[derive(Debug, Deserialize)]
struct Played {
    outcome: Choice,
}

/// Plays the customer's part, by a form or by JSON.
async fn choose(State(app): State<App>, Path(client_secret): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"));
    let played: Option<Played> =
        if is_json { serde_json::from_slice(&body).ok() } else { serde_urlencoded::from_bytes(&body).ok() };
    let Some(Played { outcome }) = played else {
        return say(StatusCode::BAD_REQUEST, "Say outcome: succeed, decline, late or never.");
    };
    match sandbox::choose(&app, &client_secret, outcome).await {
        Ok(Some(true)) => say(StatusCode::OK, "It will be so."),
        Ok(Some(false)) => say(StatusCode::CONFLICT, "It is too late for that: this payment has ended."),
        Ok(None) => say(StatusCode::NOT_FOUND, "There is no such payment."),
        Err(error) => failed(&error),
    }
}

/// The page.
async fn page(State(app): State<App>, Path(client_secret): Path<String>) -> Response {
    let intent = match sandbox::find(&app, &client_secret).await {
        Ok(Some(intent)) => intent,
        Ok(None) => return say(StatusCode::NOT_FOUND, "There is no such payment."),
        Err(error) => return failed(&error),
    };
    let amount = Currency::from_name(&intent.currency).map_or_else(
        |_| intent.amount_minor.to_string(),
        |currency| Money::new(intent.amount_minor, currency).to_decimal().to_string(),
    );
    let buttons =
        [("succeed", "Pay"), ("decline", "Have it declined"), ("late", "Pay, and have it take a while"), ("never", "Leave")];
    let buttons: String =
        buttons.map(|(outcome, label)| format!("<button name=\"outcome\" value=\"{outcome}\">{label}</button>\n")).concat();
    let text = format!(
        "<p>To pay: <strong>{amount} {}</strong>. Nobody is charged here. The payment is {}.</p>\n\
         <form method=\"post\">\n{buttons}</form>",
        intent.currency, intent.status
    );
    html(StatusCode::OK, &text)
}

fn say(status: StatusCode, text: &str) -> Response {
    html(status, &format!("<p>{text}</p>"))
}

fn failed(error: &crate::platform::Error) -> Response {
    tracing::error!(?error, "the sandbox failed");
    say(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.")
}

/// A page without anything from elsewhere, which nobody keeps and nobody frames. `text` is ours.
fn html(status: StatusCode, text: &str) -> Response {
    const STYLE: &str = "body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 3rem auto; padding: 0 1rem } \
                         button { display: block; width: 100%; margin: .5rem 0; padding: .75rem; font: inherit }";
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Payment sandbox</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>Payment sandbox</h1>\n{text}\n</body>\n</html>\n"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
        ),
    ];
    (status, headers, page).into_response()
}
