//! Which generations of MCP a server behind speaks: as configured, or found out by asking (D-24).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use kernel::Timestamp;
use protocol::mcp::{METHOD_HEADER, MODERN_REVISION};
use tokio::sync::Mutex;

use crate::config::{EraChoice, Transport};
use crate::json::Members;
use crate::links::legacy::{Declared, question};
use crate::links::{Caller, LinkError, Outcome};

use crate::server::Server;
use crate::sidecar::Shared;

/// What one server speaks, as far as it is known.
pub(crate) struct Eras {
    known: AtomicU8,
    /// When it was asked, in milliseconds.
    asked: AtomicI64,
    chosen: bool,
    asking: Mutex<()>,
}

/// The generations that a server speaks; at least one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Speaks {
    pub(crate) modern: bool,
    pub(crate) legacy: bool,
}

/// How long an answer holds. A server may be updated behind our back.
const HOLDS_SECONDS: i64 = 300;
/// How long a child may think about the first question.
const SILENCE: Duration = Duration::from_secs(5);
const UNKNOWN: u8 = 0;
const MODERN: u8 = 1;
const LEGACY: u8 = 2;

impl Eras {
    pub(crate) fn new(choice: EraChoice) -> Self {
        let known = match choice {
            EraChoice::Auto => UNKNOWN,
            EraChoice::Modern => MODERN,
            EraChoice::Legacy => LEGACY,
            EraChoice::Both => MODERN | LEGACY,
        };
        let chosen = known != UNKNOWN;
        Self { known: known.into(), asked: AtomicI64::new(0), chosen, asking: Mutex::default() }
    }

    /// What is known and recent enough.
    pub(crate) fn known(&self, now: Timestamp) -> Option<Speaks> {
        let known = self.known.load(Ordering::Relaxed);
        let asked = Timestamp::from_millis(self.asked.load(Ordering::Relaxed));
        let holds = self.chosen || now < asked.plus_seconds(HOLDS_SECONDS);
        (known != UNKNOWN && holds)
            .then_some(Speaks { modern: known & MODERN != 0, legacy: known & LEGACY != 0 })
    }

    /// Something contradicted what is known, so the next request asks again.
    pub(crate) fn doubt(&self) {
        self.asked.store(0, Ordering::Relaxed);
    }

    fn learn(&self, speaks: Speaks, now: Timestamp) {
        let bits = u8::from(speaks.modern) * MODERN + u8::from(speaks.legacy) * LEGACY;
        self.known.store(bits, Ordering::Relaxed);
        self.asked.store(now.as_millis(), Ordering::Relaxed);
    }
}

impl Server {
    /// What the server behind speaks. Asked once for everybody; a failure is not remembered.
    pub(crate) async fn speaks(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        caller: &Caller,
    ) -> Result<Speaks, LinkError> {
        let eras = &self.behind.eras;
        if let Some(speaks) = eras.known(shared.trust.now()) {
            return Ok(speaks);
        }
        let _turn = eras.asking.lock().await;
        if let Some(speaks) = eras.known(shared.trust.now()) {
            return Ok(speaks);
        }
        let speaks = self.ask_eras(shared, caller).await?;
        tracing::info!(
            server.name = %self.name, modern = speaks.modern, legacy = speaks.legacy,
            "mcp.upstream.eras"
        );
        eras.learn(speaks, shared.trust.now());
        Ok(speaks)
    }

    /// `server/discover` first: some legacy servers carry out whatever else they are asked.
    async fn ask_eras(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        caller: &Caller,
    ) -> Result<Speaks, LinkError> {
        let modern = self.discovers(shared, caller).await?;
        // One child or stream speaks one of them; the modern one loses less.
        if modern && self.transport != Transport::Http {
            return Ok(Speaks { modern, legacy: false });
        }
        let legacy = match self.legacy_peer(shared, caller, &probe(), None).await {
            Ok(peer) => {
                peer.close();
                true
            }
            Err(LinkError::Garbled | LinkError::Refused(_) | LinkError::SessionGone) => false,
            Err(error) if !modern => return Err(error),
            Err(_) => false,
        };
        if modern || legacy { Ok(Speaks { modern, legacy }) } else { Err(LinkError::Garbled) }
    }

    async fn discovers(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        caller: &Caller,
    ) -> Result<bool, LinkError> {
        if self.transport == Transport::HttpSse {
            return Ok(false);
        }
        let link = self.modern_link(shared, caller).await?;
        let params = format!(
            "{{\"_meta\":{{\"io.modelcontextprotocol/protocolVersion\":\"{MODERN_REVISION}\",\
             \"io.modelcontextprotocol/clientCapabilities\":{{}},\
             \"io.modelcontextprotocol/clientInfo\":{}}}}}",
            probe().client_info
        );
        let id = self.behind.next_id();
        let mut question = question(id, "server/discover", Some(&params));
        question.mirrors.push((
            HeaderName::from_static(METHOD_HEADER),
            HeaderValue::from_static("server/discover"),
        ));
        let asked = async { link.ask(caller, question).await?.answer().await };
        let answered = match self.transport {
            Transport::Http | Transport::HttpSse => asked.await,
            // Some legacy children answer nothing that comes before `initialize`, and some end.
            Transport::Stdio(_) => match tokio::time::timeout(SILENCE, asked).await {
                Ok(Err(LinkError::Broken)) | Err(_) => Err(LinkError::Garbled),
                Ok(answered) => answered,
            },
        };
        let modern = match answered {
            Ok(answer) => {
                matches!(answer.outcome()?, Outcome::Result(result) if names_modern(result.get()))
            }
            Err(LinkError::Refused(_) | LinkError::Garbled | LinkError::SessionGone) => false,
            Err(error) => return Err(error),
        };
        if !modern && self.transport != Transport::Http {
            // What it was asked may have confused it, so `initialize` goes to another.
            link.close(caller);
        }
        Ok(modern)
    }
}

fn names_modern(result: &str) -> bool {
    let versions = Members::read(result).ok().and_then(|members| members.get("supportedVersions"));
    let versions: Option<Vec<String>> =
        versions.and_then(|versions| serde_json::from_str(versions.get()).ok());
    versions.is_some_and(|versions| versions.iter().any(|version| version == MODERN_REVISION))
}

/// Who asks.
fn probe() -> Declared {
    Declared {
        version: "2025-11-25".to_owned(),
        capabilities: "{}".to_owned(),
        client_info: "{\"name\":\"wicketgate\",\"version\":\"1\"}".to_owned(),
    }
}
