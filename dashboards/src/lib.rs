//! The engineers' web app and the few lines that hand it out. The app is TypeScript and lives in `web`; `npm run
//! build` there makes `web/dist`, which this crate embeds (a debug build reads it from disk, so that a rebuilt
//! app shows on reload). It knows nothing of the city: it speaks to `/api/v1` like any other client.
//!
//! [`router`] is all there is. Merge it last: it answers every path that nobody else does.

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, Response, StatusCode, header},
};
use rust_embed::RustEmbed;
use tower_http::compression::CompressionLayer;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/web/dist"]
struct App;

/// What the page may load: itself. Styles may be inline, because lamps, fuses and the map's canvas set theirs
/// from script; images may be `data:` and `blob:`, because the map makes its sprites itself.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; object-src 'none'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Names under this folder hold a hash of the content, so what they name never changes.
const HASHED: &str = "assets/";

/// Serves the built app: files by name, `index.html` for every other path outside `/api`, and a plain page that
/// says how to build the app when it has not been built. Bodies are compressed when the client can take it.
pub fn router() -> Router {
    Router::new().fallback(answer).layer(CompressionLayer::new())
}

async fn answer(request: Request) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain; charset=utf-8",
            "only GET is served here\n",
        );
    }
    let path = request.uri().path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return problem_not_found();
    }
    if !path.is_empty()
        && let Some(file) = App::get(path)
    {
        return file_response(path, file);
    }
    // A missing hashed file is an old page asking for an old build: its own index would not help it.
    if path.starts_with(HASHED) {
        return plain(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "no such file in this build\n");
    }
    match App::get("index.html") {
        Some(file) => file_response("index.html", file),
        None => plain(StatusCode::SERVICE_UNAVAILABLE, "text/html; charset=utf-8", NOT_BUILT),
    }
}

fn file_response(path: &str, file: rust_embed::EmbeddedFile) -> Response<Body> {
    let caching = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = Response::new(Body::from(file.data.into_owned()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    guard(response)
}

fn plain(status: StatusCode, content_type: &'static str, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    guard(response)
}

/// A mistyped API path must not look like a page: clients get the shape that every API error has.
fn problem_not_found() -> Response<Body> {
    plain(
        StatusCode::NOT_FOUND,
        "application/problem+json",
        r#"{"type":"/problems/not-found","title":"not found","status":404,"detail":"no such path in this API"}"#,
    )
}

fn guard(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The kinds of file that the build makes; anything else is handed out as bytes.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Shown in place of the app while there is none.
const NOT_BUILT: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Svetofor: page not built</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:4em auto;padding:0 1em;color:#15191c;background:#f6f7f7}
code{background:#e2e6e7;padding:.1em .3em;border-radius:3px}</style>
<h1>The page has not been built</h1>
<p>The city runs and its API answers under <a href="/api/v1/health">/api/v1/health</a>; only the web app is missing.</p>
<p>Build it with <code>cargo xtask web</code>, which needs Node 20.19 or newer, and reload.</p>
<p lang="ru">Страница ещё не собрана: выполните <code>cargo xtask web</code> и обновите её.</p></html>
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use tower::ServiceExt;

    async fn get(method: Method, path: &str) -> Response<Body> {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
        router().oneshot(request).await.expect("the router never fails").map(Body::new)
    }

    fn header_of(response: &Response<Body>, name: header::HeaderName) -> &str {
        response.headers().get(name).expect("the header is there").to_str().expect("it is ASCII")
    }

    /// Holds whether or not the app has been built: then the page is the app, else it says how to build it.
    #[tokio::test]
    async fn every_page_path_gives_a_page_that_may_load_nothing_foreign() {
        let built = App::get("index.html").is_some();
        for path in ["/", "/index.html", "/junction/17", "/%D0%B0"] {
            let response = get(Method::GET, path).await;
            let expected = if built { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            assert_eq!(response.status(), expected, "{path}");
            assert_eq!(header_of(&response, header::CONTENT_TYPE), "text/html; charset=utf-8", "{path}");
            assert_eq!(header_of(&response, header::CACHE_CONTROL), "no-cache", "{path}");
            assert!(header_of(&response, header::CONTENT_SECURITY_POLICY).starts_with("default-src 'self'"));
        }
    }

    #[tokio::test]
    async fn api_paths_and_old_assets_are_not_pages() {
        for (path, kind) in [
            ("/api/v1/nothing", "application/problem+json"),
            ("/api", "application/problem+json"),
            ("/assets/index-0ld.js", "text/plain; charset=utf-8"),
        ] {
            let response = get(Method::GET, path).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(header_of(&response, header::CONTENT_TYPE), kind, "{path}");
        }
        assert_eq!(get(Method::POST, "/").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn hashed_files_are_kept_for_ever_and_named_right() {
        for path in App::iter().filter(|path| path.starts_with(HASHED)) {
            let response = get(Method::GET, &format!("/{path}")).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert!(header_of(&response, header::CACHE_CONTROL).ends_with("immutable"), "{path}");
            assert_ne!(header_of(&response, header::CONTENT_TYPE), "application/octet-stream", "{path}");
        }
    }
}
