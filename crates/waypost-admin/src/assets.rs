//! Style sheet, scripts and pictures, inside the program and under names that change with them.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rust_embed::{Embed, EmbeddedFile};

use crate::console::Console;

/// Digits of a file's digest in its address.
const HASH_BYTES: usize = 6;
/// A year: a file under such an address never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

#[derive(Embed)]
#[folder = "static/"]
struct Files;

/// `/static/HASH/NAME`
pub(crate) fn router() -> Router<Console> {
    Router::new().route("/static/{hash}/{name}", get(file))
}

/// The address of a file, which changes when the file does.
pub(crate) fn address(name: &str) -> String {
    let hash = Files::get(name).map_or_else(String::new, |file| hash(&file));
    format!("/static/{hash}/{name}")
}

async fn file(Path((wanted, name)): Path<(String, String)>) -> Response {
    let Some(file) = Files::get(&name).filter(|file| hash(file) == wanted) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind(&name))),
        (header::CACHE_CONTROL, FOR_EVER),
    ];
    (headers, file.data).into_response()
}

fn hash(file: &EmbeddedFile) -> String {
    let digest = file.metadata.sha256_hash();
    let digits = digest.iter().take(HASH_BYTES);
    digits.map(|byte| format!("{byte:02x}")).collect()
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
