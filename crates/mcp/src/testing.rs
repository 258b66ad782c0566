//! A small world for tests that reach inside: the helpers of the tests outside, and an upstream that
//! is a script.

#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "the tests outside use all of it")]
#[path = "../tests/it/support/asking.rs"]
mod asking;
#[expect(dead_code, reason = "the tests outside use all of it")]
#[path = "../tests/it/support/authority.rs"]
mod authority;
pub(crate) mod script;
#[expect(dead_code, reason = "the tests outside use all of it")]
#[path = "../tests/it/support/token.rs"]
mod token;

use std::sync::Arc;
use std::time::Duration;

use kernel::seal::SealingKey;
use kernel::{ManualClock, OsRandom, Timestamp};
use protocol::{ResourceUri, Scope, Scopes};

use crate::{
    AllowedOrigins, Config, EraChoice, Limits, PolicyConfig, Rule, ServerConfig, Sidecar,
    Transport, UpstreamAuth, UpstreamConfig, Visibility,
};

pub(crate) use asking::{Answer, Ask, frame, get, legacy, modern, post, text};
pub(crate) use authority::TestAuthority;
pub(crate) use script::Script;
pub(crate) use token::Token;

pub(crate) const ISSUER: &str = "https://gate.example";
pub(crate) const RESOURCE: &str = "https://gate.example/mcp";
/// When every test begins, in seconds since the epoch.
pub(crate) const START: i64 = 1_800_000_000;
/// How long a test waits for something that must happen.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A sidecar in front of a script.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) authority: Arc<TestAuthority>,
    pub(crate) script: Script,
    pub(crate) sidecar: Arc<Sidecar>,
}

impl World {
    /// A world whose server is reached over this transport and speaks these eras.
    pub(crate) fn new(transport: Transport, eras: EraChoice) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(START * 1000));
        let authority = Arc::new(TestAuthority::new());
        let random = Arc::new(OsRandom::new());
        let time = Arc::new(clock.clone());
        let config = config(transport, eras);
        let sidecar = Sidecar::new(config, authority.clone(), time, random).unwrap();
        let script = Script::new();
        script.stand_behind(&sidecar);
        Self { clock, authority, script, sidecar }
    }

    /// A second sidecar in front of the same script, which others reach under this URL.
    pub(crate) fn replica(&self, peer_url: &str) -> Arc<Sidecar> {
        let server = self.sidecar.server("default").unwrap();
        let mut config = config(server.endpoint.upstream.transport.clone(), EraChoice::Legacy);
        config.peer_url = Some(peer_url.parse().unwrap());
        config.allowed_hosts.push(peer_url.trim_start_matches("http://").to_owned());
        let (time, random) = (Arc::new(self.clock.clone()), Arc::new(OsRandom::new()));
        let sidecar = Sidecar::new(config, self.authority.clone(), time, random).unwrap();
        self.script.stand_behind(&sidecar);
        sidecar
    }

    /// A token for a basic user with these scopes.
    pub(crate) fn token(&self, scopes: &str) -> String {
        Token::new(scopes).sign(&self.authority.key())
    }

    /// Sends a request and waits for the whole answer.
    pub(crate) async fn ask(&self, ask: Ask) -> Answer {
        Answer::read(self.sidecar.handle(ask.build()).await).await
    }

    /// Sends a request in the background.
    pub(crate) fn start(&self, ask: Ask) -> tokio::task::JoinHandle<Answer> {
        let sidecar = Arc::clone(&self.sidecar);
        tokio::spawn(async move { Answer::read(sidecar.handle(ask.build()).await).await })
    }
}

/// The only server of a world.
pub(crate) fn server(transport: Transport, eras: EraChoice) -> ServerConfig {
    let rule =
        |tool: &str, scope, visibility| Rule { tools: vec![tool.to_owned()], scope, visibility };
    ServerConfig {
        name: "default".to_owned(),
        title: "Workflow".to_owned(),
        path: "/mcp".to_owned(),
        resource: ResourceUri::parse(RESOURCE).unwrap(),
        resource_metadata_url: format!("{ISSUER}/.well-known/oauth-protected-resource/mcp"),
        metadata_paths: Vec::new(),
        ceiling: Scopes::of(&[Scope::Read, Scope::Write]),
        upstream: UpstreamConfig {
            name: "default".to_owned(),
            url: "http://127.0.0.1:9/mcp".parse().unwrap(),
            transport,
            eras,
            http: crate::HttpConfig::default(),
            auth: UpstreamAuth::None,
        },
        policy: PolicyConfig {
            rules: vec![rule("get_*", Scope::Read, Visibility::Hide)],
            default_scope: Scope::Admin,
            trust_annotations: false,
        },
        list_cache_seconds: 5,
        sse: None,
    }
}

fn config(transport: Transport, eras: EraChoice) -> Config {
    Config {
        servers: vec![server(transport, eras)],
        issuer: ISSUER.to_owned(),
        allowed_hosts: vec!["gate.example".to_owned()],
        allowed_origins: AllowedOrigins::default(),
        sealing_key: SealingKey::from_bytes([7; 32]),
        observe: crate::Observe::default(),
        peer_url: None,
        max_status_age_seconds: 600,
        limits: Limits::default(),
    }
}
