//! A provider that is reached through a forward proxy alone: nobody here knows its name.

use std::sync::Arc;

use kernel::ManualClock;
use net::outbound::{ForwardProxy, Route, client_by};
use serde_json::json;
use sso::oidc::{CallbackAnswer, Config, GroupOverage, Provider, Userinfo};
use sso::{Go, ProviderError};

use super::idp::{Idp, Key};
use super::tls::start_as;
use super::world::{CLIENT, NOW, config, http, random};

/// RFC 6761 §6.2: a name that no resolver has.
const HOST: &str = "idp.corp.test";

async fn provider(proxy: &str, direct: &[&str], change: fn(&mut Config)) -> (Idp, Provider) {
    http();
    let (idp, authority) = start_as(HOST, HOST, 2900).await;
    let direct: Vec<_> = direct.iter().map(ToString::to_string).collect();
    let proxy = ForwardProxy::new(proxy, &direct).unwrap();
    let route = Route { authorities_pem: Some(&authority), proxy: Some(&proxy) };
    let mut config = config(&idp.url);
    change(&mut config);
    let client = client_by(2, route).unwrap();
    let provider = Provider::new(config, client, Arc::new(ManualClock::at(NOW))).unwrap();
    (idp, provider)
}

/// Description, keys, tokens, userinfo and Microsoft Graph.
#[tokio::test]
async fn a_whole_sign_in_goes_through_the_proxy() {
    let proxy = testkit::ForwardProxy::start(Some("gate:p@ss/word")).await;
    let (idp, provider) = provider(&proxy.url_for("gate:p%40ss%2Fword"), &[], |config| {
        config.userinfo = Userinfo::Always;
        let url = format!("{}/graph", config.issuer);
        config.group_overage = GroupOverage::MicrosoftGraph { url };
    })
    .await;
    let key = Key::es256("one");
    idp.publishes(&[&key]);
    idp.says_json("/userinfo", &json!({ "sub": "ada" }));
    idp.says_json("/graph/me/transitiveMemberOf", &json!({ "value": [{ "id": "staff" }] }));
    let (go, pending) = provider.begin("wg_up_state", None, &random()).await.unwrap();
    let Go::Redirect(url) = go else { panic!("not a redirect") };
    let query = url::Url::parse(&url).unwrap();
    let nonce = query.query_pairs().find(|(name, _)| name == "nonce").unwrap().1.into_owned();
    let now = NOW.as_seconds();
    let claims = json!({
        "iss": idp.url, "aud": CLIENT, "sub": "ada", "nonce": nonce, "iat": now, "exp": now + 300,
        "_claim_names": { "groups": "src1" },
    });
    let token = key.sign(&key.header(), &claims);
    idp.says_json("/token", &json!({ "access_token": "upstream", "id_token": token }));
    let answer = CallbackAnswer { code: "the-code", iss: None };
    let signed_in = provider.finish(&pending, &answer).await.unwrap();
    assert_eq!(signed_in.identity.groups, ["staff"]);
    let asked = proxy.asked();
    let there = idp.url.strip_prefix("https://").unwrap();
    assert!(!asked.is_empty() && asked.iter().all(|target| target == there), "{asked:?}");
}

/// What the proxy says is told, and its password is not.
#[tokio::test]
async fn a_proxy_that_refuses_is_weather_without_its_password() {
    let proxy = testkit::ForwardProxy::start(Some("gate:right-password")).await;
    for url in [proxy.url_for("gate:wrong-password"), proxy.url()] {
        let (_idp, provider) = provider(&url, &[], |_| {}).await;
        let error = provider.begin("s", None, &random()).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(matches!(error, ProviderError::Unavailable(_)), "{text}");
        assert!(text.contains("proxy") && !text.contains("password"), "{text}");
    }
}

/// What is named as direct, and this computer, are never asked of the proxy.
#[tokio::test]
async fn what_is_direct_goes_past_the_proxy() {
    let proxy = testkit::ForwardProxy::start(None).await;
    for direct in [HOST, "corp.test", ".corp.test", "CORP.TEST"] {
        let (_idp, provider) = provider(&proxy.url(), &[direct], |_| {}).await;
        let error = provider.begin("s", None, &random()).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
        assert_eq!(proxy.asked(), Vec::<String>::new(), "{direct}");
    }
    let world = super::world::World::new().await;
    let forward = ForwardProxy::new(&proxy.url(), &[]).unwrap();
    let client = client_by(2, Route { authorities_pem: None, proxy: Some(&forward) }).unwrap();
    let clock = Arc::new(ManualClock::at(NOW));
    let here = Provider::new(config(&world.idp.url), client, clock).unwrap();
    here.begin("s", None, &random()).await.unwrap();
    assert_eq!(proxy.asked(), Vec::<String>::new());
    let (_idp, provider) = provider(&proxy.url(), &["other.test"], |_| {}).await;
    provider.begin("s", None, &random()).await.unwrap();
    assert_eq!(proxy.asked().len(), 1);
}
