//! Clients that act for themselves (RFC 6749 §4.4, MCP extension
//! `io.modelcontextprotocol/oauth-client-credentials`), from the token to the tools.

use serde_json::json;
use testkit::forge::Jwt;
use testkit::{Answer, Client, Engine, Era, McpCaller, Secret, Tokens};

use crate::gone::is_let_in_soon;
use crate::revoke::is_refused_soon;
use crate::world::{Plan, World};

const SECRET: &str = "the-robot's-secret-0123";

const ROBOT: &str = r#"
[[oauth.client]]
id = "robot"
name = "Robot"
secret = "the-robot's-secret-0123"
grant_types = ["client_credentials"]
servers = ["default"]
scopes = ["mcp:read"]
"#;

fn robot(world: &World) -> Client {
    Client::configured(world, "robot", Secret::Basic(SECRET.into()), "")
}

async fn asks(client: &Client, more: &[(&str, &str)]) -> Answer {
    client.token(&[&[("grant_type", "client_credentials")], more].concat()).await
}

/// CC-1, CC-2, F-20, F-23: a machine proves who it is, gets a token without a person, and sees and
/// calls the tools that it was assigned.
#[tokio::test]
async fn cc_1_a_machine_uses_its_tools() {
    for plan in [Plan::sqlite(), Plan::postgres(), Plan::sqlite().apart(), Plan::postgres().apart()]
    {
        let world = plan.section(ROBOT).start().await;
        let named = [("resource", world.mcp.as_str()), ("scope", "mcp:read mcp:write mcp:admin")];
        let answer = asks(&robot(&world), &named).await;
        let tokens = Tokens::of(&answer);
        // T-CC-02: nothing to refresh with; and the scope says what there is.
        assert_eq!(answer.json().get("refresh_token"), None);
        assert_eq!(tokens.scope, "mcp:read");
        let claims = Jwt::read(&tokens.access).claims;
        assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("robot"), &json!("robot")));
        assert_eq!(claims["user_type"], "workload");
        for era in [Era::Stateless, Era::Sessions("2025-11-25")] {
            let caller = McpCaller::connect(&world, &tokens.access, era).await;
            let tools = caller.tools().await;
            assert!(tools.contains(&"list_requests".to_owned()), "{tools:?}");
            assert!(!tools.contains(&"create_request".to_owned()), "{tools:?}");
            let answer = caller.call("list_requests", json!({})).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
}

/// F-25: the 403 says to a machine what it holds and what is missing, since it can ask nobody.
#[tokio::test]
async fn f_25_the_refusal_says_what_is_held_and_what_is_missing() {
    let world = Plan::sqlite().challenging().section(ROBOT).start().await;
    let tokens = Tokens::of(&asks(&robot(&world), &[]).await);
    let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
    let answer = caller.call("add_comment", json!({})).await;
    assert_eq!(answer.status, 403, "{}", answer.body);
    for word in ["needs the scope mcp:write", "the token holds mcp:read", "[[oauth.client]]"] {
        assert!(answer.body.contains(word), "{word}: {}", answer.body);
    }
    // Asking for what the challenge names is answered with what there is.
    let again = asks(&robot(&world), &[("scope", "mcp:write")]).await;
    assert_eq!(Tokens::of(&again).scope, "mcp:read");
}

/// CA-8, GR-4: a machine's tokens die when the operator takes it away, disables it or gives it less,
/// in both shapes.
#[tokio::test]
async fn ca_8_a_machine_that_is_taken_away() {
    for plan in [Plan::sqlite(), Plan::sqlite().apart(), Plan::postgres().apart()] {
        let mut world = plan.section(ROBOT).start().await;
        let off = ROBOT.replace("name =", "enabled = false\nname =");
        let less = ROBOT.replace("mcp:read", "mcp:write");
        let elsewhere = ROBOT.replace("\"default\"", "\"another\"");
        for without in ["", &off, &less, &elsewhere] {
            let tokens = Tokens::of(&asks(&robot(&world), &[]).await);
            let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
            is_let_in_soon(&caller).await;
            world.reconfigure(|text| text.replace(ROBOT, without)).await;
            is_refused_soon(&caller).await;
            world
                .reconfigure(|text| match without {
                    "" => format!("{text}\n{ROBOT}"),
                    without => text.replace(without, ROBOT),
                })
                .await;
        }
    }
}

/// T-CA-09, GR-4: an administrator disables a machine as anybody else, by its id; it is nobody then at
/// every endpoint.
#[tokio::test]
async fn t_ca_09_a_disabled_machine() {
    let world = Plan::sqlite().section(ROBOT).start().await;
    let tokens = Tokens::of(&asks(&robot(&world), &[]).await);
    let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
    assert!(!caller.tools().await.is_empty());
    world.command(&["user", "disable", "robot"]);
    is_refused_soon(&caller).await;
    asks(&robot(&world), &[]).await.refuses(401, "invalid_client");
    for path in ["/revoke", "/introspect"] {
        let answer = robot(&world).post(path, &[("token", &tokens.access)]).await;
        answer.refuses(401, "invalid_client");
    }
    world.command(&["user", "enable", "robot"]);
    let again = Tokens::of(&asks(&robot(&world), &[]).await);
    assert!(!caller.with_token(&again.access).tools().await.is_empty());
    is_refused_soon(&caller).await;
}

/// One grant and one place in the status lists for a machine and a resource, however often it asks.
#[tokio::test]
async fn a_machine_that_asks_often_leaves_one_grant() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = Plan::on(engine).section(ROBOT).start().await;
        for _ in 0..3 {
            Tokens::of(&asks(&robot(&world), &[]).await);
        }
        let dump = world.dump().await;
        assert_eq!(dump.count("OAUTH_GRANT"), 1);
        assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=machine.authorized"), 3);
    }
}
