//! The way there.

use super::world::{CLIENT, REDIRECT, World, description, random};
use kernel::encoding::sha256_base64url;
use serde_json::{Value, json};
use sso::ProviderError;

#[tokio::test]
async fn t_up_15_state_nonce_and_verifier_are_independent_and_the_verifier_stays_here() {
    let world = World::new().await;
    let (query, pending) = world.begin().await;
    let kept: Value = serde_json::to_value(&pending).unwrap();
    let verifier = kept["verifier"].as_str().unwrap();
    assert_eq!(query["state"], "wg_up_state");
    assert_eq!(query["nonce"], kept["nonce"].as_str().unwrap());
    assert_eq!(query["code_challenge"], sha256_base64url(verifier.as_bytes()));
    assert_eq!(query["code_challenge_method"], "S256");
    assert!(verifier.len() >= 43 && verifier != query["nonce"]);
    assert!(!query.values().any(|value| value.contains(verifier)));
    assert!(!format!("{pending:?}").contains(verifier), "Debug shows the verifier");

    let (again, other) = world.begin().await;
    let other: Value = serde_json::to_value(&other).unwrap();
    assert_ne!(again["nonce"], query["nonce"]);
    assert_ne!(other["verifier"], kept["verifier"]);
}

/// UP-1.
#[tokio::test]
async fn the_request_is_one_for_a_code_as_a_query() {
    let world = World::with(|config| config.max_age_seconds = Some(600)).await;
    let (query, _) = world.begin().await;
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["client_id"], CLIENT);
    assert_eq!(query["redirect_uri"], REDIRECT);
    assert_eq!(query["scope"], "openid profile email");
    assert_eq!(query["login_hint"], "ada@example.com");
    assert_eq!(query["prompt"], "select_account");
    assert_eq!(query["max_age"], "600");
    assert!(!query.contains_key("response_mode"));
}

/// T-UP-01, T-UP-03, UP-6: each description differs from a good one in one member.
#[tokio::test]
async fn t_up_01_t_up_03_a_wrong_description_is_refused() {
    let place = "/.well-known/openid-configuration";
    World::new().await.begin().await;
    for (member, wrong) in [
        ("issuer", json!("http://127.0.0.1:1")),
        ("issuer", json!(null)),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("authorization_endpoint", json!("data:text/html,x")),
        ("authorization_endpoint", json!("http://idp.example.com/authorize")),
        ("authorization_endpoint", json!("https://idp.example.com/$(id);`id`")),
        ("authorization_endpoint", json!("https://idp.example.com/a b")),
        ("authorization_endpoint", json!("https://idp.example.com\\@evil.example/")),
        ("authorization_endpoint", json!("https://user:pw@idp.example.com/")),
        ("authorization_endpoint", json!("/authorize")),
        ("authorization_endpoint", json!(null)),
        ("token_endpoint", json!("ftp://idp.example.com/token")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("userinfo_endpoint", json!("http://10.0.0.1/")),
        ("end_session_endpoint", json!("javascript:alert(1)")),
    ] {
        let world = World::new().await;
        let mut document = description(&world.idp.url);
        document[member] = wrong.clone();
        world.idp.says_json(place, &document);
        let error = world.provider.begin("s", None, &random()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Misconfigured(_)), "{member} {wrong}: {error}");
    }
    // A slash more or less is another issuer.
    let world = World::new().await;
    let mut document = description(&world.idp.url);
    document["issuer"] = json!(format!("{}/", world.idp.url));
    world.idp.says_json(place, &document);
    assert!(world.provider.begin("s", None, &random()).await.is_err());
}

/// IS-3, RFC 9207: before the code is sent anywhere.
#[tokio::test]
async fn is_3_the_answer_must_come_from_this_provider() {
    let world = World::new().await;
    world.works().await;
    let issuer = world.idp.url.clone();
    world.sign_in(|plan| plan.iss = Some(issuer.clone())).await.unwrap();
    let redeemed = world.idp.count("/token");
    world.rejects("names the issuer", |plan| plan.iss = Some(format!("{issuer}/"))).await;
    world.rejects("names the issuer", |plan| plan.iss = Some(String::new())).await;
    assert_eq!(world.idp.count("/token"), redeemed, "the code was sent somewhere");
    let refusal = async |world: &World, iss| world.provider.refusal(iss, "x", "").await;
    assert!(refusal(&world, Some("https://evil.example")).await.is_err());
    refusal(&world, None).await.unwrap();

    let world = World::new().await;
    let mut document = description(&world.idp.url);
    document["authorization_response_iss_parameter_supported"] = json!(true);
    world.idp.says_json("/.well-known/openid-configuration", &document);
    let issuer = world.idp.url.clone();
    world.sign_in(|plan| plan.iss = Some(issuer)).await.unwrap();
    world.rejects("names no issuer", |_| {}).await;
    assert!(refusal(&world, None).await.is_err());
}

/// Glewlwyd 2.7 refuses whoever sends PKCE, with no word about it, until `pkce-allowed` is on.
#[tokio::test]
async fn an_invalid_request_may_be_about_pkce() {
    let world = World::new().await;
    let hints = async |world: &World, code| {
        let refused = world.provider.refusal(None, code, "").await.unwrap();
        assert!(matches!(&refused, ProviderError::Refused { code: named, .. } if named == code));
        refused.to_string().contains("PKCE")
    };
    assert!(!hints(&world, "invalid_request").await, "it says that it knows PKCE");
    let world = World::new().await;
    let mut document = description(&world.idp.url);
    document.as_object_mut().unwrap().remove("code_challenge_methods_supported");
    world.idp.says_json("/.well-known/openid-configuration", &document);
    assert!(hints(&world, "invalid_request").await);
    assert!(!hints(&world, "access_denied").await);
}

/// IS-3: the issuer is recorded for each transaction.
#[tokio::test]
async fn a_sign_in_ends_at_the_issuer_where_it_began() {
    let here = World::new().await;
    let elsewhere = World::new().await;
    let (_, pending) = elsewhere.begin().await;
    let answer = sso::oidc::CallbackAnswer { code: "the-code", iss: None };
    let error = here.provider.finish(&pending, &answer).await.unwrap_err();
    assert!(matches!(error, ProviderError::Rejected(_)), "{error}");
    assert_eq!(here.idp.count("/token"), 0);
}
