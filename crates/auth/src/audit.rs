//! What sidecars report: the record of calls and denials. In process it comes as it is; from a
//! sidecar apart to `POST /audit/calls`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use kernel::{Id, Timestamp};
use model::{AuditEvent, AuditKind, ClientId};
use protocol::OAuthErrorCode;
use protocol::audit::{CallEntry, Entry, Gap, MAX_REPORT_BYTES, MAX_REPORT_ENTRIES, Report};
use protocol::params::Params;
use serde::Serialize;
use store::StoreError;
use store::unit::RecordCalls;

use crate::answer::ClientFailure;
use crate::request;
use crate::server::AuthServer;
use crate::token::authenticate;

/// What the record of a call or a denial says beside who it was.
#[derive(Serialize)]
struct CallDetail<'c> {
    decision: &'c str,
    method: Option<&'c str>,
    name: Option<&'c str>,
    reason: Option<&'c str>,
    request: &'c str,
    rule: Option<&'c str>,
    server: &'c str,
    /// Of several refusals alike that nobody is known for; the event's own time is the first's.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
}

/// No id or name of ours is longer, and nobody else's is kept whole.
const MAX_TEXT: usize = 512;

impl AuthServer {
    /// Records what a sidecar reports, all of it or nothing, in one unit of work.
    pub async fn record_calls(&self, report: &Report) -> Result<(), StoreError> {
        let events = report.entries.iter().map(event).collect();
        self.store.write(RecordCalls { events }).await
    }
}

/// Takes the report of a sidecar that runs apart. Only a client that the operator configured for
/// that may report: whoever can write a record can hide something in it.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, ClientFailure> {
    let (parts, body) = request::json_head(request)?;
    let client = authenticate(&server, &parts, &Params::default()).await?;
    if !server.config.sidecars.contains(&client.id) {
        return Err(OAuthErrorCode::UnauthorizedClient
            .because("this client may not report; configure it with sidecar = true")
            .into());
    }
    let body = request::read(body, MAX_REPORT_BYTES).await?;
    let report: Report = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    if report.entries.len() > MAX_REPORT_ENTRIES {
        return Err(unreadable().into());
    }
    server.record_calls(&report).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    net::headers::client_endpoint(response.headers_mut());
    Ok(response)
}

fn unreadable() -> protocol::OAuthError {
    OAuthErrorCode::InvalidRequest.because("the body is not a report")
}

fn event(entry: &Entry) -> AuditEvent {
    match entry {
        Entry::Call(call) => call_event(call),
        Entry::Gap(gap) => gap_event(gap),
    }
}

fn call_event(call: &CallEntry) -> AuditEvent {
    let kind = if call.allowed { AuditKind::McpCall } else { AuditKind::McpDenied };
    let text = |text: &Option<String>| text.as_deref().map(|text| clipped(text).to_owned());
    AuditEvent {
        client: text(&call.client).map(ClientId::from_text),
        subject: text(&call.subject).map(Id::from_stored),
        grant: text(&call.grant).map(Id::from_stored),
        organization: text(&call.organization),
        detail: CallDetail::of(call).to_json(),
        ..AuditEvent::new(kind, Timestamp::from_millis(call.at))
    }
}

impl<'c> CallDetail<'c> {
    fn of(call: &'c CallEntry) -> Self {
        let text = |text: &'c Option<String>| text.as_deref().map(clipped);
        Self {
            decision: clipped(&call.decision),
            method: text(&call.method),
            name: text(&call.name),
            reason: text(&call.reason),
            request: clipped(&call.request),
            rule: text(&call.rule),
            server: clipped(&call.server),
            count: call.count,
            last: call.last,
        }
    }

    fn to_json(&self) -> String {
        // Text always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn gap_event(gap: &Gap) -> AuditEvent {
    let detail = serde_json::json!({
        "since": gap.since, "until": gap.until, "calls": gap.calls, "denials": gap.denials,
    });
    AuditEvent {
        detail: detail.to_string(),
        ..AuditEvent::new(AuditKind::McpGap, Timestamp::from_millis(gap.until))
    }
}

fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}
