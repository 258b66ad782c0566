//! Descriptions that are not quite as they should be, and descriptions that live elsewhere.

use std::sync::Arc;

use kernel::ManualClock;
use serde_json::{Value, json};
use sso::oidc::Provider;
use sso::{ProviderError, Verdict};

use super::world::{NOW, World, config, description, http, random};

const PLACE: &str = "/.well-known/openid-configuration";

/// A member that says nothing is left out and named; the provider works without it.
#[tokio::test]
async fn members_that_say_nothing_are_left_out_and_named() {
    let log = testkit::CapturedLog::start();
    for (member, value, named) in [
        ("authorization_response_iss_parameter_supported", json!("true"), "not a boolean"),
        ("authorization_response_iss_parameter_supported", Value::Null, "null"),
        ("backchannel_logout_supported", json!("false"), "not a boolean"),
        ("backchannel_logout_session_supported", json!(1), "not a boolean"),
        ("userinfo_endpoint", json!(""), "empty"),
        ("end_session_endpoint", json!(""), "empty"),
        ("end_session_endpoint", Value::Null, "null"),
        ("end_session_endpoint", json!(false), "not text"),
        ("scopes_supported", json!("openid profile"), "not a list of texts"),
        ("response_types_supported", json!(["code", null]), "not a list of texts"),
        ("id_token_signing_alg_values_supported", Value::Null, "null"),
    ] {
        let world = World::new().await;
        let mut document = description(&world.idp.url);
        document[member] = value;
        world.idp.says_json(PLACE, &document);
        world.works().await;
        let expected = format!("{member} is {named}");
        let logged = log.text();
        let mut lines = logged.lines().filter(|line| line.contains("sso.oidc.member_ignored"));
        assert!(lines.any(|line| line.contains(&expected)), "{expected}");
        let findings = world.provider.examine().await;
        let finding = findings.iter().find(|finding| finding.what.contains(&expected));
        assert_eq!(finding.expect(&expected).verdict, Verdict::Warning);
    }
}

/// What a sign-in needs, or what leads people to a place, is not left out.
#[tokio::test]
async fn members_that_matter_are_not_left_out() {
    for (member, value, reason) in [
        ("token_endpoint", Value::Null, "lacks token_endpoint"),
        ("jwks_uri", json!(""), "lacks jwks_uri"),
        ("authorization_endpoint", json!(7), "lacks authorization_endpoint"),
        ("issuer", Value::Null, "says the issuer is \"\""),
        ("userinfo_endpoint", json!("javascript:x"), "userinfo_endpoint is not an https URL"),
        ("end_session_endpoint", json!("http://idp.example.com/"), "end_session_endpoint is not"),
    ] {
        let world = World::new().await;
        let mut document = description(&world.idp.url);
        document[member] = value;
        world.idp.says_json(PLACE, &document);
        let error = world.provider.begin("s", None, &random()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Misconfigured(_)), "{member}: {error}");
        assert!(error.to_string().contains(reason), "{member}: {error}");
    }
}

/// Two readers could read a member that is there twice in two ways.
#[tokio::test]
async fn a_member_that_matters_is_there_once() {
    let world = World::new().await;
    let once = description(&world.idp.url).to_string();
    for (member, accepted) in [
        ("\"jwks_uri\":\"https://other.example/\"", false),
        ("\"backchannel_logout_supported\":true", false),
        ("\"of_the_provider_alone\":1,\"of_the_provider_alone\":2", true),
    ] {
        let twice = once.replacen('{', &format!("{{{member},"), 1);
        world.idp.says(PLACE, super::idp::Canned::text(200, &twice));
        let begun = world.provider.begin("s", None, &random()).await;
        assert_eq!(begun.is_ok(), accepted, "{member}");
        if let Err(error) = begun {
            assert!(error.to_string().contains("not what was expected"), "{error}");
        }
        world.clock.advance_seconds(2);
    }
}

/// UP-6: a description may live elsewhere, with a query as Entra ID has it; whom it may describe
/// stays pinned. Nothing is looked for below the issuer then.
#[tokio::test]
async fn a_description_that_lives_elsewhere_describes_the_same_issuer() {
    let elsewhere = World::new().await;
    let query = "/b2c_1_policy/openid-configuration?appid=1";
    let issuer = format!("{}/tenant", elsewhere.idp.url);
    let mut document = description(&elsewhere.idp.url);
    document["issuer"] = json!(issuer);
    elsewhere.idp.says_json(query, &document);
    let provider = |issuer: &str| {
        let mut config = config(issuer);
        config.discovery_url = Some(format!("{}{query}", elsewhere.idp.url));
        Provider::new(config, http(), Arc::new(ManualClock::at(NOW))).unwrap()
    };
    provider(&issuer).begin("s", None, &random()).await.unwrap();
    let findings = provider(&issuer).examine().await;
    let named = format!("it names the issuer {issuer}");
    assert!(findings.iter().any(|finding| finding.what == named), "{findings:?}");
    assert!(!format!("{findings:?}").contains("appid"), "{findings:?}");

    let other = format!("{issuer}/");
    let error = provider(&other).begin("s", None, &random()).await.unwrap_err();
    assert!(matches!(error, ProviderError::Misconfigured(_)), "{error}");
    assert!(error.to_string().contains("says the issuer is"), "{error}");
    assert_eq!(elsewhere.idp.count(PLACE), 0);
}
