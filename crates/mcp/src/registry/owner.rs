//! Which path is whose.

use std::sync::Arc;

use crate::endpoint::EndpointKind;
use crate::endpoint::documents::Document;
use crate::endpoint::server::Server;
use crate::endpoint::sse_front::InFront;

/// Whom a path belongs to.
pub(crate) enum PathOwner {
    Catalogue(Arc<Server>),
    Document(Arc<Server>, Document),
    Server(Arc<Server>, EndpointKind),
}

/// What is at this path, if it is this server's.
pub(super) fn of(server: &Arc<Server>, path: &str) -> Option<PathOwner> {
    let owned = |make: fn(Arc<Server>) -> PathOwner| Some(make(Arc::clone(server)));
    let endpoint = |kind| Some(PathOwner::Server(Arc::clone(server), kind));
    let document = |document| Some(PathOwner::Document(Arc::clone(server), document));
    match server.sse.as_ref().and_then(|front| front.place(path)) {
        Some(InFront::Spot(kind)) => return endpoint(kind),
        Some(InFront::Catalogue) => return owned(PathOwner::Catalogue),
        Some(InFront::Metadata) => return document(Document::SseResourceMetadata),
        None => {}
    }
    if server.endpoint.metadata_paths.iter().any(|known| known == path) {
        return document(Document::ResourceMetadata);
    }
    match path.strip_prefix(server.endpoint.path.as_str())? {
        "" | "/" => endpoint(EndpointKind::Endpoint),
        "/catalogue" => owned(PathOwner::Catalogue),
        rest if rest.starts_with('/') => {
            Document::below(rest).map_or_else(|| endpoint(EndpointKind::Below), document)
        }
        _ => None,
    }
}
