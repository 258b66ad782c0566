//! Servers that say nothing to the first question (O4): the log does, after some seconds.

use std::sync::Arc;
use std::time::Duration;

use mcp::{Config, EraChoice, Transport};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{Ask, Control, Log, SOON, Token, World, echo, legacy, modern, pass};

fn initialize() -> Ask {
    legacy("initialize", &json!({ "protocolVersion": "2025-11-25" }))
}

fn send(world: &World, ask: Ask, token: &str) -> JoinHandle<()> {
    let (sidecar, ask) = (Arc::clone(&world.sidecar), ask.bearer(token).build());
    tokio::spawn(async move { drop(sidecar.handle(ask).await) })
}

/// As long as a server may think about it, at most.
async fn seconds_pass(log: &Log, event: &str) -> Vec<String> {
    assert_eq!(log.lines(event), [""; 0], "not at once");
    pass(Duration::from_secs(5)).await;
    let said = async {
        while log.lines(event).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, said).await.expect("the log says so");
    log.lines(event)
}

/// All that can go on without time or anybody outside goes on.
async fn settle() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

async fn world(control: &Control, role: &str, eras: EraChoice) -> World {
    let child = control.child(role);
    World::with(echo, |config| {
        config.servers[0].upstream.eras = eras;
        child(config);
    })
    .await
}

/// O4: a program that waits for something, such as a download that cannot be.
#[tokio::test]
async fn a_silent_program_is_named_once() {
    named_once(EraChoice::Legacy, initialize(), "initialize").await;
}

#[tokio::test]
async fn a_silent_modern_program_is_named_once() {
    let discover = modern("server/discover", &json!({}));
    named_once(EraChoice::Modern, discover, "server/discover").await;
}

async fn named_once(eras: EraChoice, ask: Ask, method: &str) {
    let (control, log) = (Control::start().await, Log::start());
    let world = world(&control, "mute", eras).await;
    let token = world.token("mcp:read");
    let first = send(&world, ask.clone(), &token);
    let mut child = control.next().await;
    assert_eq!(child.method().await, method);
    let lines = seconds_pass(&log, "mcp.child.silent").await;
    let program = std::env::current_exe().unwrap();
    for part in ["WARN", "default", program.to_str().unwrap(), method, "waited_seconds=5", "HOME"] {
        assert!(lines[0].contains(part), "{part}: {lines:?}");
    }
    // A child ends when the test lets go of it, and no other starts soon after some that failed.
    let (mut waiting, mut children) = (vec![first], vec![child]);
    for person in ["sub_2", "sub_3", "sub_4", "sub_5"] {
        let other = Token::new("mcp:read").claim("sub", person).sign(&world.authority.key());
        waiting.push(send(&world, ask.clone(), &other));
        children.push(control.next().await);
    }
    pass(Duration::from_secs(6)).await;
    settle().await;
    assert_eq!(log.lines("mcp.child.silent").len(), 1, "however many wait");
    waiting.iter().for_each(JoinHandle::abort);
}

/// The same kind behind HTTP.
#[tokio::test]
async fn a_silent_url_is_named() {
    let log = Log::start();
    let world = World::new(|_| Box::pin(std::future::pending())).await;
    let waiting = send(&world, initialize(), &world.token("mcp:read"));
    while world.server.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let lines = seconds_pass(&log, "mcp.upstream.silent").await;
    assert!(lines[0].contains("initialize") && lines[0].contains("url"), "{lines:?}");
    waiting.abort();
}

#[tokio::test]
async fn a_program_that_answers_is_not_named() {
    let (control, log) = (Control::start().await, Log::start());
    let world = world(&control, "legacy", EraChoice::Legacy).await;
    assert_eq!(world.ask(initialize().bearer(&world.token("mcp:read"))).await.status, 200);
    pass(Duration::from_mins(1)).await;
    settle().await;
    assert_eq!(log.lines("silent"), [""; 0]);
}

/// O4: what cannot be started is named, and whether it is the program or its directory.
#[tokio::test]
async fn a_missing_program_is_named() {
    let log = Log::start();
    for (program, directory, hint) in [
        ("mcp-server-nowhere", None, "install the program"),
        ("/bin/sh", Some("/nowhere"), "its directory is not there"),
    ] {
        let (control, token) = (Control::start().await, Token::new("mcp:read"));
        let child = control.child("legacy");
        let change = |config: &mut Config| {
            child(config);
            config.servers[0].upstream.eras = EraChoice::Legacy;
            if let Transport::Stdio(child) = &mut config.servers[0].upstream.transport {
                child.command = vec![program.to_owned()];
                child.directory = directory.map(Into::into);
            }
        };
        let world = World::with(echo, change).await;
        let refused = world.ask(initialize().bearer(&token.sign(&world.authority.key()))).await;
        assert_eq!(refused.status, 503);
        let named = log.lines("mcp.child.failed").pop().unwrap();
        assert!(named.contains(program) && named.contains(hint), "{named}");
    }
}
