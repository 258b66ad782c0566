//! `POST /introspect` (RFC 7662).

use auth::Config;
use auth::config::{Introspector, Machine};
use model::client::{AssertionAudience, ChosenSecret};
use model::{Client as Configured, ClientAuth, ClientId};
use protocol::Scopes;
use serde_json::{Value, json};
use testkit::forge::{Forger, Jwt};
use testkit::{Answer, Client, Connected, Secret, Tokens};

use crate::world::{Plan, ROBOT, Robot, VAULT, VAULT_SECRET, World};

/// A resource server of the default server, and one of another.
const SERVER: &str = "resource-server";
const OTHER: &str = "other-resource-server";
const SECRET: &str = "the-server's-secret-0123";

fn may_ask(config: &mut Config) {
    for (id, server) in [(SERVER, "default"), (OTHER, "other")] {
        let hash = kernel::encoding::sha256_base64url(SECRET.as_bytes());
        let hash = kernel::Hashed::from_stored(hash);
        let auth = ClientAuth::Secrets(vec![ChosenSecret { hash, expires_at: None }]);
        let base = config.clients[0].clone();
        let id = ClientId::from_text(id);
        config.clients.push(Configured { id: id.clone(), auth, redirect_uris: vec![], ..base });
        config.introspectors.push(Introspector { client: id, servers: vec![server.to_owned()] });
    }
}

fn server(world: &World, id: &str) -> Client {
    Client::configured(world, id, Secret::Basic(SECRET.into()), "")
}

async fn asks(client: &Client, token: &str) -> Answer {
    client.post("/introspect", &[("token", token)]).await
}

/// IN-2: not a word more.
#[track_caller]
fn is_inactive(answer: &Answer, why: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (200, "{\"active\":false}"), "{why}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{why}");
}

/// IN-4 (RFC 7662 §2.2), T-INT-04: what the server of a token is told, on both databases.
#[tokio::test]
async fn in_4_what_an_active_token_is_worth() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let world = plan.config(may_ask).start().await;
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let answer = asks(&server(&world, SERVER), &tokens.access).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let claims = Jwt::read(&tokens.access).claims;
        let told = answer.json();
        let expected = json!({
            "active": true, "token_type": "Bearer", "scope": "mcp:read mcp:write",
            "client_id": client.id, "user_type": "basic", "sub": claims["sub"],
            "aud": world.mcp, "iss": world.issuer, "jti": claims["jti"],
            "exp": claims["exp"], "iat": claims["iat"],
        });
        assert_eq!(told, expected);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        // Servers call it, and no page does.
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert_eq!(world.send("OPTIONS", &world.at("/introspect")).await.status, 405);
    }
}

/// T-INT-02, T-INT-03, IN-2, IN-3: everything else looks the same.
#[tokio::test]
async fn t_int_02_and_03_everything_else_is_inactive() {
    let world = Plan::sqlite().config(may_ask).start().await;
    let own = server(&world, SERVER);
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let jwt = Jwt::read(&tokens.access);
    is_inactive(&asks(&server(&world, OTHER), &tokens.access).await, "another server's");
    let vault = Client::configured(&world, VAULT, Secret::Basic(VAULT_SECRET.into()), "");
    is_inactive(&asks(&vault, &tokens.access).await, "asked by a client that may not ask");
    let stranger = Forger::new();
    for (token, why) in [
        (tokens.refresh.clone(), "a refresh token"),
        ("x".to_owned(), "unknown"),
        ("x".repeat(9000), "long"),
        (jwt.unsigned(), "not signed"),
        (jwt.clone().claim("scope", "mcp:admin").with_old_signature(), "changed"),
        (stranger.sign(&jwt), "signed by somebody else"),
        (stranger.sign(&jwt.clone().header("jwk", stranger.public_jwk())), "bringing its key"),
    ] {
        is_inactive(&asks(&own, &token).await, why);
    }
    // A status list is signed by us, too, and is no access token.
    let list = world.get(&world.at("/status/0")).await.body;
    is_inactive(&asks(&own, &list).await, "of another type");
    assert!(asks(&own, &tokens.access).await.body.contains("true"));
    // T-INT-05: nothing is remembered of the answer.
    let alone = Tokens::of(&client.refresh(&tokens.refresh).await);
    assert_eq!(client.revoke(&alone.access).await.status, 200);
    is_inactive(&asks(&own, &alone.access).await, "revoked alone");
    assert!(asks(&own, &tokens.access).await.body.contains("true"));
    assert_eq!(client.revoke(&alone.refresh).await.status, 200);
    is_inactive(&asks(&own, &tokens.access).await, "its grant is revoked");
    let later = world.connect("basic").await.tokens;
    world.clock.advance_seconds(3600);
    is_inactive(&asks(&own, &later.access).await, "expired");
}

/// IN-1: whoever does not prove who they are is told nothing, and sends a form by POST.
#[tokio::test]
async fn in_1_nobody_asks_without_proof() {
    let world = Plan::sqlite().config(may_ask).start().await;
    let token = world.connect("basic").await.tokens.access;
    let url = world.at("/introspect");
    let public = world.client().await;
    asks(&public, &token).await.refuses(401, "invalid_client");
    world.post_form(&url, &[("token", &token)]).await.refuses(401, "invalid_client");
    let wrong = Client::configured(&world, SERVER, Secret::Post("wrong".into()), "");
    asks(&wrong, &token).await.refuses(401, "invalid_client");
    server(&world, SERVER).post("/introspect", &[]).await.refuses(400, "invalid_request");
    assert_eq!(world.send("GET", &format!("{url}?token={token}")).await.status, 405);
    // A bearer token is no client authentication.
    let request = world.http.post(&url).bearer_auth(&token);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    Answer::to(request.body(format!("token={token}"))).await.refuses(401, "invalid_client");
}

/// CA-8: people, providers and machines that are switched off, and a ceiling that was lowered.
#[tokio::test]
async fn ca_8_what_was_switched_off_since() {
    let plan = Plan::sqlite();
    let robot = Robot::new(ROBOT, plan.time());
    let assigned = |config: &mut Config| {
        config.machines.push(Machine {
            client: ClientId::from_text(ROBOT),
            scopes: Scopes::READ,
            servers: vec!["default".to_owned()],
        });
    };
    let plan = plan.config(may_ask).config(robot.configured(AssertionAudience::Issuer));
    let mut world = plan.config(assigned).start().await;
    let own = server(&world, SERVER);
    let person = world.connect("basic").await.tokens.access;
    let ask = [("grant_type", "client_credentials")];
    let machine = Tokens::of(&robot.post(&world, "/token", &ask).await).access;
    let told = asks(&own, &machine).await.json();
    assert_eq!((&told["sub"], &told["user_type"]), (&json!(ROBOT), &json!("workload")));
    world.reconfigure(|settings| settings.ceiling("mcp:read")).await;
    assert_eq!(asks(&own, &person).await.json()["scope"], "mcp:read");
    world.reconfigure(|settings| settings.config(|config| config.machines.clear())).await;
    is_inactive(&asks(&own, &machine).await, "the machine was taken away");
    world.database.execute("UPDATE OAUTH_SUBJECT SET disabled_at = 1").await;
    is_inactive(&asks(&own, &person).await, "the person is disabled");
}

/// IN-5: while the database is away nobody knows, and that is no word about the token.
#[tokio::test]
async fn in_5_without_the_database_nothing_is_said() {
    let world = Plan::postgres().config(may_ask).start().await;
    let token = world.connect("basic").await.tokens.access;
    let lock = world.database.lock().await;
    let answer = asks(&server(&world, SERVER), &token).await;
    answer.refuses(503, "temporarily_unavailable");
    assert!(answer.header("retry-after").is_some());
    lock.release().await;
    assert!(asks(&server(&world, SERVER), &token).await.body.contains("true"));
}

/// MD-11 (RFC 8414 §2): the metadata says where, and how to authenticate there.
#[tokio::test]
async fn md_11_the_endpoint_is_advertised() {
    let world = World::sqlite().await;
    let url = world.at("/.well-known/oauth-authorization-server");
    let metadata: Value = world.get(&url).await.json();
    assert_eq!(metadata["introspection_endpoint"], world.at("/introspect"));
    let methods = &metadata["introspection_endpoint_auth_methods_supported"];
    assert_eq!(methods, &json!(["client_secret_post", "client_secret_basic", "private_key_jwt"]));
}
