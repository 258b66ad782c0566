//! The provider's keys: rotation, floods, and sets with odd things in them.

use super::idp::{Canned, Key};
use super::world::World;
use futures_util::future::join_all;
use jsonwebtoken::Algorithm;
use kernel::encoding::{base64, base64url, from_base64url};
use serde_json::json;
use sso::{ProviderError, Verdict};

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

/// RFC 7518 §2, §6.2.1.2 and §6.3.1.1: the same numbers, written as providers write them.
#[tokio::test]
async fn numbers_in_other_clothes_are_the_same_keys() {
    type Rewrite = fn(Vec<u8>) -> String;
    let rewrites: [(&str, Rewrite); 4] = [
        ("padded base64url", |bytes| padded(&base64url(&bytes))),
        ("standard alphabet, padded", |bytes| base64(&bytes)),
        ("standard alphabet, bare", |bytes| base64(&bytes).trim_end_matches('=').to_owned()),
        ("a sign byte in front", |bytes| base64url(&[&[0], bytes.as_slice()].concat())),
    ];
    let keys = [
        (Key::rsa("one", Algorithm::RS256), ["n", "e"]),
        (Key::es256("one"), ["x", "y"]),
        (Key::es384("one"), ["x", "y"]),
    ];
    for (key, members) in keys {
        for (what, rewrite) in rewrites {
            let world = World::with_key(key.clone(), |_| {}).await;
            let mut odd = key.clone();
            for member in members {
                let number = from_base64url(odd.jwk[member].as_str().unwrap()).unwrap();
                odd.jwk[member] = json!(rewrite(number));
            }
            // 48 bytes need no padding, and few bytes may not show the alphabet.
            assert!(odd.jwk != key.jwk || odd.jwk["kty"] == "EC", "{what}");
            world.idp.publishes(&[&odd]);
            let signed_in = world.sign_in(|_| {}).await;
            assert!(signed_in.is_ok(), "{what}: {}: {signed_in:?}", key.jwk);
        }
    }
}

/// A library that prints numbers drops the zeros that a coordinate begins with.
#[tokio::test]
async fn a_coordinate_that_lost_its_zeros_is_the_same_point() {
    let zero = |key: &Key| {
        let x = from_base64url(key.jwk["x"].as_str().unwrap()).unwrap();
        (x[0] == 0).then(|| base64url(&x[1..]))
    };
    let mut keys = std::iter::repeat_with(|| Key::es256("one"));
    let (key, short) = keys.find_map(|key| Some((key.clone(), zero(&key)?))).unwrap();
    let world = World::with_key(key.clone(), |_| {}).await;
    let mut odd = key;
    odd.jwk["x"] = json!(short);
    world.idp.publishes(&[&odd]);
    world.works().await;
}

/// RFC 7517 §4.5: a set without `kid` serves tokens that name their key, whichever it is.
#[tokio::test]
async fn a_set_without_key_ids_serves_tokens_that_name_theirs() {
    let world = World::with_key(Key::rsa("one", Algorithm::RS256), |_| {}).await;
    let unnamed = |key: &Key, kid: serde_json::Value| {
        let mut key = key.clone();
        key.jwk["kid"] = kid;
        key
    };
    for kid in [json!(null), json!("")] {
        let other = Key::rsa("x", Algorithm::RS256);
        let keys = [&other, &Key::es256("y"), &world.key].map(|key| unnamed(key, kid.clone()));
        world.idp.publishes(&keys.iter().collect::<Vec<_>>());
        world.clock.advance_seconds(3600);
        world.works().await;
        let stranger = Key::rsa("one", Algorithm::RS256);
        world.rejects("not in the provider's key set", |plan| plan.key = stranger).await;
        world.clock.advance_seconds(60);
    }
    // A key that has a name is nobody else's.
    let named = unnamed(&world.key, json!("another"));
    world.idp.publishes(&[&named, &unnamed(&Key::es256("y"), json!(null))]);
    world.clock.advance_seconds(3600);
    world.rejects("not in the provider's key set", |_| {}).await;
}

/// A key that could have been one is named with its fault, and the others are used.
#[tokio::test]
async fn a_key_that_cannot_be_read_is_named_with_its_fault() {
    let log = testkit::CapturedLog::start();
    let short = base64url(&[0x80; 128]);
    let faults = [
        (json!({"kty": "RSA", "kid": "odd-n", "n": "%%%", "e": "AQAB"}), "n is not base64url"),
        (json!({"kty": "RSA", "kid": "small", "n": short, "e": "AQAB"}), "1024 bits"),
        (json!({"kty": "RSA", "kid": "no-e", "n": base64url(&[0x80; 256])}), "no e"),
        (json!({"kty": "EC", "kid": "no-curve", "x": "AA", "y": "AA"}), "no crv"),
        (json!({"kty": "EC", "crv": "P-256", "kid": "long", "x": short, "y": "AA"}), "32 bytes"),
        (json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "AAAA"}), "3 bytes"),
        (json!({"kty": "RSA", "kid": 7, "n": base64url(&[0x80; 256]), "e": "AQAB"}), "no. 7"),
        (json!("no key at all"), "no. 8"),
    ];
    let world = World::new().await;
    let mut keys: Vec<_> = faults.iter().map(|(key, _)| key.clone()).collect();
    keys.push(world.key.jwk.clone());
    world.idp.says_json("/jwks", &json!({ "keys": keys }));
    world.works().await;
    let skipped = world.provider.examine().await.into_iter();
    let skipped: Vec<_> = skipped.filter(|finding| finding.verdict == Verdict::Warning).collect();
    assert_eq!(skipped.len(), faults.len(), "{skipped:?}");
    for ((key, fault), finding) in faults.iter().zip(&skipped) {
        let name = key["kid"].as_str().unwrap_or_default();
        assert!(finding.what.contains(name) && finding.what.contains(fault), "{finding:?}");
        let logged = log.text();
        let mut lines = logged.lines().filter(|line| line.contains("sso.oidc.key_skipped"));
        assert!(lines.any(|line| line.contains(name) && line.contains(fault)), "{fault}");
    }
}

fn padded(text: &str) -> String {
    format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4))
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
