//! The portal bridge: a host application that already knows its user vouches for that person.
//!
//! The portal gets an opaque transaction id, signs a bridge token with its own key and sends the
//! browser to `/authorize/resume`. It can vouch for people of its own provider only, because the
//! provider of the identity is this portal whatever the token says.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use kernel::{Redacted, Timestamp};
use protocol::Identity;
use protocol::bridge::{BRIDGE_TOKEN_LIFETIME_SECONDS, BRIDGE_TOKEN_TYPE, PortalClaims};

use crate::claims::{self, Source, Vouched};
use crate::provider::{ProviderError, SignedIn, UpstreamSession};

/// Seconds by which a portal's clock may be ahead of ours.
const CLOCK_SKEW_SECONDS: i64 = 30;

/// Bytes of the id by which a token counts once.
const MAXIMUM_JTI_BYTES: usize = 255;

/// A host application.
pub struct Portal {
    id: String,
    url: url::Url,
    algorithm: Algorithm,
    key: DecodingKey,
    domains: Vec<String>,
}

/// What a portal signs with.
#[derive(Debug)]
pub enum PortalKey {
    /// HS256 under a secret that only the portal and we know; at least 32 bytes.
    Hs256(Redacted),
    /// ES256; this is the public key, in PEM.
    Es256(String),
}

/// Why a portal cannot be used as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortalConfigError {
    /// RFC 7518 §3.2: the key is at least as long as the hash.
    #[error("the key has {0} bytes; HS256 needs at least 32 (`wicketgate secret generate`)")]
    ShortKey(usize),
    /// The PEM is no P-256 public key.
    #[error("the key is not an ES256 public key in PEM (BEGIN PUBLIC KEY)")]
    BadKey,
    /// The URL is not one to send people to.
    #[error("the URL must be https, or http on this computer")]
    BadUrl,
}

/// A person for whom a portal vouched. The one-time id says that it did so once.
#[derive(Debug)]
pub struct PortalAssertion {
    /// Who.
    pub signed_in: SignedIn,
    /// Good once.
    pub one_time_id: String,
    /// From when on nobody can send it again.
    pub expires_at: Timestamp,
}

impl Portal {
    /// A portal with its key. `domains` are those whose addresses it may vouch for.
    pub fn new(
        id: String,
        url: &str,
        key: &PortalKey,
        domains: Vec<String>,
    ) -> Result<Self, PortalConfigError> {
        let url = url::Url::parse(url).map_err(|_| PortalConfigError::BadUrl)?;
        if !crate::endpoint::is_safe(&url) {
            return Err(PortalConfigError::BadUrl);
        }
        let (algorithm, key) = match key {
            PortalKey::Hs256(secret) => {
                let bytes = secret.reveal().as_bytes();
                if bytes.len() < 32 {
                    return Err(PortalConfigError::ShortKey(bytes.len()));
                }
                (Algorithm::HS256, DecodingKey::from_secret(bytes))
            }
            PortalKey::Es256(pem) => {
                let key = DecodingKey::from_ec_pem(pem.as_bytes());
                (Algorithm::ES256, key.map_err(|_| PortalConfigError::BadKey)?)
            }
        };
        Ok(Self { id, url, algorithm, key, domains })
    }

    /// Where the browser goes. The portal knows our address from its own configuration: it must
    /// not take it from a query.
    pub fn begin(&self, txn: &str) -> String {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("txn", txn);
        url.into()
    }

    /// The person for whom the token vouches, if it is this portal's, for this transaction at this
    /// issuer, and fresh. Whether it was used before is for the database to say.
    pub fn finish(
        &self,
        unverified_token: &str,
        issuer: &str,
        txn: &str,
        now: Timestamp,
    ) -> Result<PortalAssertion, ProviderError> {
        let claims = self.verify(unverified_token, issuer)?;
        fits(&claims, txn, now)?;
        Ok(PortalAssertion {
            one_time_id: claims.jti.clone(),
            expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1000)),
            signed_in: SignedIn {
                identity: self.identity(claims)?,
                upstream: UpstreamSession::default(),
            },
        })
    }

    /// Whether the token says that it is this portal's, which proves nothing: it only tells whose
    /// refusal is worth reading.
    pub fn is_named_by(&self, unverified_token: &str) -> bool {
        #[derive(serde::Deserialize)]
        struct Named {
            iss: String,
        }
        let named = jsonwebtoken::dangerous::insecure_decode_claims::<Named>(unverified_token);
        named.is_ok_and(|named| named.iss == self.id)
    }

    fn verify(&self, token: &str, issuer: &str) -> Result<PortalClaims, ProviderError> {
        let mut validation = Validation::new(self.algorithm);
        validation.set_audience(&[issuer]);
        validation.set_issuer(&[&self.id]);
        // Times are compared in `fits`, with the clock that everything else uses.
        validation.validate_exp = false;
        let token = decode::<PortalClaims>(token, &self.key, &validation)
            .map_err(|error| rejected(format!("the bridge token is not valid: {error}")))?;
        if token.header.typ.as_deref() != Some(BRIDGE_TOKEN_TYPE) {
            return Err(rejected(format!("the token's typ is not {BRIDGE_TOKEN_TYPE}")));
        }
        Ok(token.claims)
    }

    fn identity(&self, claims: PortalClaims) -> Result<Identity, ProviderError> {
        let source = |claim| Source { provider: &self.id, claim };
        let all_of = |claim, values: Vec<String>| {
            claims::listed(source(claim), values.into_iter().map(Ok::<_, &str>))
        };
        let external_id = claims::external_id("sub", claims.sub)?;
        // A portal speaks for its own domains only, whatever it says of others.
        let vouched = match claims.email_verified {
            Some(false) => Vouched::No,
            _ => Vouched::NotSaid,
        };
        let email = claims
            .email
            .and_then(|address| claims::email(source("email"), address, vouched, &self.domains));
        Ok(Identity {
            provider: self.id.clone(),
            name: claims.name.and_then(claims::short).unwrap_or_else(|| external_id.clone()),
            external_id,
            email,
            groups: all_of("groups", claims.groups)?,
            organizations: all_of("organizations", claims.organizations)?,
            attributes: protocol::identity::Attributes::new(),
        })
    }
}

fn fits(claims: &PortalClaims, txn: &str, now: Timestamp) -> Result<(), ProviderError> {
    let now = now.as_seconds();
    if claims.txn != txn {
        return Err(rejected("the bridge token is for another transaction"));
    }
    if claims.exp <= now {
        return Err(rejected(format!("the bridge token ended {} s ago", now - claims.exp)));
    }
    if claims.iat > now + CLOCK_SKEW_SECONDS {
        let ahead = claims.iat - now;
        return Err(rejected(format!("the portal's clock is {ahead} s ahead of ours")));
    }
    if claims.exp.saturating_sub(claims.iat) > BRIDGE_TOKEN_LIFETIME_SECONDS {
        return Err(rejected("the bridge token is good for more than 60 seconds"));
    }
    if claims.jti.len() < 16 || claims.jti.len() > MAXIMUM_JTI_BYTES {
        return Err(ProviderError::Incomplete("jti must have 16 to 255 bytes".to_owned()));
    }
    Ok(())
}

fn rejected(reason: impl Into<String>) -> ProviderError {
    ProviderError::Rejected(reason.into())
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Portal").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;

    const KEY: &str = "a key that the portal and we know";
    const ISSUER: &str = "https://mcp.example.com";
    const TXN: &str = "wg_tx_0123456789";
    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn portal() -> Portal {
        let key = PortalKey::Hs256(Redacted::new(KEY.to_owned()));
        let domains = vec!["example.com".to_owned()];
        Portal::new("intranet".to_owned(), "https://portal.example.com/sso", &key, domains).unwrap()
    }

    fn good() -> Value {
        let now = NOW.as_seconds();
        json!({
            "iss": "intranet", "aud": ISSUER, "sub": "e-1815", "txn": TXN,
            "jti": "0123456789abcdef", "iat": now, "exp": now + 60,
            "name": "Ada", "email": "ada@example.com", "groups": ["staff"],
        })
    }

    fn signed(claims: &Value, header: &Header, key: &str) -> String {
        encode(header, claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
    }

    fn header() -> Header {
        Header { typ: Some(BRIDGE_TOKEN_TYPE.to_owned()), ..Header::new(Algorithm::HS256) }
    }

    fn finish(claims: &Value) -> Result<PortalAssertion, ProviderError> {
        portal().finish(&signed(claims, &header(), KEY), ISSUER, TXN, NOW)
    }

    #[test]
    fn a_portal_vouches_for_its_own_people() {
        let mut claims = good();
        claims["provider"] = json!("corp");
        let assertion = finish(&claims).unwrap();
        let identity = assertion.signed_in.identity;
        assert_eq!(
            (identity.provider.as_str(), identity.external_id.as_str()),
            ("intranet", "e-1815")
        );
        assert_eq!(identity.verified_email(), Some("ada@example.com"));
        assert_eq!(identity.groups, ["staff"]);
        assert_eq!(assertion.one_time_id, "0123456789abcdef");
        assert_eq!(assertion.expires_at, NOW.plus_seconds(60));
    }

    #[test]
    fn only_the_address_of_its_domains_is_verified() {
        for (email, verified) in [("ada@other.example", None), ("ada@example.com", Some(false))] {
            let mut claims = good();
            claims["email"] = json!(email);
            claims["email_verified"] = json!(verified);
            let identity = finish(&claims).unwrap().signed_in.identity;
            assert_eq!(identity.verified_email(), None, "{email}");
        }
    }

    /// A12: what rules compare is compared as the portal wrote it.
    #[test]
    fn groups_and_addresses_are_taken_as_they_came() {
        let mut claims = good();
        claims["groups"] = json!([" admins", "staff", "bad\u{7}"]);
        claims["email"] = json!(" ada@example.com");
        let identity = finish(&claims).unwrap().signed_in.identity;
        assert_eq!(identity.groups, [" admins", "staff"]);
        assert_eq!(identity.email, None);
    }

    /// Each differs from a good token in one thing.
    #[test]
    fn everything_else_is_refused() {
        let now = NOW.as_seconds();
        for (name, wrong) in [
            ("iss", json!("corp")),
            ("aud", json!("https://other.example.com")),
            ("aud", Value::Null),
            ("txn", json!("wg_tx_other")),
            ("exp", json!(now)),
            ("exp", json!(now + 61)),
            ("iat", json!(now + 31)),
            ("sub", json!("")),
            ("sub", json!("x".repeat(256))),
            // A12: nobody has an id that a log or a header reads as two.
            ("sub", json!("a\nb")),
            ("sub", json!("a\u{0}")),
            ("sub", json!("a\u{202e}b")),
            ("jti", json!("short")),
            ("jti", Value::Null),
            ("groups", json!("staff")),
        ] {
            let mut claims = good();
            claims[name] = wrong.clone();
            assert!(finish(&claims).is_err(), "{name} = {wrong}");
        }
        let refused = |token: &str| portal().finish(token, ISSUER, TXN, NOW).is_err();
        assert!(refused(&signed(&good(), &header(), "another key of the right length!!")));
        assert!(refused(&signed(&good(), &Header::new(Algorithm::HS256), KEY)), "typ");
        let longer = Header { alg: Algorithm::HS384, ..header() };
        assert!(refused(&signed(&good(), &longer, KEY)), "alg");
        for junk in ["", "a.b.c", "…"] {
            assert!(refused(junk), "{junk:?}");
        }
    }

    #[test]
    fn the_way_there_names_the_transaction_only() {
        assert_eq!(portal().begin(TXN), format!("https://portal.example.com/sso?txn={TXN}"));
    }

    #[test]
    fn unsafe_configurations_are_refused() {
        let of = |url: &str, key: PortalKey| Portal::new("p".into(), url, &key, vec![]).map(drop);
        let long = || PortalKey::Hs256(Redacted::new(KEY.to_owned()));
        assert_eq!(of("http://portal.example.com/", long()), Err(PortalConfigError::BadUrl));
        assert_eq!(of("javascript:alert(1)", long()), Err(PortalConfigError::BadUrl));
        let short = PortalKey::Hs256(Redacted::new("short".to_owned()));
        assert_eq!(of("https://p.example.com/", short), Err(PortalConfigError::ShortKey(5)));
        let pem = PortalKey::Es256("-----BEGIN PUBLIC KEY-----".to_owned());
        assert_eq!(of("https://p.example.com/", pem), Err(PortalConfigError::BadKey));
    }
}
