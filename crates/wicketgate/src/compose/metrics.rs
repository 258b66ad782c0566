//! `/metrics`, on a listener of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use net::server::Workers;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::app::App;
use crate::config::TelemetrySettings;
use crate::output::lines;

/// Few ask, and none of them for long.
const CONNECTIONS: usize = 64;

/// Serves the numbers of `app` if an address is configured, and says where.
pub(super) async fn start(
    telemetry: &TelemetrySettings,
    app: &Arc<App>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> anyhow::Result<Option<SocketAddr>> {
    let Some(listen) = telemetry.metrics_listen else { return Ok(None) };
    let bound = TcpListener::bind(listen).await;
    let listener = bound.with_context(|| {
        format!("cannot listen on {listen} for metrics; see telemetry.metrics_listen")
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    let numbers = Arc::new(Numbers::of(app));
    let limits = net::server::Limits { connections: CONNECTIONS, ..Default::default() };
    let serving = net::server::serve(
        listener,
        limits,
        Workers::here(),
        move |request: http::Request<_>, _| {
            let response = numbers.answer(request.method(), request.uri().path());
            async { response }
        },
        stop.clone().cancelled_owned(),
    );
    tasks.spawn(serving);
    tracing::info!(%address, "metrics");
    Ok(Some(address))
}

/// Everything that is counted in this process.
struct Numbers {
    app: Arc<App>,
    registry: Registry,
}

impl Numbers {
    fn of(app: &Arc<App>) -> Self {
        let mut registry = Registry::with_prefix("wicketgate");
        if let Some(sidecar) = &app.sidecar {
            sidecar.register_metrics(&mut registry);
        }
        if let Some(auth) = &app.auth {
            auth.register_metrics(&mut registry);
        }
        registry.register_collector(Box::new(LogLines));
        Self { app: Arc::clone(app), registry }
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        match (path, method) {
            ("/metrics", &Method::GET) => self.page(),
            ("/metrics", _) => status(StatusCode::METHOD_NOT_ALLOWED),
            _ => status(StatusCode::NOT_FOUND),
        }
    }

    fn page(&self) -> Response<Full<Bytes>> {
        if let Some(sidecar) = &self.app.sidecar {
            sidecar.sample_metrics();
        }
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            return status(StatusCode::INTERNAL_SERVER_ERROR);
        }
        let mut response = Response::new(Full::from(text));
        let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(form));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// The log is one for the process.
#[derive(Debug)]
struct LogLines;

impl prometheus_client::collector::Collector for LogLines {
    fn encode(
        &self,
        mut encoder: prometheus_client::encoding::DescriptorEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        use prometheus_client::encoding::EncodeMetric as _;
        let counter = ConstCounter::new(lines::dropped());
        let help = "Lines of the log that could not be written in time";
        counter.encode(encoder.encode_descriptor(
            "log_lines_dropped",
            help,
            None,
            counter.metric_type(),
        )?)
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
