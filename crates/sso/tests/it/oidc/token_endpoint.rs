//! Redeeming the code, and how we prove to be us.

use super::idp::{Canned, Key};
use super::world::{CLIENT, REDIRECT, World};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use kernel::Redacted;
use kernel::encoding::from_any_base64;
use serde_json::{Value, json};
use sso::ProviderError;
use sso::oidc::ClientAuth;

#[tokio::test]
async fn the_request_carries_code_verifier_and_redirect_uri() {
    let world = World::new().await;
    let (query, pending) = world.begin().await;
    let kept = serde_json::to_value(&pending).unwrap();
    world.come_back(&pending, world.plan(&query["nonce"])).await.unwrap();
    let form = world.idp.last("/token").form;
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], "the-code");
    assert_eq!(form["redirect_uri"], REDIRECT);
    assert_eq!(form["code_verifier"], kept["verifier"].as_str().unwrap());
}

/// RFC 6749 §2.3.1: both halves are form-encoded first.
#[tokio::test]
async fn client_secret_basic_encodes_id_and_secret() {
    let world = World::new().await;
    world.works().await;
    let seen = world.idp.last("/token");
    let sent = seen.authorization.unwrap();
    let pair = from_any_base64(sent.strip_prefix("Basic ").unwrap()).unwrap();
    let pair = String::from_utf8(pair).unwrap();
    assert_eq!(pair, "wicketgate+at+example:s3cret%3A+with%2Fodd%2Bcharacters");
    assert!(!seen.form.contains_key("client_secret") && !seen.form.contains_key("client_id"));
}

#[tokio::test]
async fn client_secret_post_and_none_go_into_the_form() {
    let secret = ClientAuth::Post(Redacted::new("s3cret"));
    let world = World::with(|config| config.client_auth = secret).await;
    world.works().await;
    let seen = world.idp.last("/token");
    assert_eq!(
        (seen.form["client_id"].as_str(), seen.form["client_secret"].as_str()),
        (CLIENT, "s3cret")
    );
    assert_eq!(seen.authorization, None);

    let world = World::with(|config| config.client_auth = ClientAuth::None).await;
    world.works().await;
    let seen = world.idp.last("/token");
    assert_eq!(seen.form["client_id"], CLIENT);
    assert!(!seen.form.contains_key("client_secret"));
}

#[tokio::test]
async fn private_key_jwt_is_short_lived_single_use_and_for_the_token_endpoint() {
    for (key, algorithm) in [
        (Key::es256("us"), sso::oidc::Algorithm::Es256),
        (Key::rsa("us", Algorithm::PS256), sso::oidc::Algorithm::Ps256),
        (Key::ed25519("us"), sso::oidc::Algorithm::EdDsa),
    ] {
        let auth = ClientAuth::PrivateKeyJwt {
            key_pem: Redacted::new(key.pem.clone()),
            algorithm,
            key_id: Some("us".to_owned()),
        };
        let world = World::with(|config| config.client_auth = auth).await;
        let mut seen = Vec::new();
        for _ in 0..2 {
            world.works().await;
            let form = world.idp.last("/token").form;
            assert_eq!(
                form["client_assertion_type"],
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            );
            assert_eq!(form["client_id"], CLIENT);
            let claims = verified(&form["client_assertion"], &key);
            let now = world.now();
            assert_eq!((&claims["iss"], &claims["sub"]), (&json!(CLIENT), &json!(CLIENT)));
            assert_eq!(claims["aud"], json!(format!("{}/token", world.idp.url)));
            assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now), &json!(now + 60)));
            seen.push(claims["jti"].as_str().unwrap().to_owned());
        }
        assert_ne!(seen[0], seen[1]);
    }
}

fn verified(assertion: &str, key: &Key) -> Value {
    assert_eq!(decode_header(assertion).unwrap().kid.as_deref(), Some("us"));
    let jwk: Jwk = serde_json::from_value(key.jwk.clone()).unwrap();
    let mut validation = Validation::new(key.algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode(assertion, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap().claims
}

/// Whose fault it is decides what the person and the operator read.
#[tokio::test]
async fn refusals_are_told_apart() {
    let world = World::new().await;
    world.works().await;
    let fails = async |canned: Canned| {
        let (_, pending) = world.begin().await;
        world.idp.says("/token", canned);
        let answer = sso::oidc::CallbackAnswer { code: "the-code", iss: None };
        world.provider.finish(&pending, &answer).await.unwrap_err()
    };
    let error = |status, code: &str| Canned::json(status, &json!({ "error": code }));
    let refused = fails(error(400, "invalid_grant")).await;
    assert!(matches!(&refused, ProviderError::Refused { code, .. } if code == "invalid_grant"));
    for (status, code) in
        [(401, "invalid_client"), (400, "unauthorized_client"), (400, "invalid_scope")]
    {
        let error = fails(error(status, code)).await;
        assert!(matches!(error, ProviderError::Misconfigured(_)), "{code}: {error}");
        assert!(error.to_string().contains(code), "{error}");
    }
    let error = fails(Canned::text(401, "no")).await;
    assert!(matches!(error, ProviderError::Misconfigured(_)), "{error}");
    for weather in [
        Canned::text(500, "oops"),
        Canned::json(503, &json!({ "error": "invalid_grant" })),
        Canned::text(429, ""),
        Canned::json(400, &json!({ "error": "temporarily_unavailable" })),
        Canned::text(200, "<html>It works!</html>"),
        Canned::text(200, ""),
        Canned::json(200, &json!([1])),
        Canned {
            headers: vec![("location", "http://127.0.0.1:1/".into())],
            ..Canned::text(302, "")
        },
    ] {
        let error = fails(weather.clone()).await;
        assert!(matches!(error, ProviderError::Unavailable(_)), "{}: {error}", weather.body);
    }
    let error = fails(Canned::json(200, &json!({ "access_token": "x" }))).await;
    assert!(matches!(error, ProviderError::Incomplete(_)), "{error}");
}

/// `LemonLDAP::NG` 2.16 answers every sign-in so where the client has no algorithm for ID tokens.
#[tokio::test]
async fn a_500_names_its_error_and_the_likely_cause() {
    let world = World::new().await;
    let (_, pending) = world.begin().await;
    let fails = async |canned: Canned| {
        world.idp.says("/token", canned);
        let answer = sso::oidc::CallbackAnswer { code: "the-code", iss: None };
        world.provider.finish(&pending, &answer).await.unwrap_err()
    };
    let body = json!({ "error": "server_error", "error_description": "the-code" });
    for (status, hints) in [(500, true), (503, false), (429, false)] {
        let error = fails(Canned::json(status, &body)).await;
        assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains(&format!("answered {status} (server_error)")), "{text}");
        assert_eq!(text.contains("ID token signature algorithm"), hints, "{text}");
        assert!(!text.contains("the-code"), "{text}");
    }
    assert!(fails(Canned::text(500, "oops")).await.to_string().contains("answered 500; if that"));
}

/// UP-7: the provider's words reach a log as one line, and nothing else.
#[tokio::test]
async fn up_7_the_providers_words_are_cleaned() {
    let world = World::new().await;
    let (_, pending) = world.begin().await;
    let odd = json!({
        "error": "<script>invalid_grant\r\n", "error_description": "a\r\nFAKE LOG\u{1b}[2J\u{202e}",
    });
    world.idp.says("/token", Canned::json(400, &odd));
    let answer = sso::oidc::CallbackAnswer { code: "the-code", iss: None };
    let error = world.provider.finish(&pending, &answer).await.unwrap_err();
    let ProviderError::Refused { code, detail } = error else { panic!("{error}") };
    assert_eq!(code, "scriptinvalid_grant");
    assert_eq!(detail, "a  FAKE LOG [2J");
}

/// No secret of the exchange is in an error, whatever went wrong.
#[tokio::test]
async fn errors_hold_no_secrets() {
    let world = World::new().await;
    let (_, pending) = world.begin().await;
    let kept = serde_json::to_value(&pending).unwrap();
    let secrets = ["the-code", "s3cret", kept["verifier"].as_str().unwrap()];
    for canned in [
        Canned::text(500, "the-code"),
        Canned::json(200, &json!({ "id_token": ["the-code"] })),
        Canned::text(404, "s3cret"),
    ] {
        world.idp.says("/token", canned);
        let answer = sso::oidc::CallbackAnswer { code: "the-code", iss: None };
        let error = world.provider.finish(&pending, &answer).await.unwrap_err();
        let text = format!("{error} {error:?} {answer:?} {pending:?} {:?}", world.provider);
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text}");
    }
}

#[tokio::test]
async fn a_code_that_is_none_is_not_sent() {
    let world = World::new().await;
    world.works().await;
    for code in [String::new(), "x".repeat(9000)] {
        world.rejects("code", |plan| plan.code = code).await;
    }
    assert_eq!(world.idp.count("/token"), 1);
}
