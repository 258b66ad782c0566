//! How one upstream is reached, and what it may cost.

mod http;

use std::path::PathBuf;
use std::time::Duration;

use ::http::{HeaderName, Uri};
use kernel::Redacted;
use kernel::encoding::{base64url, sha256};

pub use http::HttpConfig;

/// One upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamConfig {
    /// The name of its server, for log lines and errors.
    pub name: String,
    /// Its MCP endpoint.
    pub url: Uri,
    /// How messages reach it.
    pub transport: Transport,
    /// Which generations of MCP it speaks.
    pub eras: EraChoice,
    /// How it is reached over HTTP.
    pub http: HttpConfig,
    /// How we identify ourselves there.
    pub auth: UpstreamAuth,
}

impl UpstreamConfig {
    /// Names what this reaches: other for another address, socket or program, and the same however it
    /// is reached. What a server gave out (ids of sessions, tasks and events) is worth nothing at another.
    pub fn identity(&self) -> String {
        let addresses: Vec<String> = self.addresses().map(Uri::to_string).collect();
        let way = match &self.transport {
            Transport::Http => serde_json::json!(["http", addresses, self.http.unix]),
            Transport::HttpSse => serde_json::json!(["http+sse", addresses, self.http.unix]),
            Transport::Stdio(child) => {
                let environment = child.environment.iter();
                let environment: Vec<_> =
                    environment.map(|(name, value)| (name, value.reveal())).collect();
                serde_json::json!(["stdio", child.command, child.directory, environment])
            }
        };
        name(&way.to_string())
    }

    /// A name for each address, in their order, which it keeps wherever it stands in the list.
    pub fn address_names(&self) -> Vec<String> {
        self.addresses().map(|address| name(&address.to_string())).collect()
    }
}

fn name(of: &str) -> String {
    base64url(&sha256(of.as_bytes())[..12])
}

/// How messages reach an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP (MCP 2025-03-26 and later).
    Http,
    /// HTTP with server-sent events, two endpoints (MCP 2024-11-05).
    HttpSse,
    /// Standard input and output of a child process.
    Stdio(ChildConfig),
}

/// An upstream that is a child process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildConfig {
    /// The program and its arguments; no shell is involved.
    pub command: Vec<String>,
    /// The child's whole environment, `PATH` included; who calls is added where each principal has
    /// their own child.
    pub environment: Vec<(String, Redacted)>,
    /// Where it runs; our own directory if there is none.
    pub directory: Option<PathBuf>,
    /// Whether one child serves everybody. Otherwise each principal has their own.
    pub shared_by_everyone: bool,
    /// Children at the same time.
    pub limit: usize,
    /// Seconds without a request after which a child is ended.
    pub idle_seconds: i64,
}

/// Which generations of MCP an upstream speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EraChoice {
    /// Found out by asking.
    #[default]
    Auto,
    /// 2026-07-28 and later only.
    Modern,
    /// 2025-11-25 and earlier only.
    Legacy,
    /// Both.
    Both,
}

/// How we identify ourselves to an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamAuth {
    /// Not at all.
    None,
    /// With one fixed header.
    Header {
        /// The header's name.
        name: HeaderName,
        /// Its value.
        value: Redacted,
    },
}

/// Sizes and times that hold for every upstream.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one message of an upstream that is read whole, because it must be translated.
    pub message_bytes: usize,
    /// Time to connect to an upstream.
    pub connect_timeout: Duration,
    /// Time until the head of its answer arrives.
    pub first_byte_timeout: Duration,
    /// How long a child has to be idle before it may end so that another person gets one.
    pub child_courtesy: Duration,
}

/// An upstream cannot be reached like this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// An address is not an absolute http or https URL.
    #[error("the upstream of the MCP server {0} must be an absolute http or https URL")]
    Url(String),
    /// There is no program to run.
    #[error("the command of the MCP server {0} is empty; name a program and its arguments")]
    Command(String),
    /// Too many addresses.
    #[error("the MCP server {0} has too many upstream URLs; 64 are the most")]
    Addresses(String),
    /// A socket has one URL, and TLS makes no sense in it.
    #[error("the MCP server {0} has a Unix socket; give it one http URL for path and Host")]
    UnixSocket(String),
    /// The health page has no usable path.
    #[error("the health path of the MCP server {0} must begin with /")]
    HealthPath(String),
    /// A value does not fit into a header.
    #[error("the {what} of the MCP server {server} cannot be sent in a header; use visible ASCII")]
    Header {
        /// Which server.
        server: String,
        /// Which value.
        what: &'static str,
    },
    /// TLS to upstreams cannot be set up.
    #[error("TLS for upstreams cannot be set up: {0}")]
    Tls(String),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 32 << 20,
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_mins(5),
            child_courtesy: Duration::from_secs(30),
        }
    }
}

impl UpstreamConfig {
    /// All its addresses.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Uri> {
        std::iter::once(&self.url).chain(&self.http.others)
    }

    /// Looks for what [`super::Upstream::new`] could not work with.
    ///
    /// # Errors
    ///
    /// The first mistake, if there is one.
    pub fn check(&self) -> Result<(), ConfigError> {
        match &self.transport {
            Transport::Stdio(child) if child.command.is_empty() => {
                Err(ConfigError::Command(self.name.clone()))
            }
            Transport::Stdio(_) => Ok(()),
            Transport::Http | Transport::HttpSse => self.check_http(),
        }
    }
}
