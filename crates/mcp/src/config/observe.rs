//! What is told of the requests, and to whom.

use std::time::Duration;

use kernel::Timestamp;
use tokio::sync::mpsc;

/// What is told to whom. By default everything is recorded and nothing is traced.
#[derive(Clone, Debug, Default)]
pub struct Observe {
    /// What goes into the record.
    pub audit: Audit,
    /// Whether numbers are kept for each tool, of which a server may have many.
    pub tool_labels: bool,
    /// Where finished spans go, if anywhere.
    pub spans: Option<Spans>,
}

/// What goes into the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audit {
    /// Every call and every denial.
    #[default]
    Everything,
    /// Denials only.
    Denials,
    /// Nothing, because there is nobody to report to.
    Nothing,
}

/// Where finished spans go.
#[derive(Clone, Debug)]
pub struct Spans {
    /// How many of the traces that begin here are kept, from 0 to 1. For others it was decided
    /// before, by whoever began them.
    pub ratio: f64,
    /// Takes spans; what there is no room for is dropped and counted.
    pub to: mpsc::Sender<Span>,
}

/// One finished piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The trace.
    pub trace: [u8; 16],
    /// This span.
    pub id: [u8; 8],
    /// The span that it is a part of.
    pub parent: Option<[u8; 8]>,
    /// Which side of a call it is.
    pub kind: SpanKind,
    /// What was done.
    pub name: &'static str,
    /// When the request came.
    pub begun: Timestamp,
    /// How long after that this work began.
    pub after: Duration,
    /// How long it took.
    pub took: Duration,
    /// More about it.
    pub attributes: Vec<(&'static str, SpanValue)>,
    /// Whether it failed.
    pub failed: bool,
}

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// The side that answers.
    Server,
    /// The side that asks.
    Client,
}

/// The value of an attribute, of the type that OpenTelemetry's conventions give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanValue {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

impl From<String> for SpanValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
