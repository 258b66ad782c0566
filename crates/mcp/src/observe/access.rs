//! One line for each request, and one more where the upstream's part comes later.

use super::request_record::Finished;

/// Writes the line. Texts that others chose are given as texts, so that the formatter escapes
/// them; nothing is put together unless somebody reads it.
pub(super) fn tell(finished: &Finished<'_>) {
    let Finished { record, facts, verdict, reason, status, took } = finished;
    let first = facts.asked.first();
    let names = facts.permit.as_ref().map(|permit| permit.names());
    tracing::event!(
        target: "mcp.access",
        tracing::Level::INFO,
        request.id = %record.id,
        server.name = &*record.server,
        http.method = record.method.as_str(),
        http.status = status.as_u16(),
        mcp.method = first.map(|asked| &*asked.method),
        mcp.id = first.and_then(|asked| asked.id.as_deref()),
        mcp.name = first.and_then(|asked| asked.name.as_deref()),
        mcp.era = first.map(|asked| asked.era.as_str()),
        mcp.messages = (facts.asked.len() > 1).then_some(facts.asked.len()),
        client.id = names.map(|names| names.client.as_str()),
        subject.id = names.map(|names| names.subject.as_str()),
        grant.id = names.map(|names| names.grant.as_str()),
        token.id = names.map(|names| names.token.as_str()),
        decision = verdict.decision.as_str(),
        rule = %verdict.basis,
        reason = reason.as_ref().copied(),
        duration.us = micros(*took),
        upstream.us = facts.upstream.map(|upstream| micros(upstream.took)),
        "answered"
    );
}

/// Writes what became of a request whose answer began before the upstream's.
pub(super) fn tell_late(finished: &Finished<'_>) {
    let Finished { record, facts, status, took, .. } = finished;
    tracing::event!(
        target: "mcp.late",
        tracing::Level::INFO,
        request.id = %record.id,
        server.name = &*record.server,
        http.status = status.as_u16(),
        duration.us = micros(*took),
        upstream.us = facts.upstream.map(|upstream| micros(upstream.took)),
        "answered late"
    );
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
