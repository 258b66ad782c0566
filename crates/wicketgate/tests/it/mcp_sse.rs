//! Clients of 2024-11-05: from the pasted `/sse` URL to a tool, following only what the server says.

use serde_json::{Value, json};
use testkit::{Client, Place, Tick, Tokens};

use crate::world::{Plan, World};

/// D-62 and the resource of its own: in one process, in two, and below a path of the host.
#[tokio::test]
async fn d_62_a_client_signs_in_for_its_own_url() {
    for plan in [Plan::sqlite(), Plan::sqlite().apart(), Plan::sqlite().at("/wfgen")] {
        let world = plan.second_server().start().await;
        let beside = world.mcp.strip_suffix("/mcp").expect("it ends in /mcp");
        let second = format!("{}/second/sse", world.mcp);
        for url in [format!("{beside}/sse"), second] {
            let access = sign_in(&world, &url).await;
            let mut stream = Stream::open(&world, &url, &access).await;
            let params = json!({ "protocolVersion": "2024-11-05", "capabilities": {},
                                 "clientInfo": { "name": "old", "version": "1" } });
            let opened = stream.ask("initialize", &params).await;
            assert!(opened["result"]["serverInfo"].is_object(), "{opened}");
            stream.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
            let tools = stream.ask("tools/list", &json!({})).await;
            let tools = tools["result"]["tools"].as_array().cloned().unwrap_or_default();
            let has = |prefix: &str| {
                tools
                    .iter()
                    .any(|tool| tool["name"].as_str().is_some_and(|n| n.starts_with(prefix)))
            };
            assert!(has("get_") && !has("admin_"), "{tools:?}");
            let call = json!({ "name": "get_my_profile", "arguments": {} });
            let profile = stream.ask("tools/call", &call).await;
            assert!(profile["result"].is_object(), "{profile}");
        }
    }
}

/// With `sse = false` there is nothing, neither the path nor the resource.
#[tokio::test]
async fn it_can_be_switched_off() {
    let world = Plan::sqlite().server("sse = false").start().await;
    assert_eq!(world.get(&world.at("/sse")).await.status, 404);
    let place = Place::new(&world.issuer, &world.at("/sse"));
    let client = Client::register(&place).await;
    let answer = world.get(&client.ask().url()).await;
    let location = answer.header("location").unwrap_or_default();
    assert!(answer.body.contains("invalid_target") || location.contains("invalid_target"));
}

async fn sign_in(world: &World, url: &str) -> String {
    let probe = world.get(url).await;
    assert_eq!(probe.status, 401);
    let challenge = probe.header("www-authenticate").unwrap_or_default();
    let metadata = challenge.split("resource_metadata=\"").nth(1).unwrap_or_default();
    let metadata = world.get(metadata.split('"').next().unwrap_or_default()).await.json();
    assert_eq!(metadata["resource"], url, "PR-3");
    assert_eq!(metadata["authorization_servers"][0], world.issuer);
    let place = Place::new(&world.issuer, url);
    let client = Client::register(&place).await;
    let ask = client.ask();
    assert_eq!(ask.get("resource"), url);
    let returned = world.person().authorize(&ask, "basic", Tick::All).await;
    Tokens::of(&client.exchange(returned.code(), &ask).await).access
}

/// One stream and where it takes messages.
struct Stream {
    http: reqwest::Client,
    response: reqwest::Response,
    unread: String,
    endpoint: String,
    access: String,
    asked: u64,
}

impl Stream {
    async fn open(world: &World, url: &str, access: &str) -> Self {
        let request = world.http.get(url).bearer_auth(access).header("accept", "text/event-stream");
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["connection"], "close", "it stands, and holds no buffers");
        let mut stream = Self {
            http: world.http.clone(),
            response,
            unread: String::new(),
            endpoint: String::new(),
            access: access.to_owned(),
            asked: 0,
        };
        let (kind, endpoint) = stream.next().await;
        assert!(kind == "endpoint" && endpoint.starts_with('/'), "{kind} {endpoint}");
        let base = url::Url::parse(url).expect("a URL");
        stream.endpoint = base.join(&endpoint).expect("a URL").to_string();
        stream
    }

    async fn post(&self, message: &Value) {
        let request = self.http.post(&self.endpoint).bearer_auth(&self.access).json(message);
        assert_eq!(request.send().await.expect("an answer").status(), 202);
    }

    async fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.post(&message).await;
        loop {
            let (kind, data) = self.next().await;
            assert_eq!(kind, "message");
            let message: Value = serde_json::from_str(&data).expect("JSON");
            if message["id"] == id {
                return message;
            }
        }
    }

    /// The next event that is no comment.
    async fn next(&mut self) -> (String, String) {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.unread = rest;
                let field = |name: &str| {
                    let lines = event.lines().filter_map(|line| line.strip_prefix(name));
                    lines.map(str::trim_start).collect::<String>()
                };
                if !event.starts_with(':') {
                    return (field("event:"), field("data:"));
                }
            }
            let chunk = self.response.chunk().await.expect("the stream").expect("more");
            self.unread.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }
}
