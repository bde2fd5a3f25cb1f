//! What a client wants to get, and what it says it sends (GraphQL over HTTP, sections 5 and 6).

use axum::http::{HeaderMap, HeaderName, header};

/// A form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: the status says how the transport went, 200 whatever the document was.
    Json,
    /// `application/graphql-response+json`: the status says how the request went.
    GraphQl,
}

impl Media {
    /// For the header `Content-Type`.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// The form that `headers` ask for: of those that the client likes best the first. `None` when it takes neither.
pub(super) fn media(headers: &HeaderMap) -> Option<Media> {
    if !headers.contains_key(header::ACCEPT) {
        return Some(Media::Json);
    }
    let mut best: Option<(Media, f32)> = None;
    for (name, quality) in items(headers, &header::ACCEPT) {
        let media = match name.to_ascii_lowercase().as_str() {
            "application/json" | "application/*" | "*/*" => Media::Json,
            "application/graphql-response+json" => Media::GraphQl,
            _ => continue,
        };
        if quality > best.map_or(0.0, |(_, best)| best) {
            best = Some((media, quality));
        }
    }
    best.map(|(media, _)| media)
}

/// Whether this is a browser that was given an address.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    items(headers, &header::ACCEPT).any(|(name, quality)| name.eq_ignore_ascii_case("text/html") && quality > 0.0)
}

/// Whether the body is said to be JSON. Nothing else is read as such: what a page of another origin may send unasked,
/// `text/plain` and forms, is not.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(sent) = headers.get(header::CONTENT_TYPE).and_then(|sent| sent.to_str().ok()) else { return false };
    let mut parts = sent.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts
        .filter_map(|part| part.split_once('='))
        .all(|(name, value)| !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8"));
    is_json && is_utf8
}

/// The items of a list header with their weights.
fn items<'headers>(headers: &'headers HeaderMap, name: &'headers HeaderName) -> impl Iterator<Item = (&'headers str, f32)> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        (name, weight.and_then(|weight| weight.parse().ok()).unwrap_or(1.0))
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_form_is_what_the_client_likes_best() {
        assert_eq!(media(&HeaderMap::new()), Some(Media::Json));
        for (accept, expected) in [
            ("*/*", Some(Media::Json)),
            ("application/json", Some(Media::Json)),
            ("Application/JSON; charset=utf-8", Some(Media::Json)),
            ("application/graphql-response+json", Some(Media::GraphQl)),
            ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", Some(Media::GraphQl)),
            ("application/graphql-response+json;q=0.5, application/json", Some(Media::Json)),
            ("application/graphql-response+json, */*;q=0.1", Some(Media::GraphQl)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(Media::Json)),
            ("application/json;q=0", None),
            ("text/event-stream", None),
            ("", None),
        ] {
            assert_eq!(media(&with(header::ACCEPT, accept)), expected, "{accept:?}");
        }
    }

    #[test]
    fn only_json_is_json() {
        for (sent, expected) in [
            ("application/json", true),
            ("Application/Json ; charset=UTF-8", true),
            ("application/json; charset=\"utf-8\"", true),
            ("application/json; charset=utf-16", false),
            ("application/jsonp", false),
            ("text/plain", false),
            ("multipart/form-data; boundary=x", false),
            ("", false),
        ] {
            assert_eq!(is_json(&with(header::CONTENT_TYPE, sent)), expected, "{sent:?}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
