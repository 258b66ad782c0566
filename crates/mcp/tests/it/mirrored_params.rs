//! Headers that mirror arguments (MCP 2026-07-28, "Custom Headers from Tool Parameters").

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{
    Ask, Recorded, Reply, World, echo, events, json as json_reply, legacy, modern, status,
};

/// The answer to `tools/list`: one tool that marks its region, one that marks nothing, and one
/// that breaks the rules.
fn list(request: &Recorded, mark: &str) -> String {
    let region = json!({ "type": "string", "x-mcp-header": mark });
    let tools = json!([
        { "name": "get_sales", "inputSchema": { "properties": { "region": region } } },
        { "name": "get_plain", "inputSchema": { "type": "object" } },
        { "name": "get_broken", "inputSchema": { "properties": {
            "a": { "type": "number", "x-mcp-header": "Region" } } } },
        { "name": "run_hidden", "inputSchema": { "properties": { "region": region } } },
    ]);
    let result = json!({ "resultType": "complete", "tools": tools });
    json!({ "jsonrpc": "2.0", "id": request.message()["id"], "result": result }).to_string()
}

fn server(request: &Recorded) -> Reply {
    match request.rpc_method().as_str() {
        "tools/list" => json_reply(&list(request, "Region")),
        _ => echo(request),
    }
}

fn call(world: &World, tool: &str, arguments: &Value) -> Ask {
    let params = json!({ "name": tool, "arguments": arguments });
    modern("tools/call", &params).bearer(&world.token("mcp:read"))
}

async fn listed(world: &World) {
    world.ask(modern("tools/list", &json!({})).bearer(&world.token("mcp:read"))).await;
}

async fn outcome(world: &World, ask: Ask) -> (u16, i64) {
    let answer = world.ask(ask).await;
    assert_eq!(answer.json()["id"], 7);
    (answer.status.as_u16(), answer.json()["error"]["code"].as_i64().unwrap_or_default())
}

fn methods(world: &World) -> Vec<String> {
    world.server.requests().iter().map(Recorded::rpc_method).collect()
}

/// C-16, C-17, T-MCP-46: what the header says must be what the argument says.
#[tokio::test]
async fn c_17_known_tools_are_compared() {
    let world = World::new(server).await;
    listed(&world).await;
    let north = || call(&world, "get_sales", &json!({ "region": "north" }));
    for refused in [
        north(),
        north().header("mcp-param-region", "south"),
        north().header("mcp-param-region", "north").header("mcp-param-region", "north"),
        north().header("mcp-param-region", "=?base64?***?="),
        call(&world, "get_sales", &json!({})).header("mcp-param-region", "north"),
        call(&world, "get_sales", &json!({ "region": null })).header("mcp-param-region", ""),
    ] {
        assert_eq!(outcome(&world, refused).await, (400, -32020));
    }
    assert!(!methods(&world).contains(&"tools/call".to_owned()), "nothing was carried out");
    for passing in [
        north().header("Mcp-Param-Region", "north"),
        north().header("mcp-param-region", "=?base64?bm9ydGg=?="),
        north().header("mcp-param-region", "north").header("mcp-param-other", "x"),
        call(&world, "get_sales", &json!({})),
        call(&world, "get_sales", &json!({ "region": null })),
        call(&world, "get_plain", &json!({ "region": "x" })).header("mcp-param-region", "y"),
        call(&world, "get_broken", &json!({ "a": 1.5 })).header("mcp-param-region", "1.5"),
    ] {
        assert_eq!(outcome(&world, passing).await, (200, 0));
    }
    let sent = world.server.requests().pop().unwrap();
    assert_eq!(sent.header("mcp-param-region"), "1.5", "they travel on");
}

/// What is compared is learned before the filter: it is the same for all.
#[tokio::test]
async fn the_policy_comes_first() {
    let world = World::new(server).await;
    listed(&world).await;
    let hidden = call(&world, "run_hidden", &json!({ "region": "x" }));
    assert_eq!(outcome(&world, hidden).await, (200, -32602));
}

/// C-17: a tool that is not known yet is looked up once, in the name of the caller, and only if
/// there is something to compare.
#[tokio::test]
async fn c_17_unknown_tools_are_looked_up() {
    let world = World::new(server).await;
    let north = || call(&world, "get_sales", &json!({ "region": "north" }));
    assert_eq!(outcome(&world, north()).await, (200, 0), "without headers nothing is looked up");
    assert_eq!(methods(&world), ["tools/call"]);
    let lying = north().header("mcp-param-region", "south");
    assert_eq!(outcome(&world, lying.clone()).await, (400, -32020));
    assert_eq!(methods(&world), ["tools/call", "tools/list"]);
    let lookup = world.server.requests().pop().unwrap();
    assert_eq!(lookup.header("mcp-method"), "tools/list");
    assert_eq!(lookup.header("mcp-protocol-version"), "2026-07-28");
    assert!(!lookup.header("x-wicketgate-subject").is_empty());
    assert!(!lookup.headers.contains_key("mcp-param-region"));
    assert_eq!(outcome(&world, lying).await, (400, -32020));
    assert_eq!(outcome(&world, north().header("mcp-param-region", "north")).await, (200, 0));
    assert_eq!(methods(&world), ["tools/call", "tools/list", "tools/call"]);
}

/// Many at once wait for one lookup.
#[tokio::test]
async fn one_lookup_at_a_time() {
    let world = World::new(server).await;
    let lying = || call(&world, "get_sales", &json!({})).header("mcp-param-region", "south");
    let outcomes = futures_util::future::join_all((0..20).map(|_| outcome(&world, lying()))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == (400, -32020)), "{outcomes:?}");
    assert_eq!(methods(&world), ["tools/list"]);
}

/// The list may come in a stream and in pages.
#[tokio::test]
async fn the_lookup_reads_streams_and_pages() {
    let world = World::new(|request| {
        let message = request.message();
        match (request.rpc_method().as_str(), message["params"]["cursor"].as_str()) {
            ("tools/list", Some("two")) => json_reply(&list(request, "Region")),
            ("tools/list", _) => events(
                "data: {\"method\":\"notifications/message\"}\n\n\
                 data: {\"id\":1,\"result\":{\"tools\":[],\"nextCursor\":\"two\"}}\n\n",
            ),
            _ => echo(request),
        }
    })
    .await;
    let lying = call(&world, "get_sales", &json!({})).header("mcp-param-region", "south");
    assert_eq!(outcome(&world, lying).await, (400, -32020));
}

/// If the list cannot be had, the server compares for itself. It is not asked all the time.
#[tokio::test]
async fn a_failed_lookup_refuses_nothing() {
    let world = World::new(|request| match request.rpc_method().as_str() {
        "tools/list" => status(500, &[], ""),
        _ => echo(request),
    })
    .await;
    let ask = || call(&world, "get_sales", &json!({})).header("mcp-param-region", "south");
    for _ in 0..3 {
        assert_eq!(outcome(&world, ask()).await, (200, 0));
    }
    assert_eq!(methods(&world), ["tools/list", "tools/call", "tools/call", "tools/call"]);
    world.clock.advance_seconds(10);
    outcome(&world, ask()).await;
    assert_eq!(methods(&world)[4..], ["tools/list", "tools/call"]);
}

/// C-20: what the client knows may be newer, so before a refusal the server is asked.
#[tokio::test]
async fn a_changed_schema_is_noticed() {
    let turn = Arc::new(AtomicUsize::new(0));
    let world = World::new(move |request| match request.rpc_method().as_str() {
        "tools/list" => {
            let first = turn.fetch_add(1, Ordering::SeqCst) == 0;
            json_reply(&list(request, if first { "Region" } else { "Area" }))
        }
        _ => echo(request),
    })
    .await;
    listed(&world).await;
    let north = || call(&world, "get_sales", &json!({ "region": "north" }));
    assert_eq!(outcome(&world, north().header("mcp-param-area", "north")).await, (200, 0));
    assert_eq!(outcome(&world, north().header("mcp-param-region", "north")).await, (400, -32020));
}

/// C-20: a server that contradicts what is known is right.
#[tokio::test]
async fn a_contradiction_is_taken_in() {
    let error = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32020,"message":"theirs"}}"#;
    let world = World::new(move |request| match request.rpc_method().as_str() {
        "tools/list" => json_reply(&list(request, "Region")),
        _ => status(400, &[("content-type", "application/json")], error),
    })
    .await;
    listed(&world).await;
    let north = || call(&world, "get_sales", &json!({ "region": "north" }));
    let answer = world.ask(north().header("mcp-param-region", "north")).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (400, error.as_bytes()));
    let answer = world.ask(north()).await;
    assert_eq!(answer.body, error, "nothing is known any more, so it is the server that refuses");
}

/// C-18: older revisions know no such headers, and nothing is compared.
#[tokio::test]
async fn legacy_calls_are_not_compared() {
    let world = World::new(server).await;
    listed(&world).await;
    let params = json!({ "name": "get_sales", "arguments": { "region": "north" } });
    let ask = legacy("tools/call", &params).bearer(&world.token("mcp:read"));
    assert_eq!(outcome(&world, ask).await, (200, 0));
}

/// News that tools changed make everything unknown, here as in the kept lists.
#[tokio::test]
async fn changed_tools_are_forgotten() {
    let world = World::new(|request| match request.rpc_method().as_str() {
        "tools/list" => json_reply(&list(request, "Region")),
        "ping" => events(
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n",
        ),
        _ => echo(request),
    })
    .await;
    listed(&world).await;
    // The first refusal asks the server once more, and for a while it is not asked again.
    let lying = || call(&world, "get_sales", &json!({})).header("mcp-param-region", "south");
    assert_eq!(outcome(&world, lying()).await, (400, -32020));
    world.ask(modern("ping", &json!({})).bearer(&world.token("mcp:read"))).await;
    assert_eq!(outcome(&world, lying()).await, (200, 0));
}
