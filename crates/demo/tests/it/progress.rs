//! The slow tool: progress while it works, and an end when nobody wants it any more.

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Client, Demo, ERAS, Era, Stream, Who};

/// Would take 50 seconds, so whatever a test sees of it was sent while it was still at work.
fn endless() -> Value {
    json!({ "steps": 10, "delay_ms": 5000 })
}

async fn report(client: &Client, arguments: Value) -> Stream {
    let params = json!({
        "name": "export_report",
        "arguments": arguments,
        "_meta": { "progressToken": "p-1" },
    });
    client.send("tools/call", params).await
}

#[tokio::test]
async fn progress_comes_in_order_and_before_the_result() {
    let demo = Demo::start().await;
    for era in ERAS {
        let client = demo.client(era, Who::basic()).await;
        let answer = report(&client, json!({ "steps": 3, "delay_ms": 20 })).await;
        assert_eq!(answer.headers["content-type"], "text/event-stream", "{era:?}");
        let mut messages = answer.rest().await;
        let result = messages.pop().unwrap();
        assert_eq!(result["id"], 7, "{era:?}: {result}");
        assert_eq!(result["result"]["structuredContent"]["rows"], 10, "{era:?}");
        let seen: Vec<_> =
            messages.iter().map(|m| m["params"]["progress"].as_f64().unwrap()).collect();
        assert_eq!(seen, [0.0, 1.0, 2.0, 3.0], "{era:?}");
        for message in &messages {
            assert_eq!(message["method"], "notifications/progress", "{era:?}");
            assert_eq!(message["params"]["progressToken"], "p-1", "{era:?}");
            assert_eq!(message["params"]["total"], 3.0, "{era:?}");
        }
    }
}

#[tokio::test]
async fn progress_is_sent_at_once_and_not_held_back() {
    let demo = Demo::start().await;
    for era in ERAS {
        let client = demo.client(era, Who::basic()).await;
        let mut answer = report(&client, endless()).await;
        let first = answer.next().await.expect("progress");
        assert_eq!(first["params"]["progress"], 0.0, "{era:?}");
    }
}

#[tokio::test]
async fn without_a_token_there_is_no_progress() {
    let demo = Demo::start().await;
    for era in ERAS {
        let client = demo.client(era, Who::basic()).await;
        let arguments = json!({ "steps": 2, "delay_ms": 1 });
        // `succeed` insists on a response that holds nothing but the answer.
        client.succeed("export_report", arguments).await;
    }
}

#[tokio::test]
async fn a_cancelled_report_stops() {
    let demo = Demo::start().await;
    let client = demo.client(Era::Sessions("2025-11-25"), Who::basic()).await;
    let mut answer = report(&client, endless()).await;
    answer.next().await.expect("progress");
    let accepted = client.notify("notifications/cancelled", json!({ "requestId": 7 })).await;
    assert_eq!(accepted, StatusCode::ACCEPTED);
    // MCP, utilities/cancellation: a cancelled request gets no response.
    let rest = answer.rest().await;
    assert!(rest.iter().all(|message| message["result"].is_null()), "{rest:?}");
}

#[tokio::test]
async fn shutdown_ends_running_streams() {
    for era in ERAS {
        let demo = Demo::start().await;
        let client = demo.client(era, Who::basic()).await;
        let mut answer = report(&client, endless()).await;
        answer.next().await.expect("progress");
        demo.cancel.cancel();
        let rest = answer.rest().await;
        assert!(rest.iter().all(|message| message["result"].is_null()), "{era:?}: {rest:?}");
    }
}
