//! One picture for each category, drawn for this project.

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

macro_rules! pictures {
    ($($slug:literal),+ $(,)?) => {
        [$(($slug, include_str!(concat!("images/", $slug, ".svg")))),+]
    };
}

/// The pictures by slug of their category.
static PICTURES: [(&str, &str); 10] = pictures![
    "fruits-vegetables",
    "dairy",
    "bakery",
    "staples",
    "spices-oils",
    "snacks",
    "beverages",
    "frozen",
    "personal-care",
    "household",
];

/// Where the picture of a category is, on this server.
pub(super) fn address(slug: &str) -> String {
    format!("/demo/images/{slug}.svg")
}

/// Serves the pictures at the addresses that the demo's products have.
pub fn router() -> Router {
    Router::new().route("/demo/images/{file}", get(picture))
}

async fn picture(Path(file): Path<String>) -> Response {
    let found = PICTURES.iter().find(|(slug, _)| file.strip_suffix(".svg") == Some(slug));
    match found {
        Some((_, svg)) => {
            ([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=86400")], *svg)
                .into_response()
        }
        None => (StatusCode::NOT_FOUND, "There is no such picture.\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::goods::CATEGORIES;

    #[tokio::test]
    async fn every_category_has_its_picture() {
        for (slug, _) in CATEGORIES {
            let file = address(slug).strip_prefix("/demo/images/").map(str::to_owned).unwrap_or_default();
            assert_eq!(picture(Path(file)).await.status(), StatusCode::OK, "{slug}");
        }
        for other in ["dairy", "../dairy.svg", "none.svg", ""] {
            assert_eq!(picture(Path(other.to_owned())).await.status(), StatusCode::NOT_FOUND, "{other:?}");
        }
    }
}
