//! Upstreams that are child processes. The child is this same program, told to run one test
//! only, whose environment makes it a server; it tells the test over a socket what happens to it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::net::TcpStream as StdStream;

use kernel::Redacted;
use mcp::{ChildConfig, Config, Transport};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::SOON;

/// The test's end.
pub(crate) struct Control {
    listener: TcpListener,
}

/// One child, as seen from the test.
pub(crate) struct Life {
    lines: tokio::io::Lines<BufReader<TcpStream>>,
    pub(crate) pid: u64,
    pub(crate) environment: BTreeMap<String, String>,
}

impl Control {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    /// Makes the one server of a configuration a child of this kind.
    pub(crate) fn child(&self, role: &str) -> impl FnOnce(&mut Config) + use<> {
        let address = self.listener.local_addr().unwrap().to_string();
        let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
        let command = [&program, "support::child::the_child", "--exact", "-q"];
        let config = ChildConfig {
            command: command.map(str::to_owned).to_vec(),
            environment: [("CHILD_CONTROL", &*address), ("CHILD_ROLE", role)]
                .map(|(name, value)| (name.to_owned(), Redacted::new(value)))
                .to_vec(),
            directory: None,
            shared_by_everyone: false,
            limit: 10,
            idle_seconds: 600,
        };
        move |all| all.servers[0].upstream.transport = Transport::Stdio(config)
    }

    /// The next child that started.
    pub(crate) async fn next(&self) -> Life {
        let accepted = tokio::time::timeout(SOON, self.listener.accept()).await;
        let (stream, _) = accepted.expect("a child starts").unwrap();
        let mut lines = BufReader::new(stream).lines();
        let hello: Value =
            serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        let environment = serde_json::from_value(hello["environment"].clone()).unwrap();
        Life { lines, pid: hello["pid"].as_u64().unwrap(), environment }
    }

    /// Whether a child started that nobody looked at yet.
    pub(crate) async fn is_empty(&self) -> bool {
        let waiting = std::future::poll_fn(|cx| {
            std::task::Poll::Ready(self.listener.poll_accept(cx).is_ready())
        });
        !waiting.await
    }
}

impl Life {
    /// The next message that the child got; `None` once it ended.
    pub(crate) async fn got(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(SOON, self.lines.next_line()).await;
        let line = line.expect("the child gets something, or ends");
        line.ok().flatten().map(|line| serde_json::from_str(&line).unwrap())
    }

    /// The method of the next message that the child got.
    pub(crate) async fn method(&mut self) -> String {
        self.got().await.unwrap()["method"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the process has ended and was buried.
    pub(crate) async fn ended(mut self) {
        while self.got().await.is_some() {}
        let buried = async {
            // Not even a zombie: those have an entry, too.
            while std::path::Path::new(&format!("/proc/{}", self.pid)).exists() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(SOON, buried).await.expect("it is buried");
    }
}

/// The child's program; as a test of its own it does nothing.
#[test]
#[expect(clippy::disallowed_methods, reason = "a process of its own")]
#[expect(clippy::zombie_processes, reason = "somebody else must end what is left behind")]
fn the_child() {
    let Ok(control) = std::env::var("CHILD_CONTROL") else { return };
    let role = std::env::var("CHILD_ROLE").unwrap();
    let mut control = StdStream::connect(control).unwrap();
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    let hello = json!({ "pid": std::process::id(), "environment": environment });
    writeln!(control, "{hello}").unwrap();
    if role == "family" {
        let mut family = std::process::Command::new(std::env::current_exe().unwrap());
        family.args(["support::child::the_child", "--exact", "-q"]).env("CHILD_ROLE", "deaf");
        family.stdin(std::process::Stdio::piped()).spawn().unwrap();
    }
    if role == "dying" {
        std::process::exit(1);
    }
    let mut child = Server { role, control, held: Vec::new() };
    for line in std::io::stdin().lock().lines() {
        child.hear(&line.unwrap());
    }
    if child.role == "deaf" {
        std::thread::sleep(std::time::Duration::from_mins(10));
    }
    std::process::exit(0);
}

struct Server {
    role: String,
    control: StdStream,
    held: Vec<Value>,
}

fn say(message: &Value) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{message}").and_then(|()| stdout.flush()).unwrap();
}

fn answer(id: &Value, result: &Value) {
    say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
}

impl Server {
    fn hear(&mut self, line: &str) {
        writeln!(self.control, "{line}").unwrap();
        let message: Value = serde_json::from_str(line).unwrap();
        let (id, params) = (&message["id"], &message["params"]);
        match (message["method"].as_str().unwrap_or_default(), &*self.role) {
            (_, "mute") | ("server/discover", "silent") => {}
            ("server/discover", "leaving") => std::process::exit(0),
            ("server/discover", "legacy") => say(&json!({ "jsonrpc": "2.0", "id": id,
                "error": { "code": -32601, "message": "Method not found" } })),
            ("server/discover", _) => {
                answer(id, &json!({ "supportedVersions": ["2026-07-28"], "capabilities": {} }));
            }
            ("initialize", _) => answer(
                id,
                &json!({ "protocolVersion": "2025-11-25", "capabilities": {},
                         "serverInfo": { "name": "child", "version": "1" } }),
            ),
            ("tools/list", _) => answer(
                id,
                &json!({ "tools": [{ "name": "get_x" }, { "name": "run_x" }], "ttlMs": 0,
                         "resultType": "complete" }),
            ),
            ("subscriptions/listen", _) => Self::listen(id),
            ("tools/call", _) => self.call(id, params),
            _ => {}
        }
    }

    fn listen(id: &Value) {
        let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
        let news = ["notifications/subscriptions/acknowledged", "notifications/tools/list_changed"];
        for method in news {
            say(&json!({ "jsonrpc": "2.0", "method": method, "params": { "_meta": meta } }));
        }
        say(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
                     "params": { "requestId": id } }));
    }

    fn call(&mut self, id: &Value, params: &Value) {
        match params["name"].as_str().unwrap_or_default() {
            "get_pair" => {
                // Answered in pairs, the later one first.
                self.held.push(json!([id, params["arguments"]]));
                if self.held.len() == 2 {
                    while let Some(held) = self.held.pop() {
                        answer(&held[0], &held[1]);
                    }
                }
            }
            "get_progress" => {
                let token = &params["_meta"]["progressToken"];
                say(&json!({ "jsonrpc": "2.0", "method": "notifications/progress",
                             "params": { "progressToken": token, "progress": 1 } }));
                answer(id, &json!({ "ok": true }));
            }
            "get_text_id" => answer(&json!(id.to_string()), &json!({ "ok": true })),
            "get_null_error" => say(&json!({ "jsonrpc": "2.0", "id": id, "result": { "ok": true },
                                             "error": null })),
            "get_odd_id" => answer(&json!("what"), &json!({ "ok": true })),
            "get_neither" => say(&json!({ "jsonrpc": "2.0", "id": id })),
            "get_silence" => {}
            "get_death" => std::process::exit(3),
            "get_flood" => loop {
                let flood = json!({ "method": "notifications/message", "params": {} });
                if writeln!(std::io::stdout(), "{flood}").is_err() {
                    std::process::exit(4);
                }
            },
            "get_line" => loop {
                if std::io::stdout().write_all(&[b'x'; 4096]).is_err() {
                    std::process::exit(5);
                }
            },
            "get_complaint" => {
                eprintln!("complaint");
                answer(id, &json!({}));
            }
            _ => answer(id, &json!({ "pid": std::process::id(), "said": params["arguments"] })),
        }
    }
}
