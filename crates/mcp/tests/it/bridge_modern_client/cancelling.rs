//! Modern clients that leave (D-34).

use std::sync::Arc;

use serde_json::json;

use super::legacy_server::{Legacy, call, next, plain, with};

/// D-34, T-MCP-52: leaving a stream cancels the call by name.
#[tokio::test]
async fn d_34_leaving_a_stream_cancels() {
    let legacy = Legacy::new(plain).await;
    let params = json!({ "name": "get_x", "_meta": { "progressToken": 1 } });
    let ask = with("tools/call", &params, &json!({}));
    let (mut body, running) = tokio::join!(legacy.open(ask), async {
        let running = legacy.call().await;
        let token = &running.params["_meta"]["progressToken"];
        running.say(&json!({ "jsonrpc": "2.0", "method": "notifications/progress",
                             "params": { "progressToken": token, "progress": 1 } }));
        running
    });
    next(&mut body).await;
    drop(body);
    let told = legacy.told().await;
    assert_eq!(told["method"], "notifications/cancelled");
    assert_eq!(told["params"]["requestId"], running.params["_meta"]["progressToken"]);
    running.abandoned().await;
}

/// D-34: so does leaving before the server said anything.
#[tokio::test]
async fn d_34_leaving_before_the_answer_cancels() {
    let legacy = Legacy::new(plain).await;
    let ask = call(&json!(7)).bearer(&legacy.token).build();
    let sidecar = Arc::clone(&legacy.world.sidecar);
    let asking = tokio::spawn(async move { sidecar.handle(ask).await });
    let running = legacy.call().await;
    asking.abort();
    assert_eq!(legacy.told().await["method"], "notifications/cancelled");
    running.abandoned().await;
}

/// D-36: a parked call is not cancelled with its first stream, but when nobody comes for it.
#[tokio::test]
async fn d_36_a_parked_call_waits_and_then_ends() {
    let legacy = Legacy::new(plain).await;
    let (answer, running) = tokio::join!(legacy.ask(call(&json!(7))), async {
        let running = legacy.call().await;
        running.elicit("a", "Which?");
        running
    });
    assert_eq!(answer.json()["result"]["resultType"], "input_required");
    running.question("p", "ping", &json!({}));
    assert_eq!(legacy.told().await, json!({ "jsonrpc": "2.0", "id": "p", "result": {} }));
    assert!(legacy.told_nothing().await);
    tokio::time::pause();
    // The runtime's clock jumps to what is waited for: the end of all patience.
    tokio::time::sleep(std::time::Duration::from_secs(601)).await;
    tokio::time::resume();
    assert_eq!(legacy.told().await["method"], "notifications/cancelled");
    running.abandoned().await;
}
