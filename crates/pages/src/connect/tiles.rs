//! One tile per client: what to click, what to type, what to put into a file.

use serde::Serialize;
use serde_json::{Value, json as object};

use super::encoding::{json, pretty_json, shell_word, toml_key};
use super::links::{self, Entry, HTTP, NamedEntry, TypedEntry};

/// How to add the server to one client.
pub(super) struct Tile {
    pub(super) client: &'static str,
    pub(super) hint: &'static str,
    pub(super) links: Vec<Link>,
    pub(super) snippets: Vec<Snippet>,
}

/// A link that opens the client.
pub(super) struct Link {
    pub(super) label: &'static str,
    pub(super) url: String,
}

/// Text to copy.
pub(super) struct Snippet {
    /// Where it goes.
    pub(super) caption: &'static str,
    pub(super) text: String,
    /// Whether it is the second choice, folded away.
    pub(super) is_folded: bool,
}

/// The tiles, the most used first.
pub(super) fn for_server(key: &str, url: &str) -> Vec<Tile> {
    let mut tiles = vec![
        claude_code(key, url),
        codex(key, url),
        vs_code(key, url),
        cursor(key, url),
        inspector(url),
    ];
    if is_https(url) {
        tiles.insert(1, claude(key, url));
    }
    tiles.push(others(key, url));
    tiles
}

/// Whether clients that call from the internet accept `url` at all.
pub(super) fn is_https(url: &str) -> bool {
    url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

fn claude_code(key: &str, url: &str) -> Tile {
    let name = shell_word(key);
    Tile {
        client: "Claude Code",
        hint: "Add the server, then sign in. A browser opens.",
        links: Vec::new(),
        snippets: vec![
            Snippet::typed(
                "In a terminal",
                format!("claude mcp add --transport http --scope user {name} {}", shell_word(url)),
            ),
            Snippet::typed("Then sign in", format!("claude mcp login {name}")),
            Snippet::folded(
                ".mcp.json, to share it with a project",
                servers("mcpServers", key, &TypedEntry { r#type: HTTP, url }),
            ),
        ],
    }
}

fn claude(key: &str, url: &str) -> Tile {
    Tile {
        client: "Claude",
        hint: "On the web, the desktop and the phone. \
               Claude calls from the internet, so this server must be reachable from there.",
        links: vec![Link { label: "Add to Claude", url: links::claude(key, url) }],
        snippets: vec![Snippet::folded(
            "By hand: Customize, Connectors, Add custom connector",
            url.to_owned(),
        )],
    }
}

fn codex(key: &str, url: &str) -> Tile {
    Tile {
        client: "Codex",
        hint: "Sign-in starts at once in a browser.",
        links: Vec::new(),
        snippets: vec![
            Snippet::typed(
                "In a terminal",
                format!("codex mcp add {} --url {}", shell_word(key), shell_word(url)),
            ),
            Snippet::folded(
                "~/.codex/config.toml",
                format!("[mcp_servers.{}]\nurl = {}", toml_key(key), json(&url)),
            ),
        ],
    }
}

fn vs_code(key: &str, url: &str) -> Tile {
    let entry = json(&NamedEntry { name: key, r#type: HTTP, url });
    Tile {
        client: "VS Code",
        hint: "Works with GitHub Copilot's agent mode.",
        links: vec![
            Link { label: "Add to VS Code", url: links::vs_code(key, url) },
            Link { label: "Insiders", url: links::vs_code_insiders(key, url) },
        ],
        snippets: vec![
            Snippet::folded("In a terminal", format!("code --add-mcp {}", shell_word(&entry))),
            Snippet::folded(
                ".vscode/mcp.json",
                servers("servers", key, &TypedEntry { r#type: HTTP, url }),
            ),
        ],
    }
}

fn cursor(key: &str, url: &str) -> Tile {
    Tile {
        client: "Cursor",
        hint: "Then choose Connect beside the server in Cursor's settings.",
        links: vec![Link { label: "Add to Cursor", url: links::cursor(key, url) }],
        snippets: vec![Snippet::folded(
            "~/.cursor/mcp.json",
            servers("mcpServers", key, &Entry { url }),
        )],
    }
}

fn inspector(url: &str) -> Tile {
    Tile {
        client: "MCP Inspector",
        hint: "For developers: see every message. Needs Node.js.",
        links: Vec::new(),
        snippets: vec![Snippet::typed(
            "In a terminal",
            format!(
                "npx -y @modelcontextprotocol/inspector --transport http --server-url {}",
                shell_word(url)
            ),
        )],
    }
}

fn others(key: &str, url: &str) -> Tile {
    Tile {
        client: "Other clients",
        hint: "Give the client the server's address. Most also read a file like this one.",
        links: Vec::new(),
        snippets: vec![
            Snippet::typed(
                "Settings file",
                servers("mcpServers", key, &TypedEntry { r#type: HTTP, url }),
            ),
            // mcp-remote gives up on sign-in after 30 seconds unless told otherwise.
            Snippet::folded(
                "For clients that only start programs",
                format!("npx -y mcp-remote {} --auth-timeout 120", shell_word(url)),
            ),
        ],
    }
}

/// A settings file that lists one server under `section`.
fn servers(section: &str, key: &str, entry: &impl Serialize) -> String {
    let entry = serde_json::to_value(entry).unwrap_or(Value::Null);
    pretty_json(&object!({ section: { key: entry } }))
}

impl Snippet {
    /// The text at its spaces: a line may wrap there and nowhere else, so that `--url` never ends
    /// up as `-` and `-url`.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split(' ')
    }

    fn typed(caption: &'static str, text: String) -> Self {
        Self { caption, text, is_folded: false }
    }

    fn folded(caption: &'static str, text: String) -> Self {
        Self { caption, text, is_folded: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(url: &str) -> Vec<&'static str> {
        for_server("gw", url).iter().map(|tile| tile.client).collect()
    }

    /// CL-20: a hosted client cannot reach an address on this computer.
    #[test]
    fn claude_is_offered_over_https_only() {
        assert!(clients("https://gw.example.com/mcp").contains(&"Claude"));
        assert!(!clients("http://127.0.0.1:8787/mcp").contains(&"Claude"));
    }

    #[test]
    fn settings_files_are_what_each_client_reads() {
        assert_eq!(
            servers("mcpServers", "gw", &Entry { url: "https://h/mcp" }),
            "{\n  \"mcpServers\": {\n    \"gw\": {\n      \"url\": \"https://h/mcp\"\n    }\n  }\n}"
        );
        let codex = codex("gw", "https://h/mcp");
        assert_eq!(codex.snippets[0].text, "codex mcp add gw --url https://h/mcp");
        assert_eq!(codex.snippets[1].text, "[mcp_servers.gw]\nurl = \"https://h/mcp\"");
        let claude_code = claude_code("gw", "https://h/mcp");
        assert_eq!(
            claude_code.snippets[0].text,
            "claude mcp add --transport http --scope user gw https://h/mcp"
        );
        assert_eq!(claude_code.snippets[1].text, "claude mcp login gw");
        assert_eq!(
            vs_code("gw", "https://h/mcp").snippets[0].text,
            r#"code --add-mcp '{"name":"gw","type":"http","url":"https://h/mcp"}'"#
        );
    }
}
