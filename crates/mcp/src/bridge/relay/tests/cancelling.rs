//! What cancels a request, and what does not (D-58).

use serde_json::json;

use super::{Client, message, world};
use crate::testing::frame;

/// D-58: going away cancels nothing; saying so does.
#[tokio::test]
async fn d_58_only_a_message_cancels() {
    let world = world();
    let client = Client::open(&world).await;
    let mut standing = world.sidecar.handle(client.listen().build()).await.into_body();
    let asking = world.start(client.call("\"a\"", "{\"name\":\"get_x\"}"));
    let asked = world.script.asked().await;
    asking.abort();
    assert!(asking.await.is_err_and(|error| error.is_cancelled()));
    asked.say(r#"{"id":4,"method":"roots/list"}"#);
    let question = message(&frame(&mut standing).await.unwrap().unwrap());
    assert_eq!(question["method"], "roots/list", "it is asked where the client still listens");
    assert!(!asked.is_cancelled());
    let cancel = |id: &str| {
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
                "params": { "reason": "enough", "requestId": id } })
    };
    for id in ["a", "b"] {
        assert_eq!(world.ask(client.say(&cancel(id))).await.status, 202);
    }
    let told = world.script.told().await;
    assert_eq!(told["params"], json!({ "reason": "enough", "requestId": asked.message["id"] }));
    assert!(world.script.is_silent().await, "what does not run is not cancelled");
}

/// D-58: what was cancelled ends here, too, whatever the server makes of it.
#[tokio::test]
async fn d_58_what_was_cancelled_ends() {
    let world = world();
    let client = Client::open(&world).await;
    let answering = world.start(client.call("\"a\"", "{\"name\":\"get_x\"}"));
    let asked = world.script.asked().await;
    let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
                         "params": { "requestId": "a" } });
    assert_eq!(world.ask(client.say(&cancel)).await.status, 202);
    let answer = answering.await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.code()), (200, -32603));
    assert_eq!(answer.json()["id"], "a");
    assert!(asked.is_cancelled(), "its exchange is given up");
}
