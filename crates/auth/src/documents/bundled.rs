//! Documents of well-known clients, for networks from which the live ones cannot be fetched. They say
//! what was published in October 2026; clients that authenticate are not here, since their keys are
//! nowhere but there.

use protocol::RedirectUri;
use protocol::client_document::{ClientDocument, DocumentAuth, DocumentUrl};

/// What one client publishes. `{}` in an id and a redirect URI is one segment of a path, the same in
/// both.
struct Bundled {
    id: &'static str,
    name: &'static str,
    redirect_uris: &'static [&'static str],
}

const BUNDLED: [Bundled; 9] = [
    Bundled {
        id: "https://claude.ai/oauth/mcp-oauth-client-metadata",
        name: "Claude",
        redirect_uris: &["https://claude.ai/api/mcp/auth_callback"],
    },
    Bundled {
        id: "https://claude.ai/oauth/claude-code-client-metadata",
        name: "Claude Code",
        redirect_uris: &["http://localhost/callback", "http://127.0.0.1/callback"],
    },
    Bundled {
        id: "https://chatgpt.com/oauth/codex/client.json",
        name: "Codex",
        redirect_uris: &["http://127.0.0.1/callback", "http://localhost/callback"],
    },
    // Where `iss` is not advertised, Codex has an id of its own for each server.
    Bundled {
        id: "https://chatgpt.com/oauth/codex/{}/client.json",
        name: "Codex",
        redirect_uris: &["http://127.0.0.1/callback/{}", "http://localhost/callback/{}"],
    },
    Bundled {
        id: "https://vscode.dev/oauth/client-metadata.json",
        name: "Visual Studio Code",
        redirect_uris: &["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
    },
    Bundled {
        id: "https://insiders.vscode.dev/oauth/client-metadata.json",
        name: "Visual Studio Code - Insiders",
        redirect_uris: &["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
    },
    Bundled {
        id: "https://zed.dev/oauth/client-metadata.json",
        name: "Zed",
        redirect_uris: &["http://127.0.0.1/callback"],
    },
    Bundled {
        id: "https://goose-docs.ai/oauth/client-metadata.json",
        name: "Goose",
        redirect_uris: &["http://127.0.0.1/oauth_callback", "http://[::1]/oauth_callback"],
    },
    Bundled {
        id: "https://opencode.ai/oauth/opencode/client.json",
        name: "OpenCode",
        redirect_uris: &["http://127.0.0.1/callback", "http://localhost/callback"],
    },
];

/// The document of this client, if it is one of them.
pub(super) fn find(own: &DocumentUrl) -> Option<ClientDocument> {
    BUNDLED.iter().find_map(|bundled| bundled.document(own.url().as_str()))
}

impl Bundled {
    fn document(&self, id: &str) -> Option<ClientDocument> {
        let segment = self.segment(id)?;
        let redirect_uris = self.redirect_uris.iter();
        let redirect_uris =
            redirect_uris.map(|uri| RedirectUri::from_stored(&uri.replace("{}", segment)));
        Some(ClientDocument {
            name: self.name.to_owned(),
            redirect_uris: redirect_uris.collect::<Result<_, _>>().ok()?,
            auth: DocumentAuth::None,
            refresh_tokens: true,
        })
    }

    /// What stands in the place of `{}`; empty for an id without one.
    fn segment<'i>(&self, id: &'i str) -> Option<&'i str> {
        let Some((before, after)) = self.id.split_once("{}") else {
            return (self.id == id).then_some("");
        };
        let segment = id.strip_prefix(before)?.strip_suffix(after)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (!segment.is_empty() && segment.len() <= 128 && segment.bytes().all(plain))
            .then_some(segment)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn redirects(id: &str) -> Option<Vec<String>> {
        let document = find(&DocumentUrl::parse(id).unwrap())?;
        Some(document.redirect_uris.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn each_is_a_document_and_a_pattern_is_one_segment() {
        for bundled in &BUNDLED {
            let id = bundled.id.replace("{}", "a1-b_2");
            assert_eq!(redirects(&id).unwrap().len(), bundled.redirect_uris.len(), "{id}");
        }
        assert_eq!(
            redirects("https://chatgpt.com/oauth/codex/Zx9/client.json").unwrap()[0],
            "http://127.0.0.1/callback/Zx9"
        );
        for other in [
            "https://chatgpt.com/oauth/codex//client.json",
            "https://chatgpt.com/oauth/codex/a/b/client.json",
            "https://chatgpt.com/oauth/codex/a?/client.json",
            "https://chatgpt.com/oauth/client.json",
            "https://zed.dev/oauth/client-metadata.json?x",
            "https://claude.ai.example.com/oauth/claude-code-client-metadata",
        ] {
            assert_eq!(redirects(other), None, "{other}");
        }
    }
}
