//! The permit: proof that a request carries a valid token for this server.

use std::fmt::Write as _;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::Timestamp;
use kernel::encoding::{base64url, sha256};
use protocol::catalogue::{CatalogueRequest, Consenting};
use protocol::token::AccessClaims;
use protocol::{Scopes, UserType, caller};
use upstream::connection::Caller;
use upstream::shares::Whose;

use crate::access::keys::Key;
use crate::access::token::Signed;
use crate::config::ServerConfig;

/// What somebody holds at one server, and what they could be granted there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Token ∩ ceiling ∩ user type.
    pub(crate) held: Scopes,
    /// Ceiling ∩ user type.
    pub(crate) obtainable: Scopes,
}

/// What a verified token allows at one server. Only the verifier makes one. Its token was good then;
/// that it still is, is looked at on each request. `Verifier::ended` makes one of a token that ended,
/// with which a session can only be left.
pub(crate) struct Permit {
    reach: Reach,
    user_type: UserType,
    expires_seconds: i64,
    key: Arc<Key>,
    status: StatusPlace,
    whose: Whose,
    session_place: String,
    identity: Arc<[(HeaderName, HeaderValue)]>,
    names: Names,
}

/// Who is behind a permit, for the log and the record. None of it opens anything.
pub(crate) struct Names {
    pub(crate) subject: String,
    pub(crate) client: String,
    pub(crate) grant: String,
    pub(crate) token: String,
    pub(crate) organization: Option<String>,
}

/// Which bit says whether the grant was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatusPlace {
    pub(crate) list: u64,
    pub(crate) bit: u32,
}

/// The issuer and audiences that a token for one server must name (RFC 9068 §4), and what is the same
/// for all permits there.
pub(crate) struct TokenProfile {
    server: String,
    issuer: String,
    /// Audiences of tokens for this server.
    resources: Vec<String>,
    ceiling: Scopes,
    status_prefix: String,
}

/// How far clocks may differ, in seconds.
const LEEWAY_SECONDS: i64 = 10;

impl Permit {
    /// What the token holds and could be granted.
    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    /// What kind of user holds it.
    pub(crate) fn user_type(&self) -> UserType {
        self.user_type
    }

    /// The same for every token of one person, acting for one organization or none, through one
    /// client at one server.
    pub(crate) fn principal(&self) -> &[u8; 32] {
        &self.whose.principal
    }

    /// Whose whatever is held on account of this permit is.
    pub(crate) fn whose(&self) -> Whose {
        self.whose
    }

    /// The place that sealed session ids of this principal are bound to.
    pub(crate) fn session_place(&self) -> &str {
        &self.session_place
    }

    /// The headers that tell the upstream who calls.
    pub(crate) fn identity(&self) -> &[(HeaderName, HeaderValue)] {
        &self.identity
    }

    /// On whose behalf messages of our own go to the upstream, with these headers of the client.
    pub(crate) fn caller(&self, headers: HeaderMap) -> Caller {
        Caller {
            whose: self.whose,
            user_type: self.user_type,
            identity: Arc::clone(&self.identity),
            headers,
        }
    }

    /// Who is behind it.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    pub(super) fn key(&self) -> &Arc<Key> {
        &self.key
    }

    pub(super) fn status(&self) -> StatusPlace {
        self.status
    }

    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        now.as_seconds() >= self.expires_seconds.saturating_add(LEEWAY_SECONDS)
    }
}

#[cfg(test)]
impl Permit {
    /// A permit without a token, for tests of what asks for one and does not look into it.
    pub(crate) fn without_token(principal: [u8; 32]) -> Arc<Self> {
        Arc::new(Self {
            reach: Reach { held: Scopes::ALL, obtainable: Scopes::ALL },
            user_type: UserType::Basic,
            expires_seconds: i64::MAX,
            key: super::keys::Key::without_issuer(),
            status: StatusPlace { list: 0, bit: 0 },
            session_place: format!("mcp session/{}", base64url(&principal)),
            whose: Whose { principal, person: principal },
            names: Names {
                subject: String::new(),
                client: String::new(),
                grant: String::new(),
                token: String::new(),
                organization: None,
            },
            identity: Arc::default(),
        })
    }
}

impl TokenProfile {
    pub(crate) fn at(server: &ServerConfig, issuer: &str) -> Self {
        Self {
            server: server.name.clone(),
            issuer: issuer.to_owned(),
            resources: std::iter::once(&server.resource)
                .chain(server.sse.as_ref().map(|front| &front.resource))
                .map(|resource| resource.as_str().to_owned())
                .collect(),
            ceiling: server.ceiling,
            status_prefix: format!("{}/status/", issuer.trim_end_matches('/')),
        }
    }

    /// Whether a request for the catalogue is for this server, and now.
    pub(super) fn is_asked(&self, request: &CatalogueRequest, now: Timestamp) -> bool {
        let now = now.as_seconds();
        request.iss == self.issuer
            && self.resources.contains(&request.aud)
            && request.iat <= now.saturating_add(LEEWAY_SECONDS)
            && request.exp.saturating_add(LEEWAY_SECONDS) > now
    }

    /// The permit for these claims (RFC 9068 §4), or `None` if they are not for this server now.
    pub(super) fn permit(&self, signed: Signed, key: &Arc<Key>, now: Timestamp) -> Option<Permit> {
        self.identified(signed, key, now).filter(|permit| !permit.has_expired(now))
    }

    /// Checks issuer, audience and the times of issue, but not expiry: a session may still be left with
    /// a token that ended.
    pub(super) fn identified(
        &self,
        signed: Signed,
        key: &Arc<Key>,
        now: Timestamp,
    ) -> Option<Permit> {
        let Signed { claims, not_before } = signed;
        let soon = now.as_seconds().saturating_add(LEEWAY_SECONDS);
        // Byte for byte: the issuer wrote our identifier into the token, so nothing has to be
        // normalised here, and a token for a neighbour never passes.
        let for_us = claims.iss == self.issuer && self.resources.contains(&claims.aud);
        let in_time = claims.iat <= soon && not_before.is_none_or(|from| from <= soon);
        if !for_us || !in_time {
            return None;
        }
        let obtainable = self.ceiling.and(claims.user_type.allows());
        let reach = Reach { held: claims.scope.and(obtainable), obtainable };
        let organization = claims.organization.as_deref();
        let principal = self.name(&claims.sub, &claims.client_id, organization);
        Some(Permit {
            reach,
            user_type: claims.user_type,
            expires_seconds: claims.exp,
            key: Arc::clone(key),
            status: self.status(&claims)?,
            session_place: format!("mcp session/{}", base64url(&principal)),
            whose: Whose { principal, person: self.person(&claims.sub) },
            identity: identity(&claims, reach.held)?.into(),
            names: Names {
                subject: claims.sub,
                client: claims.client_id,
                grant: claims.grant_id,
                token: claims.jti,
                organization: claims.organization,
            },
        })
    }

    /// Who consents, as their tokens will make them known. `None` if a value cannot be sent.
    pub(super) fn caller(&self, person: &Consenting) -> Option<Caller> {
        let organization = person.organization.as_deref();
        let principal = self.name(&person.sub, &person.client_id, organization);
        let identity = who(&person.sub, person.user_type, &person.client_id, organization)?;
        Some(Caller {
            whose: Whose { principal, person: self.person(&person.sub) },
            user_type: person.user_type,
            identity: identity.into(),
            headers: HeaderMap::new(),
        })
    }

    /// A digest of issuer, subject, client, server and organization; JSON keeps them apart. What
    /// is kept for one organization, a session or a list of tools, is never used for another.
    fn name(&self, sub: &str, client: &str, organization: Option<&str>) -> [u8; 32] {
        let parts = [&self.issuer, sub, client, &self.server];
        sha256(serde_json::json!([parts, organization]).to_string().as_bytes())
    }

    /// A digest of issuer, subject and server: the person, whatever the client and whomever they
    /// act for.
    fn person(&self, sub: &str) -> [u8; 32] {
        let parts = [&self.issuer, sub, &self.server];
        sha256(serde_json::json!(parts).to_string().as_bytes())
    }

    /// The status claim must point into our own issuer's lists.
    fn status(&self, claims: &AccessClaims) -> Option<StatusPlace> {
        let reference = &claims.status.status_list;
        let number = reference.uri.strip_prefix(&self.status_prefix)?;
        let list: u64 = number.parse().ok()?;
        (list.to_string() == number).then_some(StatusPlace { list, bit: reference.idx })
    }
}

/// The identity headers, made once for each token. `None` if a value cannot be sent.
fn identity(claims: &AccessClaims, held: Scopes) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let organization = claims.organization.as_deref();
    let mut headers = who(&claims.sub, claims.user_type, &claims.client_id, organization)?;
    headers.push(header(caller::SCOPES, &held.to_string())?);
    headers.push(header(caller::GRANT, &claims.grant_id)?);
    Some(headers)
}

/// Those that are the same for every token of one principal.
fn who(
    sub: &str,
    user_type: UserType,
    client: &str,
    organization: Option<&str>,
) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let mut headers = vec![
        header(caller::SUBJECT, sub)?,
        header(caller::USER_TYPE, user_type.as_str())?,
        header(caller::CLIENT, client)?,
    ];
    if let Some(organization) = organization {
        headers.push(header(caller::ORGANIZATION, &escaped(organization))?);
    }
    Some(headers)
}

fn header(name: &'static str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
}

/// A name as a header value: bytes of UTF-8 that are not visible ASCII are percent-encoded
/// (RFC 3986 §2.1), and so is `%` itself, so that decoding always gives the name back. Spaces
/// stay between words and are encoded at the ends, where HTTP would trim them (RFC 9110 §5.5).
fn escaped(name: &str) -> String {
    let last = name.len().saturating_sub(1);
    let mut value = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let inner_space = byte == b' ' && at > 0 && at < last;
        if (byte.is_ascii_graphic() && byte != b'%') || inner_space {
            value.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            write!(value, "%{byte:02X}").ok();
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_name_can_be_sent_and_read_back() {
        for (name, sent) in [
            ("Northwind", "Northwind"),
            ("Northwind Trading & Co.", "Northwind Trading & Co."),
            ("Müller", "M%C3%BCller"),
            ("100%", "100%25"),
            (" x ", "%20x%20"),
            ("a\r\nX-Wicketgate-Subject: b", "a%0D%0AX-Wicketgate-Subject: b"),
            ("", ""),
        ] {
            assert_eq!(escaped(name), sent, "{name:?}");
        }
    }
}
