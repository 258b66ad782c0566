//! `[[mcp.server]] upstream`: which generations of MCP the server behind speaks, and over what.

use ::mcp::{EraChoice, Transport};

use crate::config::reader::Reader;

pub(super) fn read(section: &Reader<'_>) -> (Option<Transport>, Option<EraChoice>) {
    let fix = "Write \"http\" for Streamable HTTP, or \"sse\" for the two endpoints of 2024-11-05";
    let transport = section.parsed("transport", "http", fix, |name| match name {
        "http" => Ok(Transport::Http),
        "sse" => Ok(Transport::HttpSse),
        _ => Err("there is no such transport"),
    });
    let fix =
        "Write \"auto\", \"modern\" (2026-07-28), \"legacy\" (2025-11-25 and earlier) or \"both\"";
    let eras = section.parsed("eras", "auto", fix, |name| match name {
        "auto" => Ok(EraChoice::Auto),
        "modern" => Ok(EraChoice::Modern),
        "legacy" => Ok(EraChoice::Legacy),
        "both" => Ok(EraChoice::Both),
        _ => Err("there is no such choice"),
    });
    (transport, eras)
}
