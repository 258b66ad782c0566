//! The portal bridge: a host application vouches for its people at `/authorize/resume`.

use auth::SignIn;
use auth::providers::{Provider, ProviderKind};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kernel::{Clock as _, Redacted};
use protocol::UserType;
use serde_json::{Value, json};
use sso::portal::{Portal, PortalKey};
use testkit::{Engine, Person, Return, Tick, random};

use crate::world::{Plan, World};

const KEY: &str = "a key that the portal and we know";

/// A portal with this id and name, whose people sign in nowhere else.
pub(crate) fn portal(id: &str, name: &str) -> Provider {
    let key = PortalKey::Hs256(Redacted::new(KEY));
    let portal = Portal::new(id.to_owned(), "https://portal.example.com/sso", &key, Vec::new());
    Provider {
        id: id.to_owned(),
        name: name.to_owned(),
        domains: Vec::new(),
        kind: ProviderKind::Portal(portal.expect("a portal")),
    }
}

async fn world(engine: Engine) -> World {
    behind(engine, || vec![portal("intranet", "Intranet")]).await
}

async fn behind(
    engine: Engine,
    portals: impl Fn() -> Vec<Provider> + Send + Sync + 'static,
) -> World {
    let plan = Plan::on(engine).group_is("managers", UserType::ProcessManager);
    plan.sign_in(move |_| SignIn::Providers(portals())).start().await
}

fn token(world: &World, txn: &str, more: &Value) -> String {
    let now = world.clock.now().as_seconds();
    let mut claims = json!({
        "iss": "intranet", "aud": world.issuer, "sub": "e-1815", "txn": txn, "jti": random(),
        "iat": now, "exp": now + 60, "name": "Tom", "groups": ["managers"],
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    let header =
        Header { typ: Some("wicketgate-bridge+jwt".to_owned()), ..Header::new(Algorithm::HS256) };
    encode(&header, &claims, &EncodingKey::from_secret(KEY.as_bytes())).expect("a token")
}

/// Clicks through to the portal; the transaction that it is given.
async fn leave(world: &World, person: &Person, url: &str) -> String {
    let page = person.visit(url).await;
    let gone = person.press(&page, "provider", "intranet").await;
    let there = gone.left_to.unwrap_or_else(|| panic!("{} {}", gone.url, gone.answer.body));
    assert!(there.starts_with("https://portal.example.com/sso?txn="), "{there}");
    assert!(!there.contains(&world.issuer), "the portal knows us from its configuration");
    Return::read(&there).get("txn").expect("a transaction").to_owned()
}

fn resume(world: &World, path: &str, txn: &str, token: &str) -> String {
    world.at(&format!("{path}?txn={txn}&token={token}"))
}

#[tokio::test]
async fn a_portal_vouches_and_nobody_sees_a_sign_in_page() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        for path in ["/authorize/resume", "/oauth-auth-bridge"] {
            let world = world(engine).await;
            let client = world.client().await;
            let person = world.person();
            let ask = client.ask();
            let txn = leave(&world, &person, &ask.url()).await;
            let token = token(&world, &txn, &json!({}));
            let consent = person.visit(&resume(&world, path, &txn, &token)).await;
            let returned = person.allow(&consent, Tick::All).await.returned();
            let answer = client.exchange(returned.code(), &ask).await;
            assert!(answer.body.contains("mcp:process_admin"), "{}", answer.body);
        }
    }
}

/// A10: a portal's token that came to another browser is worth nothing in the first one either, and
/// that is on record.
#[tokio::test]
async fn a10_a_stolen_portal_token_is_worth_nothing_anywhere() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = world(engine).await;
        let client = world.client().await;
        let (person, bare, bound) = (world.person(), world.person(), world.person());
        bound.visit(&client.ask().url()).await;
        for (thief, path) in [(bare, "/authorize/resume"), (bound, "/auth-bridge")] {
            let txn = leave(&world, &person, &client.ask().url()).await;
            let url = resume(&world, path, &txn, &token(&world, &txn, &json!({})));
            assert_eq!(thief.visit(&url).await.answer.status, 403);
            assert!(!person.visit(&url).await.has_button("decision"));
        }
        let dump = world.dump().await;
        assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=upstream.rejected"), 2);
        assert_eq!((dump.count("OAUTH_CODE"), dump.count("OAUTH_SESSION")), (0, 0));
    }
}

/// Of several portals the one that the token names is told of as the one that was refused.
#[tokio::test]
async fn a_refused_token_is_laid_at_its_own_portals_door() {
    for (named, expected) in [("intranet", "Intranet"), ("second", "Second"), ("x", "Intranet")] {
        let both = || vec![portal("intranet", "Intranet"), portal("second", "Second")];
        let world = behind(Engine::Sqlite, both).await;
        let person = world.person();
        let txn = leave(&world, &person, &world.client().await.ask().url()).await;
        let old = world.clock.now().as_seconds() - 600;
        let token = token(&world, &txn, &json!({ "iss": named, "iat": old, "exp": old + 60 }));
        let url = resume(&world, "/authorize/resume", &txn, &token);
        let page = person.visit(&url).await;
        page.answer.is_local_error();
        assert!(page.answer.body.contains(expected), "{named}: {}", page.answer.body);
    }
}

/// AZ-7, T-CB-16: single use, this transaction, this browser, sixty seconds, its own people.
#[tokio::test]
async fn t_cb_16_a_portals_token_is_good_once_here_and_now() {
    let world = world(Engine::Sqlite).await;
    let client = world.client().await;
    let person = world.person();
    let txn = leave(&world, &person, &client.ask().url()).await;
    let other = leave(&world, &person, &client.ask().url()).await;
    let at = |txn: &str, token: &str| resume(&world, "/authorize/resume", txn, token);
    let now = world.clock.now().as_seconds();
    let before = world.dump().await;
    for wrong in [
        token(&world, &other, &json!({})),
        token(&world, &txn, &json!({ "iss": "corp" })),
        token(&world, &txn, &json!({ "aud": "https://other.example" })),
        token(&world, &txn, &json!({ "iat": now - 120, "exp": now - 60 })),
        token(&world, &txn, &json!({ "exp": now + 3600 })),
    ] {
        person.visit(&at(&txn, &wrong)).await.answer.is_local_error();
    }
    let good = token(&world, &txn, &json!({ "provider": "corp" }));
    // A10: it is on record, once for the authorization and not once for each token.
    let after = world.dump().await;
    before.equals_but(&after, &["OAUTH_TXN", "OAUTH_AUDIT", "OAUTH_REPLAY"]);
    assert_eq!(after.count_with("OAUTH_AUDIT", "upstream.rejected"), 1);

    assert!(person.visit(&at(&txn, &good)).await.has_button("decision"));
    let again = person.visit(&at(&txn, &good)).await;
    again.answer.is_local_error();
    let dump = world.dump().await;
    assert_eq!(dump.values("OAUTH_SUBJECT", "provider"), ["intranet"], "its own people only");
    // A token of somebody's own making ends nothing in another browser.
    let forged = format!("{}x", token(&world, &other, &json!({})));
    assert_eq!(world.person().visit(&at(&other, &forged)).await.answer.status, 403);
    let good = token(&world, &other, &json!({}));
    assert!(person.visit(&at(&other, &good)).await.has_button("decision"));
}
