//! Tasks, bound to who began them and to the tool that did.

use serde_json::{Value, json};

use crate::sessions::{open, sessions};
use crate::support::{
    Answer, Ask, Recorded, Reply, Token, World, events, frame, get, json as json_reply, legacy,
    modern, open_events, post, text,
};

/// The id of every task at the server.
const ID: &str = "up-1";

/// A server of either revision with tasks.
fn server(request: &Recorded) -> Reply {
    let (message, method) = (request.message(), request.rpc_method());
    let params = &message["params"];
    let modern = request.header("mcp-protocol-version") == "2026-07-28";
    let known = params["taskId"] == ID;
    let answered = |result: &str| {
        json_reply(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, message["id"]))
    };
    match method.as_str() {
        "initialize" => sessions(request),
        "tools/call" if modern => answered(
            r#"{"resultType":"task","taskId":"up-1","ttlMs":1.0,"big":12345678901234567890}"#,
        ),
        "tools/call" if params["task"].is_object() => {
            answered(r#"{"task":{"taskId":"up-1","status":"working", "ttl":1.0}}"#)
        }
        "tasks/result" if known => answered(
            r#"{"content":[],"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"up-1"}}}"#,
        ),
        method if method.starts_with("tasks/") && known => {
            answered(r#"{"taskId":"up-1","status":"working"}"#)
        }
        method if method.starts_with("tasks/") => {
            json_reply(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"theirs"}}"#)
        }
        _ => answered(r#"{"content":[{"text":"up-1 taskId"}]}"#),
    }
}

/// A modern request of a client that knows the extension.
fn knowing(method: &str, params: &Value) -> Ask {
    let mut params = params.clone();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities":
            { "extensions": { "io.modelcontextprotocol/tasks": {} } },
    });
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let ask = post(&body.to_string())
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method);
    match params.get("name").or(params.get("taskId")).and_then(Value::as_str) {
        Some(name) => ask.header("mcp-name", name),
        None => ask,
    }
}

fn begin(tool: &str) -> Ask {
    knowing("tools/call", &json!({ "name": tool }))
}

fn about(method: &str, handle: &str) -> Ask {
    knowing(method, &json!({ "taskId": handle }))
}

fn task_id(answer: &Answer) -> String {
    let result = &answer.json()["result"];
    let id = result["taskId"].as_str().or(result["task"]["taskId"].as_str());
    id.unwrap_or_else(|| panic!("no task in {result}")).to_owned()
}

async fn begun(world: &World, token: &str, tool: &str) -> String {
    let answer = world.ask(begin(tool).bearer(token)).await;
    assert_eq!(answer.status, 200);
    task_id(&answer)
}

/// E-19, C-12: the handle is not the server's id, goes there as the server's id in body and
/// header, and is the same again in the answer. Everything else stays as it was.
#[tokio::test]
async fn e_19_handles_are_exchanged_both_ways() {
    let world = World::new(server).await;
    let token = world.token("mcp:read");
    let answer = world.ask(begin("get_x").bearer(&token)).await;
    let handle = task_id(&answer);
    assert!(!handle.contains(ID) && handle.len() > 40);
    assert!(text(&answer.body).ends_with(r#","ttlMs":1.0,"big":12345678901234567890}}"#));
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let answer = world.ask(about(method, &handle).bearer(&token)).await;
        assert_eq!((answer.status.as_u16(), task_id(&answer)), (200, handle.clone()), "{method}");
        let sent = world.server.requests().pop().unwrap();
        assert_eq!(sent.message()["params"]["taskId"], ID);
        assert_eq!(sent.header("mcp-name"), ID);
    }
    let foreign =
        world.ask(about("tasks/result", &handle).without("mcp-name").bearer(&token)).await;
    assert_eq!((foreign.status.as_u16(), foreign.code()), (404, -32601));
}

/// C-12, T-MCP-46: the header must name the task of the body.
#[tokio::test]
async fn c_12_the_name_of_a_task() {
    let world = World::new(server).await;
    let token = world.token("mcp:read");
    let (one, other) = (begun(&world, &token, "get_x").await, begun(&world, &token, "get_x").await);
    let asked = world.server.requests().len();
    for ask in [
        about("tasks/get", &one).without("mcp-name"),
        about("tasks/get", &one).instead("mcp-name", &other),
        about("tasks/get", &one).instead("mcp-name", ID),
    ] {
        let answer = world.ask(ask.bearer(&token)).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, -32020));
    }
    assert_eq!(world.server.requests().len(), asked);
}

/// E-19, E-20, G-21, T-MCP-45: to everybody else, and at every other server, it is no task.
#[tokio::test]
async fn t_mcp_45_a_handle_is_for_one_principal() {
    let world = World::with(server, |config| {
        let mut second = config.servers[0].clone();
        second = crate::support::server("second", "/mcp/second", second.upstream.url);
        config.servers.push(second);
    })
    .await;
    let key = world.authority.key();
    let mine = world.token("mcp:read");
    let handle = begun(&world, &mine, "get_x").await;
    let asked = world.server.requests().len();
    let strangers = [
        Token::new("mcp:read").claim("sub", "sub_other").sign(&key),
        Token::new("mcp:read").claim("client_id", "other").sign(&key),
        Token::new("mcp:read").claim("organization", "other").sign(&key),
    ];
    for token in &strangers {
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let answer = world.ask(about(method, &handle).bearer(token)).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (200, -32602), "{method}");
        }
    }
    let there = Token::new("mcp:read").claim("aud", "https://gate.example/mcp/second").sign(&key);
    let answer = world.ask(about("tasks/get", &handle).at("/mcp/second").bearer(&there)).await;
    assert_eq!(answer.code(), -32602);
    let mut damaged = handle.clone();
    damaged.replace_range(20..21, if handle.as_bytes()[20] == b'A' { "B" } else { "A" });
    let long = "A".repeat(5000);
    for made_up in [ID, "", &damaged, &long, &handle[1..]] {
        let answer = world.ask(about("tasks/get", made_up).bearer(&mine)).await;
        assert_eq!(answer.code(), -32602, "{made_up}");
    }
    let numbered = knowing("tasks/get", &json!({ "taskId": 7 })).header("mcp-name", "7");
    assert_eq!(world.ask(numbered.bearer(&mine)).await.status, 400);
    assert_eq!(world.server.requests().len(), asked, "nothing reached the server");
}

/// A session's id is sealed to the same principal and is no task all the same.
#[tokio::test]
async fn a_session_is_no_task() {
    let world = World::new(server).await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-11-25").await;
    let ask = legacy("tasks/get", &json!({ "taskId": session })).bearer(&token);
    assert_eq!(world.ask(ask).await.code(), -32602);
}

/// E-03, E-19: whoever may not use the tool any more may not follow its tasks either.
#[tokio::test]
async fn e_19_the_tool_is_judged_again() {
    let world = World::new(server).await;
    let key = world.authority.key();
    let writer = world.token("mcp:read mcp:write");
    let handle = begun(&world, &writer, "create_x").await;
    let manager = Token::new("mcp:process_admin").claim("user_type", "process_manager").sign(&key);
    let run = begun(&world, &manager, "run_x").await;
    let asked = world.server.requests().len();
    let reader = world.token("mcp:read");
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let answer = world.ask(about(method, &handle).bearer(&reader)).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (403, -31403), "{method}");
        assert!(answer.challenge().contains("scope=\"mcp:write\""), "{}", answer.challenge());
    }
    let demoted = world.ask(about("tasks/get", &run).bearer(&writer)).await;
    assert_eq!((demoted.status.as_u16(), demoted.code()), (200, -32602), "a hidden tool's task");
    assert_eq!(world.server.requests().len(), asked);
    assert_eq!(world.ask(about("tasks/get", &handle).bearer(&writer)).await.status, 200);
}

/// Nothing is stored, so any replica will do, and so will one that was started again.
#[tokio::test]
async fn another_replica_opens_it() {
    let world = World::new(server).await;
    let token = world.token("mcp:read");
    let handle = begun(&world, &token, "get_x").await;
    let ask = about("tasks/get", &handle).bearer(&token).build();
    let answer = Answer::read(world.replica().handle(ask).await).await;
    assert_eq!(task_id(&answer), handle);
}

/// D-41, E-20: the tasks of 2025-11-25.
#[tokio::test]
async fn e_20_legacy_tasks() {
    let world = World::new(server).await;
    let token = world.token("mcp:read");
    let begin = legacy("tools/call", &json!({ "name": "get_x", "task": { "ttl": 60000 } }));
    let answer = world.ask(begin.bearer(&token)).await;
    let handle = task_id(&answer);
    assert!(text(&answer.body).ends_with(r#","status":"working", "ttl":1.0}}}"#));
    for method in ["tasks/get", "tasks/cancel"] {
        let answer = world.ask(legacy(method, &json!({ "taskId": handle })).bearer(&token)).await;
        assert_eq!(task_id(&answer), handle);
        assert_eq!(world.server.requests().pop().unwrap().message()["params"]["taskId"], ID);
    }
    let result = world.ask(legacy("tasks/result", &json!({ "taskId": handle })).bearer(&token));
    let related = &result.await.json()["result"]["_meta"]["io.modelcontextprotocol/related-task"];
    assert_eq!(related["taskId"], *handle);
    let asked = world.server.requests().len();
    let stranger = Token::new("mcp:read").claim("sub", "sub_other").sign(&world.authority.key());
    for (method, token, code) in [
        ("tasks/result", &stranger, -32602),
        ("tasks/update", &token, -32601),
        ("tasks/list", &token, -32601),
    ] {
        let answer = world.ask(legacy(method, &json!({ "taskId": handle })).bearer(token)).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (200, code), "{method}");
    }
    assert_eq!(world.server.requests().len(), asked);
}

/// Answers that begin no task pass as they are, whatever words they hold.
#[tokio::test]
async fn ordinary_results_stay() {
    let world = World::new(|request| {
        let id = request.message()["id"].clone();
        json_reply(&format!(
            r#"{{"id":{id}, "result":{{"resultType":"complete","taskId":"up-1","n":1.0}}}}"#
        ))
    })
    .await;
    let token = world.token("mcp:read");
    let expected = r#"{"id":7, "result":{"resultType":"complete","taskId":"up-1","n":1.0}}"#;
    for ask in [begin("get_x"), modern("tools/call", &json!({ "name": "get_x" }))] {
        assert_eq!(text(&world.ask(ask.bearer(&token)).await.body), expected);
    }
}

/// What belongs to a task on its way, in both directions, and news of it on the standing stream.
#[tokio::test]
async fn questions_and_news_of_a_task() {
    const QUESTION: &str = "id: 1\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"q\",\
        \"method\":\"elicitation/create\",\"params\":{\"n\":1.0,\"_meta\":\
        {\"io.modelcontextprotocol/related-task\":{\"taskId\":\"up-1\"}}}}\n\n";
    const NEWS: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\",\
        \"params\":{\"taskId\":\"up-1\",\"status\":\"working\"}}\n\n";
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let receiver = std::sync::Mutex::new(Some(receiver));
    let world = World::new(move |request| match request.rpc_method().as_str() {
        _ if request.method == http::Method::GET => {
            open_events(receiver.lock().unwrap().take().unwrap())
        }
        "tasks/result" => events(QUESTION),
        _ => server(request),
    })
    .await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-11-25").await;
    let with = |ask: Ask| ask.bearer(&token).header("mcp-session-id", &session);
    let listening = with(get("/mcp").header("accept", "text/event-stream")).build();
    let mut stream = world.sidecar.handle(listening).await.into_body();
    let begin = legacy("tools/call", &json!({ "name": "get_x", "task": {} }));
    let handle = task_id(&world.ask(with(begin)).await);

    let asked = world.ask(with(legacy("tasks/result", &json!({ "taskId": handle })))).await;
    let expected = QUESTION.replace(ID, &handle).replace("id: 1", "id: *");
    assert_eq!(crate::support::without_ids(text(&asked.body)), expected);
    let answered = json!({ "jsonrpc": "2.0", "id": "q", "result": { "action": "accept",
        "_meta": { "io.modelcontextprotocol/related-task": { "taskId": handle } } } })
    .to_string();
    let reply = post(&answered).header("mcp-protocol-version", "2025-11-25");
    world.ask(with(reply)).await;
    let sent = world.server.requests().pop().unwrap();
    assert_eq!(text(&sent.body), answered.replace(&handle, ID));

    sender.send(NEWS).unwrap();
    let news = frame(&mut stream).await.unwrap().unwrap();
    assert_eq!(text(&news), NEWS.replace(ID, &handle));
}

/// E-19, C-70: a subscription names tasks by their handles and hears of them by the same.
#[tokio::test]
async fn e_19_subscriptions() {
    const STREAM: &str = "data: {\"method\":\"notifications/subscriptions/acknowledged\",\
        \"params\":{\"notifications\":{\"taskIds\":[\"up-1\"]}}}\n\n\
        data: {\"method\":\"notifications/tasks\",\"params\":{\"taskId\":\"up-1\"}}\n\n";
    let world = World::new(|request| match request.rpc_method().as_str() {
        "subscriptions/listen" => events(STREAM),
        _ => server(request),
    })
    .await;
    let writer = world.token("mcp:read mcp:write");
    let handle = begun(&world, &writer, "create_x").await;
    let listen = |handles: &[&str]| {
        knowing("subscriptions/listen", &json!({ "notifications": { "taskIds": handles } }))
    };
    let answer = world.ask(listen(&[&handle]).bearer(&writer)).await;
    assert_eq!(text(&answer.body), STREAM.replace(ID, &handle));
    let sent = world.server.requests().pop().unwrap().message();
    assert_eq!(sent["params"]["notifications"]["taskIds"], json!([ID]));
    let asked = world.server.requests().len();
    let refused = world.ask(listen(&[&handle, ID]).bearer(&writer)).await;
    assert_eq!(refused.code(), -32602);
    let refused = world.ask(listen(&[&handle]).bearer(&world.token("mcp:read"))).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, -31403));
    assert_eq!(world.server.requests().len(), asked);
}

/// E-20: `tasks/list` is not promised.
#[tokio::test]
async fn e_20_no_list_is_advertised() {
    let result = |list: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":7,"result":{{"protocolVersion":"2025-11-25","capabilities":{{"x":1.0,"tasks":{{"cancel":{{}}{list},"requests":{{"tools":{{"call":{{}}}}}}}}}}}}}}"#
        )
    };
    let (promised, expected) = (result(r#","list":{}"#), result(""));
    for stream in [false, true] {
        let promised = promised.clone();
        let world = World::new(move |_| {
            if stream { events(&format!("data: {promised}\n\n")) } else { json_reply(&promised) }
        })
        .await;
        let ask = legacy("initialize", &json!({ "protocolVersion": "2025-11-25" }));
        let answer = world.ask(ask.bearer(&world.token("mcp:read"))).await;
        let body = text(&answer.body);
        assert_eq!(body.trim().strip_prefix("data: ").unwrap_or(body), expected);
    }
}

/// A result that is announced as larger than any task passes as it comes.
#[tokio::test]
async fn large_results_are_not_collected() {
    let world = World::with(
        |_| json_reply(&format!(r#"{{"id":7,"result":{{"text":"{}"}}}}"#, "x".repeat(100_000))),
        |config| config.limits.list_bytes = 1000,
    )
    .await;
    let params = json!({ "name": "get_x", "task": {} });
    let ask = legacy("tools/call", &params).bearer(&world.token("mcp:read"));
    let answer = world.ask(ask).await;
    assert_eq!((answer.status.as_u16(), answer.body.len() > 100_000), (200, true));
}
