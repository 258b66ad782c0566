//! The sidecar takes what the signing keys signed, and nothing else; and keys come and go.

use std::time::Duration;

use kernel::encoding::base64;
use serde_json::{Value, json};
use testkit::forge::{Forger, Jwt};
use testkit::{Connected, Era, McpCaller, Tokens};

use crate::revoke::is_refused_soon;
use crate::world::{Plan, World};

/// T-MCP-01, T-MCP-03, T-MCP-05, T-MCP-07, T-MCP-08, T-MCP-10, T-MCP-16 from outside: what was
/// changed, signed by others, or is something else opens nothing.
#[tokio::test]
async fn forged_tokens_open_nothing() {
    let world = World::sqlite().await;
    let connected = world.connect("admin").await;
    let token = &connected.tokens.access;
    let jwt = || Jwt::read(token);
    let forger = Forger::new();
    let jwk = forger.public_jwk();
    let caller = McpCaller::new(&world, token, Era::Stateless);
    assert!(!caller.tools().await.is_empty(), "the token itself is good");
    for forged in [
        jwt().header("alg", "none").unsigned(),
        jwt().header("alg", "NONE").unsigned(),
        jwt().unsigned(),
        jwt().claim("scope", "mcp:admin").with_old_signature(),
        jwt().header("typ", "JWT").with_old_signature(),
        forger.sign(&jwt()),
        forger.sign(&jwt().header("jwk", jwk)),
        forger.sign(&jwt().header("kid", "../../dev/null")),
        forger.sign(&jwt().claim("aud", "https://other.example/mcp")),
        format!("{token}x"),
        token[..token.len() - 2].to_owned(),
        connected.tokens.refresh.clone(),
        connected.code.clone(),
        connected.client.id.clone(),
    ] {
        let answer = caller.with_token(&forged).ask("tools/list", Value::Null).await;
        assert_eq!(answer.status, 401, "{forged}");
    }
    world.clock.advance_seconds(3600 + 120);
    let answer = caller.ask("tools/list", serde_json::json!({})).await;
    assert_eq!(answer.status, 401, "expired");
}

/// One process and two, on both databases.
fn plans() -> [Plan; 4] {
    [Plan::sqlite(), Plan::postgres(), Plan::sqlite().apart(), Plan::postgres().apart()]
}

fn signed_by(token: &str) -> String {
    Jwt::read(token).header["kid"].as_str().expect("a key id").to_owned()
}

/// The ids of the published keys.
async fn published(world: &World) -> Vec<String> {
    let set = world.get(&world.at("/jwks")).await.json();
    let keys = set["keys"].as_array().cloned().unwrap_or_default();
    keys.iter().map(|key| key["kid"].as_str().expect("a key id").to_owned()).collect()
}

/// Does something again and again until it is so, for five seconds at most.
async fn soon<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), found).await.expect("within five seconds")
}

/// KY-1, T-KEY-02, T-KEY-03: a new key is published before it signs, and what the old one signed
/// stays good.
#[tokio::test]
async fn t_key_02_a_new_key_takes_over_and_nobody_notices() {
    for plan in plans() {
        let mut world = plan.start().await;
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let old = signed_by(&tokens.access);
        let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
        assert!(!caller.tools().await.is_empty());

        let said = world.command(&["keys", "rotate"]);
        let new = said["kid"].as_str().expect("a key id").to_owned();
        assert_eq!(world.command(&["keys", "rotate"])["published"], false);
        let set = soon(async || Some(published(&world).await).filter(|keys| keys.len() == 2)).await;
        assert!(set.contains(&old) && set.contains(&new), "{set:?}");

        // By the clock of this deployment, which is ahead of the command's, its time has come. The
        // server looks soon after its start, and then every minute.
        world.reconfigure(str::to_owned).await;
        let mut refresh = tokens.refresh.clone();
        let latest = soon(async || {
            let tokens = Tokens::of(&client.refresh(&refresh).await);
            refresh.clone_from(&tokens.refresh);
            Some(tokens).filter(|tokens| signed_by(&tokens.access) == new)
        })
        .await;
        assert!(!caller.with_token(&latest.access).tools().await.is_empty());
        assert!(!caller.tools().await.is_empty(), "what the old one signed");
        let listed = world.command(&["keys", "list"]);
        let state = |kid: &str| {
            let mut keys = listed.as_array().expect("a list").iter();
            keys.find(|key| key["kid"] == kid).map(|key| key["state"].clone())
        };
        assert_eq!((state(&old), state(&new)), (Some("retiring".into()), Some("active".into())));
    }
}

/// KY-9, T-MCP-29: with a key that is revoked, all its tokens end everywhere within five seconds, and
/// clients go on with their refresh tokens.
#[tokio::test]
async fn ky_9_a_revoked_key_takes_its_tokens_along() {
    for plan in plans() {
        let world = plan.start().await;
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let old = signed_by(&tokens.access);
        let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
        assert!(!caller.tools().await.is_empty());
        let said = world.command(&["keys", "revoke", &old]);
        let new = said["replaced_by"].as_str().expect("a key id").to_owned();
        is_refused_soon(&caller).await;
        soon(async || (published(&world).await == [&*new]).then_some(())).await;
        let next = Tokens::of(&client.refresh(&tokens.refresh).await);
        assert_eq!(signed_by(&next.access), new);
        let caller = caller.with_token(&next.access);
        let listed = async || caller.ask("tools/list", json!({})).await.status == 200;
        soon(async || listed().await.then_some(())).await;
        assert_eq!(world.command(&["keys", "revoke", &old])["changed"], false);
        let unknown = world.try_command(&["keys", "revoke", "nobody"], str::to_owned);
        assert_eq!(unknown.status.code(), Some(1));
    }
}

/// A configuration with another key-encryption key, and perhaps the old one.
fn resealed(text: &str, old: &[&str]) -> String {
    let kept = text.lines().filter(|line| !line.contains("key_encryption_key"));
    let text = kept.collect::<Vec<_>>().join("\n");
    let (key, old) = (base64(&[9; 32]), old.join(", "));
    let lines = format!("key_encryption_key = \"{key}\"\nold_key_encryption_keys = [{old}]\n");
    text.replace("[oauth]\n", &format!("[oauth]\n{lines}"))
}

/// KY-6, T-KEY-09: everything is sealed anew, and only then can the old key go.
#[tokio::test]
async fn ky_6_everything_is_sealed_under_the_present_key() {
    for plan in plans() {
        let mut world = plan.start().await;
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let old = format!("\"{}\"", base64(&[7; 32]));
        world.reconfigure(|text| resealed(text, &[&old])).await;
        let said = world.command(&["keys", "reseal"]);
        assert_eq!(said, json!({ "resealed": 1, "current": 0, "lost": [] }));
        let said = world.command(&["keys", "reseal"]);
        assert_eq!(said, json!({ "resealed": 0, "current": 1, "lost": [] }));
        world.reconfigure(|text| resealed(text, &[])).await;
        Tokens::of(&client.refresh(&tokens.refresh).await);
    }
}

/// T-KEY-07: a key-encryption key that is lost. Commands that would make it worse refuse, and a reset
/// costs what it says and no more: refresh tokens are sealed with nothing of the server's.
#[tokio::test]
async fn t_key_07_a_lost_key_can_be_done_without() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let mut world = plan.start().await;
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let without = |text: &str| resealed(text, &[]);
        let before = world.dump().await;
        for refused in [
            &["keys", "rotate"][..],
            &["keys", "revoke", "x"],
            &["keys", "reset"],
            &["keys", "reseal"],
        ] {
            let output = world.try_command(refused, without);
            assert_eq!(output.status.code(), Some(1), "{refused:?}");
            world.is_unchanged_since(&before).await;
        }
        let reset = world.try_command(&["keys", "reset", "--yes"], without);
        assert!(reset.status.success(), "{reset:?}");
        world.reconfigure(without).await;
        let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
        is_refused_soon(&caller).await;
        let next = Tokens::of(&client.refresh(&tokens.refresh).await);
        assert!(!caller.with_token(&next.access).tools().await.is_empty());
    }
}
