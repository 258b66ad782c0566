//! Servers that appear, change and go while requests run.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use mcp::{Body, Changes, ConfigError, EraChoice, ServerConfig, Visibility};
use protocol::{Scope, Scopes};
use serde_json::json;
use tokio::sync::mpsc;

use crate::sessions::sessions;
use crate::support::{
    Ask, Control, ISSUER, TestServer, Token, World, echo, frame, get, legacy, modern, open_events,
    server, text,
};

type Events = mpsc::UnboundedSender<&'static str>;

const NEWS: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n";
const RESULT: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";

/// A world whose servers, one at each of these paths, answer with streams that the test feeds.
async fn feeding(paths: &[&str]) -> (World, mpsc::UnboundedReceiver<Events>, Vec<ServerConfig>) {
    let (streams, opened) = mpsc::unbounded_channel();
    let mut servers = Vec::new();
    let world = World::with(
        move |_| {
            let (feed, events) = mpsc::unbounded_channel();
            streams.send(feed).unwrap();
            open_events(events)
        },
        |config| {
            let upstream = config.servers[0].upstream.url.clone();
            let at = |path: &&str| server(&path[1..], path, upstream.clone());
            config.servers = paths.iter().map(at).collect();
            config.limits.drain_grace = Duration::from_millis(20);
            servers.clone_from(&config.servers);
        },
    )
    .await;
    (world, opened, servers)
}

fn token(world: &World, path: &str) -> String {
    Token::new("mcp:read").claim("aud", format!("{ISSUER}{path}")).sign(&world.authority.key())
}

fn call(world: &World, path: &str) -> Ask {
    modern("tools/call", &json!({ "name": "get_x" })).at(path).bearer(&token(world, path))
}

async fn open(world: &World, ask: Ask) -> Body {
    let response = world.sidecar.handle(ask.build()).await;
    assert_eq!(response.status(), 200);
    response.into_body()
}

async fn standing(world: &World, path: &str) -> Body {
    open(world, get(path).bearer(&token(world, path))).await
}

async fn next(body: &mut Body) -> String {
    text(&frame(body).await.expect("one more event").unwrap()).to_owned()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// One stays, one changes, one appears, one goes: each request and stream sees its own server only.
#[tokio::test]
async fn servers_change_without_the_others() {
    let (world, mut opened, servers) = feeding(&["/stays", "/changes", "/goes"]).await;
    let mut streams = Vec::new();
    for path in ["/stays", "/changes", "/goes"] {
        let standing = standing(&world, path).await;
        let feed = opened.recv().await.unwrap();
        let answer = open(&world, call(&world, path)).await;
        streams.push((standing, feed, answer, opened.recv().await.unwrap()));
    }
    let another = ServerConfig { title: "Another".to_owned(), ..servers[1].clone() };
    let appears = server("appears", "/appears", world.server.uri());
    let after = vec![appears, another, servers[0].clone()];
    let changes = world.sidecar.replace(after.clone()).unwrap();
    let expected = Changes {
        added: names(&["appears"]),
        changed: names(&["changes"]),
        removed: names(&["goes"]),
    };
    assert_eq!(changes, expected);
    assert!(world.sidecar.replace(after).unwrap().is_empty(), "nothing new");

    let (mut gone, _feed, mut late, _answering) = streams.pop().unwrap();
    assert!(frame(&mut gone).await.is_none(), "a removed server keeps no stream");
    assert!(next(&mut late).await.contains("\"id\":7,\"error\":{\"code\":-31401"));
    assert!(frame(&mut late).await.is_none());
    assert_eq!(world.ask(call(&world, "/goes")).await.status, 404);
    assert!(!world.sidecar.serves("/.well-known/oauth-protected-resource/goes"));

    let (mut ended, _feed, mut running, answering) = streams.pop().unwrap();
    assert!(frame(&mut ended).await.is_none(), "the client opens another");
    answering.send(RESULT).unwrap();
    assert_eq!(next(&mut running).await, RESULT, "what is being answered comes to its end");
    let metadata = world.ask(get("/changes/.well-known/oauth-protected-resource")).await;
    assert!(metadata.json()["resource_name"].as_str().unwrap().contains("Another"));
    let mut again = standing(&world, "/changes").await;
    opened.recv().await.unwrap().send(NEWS).unwrap();
    assert_eq!(next(&mut again).await, NEWS);

    assert_eq!(world.ask(get("/appears")).await.status, 401);
    drop(open(&world, call(&world, "/appears")).await);

    let (mut standing, feed, mut answer, answering) = streams.pop().unwrap();
    feed.send(NEWS).unwrap();
    assert_eq!(next(&mut standing).await, NEWS);
    answering.send(RESULT).unwrap();
    assert_eq!(next(&mut answer).await, RESULT);
}

/// A token that ends also ends what it was used for at a server that was replaced since (MC-5).
#[tokio::test]
async fn an_answer_of_a_replaced_server_ends_with_its_token() {
    let (world, mut opened, mut servers) = feeding(&["/changes"]).await;
    let mut running = open(&world, call(&world, "/changes")).await;
    let _feed = opened.recv().await.unwrap();
    servers[0].title = "Another".to_owned();
    world.sidecar.replace(servers).unwrap();
    world.authority.revoke(5);
    world.settle().await;
    assert!(next(&mut running).await.contains("-31401"));
    assert!(frame(&mut running).await.is_none());
}

/// New rules hold for the next request.
#[tokio::test]
async fn what_is_asked_next_is_judged_by_the_new_rules() {
    let (world, _opened, mut servers) = feeding(&["/changes"]).await;
    drop(open(&world, call(&world, "/changes")).await);
    for rule in &mut servers[0].policy.rules {
        (rule.scope, rule.visibility) = (Scope::Admin, Visibility::Hide);
    }
    world.sidecar.replace(servers).unwrap();
    assert_eq!(world.ask(call(&world, "/changes")).await.code(), -32602, "it is hidden now");
}

/// A server may be reached under a host of its own.
#[tokio::test]
async fn hosts_follow() {
    let (world, _opened, _) = feeding(&["/stays"]).await;
    let at = |host: &str| get("/stays").instead("host", host);
    for (allowed, statuses) in [("new.example", [421, 401]), ("gate.example", [401, 421])] {
        world.sidecar.allow_hosts(vec![allowed.to_owned()]);
        assert_eq!(world.ask(at("gate.example")).await.status, statuses[0]);
        assert_eq!(world.ask(at("new.example")).await.status, statuses[1]);
    }
}

/// All or nothing.
#[tokio::test]
async fn a_wrong_set_changes_nothing() {
    let (world, mut opened, servers) = feeding(&["/stays", "/other"]).await;
    let mut stream = standing(&world, "/stays").await;
    let feed = opened.recv().await.unwrap();
    let with = |wrong: ServerConfig| vec![servers[0].clone(), wrong];
    let taken = ServerConfig { path: "/stays".to_owned(), ..servers[1].clone() };
    let useless = ServerConfig { ceiling: Scopes::of(&[Scope::Write]), ..servers[1].clone() };
    let unsendable =
        ServerConfig { resource_metadata_url: "https://\n".to_owned(), ..servers[1].clone() };
    let mut mute = servers[1].clone();
    mute.upstream.url = "/no/host".parse().unwrap();
    for (set, error) in [
        (Vec::new(), ConfigError::NoServer),
        (with(taken), ConfigError::PathTaken("/stays".to_owned())),
        (with(useless), ConfigError::CeilingWithoutRead("other".to_owned())),
        (with(mute), ConfigError::Upstream(upstream::ConfigError::Url("other".to_owned()))),
        (
            with(unsendable),
            ConfigError::Header { server: "other".to_owned(), what: "resource_metadata_url" },
        ),
    ] {
        assert_eq!(world.sidecar.replace(set), Err(error));
    }
    feed.send(NEWS).unwrap();
    assert_eq!(next(&mut stream).await, NEWS);
    drop(open(&world, call(&world, "/other")).await);
}

/// The child of a server that changed or went ends; that of another lives on.
#[tokio::test]
async fn children_end_with_their_server() {
    let control = Control::start().await;
    let mut servers = Vec::new();
    let world = World::with(crate::support::echo, |config| {
        control.child("modern")(config);
        let child = config.servers.pop().unwrap();
        for name in ["stays", "changes", "goes"] {
            let mut at = server(name, &format!("/{name}"), child.upstream.url.clone());
            at.upstream.transport = child.upstream.transport.clone();
            at.upstream.eras = EraChoice::Modern;
            config.servers.push(at);
        }
        servers.clone_from(&config.servers);
    })
    .await;
    let pid = async |path| world.ask(call(&world, path)).await.json()["result"]["pid"].clone();
    let mut children = Vec::new();
    for path in ["/stays", "/changes", "/goes"] {
        let pid = pid(path).await;
        children.push(control.next().await);
        assert_eq!(pid, children.last().unwrap().pid);
    }
    servers.pop();
    servers[1].title = "Another".to_owned();
    world.sidecar.replace(servers).unwrap();
    for _ in 0..2 {
        let mut child = children.pop().unwrap();
        assert_eq!(child.method().await, "tools/call");
        child.ended().await;
    }
    assert_eq!(pid("/stays").await, children[0].pid);
    assert_ne!(pid("/changes").await, children[0].pid);
}

/// The numbers of a server begin with it; what is sampled of it ends with it.
#[tokio::test]
async fn numbers_follow() {
    let (world, mut opened, servers) = feeding(&["/stays", "/goes"]).await;
    let mut registry = prometheus_client::registry::Registry::default();
    world.sidecar.register_metrics(&mut registry);
    let numbers = || {
        world.sidecar.sample_metrics();
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    };
    let _standing = standing(&world, "/goes").await;
    let _feed = opened.recv().await.unwrap();
    assert!(numbers().contains("mcp_open_streams{server=\"goes\"} 1"));
    let appears = server("appears", "/appears", world.server.uri());
    world.sidecar.replace(vec![servers[0].clone(), appears]).unwrap();
    let text = numbers();
    assert!(text.contains("mcp_upstream_failures_total{server=\"appears\"} 0"), "{text}");
    assert!(!text.contains("mcp_open_streams{server=\"goes\"}"), "{text}");
    assert!(text.contains("mcp_requests_total{server=\"goes\""), "what was counted stays");
}

/// What one upstream gave out is worth nothing at another, whatever the server is called.
#[tokio::test]
async fn sessions_stay_with_their_upstream() {
    let other = TestServer::start(sessions).await;
    let mut servers = Vec::new();
    let world = World::with(sessions, |config| {
        config.servers.push(server("other", "/other", other.uri()));
        servers.clone_from(&config.servers);
    })
    .await;
    let token = world.token("mcp:read");
    let session = crate::sessions::open(&world, &token, "2025-11-25").await;
    let ping = || legacy("ping", &json!({})).bearer(&token).header("mcp-session-id", &session);
    assert_eq!(world.ask(ping()).await.status, 200);
    let url = servers[0].upstream.url.clone();
    servers[0].upstream.url = std::mem::replace(&mut servers[1].upstream.url, url);
    world.sidecar.replace(servers).unwrap();
    assert_eq!(world.ask(ping()).await.status, 404);
    assert!(other.requests().is_empty(), "the other one hears nothing of it");
}

/// A body may come long after its head: what counts is whether the token and the server are good then.
#[tokio::test]
async fn rights_are_looked_at_again_when_the_body_is_there() {
    let mut servers = Vec::new();
    let world = World::with(echo, |config| servers.clone_from(&config.servers)).await;
    let late = async |change: &dyn Fn()| {
        let ask =
            modern("tools/call", &json!({ "name": "get_x" })).bearer(&world.token("mcp:read"));
        let (parts, body) = ask.build().into_parts();
        let whole = body.collect().await.unwrap().to_bytes();
        let (send, pieces) = mpsc::unbounded_channel();
        send.send(Ok::<_, Infallible>(Frame::data(whole.slice(..10)))).unwrap();
        let pieces =
            stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
        let request = http::Request::from_parts(parts, StreamBody::new(Box::pin(pieces)));
        let answering = tokio::spawn({
            let sidecar = Arc::clone(&world.sidecar);
            async move { sidecar.handle(request).await.status().as_u16() }
        });
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        change();
        world.settle().await;
        send.send(Ok(Frame::data(whole.slice(10..)))).unwrap();
        drop(send);
        answering.await.unwrap()
    };
    assert_eq!(late(&|| {}).await, 200);
    servers[0].title = "Another".to_owned();
    let changed = || drop(world.sidecar.replace(servers.clone()).unwrap());
    assert_eq!(late(&changed).await, 503);
    assert_eq!(late(&|| world.authority.revoke(5)).await, 401);
    assert_eq!(world.server.requests().len(), 1, "nothing else went on");
}
