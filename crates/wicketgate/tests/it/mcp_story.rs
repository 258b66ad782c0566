//! The story: a client that knows nothing but a URL ends up using tools.

use serde_json::{Value, json};
use testkit::{Answer, Client, Era, McpCaller, Place, Tick, Tokens};

use crate::revoke::is_refused_soon;
use crate::world::{Plan, World};

const READ: [&str; 11] = [
    "get_my_profile",
    "get_process",
    "get_request",
    "list_actions",
    "list_comments",
    "list_delegations",
    "list_favourites",
    "list_participants",
    "list_processes",
    "list_requests",
    "search_requests",
];
const WRITE: [&str; 8] = [
    "add_comment",
    "add_favourite",
    "create_delegation",
    "create_request",
    "export_report",
    "remove_favourite",
    "submit_action",
    "update_request",
];
const PROCESS_ADMIN: [&str; 5] =
    ["participant_add", "participant_remove", "process_pause", "process_resume", "process_start"];
const ADMIN: [&str; 4] =
    ["admin_get_settings", "admin_list_users", "admin_set_user_type", "admin_update_settings"];

/// SQLite, one process.
#[tokio::test]
async fn the_story_on_sqlite_in_one_process() {
    story(Plan::sqlite()).await;
}

/// SQLite, two processes.
#[tokio::test]
async fn the_story_on_sqlite_in_two_processes() {
    story(Plan::sqlite().apart()).await;
}

/// PostgreSQL, one process.
#[tokio::test]
async fn the_story_on_postgres_in_one_process() {
    story(Plan::postgres()).await;
}

/// PostgreSQL, two processes.
#[tokio::test]
async fn the_story_on_postgres_in_two_processes() {
    story(Plan::postgres().apart()).await;
}

/// The story below a path of the host.
#[tokio::test]
async fn the_story_at_a_path() {
    story(Plan::sqlite().at("/wfgen")).await;
}

async fn story(plan: Plan) {
    let world = plan.start().await;
    for (era, user, expected) in [
        (Era::Stateless, "basic", [&READ[..], &WRITE].concat()),
        (Era::Sessions("2025-11-25"), "manager", [&READ[..], &WRITE, &PROCESS_ADMIN].concat()),
        (
            Era::Sessions("2025-03-26"),
            "admin",
            [&READ[..], &WRITE, &PROCESS_ADMIN, &ADMIN].concat(),
        ),
    ] {
        let client = discover_and_register(&world).await;
        let (refresh, token) = authorize(&world, &client, user).await;
        let caller = McpCaller::connect(&world, &token, era).await;
        lists(&caller, expected).await;
        calls(&caller, user).await;
        let next = Tokens::of(&client.refresh(&refresh).await);
        let caller = caller.with_token(&next.access);
        assert!(!caller.tools().await.is_empty(), "the refreshed token");
        assert_eq!(client.revoke(&next.refresh).await.status, 200);
        is_refused_soon(&caller).await;
    }
}

/// From the pasted URL to a client id, following only what the server says.
async fn discover_and_register(world: &World) -> Client {
    let probe = world.get(&world.mcp).await;
    assert_eq!(probe.status, 401);
    let challenge = probe.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    assert!(!challenge.contains("error="), "BR-2: {challenge}");
    let resource = world.get(&quoted(challenge, "resource_metadata")).await.json();
    assert_eq!(resource["resource"], world.mcp, "PR-3");
    let issuer = text(&resource["authorization_servers"][0]);
    assert_eq!(quoted(challenge, "scope"), joined(&resource["scopes_supported"]));
    let url = url::Url::parse(&issuer).expect("an issuer");
    let inserted = format!(
        "{}/.well-known/oauth-authorization-server{}",
        url.origin().ascii_serialization(),
        url.path().trim_end_matches('/')
    );
    let metadata = world.get(&inserted).await.json();
    assert_eq!(metadata["issuer"], issuer, "MD-3");
    assert_eq!(metadata["registration_endpoint"], world.at("/register"));
    let place = Place::new(&issuer, &text(&resource["resource"]));
    Client::register(&place).await
}

async fn authorize(world: &World, client: &Client, user: &str) -> (String, String) {
    let ask = client.ask();
    let returned = world.person().authorize(&ask, user, Tick::All).await;
    assert_eq!(returned.get("iss"), Some(world.issuer.as_str()), "IS-1");
    assert_eq!(returned.get("state"), Some(ask.get("state")));
    let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
    (tokens.refresh, tokens.access)
}

async fn lists(caller: &McpCaller, mut expected: Vec<&str>) {
    expected.sort_unstable();
    assert_eq!(caller.tools().await, expected);
    assert_eq!(caller.tools().await, expected, "the kept list");
    let prompts = caller.ask("prompts/list", json!({})).await.message();
    assert_eq!(prompts["result"]["prompts"].as_array().map(Vec::len), Some(3));
}

async fn calls(caller: &McpCaller, user: &str) {
    let profile = caller.call("get_my_profile", json!({})).await;
    assert_eq!(profile.status, 200, "{}", profile.body);
    let profile = profile.message();
    assert!(profile["error"].is_null(), "{profile}");
    assert_ne!(profile["result"]["isError"], true, "{profile}");
    let administer = caller.call("admin_list_users", json!({})).await;
    if user == "admin" {
        assert!(administer.message()["result"].is_object());
    } else {
        is_unknown(&administer, &caller.call("no_such_tool", json!({})).await);
    }
}

/// Hide: a tool that this person can never have looks exactly like one that does not exist.
fn is_unknown(hidden: &Answer, missing: &Answer) {
    let error = |answer: &Answer| answer.message()["error"].clone();
    assert_eq!(error(hidden)["code"], -32602, "{}", hidden.body);
    assert_eq!(hidden.status, missing.status);
    let shape = |answer: &Answer, name: &str| error(answer).to_string().replace(name, "NAME");
    assert_eq!(shape(hidden, "admin_list_users"), shape(missing, "no_such_tool"));
    assert_eq!(hidden.header("www-authenticate"), None);
}

/// T-MCP-27, BR-3: a tool that a further grant would open is challenged with all scopes, listed or
/// not as its rule says, and works after a new authorization with those scopes.
#[tokio::test]
async fn t_mcp_27_more_scope_opens_more() {
    for (plan, listed) in [
        (Plan::sqlite(), false),
        (Plan::sqlite().challenging(), true),
        (Plan::sqlite().challenging().apart(), true),
    ] {
        let world = plan.start().await;
        let client = world.client().await;
        let person = world.person();
        let ask = client.ask().set("scope", "mcp:read");
        let returned = person.authorize(&ask, "manager", Tick::All).await;
        let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
        assert_eq!(tokens.scope, "mcp:read");
        let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
        let tools = caller.tools().await;
        assert_eq!(tools.iter().any(|tool| tool == "process_pause"), listed);
        assert!(!tools.iter().any(|tool| tool.starts_with("admin_")));
        let answer = caller.call("process_pause", json!({})).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert_eq!(quoted(challenge, "error"), "insufficient_scope");
        assert!(!quoted(challenge, "resource_metadata").is_empty());
        // B-12: modern clients add up, older ones replace.
        assert_eq!(quoted(challenge, "scope"), "mcp:process_admin");
        let older = McpCaller::connect(&world, &tokens.access, Era::Sessions("2025-11-25")).await;
        let answer = older.call("process_pause", json!({})).await;
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        let scope = quoted(challenge, "scope");
        assert_eq!((answer.status, scope.as_str()), (403, "mcp:read mcp:process_admin"));
        let ask = client.ask().set("scope", &scope);
        let returned = person.authorize(&ask, "manager", Tick::All).await;
        let wider = Tokens::of(&client.exchange(returned.code(), &ask).await);
        let caller = caller.with_token(&wider.access);
        let arguments = json!({ "process_id": "no-such-process" });
        let answer = caller.call("process_pause", arguments).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let administer = caller.call("admin_list_users", json!({})).await;
        is_unknown(&administer, &caller.call("no_such_tool", json!({})).await);
    }
}

/// The ceiling hides for everybody what the deployment does not give.
#[tokio::test]
async fn the_ceiling_is_for_everybody() {
    for ceiling in ["mcp:read", ""] {
        let world = Plan::sqlite().ceiling(ceiling).challenging().start().await;
        let connected = world.connect("admin").await;
        let token = &connected.tokens.access;
        let caller = McpCaller::new(&world, token, Era::Stateless);
        assert_eq!(caller.tools().await, READ);
        let answer = caller.call("create_request", json!({})).await;
        assert_eq!(answer.message()["error"]["code"], -32602, "{}", answer.body);
    }
}

/// T-MCP-26, CL-1: without a token every method gets the same bare challenge.
#[tokio::test]
async fn t_mcp_26_any_method_without_a_token() {
    for world in [World::sqlite().await, Plan::sqlite().apart().start().await] {
        for method in ["GET", "POST", "DELETE", "PUT"] {
            for path in ["", "/", "/unknown"] {
                let url = format!("{}{path}", world.mcp);
                let answer = world.send(method, &url).await;
                assert_eq!(answer.status, 401, "{method} {url}");
                let challenge = answer.header("www-authenticate").unwrap_or_default();
                assert!(challenge.contains("resource_metadata="), "{challenge}");
                assert!(!challenge.contains("error"), "{challenge}");
            }
        }
    }
}

/// T-MCP-41, CO-10: the upstream never sees a client's token, and nobody reaches it directly.
#[tokio::test]
async fn the_upstream_is_closed_to_everybody_else() {
    let world = World::sqlite().await;
    let connected = world.connect("admin").await;
    let direct = Place::new(&world.issuer, &world.upstream());
    let caller = McpCaller::new(&direct, &connected.tokens.access, Era::Stateless);
    let answer = caller.ask("tools/list", json!({})).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
}

fn quoted(challenge: &str, name: &str) -> String {
    let start = challenge.find(&format!("{name}=\"")).map(|at| at + name.len() + 2);
    let rest = start.map_or("", |start| &challenge[start..]);
    rest.split('"').next().unwrap_or_default().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn joined(values: &Value) -> String {
    let names = values.as_array().cloned().unwrap_or_default();
    names.iter().map(text).collect::<Vec<_>>().join(" ")
}
