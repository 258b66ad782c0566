//! What is told of a stream that began early: how it was answered when its head is sent, and what the
//! server did when that is known.

use std::sync::Arc;
use std::time::Duration;

use mcp::{Observe, Spans};
use protocol::audit::Entry;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::endings::stream;
use super::{Slow, call, next, result};
use crate::observe::metrics;
use crate::support::{Log, pass, status};

/// The only line with this target, which says so.
fn line(log: &Log, target: &str, says: &[&str]) -> String {
    let lines = log.lines(&format!("{target}: "));
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in says {
        assert!(lines[0].contains(part), "{part}: {lines:?}");
    }
    lines[0].clone()
}

fn micros(line: &str, field: &str) -> u64 {
    let (_, value) = line.split_once(&format!("{field}=")).unwrap();
    value.split(' ').next().unwrap().parse().unwrap()
}

fn assert_counted(slow: &Slow, method: &str, upstream: u64) {
    let text = metrics(&slow.world.sidecar);
    let labels = format!(r#"{{server="default",method="{method}",decision="allow",status="2xx"}}"#);
    for line in [
        format!("mcp_requests_total{labels} 1"),
        r#"mcp_request_duration_seconds_count{server="default"} 1"#.to_owned(),
        format!(r#"mcp_upstream_duration_seconds_count{{server="default"}} {upstream}"#),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

/// The log says with which status it was answered, and how long that took.
#[tokio::test]
async fn a_stream_is_told_of_when_it_begins() {
    let (log, slow) = (Log::start(), Slow::new(|_| true, |_| status(405, &[], "")).await);
    let mut body = slow.begun(stream(&slow.world.token("mcp:read"))).await;
    let begun = line(&log, "mcp.access", &["GET", "http.status=200", r#"decision="allow""#]);
    assert!((1_000_000..15_000_000).contains(&micros(&begun, "duration.us")), "{begun}");
    assert!(!begun.contains("upstream.us"), "nobody knows yet: {begun}");
    assert_counted(&slow, "GET", 0);
    assert!(log.lines("mcp.late: ").is_empty());
    pass(Duration::from_secs(20)).await;
    slow.answer.notify_one();
    while next(&mut body).await.is_some() {}
    let late = line(&log, "mcp.late", &["http.status=405"]);
    assert!(micros(&late, "upstream.us") >= 20_000_000, "{late}");
    assert_eq!(line(&log, "mcp.access", &[]), begun);
    assert_counted(&slow, "GET", 1);
}

/// A client that leaves a stream was answered before.
#[tokio::test]
async fn a_stream_that_is_left_was_answered() {
    let (log, slow) = (Log::start(), Slow::new(|_| true, result).await);
    drop(slow.begun(stream(&slow.world.token("mcp:read"))).await);
    line(&log, "mcp.access", &["http.status=200", r#"decision="allow""#]);
    line(&log, "mcp.late", &["http.status=499"]);
    assert_counted(&slow, "GET", 0);
}

/// T-LOG-04: one call, one row, and one span for each of its parts, in one trace.
#[tokio::test]
async fn a_call_is_recorded_once() {
    let (to, mut spans) = mpsc::channel(16);
    let observe = Observe { spans: Some(Spans { ratio: 1.0, to }), ..Observe::default() };
    let slow = Slow::with(|_| true, result, |config| config.observe = observe).await;
    let mut body = slow.begun(call(&slow.world.token("mcp:read"))).await;
    let here = spans.try_recv().unwrap();
    slow.answer.notify_one();
    while next(&mut body).await.is_some() {}
    let behind = spans.try_recv().unwrap();
    assert_eq!((behind.trace, behind.parent), (here.trace, Some(here.id)));
    assert!(spans.try_recv().is_err());
    assert_counted(&slow, "tools/call", 1);
    let done = CancellationToken::new();
    done.cancel();
    Arc::clone(&slow.world.sidecar).report(done).await;
    let entries = slow.world.authority.reported(1).await;
    let [Entry::Call(entry)] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.allowed, entry.name.as_deref()), (true, Some("get_x")));
}
