//! Installations that register again, and registration that is not open to everybody.

use kernel::Redacted;
use protocol::registration::AllowedRedirects;
use serde_json::{Value, json};
use testkit::{Answer, Client, Engine, Place, Tokens};

use crate::register::GOOD;
use crate::world::{Plan, World};

/// A public client, as desktop programs register.
fn installed(name: &str) -> Value {
    json!({
        "client_name": name,
        "redirect_uris": ["http://127.0.0.1:4711/callback"],
        "token_endpoint_auth_method": "none",
    })
}

/// RG-16: some programs register at each attempt to sign in, or twice. As long as nobody connected it, an
/// installation is one client; after that the next registration is a client of its own.
#[tokio::test]
async fn rg_16_an_installation_that_registers_again_keeps_its_id_on_sqlite() {
    an_installation_registers_again(Engine::Sqlite).await;
}

/// The same.
#[tokio::test]
async fn rg_16_an_installation_that_registers_again_keeps_its_id_on_postgres() {
    an_installation_registers_again(Engine::Postgres).await;
}

async fn an_installation_registers_again(engine: Engine) {
    let world = Plan::on(engine).start().await;
    let first = Client::register_with(&world, &installed("Desk")).await;
    world.clock.advance_seconds(60);
    let again = Client::register_with(&world, &installed("Desk")).await;
    assert_eq!(again.id, first.id);
    let issued = |client: &Client| client.registration["client_id_issued_at"].clone();
    assert_eq!(issued(&again), issued(&first));
    let nameless = json!({ "redirect_uris": [GOOD], "token_endpoint_auth_method": "none" });
    let unnamed = Client::register_with(&world, &nameless).await;
    assert_eq!(Client::register_with(&world, &nameless).await.id, unnamed.id);
    assert_eq!(world.dump().await.count("OAUTH_CLIENT"), 2);

    let connected = world.connect_client(again, "manager").await;
    let next = Client::register_with(&world, &installed("Desk")).await;
    assert_ne!(next.id, connected.client.id);
    Tokens::of(&connected.client.refresh(&connected.tokens.refresh).await);
}

/// RG-15, T-REG-20: whatever differs makes another client, and so does a secret, which is shown once.
#[tokio::test]
async fn rg_15_other_installations_are_other_clients() {
    let world = World::sqlite().await;
    let mut metadata = vec![installed("Desk"), installed("Other"), installed("Desk")];
    metadata[2]["redirect_uris"] = json!(["http://127.0.0.1:4711/other"]);
    let mut refreshing = installed("Desk");
    refreshing["grant_types"] = json!(["authorization_code"]);
    metadata.push(refreshing);
    let mut confidential = installed("Desk");
    confidential["token_endpoint_auth_method"] = json!("client_secret_post");
    metadata.extend([confidential.clone(), confidential]);
    let mut ids = std::collections::HashSet::new();
    for metadata in &metadata {
        ids.insert(Client::register_with(&world, metadata).await.id);
    }
    assert_eq!(ids.len(), metadata.len());
}

/// Registers with this `Authorization` header.
async fn register_as(place: &Place, authorization: &str, metadata: &Value) -> Answer {
    let request = place.http.post(place.at("/register")).header("authorization", authorization);
    Answer::to(request.json(metadata)).await
}

/// RG-17, RFC 7591 §3: with an initial access token, strangers do not register.
#[tokio::test]
async fn rg_17_an_initial_access_token_is_asked_for() {
    let token = "initial-access-token-of-the-tests-0123456789";
    let plan = Plan::sqlite().config(move |config| {
        config.registration.initial_access_token = Some(Redacted::new(token));
    });
    let world = plan.start().await;
    let before = world.dump().await;
    let answer = world.register(&installed("Desk")).await;
    answer.refuses(401, "invalid_token");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"wicketgate\""));
    for wrong in ["Bearer wrong", "Bearer ", "Basic YTpi", token] {
        register_as(&world, wrong, &installed("Desk")).await.refuses(401, "invalid_token");
    }
    world.is_unchanged_since(&before).await;
    for right in ["Bearer", "bearer"] {
        let answer = register_as(&world, &format!("{right} {token}"), &installed(right)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
}

/// RG-17: with a list of redirect URIs, only those register that are expected.
#[tokio::test]
async fn rg_17_only_expected_redirect_uris_register() {
    let plan = Plan::sqlite().config(|config| {
        config.registration.allowed_redirects =
            AllowedRedirects::parse(["http://127.0.0.1/callback", "cursor:"]).expect("a list");
    });
    let world = plan.start().await;
    let before = world.dump().await;
    for strange in [json!([GOOD]), json!(["cursor://x/cb", GOOD])] {
        let answer = world.register(&json!({ "redirect_uris": strange })).await;
        answer.refuses(400, "invalid_redirect_uri");
        assert!(answer.body.contains("allowed_redirects"), "{}", answer.body);
    }
    world.is_unchanged_since(&before).await;
    assert_eq!(world.register(&installed("Desk")).await.status, 201);
    let own = json!({ "redirect_uris": ["cursor://x/cb"], "token_endpoint_auth_method": "none" });
    // Without a token configured, the header means nothing.
    assert_eq!(register_as(&world, "Bearer anything", &own).await.status, 201);
}

/// RG-17: with both, a token is asked of those who are not expected.
#[tokio::test]
async fn rg_17_who_is_expected_needs_no_token() {
    let plan = Plan::sqlite().config(|config| {
        config.registration.initial_access_token = Some(Redacted::new("0123456789".repeat(4)));
        config.registration.allowed_redirects =
            AllowedRedirects::parse(["cursor:"]).expect("a list");
    });
    let world = plan.start().await;
    world.register(&json!({ "redirect_uris": [GOOD] })).await.refuses(401, "invalid_token");
    let own = json!({ "redirect_uris": ["cursor://x/cb"], "token_endpoint_auth_method": "none" });
    assert_eq!(world.register(&own).await.status, 201);
}
