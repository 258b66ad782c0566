//! What can be seen from outside: the access log, numbers, spans and the record.

mod numbers;
mod repeated;

use std::sync::Arc;

use mcp::{Audit, Observe, Sidecar, Span, SpanKind, Spans};
use prometheus_client::registry::Registry;
use protocol::audit::{CallEntry, Entry};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::{Ask, Token, World, echo, get, json as reply, legacy, modern, post, status};

/// A sidecar that reports until the guard is dropped.
struct Reporting(CancellationToken);

impl Reporting {
    fn of(world: &World) -> Self {
        let done = CancellationToken::new();
        tokio::spawn(Arc::clone(&world.sidecar).report(done.clone()));
        Self(done)
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn calls(entries: Vec<Entry>) -> Vec<CallEntry> {
    let call = |entry| match entry {
        Entry::Call(call) => *call,
        Entry::Gap(gap) => panic!("{gap:?}"),
    };
    entries.into_iter().map(call).collect()
}

fn call(tool: &str) -> Ask {
    legacy("tools/call", &json!({ "name": tool, "arguments": { "canary": "argument-canary" } }))
}

pub(crate) fn metrics(sidecar: &Sidecar) -> String {
    let mut registry = Registry::default();
    sidecar.register_metrics(&mut registry);
    sidecar.sample_metrics();
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    text
}

/// T-LOG-04, G-41: each call and each denial is one entry, with who, what, which rule and why, and
/// without arguments.
#[tokio::test]
async fn t_log_04_each_call_and_denial_is_recorded_once() {
    let world = World::new(echo).await;
    let _reporting = Reporting::of(&world);
    let token = world.token("mcp:read");
    let prompt = legacy("prompts/get", &json!({ "name": "greeting" }));
    let resource = legacy("resources/read", &json!({ "uri": "demo://x?secret=1" }));
    for (ask, status) in [
        (call("get_x").bearer(&token), 200),
        (call("create_x").bearer(&token), 403),
        (call("delete_x").bearer(&token), 200),
        (call("get_x").bearer("not.a.token"), 401),
        (call("get_x"), 401),
        (legacy("ping", &json!({})).bearer(&token), 200),
        (call("get_x").bearer(&token).header("origin", "https://evil.example"), 403),
        (prompt.bearer(&token), 200),
        (resource.bearer(&token), 200),
    ] {
        assert_eq!(world.ask(ask).await.status, status);
    }
    let entries = calls(world.authority.reported(7).await);
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let [method, name, rule, reason] =
                [&entry.method, &entry.name, &entry.rule, &entry.reason]
                    .map(|text| text.as_deref().unwrap_or("-"));
            (entry.allowed, method, name, entry.decision.as_str(), rule, reason)
        })
        .collect();
    assert_eq!(
        told,
        [
            (true, "tools/call", "get_x", "allow", "rules[0]", "-"),
            (false, "tools/call", "create_x", "challenge", "rules[1]", "insufficient_scope"),
            (false, "tools/call", "delete_x", "hide", "default", "not_obtainable"),
            (false, "-", "-", "unauthenticated", "-", "bad_token"),
            (false, "-", "-", "forbid", "-", "origin_or_host"),
            (true, "prompts/get", "greeting", "allow", "method", "-"),
            (true, "resources/read", "demo://x", "allow", "method", "-"),
        ]
    );
    let first = &entries[0];
    let names = [&first.subject, &first.client, &first.grant].map(|name| name.as_deref().unwrap());
    assert_eq!(names, ["sub_1", "cl_1", "grt_1"]);
    assert_eq!((first.server.as_str(), first.at), ("default", 1_800_000_000_000));
    assert_ne!(first.request, entries[1].request);
    assert!(entries[3].subject.is_none() && entries[4].subject.is_none());
    assert!(!serde_json::to_string(&entries).unwrap().contains("canary"));
}

/// T-LOG-05: while the authority is away, entries wait; afterwards they are all there.
#[tokio::test(start_paused = true)]
async fn t_log_05_what_cannot_be_reported_waits() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    assert_eq!(world.ask(call("get_a").bearer(&token)).await.status, 200);
    world.authority.set_away(true);
    let _reporting = Reporting::of(&world);
    for tool in ["get_b", "create_c"] {
        world.ask(call(tool).bearer(&token)).await;
    }
    // Time is paused: this lets the first attempts fail.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    world.authority.set_away(false);
    let entries = calls(world.authority.reported(3).await);
    let names: Vec<_> = entries.iter().filter_map(|entry| entry.name.as_deref()).collect();
    assert_eq!(names, ["get_a", "get_b", "create_c"]);
}

/// T-LOG-05: without room, calls are counted and denials wait, but not forever; the record says
/// how many are missing.
#[tokio::test(start_paused = true)]
async fn t_log_05_what_finds_no_room_is_counted() {
    let world = World::with(echo, |config| config.limits.audit_entries = 8).await;
    let token = world.token("mcp:read");
    for number in 0..9 {
        assert_eq!(world.ask(call(&format!("get_{number}")).bearer(&token)).await.status, 200);
    }
    // The last place is for denials; the next one waits in vain and is answered all the same.
    for tool in ["create_a", "create_b"] {
        assert_eq!(world.ask(call(tool).bearer(&token)).await.status, 403);
    }
    let _reporting = Reporting::of(&world);
    let mut entries = world.authority.reported(9).await;
    let Entry::Gap(gap) = entries.remove(0) else { panic!("{entries:?}") };
    assert_eq!((gap.calls, gap.denials), (2, 1));
    assert_eq!((gap.since, gap.until), (1_800_000_000_000, 1_800_000_000_000));
    let entries = calls(entries);
    let names: Vec<_> = entries.iter().filter_map(|entry| entry.name.as_deref()).collect();
    assert_eq!(names[..6], ["get_0", "get_1", "get_2", "get_3", "get_4", "get_5"]);
    assert_eq!(names[6..], ["get_6", "create_a"]);
    let text = metrics(&world.sidecar);
    for line in [
        r#"mcp_audit_lost_total{kind="call"} 2"#,
        r#"mcp_audit_lost_total{kind="denial"} 1"#,
        "mcp_audit_gaps_total 1",
        "mcp_audit_waiting 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

/// T-LOG-05: a denial that waits for room is recorded once there is some.
#[tokio::test]
async fn t_log_05_a_denial_waits_for_room() {
    let world = World::with(echo, |config| config.limits.audit_entries = 1).await;
    let token = world.token("mcp:read");
    world.ask(call("create_a").bearer(&token)).await;
    let waiting = world.ask(call("create_b").bearer(&token));
    let reporting = async {
        tokio::task::yield_now().await;
        Reporting::of(&world)
    };
    let (answer, _reporting) = tokio::join!(waiting, reporting);
    assert_eq!(answer.status, 403);
    assert_eq!(calls(world.authority.reported(2).await).len(), 2);
}

/// The client went away, and the upstream had its call.
#[tokio::test]
async fn an_abandoned_call_is_recorded() {
    let never = |_: &crate::support::Recorded| -> crate::support::Reply {
        Box::pin(std::future::pending())
    };
    let world = World::new(never).await;
    let _reporting = Reporting::of(&world);
    let token = world.token("mcp:read");
    {
        let asking = world.ask(call("get_a").bearer(&token));
        let mut asking = std::pin::pin!(asking);
        while world.server.requests().is_empty() {
            let turn = tokio::task::yield_now();
            tokio::select! { biased; _ = &mut asking => panic!("answered"), () = turn => {} }
        }
    }
    let entries = calls(world.authority.reported(1).await);
    assert_eq!((entries[0].allowed, entries[0].name.as_deref()), (true, Some("get_a")));
    let text = metrics(&world.sidecar);
    assert!(text.contains(r#"method="tools/call",decision="allow",status="4xx"} 1"#), "{text}");
}

/// What is left when the process ends is reported then.
#[tokio::test]
async fn the_last_entries_are_reported_at_the_end() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    world.ask(call("get_a").bearer(&token)).await;
    let done = CancellationToken::new();
    done.cancel();
    Arc::clone(&world.sidecar).report(done).await;
    assert_eq!(world.authority.reported(1).await.len(), 1);
}

/// The operator may leave calls out; denials are always recorded.
#[tokio::test]
async fn calls_can_be_left_out() {
    let denials = Observe { audit: Audit::Denials, ..Observe::default() };
    let world = World::with(echo, |config| config.observe = denials).await;
    let _reporting = Reporting::of(&world);
    let token = world.token("mcp:read");
    for tool in ["get_a", "create_b"] {
        world.ask(call(tool).bearer(&token)).await;
    }
    let entries = calls(world.authority.reported(1).await);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].name.as_deref(), Some("create_b"));
}

/// A call that was let through by the rules and then found no session was no call.
#[tokio::test]
async fn what_was_not_sent_is_no_call() {
    let world = World::new(echo).await;
    let _reporting = Reporting::of(&world);
    let token = world.token("mcp:read");
    let ended = call("get_a").bearer(&token).header("mcp-session-id", "unknown");
    assert_eq!(world.ask(ended).await.status, 404);
    world.ask(call("get_b").bearer(&token)).await;
    let entries = calls(world.authority.reported(1).await);
    assert_eq!(entries[0].name.as_deref(), Some("get_b"));
}

#[tokio::test]
async fn requests_are_counted() {
    let observe = Observe { tool_labels: true, ..Observe::default() };
    let reply_of = |request: &crate::support::Recorded| match request.rpc_method().as_str() {
        "tools/list" => reply(r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[]}}"#),
        "prompts/list" => status(500, &[], "oops"),
        _ => echo(request),
    };
    let world = World::with(reply_of, |config| config.observe = observe).await;
    let token = world.token("mcp:read");
    for tool in ["get_x", "get_x", "create_x", "delete_x"] {
        world.ask(call(tool).bearer(&token)).await;
    }
    for _ in 0..3 {
        world.ask(modern("tools/list", &json!({})).bearer(&token)).await;
    }
    world.ask(legacy("no/such", &json!({})).bearer(&token)).await;
    world.ask(post("{").bearer(&token)).await;
    world.ask(get("/mcp")).await;
    let text = metrics(&world.sidecar);
    let request = |rest: &str| format!("mcp_requests_total{{server=\"default\",{rest}}}");
    for line in [
        request(r#"method="tools/call",decision="allow",status="2xx""#) + " 2",
        request(r#"method="tools/call",decision="challenge",status="4xx""#) + " 1",
        request(r#"method="tools/call",decision="hide",status="2xx""#) + " 1",
        request(r#"method="tools/list",decision="allow",status="2xx""#) + " 3",
        request(r#"method="other",decision="unknown",status="2xx""#) + " 1",
        request(r#"method="none",decision="malformed",status="4xx""#) + " 1",
        request(r#"method="GET",decision="unauthenticated",status="4xx""#) + " 1",
        r#"mcp_tool_calls_total{server="default",tool="get_x",decision="allow"} 2"#.to_owned(),
        r#"mcp_lists_total{server="default",cached="true"} 2"#.to_owned(),
        r#"mcp_lists_total{server="default",cached="false"} 1"#.to_owned(),
        r#"mcp_tokens_total{server="default",cached="false"} 1"#.to_owned(),
        r#"mcp_tokens_total{server="default",cached="true"} 8"#.to_owned(),
        r#"mcp_request_duration_seconds_count{server="default"} 10"#.to_owned(),
        r#"mcp_upstream_duration_seconds_count{server="default"} 3"#.to_owned(),
        r#"mcp_open_streams{server="default"} 0"#.to_owned(),
        r#"mcp_audit_lost_total{kind="call"} 0"#.to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

/// Without the setting, no tool is named.
#[tokio::test]
async fn tools_are_no_labels_by_default() {
    let world = World::new(echo).await;
    world.ask(call("get_x").bearer(&world.token("mcp:read"))).await;
    assert!(!metrics(&world.sidecar).contains("get_x"));
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn traced(ratio: f64) -> (World, mpsc::Receiver<Span>) {
    let (to, spans) = mpsc::channel(16);
    let observe = Observe { spans: Some(Spans { ratio, to }), ..Observe::default() };
    (World::with(echo, |config| config.observe = observe).await, spans)
}

fn hex(bytes: &[u8]) -> String {
    let digit = |digit: u8| char::from_digit(digit.into(), 16).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The upstream works for our span, ours for the client's, in the client's trace.
#[tokio::test]
async fn a_trace_goes_through() {
    let (world, mut spans) = traced(0.0).await;
    let token = world.token("mcp:read");
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
        "name": "get_x", "_meta": { "traceparent": PARENT } } });
    let in_header = call("get_x").bearer(&token).header("traceparent", PARENT);
    let in_body = post(&body.to_string()).bearer(&token).header("traceparent", "nonsense");
    for ask in [in_header, in_body] {
        assert_eq!(world.ask(ask).await.status, 200);
        let behind = spans.recv().await.unwrap();
        let here = spans.recv().await.unwrap();
        assert_eq!((behind.kind, here.kind), (SpanKind::Client, SpanKind::Server));
        assert_eq!(hex(&here.trace), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(hex(&here.parent.unwrap()), "b7ad6b7169203331");
        assert_eq!((behind.trace, behind.parent), (here.trace, Some(here.id)));
        assert_eq!(here.name, "tools/call");
        assert!(!format!("{here:?}").contains("canary"));
        let sent = world.server.requests().pop().unwrap();
        let expected = format!("00-{}-{}-01", hex(&here.trace), hex(&behind.id));
        assert_eq!(sent.header("traceparent"), expected);
    }
    let sent: Value = world.server.requests().pop().unwrap().message();
    assert_eq!(sent, body, "the body passes as it is");
}

/// What is not traced keeps the client's own parent, and makes no span.
#[tokio::test]
async fn what_is_not_sampled_passes_as_it_is() {
    let (world, mut spans) = traced(0.0).await;
    let token = world.token("mcp:read");
    let unsampled = PARENT.replace("-01", "-00");
    world.ask(call("get_x").bearer(&token).header("traceparent", &unsampled)).await;
    assert_eq!(world.server.requests().pop().unwrap().header("traceparent"), unsampled);
    world.ask(call("get_x").bearer(&token)).await;
    assert_eq!(world.server.requests().pop().unwrap().header("traceparent"), "");
    assert!(spans.try_recv().is_err());
    let world = World::new(echo).await;
    let token = Token::new("mcp:read").sign(&world.authority.key());
    world.ask(call("get_x").bearer(&token).header("traceparent", PARENT)).await;
    assert_eq!(world.server.request().header("traceparent"), PARENT);
}
