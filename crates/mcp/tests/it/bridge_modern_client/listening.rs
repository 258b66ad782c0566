//! `subscriptions/listen` in front of a legacy session (D-40).

use http::Method;
use mcp::EraChoice;
use serde_json::{Value, json};

use super::legacy_server::{Legacy, next, numbered, plain};
use crate::support::{Ask, Recorded, SOON, World, events, status};

fn listen(id: &Value, notifications: &Value) -> Ask {
    let params = json!({ "notifications": notifications });
    numbered(id, "subscriptions/listen", &params, &json!({}))
}

/// C-70, C-71: the first message says what is granted, under the id of the request.
#[tokio::test]
async fn c_70_only_what_the_server_offers_is_granted() {
    let legacy = Legacy::new(plain).await;
    let wanted = json!({ "toolsListChanged": true, "promptsListChanged": true,
                         "resourceSubscriptions": ["a:1"] });
    let mut body = legacy.open(listen(&json!("sub"), &wanted)).await;
    let first = next(&mut body).await;
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "sub");
    let granted = json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:1"] });
    assert_eq!(first["params"]["notifications"], granted);
    for malformed in [json!(7), json!({ "resourceSubscriptions": 7 })] {
        assert_eq!(legacy.ask(listen(&json!(1), &malformed)).await.code(), -32602);
    }
}

/// Whoever reads gets everything, however much comes at once.
#[tokio::test]
async fn d_40_a_burst_is_heard_to_its_end() {
    let reply = |request: &Recorded| {
        let json = [("content-type", "application/json"), ("mcp-session-id", "one")];
        let answer = |result: Value| {
            let id = &request.message()["id"];
            let text = json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string();
            status(200, &json, &text)
        };
        match (&request.method, request.rpc_method().as_str()) {
            (&Method::GET, _) if request.header("last-event-id").is_empty() => {
                let updated = |number| {
                    let params = json!({ "uri": "a:1", "_meta": { "n": number } });
                    let method = "notifications/resources/updated";
                    let text = json!({ "jsonrpc": "2.0", "method": method, "params": params });
                    format!("id: {number}\ndata: {text}\n\n")
                };
                events(&(0..2000).map(updated).collect::<String>())
            }
            (&Method::GET, _) => status(405, &[], ""),
            (_, "initialize") => answer(json!({
                "protocolVersion": "2025-11-25",
                "capabilities": { "resources": { "subscribe": true } },
                "serverInfo": { "name": "old", "version": "1" },
            })),
            (_, method) if method.starts_with("notifications/") => status(202, &[], ""),
            _ => answer(json!({})),
        }
    };
    let world =
        World::with(reply, |config| config.servers[0].upstream.eras = EraChoice::Legacy).await;
    let ask = listen(&json!(1), &json!({ "resourceSubscriptions": ["a:1"] }));
    let ask = ask.bearer(&world.token("mcp:read"));
    let mut body = world.sidecar.handle(ask.build()).await.into_body();
    let first = next(&mut body).await;
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    for number in 0..2000 {
        assert_eq!(next(&mut body).await["params"]["_meta"]["n"], number);
    }
}

/// D-40: a resource is subscribed to once for all streams, until the last one ends.
#[tokio::test]
async fn d_40_subscriptions_are_counted() {
    let legacy = Legacy::new(|message| match message["params"]["uri"].as_str() {
        Some("a:no") => json!({ "error": { "code": -32602, "message": "no" } }),
        _ => json!({ "result": {} }),
    })
    .await;
    let wanted = json!({ "resourceSubscriptions": ["a:1", "a:no"] });
    let mut one = legacy.open(listen(&json!(1), &wanted)).await;
    let mut other = legacy.open(listen(&json!(2), &wanted)).await;
    let granted = json!({ "resourceSubscriptions": ["a:1"] });
    assert_eq!(next(&mut one).await["params"]["notifications"], granted);
    assert_eq!(next(&mut other).await["params"]["notifications"], granted);
    let subscribed = |uri: &str| {
        let sent = legacy.sent("resources/subscribe");
        sent.iter().filter(|sent| sent.message()["params"]["uri"] == uri).count()
    };
    assert_eq!((subscribed("a:1"), subscribed("a:no")), (1, 2));
    drop(one);
    let mut third = legacy.open(listen(&json!(3), &wanted)).await;
    next(&mut third).await;
    assert_eq!(subscribed("a:1"), 1);
    drop((other, third));
    tokio::time::timeout(SOON, async {
        while legacy.sent("resources/unsubscribe").is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the last one ends it");
    assert_eq!(legacy.sent("resources/unsubscribe").len(), 1);
    assert_eq!(
        legacy.sent("resources/unsubscribe")[0].message()["params"],
        json!({ "uri": "a:1" })
    );
}
