//! How an upstream is reached over HTTP.

use std::path::PathBuf;
use std::time::Duration;

use ::http::Uri;
use ::http::uri::PathAndQuery;

use super::{ConfigError, UpstreamConfig};

/// The way to one upstream, beside its URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// More addresses of the same server. Requests take turns; a session stays where it was
    /// opened.
    pub others: Vec<Uri>,
    /// A Unix socket to connect to instead. The URL then only says path and `Host`.
    pub unix: Option<PathBuf>,
    /// Time to connect, TLS included; the one in [`super::Limits`] if there is none.
    pub connect_timeout: Option<Duration>,
    /// Time until the head of an answer arrives; the one in [`super::Limits`] if there is none.
    pub response_timeout: Option<Duration>,
    /// How long an answer may pause. Streams that stand open for news may always.
    pub idle_timeout: Option<Duration>,
    /// Certificates in PEM that are trusted besides the system's; may be empty.
    pub ca: String,
    /// How often each address is looked at.
    pub health_interval: Duration,
    /// A page that answers below 400 while the server is well. If empty, a connection will do.
    pub health_path: String,
}

/// So many addresses one server may have.
pub(crate) const MAX_ADDRESSES: usize = 64;

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            others: Vec::new(),
            unix: None,
            connect_timeout: None,
            response_timeout: None,
            idle_timeout: None,
            ca: String::new(),
            health_interval: Duration::from_secs(10),
            health_path: String::new(),
        }
    }
}

impl UpstreamConfig {
    /// The first mistake in the way there, if there is one.
    pub(super) fn check_http(&self) -> Result<(), ConfigError> {
        let web = |uri: &Uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some()
        };
        if !self.addresses().all(web) {
            return Err(ConfigError::Url(self.name.clone()));
        }
        if self.addresses().count() > MAX_ADDRESSES {
            return Err(ConfigError::Addresses(self.name.clone()));
        }
        let plain = self.url.scheme_str() == Some("http");
        if self.http.unix.is_some() && !(self.http.others.is_empty() && plain) {
            return Err(ConfigError::UnixSocket(self.name.clone()));
        }
        let path = &self.http.health_path;
        let served = path.starts_with('/') && path.parse::<PathAndQuery>().is_ok();
        if !path.is_empty() && !served {
            return Err(ConfigError::HealthPath(self.name.clone()));
        }
        Ok(())
    }
}
