//! The discovery document (RFC 8414).

use serde_json::{Value, json};

use crate::world::{Plan, World};

/// T-META-01, MD-1, MD-2: every form that clients probe, with and without a path in the issuer.
#[tokio::test]
async fn t_meta_01_every_form_is_the_same_document() {
    for path in ["", "/wfgen"] {
        let world = Plan::sqlite().at(path).start().await;
        let origin = world.origin();
        let mut urls = Vec::new();
        for name in ["oauth-authorization-server", "openid-configuration"] {
            urls.push(format!("{origin}/.well-known/{name}{path}"));
            urls.push(format!("{origin}{path}/.well-known/{name}"));
        }
        let first = world.get(&urls[0]).await;
        assert_eq!(first.json()["issuer"], world.issuer, "{}", first.body);
        for url in urls {
            let answer = world.get(&url).await;
            assert_eq!(answer.status, 200, "{url}: {}", answer.body);
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.body, first.body, "{url}");
        }
    }
}

/// T-META-05, MD-5 to MD-10: what clients refuse to go on without.
#[tokio::test]
async fn t_meta_05_what_clients_look_for() {
    let world = World::sqlite().await;
    let metadata = metadata(&world).await;
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    assert_eq!(metadata["response_modes_supported"], json!(["query"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["grant_types_supported"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(
        metadata["token_endpoint_auth_methods_supported"],
        json!(["none", "client_secret_post", "client_secret_basic", "private_key_jwt"])
    );
    // MD-10 (RFC 8414 §2): beside private_key_jwt, and never none or an algorithm of shared secrets.
    for endpoint in ["token", "revocation"] {
        let name = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
        assert_eq!(metadata[&name], json!(["ES256", "RS256", "PS256", "EdDSA"]));
    }
    let scopes = metadata["scopes_supported"].as_array().expect("scopes");
    assert!(scopes.contains(&json!("offline_access")), "{scopes:?}");
    assert_eq!(metadata["registration_endpoint"], world.at("/register"));
}

/// MD-6: no registration endpoint is named when there is none.
#[tokio::test]
async fn md_6_registration_that_is_off_is_not_named() {
    let plan = Plan::sqlite().config(|config| config.registration.enabled = false);
    let world = plan.start().await;
    assert_eq!(metadata(&world).await.get("registration_endpoint"), None);
    let registration = json!({ "redirect_uris": ["https://a.example/cb"] });
    let answer = world.register(&registration).await;
    assert_eq!((answer.status, &answer.json()["error"]), (404, &json!("not_found")));
    for method in ["GET", "PUT", "OPTIONS"] {
        assert_eq!(world.send(method, &world.at("/register")).await.status, 404, "{method}");
    }
}

async fn metadata(world: &World) -> Value {
    let url = world.at("/.well-known/oauth-authorization-server");
    world.get(&url).await.json()
}
