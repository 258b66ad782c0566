//! Asking about a person again (OpenID Connect Core §12).

use super::idp::{Canned, Key};
use super::world::{ACCESS_TOKEN, CLIENT, World};
use kernel::encoding::from_any_base64;
use serde_json::{Value, json};
use sso::ProviderError;
use sso::oidc::{Config, Rechecked, Userinfo};

const SUB: &str = "248289761001";
const OLD: &str = "the refresh token of the sign-in";
const NEW: &str = "the refresh token that comes next";

fn asking(config: &mut Config) {
    config.recheck_seconds = 60;
    config.scopes.push("offline_access".to_owned());
}

/// What a later ID token says: as at sign-in, without a nonce and with new groups.
fn later(world: &World) -> Value {
    let now = world.now();
    json!({
        "iss": world.idp.url, "aud": CLIENT, "sub": SUB, "iat": now, "exp": now + 300,
        "auth_time": now - 90_000, "name": "Ada King", "email": "ada@example.com",
        "groups": ["staff"],
    })
}

/// Asks again; the answer has an ID token with these claims, if any, and a new refresh token.
async fn ask(world: &World, claims: Option<Value>) -> Rechecked {
    let token = claims.map(|claims| world.key.sign(&world.key.header(), &claims));
    let mut response =
        json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "refresh_token": NEW });
    if let Some(token) = token {
        response["id_token"] = json!(token);
    }
    world.idp.says_json("/token", &response);
    world.provider.recheck(OLD, SUB).await
}

/// The new token comes with every outcome: the old one may be worth nothing.
#[track_caller]
fn is_kept(answer: &Rechecked) {
    assert_eq!(answer.refresh_token.as_ref().map(kernel::Redacted::reveal), Some(NEW));
    assert!(!format!("{answer:?}").contains(NEW), "Debug shows the token");
}

/// What is not needed is not kept, and what is needed is.
#[tokio::test]
async fn a_refresh_token_is_kept_only_where_it_is_used() {
    for (change, kept) in [((|_| {}) as fn(&mut Config), None), (asking, Some(OLD))] {
        let world = World::with(change).await;
        assert_eq!(world.provider.rechecks_after(), kept.map(|_| 60));
        let with_token = |plan: &mut super::world::Plan| {
            plan.response["refresh_token"] = json!(OLD);
        };
        let upstream = world.sign_in(with_token).await.unwrap().upstream;
        let token = upstream.refresh_token.as_ref().map(kernel::Redacted::reveal);
        assert_eq!(token, kept);
        assert!(!format!("{upstream:?}").contains(OLD), "Debug shows the token");
    }
    // It is no failure of the sign-in if none comes, or none to speak of.
    let world = World::with(asking).await;
    assert_eq!(world.works().await.upstream.refresh_token, None);
    for odd in [String::new(), "x".repeat(20_000)] {
        let signed_in = world.sign_in(|plan| plan.response["refresh_token"] = json!(odd)).await;
        assert_eq!(signed_in.unwrap().upstream.refresh_token, None);
    }
}

/// The request is RFC 6749 §6 with the client's own proof; the answer is the person as of now.
/// That they proved who they are long ago is no matter.
#[tokio::test]
async fn the_person_as_of_now() {
    let world = World::with(|config| {
        asking(config);
        config.max_age_seconds = Some(600);
    })
    .await;
    let answer = ask(&world, Some(later(&world))).await;
    is_kept(&answer);
    let identity = answer.outcome.unwrap();
    assert_eq!(identity.groups, ["staff"]);
    assert_eq!(
        (identity.provider.as_str(), identity.external_id.as_str(), identity.name.as_str()),
        ("corp", SUB, "Ada King")
    );
    let seen = world.idp.last("/token");
    assert_eq!(seen.form["grant_type"], "refresh_token");
    assert_eq!(seen.form["refresh_token"], OLD);
    assert_eq!(seen.form.len(), 2, "{:?}", seen.form);
    let proof = seen.authorization.unwrap();
    from_any_base64(proof.strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(world.idp.count("/userinfo"), 0);
}

/// A provider that does not rotate gives no new token.
#[tokio::test]
async fn without_rotation_the_old_token_stays() {
    let world = World::with(asking).await;
    let id_token = world.key.sign(&world.key.header(), &later(&world));
    world.idp.says_json("/token", &json!({ "access_token": "x", "id_token": id_token }));
    let answer = world.provider.recheck(OLD, SUB).await;
    assert!(answer.outcome.is_ok() && answer.refresh_token.is_none(), "{answer:?}");
}

/// §12.2: the same issuer, audience and person, and all that holds of any token of the provider.
#[tokio::test]
async fn a_later_id_token_is_checked_like_the_first() {
    let world = World::with(asking).await;
    assert!(ask(&world, Some(later(&world))).await.outcome.is_ok());
    let now = world.now();
    for (claim, wrong, reason) in [
        ("iss", json!("https://evil.example"), "iss"),
        ("aud", json!("another client"), "not for our client_id"),
        ("aud", json!([CLIENT, "another"]), "azp"),
        ("azp", json!("another client"), "azp"),
        ("sub", json!("somebody else"), "somebody else"),
        ("sub", json!(null), "no sub"),
        ("exp", json!(now - 61), "expired"),
        ("exp", json!(null), "not a number"),
        ("iat", json!(now - 1000), "issued 1000 s ago"),
        ("iat", json!(now + 100), "in the future"),
        ("at_hash", json!("AAAA"), "another access token"),
        ("events", json!({}), "not an ID token"),
    ] {
        let mut claims = later(&world);
        claims[claim] = wrong;
        let answer = ask(&world, Some(claims)).await;
        is_kept(&answer);
        let error = answer.outcome.unwrap_err();
        assert!(matches!(error, ProviderError::Rejected(_)), "{claim}: {error}");
        assert!(error.to_string().contains(reason), "{reason:?} is not in {error}");
    }
    let stranger = Key::es256("one");
    let forged = stranger.sign(&stranger.header(), &later(&world));
    world.idp.says_json("/token", &json!({ "id_token": forged, "refresh_token": NEW }));
    let answer = world.provider.recheck(OLD, SUB).await;
    is_kept(&answer);
    assert!(matches!(answer.outcome, Err(ProviderError::Rejected(_))), "{answer:?}");
}

/// §12.2: an ID token need not come; then userinfo says it all, and of whom.
#[tokio::test]
async fn without_an_id_token_userinfo_is_asked() {
    let world = World::with(asking).await;
    let says = json!({ "sub": SUB, "name": "Ada King", "groups": ["staff"] });
    world.idp.says_json("/userinfo", &says);
    let answer = ask(&world, None).await;
    is_kept(&answer);
    assert_eq!(answer.outcome.unwrap().groups, ["staff"]);
    let bearer = world.idp.last("/userinfo").authorization.unwrap();
    assert_eq!(bearer, format!("Bearer {ACCESS_TOKEN}"));
    // T-UP-04: about somebody else, or nobody.
    for wrong in [json!({ "sub": "somebody else" }), json!({ "sub": 7 }), json!({})] {
        world.idp.says_json("/userinfo", &wrong);
        let answer = ask(&world, None).await;
        is_kept(&answer);
        assert!(matches!(answer.outcome, Err(ProviderError::Rejected(_))), "{wrong}: {answer:?}");
    }
    world.idp.says("/userinfo", Canned::text(500, "x"));
    let answer = ask(&world, None).await;
    is_kept(&answer);
    assert!(matches!(answer.outcome, Err(ProviderError::Unavailable(_))), "{answer:?}");

    let never = World::with(|config| {
        asking(config);
        config.userinfo = Userinfo::Never;
    })
    .await;
    let answer = ask(&never, None).await;
    is_kept(&answer);
    assert!(matches!(answer.outcome, Err(ProviderError::Misconfigured(_))), "{answer:?}");
    assert_eq!(never.idp.count("/userinfo"), 0);
}

/// Groups that are left out are asked for or refused, as at sign-in: nobody loses them silently.
#[tokio::test]
async fn groups_left_out_are_no_groups_taken_away() {
    let world = World::with(asking).await;
    let mut claims = later(&world);
    claims.as_object_mut().unwrap().remove("groups");
    claims["_claim_names"] = json!({ "groups": "src1" });
    let answer = ask(&world, Some(claims)).await;
    is_kept(&answer);
    assert!(matches!(answer.outcome, Err(ProviderError::Incomplete(_))), "{answer:?}");
}

/// Only the provider's own no is one. Weather is not, nor are our credentials.
#[tokio::test]
async fn a_no_is_told_from_weather() {
    let world = World::with(asking).await;
    let fails = async |canned: Canned| {
        world.idp.says("/token", canned);
        let answer = world.provider.recheck(OLD, SUB).await;
        assert!(answer.refresh_token.is_none(), "{answer:?}");
        let error = answer.outcome.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(OLD), "{error}");
        error
    };
    let error = |status, code: &str| Canned::json(status, &json!({ "error": code }));
    let refused = fails(error(400, "invalid_grant")).await;
    assert!(matches!(&refused, ProviderError::Refused { code, .. } if code == "invalid_grant"));
    for code in ["invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type"]
    {
        let error = fails(error(400, code)).await;
        assert!(matches!(error, ProviderError::Misconfigured(_)), "{code}: {error}");
    }
    for weather in [
        Canned::text(500, OLD),
        error(503, "invalid_grant"),
        Canned::text(429, ""),
        Canned::text(400, "<html>"),
        Canned::text(200, "<html>"),
    ] {
        let error = fails(weather.clone()).await;
        assert!(matches!(error, ProviderError::Unavailable(_)), "{}: {error}", weather.body);
    }
}

/// While the keys cannot be had the refresh token is not shown: it would be used up for nothing.
#[tokio::test]
async fn nothing_is_shown_to_a_provider_without_keys() {
    let world = World::with(asking).await;
    world.idp.says("/jwks", Canned::text(503, ""));
    let answer = world.provider.recheck(OLD, SUB).await;
    assert!(matches!(answer.outcome, Err(ProviderError::Unavailable(_))), "{answer:?}");
    assert_eq!(world.idp.count("/token"), 0);
}
