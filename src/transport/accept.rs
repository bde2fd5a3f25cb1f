//! What a client wants to get, and what it says it sends (GraphQL over HTTP, sections 5 and 6).

use std::cmp::Reverse;

use axum::http::{HeaderMap, HeaderName, header};

/// A form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: the status says how the transport went, 200 whatever the document was.
    Json,
    /// `application/graphql-response+json`: the status says how the request went.
    GraphQl,
    /// `text/event-stream`: as many answers as there are, each when it comes.
    EventStream,
}

impl Media {
    /// For the header `Content-Type`.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
            Self::EventStream => "text/event-stream; charset=utf-8",
        }
    }

    /// The form of a refusal, for whoever asked for this one: a stream is refused before it begins.
    pub(super) const fn of_refusal(self) -> Self {
        match self {
            Self::EventStream => Self::Json,
            single => single,
        }
    }

    /// How exactly `range` names it. `None`: not at all.
    fn exactness(self, range: &str) -> Option<u8> {
        let (name, family) = match self {
            Self::Json => ("application/json", "application/*"),
            Self::GraphQl => ("application/graphql-response+json", "application/*"),
            Self::EventStream => ("text/event-stream", "text/*"),
        };
        match range.to_ascii_lowercase().as_str() {
            range if range == name => Some(2),
            range if range == family => Some(1),
            "*/*" => Some(0),
            _ => None,
        }
    }
}

/// The form that `headers` ask for: the one that the client likes best, of two that it likes alike the one that it names
/// more exactly, then the one that it names first. `None` when it takes none.
pub(super) fn media(headers: &HeaderMap) -> Option<Media> {
    if !headers.contains_key(header::ACCEPT) {
        return Some(Media::Json);
    }
    let liked = [Media::Json, Media::GraphQl, Media::EventStream]
        .into_iter()
        .filter_map(|media| Liking::of(media, headers).map(|liking| (liking, media)));
    // of those that are liked alike the first
    let best = liked.reduce(|best, each| if each.0 > best.0 { each } else { best });
    best.map(|(_, media)| media)
}

/// Whether the client takes an event stream, be there others that it likes better: no other form has room for a
/// subscription. Who takes just anything has not thought of an answer without an end.
pub(super) fn takes_events(headers: &HeaderMap) -> bool {
    Liking::of(Media::EventStream, headers).is_some_and(|liking| liking.exactness > 0)
}

/// How much a client likes a form; the most first.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Liking {
    quality: f32,
    exactness: u8,
    place: Reverse<usize>,
}

impl Liking {
    /// What `headers` say of `media`: of the ranges that it is in, the most exact one counts (RFC 9110, section 12.5.1).
    fn of(media: Media, headers: &HeaderMap) -> Option<Self> {
        let ranges = items(headers, &header::ACCEPT).enumerate().filter_map(|(place, (range, quality))| {
            let exactness = media.exactness(range)?;
            Some(Self { quality, exactness, place: Reverse(place) })
        });
        ranges
            .reduce(|best, each| if each.exactness > best.exactness { each } else { best })
            .filter(|best| best.quality > 0.0)
    }
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
        let weight = weight.and_then(|weight| weight.parse().ok()).filter(|weight| (0.0..=1.0).contains(weight));
        (name, weight.unwrap_or(1.0))
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
            ("application/json, application/graphql-response+json", Some(Media::Json)),
            ("application/json;q=0.9, application/graphql-response+json;q=0.91", Some(Media::GraphQl)),
            ("*/*, application/graphql-response+json", Some(Media::GraphQl)),
            ("application/*;q=0.2, application/graphql-response+json;q=0.1", Some(Media::Json)),
            ("application/json;q=0, */*", Some(Media::GraphQl)),
            ("*/*;q=0, application/json;q=0.001", Some(Media::Json)),
            ("application/xml, application/json;q=0.1", Some(Media::Json)),
            ("application/json;q=nonsense", Some(Media::Json)),
            ("application/json;q=nan, application/graphql-response+json;q=0.9", Some(Media::Json)),
            ("application/json;q=0", None),
            ("*/*;q=0", None),
            ("multipart/mixed, text/html", None),
            ("", None),
            ("text/event-stream", Some(Media::EventStream)),
            ("Text/Event-Stream; charset=utf-8", Some(Media::EventStream)),
            ("multipart/mixed, text/*", Some(Media::EventStream)),
            ("application/json, text/event-stream", Some(Media::Json)),
            ("text/event-stream, application/json", Some(Media::EventStream)),
            ("text/event-stream, */*;q=0.9", Some(Media::EventStream)),
            ("text/event-stream;q=0.5, application/json;q=0.6", Some(Media::Json)),
            ("application/json;q=0.5, text/event-stream;q=0.6", Some(Media::EventStream)),
            ("application/graphql-response+json, application/json, text/event-stream", Some(Media::GraphQl)),
            ("*/*, text/event-stream", Some(Media::EventStream)),
            ("*/*, text/event-stream;q=0.1", Some(Media::Json)),
            ("application/*;q=0, */*", Some(Media::EventStream)),
            ("text/event-stream;q=0", None),
        ] {
            assert_eq!(media(&with(header::ACCEPT, accept)), expected, "{accept:?}");
        }
    }

    #[test]
    fn whoever_names_event_streams_takes_them() {
        for (accept, expected) in [
            ("text/event-stream", true),
            ("application/json, text/event-stream;q=0.1", true),
            ("text/event-stream, multipart/mixed", true),
            ("text/*", true),
            ("text/event-stream;q=0, */*", false),
            ("text/*, text/event-stream;q=0", false),
            ("*/*", false),
            ("text/html, */*;q=0.8", false),
            ("application/json", false),
        ] {
            assert_eq!(takes_events(&with(header::ACCEPT, accept)), expected, "{accept:?}");
        }
        assert!(!takes_events(&HeaderMap::new()));
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
