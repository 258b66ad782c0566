//! Spans go to a collector: OTLP over HTTP with protobuf (OpenTelemetry Protocol 1.x).

mod message;

use std::time::Duration;

use anyhow::Context as _;
use mcp::{Span, Spans};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::TelemetrySettings;

/// Spans that wait at most.
const WAITING: usize = 4096;
/// Spans of one request to the collector.
const BATCH: usize = 512;
/// How long spans are collected for one request.
const COLLECT: Duration = Duration::from_secs(2);
/// Seconds that one request may take. There is no second try: spans are for looking, not for
/// keeping.
const TIMEOUT: u64 = 5;

/// Begins to send spans if there is a collector. What it does not take is said in the log.
pub(super) fn start(
    telemetry: &TelemetrySettings,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> anyhow::Result<Option<Spans>> {
    let Some(endpoint) = &telemetry.otlp_endpoint else { return Ok(None) };
    let (to, spans) = mpsc::channel(WAITING);
    let client = net::outbound::client(TIMEOUT).context("TLS cannot be set up")?;
    let exporter = Exporter { client, url: format!("{endpoint}/v1/traces") };
    tasks.spawn(exporter.run(spans, stop.clone()));
    Ok(Some(Spans { ratio: telemetry.trace_ratio, to }))
}

struct Exporter {
    client: reqwest::Client,
    url: String,
}

impl Exporter {
    async fn run(self, mut spans: mpsc::Receiver<Span>, stop: CancellationToken) {
        let mut batch = Vec::new();
        loop {
            let more = tokio::select! {
                () = stop.cancelled() => break,
                more = spans.recv_many(&mut batch, BATCH) => more,
            };
            if more == 0 {
                break;
            }
            if batch.len() < BATCH {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(COLLECT) => {}
                }
                while batch.len() < BATCH && spans.try_recv().map(|span| batch.push(span)).is_ok() {
                }
            }
            self.send(std::mem::take(&mut batch)).await;
        }
        while batch.len() < BATCH && spans.try_recv().map(|span| batch.push(span)).is_ok() {}
        if !batch.is_empty() {
            self.send(batch).await;
        }
    }

    async fn send(&self, batch: Vec<Span>) {
        let spans = batch.len();
        let body = message::Request::of(batch).encode_to_vec();
        let request = self.client.post(&self.url).header("content-type", "application/x-protobuf");
        let sent = request.body(body).send().await.and_then(reqwest::Response::error_for_status);
        if let Err(error) = sent {
            tracing::warn!(spans, error = %error.without_url(), "the collector took no spans");
        }
    }
}
