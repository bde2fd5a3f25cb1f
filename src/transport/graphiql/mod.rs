//! The `GraphiQL` page: the API's editor in the browser.
//!
//! Everything that the page loads comes from this server, so it works without a network and under a strict
//! Content-Security-Policy. The files in `dist` are built from `web`, whose README says how; they are embedded here, so
//! building the server takes no more than Rust.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// What the page may do. Only this origin, with these exceptions:
/// - the editor sizes and colours what it draws with inline styles, and its style sheet has icons as `data:` images;
/// - `connect-src 'self'` covers the WebSocket too: it matches `ws` and `wss` of the same host and port.
///
/// `frame-ancestors` keeps the page, which may hold a token, out of another site's frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; \
     connect-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    /// The file as it is sent. It is stored compressed because it is five megabytes otherwise, in the repository and in
    /// the binary, and because compressing the same bytes again for every visitor would be work for nothing.
    gzip: &'static [u8],
}

static PAGE: Asset =
    Asset { name: "index.html", content_type: "text/html; charset=utf-8", gzip: include_bytes!("dist/index.html.gz") };

static ASSETS: [Asset; 10] = [
    Asset { name: "codicon.ttf", content_type: "font/ttf", gzip: include_bytes!("dist/codicon.ttf.gz") },
    Asset { name: "fira-code-400.woff2", content_type: "font/woff2", gzip: include_bytes!("dist/fira-code-400.woff2.gz") },
    Asset { name: "graphiql.css", content_type: "text/css; charset=utf-8", gzip: include_bytes!("dist/graphiql.css.gz") },
    Asset {
        name: "graphiql.js",
        content_type: "text/javascript; charset=utf-8",
        gzip: include_bytes!("dist/graphiql.js.gz"),
    },
    Asset { name: "licenses.txt", content_type: "text/plain; charset=utf-8", gzip: include_bytes!("dist/licenses.txt.gz") },
    Asset {
        name: "prettier.js",
        content_type: "text/javascript; charset=utf-8",
        gzip: include_bytes!("dist/prettier.js.gz"),
    },
    Asset {
        name: "questions.js",
        content_type: "text/javascript; charset=utf-8",
        gzip: include_bytes!("dist/questions.js.gz"),
    },
    Asset { name: "roboto-400.woff2", content_type: "font/woff2", gzip: include_bytes!("dist/roboto-400.woff2.gz") },
    Asset { name: "roboto-500.woff2", content_type: "font/woff2", gzip: include_bytes!("dist/roboto-500.woff2.gz") },
    Asset { name: "worker.js", content_type: "text/javascript; charset=utf-8", gzip: include_bytes!("dist/worker.js.gz") },
];

/// The page at `/graphiql`, and what it loads from `/graphiql/{file}`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/graphiql", get(page)).route("/graphiql/", get(page)).route("/graphiql/{file}", get(file))
}

/// The page itself, for `/graphql` to show it to a browser; `headers` are the request's.
///
/// It names what it loads by absolute paths, so it is the same wherever it is shown. 304 if the browser has it already,
/// 406 if the client refuses gzip.
pub async fn page(headers: HeaderMap) -> Response {
    // Where it shares an address with the API, `Accept` decides which of the two is the answer.
    respond(&PAGE, &headers, "accept, accept-encoding")
}

/// A file that the page loads.
async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => respond(asset, &headers, "accept-encoding"),
        None => (StatusCode::NOT_FOUND, "GraphiQL has no such file.\n").into_response(),
    }
}

fn respond(asset: &Asset, request: &HeaderMap, vary: &'static str) -> Response {
    if !accepts_gzip(request) {
        return (
            StatusCode::NOT_ACCEPTABLE,
            [(header::VARY, vary)],
            "GraphiQL is served gzip-compressed only: send \"Accept-Encoding: gzip\" (curl: --compressed).\n",
        )
            .into_response();
    }

    let etag = entity_tag(asset);
    // The names of the files are the same in every version of the server, so a browser has to ask each time whether
    // what it has is still right; else a page of one version could load the script of another.
    let caching = [(header::CACHE_CONTROL, "no-cache"), (header::VARY, vary)];
    if is_known(&etag, request) {
        return (StatusCode::NOT_MODIFIED, caching, [(header::ETAG, etag)]).into_response();
    }
    (
        caching,
        [
            (header::CONTENT_TYPE, asset.content_type),
            (header::CONTENT_ENCODING, "gzip"),
            // On the files as well: a worker has the policy of its own script's response, not of the page.
            (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ],
        [(header::ETAG, etag)],
        asset.gzip,
    )
        .into_response()
}

/// Identifies the content by what gzip ends with (RFC 1952, section 2.3.1): the checksum and the length of what is
/// compressed.
fn entity_tag(asset: &Asset) -> String {
    let trailer = asset.gzip.last_chunk().map_or(0, |trailer| u64::from_be_bytes(*trailer));
    format!("\"{trailer:016x}\"")
}

/// Whether the client has this version already (RFC 9110, section 13.1.2).
fn is_known(etag: &str, request: &HeaderMap) -> bool {
    items(request, &header::IF_NONE_MATCH).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

/// Whether the client takes gzip (RFC 9110, section 12.5.3): one that says nothing takes everything.
fn accepts_gzip(request: &HeaderMap) -> bool {
    if !request.contains_key(header::ACCEPT_ENCODING) {
        return true;
    }
    let quality_of = |coding: &str| {
        items(request, &header::ACCEPT_ENCODING).find_map(|item| {
            let (name, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
            name.trim_end().eq_ignore_ascii_case(coding).then(|| {
                let weight = parameter.trim().strip_prefix(['q', 'Q']).and_then(|rest| rest.strip_prefix('='));
                // A weight that is none is an oddity of the client, not a refusal.
                weight.and_then(|weight| weight.parse::<f32>().ok()).unwrap_or(1.0)
            })
        })
    };
    let quality = quality_of("gzip").or_else(|| quality_of("x-gzip")).or_else(|| quality_of("*"));
    quality.is_some_and(|quality| quality > 0.0)
}

/// The items of a header that is a comma-separated list, in one line or in several.
fn items<'request>(request: &'request HeaderMap, name: &'request header::HeaderName) -> impl Iterator<Item = &'request str> {
    let lines = request.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::HeaderValue;

    use super::*;

    fn request(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    fn text<'response>(response: &'response Response, name: &header::HeaderName) -> Option<&'response str> {
        response.headers().get(name).and_then(|value| value.to_str().ok())
    }

    #[test]
    fn every_built_file_is_served() -> std::io::Result<()> {
        let dist = concat!(env!("CARGO_MANIFEST_DIR"), "/src/transport/graphiql/dist");
        let mut built = BTreeSet::new();
        for entry in std::fs::read_dir(dist)? {
            built.insert(entry?.file_name().to_string_lossy().into_owned());
        }
        let served: BTreeSet<_> = ASSETS.iter().chain([&PAGE]).map(|asset| format!("{}.gz", asset.name)).collect();
        assert_eq!(served, built);
        Ok(())
    }

    #[test]
    fn files_are_gzip_and_their_entity_tags_differ() {
        let assets = || ASSETS.iter().chain([&PAGE]);
        for asset in assets() {
            assert_eq!(asset.gzip.get(..3), Some(&[0x1f, 0x8b, 8][..]), "{}", asset.name);
        }
        let tags: BTreeSet<_> = assets().map(entity_tag).collect();
        assert_eq!(tags.len(), ASSETS.len() + 1);
    }

    #[test]
    fn the_page_comes_with_its_headers() {
        let response = respond(&PAGE, &request(header::ACCEPT_ENCODING, "gzip, deflate, br"), "accept, accept-encoding");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(text(&response, &header::CONTENT_TYPE), Some("text/html; charset=utf-8"));
        assert_eq!(text(&response, &header::CONTENT_ENCODING), Some("gzip"));
        assert_eq!(text(&response, &header::CACHE_CONTROL), Some("no-cache"));
        assert_eq!(text(&response, &header::VARY), Some("accept, accept-encoding"));
        assert_eq!(text(&response, &header::X_CONTENT_TYPE_OPTIONS), Some("nosniff"));
        assert_eq!(text(&response, &header::CONTENT_SECURITY_POLICY), Some(CONTENT_SECURITY_POLICY));
        assert_eq!(text(&response, &header::ETAG), Some(entity_tag(&PAGE).as_str()));
    }

    #[test]
    fn a_known_version_is_not_sent_again() {
        let etag = entity_tag(&PAGE);
        for known in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
            let mut headers = HeaderMap::new();
            headers.extend(HeaderValue::try_from(known).map(|known| (header::IF_NONE_MATCH, known)));
            let response = respond(&PAGE, &headers, "accept-encoding");
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(text(&response, &header::ETAG), Some(etag.as_str()));
            assert_eq!(text(&response, &header::CACHE_CONTROL), Some("no-cache"));
        }
        let response = respond(&PAGE, &request(header::IF_NONE_MATCH, "\"other\""), "accept-encoding");
        assert_eq!(response.status(), StatusCode::OK);
    }

    #[test]
    fn a_client_that_refuses_gzip_is_told_so() {
        for refusing in ["identity", "", "br", "gzip;q=0", "gzip; q=0.000, *", "*;q=0"] {
            let response = respond(&PAGE, &request(header::ACCEPT_ENCODING, refusing), "accept-encoding");
            assert_eq!(response.status(), StatusCode::NOT_ACCEPTABLE, "{refusing:?}");
            assert_eq!(text(&response, &header::CONTENT_ENCODING), None);
        }
        for accepting in ["gzip", "br;q=1.0, GZIP;q=0.5", "x-gzip", "*", "*;q=0, gzip", "gzip;level=9"] {
            assert!(accepts_gzip(&request(header::ACCEPT_ENCODING, accepting)), "{accepting:?}");
        }
        assert!(accepts_gzip(&HeaderMap::new()));
    }
}
