//! The messages of `opentelemetry/proto/trace/v1`, as far as they are used.

use mcp::{Span, SpanKind, SpanValue};

/// `ExportTraceServiceRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<OtlpSpan>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct OtlpSpan {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    flags: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

/// One of these is there.
#[derive(Clone, PartialEq, prost::Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
    #[prost(int64, optional, tag = "3")]
    number: Option<i64>,
}

const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const ERROR: i32 = 2;
/// W3C: the trace is kept.
const SAMPLED: u32 = 1;

impl Request {
    pub(super) fn of(spans: Vec<Span>) -> Self {
        let resource = Resource {
            attributes: vec![attribute("service.name", SpanValue::Text("wicketgate".to_owned()))],
        };
        let scope = Scope {
            name: "wicketgate.mcp".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let spans = spans.into_iter().map(OtlpSpan::from).collect();
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans }];
        Self { resource_spans: vec![ResourceSpans { resource: Some(resource), scope_spans }] }
    }
}

impl From<Span> for OtlpSpan {
    fn from(span: Span) -> Self {
        let millis = u64::try_from(span.begun.as_millis()).unwrap_or_default();
        let nanos =
            |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let start = millis.saturating_mul(1_000_000).saturating_add(nanos(span.after));
        Self {
            trace_id: span.trace.to_vec(),
            span_id: span.id.to_vec(),
            parent_span_id: span.parent.map(|id| id.to_vec()).unwrap_or_default(),
            name: span.name.to_owned(),
            kind: match span.kind {
                SpanKind::Server => SERVER,
                SpanKind::Client => CLIENT,
            },
            start_time_unix_nano: start,
            end_time_unix_nano: start.saturating_add(nanos(span.took)),
            attributes: span
                .attributes
                .into_iter()
                .map(|(key, value)| attribute(key, value))
                .collect(),
            status: span.failed.then_some(Status { code: ERROR }),
            flags: SAMPLED,
        }
    }
}

fn attribute(key: &str, value: SpanValue) -> KeyValue {
    let value = match value {
        SpanValue::Text(text) => AnyValue { text: Some(text), number: None },
        SpanValue::Number(number) => AnyValue { text: None, number: Some(number) },
    };
    KeyValue { key: key.to_owned(), value: Some(value) }
}
