//! What `doctor` says of a provider.

use super::idp::Canned;
use super::world::{REDIRECT, World, description};
use serde_json::{Value, json};
use sso::{Finding, Verdict};

const PLACE: &str = "/.well-known/openid-configuration";

/// A provider whose clock is off by so many seconds.
async fn described(change: impl FnOnce(&mut Value), off: i64) -> Vec<Finding> {
    let world = World::new().await;
    let mut document = description(&world.idp.url);
    change(&mut document);
    let theirs = u64::try_from(world.now() + off).unwrap();
    let date = std::time::UNIX_EPOCH + std::time::Duration::from_secs(theirs);
    let headers = vec![("date", httpdate::fmt_http_date(date))];
    world.idp.says(PLACE, Canned { headers, ..Canned::json(200, &document) });
    world.provider.examine().await
}

fn of(findings: &[Finding], verdict: Verdict) -> Vec<&str> {
    let has = |finding: &&Finding| finding.verdict == verdict;
    findings.iter().filter(has).map(|finding| finding.what.as_str()).collect()
}

#[tokio::test]
async fn a_good_provider_passes_and_the_redirect_uri_is_named() {
    let findings = described(|_| {}, 0).await;
    assert_eq!(of(&findings, Verdict::Failure), Vec::<&str>::new());
    assert_eq!(of(&findings, Verdict::Warning), Vec::<&str>::new());
    assert!(findings.iter().any(|finding| finding.what.contains(REDIRECT)));
    assert!(findings.iter().any(|finding| finding.what.contains("back-channel logout")));
}

#[tokio::test]
async fn each_fault_is_found_and_has_a_remedy() {
    type Change = fn(&mut Value);
    let cases: [(Change, i64, Verdict, &str); 11] = [
        (|_| {}, 45, Verdict::Warning, "45 s ahead"),
        (|_| {}, -45, Verdict::Warning, "45 s behind"),
        (|_| {}, 600, Verdict::Failure, "600 s ahead"),
        (|d| d["issuer"] = json!("https://other.example"), 0, Verdict::Failure, "issuer"),
        (|d| d["jwks_uri"] = json!("javascript:x"), 0, Verdict::Failure, "jwks_uri"),
        (
            |d| d["jwks_uri"] = json!(d["jwks_uri"].as_str().unwrap().replace("/jwks", "/nothing")),
            0,
            Verdict::Failure,
            "answered 404",
        ),
        (|d| d["response_types_supported"] = json!(["id_token"]), 0, Verdict::Failure, "code"),
        (|d| d["code_challenge_methods_supported"] = Value::Null, 0, Verdict::Warning, "PKCE"),
        (
            |d| d["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]),
            0,
            Verdict::Failure,
            "private_key_jwt",
        ),
        (
            |d| d["id_token_signing_alg_values_supported"] = json!(["HS256"]),
            0,
            Verdict::Failure,
            "HS256",
        ),
        (|d| d["scopes_supported"] = json!(["openid"]), 0, Verdict::Warning, "profile, email"),
    ];
    for (change, off, verdict, word) in cases {
        let findings = described(change, off).await;
        let found = findings.iter().find(|finding| finding.what.contains(word));
        let found = found.unwrap_or_else(|| panic!("{word}: {findings:?}"));
        assert_eq!(found.verdict, verdict, "{found:?}");
        assert!(!found.fix.is_empty(), "{found:?}");
    }
}

/// `LemonLDAP::NG` 2.16 takes a back-channel URL in its settings and never uses it.
#[tokio::test]
async fn a_back_channel_that_is_counted_on_and_not_there_is_a_warning() {
    let log = testkit::CapturedLog::start();
    let warned = async |expects: bool, has: bool| {
        let world = World::with(|config| config.expects_logout_tokens = expects).await;
        let mut document = description(&world.idp.url);
        document["backchannel_logout_supported"] = json!(has);
        world.idp.says_json(PLACE, &document);
        world.works().await;
        let logged = log.text();
        let mut lines = logged.lines().filter(|line| line.contains("no_backchannel_logout"));
        let logged = lines.any(|line| line.contains(&world.idp.url));
        let findings = world.provider.examine().await;
        let found =
            of(&findings, Verdict::Warning).iter().any(|w| w.contains("backchannel_logout"));
        assert_eq!(logged, found);
        found
    };
    assert!(warned(true, false).await);
    assert!(!warned(true, true).await);
    assert!(!warned(false, false).await, "nobody counts on it");
}

/// O5: without groups everybody is `basic`. A warning where rules want them, the provider announces
/// their scope and nobody asks for it; elsewhere only a sign-in can show whether they come.
#[tokio::test]
async fn groups_that_are_announced_and_not_asked_for_are_a_warning() {
    let found = async |expects: bool, scope: Option<&str>, announced: bool| {
        let world = World::with(|config| {
            config.expects_groups = expects;
            config.scopes.extend(scope.map(str::to_owned));
        })
        .await;
        let mut document = description(&world.idp.url);
        let scopes: &[&str] =
            if announced { &["openid", "email", "profile", "groups"] } else { &["openid"] };
        document["scopes_supported"] = json!(scopes);
        world.idp.says_json(PLACE, &document);
        let findings = world.provider.examine().await;
        let warning = findings.iter().find(|one| one.what.contains("look at groups"));
        // What a provider lists, it need not grant to this application.
        let careful = |one: &Finding| one.fix.contains("if the application may ask for it");
        assert!(warning.is_none_or(|one| one.verdict == Verdict::Warning && careful(one)));
        (warning.is_some(), world.provider.leaves_groups_to_the_provider())
    };
    assert_eq!(found(true, None, true).await, (true, true));
    assert_eq!(found(true, Some("offline_access"), true).await, (true, true));
    assert_eq!(found(true, None, false).await, (false, true));
    assert_eq!(found(true, Some("groups"), true).await, (false, false));
    assert_eq!(found(true, Some("allatclaims"), false).await, (false, false));
    assert_eq!(found(false, None, true).await, (false, false), "nobody looks at them");
}

#[tokio::test]
async fn a_provider_that_is_away_or_has_no_keys_for_us_fails() {
    let world = World::new().await;
    world.idp.says(PLACE, Canned::text(500, ""));
    let findings = world.provider.examine().await;
    assert_eq!(of(&findings, Verdict::Failure).len(), 1, "{findings:?}");

    let world = World::new().await;
    world.idp.says_json("/jwks", &json!({ "keys": [] }));
    let findings = world.provider.examine().await;
    assert!(of(&findings, Verdict::Failure).iter().any(|what| what.contains("no key for")));
}
