//! What an ID token must be and say (UP-2).

use super::idp::Key;
use super::world::{ACCESS_TOKEN, World};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kernel::encoding::{base64url, sha256};
use serde_json::{Value, json};

#[tokio::test]
async fn a_good_answer_is_a_person() {
    let world = World::new().await;
    let signed_in = world.works().await;
    let identity = signed_in.identity;
    assert_eq!(identity.provider, "corp");
    assert_eq!(identity.external_id, "248289761001");
    assert_eq!(identity.name, "Ada Lovelace");
    assert_eq!(identity.verified_email(), Some("ada@example.com"));
    assert_eq!(identity.groups, ["staff", "tools"]);
    assert_eq!(signed_in.upstream.id.as_deref(), Some("session-1"));
    assert!(signed_in.upstream.logout_hint.unwrap().starts_with("ey"));
    assert_eq!(world.idp.count("/userinfo"), 0, "nothing was missing");
}

#[tokio::test]
async fn every_configured_algorithm_works() {
    for key in [
        Key::es256("k"),
        Key::es384("k"),
        Key::ed25519("k"),
        Key::rsa("k", Algorithm::RS256),
        Key::rsa("k", Algorithm::PS256),
    ] {
        World::with_key(key, |_| {}).await.works().await;
    }
}

/// Each claim with one wrong value, and why it is refused.
#[tokio::test]
async fn up_2_each_wrong_claim_is_refused() {
    let world = World::new().await;
    world.works().await;
    let now = world.now();
    for (claim, wrong, reason) in [
        ("iss", json!("https://evil.example"), "iss"),
        ("iss", json!(format!("{}/", world.idp.url)), "iss"),
        ("iss", Value::Null, "iss"),
        ("aud", json!("another client"), "not for our client_id"),
        ("aud", json!(["another client"]), "not for our client_id"),
        ("aud", json!([]), "not for our client_id"),
        ("aud", Value::Null, "aud"),
        ("aud", json!([{"x": 1}]), "aud"),
        ("azp", json!("another client"), "azp"),
        ("azp", json!(7), "azp"),
        ("nonce", json!("another"), "another nonce"),
        ("nonce", Value::Null, "no nonce"),
        ("exp", json!(now - 60), "expired 60 s ago"),
        ("exp", json!("soon"), "exp is not a number"),
        ("iat", json!(now + 61), "61 s in the future"),
        ("iat", json!(now - 361), "issued 361 s ago"),
        ("iat", json!("now"), "iat is not a number"),
        ("nbf", json!(now + 61), "nbf"),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"), "another access token"),
        ("events", json!({}), "not an ID token"),
        ("sub", Value::Null, "no sub"),
        ("sub", json!(7), "no sub that is a text; it is a number"),
    ] {
        world.rejects(reason, |plan| plan.claims[claim] = wrong).await;
    }
    for required in ["exp", "iat", "nonce", "iss", "aud", "sub"] {
        world
            .rejects("", |plan| {
                plan.claims.as_object_mut().unwrap().remove(required).unwrap();
            })
            .await;
    }
}

#[tokio::test]
async fn values_at_the_edge_and_unusual_shapes_are_fine() {
    let world = World::new().await;
    let now = world.now();
    let at_hash = base64url(&sha256(ACCESS_TOKEN.as_bytes())[..16]);
    for (claim, fine) in [
        ("exp", json!(now - 59)),
        ("iat", json!(now + 60)),
        ("iat", json!(now - 360)),
        ("nbf", json!(now + 60)),
        ("at_hash", json!(at_hash)),
        ("aud", json!([super::world::CLIENT])),
        ("azp", json!(super::world::CLIENT)),
        ("unknown", json!({"deep": [1, 2, 3]})),
    ] {
        let outcome = world.sign_in(|plan| plan.claims[claim] = fine.clone()).await;
        assert!(outcome.is_ok(), "{claim} = {fine}: {outcome:?}");
    }
    #[expect(clippy::cast_precision_loss, reason = "a fraction is the point")]
    let fraction = json!(now as f64 + 0.5);
    world.sign_in(|plan| plan.claims["iat"] = fraction).await.unwrap();
}

#[tokio::test]
async fn several_audiences_need_an_azp_that_is_us() {
    let world = World::new().await;
    let both = json!([super::world::CLIENT, "another client"]);
    let with = |azp: Value| {
        let both = both.clone();
        move |plan: &mut super::world::Plan| {
            plan.claims["aud"] = both;
            plan.claims["azp"] = azp;
        }
    };
    world.sign_in(with(json!(super::world::CLIENT))).await.unwrap();
    world.rejects("azp", with(json!("another client"))).await;
    world.rejects("no azp", |plan| plan.claims["aud"] = both.clone()).await;
}

/// UP-2 as amended: without an `azp`, every other audience must be one that the operator trusts.
#[tokio::test]
async fn several_audiences_without_azp_are_trusted_by_name() {
    let world = World::with(|config| {
        config.trusted_audiences = vec!["the api".to_owned(), "unused".to_owned()];
    });
    let world = world.await;
    let with = |others: &[&str]| {
        let all = json!([&[super::world::CLIENT], others].concat());
        move |plan: &mut super::world::Plan| plan.claims["aud"] = all
    };
    world.sign_in(with(&["the api"])).await.unwrap();
    world.sign_in(with(&["the api", "the api"])).await.unwrap();
    world.rejects("\"stranger\", which trusted_audiences", with(&["the api", "stranger"])).await;
    world.rejects("\"a b\", which trusted_audiences", with(&["a", "b"])).await;
    // Trust in others does not make a token ours, nor somebody else's one that we asked for.
    world.rejects("not for our client_id", |plan| plan.claims["aud"] = json!(["the api"])).await;
    let foreign = |plan: &mut super::world::Plan| {
        plan.claims["aud"] = json!([super::world::CLIENT, "the api"]);
        plan.claims["azp"] = json!("the api");
    };
    world.rejects("azp is not our client_id", foreign).await;
}

#[tokio::test]
async fn a_session_that_is_too_old_is_refused_where_max_age_is_set() {
    let world = World::with(|config| config.max_age_seconds = Some(600)).await;
    world.works().await;
    let now = world.now();
    world.rejects("max_age", |plan| plan.claims["auth_time"] = json!(now - 661)).await;
    world
        .rejects("no auth_time", |plan| {
            plan.claims.as_object_mut().unwrap().remove("auth_time").unwrap();
        })
        .await;
}

/// RFC 8725 §2.1, §3.1: the token has no say in how it is checked.
#[tokio::test]
async fn none_and_hmac_are_never_accepted() {
    let rsa = Key::rsa("one", Algorithm::RS256);
    let public_modulus = rsa.jwk["n"].as_str().unwrap().to_owned();
    let world = World::with_key(rsa, |_| {}).await;
    world.works().await;
    for alg in ["none", "None", "NONE", ""] {
        world
            .rejects("header", |plan| {
                let header = json!({ "alg": alg, "kid": "one" }).to_string();
                let payload = plan.claims.to_string();
                let unsigned = [header, payload].map(|part| base64url(part.as_bytes())).join(".");
                plan.id_token = Some(format!("{unsigned}."));
            })
            .await;
    }
    let jwk_text = world.key.jwk.to_string();
    for secret in [public_modulus.as_str(), jwk_text.as_str(), "s3cret: with/odd+characters"] {
        world
            .rejects("signing_algorithms", |plan| {
                let header =
                    Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
                let secret = EncodingKey::from_secret(secret.as_bytes());
                plan.id_token = Some(encode(&header, &plan.claims, &secret).unwrap());
            })
            .await;
    }
}

#[tokio::test]
async fn an_algorithm_that_is_not_configured_is_refused() {
    let key = Key::rsa("one", Algorithm::PS256);
    let world = World::with_key(key.clone(), |_| {}).await;
    world.works().await;
    let only_rs256 = |config: &mut sso::oidc::Config| {
        config.signing_algorithms = vec![sso::oidc::Algorithm::Rs256];
    };
    World::with_key(key, only_rs256).await.rejects("signing_algorithms", |_| {}).await;
}

#[tokio::test]
async fn a_wrong_signature_or_header_is_refused() {
    let world = World::new().await;
    world.works().await;
    let stranger = Key::es256("one");
    world.rejects("not valid", |plan| plan.key = stranger.clone()).await;
    // A key that comes with the token is nobody's.
    world
        .rejects("not valid", |plan| {
            plan.header.jwk = Some(serde_json::from_value(stranger.jwk.clone()).unwrap());
            plan.key = stranger.clone();
        })
        .await;
    world.rejects("crit", |plan| plan.header.crit = Some(vec!["b64".to_owned()])).await;
    world.rejects("typ", |plan| plan.header.typ = Some("logout+jwt".to_owned())).await;
    world.rejects("typ", |plan| plan.header.typ = Some("at+jwt".to_owned())).await;
    for junk in ["", "x", "a.b.c", "..", "ey.ey.ey"] {
        world.rejects("header", |plan| plan.id_token = Some(junk.to_owned())).await;
    }
    world.rejects("encrypted", |plan| plan.id_token = Some("a.b.c.d.e".to_owned())).await;
    world.rejects("256 KiB", |plan| plan.id_token = Some("x".repeat(300_000))).await;
}

/// RFC 7519 §4.
#[tokio::test]
async fn a_claim_that_appears_twice_is_refused() {
    let world = World::new().await;
    world
        .rejects("", |plan| {
            let payload = plan.claims.to_string();
            let twice = format!("{{\"sub\":\"somebody else\",{}", &payload[1..]);
            let raw = serde_json::value::RawValue::from_string(twice).unwrap();
            plan.id_token = Some(plan.key.sign_raw(&plan.header, &raw));
        })
        .await;
}

/// An ID token of one sign-in is worth nothing in another.
#[tokio::test]
async fn an_id_token_of_another_transaction_is_refused() {
    let world = World::new().await;
    let other = world.works().await.upstream.logout_hint;
    world.rejects("another nonce", |plan| plan.id_token = other).await;
}

#[tokio::test]
async fn an_id_that_identifies_nobody_is_refused() {
    let world = World::new().await;
    world.works().await;
    for wrong in [json!(["a"]), json!({"a": 1})] {
        world.rejects("not valid", |plan| plan.claims["sub"] = wrong).await;
    }
    for wrong in [json!(""), json!("x".repeat(256)), json!("a\u{0}b")] {
        let error = world.sign_in(|plan| plan.claims["sub"] = wrong.clone()).await.unwrap_err();
        assert!(matches!(error, sso::ProviderError::Incomplete(_)), "{wrong}: {error}");
    }
    let world = World::with(|config| config.claims.user = "employee".to_owned()).await;
    assert!(world.sign_in(|_| {}).await.is_err(), "the claim is missing");
    let signed_in = world.sign_in(|plan| plan.claims["employee"] = json!(1815)).await.unwrap();
    assert_eq!(signed_in.identity.external_id, "1815");
}
