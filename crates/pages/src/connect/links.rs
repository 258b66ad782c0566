//! Links that open a client with this server filled in, byte for byte as each client reads them.

use serde::Serialize;

use super::encoding::{base64_json, json, percent};

/// A server entry whose name stands beside it.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    pub(super) url: &'a str,
}

/// A server entry that says its transport.
#[derive(Serialize)]
pub(super) struct TypedEntry<'a> {
    pub(super) r#type: &'static str,
    pub(super) url: &'a str,
}

/// A server entry with its name inside.
#[derive(Serialize)]
pub(super) struct NamedEntry<'a> {
    pub(super) name: &'a str,
    pub(super) r#type: &'static str,
    pub(super) url: &'a str,
}

/// The transport that VS Code and Claude Code call `http`: Streamable HTTP.
pub(super) const HTTP: &str = "http";

/// Cursor: the entry without its name, as base64 JSON; the name beside it.
pub(super) fn cursor(key: &str, url: &str) -> String {
    let (name, config) = (percent(key), base64_json(&Entry { url }));
    format!("cursor://anysphere.cursor-deeplink/mcp/install?name={name}&config={config}")
}

/// VS Code: the whole query is the entry as JSON, encoded once, with its name inside.
pub(super) fn vs_code(key: &str, url: &str) -> String {
    format!("vscode:mcp/install?{}", vs_code_query(key, url))
}

/// VS Code Insiders: as [`vs_code`], under its own scheme.
pub(super) fn vs_code_insiders(key: &str, url: &str) -> String {
    format!("vscode-insiders:mcp/install?{}", vs_code_query(key, url))
}

/// Claude on the web, desktop and phone: the filled "add custom connector" dialog.
pub(super) fn claude(title: &str, url: &str) -> String {
    let (name, url) = (percent(title), percent(url));
    format!(
        "https://claude.ai/customize/connectors?modal=add-custom-connector\
         &connectorName={name}&connectorUrl={url}"
    )
}

fn vs_code_query(key: &str, url: &str) -> String {
    percent(&json(&NamedEntry { name: key, r#type: HTTP, url }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://gw.example.com/mcp";

    // The expected values were made with btoa, JSON.stringify and encodeURIComponent.

    #[test]
    fn cursor_reads_base64_json_without_the_name() {
        assert_eq!(cursor("gw", URL), CURSOR);
        assert_eq!(cursor("gw 1", "https://gw.example.com/é?>~"), CURSOR_ODD);
    }

    #[test]
    fn vs_code_reads_the_query_as_json_with_the_name() {
        assert_eq!(vs_code("gw", URL), format!("vscode:mcp/install?{VS_CODE}"));
        assert_eq!(vs_code_insiders("gw", URL), format!("vscode-insiders:mcp/install?{VS_CODE}"));
    }

    #[test]
    fn claude_reads_two_parameters() {
        assert_eq!(claude("My Gateway", URL), CLAUDE);
    }

    const CURSOR: &str = "cursor://anysphere.cursor-deeplink/mcp/install?name=gw&config=eyJ1cmwiOiJodHRwcz\
        ovL2d3LmV4YW1wbGUuY29tL21jcCJ9";
    const CURSOR_ODD: &str = "cursor://anysphere.cursor-deeplink/mcp/install?name=gw%201&config=eyJ1cmwiOiJodH\
        RwczovL2d3LmV4YW1wbGUuY29tL8OpPz5%2BIn0%3D";
    const VS_CODE: &str = "%7B%22name%22%3A%22gw%22%2C%22type%22%3A%22http%22%2C%22url%22%3A%22https%3A%2F%\
        2Fgw.example.com%2Fmcp%22%7D";
    const CLAUDE: &str = "https://claude.ai/customize/connectors?modal=add-custom-connector&connectorName=\
        My%20Gateway&connectorUrl=https%3A%2F%2Fgw.example.com%2Fmcp";
}
