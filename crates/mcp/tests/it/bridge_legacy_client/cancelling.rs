//! Going away is not cancelling, and cancelling is (D-56, D-58).

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};

use super::script::{Client, done, next, result, said, stream, until_asked, world};
use crate::support::{Reply, SOON, World};

/// A server whose calls answer when the test says so, on streams that the test can see close.
async fn held() -> (World, mpsc::UnboundedReceiver<(mpsc::UnboundedSender<String>, String)>) {
    let (open, opened) = mpsc::unbounded_channel();
    let world = world(move |request| {
        if request.rpc_method() != "tools/call" {
            return result(request, &json!({ "tools": [] }));
        }
        let (send, events) = mpsc::unbounded_channel();
        let answer = said(request, &done("late"));
        open.send((send, answer)).unwrap();
        stream(events)
    })
    .await;
    (world, opened)
}

fn cancelled(id: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } })
}

/// D-58: the call goes on behind when its client is gone, even into another round.
#[tokio::test]
async fn d_58_a_client_that_leaves_does_not_cancel() {
    let go = Arc::new(Notify::new());
    let wait = Arc::clone(&go);
    let world = world(move |request| -> Reply {
        match (request.rpc_method().as_str(), &request.message()["params"]["requestState"]) {
            ("tools/call", Value::Null) => {}
            ("tools/call", _) => return result(request, &done("late")),
            _ => return result(request, &json!({ "tools": [] })),
        }
        let again = json!({ "resultType": "input_required", "requestState": "s" });
        let (wait, answer) = (Arc::clone(&wait), result(request, &again));
        Box::pin(async move {
            wait.notified().await;
            answer.await
        })
    })
    .await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let (sidecar, call) = (world.sidecar.clone(), client.call(1, "get_x").build());
    let waiting = tokio::spawn(async move { sidecar.handle(call).await.status() });
    until_asked(&world, "tools/call", 1).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    go.notify_one();
    until_asked(&world, "tools/call", 2).await;
}

/// D-56: `notifications/cancelled` closes the stream behind, in its own session only.
#[tokio::test]
async fn d_56_cancelling_closes_the_stream_behind() {
    let (world, mut opened) = held().await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let other = Client::open(&world, "2025-11-25", "{}").await;
    let (sidecar, call) = (world.sidecar.clone(), client.call(1, "get_x").build());
    let waiting = tokio::spawn(async move { sidecar.handle(call).await });
    let (feed, answer) = opened.recv().await.unwrap();
    for (client, id) in [(&other, json!(1)), (&client, json!("1")), (&client, json!(2))] {
        assert_eq!(world.ask(client.say(&cancelled(&id))).await.status, 202);
    }
    assert!(!feed.is_closed(), "nobody else's, and no other request");
    assert_eq!(world.ask(client.say(&cancelled(&json!(1)))).await.status, 202);
    tokio::time::timeout(SOON, feed.closed()).await.expect("the stream behind closes");
    assert_eq!(waiting.await.unwrap().status(), 200, "the HTTP request ends, too");
    drop(answer);
}

/// A session that ends takes its running requests along.
#[tokio::test]
async fn d_01_an_ended_session_runs_nothing() {
    let (world, mut opened) = held().await;
    let client = Client::open(&world, "2025-11-25", "{}").await;
    let (sidecar, call) = (world.sidecar.clone(), client.call(1, "get_x").build());
    let waiting = tokio::spawn(async move { sidecar.handle(call).await });
    let (feed, _) = opened.recv().await.unwrap();
    assert_eq!(world.ask(client.end()).await.status, 204);
    tokio::time::timeout(SOON, feed.closed()).await.expect("the stream behind closes");
    waiting.await.unwrap();
}

/// T-MCP-43: two people with the same ids, answers in the other order.
#[tokio::test]
async fn t_mcp_43_the_same_ids() {
    let (world, mut opened) = held().await;
    let first = Client::open(&world, "2025-11-25", "{}").await;
    let token = crate::support::Token::new("mcp:read").claim("sub", "sub_2");
    let token = token.sign(&world.authority.key());
    let second = Client::with(&world, &token, "2025-11-25", "{}").await;
    let mut begun = Vec::new();
    for client in [&first, &second] {
        let (sidecar, call) = (world.sidecar.clone(), client.call(1, "get_x").build());
        let waiting = tokio::spawn(async move { sidecar.handle(call).await.into_body() });
        let (feed, answer) = opened.recv().await.unwrap();
        feed.send(json!({ "method": "notifications/unknown", "params": {} }).to_string()).unwrap();
        begun.push((waiting, feed, answer));
    }
    for (n, (waiting, feed, answer)) in begun.into_iter().enumerate().rev() {
        feed.send(answer.replace("late", &format!("for {n}"))).unwrap();
        let answer = crate::support::frame(&mut waiting.await.unwrap()).await.unwrap().unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["result"]["content"][0]["text"], format!("for {n}"));
        assert_eq!(answer["id"], 1);
    }
}

/// A question that nobody is left to answer ends the call instead of waiting for ten minutes.
#[tokio::test]
async fn d_58_questions_to_nobody() {
    let asked = json!({ "method": "roots/list" });
    let world = world(move |request| {
        let wanted = json!({ "resultType": "input_required", "inputRequests": { "a": asked } });
        match request.rpc_method().as_str() {
            "tools/list" => result(request, &json!({ "tools": [] })),
            _ => result(request, &wanted),
        }
    })
    .await;
    let client = Client::open(&world, "2025-11-25", r#"{"roots":{}}"#).await;
    let response = world.sidecar.handle(client.call(1, "get_x").build()).await;
    let mut body = response.into_body();
    let id = next(&mut body).await["id"].clone();
    drop(body);
    // The task hears of it when it runs next.
    tokio::task::yield_now().await;
    let answer = json!({ "jsonrpc": "2.0", "id": id, "result": { "roots": [] } });
    assert_eq!(world.ask(client.say(&answer)).await.status, 202, "taken, and for nobody");
    world.ask(client.ask(2, "prompts/list", &json!({}))).await;
    assert_eq!(super::script::of_method(&world, "tools/call").len(), 1, "no retry");
}
