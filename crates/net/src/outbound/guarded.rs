//! Fetching what somebody else named: the metadata document of a client, the keys that it points to
//! (SS-1 to SS-6). A name is resolved once, all its addresses are looked at, and the connection goes to
//! one of those; so nobody can make this server ask something inside the company's network.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use url::{Host, Url};

use super::address::is_public;
use super::{CannotTrust, ForwardProxy, builder};

/// Seconds for all of one fetch (SS-5).
const TOTAL_SECONDS: u64 = 5;

/// What may be fetched.
#[derive(Clone, Debug, Default)]
pub struct GuardPolicy {
    /// The only hosts that are asked; empty: any public one.
    pub hosts: Vec<String>,
    /// Hosts that may have private addresses and any port.
    pub private_hosts: Vec<String>,
    /// Certificate authorities, in PEM, to trust besides the system's.
    pub authorities_pem: Option<String>,
    /// The proxy that leads out, if that is the only way. It resolves names, so nothing can be known of
    /// addresses: then only [`GuardPolicy::hosts`] are asked. What goes past it is looked at as ever.
    pub proxy: Option<ForwardProxy>,
}

/// A client that asks only where it may.
pub struct Guard {
    policy: Arc<GuardPolicy>,
    lookup: Lookup,
    client: OnceLock<reqwest::Client>,
}

/// What was answered, whatever it is.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The answer's headers.
    pub headers: HeaderMap,
    /// The body, in the coding that was asked for.
    pub body: Bytes,
}

/// Why nothing was fetched. The words are for the log and the administrator; whoever named the URL is not
/// told which it was (SS-5).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFetched {
    /// The URL itself is none that is asked.
    #[error("{0}")]
    Refused(&'static str),
    /// The host is not on the list of those that are asked.
    #[error("the host is not one of oauth.registration.metadata_document_hosts")]
    NotListed,
    /// The name has an address that is not on the public internet.
    #[error(
        "the host has an address that is not public ({0}); if it is yours, name the host in \
         oauth.registration.private_hosts"
    )]
    NotPublic(IpAddr),
    /// Nobody answered in time, or not as HTTP.
    #[error("the host did not answer: {0}")]
    Unreachable(String),
    /// The answer is larger than it may be.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The answer is packed, although it was asked for as it is.
    #[error("the answer has a Content-Encoding")]
    Packed,
}

/// How names are resolved; the system's way, but for tests.
pub type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

impl GuardPolicy {
    fn is_private(&self, host: &str) -> bool {
        self.private_hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }
}

impl Guard {
    /// A client with this policy. It is set up when it is first needed, since reading the system's
    /// certificates takes a while.
    pub fn new(policy: GuardPolicy) -> Self {
        Self::resolving(policy, system_lookup())
    }

    /// The same, with another way to resolve names.
    pub fn resolving(policy: GuardPolicy, lookup: Lookup) -> Self {
        Self { policy: Arc::new(policy), lookup, client: OnceLock::new() }
    }

    fn client(&self) -> Result<&reqwest::Client, NotFetched> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = self.set_up().map_err(|error| NotFetched::Unreachable(error.to_string()))?;
        Ok(self.client.get_or_init(|| client))
    }

    fn set_up(&self) -> Result<reqwest::Client, CannotTrust> {
        let (policy, lookup) = (Arc::clone(&self.policy), Arc::clone(&self.lookup));
        // A stranger's host is asked once in a while, so no connection to one is kept.
        let mut builder =
            builder(TOTAL_SECONDS).no_gzip().https_only(true).pool_max_idle_per_host(0);
        if let Some(pem) = &policy.authorities_pem {
            let authorities = reqwest::Certificate::from_pem_bundle(pem.as_bytes())?;
            if authorities.is_empty() {
                return Err(CannotTrust::NoCertificate);
            }
            builder = builder.tls_certs_merge(authorities);
        }
        if let Some(proxy) = &policy.proxy {
            builder = builder.proxy(proxy.proxy());
        }
        Ok(builder.dns_resolver(GuardedLookup { policy, lookup }).build()?)
    }

    /// Fetches a JSON document of at most so many bytes. A redirect is an answer like any other.
    ///
    /// # Errors
    ///
    /// The URL may not be asked, or there is no whole answer.
    pub async fn get(&self, url: &Url, max_bytes: usize) -> Result<Fetched, NotFetched> {
        self.admits(url)?;
        let request = self.client()?.get(url.clone()).header(ACCEPT, "application/json");
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(NotFetched::Packed);
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| unreachable(&error))? {
            if body.len() + piece.len() > max_bytes {
                return Err(NotFetched::TooLarge(max_bytes));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Fetched { status, headers, body: body.into() })
    }

    /// What can be said of a URL before anything is asked.
    fn admits(&self, url: &Url) -> Result<(), NotFetched> {
        let host = url.host_str().unwrap_or_default();
        let is_private = self.policy.is_private(host);
        let is_listed = self.policy.hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
        if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
            return Err(NotFetched::Refused("only https URLs without a login are asked"));
        }
        // Through a proxy an allow-list is all that can be checked.
        if !is_listed
            && (!self.policy.hosts.is_empty() || self.policy.proxy.is_some())
            && !is_private
        {
            return Err(NotFetched::NotListed);
        }
        if is_private {
            return Ok(());
        }
        // Its addresses are not looked at, so nobody else may name it.
        if self.policy.proxy.as_ref().is_some_and(|proxy| proxy.is_at(host)) {
            return Err(NotFetched::Refused("the proxy itself is not asked"));
        }
        if url.port_or_known_default() != Some(443) {
            return Err(NotFetched::Refused("only port 443 is asked"));
        }
        match url.host() {
            Some(Host::Domain(name)) if is_public_name(name) => Ok(()),
            _ => Err(NotFetched::Refused("the host must be a public name, and no address")),
        }
    }
}

impl Fetched {
    /// Whether it calls itself JSON (RFC 8259 §11, RFC 6839 §3.1).
    pub fn is_json(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        essence == "application/json"
            || (essence.starts_with("application/") && essence.ends_with("+json"))
    }
}

/// Names that are nobody's on the public internet (RFC 6761, RFC 6762, RFC 9476 and habit).
fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let own = ["localhost", "local", "internal", "home.arpa", "lan", "intranet", "corp", "alt"];
    let is_own = |end: &&str| name == **end || name.ends_with(&format!(".{end}"));
    name.contains('.') && !own.iter().any(is_own)
}

/// Resolves names, and gives no address that may not be asked. What it gives is where the connection goes.
struct GuardedLookup {
    policy: Arc<GuardPolicy>,
    lookup: Lookup,
}

impl Resolve for GuardedLookup {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let is_proxy = self.policy.proxy.as_ref().is_some_and(|proxy| proxy.is_at(&host));
        let is_private = is_proxy || self.policy.is_private(&host);
        let looking = (self.lookup)(host);
        Box::pin(async move {
            let addresses = looking.await?;
            // One that is not public spoils them all (SS-2).
            if let Some(special) = addresses.iter().find(|it| !is_private && !is_public(**it)) {
                return Err(NotFetched::NotPublic(*special).into());
            }
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

fn system_lookup() -> Lookup {
    Arc::new(|host| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// What went wrong; ours, if it was the look-up.
fn unreachable(error: &reqwest::Error) -> NotFetched {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut last = error.to_string();
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<NotFetched>() {
            return refused.clone();
        }
        last = error.to_string();
        cause = error.source();
    }
    NotFetched::Unreachable(last)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
