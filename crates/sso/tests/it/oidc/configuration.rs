//! What is refused before the first sign-in.

use std::sync::Arc;

use super::idp::Key;
use super::world::{NOW, config, http};
use kernel::{ManualClock, Redacted};
use sso::oidc::{Algorithm, ClientAuth, Config, ConfigError, GroupOverage, Provider};

fn with(change: impl FnOnce(&mut Config)) -> Result<(), ConfigError> {
    let mut config = config("https://idp.example.com/realms/corp");
    change(&mut config);
    Provider::new(config, http(), Arc::new(ManualClock::at(NOW))).map(drop)
}

/// T-UP-01.
#[test]
fn t_up_01_an_issuer_is_an_https_url() {
    assert_eq!(with(|_| {}), Ok(()));
    assert_eq!(with(|config| config.issuer = "http://127.0.0.1:8080".into()), Ok(()));
    for bad in [
        "",
        "idp.example.com",
        "http://idp.example.com",
        "javascript:alert(1)",
        "https://idp.example.com/?a=b",
        "https://idp.example.com/#a",
        "https://user:pw@idp.example.com/",
    ] {
        let outcome = with(|config| config.issuer = bad.to_owned());
        assert_eq!(outcome, Err(ConfigError::BadIssuer), "{bad}");
    }
}

/// UP-2: an issuer for many tenants would let anybody's people in.
#[test]
fn the_issuer_of_all_tenants_is_refused() {
    for bad in [
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/organizations/v2.0",
        "https://login.microsoftonline.us/consumers/v2.0",
        "https://login.microsoftonline.com/{tenantid}/v2.0",
        "https://sts.windows.net/common/",
    ] {
        let outcome = with(|config| config.issuer = bad.to_owned());
        assert_eq!(outcome, Err(ConfigError::ManyTenants), "{bad}");
    }
    let mine = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";
    assert_eq!(with(|config| config.issuer = mine.to_owned()), Ok(()));
    assert_eq!(with(|config| config.issuer = "https://idp.example.com/common".into()), Ok(()));
}

/// The description names the keys, so its address is guarded like the issuer's.
#[test]
fn the_address_of_a_description_is_an_https_url() {
    let at = |url: &str| with(|config| config.discovery_url = Some(url.to_owned()));
    assert_eq!(at("https://other.example.com/policy/openid-configuration?appid=1"), Ok(()));
    for bad in [
        "",
        "/.well-known/openid-configuration",
        "http://idp.example.com/x",
        "http://127.0.0.1/x",
        "https://idp.example.com/x#a",
        "https://user:pw@idp.example.com/",
        "file:///etc/passwd",
    ] {
        assert_eq!(at(bad), Err(ConfigError::BadDiscovery), "{bad}");
    }
}

#[test]
fn each_other_mistake_has_its_own_text() {
    let empty = || Redacted::new("");
    assert_eq!(with(|c| c.client_id.clear()), Err(ConfigError::NoClientId));
    assert_eq!(with(|c| c.client_auth = ClientAuth::Basic(empty())), Err(ConfigError::NoSecret));
    assert_eq!(with(|c| c.client_auth = ClientAuth::Post(empty())), Err(ConfigError::NoSecret));
    assert_eq!(with(|c| c.redirect_uri = "/callback".into()), Err(ConfigError::BadRedirectUri));
    assert_eq!(with(|c| c.signing_algorithms.clear()), Err(ConfigError::NoAlgorithms));
    assert_eq!(with(|c| c.claims.user.clear()), Err(ConfigError::NoUserClaim));
    assert_eq!(with(|c| c.clock_skew_seconds = 301), Err(ConfigError::BadClockSkew));
    assert_eq!(with(|c| c.clock_skew_seconds = -1), Err(ConfigError::BadClockSkew));
    assert_eq!(with(|c| c.max_age_seconds = Some(-1)), Err(ConfigError::BadMaxAge));
    assert!(matches!(with(|c| c.scopes.push("a b".into())), Err(ConfigError::BadScope(_))));
    for seconds in [-1, 1, 59, 86_401] {
        assert_eq!(with(|c| c.recheck_seconds = seconds), Err(ConfigError::BadRecheck));
    }
    let graph = || GroupOverage::MicrosoftGraph { url: "http://graph.example.com".into() };
    assert_eq!(with(|c| c.group_overage = graph()), Err(ConfigError::BadGraph));
    for name in ["state", "nonce", "redirect_uri", "response_mode", "request", "code_challenge"] {
        let outcome = with(|c| c.authorize_parameters.push((name.into(), "x".into())));
        assert_eq!(outcome, Err(ConfigError::ReservedParameter(name.into())));
    }
}

/// OpenID Connect Core §11: without the scope there is no refresh token; Google has a parameter.
#[test]
fn asking_again_needs_offline_access() {
    let asking = |change: fn(&mut Config)| {
        with(|config| {
            config.recheck_seconds = 60;
            change(config);
        })
    };
    assert_eq!(asking(|_| {}), Err(ConfigError::NoOfflineAccess));
    assert_eq!(asking(|config| config.scopes.push("offline_access".into())), Ok(()));
    let parameter = |value: &str| ("access_type".to_owned(), value.to_owned());
    let google = with(|config| {
        config.recheck_seconds = 86_400;
        config.authorize_parameters.push(parameter("offline"));
    });
    assert_eq!(google, Ok(()));
    let online = with(|config| {
        config.recheck_seconds = 60;
        config.authorize_parameters.push(parameter("online"));
    });
    assert_eq!(online, Err(ConfigError::NoOfflineAccess));
}

#[test]
fn a_client_key_must_be_one_for_its_algorithm() {
    let of = |pem: &str, algorithm| {
        let key_pem = Redacted::new(pem);
        with(|c| c.client_auth = ClientAuth::PrivateKeyJwt { key_pem, algorithm, key_id: None })
    };
    let (ec, rsa) = (Key::es256("k"), Key::rsa("k", jsonwebtoken::Algorithm::RS256));
    assert_eq!(of(&ec.pem, Algorithm::Es256), Ok(()));
    assert_eq!(of(&rsa.pem, Algorithm::Rs256), Ok(()));
    for (pem, algorithm) in [
        (ec.pem.as_str(), Algorithm::Rs256),
        (ec.pem.as_str(), Algorithm::Es384),
        (rsa.pem.as_str(), Algorithm::Es256),
        ("", Algorithm::Es256),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", Algorithm::Rs256),
    ] {
        assert_eq!(of(pem, algorithm), Err(ConfigError::BadKey(algorithm.name())));
    }
}

/// RFC 8725 §3.1: what cannot be named cannot be configured.
#[test]
fn there_is_no_name_for_none_or_hmac() {
    for name in ["none", "HS256", "HS384", "HS512", "", "rs256"] {
        assert_eq!(Algorithm::parse(name), None, "{name}");
    }
    for name in ["RS256", "RS512", "PS384", "ES256", "ES384", "EdDSA"] {
        assert_eq!(Algorithm::parse(name).unwrap().name(), name);
    }
}
