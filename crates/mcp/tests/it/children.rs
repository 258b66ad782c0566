//! Upstreams that are child processes (G-42, D-43).

use std::collections::BTreeSet;
use std::time::Duration;

use mcp::{ChildConfig, Config, EraChoice, Transport};
use serde_json::{Value, json};

use crate::support::{Answer, Ask, Control, Token, World, echo, frame, modern};

fn tool(name: &str) -> Ask {
    modern("tools/call", &json!({ "name": name, "arguments": { "n": name } }))
}

fn with_child(config: &mut Config, change: impl FnOnce(&mut ChildConfig)) {
    if let Transport::Stdio(child) = &mut config.servers[0].upstream.transport {
        change(child);
    }
}

async fn world(control: &Control, role: &str, change: impl FnOnce(&mut Config)) -> World {
    let child = control.child(role);
    World::with(echo, |config| {
        config.servers[0].upstream.eras = EraChoice::Modern;
        child(config);
        change(config);
    })
    .await
}

fn other_person(world: &World) -> String {
    Token::new("mcp:read").claim("sub", "sub_2").sign(&world.authority.key())
}

/// C-34: a request and its answer, with ids of ours in between; one child for one person.
#[tokio::test]
async fn c_34_a_modern_child_answers() {
    let control = Control::start().await;
    let world = world(&control, "modern", |_| {}).await;
    let token = world.token("mcp:read");
    let answer = world.ask(tool("get_x").bearer(&token)).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["id"]), (200, &json!(7)));
    let mut child = control.next().await;
    let got = child.got().await.unwrap();
    assert_eq!(answer.json()["result"]["pid"], child.pid);
    assert_eq!(got["params"]["arguments"], json!({ "n": "get_x" }));
    let again = world.ask(tool("get_y").bearer(&token)).await;
    assert_eq!(again.json()["result"]["pid"], child.pid, "the same child");
    assert_ne!(child.got().await.unwrap()["id"], got["id"]);
    assert!(world.server.requests().is_empty() && control.is_empty().await);
    let refused = world.ask(tool("create_x").bearer(&token)).await;
    assert_eq!(refused.status, 403, "the policy is the same as everywhere");
    drop(world);
    child.ended().await;
}

/// The child inherits nothing: no variable, and no secret, of ours.
#[tokio::test]
async fn g_42_the_environment_is_cleared() {
    let control = Control::start().await;
    let world = world(&control, "modern", |_| {}).await;
    world.ask(tool("get_x").bearer(&world.token("mcp:read"))).await;
    let child = control.next().await;
    let names: BTreeSet<&str> = child.environment.keys().map(String::as_str).collect();
    let expected = [
        "CHILD_CONTROL",
        "CHILD_ROLE",
        "WICKETGATE_CLIENT",
        "WICKETGATE_SUBJECT",
        "WICKETGATE_USER_TYPE",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    assert_eq!(child.environment["WICKETGATE_SUBJECT"], "sub_1");
    assert_eq!(child.environment["WICKETGATE_USER_TYPE"], "basic");
}

/// D-43: two principals never share, be they two people or one with two clients.
#[tokio::test]
async fn d_43_each_principal_has_their_own() {
    let control = Control::start().await;
    let world = world(&control, "modern", |_| {}).await;
    let client = Token::new("mcp:read").claim("client_id", "cl_2").sign(&world.authority.key());
    let mut pids = BTreeSet::new();
    for token in [world.token("mcp:read"), other_person(&world), client] {
        let answer = world.ask(tool("get_x").bearer(&token)).await;
        let child = control.next().await;
        assert_eq!(answer.json()["result"]["pid"], child.pid);
        pids.insert(child.pid);
    }
    assert_eq!(pids.len(), 3);
}

/// T-MCP-43, I-15: everybody shares one child and uses the same id; answers come in another order
/// than requests, and each still reaches the one who asked.
#[tokio::test]
async fn t_mcp_43_a_shared_child_crosses_nothing() {
    let control = Control::start().await;
    let world =
        world(&control, "modern", |c| with_child(c, |child| child.shared_by_everyone = true)).await;
    let tokens = [world.token("mcp:read"), other_person(&world)];
    for round in 0..200 {
        let pair = |who: usize| {
            let arguments = json!({ "who": who, "round": round });
            let call = json!({ "name": "get_pair", "arguments": arguments });
            world.ask(modern("tools/call", &call).bearer(&tokens[who]))
        };
        let (one, two) = tokio::join!(pair(0), pair(1));
        for (who, answer) in [one, two].iter().enumerate() {
            let expected =
                json!({ "jsonrpc": "2.0", "id": 7, "result": { "who": who, "round": round } });
            assert_eq!(answer.json(), expected);
        }
    }
    let child = control.next().await;
    assert!(control.is_empty().await, "one child for all");
    assert!(
        !child.environment.contains_key("WICKETGATE_SUBJECT"),
        "it serves nobody in particular"
    );
}

/// E-01: lists over a pipe are filtered like any other.
#[tokio::test]
async fn lists_are_filtered() {
    let control = Control::start().await;
    let world = world(&control, "modern", |_| {}).await;
    let ask = modern("tools/list", &json!({})).bearer(&world.token("mcp:read"));
    let answer = world.ask(ask.clone()).await;
    let tools: Vec<Value> = answer.json()["result"]["tools"].as_array().unwrap().clone();
    assert_eq!(tools, [json!({ "name": "get_x" })]);
    assert_eq!(world.ask(ask).await.json(), answer.json());
}

/// C-90: progress carries the client's own token.
#[tokio::test]
async fn c_90_progress_comes_back() {
    let control = Control::start().await;
    let world = world(&control, "modern", |_| {}).await;
    let body = json!({ "jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": {
        "name": "get_progress", "_meta": { "progressToken": "mine",
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {} } } });
    let ask = tool("get_progress").body(&body.to_string()).bearer(&world.token("mcp:read"));
    let answer = world.ask(ask).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.contains(r#""progressToken":"mine""#) && text.contains(r#""id":"a""#), "{text}");
}

/// C-71, C-72: a subscription has the client's id, and ends with an answer.
#[tokio::test]
async fn c_72_subscriptions() {
    let control = Control::start().await;
    let world = world(&control, "modern", |_| {}).await;
    let ask = modern("subscriptions/listen", &json!({ "notifications": {} }));
    let answer = world.ask(ask.bearer(&world.token("mcp:read"))).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let own = r#""io.modelcontextprotocol/subscriptionId":7"#;
    assert_eq!(text.matches(own).count(), 3, "{text}");
    assert!(text.contains("acknowledged") && text.contains(r#""resultType":"complete""#));
}

/// T-MCP-52, C-08: a client that goes away cancels its request, by a message.
#[tokio::test]
async fn t_mcp_52_going_away_cancels() {
    let control = Control::start().await;
    let world = world(&control, "modern", |_| {}).await;
    let ask = tool("get_silence").bearer(&world.token("mcp:read")).build();
    let asking = tokio::spawn({
        let sidecar = std::sync::Arc::clone(&world.sidecar);
        async move { sidecar.handle(ask).await }
    });
    let mut child = control.next().await;
    let id = child.got().await.unwrap()["id"].clone();
    asking.abort();
    let cancelled = child.got().await.unwrap();
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], id);
}

/// T-MCP-51: a child that says nothing.
#[tokio::test]
async fn t_mcp_51_silence() {
    let control = Control::start().await;
    let world = world(&control, "modern", |config| {
        config.limits.upstream.first_byte_timeout = Duration::from_millis(300);
    })
    .await;
    let answer = world.ask(tool("get_silence").bearer(&world.token("mcp:read"))).await;
    assert_eq!(answer.status, 504);
    let mut child = control.next().await;
    assert_eq!(child.method().await, "tools/call");
    assert_eq!(child.method().await, "notifications/cancelled");
}

/// A child that dies over a request: nothing is sent twice, and the next request has a new one.
#[tokio::test]
async fn a_child_that_dies() {
    let control = Control::start().await;
    let world = world(&control, "modern", |_| {}).await;
    let token = world.token("mcp:read");
    assert_eq!(world.ask(tool("get_x").bearer(&token)).await.status, 200);
    let answer = world.ask(tool("get_death").bearer(&token)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502));
    let first = control.next().await;
    let pid = first.pid;
    first.ended().await;
    let answer = world.ask(tool("get_x").bearer(&token)).await;
    let mut second = control.next().await;
    assert!(answer.json()["result"]["pid"] == second.pid && second.pid != pid);
    let only = second.got().await.unwrap();
    assert_eq!(only["params"]["name"], "get_x", "the request that killed is not repeated");
}

/// A program that ends at once is not started in a loop.
#[tokio::test]
async fn a_program_that_ends_at_once() {
    let control = Control::start().await;
    let world = world(&control, "dying", |_| {}).await;
    let token = world.token("mcp:read");
    for _ in 0..2 {
        assert_eq!(world.ask(tool("get_x").bearer(&token)).await.status, 502);
        control.next().await.ended().await;
    }
    assert_eq!(world.ask(tool("get_x").bearer(&token)).await.status, 503);
    assert!(control.is_empty().await, "not now");
    world.clock.advance_seconds(1);
    assert_eq!(world.ask(tool("get_x").bearer(&token)).await.status, 502);
    control.next().await.ended().await;
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let control = Control::start().await;
    let world = world(&control, "modern", |config| {
        with_child(config, |child| child.command = vec!["/nonexistent/server".to_owned()]);
    })
    .await;
    let answer = world.ask(tool("get_x").bearer(&world.token("mcp:read"))).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (503, -31503));
    world.settle().await;
    assert!(world.sidecar.ready().await.unwrap_err().to_string().contains("program"));
}

/// T-MCP-51: floods are cut off, of messages and of one line without end.
#[tokio::test]
async fn t_mcp_51_floods_are_cut_off() {
    for name in ["get_flood", "get_line"] {
        let control = Control::start().await;
        let world = world(&control, "modern", |config| {
            config.limits.upstream.message_bytes = 1 << 20;
        })
        .await;
        let answer = world.ask(tool(name).bearer(&world.token("mcp:read"))).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502), "{name}");
        control.next().await.ended().await;
    }
}

/// What a child complains about does not disturb its answers.
#[tokio::test]
async fn standard_error_is_no_answer() {
    let control = Control::start().await;
    let world = world(&control, "modern", |_| {}).await;
    let answer = world.ask(tool("get_complaint").bearer(&world.token("mcp:read"))).await;
    assert_eq!(answer.json()["result"], json!({}));
}

/// A child that nobody needs ends, and leaves no zombie; the next request starts another.
#[tokio::test]
async fn idle_children_end() {
    let control = Control::start().await;
    let world =
        world(&control, "modern", |config| with_child(config, |child| child.idle_seconds = 1))
            .await;
    let token = world.token("mcp:read");
    assert_eq!(world.ask(tool("get_x").bearer(&token)).await.status, 200);
    control.next().await.ended().await;
    let answer = world.ask(tool("get_x").bearer(&token)).await;
    assert_eq!(answer.json()["result"]["pid"], control.next().await.pid);
}

/// A child that does not end with its input is made to, and so are its own children.
#[tokio::test]
async fn a_deaf_family_ends() {
    let control = Control::start().await;
    let world = world(&control, "family", |_| {}).await;
    assert_eq!(world.ask(tool("get_x").bearer(&world.token("mcp:read"))).await.status, 200);
    let (mut one, mut two) = (control.next().await, control.next().await);
    drop(world);
    while one.got().await.is_some() {}
    while two.got().await.is_some() {}
}

/// A6: where every place is taken, an idle child of whoever has most makes room for somebody who has
/// less; nobody's busy child does, and nobody takes a place from one who has no more.
#[tokio::test]
async fn idle_children_make_room_for_others() {
    let control = Control::start().await;
    let world = world(&control, "modern", |config| {
        config.limits.upstream.child_courtesy = Duration::ZERO;
        with_child(config, |child| child.limit = 3);
    })
    .await;
    let token = |who: &str, client: &str| {
        let token = Token::new("mcp:read").claim("sub", who).claim("client_id", client);
        token.sign(&world.authority.key())
    };
    let ask = |who: &'static str, client: &'static str| {
        let ask = tool("get_x").bearer(&token(who, client));
        async { world.ask(ask).await }
    };
    for client in ["a", "b"] {
        assert_eq!(ask("sub_rich", client).await.status, 200);
    }
    assert_eq!(ask("sub_poor", "a").await.status, 200);
    let oldest = control.next().await;
    let (_, _) = (control.next().await, control.next().await);
    // The one that was idle for longest, of the person who has two.
    assert_eq!(ask("sub_new", "a").await.status, 200);
    oldest.ended().await;
    // Now each has one, and one more person is one too many.
    assert_eq!(ask("sub_late", "a").await.status, 200, "nobody has less than none");
}

/// There are only so many children; nobody's child ends for another person while it is used.
#[tokio::test]
async fn places_are_limited() {
    let control = Control::start().await;
    let world =
        world(&control, "modern", |config| with_child(config, |child| child.limit = 1)).await;
    let mine = world.ask(tool("get_x").bearer(&world.token("mcp:read"))).await;
    assert_eq!(mine.status, 200);
    let refused = world.ask(tool("get_x").bearer(&other_person(&world))).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "5"));
}

/// D-24: what a child speaks is found out by asking; one that ends, or says nothing, over a
/// question that it does not know gets `initialize` as a fresh process.
#[tokio::test]
async fn d_24_legacy_children_are_found_out() {
    for role in ["legacy", "leaving", "silent"] {
        let control = Control::start().await;
        let world = world(&control, role, |c| c.servers[0].upstream.eras = EraChoice::Auto).await;
        let ask = tool("get_x").bearer(&world.token("mcp:read")).build();
        let sidecar = std::sync::Arc::clone(&world.sidecar);
        let asking = tokio::spawn(async move { Answer::read(sidecar.handle(ask).await).await });
        let mut first = control.next().await;
        assert_eq!(first.method().await, "server/discover", "{role}");
        let mut second = control.next().await;
        assert_eq!(second.method().await, "initialize", "{role}");
        assert_eq!(second.method().await, "notifications/initialized", "{role}");
        first.ended().await;
        asking.await.unwrap();
    }
}

/// D-24: a modern child is asked once, and serves at once.
#[tokio::test]
async fn d_24_modern_children_are_found_out() {
    let control = Control::start().await;
    let world = world(&control, "modern", |c| c.servers[0].upstream.eras = EraChoice::Auto).await;
    let response =
        world.sidecar.handle(tool("get_x").bearer(&world.token("mcp:read")).build()).await;
    let mut body = response.into_body();
    assert!(frame(&mut body).await.unwrap().is_ok());
    let mut child = control.next().await;
    assert_eq!(child.method().await, "server/discover");
    assert_eq!(child.method().await, "tools/call");
    assert!(control.is_empty().await);
}
