//! Answers that are not quite what MCP says, and whose meaning is clear all the same; and those
//! whose meaning is not, which end in an error at once and never in a timeout.

use mcp::{Config, EraChoice};
use serde_json::{Value, json};

use crate::support::{
    Answer, Ask, Control, Recorded, Reply, World, echo, events, json as reply_json, legacy, modern,
    status, text,
};

const MARK: &str = "\u{feff}";

fn call(name: &str) -> Ask {
    modern("tools/call", &json!({ "name": name, "arguments": {} }))
}

fn is_refused(answer: &Answer, words: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502), "{answer:?}");
    assert!(text(&answer.body).contains(words), "{answer:?}");
}

#[tokio::test]
async fn a_child_may_write_ids_and_outcomes_its_own_way() {
    let control = Control::start().await;
    let child = control.child("modern");
    let world = World::with(echo, |config| {
        config.servers[0].upstream.eras = EraChoice::Modern;
        child(config);
    })
    .await;
    let token = world.token("mcp:read");
    for name in ["get_text_id", "get_null_error"] {
        let answer = world.ask(call(name).bearer(&token)).await;
        let expected = json!({ "jsonrpc": "2.0", "id": 7, "result": { "ok": true } });
        assert_eq!(answer.json(), expected, "{name}");
    }
    is_refused(&world.ask(call("get_odd_id").bearer(&token)).await, "without the id");
    is_refused(&world.ask(call("get_neither").bearer(&token)).await, "cannot be read");
    let answer = world.ask(call("get_x").bearer(&token)).await;
    assert_eq!(answer.status, 200, "and it goes on");
}

/// What a server that speaks the older generation answers to a call that has this id.
type Odd = fn(&Value) -> Reply;

async fn bridged(odd: Odd) -> Answer {
    let reply = move |request: &Recorded| {
        let message = request.message();
        let id = &message["id"];
        match request.rpc_method().as_str() {
            "initialize" => reply_json(&format!(
                "{MARK}{}",
                json!({ "jsonrpc": "2.0", "id": id.to_string(), "error": null,
                        "result": { "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                                    "serverInfo": { "name": "odd", "version": "1" } } })
            )),
            "tools/call" => odd(id),
            _ => status(202, &[], ""),
        }
    };
    let legacy = |config: &mut Config| config.servers[0].upstream.eras = EraChoice::Legacy;
    let world = World::with(reply, legacy).await;
    world.ask(call("get_x").bearer(&world.token("mcp:read"))).await
}

#[tokio::test]
async fn a_bridged_server_may_too() {
    let understood: [Odd; 5] = [
        |id| reply_json(&format!(r#"{{"id":"{id}","result":{{"content":[]}},"error":null}}"#)),
        |id| reply_json(&format!(r#"{MARK}{{"id":{id}.0,"result":{{"content":[]}}}}"#)),
        |id| events(&format!("data: {{\"id\":\"{id}\",\"result\":{{\"content\":[]}}}}\n\n")),
        |id| {
            events(&format!("{MARK}data: {MARK}{{\"id\":{id},\"result\":{{\"content\":[]}}}}\n\n"))
        },
        |_| reply_json(r#"{"id":null,"result":{"content":[]}}"#),
    ];
    for odd in understood {
        let answer = bridged(odd).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["result"]["content"], json!([]), "{answer:?}");
        assert_eq!(answer.json()["id"], 7);
    }
    let unclear: [(Odd, &str); 3] = [
        (|_| reply_json(r#"{"id":"what","result":{}}"#), "without the id"),
        (|_| events("id: 1\ndata: {\"id\":99,\"result\":{}}\n\n"), "without the id"),
        (|id| reply_json(&format!(r#"{{"id":{id},"result":1,"error":2}}"#)), "cannot be read"),
    ];
    for (odd, words) in unclear {
        is_refused(&bridged(odd).await, words);
    }
}

/// A list is made anew, so whatever its id looks like, the client gets its own.
#[tokio::test]
async fn a_list_may_begin_with_a_mark_and_have_its_id_as_text() {
    for id in ["7", "\"7\"", "7.0"] {
        let list = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[{{"name":"get_x"}},{{"name":"x"}}]}}}}"#
        );
        let forms = [
            reply_json as fn(&str) -> Reply,
            |list: &str| reply_json(&format!("{MARK}{list}")),
            |list: &str| events(&format!("{MARK}data: {list}\n\n")),
        ];
        for form in forms {
            let list = list.clone();
            let world = World::new(move |_| form(&list)).await;
            let ask = legacy("tools/list", &json!({})).bearer(&world.token("mcp:read"));
            let answer = world.ask(ask).await;
            assert_eq!(answer.status, 200, "{id} {answer:?}");
            let expected =
                json!({ "jsonrpc": "2.0", "id": 7, "result": { "tools": [{ "name": "get_x" }] } });
            assert_eq!(answer.json(), expected);
        }
    }
}

/// Not every client reads JSON behind a mark, so blanks stand there; the length stays as announced.
#[tokio::test]
async fn a_mark_does_not_pass() {
    let said = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
    let world = World::new(move |_| reply_json(&format!("{MARK}{said}"))).await;
    let ask = legacy("tools/call", &json!({ "name": "get_x" })).bearer(&world.token("mcp:read"));
    let answer = world.ask(ask).await;
    assert_eq!(text(&answer.body), format!("   {said}"));
}
