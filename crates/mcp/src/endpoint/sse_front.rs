//! HTTP with server-sent events, for clients of MCP 2024-11-05 (D-09, D-62). Deprecated.
//!
//! A client opens one stream with GET and learns there where to POST. Each POST is answered with
//! 202 and nothing; what there is to say comes over the stream. Behind this front the message goes
//! the way of every legacy message, and the session that `initialize` opens belongs to the stream.
//!
//! It has paths of its own (D-21), and is a resource of its own, because such clients sign in for
//! the URL that they were given.

mod handle;
mod headers;
mod keeper;
mod post;
mod queue;
mod retell;
mod stream;

use bytes::Bytes;
use http::HeaderValue;
use protocol::Scopes;
use protocol::challenge::ChallengeError;

use crate::config::{ServerConfig, SseFront};
use crate::endpoint::EndpointKind;
use crate::request::endpoint as server;
use stream::Streams;

pub(crate) use keeper::open;
pub(crate) use post::take;

/// The front of one server.
pub(crate) struct Front {
    path: String,
    metadata_paths: Vec<String>,
    /// The RFC 9728 document.
    pub(crate) metadata: Bytes,
    pub(crate) metadata_url: String,
    streams: Streams,
}

/// What is at a path of the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InFront {
    Spot(EndpointKind),
    Metadata,
    Catalogue,
}

/// Where messages are posted, below the front's path.
const MESSAGES: &str = "/messages";

impl Front {
    pub(crate) fn new(front: &SseFront, config: &ServerConfig, issuer: &str) -> Self {
        Self {
            path: front.path.clone(),
            metadata_paths: front.metadata_paths.clone(),
            metadata: server::metadata(config, front.resource.as_str(), issuer),
            metadata_url: front.metadata_url.clone(),
            streams: Streams::default(),
        }
    }

    /// What is at this path, if it is the front's.
    pub(crate) fn place(&self, path: &str) -> Option<InFront> {
        if self.metadata_paths.iter().any(|known| known == path) {
            return Some(InFront::Metadata);
        }
        Some(match path.strip_prefix(self.path.as_str())? {
            "" | "/" => InFront::Spot(EndpointKind::SseStream),
            MESSAGES => InFront::Spot(EndpointKind::SseMessages),
            "/catalogue" => InFront::Catalogue,
            rest if rest.starts_with('/') => InFront::Spot(EndpointKind::Below),
            _ => return None,
        })
    }

    /// The challenge of this front's own resource.
    pub(crate) fn challenge(&self, scope: Scopes, error: Option<ChallengeError>) -> HeaderValue {
        server::challenge(&self.metadata_url, scope, error)
    }

    /// Where the stream with this handle takes messages: path and query only, so that no client
    /// can be led to another origin.
    fn messages(&self, handle: &str) -> String {
        format!("{}{MESSAGES}?stream={handle}", self.path)
    }
}
