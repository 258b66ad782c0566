//! `GET /health` and `GET /ready`, for whoever supervises the process.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};

use super::app::App;

/// The process is alive.
pub(super) fn health() -> Response<Body> {
    answer(StatusCode::OK, r#"{"status":"ok"}"#.to_owned())
}

/// The process can serve: database, keys and upstreams answer.
pub(super) async fn ready(app: &App) -> Response<Body> {
    let mut waiting = Vec::new();
    if let Some(auth) = &app.auth
        && let Err(error) = auth.ready().await
    {
        tracing::warn!(%error, "not ready: the database does not answer");
        waiting.push("database");
    }
    if let Some(sidecar) = &app.sidecar
        && let Err(reason) = sidecar.ready().await
    {
        tracing::warn!(%reason, "not ready");
        waiting.push("mcp");
    }
    if waiting.is_empty() {
        answer(StatusCode::OK, r#"{"status":"ready"}"#.to_owned())
    } else {
        let body = serde_json::json!({ "status": "not ready", "waiting_for": waiting });
        answer(StatusCode::SERVICE_UNAVAILABLE, body.to_string())
    }
}

fn answer(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
