//! Requests and their answers across the eras.

use serde_json::{Value, json};

use super::legacy_server::{Legacy, next, plain, with};
use crate::support::post;

/// D-33, D-41, D-42: lists in modern words, filtered, without tools that need a task.
#[tokio::test]
async fn d_33_lists_in_modern_words() {
    let legacy = Legacy::new(|_| {
        json!({ "result": { "tools": [
            { "name": "get_a", "execution": { "taskSupport": "optional" } },
            { "name": "get_b", "execution": { "taskSupport": "required" } },
            { "name": "update_c" },
        ], "nextCursor": "n" } })
    })
    .await;
    let answer = legacy.ask(with("tools/list", &json!({}), &json!({}))).await;
    let result = &answer.json()["result"];
    assert_eq!(result["tools"], json!([{ "name": "get_a" }]));
    assert_eq!(result["resultType"], "complete");
    assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(0), &json!("private")));
    assert_eq!(result["nextCursor"], "n");
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "old");
}

/// D-32: a progress token finds back, and nothing of another request comes along.
#[tokio::test]
async fn d_32_progress_comes_under_the_clients_token() {
    let legacy = Legacy::new(plain).await;
    let params = json!({ "name": "get_x", "_meta": { "progressToken": "mine", "com.x/y": 1 } });
    let ask = with("tools/call", &params, &json!({}));
    let (mut body, ()) = tokio::join!(legacy.open(ask), async {
        let running = legacy.call().await;
        let token = &running.params["_meta"]["progressToken"];
        assert!(token.is_u64());
        assert_eq!(running.params["_meta"], json!({ "progressToken": token, "com.x/y": 1 }));
        let progress = |token: &Value| {
            json!({ "jsonrpc": "2.0", "method": "notifications/progress",
                    "params": { "progressToken": token, "progress": 1 } })
        };
        running.say(&progress(&json!(999_999)));
        running.say(&json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
        running.say(&progress(token));
        running.finish(&json!({ "content": [] }));
    });
    assert_eq!(next(&mut body).await["params"]["progressToken"], "mine");
    assert_eq!(next(&mut body).await["result"]["content"], json!([]));
}

/// C-42, D-33: errors and their statuses.
#[tokio::test]
async fn d_33_errors_in_modern_words() {
    let legacy = Legacy::new(|message| match message["params"]["uri"].as_str() {
        Some("a:gone") => {
            json!({ "error": { "code": -32002, "message": "no", "data": { "x": 1 } } })
        }
        Some("a:reserved") => json!({ "error": { "code": -32021, "message": "no" } }),
        _ => json!({ "error": { "code": -32601, "message": "what?" } }),
    })
    .await;
    let read = |uri: &str| with("resources/read", &json!({ "uri": uri }), &json!({}));
    let gone = legacy.ask(read("a:gone")).await;
    assert_eq!((gone.status.as_u16(), gone.code()), (200, -32602));
    assert_eq!(gone.json()["error"]["data"]["x"], 1);
    assert_eq!(legacy.ask(read("a:reserved")).await.code(), -32603, "C-50");
    let unknown = legacy.ask(read("a:other")).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (404, -32601));
    let sent = legacy.world.server.requests().len();
    for method in
        ["ping", "logging/setLevel", "initialize", "resources/subscribe", "completion/complete"]
    {
        let answer = legacy.ask(with(method, &json!({}), &json!({}))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (404, -32601), "{method}");
    }
    assert_eq!(legacy.world.server.requests().len(), sent, "none of these reached the server");
}

/// C-30, C-41, C-03: what a modern request must say, and notifications that go nowhere.
#[tokio::test]
async fn c_30_what_a_request_must_say() {
    let legacy = Legacy::new(plain).await;
    let ask = |version: &str, capabilities: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "prompts/list", "params": {
            "_meta": { "io.modelcontextprotocol/protocolVersion": version,
                       "io.modelcontextprotocol/clientCapabilities": capabilities } } });
        post(&body.to_string())
            .header("mcp-protocol-version", version)
            .header("mcp-method", "prompts/list")
    };
    let answer = legacy.ask(ask("2026-07-28", json!(7))).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (400, -32602));
    let answer = legacy.ask(ask("2027-01-01", json!({}))).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (400, -32022));
    let data = &answer.json()["error"]["data"];
    assert_eq!(*data, json!({ "supported": ["2026-07-28"], "requested": "2027-01-01" }));
    let notification = post(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#)
        .header("mcp-protocol-version", "2026-07-28");
    assert_eq!(legacy.ask(notification).await.status, 202);
    assert!(legacy.world.server.requests().is_empty());
}

/// D-38: pages that must be visited first. The retry is an ordinary request.
#[tokio::test]
async fn d_38_pages_to_visit() {
    let legacy = Legacy::new(plain).await;
    let page = json!({ "mode": "url", "url": "https://a.example/x", "message": "go",
                       "elicitationId": "e1" });
    let able = json!({ "elicitation": { "url": {} } });
    let ask = |params: &Value, able: &Value| with("tools/call", params, able);
    let required = |url: &str| {
        let mut page = page.clone();
        page["url"] = url.into();
        json!({ "code": -32042, "message": "visit", "data": { "elicitations": [page] } })
    };
    let params = json!({ "name": "get_x" });
    let server = &legacy;
    let answering = |error: Value| async move {
        let running = server.call().await;
        running.fail(&error);
        running
    };
    let (answer, _) =
        tokio::join!(legacy.ask(ask(&params, &able)), answering(required("https://a.example/x")));
    let result = &answer.json()["result"];
    assert_eq!(result["resultType"], "input_required");
    let request = &result["inputRequests"]["page1"];
    assert_eq!(request["params"]["url"], "https://a.example/x");
    assert!(request["params"].get("elicitationId").is_none());
    assert!(result.get("requestState").is_none(), "nothing waits");
    let retry = json!({ "name": "get_x", "inputResponses": { "page1": { "action": "accept" } } });
    let (answer, running) = tokio::join!(legacy.ask(ask(&retry, &able)), async {
        let running = legacy.call().await;
        running.finish(&json!({ "content": [] }));
        running
    });
    assert_eq!(answer.json()["result"]["resultType"], "complete");
    assert_eq!(running.params, json!({ "name": "get_x" }));
    let (answer, _) = tokio::join!(
        legacy.ask(ask(&params, &json!({ "elicitation": {} }))),
        answering(required("https://a.example/x"))
    );
    assert_eq!((answer.status.as_u16(), answer.code()), (400, -32021));
    let needed = &answer.json()["error"]["data"]["requiredCapabilities"];
    assert_eq!(*needed, json!({ "elicitation": { "url": {} } }));
    let (answer, _) =
        tokio::join!(legacy.ask(ask(&params, &able)), answering(required("javascript:alert(1)")));
    assert_eq!(answer.code(), -31502, "G-32");
}
