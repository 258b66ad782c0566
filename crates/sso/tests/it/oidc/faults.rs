//! A provider that is down, slow, broken or wrong about the time; and what is left when it is back.

use std::time::Duration;

use super::idp::Canned;
use super::world::{World, config, description, http, random};
use kernel::ManualClock;
use serde_json::json;
use sso::ProviderError;
use sso::oidc::Provider;

const PLACE: &str = "/.well-known/openid-configuration";

#[tokio::test]
async fn each_kind_of_trouble_is_weather_and_recovery_needs_no_restart() {
    let slow = Canned { delay: Duration::from_secs(3), ..Canned::text(200, "{}") };
    let packed =
        Canned { headers: vec![("content-encoding", "br".into())], ..Canned::text(200, "?") };
    for (trouble, word) in [
        (packed, "in the encoding br"),
        (Canned::text(500, "oops"), "answered 500"),
        (Canned::text(503, ""), "answered 503"),
        (Canned::text(404, ""), "answered 404"),
        (Canned::text(301, ""), "redirects are not followed"),
        (Canned::text(200, "<html>Welcome to the café's network</html>"), "not JSON"),
        (Canned::text(200, ""), "not JSON"),
        (Canned::text(200, "[]"), "not what was expected"),
        (Canned::text(200, &"x".repeat(2 << 20)), "more than 1 MiB"),
        (slow, "no answer in time"),
    ] {
        let world = World::new().await;
        world.idp.says(PLACE, trouble);
        let error = world.provider.begin("s", None, &random()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
        assert!(error.to_string().contains(word), "{word:?} is not in {error}");
        assert!(error.to_string().contains(&world.idp.url), "{error}");

        world.idp.says_json(PLACE, &description(&world.idp.url));
        world.clock.advance_seconds(2);
        world.works().await;
    }
}

#[tokio::test]
async fn nobody_listening_and_no_tls_are_weather() {
    let idp = super::idp::Idp::start().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let plain = idp.url.replace("http:", "https:");
    for (issuer, word) in [(nobody, "no connection"), (plain, "no connection")] {
        let clock = std::sync::Arc::new(ManualClock::at(super::world::NOW));
        let provider = Provider::new(config(&issuer), http(), clock).unwrap();
        let error = provider.begin("s", None, &random()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

/// What is known serves for a day.
#[tokio::test]
async fn a_provider_that_was_known_may_be_half_away() {
    let world = World::new().await;
    world.works().await;
    world.idp.says(PLACE, Canned::text(502, ""));
    world.idp.says("/jwks", Canned::text(502, ""));
    world.clock.advance_seconds(3600 + 1);
    world.works().await;
    world.clock.advance_seconds(22 * 3600);
    world.works().await;
    world.clock.advance_seconds(3600);
    let error = world.provider.begin("s", None, &random()).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
}

/// Absence is forgiven, another issuer is not.
#[tokio::test]
async fn a_description_that_turned_wrong_is_not_forgiven() {
    let world = World::new().await;
    world.works().await;
    world.idp.says_json(PLACE, &description("http://127.0.0.1:1"));
    world.clock.advance_seconds(3600);
    let error = world.provider.begin("s", None, &random()).await.unwrap_err();
    assert!(matches!(error, ProviderError::Misconfigured(_)), "{error}");
}

/// Keys that cannot be had are noticed before the code is spent, so the same answer works later.
#[tokio::test]
async fn no_code_is_spent_while_the_keys_are_away() {
    let world = World::new().await;
    let (query, pending) = world.begin().await;
    world.idp.says("/jwks", Canned::text(500, ""));
    let error = world.come_back(&pending, world.plan(&query["nonce"])).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
    assert_eq!(world.idp.count("/token"), 0);
    world.idp.publishes(&[&world.key]);
    world.clock.advance_seconds(2);
    world.come_back(&pending, world.plan(&query["nonce"])).await.unwrap();
}

/// A provider that just failed is not asked again by everybody who waits.
#[tokio::test]
async fn a_queue_of_people_waits_for_one_timeout() {
    let world = World::new().await;
    world.idp.says(PLACE, Canned::text(500, ""));
    for _ in 0..10 {
        world.provider.begin("s", None, &random()).await.unwrap_err();
    }
    assert_eq!(world.idp.count(PLACE), 1);
}

/// The operator reads by how much the clocks differ.
#[tokio::test]
async fn a_clock_that_is_off_by_ten_minutes_is_named() {
    let world = World::new().await;
    world.works().await;
    let off = |seconds: i64| {
        move |plan: &mut super::world::Plan| {
            for claim in ["iat", "exp", "auth_time"] {
                let moved = plan.claims[claim].as_i64().unwrap() + seconds;
                plan.claims[claim] = json!(moved);
            }
        }
    };
    world.rejects("600 s in the future; compare the provider's clock", off(600)).await;
    world.rejects("expired 300 s ago; compare the clocks", off(-600)).await;
    world
        .rejects("issued 600 s ago; compare the provider's clock", |plan| {
            off(-600)(plan);
            plan.claims["exp"] = json!(plan.claims["iat"].as_i64().unwrap() + 3600);
        })
        .await;
    world.sign_in(off(50)).await.unwrap();
    world.sign_in(off(-50)).await.unwrap();
}
