//! The portal that vouches for the bench's people. There are as many as are needed, because what one
//! person may hold is bounded.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kernel::{Clock as _, OsRandom, SecureRandom as _, SystemClock, encoding::base64url};
use serde_json::json;
use url::{Url, form_urlencoded};

/// Its id, URL and key, as in the configuration that bench/servers.sh writes.
pub(crate) const ID: &str = "bench";
const URL: &str = "http://127.0.0.1:9/portal";
/// The servers that trust it are on loopback and end with the run.
const KEY: &[u8] = b"whoever-knows-this-may-be-anybody";

/// A name that nobody has had in this run.
pub(crate) fn somebody() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("person-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Where the browser goes from here, if it was sent to the portal.
pub(crate) fn way_back(
    location: &str,
    issuer: SocketAddr,
    person: &str,
) -> anyhow::Result<Option<String>> {
    if !location.starts_with(URL) {
        return Ok(None);
    }
    let url = Url::parse(location)?;
    let (_, txn) = url.query_pairs().find(|(name, _)| name == "txn").context("no txn")?;
    let token = token(issuer, person, &txn)?;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("txn", &txn)
        .append_pair("token", &token)
        .finish();
    Ok(Some(format!("/authorize/resume?{query}")))
}

fn token(issuer: SocketAddr, person: &str, txn: &str) -> anyhow::Result<String> {
    let mut once = [0; 16];
    OsRandom::new().fill(&mut once);
    let now = SystemClock.now().as_millis() / 1000;
    let claims = json!({
        "iss": ID, "aud": format!("http://{issuer}"), "sub": person, "txn": txn,
        "jti": base64url(&once), "iat": now, "exp": now + 60,
    });
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("wicketgate-bridge+jwt".to_owned());
    Ok(encode(&header, &claims, &EncodingKey::from_secret(KEY))?)
}
