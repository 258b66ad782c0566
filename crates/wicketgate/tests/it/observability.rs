//! What a deployment tells: its record, its numbers, its spans and its log.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use kernel::{ManualClock, Timestamp};
use serde_json::{Value, json};
use testkit::{CapturedLog, Era, McpCaller};
use tokio::time::{Duration, sleep, timeout};

use crate::world::{Plan, VAULT, VAULT_SECRET, World, listen};

const SIDECAR_SECRET: &str = "sidecar secret:+%25&=0123456789";

/// Looks again until something is so. Records are written behind the requests' backs.
async fn soon<T, F: Future<Output = Option<T>>>(look: impl Fn() -> F) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), found).await.expect("it happens soon")
}

/// Waits for so many rows of each kind, and returns all `detail`s of calls and denials.
async fn recorded(world: &World, calls: usize, denials: usize) -> Vec<Value> {
    let all = || async {
        let dump = world.dump().await;
        let count = |kind: &str| dump.count_with("OAUTH_AUDIT", &format!("kind=mcp.{kind} "));
        assert_eq!(count("gap"), 0);
        if count("call") < calls || count("denied") < denials {
            return None;
        }
        assert_eq!((count("call"), count("denied")), (calls, denials));
        let details = dump.values("OAUTH_AUDIT", "detail");
        Some(details.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
    };
    soon(all).await
}

/// What is older than `oauth.audit_retention_days` goes soon after the start, and nothing else.
#[tokio::test]
async fn old_records_go() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
        let world = plan.clock(&clock).start().await;
        world.connect("basic").await;
        let old = world.dump().await.rows("OAUTH_AUDIT").len();
        assert!(old > 0);
        clock.advance_seconds(25 * 3600);
        world.connect("basic").await;
        let all = world.dump().await.rows("OAUTH_AUDIT").len();
        let plan = Plan::sqlite().clock(&clock).with(world.stop().await);
        let world = plan.oauth("audit_retention_days = 1").start().await;
        let gone = || async {
            let left = world.dump().await.rows("OAUTH_AUDIT").len();
            assert!(left >= all - old, "{left} of {all}");
            (left == all - old).then_some(())
        };
        soon(gone).await;
    }
}

fn sidecar_of_its_own(plan: Plan) -> Plan {
    plan.oauth(&format!(
        "[[oauth.client]]\nid = \"side:car\"\nsidecar = true\nsecret = \"{SIDECAR_SECRET}\""
    ))
    .authority(&format!("client_id = \"side:car\", client_secret = \"{SIDECAR_SECRET}\""))
    .apart()
}

/// T-LOG-04, A4: in one process or two, on both databases, each call and each denial is one row, and
/// bad tokens are one however many come.
#[tokio::test]
async fn t_log_04_calls_and_denials_are_rows() {
    let apart = [Plan::sqlite(), Plan::postgres()].map(sidecar_of_its_own);
    for plan in [Plan::sqlite(), Plan::postgres()].into_iter().chain(apart) {
        let world = plan.start().await;
        let tokens = world.connect("basic").await.tokens;
        let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
        let answer = caller.call("list_requests", json!({ "canary": "argument-canary" })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        caller.call("admin_reset", json!({})).await;
        let changed = format!("{}x", tokens.access);
        for _ in 0..5 {
            caller.with_token(&changed).call("list_requests", json!({})).await;
        }
        let details = recorded(&world, 1, 2).await;
        let of = |decision: &str| {
            let found = details.iter().find(|detail| detail["decision"] == decision);
            found.unwrap_or_else(|| panic!("{decision}: {details:?}"))
        };
        assert_eq!(of("allow")["name"], "list_requests");
        assert_eq!(of("allow")["rule"], "rules[0]");
        assert_eq!(of("hide")["name"], "admin_reset");
        assert_eq!(of("unauthenticated")["reason"], "bad_token");
        let dump = world.dump().await;
        let rows = dump.rows("OAUTH_AUDIT").iter().filter(|row| row.contains("kind=mcp.call"));
        assert!(
            rows.clone().all(|row| row.contains("subject_id=usr_")),
            "{:?}",
            rows.collect::<Vec<_>>()
        );
        assert!(!dump.contains("argument-canary"));
    }
}

/// Nobody else may write the record: not without a secret, not with a wrong one, and no client
/// that is configured for something else.
#[tokio::test]
async fn only_a_sidecar_may_report() {
    let world = sidecar_of_its_own(Plan::sqlite()).start().await;
    let before = world.dump().await;
    let url = world.at("/audit/calls");
    let call = json!({ "kind": "call", "at": 1, "request": "r", "allowed": true,
                       "server": "default", "decision": "allow" });
    let report = json!({ "entries": [call] });
    let encoded =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let post = |id: &str, secret: &str, body: Value| {
        let request = world.http.post(&url).basic_auth(encoded(id), Some(encoded(secret)));
        async move { request.json(&body).send().await.expect("an answer").status().as_u16() }
    };
    let anonymous = world.http.post(&url).json(&report).send().await.expect("an answer");
    assert_eq!(anonymous.status(), 401);
    for (id, secret, status) in [
        ("side:car", "wrong", 401),
        ("side:car", "", 401),
        (VAULT, VAULT_SECRET, 400),
        ("nobody", SIDECAR_SECRET, 401),
    ] {
        assert_eq!(post(id, secret, report.clone()).await, status, "{id} {secret}");
    }
    let entries = vec![call; 2049];
    for bad in
        [json!({}), json!({ "entries": [{ "kind": "else" }] }), json!({ "entries": entries })]
    {
        assert_eq!(post("side:car", SIDECAR_SECRET, bad).await, 400);
    }
    let huge = json!({ "entries": ["x".repeat(5 << 20)] });
    assert_eq!(post("side:car", SIDECAR_SECRET, huge).await, 413);
    world.is_unchanged_since(&before).await;
    assert_eq!(post("side:car", SIDECAR_SECRET, report).await, 204);
    recorded(&world, 1, 0).await;
}

/// O10: an alarm on the first refusal needs the series before it.
#[tokio::test]
async fn counters_begin_at_zero_before_their_first_event() {
    let telemetry = "[telemetry]\nmetrics_listen = \"127.0.0.1:0\"";
    let local = "[[sign_in.provider]]\nid = \"staff\"\nkind = \"local\"";
    for (plan, kind) in [(Plan::sqlite(), "demo"), (Plan::sqlite().providers(local), "local")] {
        let world = plan.section(telemetry).start().await;
        let page = world.get(&format!("http://{}/metrics", world.metrics_address())).await.body;
        let lines: Vec<&str> = page.lines().collect();
        for series in [
            r#"tokens_issued_total{grant_type="authorization_code"}"#.to_owned(),
            r#"tokens_issued_total{grant_type="refresh_token"}"#.to_owned(),
            r#"refusals_total{error="invalid_grant"}"#.to_owned(),
            r#"refusals_total{error="invalid_client"}"#.to_owned(),
            r#"refusals_total{error="temporarily_unavailable"}"#.to_owned(),
            r#"refresh_reuses_total{outcome="returned"}"#.to_owned(),
            r#"refresh_reuses_total{outcome="refused"}"#.to_owned(),
            "unexpected_failures_total".to_owned(),
            format!(r#"sign_ins_total{{provider="{kind}",outcome="signed_in"}}"#),
            format!(r#"sign_ins_total{{provider="{kind}",outcome="failed"}}"#),
        ] {
            let line = format!("wicketgate_{series} 0");
            assert!(lines.contains(&line.as_str()), "{line}\n{page}");
        }
        assert!(!page.contains(r#"error="login_required""#), "that goes by redirect: {page}");
    }
}

#[tokio::test]
async fn numbers_are_served() {
    let telemetry = "[telemetry]\nmetrics_listen = \"127.0.0.1:0\"\ntool_labels = true";
    let world = Plan::sqlite().section(telemetry).start().await;
    let connected = world.connect("basic").await;
    let tokens = connected.tokens;
    let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
    caller.call("list_requests", json!({})).await;
    for _ in 0..3 {
        connected.client.refresh(&tokens.refresh).await;
    }
    world.client().await.token(&[("grant_type", "nonsense")]).await;
    let url = format!("http://{}", world.metrics_address());
    let answer = world.get(&format!("{url}/metrics")).await;
    assert_eq!(answer.status, 200);
    for line in [
        r#"wicketgate_mcp_requests_total{server="default",method="tools/call",decision="allow",status="2xx"} 1"#,
        r#"wicketgate_mcp_tool_calls_total{server="default",tool="list_requests",decision="allow"} 1"#,
        r#"wicketgate_tokens_issued_total{grant_type="authorization_code"} 1"#,
        r#"wicketgate_refresh_reuses_total{outcome="returned"} 2"#,
        r#"wicketgate_refusals_total{error="unsupported_grant_type"} 1"#,
        r#"wicketgate_sign_ins_total{provider="demo",outcome="signed_in"} 1"#,
        "wicketgate_log_lines_dropped_total 0",
    ] {
        assert!(answer.body.lines().any(|found| found == line), "{line}\n{}", answer.body);
    }
    assert_eq!(world.get(&format!("{url}/")).await.status, 404);
    assert_eq!(world.get(&world.at("/metrics")).await.status, 404, "not where people come");
}

/// A collector that keeps what it gets.
async fn collector() -> (String, Arc<Mutex<Vec<Bytes>>>) {
    let listener = listen(0).await;
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let got = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&got);
    let answer = move |request: http::Request<hyper::body::Incoming>, _| {
        let kept = Arc::clone(&kept);
        async move {
            assert_eq!(request.uri().path(), "/v1/traces");
            assert_eq!(request.headers()["content-type"], "application/x-protobuf");
            let body = request.into_body().collect().await.expect("a body").to_bytes();
            kept.lock().expect("no poison").push(body);
            http::Response::new(Full::<Bytes>::default())
        }
    };
    let (limits, workers) = (net::server::Limits::default(), net::server::Workers::here());
    let serving = net::server::serve(listener, limits, workers, answer, std::future::pending());
    tokio::spawn(serving);
    (url, got)
}

/// Spans arrive at a collector, in the trace that the client began. What is left is sent when the
/// process ends.
#[tokio::test]
async fn spans_go_to_the_collector() {
    let (url, got) = collector().await;
    let telemetry = format!("[telemetry]\notlp_endpoint = \"{url}\"\ntrace_ratio = 0.0");
    let world = Plan::sqlite().section(&telemetry).start().await;
    let tokens = world.connect("basic").await.tokens;
    let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
    let call = json!({ "name": "list_requests", "arguments": { "canary": "argument-canary" } });
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = caller.request("tools/call", call).header("traceparent", parent);
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    world.stop().await;
    let got: Vec<u8> = got.lock().expect("no poison").concat();
    let holds = |bytes: &[u8]| got.windows(bytes.len()).any(|window| window == bytes);
    let trace = [10, 247, 101, 25, 22, 205, 67, 221, 132, 72, 235, 33, 28, 128, 49, 156];
    // Field 1 of a span, 16 bytes; field 4, 8 bytes.
    assert!(holds(&[&[0x0a, 16][..], &trace].concat()));
    assert!(holds(&[0x22, 8, 0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]));
    assert!(holds(b"tools/call") && holds(b"list_requests") && holds(b"service.name"));
    assert!(!holds(b"argument-canary"));
}

/// T-LOG-02, G-41: one line for each request, which no name can break, without arguments.
#[tokio::test]
async fn t_log_02_each_request_is_one_line() {
    let log = CapturedLog::start();
    let world = World::sqlite().await;
    let tokens = world.connect("basic").await.tokens;
    let caller = McpCaller::connect(&world, &tokens.access, Era::Sessions("2025-11-25")).await;
    let before = log.text().matches("mcp.access: ").count();
    let forged = "x\n2026-01-01T00:00:00Z ERROR forged\u{1b}[31m\",\"level\":\"x";
    caller.call(forged, json!({ "canary": "argument-canary" })).await;
    caller.call(&"n".repeat(100_000), json!({})).await;
    caller.ask(forged, json!({})).await;
    caller.call("list_requests", json!({ "canary": "argument-canary" })).await;
    let text = log.text();
    let lines: Vec<&str> =
        text.lines().filter(|line| line.contains("mcp.access: ")).skip(before).collect();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines.iter().all(|line| line.len() < 1000 && !line.contains('\u{1b}')));
    assert!(!text.lines().any(|line| line.starts_with("2026-01-01T00:00:00Z")));
    assert!(!text.contains("argument-canary"));
    for part in [
        "mcp.method=\"tools/call\"",
        "mcp.name=\"list_requests\"",
        "decision=\"allow\"",
        "rule=rules[0]",
        "http.status=200",
        "server.name=\"default\"",
        "subject.id=\"usr_",
    ] {
        assert!(lines[3].contains(part), "{part}: {}", lines[3]);
    }
}

/// SIGHUP reads how much is to be logged, and that alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_level_changes_while_it_runs() {
    let process = Plan::sqlite().start_process().await;
    let metadata = process.place().at("/mcp");
    let lines = || process.log().lines().filter(|line| line.contains("mcp.access")).count();
    let logged = |count: usize| async move { (lines() >= count).then_some(()) };
    process.place().get(&metadata).await;
    soon(|| logged(1)).await;
    let text = process.configuration();
    let said = |word: &'static str| {
        let log = || process.log();
        async move { log().contains(word).then_some(()) }
    };
    let quiet = text.replace("[mcp]\n", "[mcp]\ndiagnostic_log_level = \"WARN\"\n");
    // Another key is wrong, which is for the next start to say.
    process.configure(&quiet.replace("[sign_in]\n", "[sign_in]\nnonsense = 1\n"));
    process.hang_up();
    soon(|| said("mcp.diagnostic_log_level is warn now")).await;
    process.place().get(&metadata).await;
    process.configure(&quiet.replace("\"WARN\"", "\"LOUD\""));
    process.hang_up();
    soon(|| said("mcp.diagnostic_log_level was not changed")).await;
    process.configure(&text);
    process.hang_up();
    soon(|| said("mcp.diagnostic_log_level is info now")).await;
    process.place().get(&metadata).await;
    soon(|| logged(2)).await;
    assert_eq!(lines(), 2, "the request in between was not logged:\n{}", process.log());
}

/// Whoever may have several replicas is told once that they should know of each other.
#[tokio::test]
async fn replicas_want_to_know_each_other() {
    let log = CapturedLog::start();
    let told = || log.text().matches("mcp.peer_url is not set").count();
    let known = Plan::postgres().mcp("peer_url = \"http://10.0.0.7:8787\"");
    for plan in [Plan::sqlite(), known] {
        plan.start().await.stop().await;
        assert_eq!(told(), 0);
    }
    Plan::postgres().start().await.stop().await;
    assert_eq!(told(), 1);
}
