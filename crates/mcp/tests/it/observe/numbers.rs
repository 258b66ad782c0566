//! Numbers that were missing (O10).

use serde_json::{Value, json};

use super::metrics;
use crate::sessions::{open, sessions};
use crate::support::{World, echo, json as reply, post};

/// A number that comes with its first event never seems to grow, so no alarm sees that event.
#[tokio::test]
async fn numbers_begin_with_zero() {
    let text = metrics(&World::new(echo).await.sidecar);
    let call = r#"mcp_requests_total{server="default",method="tools/call""#;
    let none = r#"mcp_requests_total{server="default",method="none""#;
    for line in [
        format!(r#"{call},decision="allow",status="5xx"}} 0"#),
        format!(r#"{call},decision="challenge",status="4xx"}} 0"#),
        format!(r#"{none},decision="unavailable",status="5xx"}} 0"#),
        format!(r#"{none},decision="unauthenticated",status="4xx"}} 0"#),
        r#"mcp_upstream_failures_total{server="default"} 0"#.to_owned(),
        r#"mcp_request_duration_seconds_count{server="default"} 0"#.to_owned(),
        r#"mcp_upstream_duration_seconds_count{server="default"} 0"#.to_owned(),
        r#"mcp_lists_total{server="default",cached="false"} 0"#.to_owned(),
        r#"mcp_tokens_total{server="default",cached="true"} 0"#.to_owned(),
        r#"mcp_audit_lost_total{kind="denial"} 0"#.to_owned(),
        "mcp_audit_gaps_total 0".to_owned(),
        "mcp_spans_lost_total 0".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

/// Each list in a batch is one, like those that are asked for alone.
#[tokio::test]
async fn lists_in_batches_count() {
    let world = World::new(|request| {
        let Value::Array(batch) = request.message() else { return sessions(request) };
        let answer = |message: &Value| json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "tools": [] } });
        reply(&Value::Array(batch.iter().map(answer).collect()).to_string())
    })
    .await;
    let token = world.token("mcp:read");
    let session = open(&world, &token, "2025-03-26").await;
    let list = |id: u32| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/list" });
    let batch = json!([list(1), list(2)]).to_string();
    let ask = post(&batch).header("mcp-session-id", &session).bearer(&token);
    assert_eq!(world.ask(ask).await.status, 200);
    let line = r#"mcp_lists_total{server="default",cached="false"} 2"#;
    let text = metrics(&world.sidecar);
    assert!(text.lines().any(|found| found == line), "{text}");
}
