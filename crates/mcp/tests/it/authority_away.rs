//! Bad weather: the authority does not answer.

use serde_json::json;

use crate::support::{Ask, ISSUER, Token, World, echo, legacy};

fn ping(world: &World) -> Ask {
    legacy("ping", &json!({})).bearer(&world.token("mcp:read"))
}

#[tokio::test]
async fn known_tokens_and_new_ones_go_on_for_a_while() {
    let world = World::new(echo).await;
    assert_eq!(world.ask(ping(&world)).await.status, 200);
    world.authority.set_away(true);
    world.clock.advance_seconds(600);
    assert_eq!(world.ask(ping(&world)).await.status, 200, "the same token");
    let new = Token::new("mcp:read").claim("jti", "jti_2").sign(&world.authority.key());
    let new = legacy("ping", &json!({})).bearer(&new);
    assert_eq!(world.ask(new).await.status, 200, "a token not seen before");
    world.clock.advance_seconds(1);
    let answer = world.ask(ping(&world)).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "5"));
    assert_eq!(answer.challenge(), "", "nobody is sent through sign-in for this");
    // Recovery needs no restart.
    world.authority.set_away(false);
    world.clock.advance_seconds(2);
    assert_eq!(world.ask(ping(&world)).await.status, 200);
}

#[tokio::test]
async fn never_reached_is_503_and_never_401() {
    let world = World::new(echo).await;
    world.authority.set_away(true);
    assert_eq!(world.ask(ping(&world)).await.status, 503);
    assert_eq!(world.ask(legacy("ping", &json!({}))).await.status, 401, "without a token");
    let rubbish = legacy("ping", &json!({})).bearer("rubbish");
    assert_eq!(world.ask(rubbish).await.status, 401, "what is no token is no token");
    world.authority.set_away(false);
    world.clock.advance_seconds(2);
    assert_eq!(world.ask(ping(&world)).await.status, 200);
    assert_eq!(world.server.requests().len(), 1);
}

/// A token whose list was never seen may have been revoked.
#[tokio::test]
async fn an_unknown_list_is_503() {
    let world = World::new(echo).await;
    assert_eq!(world.ask(ping(&world)).await.status, 200);
    let status = json!({ "status_list": { "idx": 1, "uri": format!("{ISSUER}/status/9") } });
    let token = Token::new("mcp:read").claim("status", status).sign(&world.authority.key());
    let other = legacy("ping", &json!({})).bearer(&token);
    assert_eq!(world.ask(other).await.status, 503);
    assert_eq!(world.ask(ping(&world)).await.status, 200, "others are not affected");
}

/// What was revoked stays revoked, however old the list is.
#[tokio::test]
async fn an_old_list_may_still_say_no() {
    let world = World::new(echo).await;
    world.authority.revoke(5);
    assert_eq!(world.ask(ping(&world)).await.status, 401);
    world.authority.set_away(true);
    world.clock.advance_seconds(300);
    assert_eq!(world.ask(ping(&world)).await.status, 401);
}

/// Without any change, and without the background task, what is known is confirmed in time.
#[tokio::test]
async fn silence_is_not_absence() {
    let world = World::new(echo).await;
    let long = Token::new("mcp:read").claim("exp", crate::support::START + 90_000);
    let long = long.sign(&world.authority.key());
    for _ in 0..20 {
        let answer = world.ask(legacy("ping", &json!({})).bearer(&long)).await;
        assert_eq!(answer.status, 200);
        world.clock.advance_seconds(700);
    }
}
