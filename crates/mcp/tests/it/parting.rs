//! The last requests of a client whose token is at its end (C3, T-MCP-10, T-MCP-17): no window
//! opens for them, and nobody else learns or ends anything.

use http::Method;
use mcp::{Config, EraChoice};
use serde_json::json;

use crate::sessions::{open, sessions};
use crate::support::{Answer, Ask, RESOURCE, SigningKey, Token, World, get, legacy, status};

fn named(ask: Ask, token: &str, session: &str) -> Ask {
    ask.bearer(token).header("mcp-session-id", session)
}

fn delete() -> Ask {
    Ask::new(Method::DELETE, "/mcp")
}

/// How a token came to its end.
#[derive(Clone, Copy)]
enum End {
    Expired,
    Revoked,
}

impl End {
    async fn come(self, world: &World) {
        match self {
            Self::Expired => world.clock.advance_seconds(3_700),
            Self::Revoked => world.authority.revoke(5),
        }
        world.settle().await;
    }
}

fn is_challenged(answer: &Answer) {
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(answer.challenge().contains("resource_metadata="), "{answer:?}");
}

#[tokio::test]
async fn the_stream_is_405_and_the_end_of_the_session_204() {
    for end in [End::Expired, End::Revoked] {
        let world = World::new(sessions).await;
        let token = world.token("mcp:read");
        let session = open(&world, &token, "2025-11-25").await;
        end.come(&world).await;
        let before = world.server.requests().len();
        let stream = world.ask(named(get("/mcp"), &token, &session)).await;
        assert_eq!((stream.status.as_u16(), stream.header("allow")), (405, "POST, DELETE"));
        assert_eq!((stream.code(), stream.challenge()), (-31401, ""));
        assert_eq!(world.server.requests().len(), before, "the server hears of no stream");
        let ended = world.ask(named(delete(), &token, &session)).await;
        assert_eq!((ended.status.as_u16(), ended.challenge()), (204, ""));
        let sent = world.server.requests().pop().unwrap();
        assert_eq!(
            (&sent.method, sent.header("mcp-session-id")),
            (&Method::DELETE, "upstream-session")
        );
        is_challenged(&world.ask(named(legacy("ping", &json!({})), &token, &session)).await);
        assert_eq!(world.server.requests().len(), before + 1, "a POST goes no further");
    }
}

/// Whatever the server says to it, the client is gone.
#[tokio::test]
async fn trouble_with_the_end_is_nobodys() {
    let world = World::new(|request| match request.method {
        Method::DELETE => status(500, &[], ""),
        _ => sessions(request),
    })
    .await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-11-25").await;
    End::Revoked.come(&world).await;
    assert_eq!(world.ask(named(delete(), &token, &session)).await.status, 204);
}

/// A session that the sidecar holds itself.
#[tokio::test]
async fn a_bridged_session_is_left_alike() {
    let change = |config: &mut Config| config.servers[0].upstream.eras = EraChoice::Modern;
    let world = World::with(
        |request| {
            let id = request.message()["id"].clone();
            crate::support::json(
                &json!({ "jsonrpc": "2.0", "id": id, "result": { "resultType": "complete",
                    "supportedVersions": ["2026-07-28"], "capabilities": {} } })
                .to_string(),
            )
        },
        change,
    )
    .await;
    let token = world.token("mcp:read");
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
                         "clientInfo": { "name": "c", "version": "1" } });
    let opened = world.ask(legacy("initialize", &params).bearer(&token)).await;
    let session = opened.header("mcp-session-id").to_owned();
    End::Expired.come(&world).await;
    assert_eq!(world.ask(named(get("/mcp"), &token, &session)).await.status, 405);
    assert_eq!(world.ask(named(delete(), &token, &session)).await.status, 204);
}

/// Nothing of this changes a thing for anybody else: each is the 401 that it was.
#[tokio::test]
async fn everything_else_stays_401() {
    for end in [End::Expired, End::Revoked] {
        let world = World::new(sessions).await;
        let (key, other_key) = (world.authority.key(), SigningKey::generate("key-1"));
        let token = world.token("mcp:read");
        let session = open(&world, &token, "2025-11-25").await;
        let another = Token::new("mcp:read").claim("sub", "sub_2");
        let theirs = another.clone().sign(&key);
        let their_session = open(&world, &theirs, "2025-11-25").await;
        let dead = || Token::new("mcp:read");
        let spelled = |claim: &str, value: serde_json::Value| dead().claim(claim, value).sign(&key);
        let forged = dead().sign(&other_key);
        let mut damaged = token.clone();
        damaged.replace_range(token.len() - 6.., "AAAAAA");
        let later = spelled("iat", json!(crate::support::START + 999_999));
        end.come(&world).await;
        let asked = world.server.requests().len();
        for (what, token, session) in [
            ("another's session", &*token, &*their_session),
            ("another's token", &*theirs, &*session),
            ("a session that was made up", &*token, "upstream-session"),
            ("an empty one", &*token, ""),
            ("another key", &*forged, &*session),
            ("a damaged signature", &*damaged, &*session),
            ("no token at all", "x.y.z", &*session),
            ("another audience", &*spelled("aud", json!(format!("{RESOURCE}/hr"))), &*session),
            ("another issuer", &*spelled("iss", json!("https://evil.example")), &*session),
            ("another client", &*spelled("client_id", json!("cl_2")), &*session),
            ("another organization", &*spelled("organization", json!("Northwind")), &*session),
            ("one that is not valid yet", &*later, &*session),
        ] {
            for ask in [get("/mcp"), delete()] {
                let answer = world.ask(named(ask, token, session)).await;
                assert_eq!(answer.status, 401, "{what}");
                is_challenged(&answer);
            }
        }
        for ask in [get("/mcp"), delete()] {
            is_challenged(&world.ask(ask.clone().bearer(&token)).await);
            is_challenged(&world.ask(ask.clone().header("mcp-session-id", &session)).await);
            let two = named(ask.clone(), &token, &session).header("mcp-session-id", &session);
            is_challenged(&world.ask(two).await);
            is_challenged(&world.ask(named(ask, &token, &session).at("/mcp/other")).await);
        }
        for method in [Method::PUT, Method::HEAD, Method::PATCH] {
            is_challenged(&world.ask(named(Ask::new(method, "/mcp"), &token, &session)).await);
        }
        assert_eq!(world.server.requests().len(), asked, "nothing reached the server");
    }
}

/// T-MCP-29: with a key that was withdrawn anybody may have signed anything.
#[tokio::test]
async fn a_withdrawn_key_leaves_nothing() {
    for expired in [false, true] {
        let world = World::new(sessions).await;
        let token = world.token("mcp:read");
        let session = open(&world, &token, "2025-11-25").await;
        world.authority.rotate("key-2");
        if expired {
            world.clock.advance_seconds(3_700);
        }
        world.settle().await;
        is_challenged(&world.ask(named(delete(), &token, &session)).await);
        is_challenged(&world.ask(named(get("/mcp"), &token, &session)).await);
    }
}

/// While a token is good, nothing is different.
#[tokio::test]
async fn a_good_token_is_not_at_its_end() {
    let world = World::new(sessions).await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-11-25").await;
    let stream = world.ask(named(get("/mcp"), &token, &session)).await;
    assert_ne!(stream.status, 405);
    assert_eq!(world.ask(named(delete(), &token, &session)).await.status, 204);
}
