//! What the demo says once it runs.

/// The MCP URL, the connect page, and a ready command for each of the well-known clients.
pub(super) fn text(url: &str) -> String {
    format!(
        r#"
  The demo is running.

    MCP server   {url}/mcp
    Connect      {url}/connect

  Connect a client, then choose one of three people in the browser:

    Claude Code    claude mcp add --transport http wicketgate {url}/mcp
                   claude mcp login wicketgate
    Codex          codex mcp add wicketgate --url {url}/mcp
    MCP Inspector  npx @modelcontextprotocol/inspector --transport http --server-url {url}/mcp
    VS Code        code --add-mcp '{{"name":"wicketgate","type":"http","url":"{url}/mcp"}}'

  Ctrl-C ends it.
"#
    )
}
