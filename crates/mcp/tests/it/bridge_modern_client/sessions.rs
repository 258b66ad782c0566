//! Sessions that the sidecar holds on modern clients' behalf.

use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use mcp::EraChoice;
use serde_json::{Value, json};

use super::legacy_server::{Legacy, call, next, plain, with};
use crate::support::{Answer, Recorded, Reply, SOON, Token, World, modern, status};

/// D-30: one session for each set of capabilities, opened with what the client declares.
#[tokio::test]
async fn d_30_one_session_for_each_set_of_capabilities() {
    let legacy = Legacy::new(plain).await;
    let list = |capabilities| with("prompts/list", &json!({}), &capabilities);
    for _ in 0..3 {
        assert_eq!(legacy.ask(list(json!({ "elicitation": {}, "tasks": {} }))).await.status, 200);
    }
    assert_eq!(legacy.ask(list(json!({}))).await.status, 200);
    let opened: Vec<Value> =
        legacy.sent("initialize").iter().map(|sent| sent.message()["params"].clone()).collect();
    assert_eq!(opened.len(), 2);
    assert_eq!(opened[0]["protocolVersion"], "2025-11-25");
    assert_eq!(opened[0]["capabilities"], json!({ "elicitation": { "form": {} } }));
    assert_eq!(opened[1]["capabilities"], json!({}));
    assert_eq!(legacy.sent("notifications/initialized").len(), 2);
    let asked = legacy.sent("prompts/list");
    let sessions: Vec<&str> = asked.iter().map(|sent| sent.header("mcp-session-id")).collect();
    assert_eq!(sessions, ["session-0", "session-0", "session-0", "session-1"]);
    assert_eq!(asked[0].header("mcp-protocol-version"), "2025-11-25");
    assert!(asked[0].headers.get("mcp-method").is_none(), "D-32");
    assert!(asked[0].headers.get("authorization").is_none(), "T-MCP-41");
    let numbers: HashSet<String> =
        asked[..3].iter().map(|sent| sent.message()["id"].to_string()).collect();
    assert_eq!(numbers.len(), 3, "C-34: ids are our own");
}

/// D-30: what a server forgot is opened again, and the request is sent once more.
#[tokio::test]
async fn d_30_a_forgotten_session_is_opened_again() {
    let legacy = Legacy::new(plain).await;
    let list = || with("prompts/list", &json!({}), &json!({}));
    assert_eq!(legacy.ask(list()).await.status, 200);
    legacy.forget("session-0");
    let answer = legacy.ask(list()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["id"].clone()), (200, json!(7)));
    assert_eq!(legacy.sent("initialize").len(), 2);
    // A server that forgets everything at once does not keep us going.
    for number in 1..10 {
        legacy.forget(&format!("session-{number}"));
    }
    let answer = legacy.ask(list()).await;
    assert_eq!(answer.status, 502);
    assert!(legacy.sent("initialize").len() <= 4);
}

/// G-44: who declares ever new things keeps the last hundred sessions; the server hears of the end
/// of those before.
#[tokio::test]
async fn g_44_sessions_without_a_place_are_ended() {
    let legacy = Legacy::new(plain).await;
    for number in 0..=100 {
        let info = json!({ "name": format!("client {number}"), "version": "1" });
        let meta = json!({ "io.modelcontextprotocol/clientInfo": info });
        let list = with("prompts/list", &json!({ "_meta": meta }), &json!({}));
        assert_eq!(legacy.ask(list).await.status, 200);
        legacy.world.clock.advance_seconds(1);
    }
    let ended = async {
        loop {
            let requests = legacy.world.server.requests();
            let ends = requests.iter().find(|request| request.method == Method::DELETE);
            if let Some(end) = ends {
                return end.header("mcp-session-id").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert_eq!(tokio::time::timeout(SOON, ended).await.unwrap(), "session-0");
}

/// Servers need not keep sessions of a gateway that is gone.
#[tokio::test]
async fn d_30_sessions_end_with_the_process() {
    let legacy = Legacy::new(plain).await;
    for capabilities in [json!({}), json!({ "elicitation": {} })] {
        let list = with("prompts/list", &json!({}), &capabilities);
        assert_eq!(legacy.ask(list).await.status, 200);
    }
    legacy.world.sidecar.end().await;
    let requests = legacy.world.server.requests();
    let ends = requests.iter().filter(|request| request.method == Method::DELETE);
    let mut ended: Vec<&str> = ends.map(|end| end.header("mcp-session-id")).collect();
    ended.sort_unstable();
    assert_eq!(ended, ["session-0", "session-1"]);
}

/// One that does not answer any more does not hold the process up.
#[tokio::test]
async fn the_end_waits_for_no_server() {
    let reply = |request: &Recorded| {
        if request.method == Method::DELETE {
            return Box::pin(pending()) as Reply;
        }
        let result = json!({ "protocolVersion": "2025-11-25", "capabilities": { "prompts": {} },
                             "prompts": [], "serverInfo": { "name": "old", "version": "1" } });
        let id = &request.message()["id"];
        let text = json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string();
        status(200, &[("content-type", "application/json"), ("mcp-session-id", "one")], &text)
    };
    let world =
        World::with(reply, |config| config.servers[0].upstream.eras = EraChoice::Legacy).await;
    let list = modern("prompts/list", &json!({})).bearer(&world.token("mcp:read"));
    assert_eq!(world.ask(list).await.status, 200);
    tokio::time::timeout(Duration::from_secs(4), world.sidecar.end()).await.unwrap();
    assert_eq!(world.server.requests().pop().unwrap().method, Method::DELETE);
}

/// D-31: discovery, from the handshake.
#[tokio::test]
async fn d_31_discovery() {
    let legacy = Legacy::new(plain).await;
    let answer = legacy.ask(with("server/discover", &json!({}), &json!({}))).await;
    let result = &answer.json()["result"];
    assert_eq!(result["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(result["resultType"], "complete");
    assert_eq!(result["cacheScope"], "private");
    assert_eq!(result["instructions"], "Be kind.");
    assert_eq!(result["capabilities"]["tools"], json!({ "listChanged": true }));
    assert!(result["capabilities"].get("tasks").is_none());
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "old");
    assert!(answer.header("mcp-session-id").is_empty(), "C-05");
}

/// T-MCP-43: two principals with the same ids at the same time never get each other's answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_mcp_43_answers_go_to_whom_they_belong() {
    let legacy = Arc::new(Legacy::new(plain).await);
    let server = Arc::clone(&legacy);
    tokio::spawn(async move {
        loop {
            let running = server.call().await;
            running
                .finish(&json!({ "subject": running.subject, "n": running.params["arguments"] }));
        }
    });
    let asking = |subject: &'static str| {
        let legacy = Arc::clone(&legacy);
        let token =
            Token::new("mcp:read").claim("sub", subject).sign(&legacy.world.authority.key());
        tokio::spawn(async move {
            for round in 0..100 {
                let asks = (0..10).map(|n| {
                    let arguments = json!({ "round": round, "n": n });
                    let params = json!({ "name": "get_x", "arguments": arguments });
                    let ask = with("tools/call", &params, &json!({})).bearer(&token).build();
                    let sidecar = Arc::clone(&legacy.world.sidecar);
                    async move { (arguments, Answer::read(sidecar.handle(ask).await).await) }
                });
                for (arguments, answer) in futures_util::future::join_all(asks).await {
                    let result = &answer.json()["result"];
                    assert_eq!((&result["subject"], &result["n"]), (&json!(subject), &arguments));
                }
            }
        })
    };
    let (one, other) = (asking("sub_1"), asking("sub_2"));
    one.await.unwrap();
    other.await.unwrap();
    assert_eq!(legacy.sent("initialize").len(), 2, "one session each");
}

/// D-39: the level is set once for the most verbose wish, and each request hears its own share.
#[tokio::test]
async fn d_39_log_messages_go_to_who_asked() {
    let legacy = Legacy::new(plain).await;
    let logging = |level: &str| {
        let meta = json!({ "io.modelcontextprotocol/logLevel": level });
        with("tools/call", &json!({ "name": "get_x", "_meta": meta }), &json!({}))
    };
    let say = |level: &str| {
        json!({ "jsonrpc": "2.0", "method": "notifications/message",
                "params": { "level": level, "data": level } })
    };
    for (level, heard) in [("info", vec!["info", "error"]), ("error", vec!["error"])] {
        let ask = logging(level).bearer(&legacy.token).build();
        let sidecar = Arc::clone(&legacy.world.sidecar);
        let asking = tokio::spawn(async move { sidecar.handle(ask).await });
        let running = legacy.call().await;
        for level in ["debug", "info", "error"] {
            running.say(&say(level));
        }
        running.finish(&json!({ "content": [] }));
        let mut body = asking.await.unwrap().into_body();
        for level in heard {
            assert_eq!(next(&mut body).await["params"]["level"], level);
        }
        assert_eq!(next(&mut body).await["result"]["resultType"], "complete");
    }
    let set = legacy.sent("logging/setLevel");
    assert_eq!(set.len(), 1, "error is within info");
    assert_eq!(set[0].message()["params"], json!({ "level": "info" }));
    let answer = legacy.ask(logging("loud")).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (200, -32602));
    // C-91: who did not ask hears nothing.
    let ask = call(&json!(8)).bearer(&legacy.token).build();
    let sidecar = Arc::clone(&legacy.world.sidecar);
    let asking = tokio::spawn(async move { Answer::read(sidecar.handle(ask).await).await });
    let running = legacy.call().await;
    running.say(&say("emergency"));
    running.finish(&json!({ "content": [] }));
    assert_eq!(asking.await.unwrap().json()["id"], 8);
}
