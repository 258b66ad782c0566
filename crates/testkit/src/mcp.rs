//! An MCP client over HTTP, in both generations.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::place::Place;

/// Which generation of the protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// `initialize` and a session, with this revision.
    Sessions(&'static str),
    /// 2026-07-28: each request stands alone.
    Stateless,
}

/// An MCP client with a token.
#[derive(Clone, Debug)]
pub struct McpCaller {
    place: Place,
    era: Era,
    token: String,
    session: Option<String>,
}

/// The newest revision.
const STATELESS: &str = "2026-07-28";

impl McpCaller {
    /// A client without a connection yet. Stateless clients need none.
    pub fn new(place: &Place, token: &str, era: Era) -> Self {
        Self { place: place.clone(), era, token: token.to_owned(), session: None }
    }

    /// A client that has done what its generation does first.
    pub async fn connect(place: &Place, token: &str, era: Era) -> Self {
        let mut caller = Self::new(place, token, era);
        if let Era::Sessions(version) = era {
            caller.initialize(version).await;
        }
        caller
    }

    /// The same client, and session, with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The names of the tools that are listed, sorted.
    pub async fn tools(&self) -> Vec<String> {
        let answer = self.ask("tools/list", json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let message = answer.message();
        let tools = message["result"]["tools"].as_array().cloned();
        let mut names: Vec<String> = tools
            .unwrap_or_default()
            .iter()
            .map(|tool| tool["name"].as_str().unwrap_or_default().to_owned())
            .collect();
        names.sort_unstable();
        names
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: Value) -> Answer {
        let params = json!({ "name": tool, "arguments": arguments });
        self.ask("tools/call", params).await
    }

    /// Sends a request.
    pub async fn ask(&self, method: &str, params: Value) -> Answer {
        Answer::to(self.request(method, params)).await
    }

    /// The request that [`McpCaller::ask`] sends.
    pub fn request(&self, method: &str, mut params: Value) -> reqwest::RequestBuilder {
        if self.era == Era::Stateless {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(STATELESS);
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        self.post(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
    }

    /// The request for the stream of a session on which the server speaks first.
    pub fn listen(&self) -> reqwest::RequestBuilder {
        let request = self.place.http.get(&self.place.mcp).bearer_auth(&self.token);
        let request = request.header("accept", "text/event-stream");
        match (self.era, &self.session) {
            (Era::Sessions(version), Some(session)) => {
                request.header("mcp-session-id", session).header("mcp-protocol-version", version)
            }
            _ => request,
        }
    }

    async fn initialize(&mut self, version: &str) {
        let params = json!({
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        });
        let answer = self.ask("initialize", params).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.session = answer.header("mcp-session-id").map(str::to_owned);
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let accepted = Answer::to(self.post(&initialized)).await;
        assert_eq!(accepted.status, 202, "{}", accepted.body);
    }

    fn post(&self, message: &Value) -> reqwest::RequestBuilder {
        let mut request = self
            .place
            .http
            .post(&self.place.mcp)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        match (self.era, &self.session) {
            (Era::Sessions(version), Some(session)) => {
                request = request
                    .header("mcp-session-id", session)
                    .header("mcp-protocol-version", version);
            }
            (Era::Sessions(_), None) => {}
            (Era::Stateless, _) => {
                request = request
                    .header("mcp-protocol-version", STATELESS)
                    .header("mcp-method", message["method"].as_str().unwrap_or_default());
                let params = &message["params"];
                if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
                    request = request.header("mcp-name", name);
                }
            }
        }
        request.body(message.to_string())
    }
}
