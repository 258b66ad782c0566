#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::PathOwner;
use upstream::{EraChoice, Transport};

use crate::config::{ServerConfig, SseFront};
use crate::endpoint::EndpointKind;
use crate::testing::{ISSUER, World, server};

/// A server of this name at this path, with a front for clients of 2024-11-05 below it.
fn at(name: &str, path: &str) -> ServerConfig {
    let resource = |path: &str| protocol::ResourceUri::parse(&format!("{ISSUER}{path}")).unwrap();
    let sse = format!("{path}/sse");
    ServerConfig {
        name: name.to_owned(),
        path: path.to_owned(),
        resource: resource(path),
        metadata_paths: vec![format!("/.well-known/oauth-protected-resource{path}")],
        sse: Some(SseFront {
            resource: resource(&sse),
            metadata_url: format!("{ISSUER}/.well-known/oauth-protected-resource{sse}"),
            metadata_paths: vec![format!("/.well-known/oauth-protected-resource{sse}")],
            path: sse,
        }),
        ..server(Transport::Http, EraChoice::Both)
    }
}

fn world(servers: &[ServerConfig]) -> World {
    let world = World::new(Transport::Http, EraChoice::Both);
    world.sidecar.replace(servers.to_vec()).unwrap();
    world
}

/// Who owns a path, in words.
fn owner(world: &World, path: &str) -> String {
    match world.sidecar.owner_of(path) {
        None => "nobody".to_owned(),
        Some(PathOwner::Catalogue(server)) => format!("catalogue of {}", server.endpoint.name),
        Some(PathOwner::Document(server, document)) => {
            format!("{document:?} of {}", server.endpoint.name)
        }
        Some(PathOwner::Server(server, kind)) => format!("{kind:?} of {}", server.endpoint.name),
    }
}

#[tokio::test]
async fn the_longest_path_owns_what_is_below_it() {
    let world = world(&[at("default", "/mcp"), at("hr", "/mcp/hr"), at("apart", "/apart")]);
    for (path, owned) in [
        ("/mcp", "Endpoint of default"),
        ("/mcp/", "Endpoint of default"),
        ("/mcp/hr", "Endpoint of hr"),
        ("/mcp/hr/", "Endpoint of hr"),
        ("/mcp/hrx", "Below of default"),
        ("/mcp/hr/x", "Below of hr"),
        ("/mcp/hr/health", "Health of hr"),
        ("/mcp/jwks", "Keys of default"),
        ("/mcp/catalogue", "catalogue of default"),
        ("/mcp/hr/sse", "SseStream of hr"),
        ("/mcp/hr/sse/messages", "SseMessages of hr"),
        ("/mcp/hr/sse/catalogue", "catalogue of hr"),
        ("/.well-known/oauth-protected-resource/mcp/hr", "ResourceMetadata of hr"),
        ("/.well-known/oauth-protected-resource/mcp/hr/sse", "SseResourceMetadata of hr"),
        ("/.well-known/oauth-protected-resource", "nobody"),
        ("/apartment", "nobody"),
        ("/", "nobody"),
    ] {
        assert_eq!(owner(&world, path), owned, "{path}");
    }
}

/// Whoever found a server keeps it, and whoever looks now finds the new one.
#[tokio::test]
async fn a_request_keeps_the_version_that_it_began_with() {
    let (one, two) = (at("one", "/one"), at("two", "/two"));
    let world = world(&[one.clone(), two.clone()]);
    let Some(PathOwner::Server(found, EndpointKind::Endpoint)) = world.sidecar.owner_of("/one")
    else {
        panic!("a server");
    };
    let untouched = world.sidecar.server("two").unwrap();
    let moved = ServerConfig { path: "/moved".to_owned(), ..one };
    let changes = world.sidecar.replace(vec![two.clone(), moved]).unwrap();
    assert_eq!(changes.changed, ["one"]);
    assert!(changes.added.is_empty() && changes.removed.is_empty());
    assert_eq!((&*found.endpoint.path, &*owner(&world, "/one")), ("/one", "nobody"));
    assert_eq!(owner(&world, "/moved"), "Endpoint of one");
    assert!(Arc::ptr_eq(&untouched, &world.sidecar.server("two").unwrap()));
    assert_eq!(world.sidecar.replace(vec![two]).unwrap().removed, ["one"]);
    assert_eq!(owner(&world, "/moved"), "nobody");
}

/// A retired server is looked after for as long as a request has it.
#[tokio::test]
async fn nothing_of_a_retired_server_stays() {
    let (one, two) = (at("one", "/one"), at("two", "/two"));
    let world = world(&[one, two.clone()]);
    world.sidecar.retired();
    let running = world.sidecar.server("one").unwrap();
    world.sidecar.replace(vec![two]).unwrap();
    assert_eq!(world.sidecar.retired(), 1, "a request still has it");
    drop(running);
    assert_eq!(world.sidecar.retired(), 0);
}
