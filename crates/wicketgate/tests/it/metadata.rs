//! Discovery documents of both roles at one origin (RFC 8414, RFC 9728, RFC 7517).

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use testkit::Answer;

use crate::world::{Plan, World};

/// T-META-02, MD-3, PR-8: nothing in a document comes from the request.
#[tokio::test]
async fn t_meta_02_the_request_says_nothing_about_our_urls() {
    let world = World::sqlite().await;
    for url in documents(&world) {
        let plain = world.get(&url).await;
        for (name, value) in [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "host=evil.example;proto=https"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            let answer = world.get_with(&url, headers).await;
            let refused = matches!(answer.status, 400 | 421);
            assert!(refused || answer.body == plain.body, "{url} {name}");
        }
    }
}

/// T-META-03, T-META-08: no default document for a path that nobody serves.
#[tokio::test]
async fn t_meta_03_and_08_unknown_paths_are_404() {
    let world = Plan::sqlite().at("/wfgen").start().await;
    let origin = world.origin();
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/other",
        "/.well-known/oauth-authorization-server/wfgen/mcp",
        "/.well-known/openid-configuration/other",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/oauth-protected-resource/wfgen/mcp/other",
        "/.well-known/oauth-protected-resource/mcp",
    ] {
        let answer = world.get(&format!("{origin}{path}")).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        answer.json();
    }
}

/// T-META-04, MD-15.
#[tokio::test]
async fn t_meta_04_documents_are_only_read() {
    let world = World::sqlite().await;
    for url in documents(&world) {
        for method in ["POST", "PUT", "DELETE"] {
            let answer = world.send(method, &url).await;
            assert_eq!(answer.status, 405, "{method} {url}");
            let allow = answer.header("allow").unwrap_or_default();
            assert!(allow.contains("GET"), "{method} {url}: {allow}");
        }
        let head = world.send("HEAD", &url).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{url}");
    }
}

/// T-META-07, PR-2 to PR-5.
#[tokio::test]
async fn t_meta_07_the_resource_is_what_people_paste() {
    for path in ["", "/wfgen"] {
        let world = Plan::sqlite().at(path).ceiling("mcp:read mcp:write").start().await;
        let origin = world.origin();
        let known = "/.well-known/oauth-protected-resource";
        for url in [
            format!("{origin}{known}{path}/mcp"),
            format!("{origin}{known}"),
            format!("{origin}{path}/mcp{known}"),
        ] {
            let answer = world.get(&url).await;
            assert_eq!(answer.status, 200, "{url}: {}", answer.body);
            let document = answer.json();
            assert_eq!(document["resource"], world.mcp, "{url}");
            assert_eq!(document["authorization_servers"], json!([world.issuer]));
            assert_eq!(document["scopes_supported"], json!(["mcp:read", "mcp:write"]));
            assert_eq!(document["bearer_methods_supported"], json!(["header"]));
        }
    }
}

/// T-META-09: browser code of anybody may read the documents, without cookies.
#[tokio::test]
async fn t_meta_09_documents_are_open_to_browser_code() {
    let world = World::sqlite().await;
    for url in documents(&world) {
        let mut headers = HeaderMap::new();
        headers.insert("origin", HeaderValue::from_static("https://x.example"));
        let answer = world.get_with(&url, headers).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{url}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let cache = answer.header("cache-control").unwrap_or_default();
        assert!(cache.starts_with("public, max-age="), "{url}: {cache}");
    }
}

/// T-META-10, MD-16: everything that is named is there.
#[tokio::test]
async fn t_meta_10_every_named_url_answers() {
    let world = World::sqlite().await;
    let origin = world.origin();
    let mut found = 0;
    for document in [metadata(&world).await, world.get(&resource_metadata(&world)).await.json()] {
        for url in strings(&document) {
            if url.starts_with(&origin) {
                let answer: Answer = world.get(&url).await;
                // The issuer is a name; what is there is not said anywhere.
                let missing = answer.status == 404 && url != world.issuer;
                assert!(!missing && answer.status < 500, "{url}: {}", answer.status);
                found += 1;
            }
        }
    }
    assert!(found >= 8, "only {found} URLs");
}

/// T-META-11: the documents do not need the database.
#[tokio::test]
async fn t_meta_11_documents_while_the_database_is_away() {
    let world = World::postgres().await;
    let expected: Vec<String> = read_all(&world).await;
    let lock = world.database.lock().await;
    assert_eq!(read_all(&world).await, expected);
    lock.release().await;
}

async fn read_all(world: &World) -> Vec<String> {
    let mut bodies = Vec::new();
    for url in documents(world) {
        let answer = world.get(&url).await;
        assert_eq!(answer.status, 200, "{url}: {}", answer.body);
        bodies.push(answer.body);
    }
    bodies
}

fn documents(world: &World) -> [String; 3] {
    [
        world.at("/.well-known/oauth-authorization-server"),
        world.at("/jwks"),
        resource_metadata(world),
    ]
}

fn resource_metadata(world: &World) -> String {
    format!("{}/.well-known/oauth-protected-resource/mcp", world.origin())
}

async fn metadata(world: &World) -> Value {
    let url = world.at("/.well-known/oauth-authorization-server");
    world.get(&url).await.json()
}

/// Every text in a document.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(members) => members.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}
