//! `GET /jwks`, the metadata documents and `GET /openapi.json` (RFC 8414, RFC 7517 §5). All are kept
//! ready, so they are there even while the database is not (T-META-11).

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::server::AuthServer;

/// The authorization server's metadata.
pub(crate) fn metadata(server: &AuthServer) -> Response {
    document(server.metadata(), "application/json")
}

/// The public signing keys.
pub(crate) fn jwks(server: &AuthServer) -> Response {
    document(server.jwks(), "application/jwk-set+json")
}

/// The endpoints for programs, in OpenAPI 3.1.
pub(crate) fn description(server: &AuthServer) -> Response {
    document(server.description(), "application/json")
}

fn document(body: Bytes, content_type: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    net::headers::public_document(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
