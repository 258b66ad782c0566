//! Questions of a modern server, put to a legacy client (D-53, D-54).

use http::StatusCode;
use mcp::Body;
use serde_json::{Value, json};

use super::script::{ABLE, Client, done, next, of_method, result, world, world_with};
use crate::support::{Recorded, Reply, Token, World};

fn elicit(message: &str) -> Value {
    let schema = json!({ "type": "object", "properties": { "n": { "type": "number" } } });
    let params = json!({ "mode": "form", "message": message, "requestedSchema": schema });
    json!({ "method": "elicitation/create", "params": params })
}

fn wanted(requests: &Value) -> Value {
    json!({ "resultType": "input_required", "inputRequests": requests, "requestState": "s1" })
}

/// Asks for these things, and then says what it was told.
fn asking(requests: Value) -> impl Fn(&Recorded) -> Reply {
    move |request| match request.message()["params"].get("inputResponses") {
        Some(responses) => result(request, &done(&responses.to_string())),
        None => result(request, &wanted(&requests)),
    }
}

/// Starts a call; the stream of its answer.
async fn begin(world: &World, client: &Client) -> Body {
    let response = world.sidecar.handle(client.call(7, "get_x").build()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body()
}

async fn give(world: &World, client: &Client, id: &Value, result: &Value) -> StatusCode {
    let answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
    world.ask(client.say(&answer)).await.status
}

fn accepted(n: u32) -> Value {
    json!({ "action": "accept", "content": { "n": n } })
}

/// D-53: several questions of one result, answered in any order, then one retry.
#[tokio::test]
async fn d_53_questions_and_the_retry() {
    let requests = json!({ "a": elicit("A?"), "b": { "method": "roots/list" } });
    let world = world(asking(requests)).await;
    let client = Client::open(&world, "2025-06-18", ABLE).await;
    let mut body = begin(&world, &client).await;
    let (first, second) = (next(&mut body).await, next(&mut body).await);
    assert_eq!(first["method"], "elicitation/create");
    assert_eq!(first["params"]["message"], "A?");
    assert!(first["params"].get("mode").is_none(), "2025-06-18 has no modes");
    assert_eq!(second["method"], "roots/list");
    assert!(first["id"].as_str().unwrap().starts_with("wg."));
    let roots = json!({ "roots": [] });
    assert_eq!(give(&world, &client, &second["id"], &roots).await, 202);
    assert_eq!(give(&world, &client, &first["id"], &accepted(1)).await, 202);
    let answer = next(&mut body).await;
    let told: Value =
        serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!((&answer["id"], told), (&json!(7), json!({ "a": accepted(1), "b": roots })));
    assert!(crate::support::frame(&mut body).await.is_none(), "the answer is the end");
    let calls = of_method(&world, "tools/call");
    let (call, retry) = (calls[0].message(), calls[1].message());
    assert_ne!(call["id"], retry["id"]);
    assert_eq!(
        (&retry["params"]["name"], &retry["params"]["requestState"]),
        (&json!("get_x"), &json!("s1"))
    );
    assert_eq!(calls[1].header("mcp-name"), "get_x");
}

/// T-MCP-45, G-20, G-21: nobody but the asked principal answers, in its session, once.
#[tokio::test]
async fn t_mcp_45_nobody_else_answers() {
    let world = world(asking(json!({ "a": elicit("A?") }))).await;
    let client = Client::open(&world, "2025-11-25", ABLE).await;
    let mut body = begin(&world, &client).await;
    let id = next(&mut body).await["id"].clone();
    let thief = Token::new("mcp:read mcp:write").claim("sub", "sub_2");
    let thief = thief.sign(&world.authority.key());
    let thief = Client::with(&world, &thief, "2025-11-25", ABLE).await;
    assert_eq!(give(&world, &thief, &id, &accepted(666)).await, 400);
    let mut forged = id.as_str().unwrap().to_owned();
    forged.replace_range(10..11, if &forged[10..11] == "A" { "B" } else { "A" });
    for unknown in [json!(forged), json!("wg."), json!("wg.AAAA"), json!(1), json!("x")] {
        assert_eq!(give(&world, &client, &unknown, &accepted(666)).await, 400, "{unknown}");
    }
    // The same person's other session was not asked.
    let other = Client::open(&world, "2025-11-25", ABLE).await;
    assert_eq!(give(&world, &other, &id, &accepted(666)).await, 202);
    assert_eq!(of_method(&world, "tools/call").len(), 1, "nothing was delivered");
    assert_eq!(give(&world, &client, &id, &accepted(1)).await, 202);
    assert_eq!(give(&world, &client, &id, &accepted(2)).await, 202, "too late, and no harm");
    let answer = next(&mut body).await;
    let told = answer["result"]["content"][0]["text"].as_str().unwrap();
    let told: Value = serde_json::from_str(told).unwrap();
    assert_eq!(told, json!({ "a": accepted(1) }));
    assert_eq!(of_method(&world, "tools/call").len(), 2);
}

/// D-53: what a client cannot do: a form is cancelled, anything else fails the call.
#[tokio::test]
async fn d_53_a_client_that_fails() {
    for (request, told) in
        [(elicit("A?"), r#"{"a":{"action":"cancel"}}"#), (json!({ "method": "roots/list" }), "")]
    {
        let world = world(asking(json!({ "a": request }))).await;
        let client = Client::open(&world, "2025-11-25", ABLE).await;
        let mut body = begin(&world, &client).await;
        let id = next(&mut body).await["id"].clone();
        let error = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -1, "message": "no" } });
        assert_eq!(world.ask(client.say(&error)).await.status, 202);
        let answer = next(&mut body).await;
        if told.is_empty() {
            assert_eq!(answer["error"]["code"], -32603);
        } else {
            assert_eq!(answer["result"]["content"][0]["text"], told);
        }
    }
}

/// D-54: a page to visit has an id of ours, and the client hears when it is done with.
#[tokio::test]
async fn d_54_pages() {
    let params = json!({ "mode": "url", "message": "go", "url": "https://a.example/" });
    let request = json!({ "a": { "method": "elicitation/create", "params": params } });
    let world = world(asking(request)).await;
    let client = Client::open(&world, "2025-11-25", ABLE).await;
    let mut body = begin(&world, &client).await;
    let question = next(&mut body).await;
    let page = &question["params"]["elicitationId"];
    assert!(page.as_str().unwrap().len() > 20);
    give(&world, &client, &question["id"], &json!({ "action": "accept" })).await;
    let complete = next(&mut body).await;
    assert_eq!(complete["method"], "notifications/elicitation/complete");
    assert_eq!(&complete["params"]["elicitationId"], page);
    assert_eq!(next(&mut body).await["id"], 7);
    // Before 2025-11-25 nobody can be asked that.
    let older = Client::open(&world, "2025-06-18", ABLE).await;
    let answer = world.ask(older.call(1, "get_x")).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (200, -32600));
}

/// C-81, C-84: a server that only wants the same again gets it, but not for ever.
#[tokio::test]
async fn c_84_rounds_are_limited() {
    let world = world(|request| {
        let state = request.message()["params"]["requestState"].as_u64().unwrap_or(0) + 1;
        if request.message()["params"]["name"] == "get_x" && state == 3 {
            return result(request, &done("x"));
        }
        result(request, &json!({ "resultType": "input_required", "requestState": state }))
    })
    .await;
    let client = Client::open(&world, "2025-11-25", ABLE).await;
    let answer = world.ask(client.call(1, "get_x")).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "x");
    let states: Vec<Value> = of_method(&world, "tools/call")
        .iter()
        .map(|call| call.message()["params"]["requestState"].clone())
        .collect();
    assert_eq!(states, [Value::Null, json!(1), json!(2)]);
    assert!(of_method(&world, "tools/call")[1].message()["params"].get("inputResponses").is_none());
}

/// C-84, C-80.
#[tokio::test]
async fn c_84_questions_without_end_and_out_of_place() {
    let world = world(|request| result(request, &wanted(&json!({ "a": elicit("again?") })))).await;
    let client = Client::open(&world, "2025-11-25", ABLE).await;
    let mut body = begin(&world, &client).await;
    for _ in 0..25 {
        let id = next(&mut body).await["id"].clone();
        give(&world, &client, &id, &accepted(1)).await;
    }
    assert_eq!(next(&mut body).await["error"]["code"], -31502);
    assert_eq!(of_method(&world, "tools/call").len(), 25);
    let answer = world.ask(client.ask(2, "prompts/list", &json!({}))).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502));
}

/// C-83, MC-5: a retry after access ended does not happen.
#[tokio::test]
async fn c_83_no_retry_without_access() {
    let world = world(asking(json!({ "a": elicit("A?") }))).await;
    let client = Client::open(&world, "2025-11-25", ABLE).await;
    let mut body = begin(&world, &client).await;
    next(&mut body).await;
    world.authority.revoke(5);
    world.settle().await;
    assert_eq!(next(&mut body).await["error"]["code"], -31401);
    assert_eq!(of_method(&world, "tools/call").len(), 1);
}

/// What a person is asked outlives a change of the server's section, as long as the upstream is the same:
/// nobody's decision is made up, and nobody's answer is lost.
#[tokio::test]
async fn a_question_outlives_a_change_of_its_server() {
    let mut servers = Vec::new();
    let reply = asking(json!({ "a": elicit("A?") }));
    let world = world_with(reply, |config| servers.clone_from(&config.servers)).await;
    let client = Client::open(&world, "2025-11-25", ABLE).await;
    let mut body = begin(&world, &client).await;
    let question = next(&mut body).await;
    servers[0].title = "Another title".to_owned();
    assert_eq!(world.sidecar.replace(servers).unwrap().changed, ["default"]);
    assert_eq!(give(&world, &client, &question["id"], &accepted(1)).await, 202);
    let answer = next(&mut body).await;
    let told = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(told, json!({ "a": accepted(1) }).to_string());
}

/// Where the upstream is another one, the call fails, and the old upstream is told no decision.
#[tokio::test]
async fn no_decision_is_made_up_for_a_server_that_goes() {
    let mut servers = Vec::new();
    let reply = asking(json!({ "a": elicit("A?") }));
    let world = world_with(reply, |config| servers.clone_from(&config.servers)).await;
    let client = Client::open(&world, "2025-11-25", ABLE).await;
    let mut body = begin(&world, &client).await;
    next(&mut body).await;
    servers[0].upstream.url = "http://127.0.0.1:1/mcp".parse().unwrap();
    world.sidecar.replace(servers).unwrap();
    assert_eq!(next(&mut body).await["error"]["code"], -31503);
    assert_eq!(of_method(&world, "tools/call").len(), 1, "no answer that nobody gave");
}
