//! Lists of tools, filtered and kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp::EraChoice;
use serde_json::json;

use crate::observe::metrics;
use crate::support::{
    Answer, Recorded, Reply, Token, World, events, json as json_reply, legacy, modern, status, text,
};

/// Big integers, odd numbers, unknown members and white space inside must survive.
const TOOLS: &str = concat!(
    r#"[{"name":"get_request","x":12345678901234567890123, "inputSchema":{"minimum":1.0}},"#,
    r#"{"name":"create_request"},{"name":"update_request"},{"name":"run_process"},"#,
    r#"{"name":"unheard_of","annotations":{"readOnlyHint":true}},{"z":1,"name":"list_requests"}]"#
);

fn list(request: &Recorded) -> Reply {
    let id = request.message()["id"].clone();
    let text = if request.header("mcp-protocol-version") == "2026-07-28" {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","tools":{TOOLS},"ttlMs":60000,"cacheScope":"public","vendor":{{"b":1,"a":1e2}}}}}}"#
        )
    } else {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":{TOOLS},"nextCursor":"c2"}}}}"#)
    };
    json_reply(&text)
}

fn names(answer: &Answer) -> Vec<String> {
    let tools = answer.json()["result"]["tools"].as_array().unwrap().clone();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

fn token(world: &World, scopes: &str, user_type: &str) -> String {
    Token::new(scopes)
        .claim("sub", format!("sub_{user_type}"))
        .claim("user_type", user_type)
        .sign(&world.authority.key())
}

#[tokio::test]
async fn each_sees_what_each_may_use() {
    let world = World::new(list).await;
    let all = "mcp:read mcp:write mcp:process_admin mcp:admin";
    // create_* and run_* are shown to those who could be granted them; update_* is not.
    for (scopes, user_type, expected) in [
        ("mcp:read", "basic", vec!["get_request", "create_request", "list_requests"]),
        (all, "basic", vec!["get_request", "create_request", "update_request", "list_requests"]),
        (
            "mcp:read",
            "process_manager",
            vec!["get_request", "create_request", "run_process", "list_requests"],
        ),
        (
            all,
            "administrator",
            vec!["get_request", "create_request", "update_request", "run_process", "list_requests"],
        ),
        ("", "basic", vec!["create_request"]),
    ] {
        let token = token(&world, scopes, user_type);
        for ask in [legacy("tools/list", &json!({})), modern("tools/list", &json!({}))] {
            let answer = world.ask(ask.bearer(&token)).await;
            assert_eq!(names(&answer), expected, "{scopes} {user_type}");
        }
    }
}

#[tokio::test]
async fn bytes_of_kept_tools_are_untouched() {
    let world = World::new(list).await;
    let ask = legacy("tools/list", &json!({})).bearer(&world.token("mcp:read"));
    let answer = world.ask(ask).await;
    let expected = concat!(
        r#"{"jsonrpc":"2.0","id":7,"result":{"tools":["#,
        r#"{"name":"get_request","x":12345678901234567890123, "inputSchema":{"minimum":1.0}},"#,
        r#"{"name":"create_request"},{"z":1,"name":"list_requests"}],"nextCursor":"c2"}}"#
    );
    assert_eq!(text(&answer.body), expected);
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// E-02.
#[tokio::test]
async fn a_filtered_list_is_private() {
    let world = World::new(list).await;
    let ask = modern("tools/list", &json!({})).bearer(&world.token("mcp:read"));
    let result = world.ask(ask).await.json()["result"].clone();
    assert_eq!(result["cacheScope"], "private");
    assert_eq!((&result["ttlMs"], &result["vendor"]["a"]), (&json!(60000), &json!(100.0)));
}

/// T-MCP-44: the second question is answered from what is kept, with its own id, and only to
/// those with the same permissions.
#[tokio::test]
async fn t_mcp_44_kept_lists_are_partitioned() {
    let world = World::new(list).await;
    let reader = token(&world, "mcp:read", "basic");
    let writer = token(&world, "mcp:read mcp:write", "basic");
    let stranger = Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key());
    let ask = |token: &str| legacy("tools/list", &json!({})).bearer(token);
    let first = world.ask(ask(&reader)).await;
    let again = crate::support::post(r#"{"jsonrpc":"2.0","id":"other","method":"tools/list"}"#);
    let again = world.ask(again.header("mcp-protocol-version", "2025-11-25").bearer(&reader)).await;
    assert_eq!(world.server.requests().len(), 1, "kept");
    assert_eq!(again.json()["id"], "other");
    assert_eq!(again.json()["result"], first.json()["result"]);
    assert_eq!(names(&world.ask(ask(&writer)).await).len(), 4);
    assert_eq!(world.server.requests().len(), 2, "other permissions");
    world.ask(ask(&stranger)).await;
    assert_eq!(world.server.requests().len(), 3, "another person: nobody said it is public");
    let member = Token::new("mcp:read").claim("organization", "Northwind");
    world.ask(ask(&member.sign(&world.authority.key()))).await;
    assert_eq!(world.server.requests().len(), 4, "the same person for an organization");
    let page = legacy("tools/list", &json!({ "cursor": "c2" })).bearer(&reader);
    world.ask(page).await;
    assert_eq!(world.server.requests().len(), 5, "another page");
    world.clock.advance_seconds(5);
    world.ask(ask(&reader)).await;
    assert_eq!(world.server.requests().len(), 6, "too old");
}

/// A public list of the upstream is the same for everybody with the same permissions.
#[tokio::test]
async fn t_mcp_44_public_lists_are_kept_once_per_permission_set() {
    let world = World::new(list).await;
    let ask = |token: &str| modern("tools/list", &json!({})).bearer(token);
    let stranger = Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key());
    world.ask(ask(&world.token("mcp:read"))).await;
    assert_eq!(names(&world.ask(ask(&stranger)).await).len(), 3);
    assert_eq!(world.server.requests().len(), 1);
    let writer = world.token("mcp:read mcp:write");
    assert_eq!(names(&world.ask(ask(&writer)).await).len(), 4);
    assert_eq!(world.server.requests().len(), 2);
}

/// A revoked token gets nothing from what is kept.
#[tokio::test]
async fn t_mcp_17_kept_lists_need_a_good_token() {
    let world = World::new(list).await;
    let ask = || legacy("tools/list", &json!({})).bearer(&world.token("mcp:read"));
    assert_eq!(world.ask(ask()).await.status, 200);
    world.authority.revoke(5);
    world.settle().await;
    assert_eq!(world.ask(ask()).await.status, 401);
}

/// News of a change, in whatever stream, makes kept lists stale.
#[tokio::test]
async fn list_changed_makes_lists_stale() {
    let world = World::new(|request| {
        if request.rpc_method() == "tools/list" {
            return list(request);
        }
        events(concat!(
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications\\/tools\\/list_changed\"}\n\n",
            "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n"
        ))
    })
    .await;
    let token = world.token("mcp:read");
    let ask = || legacy("tools/list", &json!({})).bearer(&token);
    world.ask(ask()).await;
    world.ask(legacy("tools/call", &json!({ "name": "get_request" })).bearer(&token)).await;
    world.ask(ask()).await;
    assert_eq!(world.server.requests().len(), 3);
}

fn listed_in_events(before: &'static str) -> impl Fn(&Recorded) -> Reply + Send + Sync + 'static {
    move |request| {
        let id = &request.message()["id"];
        let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":{TOOLS}}}}}"#);
        events(&format!("{before}id: e1\nevent: message\ndata: {message}\n\n"))
    }
}

#[tokio::test]
async fn a_list_in_a_stream_becomes_json() {
    let world = World::new(listed_in_events(": hello\n\n")).await;
    let answer = world.ask(legacy("tools/list", &json!({})).bearer(&world.token("mcp:read"))).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(names(&answer), ["get_request", "create_request", "list_requests"]);
}

#[tokio::test]
async fn messages_before_the_list_keep_the_stream() {
    const NEWS: &str =
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n\n";
    let world = World::new(listed_in_events(NEWS)).await;
    let answer = world.ask(legacy("tools/list", &json!({})).bearer(&world.token("mcp:read"))).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let rest = text(&answer.body).strip_prefix(NEWS).unwrap();
    let rest = crate::support::without_ids(rest);
    assert!(rest.starts_with("id: *\nevent: message\ndata: {\"jsonrpc\""), "{rest}");
    assert!(rest.contains("get_request") && !rest.contains("run_process"));
    assert!(rest.ends_with("}\n\n"));
}

/// A stream that a client resumes is as filtered as it was the first time.
#[tokio::test]
async fn a_resumed_list_is_filtered() {
    let world = World::new(|_| {
        events(&format!(
            ": hi\n\ndata: {{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{{\"content\":[ ]}}}}\n\n\
             id: e9\ndata: {{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{{\"tools\":{TOOLS}}}}}\n\n"
        ))
    })
    .await;
    let ask = crate::support::get("/mcp").header("accept", "text/event-stream");
    let ask = ask.bearer(&world.token("mcp:read"));
    let id = crate::support::event_id(&world.ask(ask.clone()).await);
    let answer = world.ask(ask.header("last-event-id", &id)).await;
    let body = text(&answer.body);
    assert!(crate::support::without_ids(body).starts_with(
        "id: *\ndata: \n\n\
         : hi\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"content\":[ ]}}\n\n"
    ));
    assert!(body.contains("\"id\":\"a\"") && body.contains("get_request"), "{body}");
    assert!(!body.contains("run_process") && !body.contains("unheard_of"), "{body}");
}

/// Errors pass as they are, and what cannot be read does not pass.
#[tokio::test]
async fn errors_pass_and_rubbish_does_not() {
    let turn = Arc::new(AtomicUsize::new(0));
    let world = World::new(move |_| match turn.fetch_add(1, Ordering::SeqCst) {
        0 => json_reply(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"no page"}}"#),
        1 => status(404, &[("content-type", "application/json")], r#"{"jsonrpc":"2.0"}"#),
        2 => json_reply(r#"{"jsonrpc":"2.0","id":7,"result":{"tools":{"run_process":{}}}}"#),
        3 => {
            json_reply(r#"[{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"run_process"}]}}]"#)
        }
        4 => events("data: {\"result\":{\"tools\":7}}\n\n"),
        5 => status(200, &[("content-type", "text/plain")], "run_process"),
        6 => events("data: {\"jsonrpc\""),
        _ => json_reply(r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"#),
    })
    .await;
    let ask = || legacy("tools/list", &json!({})).bearer(&world.token("mcp:read"));
    assert_eq!(world.ask(ask()).await.code(), -32602);
    for turn in 1..8 {
        let answer = world.ask(ask()).await;
        assert_eq!(answer.status, 502, "{turn}");
        assert_eq!(answer.json()["id"], 7);
        assert!(!text(&answer.body).contains("run_process"), "{turn}");
    }
    assert_eq!(world.server.requests().len(), 8, "nothing of this was kept");
}

#[tokio::test]
async fn a_list_beyond_the_limit_is_502() {
    let world = World::with(list, |config| config.limits.list_bytes = 200).await;
    let answer = world.ask(legacy("tools/list", &json!({})).bearer(&world.token("mcp:read"))).await;
    assert_eq!(answer.status, 502);
}

/// Hints choose a scope only where the operator trusts the server, and calls agree with lists.
#[tokio::test]
async fn trusted_hints_open_tools_that_no_rule_names() {
    let world = World::with(list, |config| config.servers[0].policy.trust_annotations = true).await;
    let token = world.token("mcp:read");
    let call = || legacy("tools/call", &json!({ "name": "unheard_of" })).bearer(&token);
    assert_eq!(world.ask(call()).await.code(), -32602, "before its hints are known");
    let listed = world.ask(legacy("tools/list", &json!({})).bearer(&token)).await;
    assert!(names(&listed).contains(&"unheard_of".to_owned()));
    assert_eq!(world.ask(call()).await.status, 200);
}

/// Lists that are translated between generations count like those that pass.
#[tokio::test]
async fn bridged_lists_are_counted() {
    let answer = |request: &Recorded| {
        let result = match request.rpc_method().as_str() {
            "tools/list" => json!({ "tools": [], "resultType": "complete", "ttlMs": 60000 }),
            "initialize" => {
                json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                                    "serverInfo": { "name": "s", "version": "1" } })
            }
            "server/discover" => json!({ "supportedVersions": ["2026-07-28"],
                                         "capabilities": { "tools": {} } }),
            _ => return status(202, &[], ""),
        };
        json_reply(
            &json!({ "jsonrpc": "2.0", "id": request.message()["id"], "result": result })
                .to_string(),
        )
    };
    // A list of a server that says nothing of its lifetime is not kept for a modern client.
    for (eras, kept, asked) in [(EraChoice::Legacy, 0, 3), (EraChoice::Modern, 2, 1)] {
        let world = World::with(answer, |config| config.servers[0].upstream.eras = eras).await;
        let token = world.token("mcp:read");
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
                             "clientInfo": { "name": "c", "version": "1" } });
        let opened = world.ask(legacy("initialize", &params).bearer(&token)).await;
        let session = opened.header("mcp-session-id").to_owned();
        for _ in 0..3 {
            let mut ask = match eras {
                EraChoice::Legacy => modern("tools/list", &json!({})),
                _ => legacy("tools/list", &json!({})),
            };
            if eras == EraChoice::Modern {
                ask = ask.header("mcp-session-id", &session);
            }
            assert_eq!(world.ask(ask.bearer(&token)).await.status, 200);
        }
        let text = metrics(&world.sidecar);
        for line in [
            format!(r#"mcp_lists_total{{server="default",cached="true"}} {kept}"#),
            format!(r#"mcp_lists_total{{server="default",cached="false"}} {asked}"#),
        ] {
            assert!(text.lines().any(|found| found == line), "{eras:?} {line}\n{text}");
        }
    }
}
