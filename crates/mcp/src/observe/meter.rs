//! Numbers. Everything here is an atomic or a short lock; labels come from closed lists, and tools
//! only if the operator wants them, and then only so many.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use protocol::mcp::method;
use upstream::tally::Tally;

use super::request_record::Finished;
use super::{Decision, Queue};

/// The numbers of one sidecar.
pub(crate) struct Meter {
    requests: Family<RequestLabels, Counter>,
    tools: Option<Tools>,
    durations: Family<ServerLabel, Histogram, fn() -> Histogram>,
    upstream_durations: Family<ServerLabel, Histogram, fn() -> Histogram>,
    upstream_failures: Family<ServerLabel, Counter>,
    streams: Family<ServerLabel, Gauge>,
    tokens: Family<SourceLabels, Counter>,
    lists: Family<SourceLabels, Counter>,
    audit_lost: Family<KindLabel, Counter>,
    audit_gaps: Counter,
    audit_waiting: Gauge,
    pub(crate) spans_lost: Counter,
}

/// The numbers of one server that others keep.
pub(crate) struct ServerNumbers<'s> {
    /// The server's name.
    pub(crate) server: &'s Arc<str>,
    /// Standing streams.
    pub(crate) streams: usize,
    /// Tokens checked.
    pub(crate) tokens: &'s Tally,
    /// Lists of tools asked for.
    pub(crate) lists: &'s Tally,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    server: Arc<str>,
    method: &'static str,
    decision: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabel {
    server: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabels {
    server: Arc<str>,
    cached: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ToolLabels {
    server: Arc<str>,
    tool: String,
    decision: &'static str,
}

/// Calls by tool.
#[derive(Default)]
struct Tools {
    calls: Family<ToolLabels, Counter>,
    known: Mutex<HashSet<String>>,
}

/// Seconds.
const BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];
/// What becomes of requests, as far as somebody may want an alarm for it.
const USUAL: [(&str, Decision, &str); 12] = [
    (method::TOOLS_CALL, Decision::Allow, "2xx"),
    (method::TOOLS_CALL, Decision::Allow, "5xx"),
    (method::TOOLS_CALL, Decision::Challenge, "4xx"),
    (method::TOOLS_CALL, Decision::Hide, "2xx"),
    (method::TOOLS_LIST, Decision::Allow, "2xx"),
    (method::TOOLS_LIST, Decision::Allow, "5xx"),
    ("none", Decision::Unauthenticated, "4xx"),
    ("none", Decision::Forbid, "4xx"),
    ("none", Decision::Malformed, "4xx"),
    ("none", Decision::Unknown, "4xx"),
    ("none", Decision::Limited, "4xx"),
    ("none", Decision::Unavailable, "5xx"),
];
/// How many tools have a label of their own; clients may ask for anything.
const MAX_TOOLS: usize = 500;

impl Meter {
    pub(crate) fn new(tool_labels: bool) -> Self {
        let durations = || Family::new_with_constructor(histogram as fn() -> Histogram);
        Self {
            requests: Family::default(),
            tools: tool_labels.then(Tools::default),
            durations: durations(),
            upstream_durations: durations(),
            upstream_failures: Family::default(),
            streams: Family::default(),
            tokens: Family::default(),
            lists: Family::default(),
            audit_lost: Family::default(),
            audit_gaps: Counter::default(),
            audit_waiting: Gauge::default(),
            spans_lost: Counter::default(),
        }
    }

    /// Gives every number its name.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("mcp_requests", "Requests at MCP endpoints", self.requests.clone());
        if let Some(tools) = &self.tools {
            registry.register("mcp_tool_calls", "Calls by tool", tools.calls.clone());
        }
        let help = "Seconds until the response headers";
        registry.register("mcp_request_duration_seconds", help, self.durations.clone());
        let help = "Seconds until the response headers of the upstream";
        registry.register("mcp_upstream_duration_seconds", help, self.upstream_durations.clone());
        let help = "Requests that the upstream did not answer";
        registry.register("mcp_upstream_failures", help, self.upstream_failures.clone());
        registry.register("mcp_open_streams", "Standing streams", self.streams.clone());
        let help = "Tokens checked, by whether they were cached";
        registry.register("mcp_tokens", help, self.tokens.clone());
        let help = "Lists of tools, by whether a kept one was sent";
        registry.register("mcp_lists", help, self.lists.clone());
        let help = "Entries of the record that there was no room for";
        registry.register("mcp_audit_lost", help, self.audit_lost.clone());
        let help = "Gaps that the record tells of";
        registry.register("mcp_audit_gaps", help, self.audit_gaps.clone());
        let help = "Entries that wait to be recorded";
        registry.register("mcp_audit_waiting", help, self.audit_waiting.clone());
        let help = "Spans that there was no room for";
        registry.register("mcp_spans_lost", help, self.spans_lost.clone());
    }

    /// Begins with 0 what is counted as it happens: a number that is not there before its first
    /// event never seems to grow. Of requests those that are usual, of tools none.
    pub(crate) fn begin<'s>(&self, servers: impl Iterator<Item = &'s Arc<str>>) {
        for server in servers {
            let label = ServerLabel { server: Arc::clone(server) };
            drop(self.durations.get_or_create(&label));
            drop(self.upstream_durations.get_or_create(&label));
            drop(self.upstream_failures.get_or_create(&label));
            for (method, decision, status) in USUAL {
                let server = Arc::clone(server);
                let decision = decision.as_str();
                let labels = RequestLabels { server, method, decision, status };
                drop(self.requests.get_or_create(&labels));
            }
        }
    }

    /// Takes out what is sampled of servers that are gone; what was counted of them stays.
    pub(crate) fn forget<'s>(&self, servers: impl Iterator<Item = &'s Arc<str>>) {
        for server in servers {
            self.streams.remove(&ServerLabel { server: Arc::clone(server) });
            for cached in [true, false] {
                let labels = SourceLabels { server: Arc::clone(server), cached };
                self.tokens.remove(&labels);
                self.lists.remove(&labels);
            }
        }
    }

    /// Takes over the numbers that are kept elsewhere.
    pub(crate) fn sample<'s>(
        &self,
        queue: &Queue,
        servers: impl Iterator<Item = ServerNumbers<'s>>,
    ) {
        for ServerNumbers { server, streams, tokens, lists } in servers {
            let label = ServerLabel { server: Arc::clone(server) };
            self.streams.get_or_create(&label).set(i64::try_from(streams).unwrap_or(i64::MAX));
            copy(tokens, &self.tokens, server);
            copy(lists, &self.lists, server);
        }
        let lost = queue.lost();
        for (kind, count) in [("call", lost.calls), ("denial", lost.denials)] {
            set(&self.audit_lost.get_or_create(&KindLabel { kind }), count);
        }
        set(&self.audit_gaps, lost.gaps);
        self.audit_waiting.set(i64::try_from(queue.waiting()).unwrap_or(i64::MAX));
    }

    /// Counts a request.
    pub(super) fn count(&self, finished: &Finished<'_>) {
        let Finished { record, facts, verdict, status, took, .. } = finished;
        let server = &record.server;
        let asked = facts.asked.first();
        let decision = verdict.decision.as_str();
        let method = match (asked, &record.method) {
            (Some(asked), _) => asked.label(),
            (None, &http::Method::GET) => "GET",
            (None, &http::Method::DELETE) => "DELETE",
            (None, _) => "none",
        };
        let labels =
            RequestLabels { server: Arc::clone(server), method, decision, status: class(*status) };
        self.requests.get_or_create(&labels).inc();
        let label = ServerLabel { server: Arc::clone(server) };
        self.durations.get_or_create(&label).observe(took.as_secs_f64());
        if let (Some(tools), Some(asked)) = (&self.tools, asked)
            && asked.label() == method::TOOLS_CALL
        {
            tools.count(server, asked.name.as_deref().unwrap_or_default(), decision);
        }
    }

    /// The part of the upstream, if it had one.
    pub(super) fn count_upstream(&self, finished: &Finished<'_>) {
        let Some(upstream) = finished.facts.upstream else { return };
        let label = ServerLabel { server: Arc::clone(&finished.record.server) };
        self.upstream_durations.get_or_create(&label).observe(upstream.took.as_secs_f64());
        if upstream.failed {
            self.upstream_failures.get_or_create(&label).inc();
        }
    }
}

impl Tools {
    fn count(&self, server: &Arc<str>, tool: &str, decision: &'static str) {
        let tool = self.label(tool);
        let labels = ToolLabels { server: Arc::clone(server), tool, decision };
        self.calls.get_or_create(&labels).inc();
    }

    /// A name as a label. The characters are those that names should have (E-10).
    fn label(&self, tool: &str) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        let tool: String = tool.chars().map(|c| if plain(c) { c } else { '_' }).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&tool) || (known.len() < MAX_TOOLS && known.insert(tool.clone())) {
            tool
        } else {
            "(other)".to_owned()
        }
    }
}

fn copy(tally: &Tally, family: &Family<SourceLabels, Counter>, server: &Arc<str>) {
    let (hits, misses) = tally.counts();
    for (cached, count) in [(true, hits), (false, misses)] {
        let labels = SourceLabels { server: Arc::clone(server), cached };
        set(&family.get_or_create(&labels), count);
    }
}

fn set(counter: &Counter, count: u64) {
    counter.inner().store(count, Ordering::Relaxed);
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever clients ask for, there are only so many series.
    #[test]
    fn labels_are_bounded() {
        let tools = Tools::default();
        let server: Arc<str> = "default".into();
        let name = |number| format!("tool\"\n{number}");
        for number in 0..2 * MAX_TOOLS {
            tools.count(&server, &name(number), "hide");
        }
        assert_eq!(tools.known.lock().unwrap_or_else(PoisonError::into_inner).len(), MAX_TOOLS);
        assert_eq!(tools.label(&name(7)), "tool__7");
        assert_eq!(tools.label(&name(MAX_TOOLS)), "(other)");
    }
}
