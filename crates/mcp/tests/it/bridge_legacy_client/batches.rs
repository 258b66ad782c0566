//! Batches in sessions that the sidecar holds (D-60).

use serde_json::{Value, json};

use super::script::{ABLE, Client, done, next, of_method, result, world};
use crate::support::{Answer, Recorded, Reply, World, post};

fn answering(request: &Recorded) -> Reply {
    let message = request.message();
    let wants =
        message["params"]["name"] == "get_ask" && message["params"].get("inputResponses").is_none();
    match request.rpc_method().as_str() {
        "tools/list" => result(request, &json!({ "tools": [] })),
        _ if wants => {
            let requests = json!({ "a": { "method": "roots/list" } });
            let wanted = json!({ "resultType": "input_required", "inputRequests": requests });
            result(request, &wanted)
        }
        _ => result(request, &done(message["params"]["name"].as_str().unwrap_or_default())),
    }
}

fn request(id: u32, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

async fn ask(world: &World, client: &Client, batch: &Value) -> Answer {
    // The helper makes one message of it; this revision knows no header of its own either.
    let ask = client.say(batch).without("mcp-protocol-version");
    world.ask(ask).await
}

fn by_id(answers: &Value, id: u32) -> Value {
    let answers = answers.as_array().unwrap();
    answers.iter().find(|answer| answer["id"] == id).unwrap().clone()
}

/// D-60: each message by itself, refusals among them, one array back.
#[tokio::test]
async fn d_60_each_message_by_itself() {
    let world = world(answering).await;
    let client = Client::open(&world, "2025-03-26", "{}").await;
    let batch = json!([
        request(1, "ping", &json!({})),
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
        request(2, "tools/call", &json!({ "name": "get_x" })),
        request(3, "tools/call", &json!({ "name": "delete_z" })),
        request(4, "no/such", &json!({})),
    ]);
    let answer = ask(&world, &client, &batch).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let told = answer.json();
    assert_eq!(told.as_array().unwrap().len(), 4);
    assert_eq!(by_id(&told, 1)["result"], json!({}));
    assert_eq!(by_id(&told, 2)["result"]["content"][0]["text"], "get_x");
    assert_eq!(by_id(&told, 3)["error"]["code"], -32602);
    assert_eq!(by_id(&told, 4)["error"]["code"], -32601);
    assert_eq!(of_method(&world, "tools/call").len(), 1);
    let silent = json!([{ "jsonrpc": "2.0", "method": "notifications/initialized" }]);
    assert_eq!(ask(&world, &client, &silent).await.status, 202);
}

/// D-53 within D-60: the questions come first, the array at the end.
#[tokio::test]
async fn d_60_questions_within_a_batch() {
    let world = world(answering).await;
    let client = Client::open(&world, "2025-03-26", ABLE).await;
    let batch = json!([
        request(1, "tools/call", &json!({ "name": "get_ask" })),
        request(2, "tools/call", &json!({ "name": "get_x" })),
    ]);
    let response = client.say(&batch).without("mcp-protocol-version").build();
    let mut body = world.sidecar.handle(response).await.into_body();
    let question = next(&mut body).await;
    assert_eq!(question["method"], "roots/list");
    let answer = json!([{ "jsonrpc": "2.0", "id": question["id"], "result": { "roots": [] } }]);
    assert_eq!(ask(&world, &client, &answer).await.status, 202);
    let told = next(&mut body).await;
    assert_eq!(by_id(&told, 1)["result"]["content"][0]["text"], "get_ask");
    assert_eq!(by_id(&told, 2)["result"]["content"][0]["text"], "get_x");
}

/// D-07: no other revision knows them, and `initialize` is never among them.
#[tokio::test]
async fn d_60_where_batches_do_not_belong() {
    let world = world(answering).await;
    let latest = Client::open(&world, "2025-11-25", "{}").await;
    let batch = json!([request(1, "ping", &json!({}))]);
    assert_eq!(world.ask(latest.say(&batch)).await.status, 400);
    let client = Client::open(&world, "2025-03-26", "{}").await;
    let opening = json!([request(1, "initialize", &json!({}))]);
    assert_eq!(ask(&world, &client, &opening).await.status, 400);
    let none = post(&batch.to_string()).bearer(&client.token);
    assert_eq!(world.ask(none).await.status, 400, "no session");
}
