//! Signing out on both sides.

use super::idp::Key;
use super::world::{CLIENT, World, description};
use jsonwebtoken::Header;
use kernel::Timestamp;
use serde_json::{Value, json};
use sso::ProviderError;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn good(world: &World) -> Value {
    let now = world.now();
    json!({
        "iss": world.idp.url, "aud": CLIENT, "sub": "248289761001", "sid": "session-1",
        "jti": "logout-1", "iat": now, "exp": now + 120, "events": { EVENT: {} },
    })
}

fn header(key: &Key, typ: Option<&str>) -> Header {
    Header { typ: typ.map(ToOwned::to_owned), ..key.header() }
}

async fn verify(
    world: &World,
    claims: &Value,
    typ: Option<&str>,
) -> Result<sso::oidc::LogoutNotice, ProviderError> {
    let token = world.key.sign(&header(&world.key, typ), claims);
    world.provider.verify_logout_token(&token).await
}

#[tokio::test]
async fn lo_1_a_logout_token_names_somebody() {
    let world = World::new().await;
    let notice = verify(&world, &good(&world), Some("logout+jwt")).await.unwrap();
    assert_eq!(notice.external_id.as_deref(), Some("248289761001"));
    assert_eq!(notice.session.as_deref(), Some("session-1"));
    assert_eq!(notice.one_time_id, "logout-1");
    // The id must be remembered as long as the token would be accepted.
    assert_eq!(notice.expires_at, Timestamp::from_millis((world.now() + 180) * 1000));
    for typ in [Some("JWT"), Some("jwt"), Some("application/logout+jwt"), None] {
        verify(&world, &good(&world), typ).await.unwrap();
    }
    for alone in ["sub", "sid"] {
        let mut claims = good(&world);
        claims.as_object_mut().unwrap().remove(alone).unwrap();
        verify(&world, &claims, Some("logout+jwt")).await.unwrap();
    }
    let mut claims = good(&world);
    claims.as_object_mut().unwrap().remove("exp").unwrap();
    verify(&world, &claims, Some("logout+jwt")).await.unwrap();
}

/// LO-1: each token differs from the good one in one thing.
#[tokio::test]
async fn t_up_11_every_other_logout_token_is_refused() {
    let world = World::new().await;
    verify(&world, &good(&world), Some("logout+jwt")).await.unwrap();
    let now = world.now();
    for (claim, wrong) in [
        ("nonce", json!("n")),
        ("nonce", Value::Null),
        ("iss", json!("https://evil.example")),
        ("aud", json!("another client")),
        ("events", json!({})),
        ("events", json!({ EVENT: true })),
        ("events", json!({ "http://schemas.openid.net/event/other": {} })),
        ("events", json!([EVENT])),
        ("events", Value::Null),
        ("exp", json!(now - 60)),
        ("exp", json!("later")),
        ("iat", json!(now + 61)),
        ("iat", Value::Null),
        ("jti", Value::Null),
        ("jti", json!("")),
        ("jti", json!("x".repeat(256))),
    ] {
        let mut claims = good(&world);
        claims[claim] = wrong.clone();
        let outcome = verify(&world, &claims, Some("logout+jwt")).await;
        assert!(matches!(outcome, Err(ProviderError::Rejected(_))), "{claim} = {wrong}");
    }
    for missing in [&["sub", "sid"][..], &["jti"], &["iat"], &["events"], &["iss"], &["aud"]] {
        let mut claims = good(&world);
        for claim in missing {
            claims.as_object_mut().unwrap().remove(*claim).unwrap();
        }
        assert!(verify(&world, &claims, Some("logout+jwt")).await.is_err(), "{missing:?}");
    }
    let mut old = good(&world);
    old.as_object_mut().unwrap().remove("exp").unwrap();
    old["iat"] = json!(now - 180);
    assert!(verify(&world, &old, Some("logout+jwt")).await.is_err(), "no exp, and old");
    for typ in ["at+jwt", "secevent+jwt", ""] {
        assert!(verify(&world, &good(&world), Some(typ)).await.is_err(), "typ {typ:?}");
    }
    let stranger = Key::es256("one");
    let forged = stranger.sign(&header(&stranger, Some("logout+jwt")), &good(&world));
    assert!(world.provider.verify_logout_token(&forged).await.is_err());
    let id_token = world.works().await.upstream.logout_hint.unwrap();
    assert!(world.provider.verify_logout_token(&id_token).await.is_err(), "an ID token");
    for junk in ["", "a.b.c", "…"] {
        assert!(world.provider.verify_logout_token(junk).await.is_err(), "{junk:?}");
    }
}

/// T-UP-05, from where anybody may send tokens.
#[tokio::test]
async fn t_up_05_forged_logout_tokens_make_no_flood() {
    let world = World::new().await;
    for n in 0..20 {
        let header = Header { kid: Some(format!("unknown-{n}")), ..world.key.header() };
        let token = world.key.sign(&header, &good(&world));
        world.provider.verify_logout_token(&token).await.unwrap_err();
    }
    assert_eq!(world.idp.count("/jwks"), 2);
}

#[tokio::test]
async fn lo_2_the_way_out_names_us_and_the_session() {
    let world = World::new().await;
    let back = "https://mcp.example.com/signed-out";
    let url = world.provider.logout_url(Some("ey.hint"), back, "st&te").await.unwrap().unwrap();
    let url = url::Url::parse(&url).unwrap();
    let query: Vec<_> = url.query_pairs().into_owned().collect();
    let expected = [
        ("tenant", "1"),
        ("id_token_hint", "ey.hint"),
        ("client_id", CLIENT),
        ("post_logout_redirect_uri", back),
        ("state", "st&te"),
    ];
    assert_eq!(query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let long = "x".repeat(7000);
    let url = world.provider.logout_url(Some(&long), back, "s").await.unwrap().unwrap();
    assert!(!url.contains("id_token_hint"));

    let world = World::new().await;
    let mut document = description(&world.idp.url);
    document.as_object_mut().unwrap().remove("end_session_endpoint").unwrap();
    world.idp.says_json("/.well-known/openid-configuration", &document);
    assert_eq!(world.provider.logout_url(None, back, "s").await.unwrap(), None);
}
