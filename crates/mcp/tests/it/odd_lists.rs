//! Lists in which one tool is not as it should be: the others stay, and so does
//! what can be read of it. What cannot be read is neither listed nor called.

use mcp::{Config, EraChoice};
use serde_json::{Value, json};

use crate::support::{
    Answer, Recorded, Reply, World, events, json as reply_json, legacy, modern, status, text,
};

/// One tool of each kind, as they were seen in the open.
const TOOLS: &str = concat!(
    r#"[{"name":"get_plain","inputSchema":{"type":"object"}},"#,
    r#"{"name":"get_null","title":null,"_meta":null,"annotations":null,"inputSchema":null},"#,
    r#"{"name":"get_typed","title":7,"annotations":{"readOnlyHint":"yes","title":"T"}},"#,
    r#"{"name":"get_pattern","outputSchema":{"type":"object","pattern":"(?i)x"}},"#,
    r#"{"name":7},"get_text",null,"#,
    r#"{"name":"get_two","Name":"admin_two"}]"#
);

fn list(id: &Value, tools: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","tools":{tools},"ttlMs":0}}}}"#
    )
}

fn server(request: &Recorded) -> Reply {
    let message = request.message();
    let (id, result) = (&message["id"], |result: &Value| {
        reply_json(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }).to_string())
    });
    match request.rpc_method().as_str() {
        "tools/list" => reply_json(&list(id, TOOLS)),
        "initialize" => {
            result(&json!({ "protocolVersion": "2025-11-25", "capabilities": ["tools"],
            "serverInfo": { "name": "odd", "version": "1" }, "_meta": null }))
        }
        "server/discover" => result(&json!({ "supportedVersions": ["2026-07-28"],
            "capabilities": { "tools": {} }, "resultType": "complete" })),
        "tools/call" => result(&json!({ "resultType": "complete", "content": [] })),
        _ => status(202, &[], ""),
    }
}

fn tools(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut tools = answer.json()["result"]["tools"].as_array().unwrap().clone();
    for tool in &mut tools {
        // The bridge for legacy clients describes arguments where nobody did.
        if tool["inputSchema"] == json!({ "type": "object" }) {
            tool.as_object_mut().unwrap().remove("inputSchema");
        }
    }
    tools
}

fn expected(with_output_schema: bool) -> Vec<Value> {
    let mut pattern = json!({ "name": "get_pattern" });
    if with_output_schema {
        pattern["outputSchema"] = json!({ "type": "object", "pattern": "(?i)x" });
    }
    vec![
        json!({ "name": "get_plain" }),
        json!({ "name": "get_null" }),
        json!({ "name": "get_typed", "annotations": { "title": "T" } }),
        pattern,
    ]
}

/// Both generations of clients, in front of servers of the same and of the other one. C8: only the
/// older clients compile output schemas, and lose the whole list where they cannot.
#[tokio::test]
async fn odd_tools_cost_nobody_the_list() {
    for eras in [EraChoice::Both, EraChoice::Modern, EraChoice::Legacy] {
        let change = move |config: &mut Config| config.servers[0].upstream.eras = eras;
        let world = World::with(server, change).await;
        let token = world.token("mcp:read");
        let answer = world.ask(modern("tools/list", &json!({})).bearer(&token)).await;
        assert_eq!(tools(&answer), expected(true), "{eras:?}");
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
                             "clientInfo": { "name": "c", "version": "1" } });
        let opened = world.ask(legacy("initialize", &params).bearer(&token)).await;
        let capabilities = &opened.json()["result"]["capabilities"];
        assert!(capabilities["tools"].is_object(), "{eras:?} {opened:?}");
        let mut ask = legacy("tools/list", &json!({})).bearer(&token);
        if !opened.header("mcp-session-id").is_empty() {
            ask = ask.header("mcp-session-id", opened.header("mcp-session-id"));
        }
        assert_eq!(tools(&world.ask(ask).await), expected(false), "{eras:?}");
    }
}

#[tokio::test]
async fn no_tools_may_be_null() {
    type Form = fn(&str) -> Reply;
    let forms: [Form; 2] = [reply_json, |list| events(&format!("data: {list}\n\n"))];
    for form in forms {
        let world = World::new(move |request| form(&list(&request.message()["id"], "null"))).await;
        let token = world.token("mcp:read");
        for ask in [legacy("tools/list", &json!({})), modern("tools/list", &json!({}))] {
            assert_eq!(tools(&world.ask(ask.bearer(&token)).await), Vec::<Value>::new());
        }
    }
}

/// What was left out of the list because two could read it differently is unknown to calls, in the
/// very words for a tool that never was; once it can be read, it is there.
#[tokio::test]
async fn what_cannot_be_read_cannot_be_called() {
    let world = World::new(server).await;
    let token = world.token("mcp:read mcp:admin");
    let call = |name: &str| modern("tools/call", &json!({ "name": name })).bearer(&token);
    assert_eq!(world.ask(call("get_two")).await.json()["result"]["content"], json!([]));
    world.ask(modern("tools/list", &json!({})).bearer(&token)).await;
    let calls = |world: &World| {
        let called = |request: &&Recorded| request.rpc_method() == "tools/call";
        world.server.requests().iter().filter(called).count()
    };
    let before = calls(&world);
    for name in ["get_two", "admin_two"] {
        let answer = world.ask(call(name)).await;
        let words = text(&answer.body).replace(name, "unheard_of");
        let unknown = world.ask(call("unheard_of")).await;
        assert_eq!((answer.status, &*words), (unknown.status, text(&unknown.body)));
    }
    assert_eq!(calls(&world), before, "nothing reached the server");
    assert_eq!(world.ask(call("get_plain")).await.status, 200);
}
