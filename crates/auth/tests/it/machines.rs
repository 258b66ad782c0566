//! `grant_type=client_credentials` (RFC 6749 §4.4).

use auth::Config;
use auth::config::Machine;
use model::ClientId;
use model::client::AssertionAudience;
use protocol::Scopes;
use serde_json::json;
use testkit::{Answer, Client, Secret, Tokens};

use crate::world::{DESK, Plan, ROBOT, Robot, VAULT, VAULT_SECRET, World};

const ASK: (&str, &str) = ("grant_type", "client_credentials");

/// The operator lets this client read and write at the default server for itself.
fn assigned(client: &'static str) -> impl Fn(&mut Config) {
    move |config| {
        config.machines.push(Machine {
            client: ClientId::from_text(client),
            scopes: Scopes::parse_known("mcp:read mcp:write").expect("scopes"),
            servers: vec!["default".to_owned()],
        });
    }
}

fn vault(world: &World) -> Client {
    Client::configured(world, VAULT, Secret::Basic(VAULT_SECRET.into()), "")
}

async fn asks(client: &Client, more: &[(&str, &str)]) -> Answer {
    client.token(&[&[ASK], more].concat()).await
}

/// T-CC-01, CC-1: clients that nobody configured for it, whatever they are.
#[tokio::test]
async fn t_cc_01_others_may_not() {
    let world = Plan::sqlite().config(assigned("somebody-else")).start().await;
    let desk = Client::configured(&world, DESK, Secret::None, "");
    let registered = json!({
        "redirect_uris": ["https://c.example/cb"],
        "grant_types": ["authorization_code", "client_credentials"],
        "token_endpoint_auth_method": "client_secret_basic",
    });
    let confidential = Client::register_with(&world, &registered).await;
    // RG-4: what is not offered to it is not echoed either.
    assert_eq!(confidential.registration["grant_types"], json!(["authorization_code"]));
    let before = world.dump().await;
    for client in [world.client().await, confidential, desk, vault(&world)] {
        asks(&client, &[]).await.refuses(400, "unauthorized_client");
    }
    let nobody = Client::configured(&world, "somebody-else", Secret::None, "");
    asks(&nobody, &[]).await.refuses(401, "invalid_client");
    let after = world.dump().await;
    assert_eq!(before.count("OAUTH_GRANT"), after.count("OAUTH_GRANT"));
    assert_eq!(before.rows("OAUTH_SUBJECT"), after.rows("OAUTH_SUBJECT"));
}

/// T-CC-02, T-CC-03, CC-2: never a refresh token, never more than what was assigned. A scope that was
/// not is left out and not refused, since robots ask for whatever a challenge names; another resource
/// is refused.
#[tokio::test]
async fn t_cc_03_no_more_than_was_assigned() {
    let world = Plan::sqlite().config(assigned(VAULT)).start().await;
    let (vault, mcp) = (vault(&world), world.mcp.as_str());
    for (asked, issued) in [
        (vec![], "mcp:read mcp:write"),
        (vec![("scope", "mcp:read")], "mcp:read"),
        (vec![("scope", "mcp:write mcp:admin offline_access x")], "mcp:write"),
        (vec![("scope", "mcp:admin")], "mcp:read mcp:write"),
        (vec![("resource", mcp), ("scope", "mcp:read")], "mcp:read"),
    ] {
        let answer = asks(&vault, &asked).await;
        assert_eq!(Tokens::of(&answer).scope, issued, "{asked:?}");
        assert_eq!(answer.json().get("refresh_token"), None);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let before = world.dump().await;
    for (asked, error) in [
        (("resource", "https://other.example/mcp"), "invalid_target"),
        (("resource", "not a URL"), "invalid_target"),
        (("scope", "a\"b"), "invalid_scope"),
    ] {
        asks(&vault, &[asked]).await.refuses(400, error);
    }
    world.is_unchanged_since(&before).await;
}

/// F-20, CC-1: with an assertion, which is how the extension recommends it.
#[tokio::test]
async fn f_20_with_an_assertion() {
    let plan = Plan::sqlite();
    let robot = Robot::new(ROBOT, plan.time());
    let plan = plan.config(robot.configured(AssertionAudience::Issuer)).config(assigned(ROBOT));
    let world = plan.start().await;
    let ask = [ASK, ("resource", world.mcp.as_str())];
    let tokens = Tokens::of(&robot.post(&world, "/token", &ask).await);
    assert_eq!(tokens.scope, "mcp:read mcp:write");
    let url = world.at("/.well-known/oauth-authorization-server");
    let grants = &world.get(&url).await.json()["grant_types_supported"];
    assert!(grants.as_array().expect("a list").contains(&json!("client_credentials")), "{grants}");
}

/// CC-2: the subject of a machine is no person's, and it has no way to be one: no browser session, no
/// code, and no page that lists its grant as somebody's.
#[tokio::test]
async fn cc_2_a_machine_is_nobody_else() {
    let world = Plan::sqlite().config(assigned(VAULT)).start().await;
    Tokens::of(&asks(&vault(&world), &[]).await);
    let dump = world.dump().await;
    assert_eq!(dump.count_with("OAUTH_SUBJECT", "provider=oauth.client"), 1);
    assert_eq!(dump.values("OAUTH_SUBJECT", "subject_id"), [VAULT]);
    // The same client, connected by a person, has that person's grant beside its own.
    let redirect = "https://vault.example.com/cb";
    let client = Client::configured(&world, VAULT, Secret::Basic(VAULT_SECRET.into()), redirect);
    let person = world.connect_client(client, "basic").await;
    let own = Tokens::of(&asks(&vault(&world), &[]).await);
    let sub = |token: &str| testkit::forge::Jwt::read(token).claims["sub"].clone();
    assert_eq!(sub(&own.access), VAULT);
    assert_ne!(sub(&person.tokens.access), VAULT);
    assert_eq!(world.dump().await.count("OAUTH_GRANT"), 2);
}
