//! `[telemetry]`.

use std::net::SocketAddr;

use toml::Value;

use crate::config::reader::Reader;
use crate::config::settings::TelemetrySettings;
use crate::config::urls::{has_login, is_internal};

pub(super) fn read(section: &Reader<'_>) -> Option<TelemetrySettings> {
    let metrics_listen = metrics_listen(section);
    let tool_labels = section.flag("tool_labels", false);
    let otlp_endpoint = otlp_endpoint(section);
    let trace_ratio = section.ratio("trace_ratio", 0.1);
    Some(TelemetrySettings {
        metrics_listen: metrics_listen?,
        tool_labels,
        otlp_endpoint: otlp_endpoint?,
        trace_ratio,
    })
}

/// Numbers say who uses what, and nobody has to sign in to read them.
#[expect(clippy::option_option, reason = "a mistake, nothing, or an address")]
fn metrics_listen(section: &Reader<'_>) -> Option<Option<SocketAddr>> {
    if section.is_blank("metrics_listen") {
        section.text("metrics_listen", "");
        return Some(None);
    }
    let fix = "Write a loopback or private address and a port, such as \"127.0.0.1:9464\"";
    let listen = section.parsed("metrics_listen", "", fix, |text| {
        let address: SocketAddr = text.parse().map_err(|_| "it is not an address with a port")?;
        if is_internal(address.ip()) { Ok(address) } else { Err("anybody could read the numbers") }
    });
    listen.map(Some)
}

/// The base URL of a collector, as in `OTEL_EXPORTER_OTLP_ENDPOINT`.
#[expect(clippy::option_option, reason = "a mistake, nothing, or a URL")]
fn otlp_endpoint(section: &Reader<'_>) -> Option<Option<String>> {
    let given = section.text("otlp_endpoint", "");
    if given.is_empty() {
        return Some(None);
    }
    if has_login(&given) {
        let reason = "its user name and password would not be sent";
        let fix = "Remove them, and send to a collector of your own that signs in at the other one";
        section.problem("otlp_endpoint", &Value::String(given), reason, fix);
        return None;
    }
    match url::Url::parse(&given) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Some(Some(given.trim_end_matches('/').to_owned()))
        }
        _ => {
            let fix = "Write the collector's base URL, such as \"http://127.0.0.1:4318\"";
            section.problem("otlp_endpoint", &Value::String(given), "it is not an http URL", fix);
            None
        }
    }
}
