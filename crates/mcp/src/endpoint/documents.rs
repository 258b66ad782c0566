//! What anybody may read without a token: metadata, keys, health.

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use protocol::jsonrpc::INVALID_REQUEST;
use protocol::mcp::TEMPORARILY_UNAVAILABLE;

use crate::access::origin;
use crate::endpoint::server::Server;
use crate::reply;
use crate::reply::body::Body;
use crate::reply::{Fault, Refused};
use crate::request::Shared;

/// A public document of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    /// RFC 9728.
    ResourceMetadata,
    /// The same for the URL of 2024-11-05 clients, which is a resource of its own.
    SseResourceMetadata,
    /// RFC 8414, repeated here for operators' smoke tests.
    AuthorizationServer,
    /// The issuer's public keys, repeated here.
    Keys,
    /// Whether this process answers.
    Health,
}

impl Document {
    /// The document with this path below a server's path.
    pub(crate) fn below(path: &str) -> Option<Self> {
        Some(match path {
            "/health" => Self::Health,
            "/jwks" => Self::Keys,
            "/.well-known/oauth-authorization-server" => Self::AuthorizationServer,
            _ => return None,
        })
    }
}

/// Answers a request for a document, from any web page (B-06) and for any protocol version.
pub(crate) async fn answer(
    shared: &Shared,
    server: &Server,
    document: Document,
    (method, headers): (&Method, &HeaderMap),
) -> Response<Body> {
    let mut response = match *method {
        Method::GET | Method::HEAD => get(shared, server, document).await,
        Method::OPTIONS if origin::is_preflight(method, headers) => origin::preflight(headers),
        _ => {
            let message = "use GET";
            Fault { status: StatusCode::METHOD_NOT_ALLOWED, code: INVALID_REQUEST, message }
                .for_id(None)
                .allowing("GET, HEAD, OPTIONS")
                .into_response()
        }
    };
    let any = HeaderValue::from_static("*");
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, any);
    response
}

async fn get(shared: &Shared, server: &Server, document: Document) -> Response<Body> {
    let read = match document {
        Document::Health => return reply::json(StatusCode::OK, HEALTHY),
        Document::ResourceMetadata => Some(server.endpoint.metadata.clone()),
        Document::SseResourceMetadata => server.sse.as_ref().map(|front| front.metadata.clone()),
        Document::Keys => shared.trust.key_document().await,
        Document::AuthorizationServer => shared.trust.authority().metadata().await.ok(),
    };
    read.map_or_else(away, |bytes| {
        let mut response = reply::json(StatusCode::OK, bytes);
        response.headers_mut().insert(CACHE_CONTROL, FIVE_MINUTES);
        response
    })
}

fn away() -> Response<Body> {
    let message = "the authorization server does not answer at the moment; try again";
    let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, TEMPORARILY_UNAVAILABLE);
    let refused: Refused = Fault { status, code, message }.for_id(None).retry_soon();
    refused.into_response()
}

const HEALTHY: Bytes = Bytes::from_static(b"{\"status\":\"ok\"}");
const FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");
