//! A small world around the sidecar.

mod asking;
mod authority;
mod child;
mod log;
mod raw;
mod server;
mod token;

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use kernel::seal::SealingKey;
use kernel::{ManualClock, OsRandom, Timestamp};
use mcp::{
    AllowedOrigins, Config, EraChoice, HttpConfig, Limits, Observe, PolicyConfig, Rule,
    ServerConfig, Sidecar, Transport, UpstreamAuth, UpstreamConfig, Visibility,
};
use protocol::{ResourceUri, Scope, Scopes};

pub(crate) use asking::{
    Answer, Ask, event_id, frame, get, legacy, modern, post, text, without_ids,
};
pub(crate) use authority::TestAuthority;
pub(crate) use child::Control;
pub(crate) use log::Log;
pub(crate) use raw::{RawServer, read_request};
pub(crate) use server::{Doing, Recorded, Reply, TestServer, events, json, open_events, status};
pub(crate) use token::{SigningKey, Token, sign_raw};

pub(crate) const ISSUER: &str = "https://gate.example";
pub(crate) const RESOURCE: &str = "https://gate.example/mcp";
pub(crate) const METADATA: &str = "https://gate.example/.well-known/oauth-protected-resource/mcp";
/// When every test begins, in seconds since the epoch.
pub(crate) const START: i64 = 1_800_000_000;
/// How long a test waits for something that must happen.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// As if so much time had passed, for the timers of this thread.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Lets so much time pass with all that happens in it: this clock goes on only while nothing else is
/// left to do, so what did not happen by its end does not happen.
pub(crate) async fn quiet(time: Duration) {
    tokio::time::pause();
    tokio::time::sleep(time).await;
    tokio::time::resume();
}

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) authority: Arc<TestAuthority>,
    pub(crate) server: TestServer,
    pub(crate) sidecar: Arc<Sidecar>,
}

impl World {
    /// A world whose upstream answers by `reply`.
    pub(crate) async fn new(reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(reply, |_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn with(
        reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(START * 1000));
        let authority = Arc::new(TestAuthority::new());
        let server = TestServer::start(reply).await;
        let mut config = config(server.uri());
        change(&mut config);
        let sidecar = Sidecar::new(
            config,
            authority.clone(),
            Arc::new(clock.clone()),
            Arc::new(OsRandom::new()),
        );
        Self { clock, authority, server, sidecar: sidecar.unwrap() }
    }

    /// A second sidecar of the default configuration, which knows only what is configured.
    pub(crate) fn replica(&self) -> Arc<Sidecar> {
        self.replica_with(|_| {})
    }

    /// The same with another configuration.
    pub(crate) fn replica_with(&self, change: impl FnOnce(&mut Config)) -> Arc<Sidecar> {
        let mut config = config(self.server.uri());
        change(&mut config);
        let clock = Arc::new(self.clock.clone());
        let randomness = Arc::new(OsRandom::new());
        Sidecar::new(config, self.authority.clone(), clock, randomness).unwrap()
    }

    /// A token for a basic user with these scopes.
    pub(crate) fn token(&self, scopes: &str) -> String {
        Token::new(scopes).sign(&self.authority.key())
    }

    /// Sends a request and waits for the whole answer.
    pub(crate) async fn ask(&self, ask: Ask) -> Answer {
        Answer::read(self.sidecar.handle(ask.build()).await).await
    }
}

/// The server answers every request with an empty result of the same id.
pub(crate) fn echo(request: &Recorded) -> Reply {
    let id = request.message()["id"].clone();
    json(&serde_json::json!({ "jsonrpc": "2.0", "id": id, "result": {} }).to_string())
}

/// A sidecar with one server, reached over HTTP.
pub(crate) fn config(upstream: Uri) -> Config {
    Config {
        servers: vec![server("default", "/mcp", upstream)],
        issuer: ISSUER.to_owned(),
        allowed_hosts: vec!["gate.example".to_owned(), "localhost".to_owned()],
        allowed_origins: AllowedOrigins {
            list: vec!["https://gate.example".to_owned()],
            any_loopback: false,
        },
        sealing_key: SealingKey::from_bytes([7; 32]),
        peer_url: None,
        max_status_age_seconds: 600,
        limits: Limits::default(),
        observe: Observe::default(),
    }
}

/// A server at `path`, with the metadata paths that the binary would give it.
pub(crate) fn server(name: &str, path: &str, upstream: Uri) -> ServerConfig {
    ServerConfig {
        name: name.to_owned(),
        title: "Workflow".to_owned(),
        path: path.to_owned(),
        resource: ResourceUri::parse(&format!("{ISSUER}{path}")).unwrap(),
        resource_metadata_url: format!("{ISSUER}/.well-known/oauth-protected-resource{path}"),
        metadata_paths: vec![
            format!("/.well-known/oauth-protected-resource{path}"),
            format!("{path}/.well-known/oauth-protected-resource"),
        ],
        ceiling: Scopes::of(&[Scope::Read, Scope::Write, Scope::ProcessAdmin]),
        upstream: UpstreamConfig {
            name: name.to_owned(),
            url: upstream,
            transport: Transport::Http,
            eras: EraChoice::Both,
            http: HttpConfig::default(),
            auth: UpstreamAuth::None,
        },
        policy: PolicyConfig {
            rules: vec![
                rule(&["list_*", "get_*"], Scope::Read, Visibility::Hide),
                rule(&["create_*"], Scope::Write, Visibility::Challenge),
                rule(&["update_*"], Scope::Write, Visibility::Hide),
                rule(&["run_*"], Scope::ProcessAdmin, Visibility::Challenge),
            ],
            default_scope: Scope::Admin,
            trust_annotations: false,
        },
        list_cache_seconds: 5,
        sse: None,
    }
}

fn rule(tools: &[&str], scope: Scope, visibility: Visibility) -> Rule {
    Rule { tools: tools.iter().map(|&tool| tool.to_owned()).collect(), scope, visibility }
}

impl World {
    /// Lets the background task take in what the authority changed.
    pub(crate) async fn settle(&self) {
        let before = self.authority.key_questions.load(std::sync::atomic::Ordering::SeqCst);
        let done = tokio_util::sync::CancellationToken::new();
        let watching = tokio::spawn(Arc::clone(&self.sidecar).watch(done.clone()));
        self.authority.tell();
        // The first question is the one at the start; when the second was asked, the answers to
        // the first are all in.
        while self.authority.key_questions.load(std::sync::atomic::Ordering::SeqCst) < before + 2 {
            tokio::task::yield_now().await;
        }
        done.cancel();
        watching.await.unwrap();
    }
}
