//! The provider's keys: rotation, floods, and sets with odd things in them.

use super::idp::{Canned, Key};
use super::world::World;
use futures_util::future::join_all;
use jsonwebtoken::Algorithm;
use serde_json::json;
use sso::ProviderError;

#[tokio::test]
async fn keys_and_description_are_kept_and_renewed() {
    let world = World::new().await;
    for _ in 0..3 {
        world.works().await;
    }
    let place = "/.well-known/openid-configuration";
    assert_eq!((world.idp.count(place), world.idp.count("/jwks")), (1, 1));
    world.clock.advance_seconds(3600);
    world.works().await;
    assert_eq!((world.idp.count(place), world.idp.count("/jwks")), (2, 2));
}

#[tokio::test]
async fn keys_are_renewed_earlier_where_the_provider_says_so() {
    let world = World::new().await;
    let keys = json!({ "keys": [world.key.jwk] });
    let headers = vec![("cache-control", "public, max-age=600".to_owned())];
    world.idp.says("/jwks", Canned { headers, ..Canned::json(200, &keys) });
    world.works().await;
    world.clock.advance_seconds(599);
    world.works().await;
    assert_eq!(world.idp.count("/jwks"), 1);
    world.clock.advance_seconds(1);
    world.works().await;
    assert_eq!(world.idp.count("/jwks"), 2);
}

/// The provider rotates while a person is away to sign in.
#[tokio::test]
async fn a_rotation_in_mid_flight_is_followed_at_once() {
    let world = World::new().await;
    world.works().await;
    let (query, pending) = world.begin().await;
    let new = Key::es256("two");
    world.idp.publishes(&[&world.key, &new]);
    let mut plan = world.plan(&query["nonce"]);
    (plan.header, plan.key) = (new.header(), new.clone());
    world.come_back(&pending, plan).await.unwrap();
    assert_eq!(world.idp.count("/jwks"), 2);
}

/// Providers that name no key rotate as well.
#[tokio::test]
async fn a_rotation_without_key_ids_is_followed_too() {
    let world = World::new().await;
    let unnamed = |key: &Key| {
        let mut key = key.clone();
        key.jwk.as_object_mut().unwrap().remove("kid");
        key
    };
    world.idp.publishes(&[&unnamed(&world.key), &unnamed(&Key::es256("x"))]);
    world.sign_in(|plan| plan.header.kid = None).await.unwrap();
    let new = unnamed(&Key::es256("two"));
    world.idp.publishes(&[&new]);
    let signed_in = world.sign_in(|plan| {
        plan.header.kid = None;
        plan.key = new;
    });
    signed_in.await.unwrap();
}

#[tokio::test]
async fn t_up_05_a_flood_of_unknown_keys_is_one_question_a_minute() {
    let world = World::new().await;
    world.works().await;
    let flood = async || {
        for n in 0..20 {
            let kid = format!("unknown-{n}");
            world
                .rejects("not in the provider's key set", |plan| plan.header.kid = Some(kid))
                .await;
        }
    };
    flood().await;
    assert_eq!(world.idp.count("/jwks"), 2);
    world.clock.advance_seconds(59);
    flood().await;
    assert_eq!(world.idp.count("/jwks"), 2);
    world.clock.advance_seconds(1);
    flood().await;
    assert_eq!(world.idp.count("/jwks"), 3);
    world.works().await;
}

#[tokio::test]
async fn many_people_at_once_ask_once() {
    let world = World::new().await;
    let begun = join_all((0..30).map(|_| world.begin())).await;
    assert_eq!(begun.len(), 30);
    assert_eq!(world.idp.count("/.well-known/openid-configuration"), 1);
}

#[tokio::test]
async fn a_set_may_hold_what_is_unknown_here() {
    let world = World::new().await;
    let odd = [
        json!({"kty": "future", "kid": "one"}),
        json!({"kty": "EC", "crv": "P-521", "kid": "one", "x": "AA", "y": "AA"}),
        json!({"kty": "RSA", "kid": "one", "n": "%%%", "e": "AQAB"}),
        json!("no key at all"),
        world.key.jwk.clone(),
    ];
    world.idp.says_json("/jwks", &json!({ "keys": odd }));
    world.works().await;
}

/// RFC 8725 §3.1: each key differs from a good one in what it is for.
#[tokio::test]
async fn a_key_that_is_for_something_else_is_not_used() {
    for (member, wrong) in [
        ("use", json!("enc")),
        ("alg", json!("ES384")),
        ("alg", json!("HS256")),
        ("key_ops", json!(["encrypt"])),
        ("kid", json!("another")),
        ("crv", json!("P-384")),
    ] {
        let world = World::new().await;
        world.works().await;
        let world = World::new().await;
        let mut key = world.key.clone();
        key.jwk[member] = wrong;
        world.idp.publishes(&[&key]);
        world.rejects("not in the provider's key set", |_| {}).await;
    }
}

/// A symmetric "key" in a public document is known to everybody.
#[tokio::test]
async fn a_symmetric_key_in_the_set_is_no_key() {
    let world = World::with_key(Key::rsa("one", Algorithm::RS256), |_| {}).await;
    world.works().await;
    let world = World::with_key(world.key.clone(), |_| {}).await;
    world.idp.says_json("/jwks", &json!({"keys": [{"kty": "oct", "kid": "one", "k": "c2VjcmV0"}]}));
    world.rejects("not in the provider's key set", |_| {}).await;
}

/// Looking for new keys while the provider is away is weather, and over when it is back.
#[tokio::test]
async fn an_unknown_key_while_the_provider_is_away_is_weather() {
    let world = World::new().await;
    world.works().await;
    let new = Key::es256("two");
    world.idp.says("/jwks", Canned::text(503, ""));
    let rotated = |plan: &mut super::world::Plan| {
        (plan.header, plan.key) = (new.header(), new.clone());
    };
    let error = world.sign_in(rotated).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
    world.idp.publishes(&[&new]);
    world.clock.advance_seconds(2);
    world.sign_in(rotated).await.unwrap();
}
