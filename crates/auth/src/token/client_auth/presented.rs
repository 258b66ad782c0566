//! How a request says which client sends it. Nothing of that is verified here.

use axum::http::request::Parts;
use http::header::AUTHORIZATION;
use kernel::Timestamp;
use kernel::encoding::from_any_base64;
use model::ClientId;
use protocol::params::Params;
use protocol::{OAuthError, OAuthErrorCode};

use super::assertion::Assertion;
use crate::answer::ClientFailure;
use crate::request::invalid;

/// The only type of assertion that there is for clients (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the client presented.
pub(super) struct Presented<'a> {
    pub(super) client: ClientId,
    pub(super) proof: Proof<'a>,
}

/// With what it wants to prove that it is that client.
pub(super) enum Proof<'a> {
    None,
    Post(&'a str),
    Basic(BasicSecret),
    Assertion(Box<Assertion<'a>>),
}

/// The secret of an `Authorization` header. RFC 6749 §2.3.1 wants id and secret form-encoded before
/// they are joined (T-CA-05), and widely used clients leave that out, the TypeScript client of MCP
/// among them. So it may be meant in either way; only one of them can be right.
pub(super) struct BasicSecret {
    decoded: Option<String>,
    as_sent: String,
}

impl BasicSecret {
    /// What may be meant.
    pub(super) fn readings(&self) -> impl Iterator<Item = &str> {
        self.decoded.as_deref().into_iter().chain([self.as_sent.as_str()])
    }
}

/// Reads it. Exactly one way of authentication may be used (CA-2).
pub(super) fn read<'a>(
    parts: &Parts,
    params: &'a Params,
    now: Timestamp,
) -> Result<Presented<'a>, ClientFailure> {
    let client_id = params.one("client_id").map_err(invalid)?;
    let secret = params.one("client_secret").map_err(invalid)?;
    let asserts = params.has("client_assertion") || params.has("client_assertion_type");
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let header = headers.next();
    let ways = [header.is_some(), secret.is_some(), asserts].into_iter().filter(|way| *way);
    if headers.next().is_some() || ways.count() > 1 {
        return Err(several_methods().into());
    }
    let (client, proof) = if let Some(header) = header {
        let (client, secret) = basic(header.to_str().unwrap_or_default()).ok_or_else(|| {
            ClientFailure::BadBasicCredentials(
                OAuthErrorCode::InvalidClient
                    .because("the Authorization header is not valid HTTP Basic"),
            )
        })?;
        (Some(client), Proof::Basic(secret))
    } else if asserts {
        let assertion = assertion(params, now)?;
        (Some(assertion.client().to_owned()), Proof::Assertion(Box::new(assertion)))
    } else {
        (None, secret.map_or(Proof::None, Proof::Post))
    };
    // Both may name the client, and then it is the same (RFC 7521 §4.2).
    if client.as_deref().zip(client_id).is_some_and(|(one, other)| one != other) {
        return Err(several_methods().into());
    }
    let client = client.or_else(|| client_id.map(str::to_owned)).ok_or_else(|| {
        OAuthErrorCode::InvalidClient
            .because("client_id is missing and nothing else names a client")
    })?;
    Ok(Presented { client: ClientId::from_text(client), proof })
}

/// RFC 7521 §4.2, §4.2.1.
fn assertion(params: &Params, now: Timestamp) -> Result<Assertion<'_>, OAuthError> {
    let refused = |why: &str| OAuthErrorCode::InvalidClient.because(why.to_owned());
    if params.one("client_assertion_type").map_err(invalid)? != Some(ASSERTION_TYPE) {
        return Err(refused(&format!("client_assertion_type must be {ASSERTION_TYPE}")));
    }
    let text = params.one("client_assertion").map_err(invalid)?;
    let text = text.ok_or_else(|| refused("client_assertion is missing"))?;
    Assertion::read(text, now)
        .map_err(|flaw| refused(&format!("the client assertion is not acceptable: {flaw}")))
}

fn basic(header: &str) -> Option<(String, BasicSecret)> {
    let (scheme, value) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(from_any_base64(value.trim())?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let secret = BasicSecret { decoded: form_decoded(secret), as_sent: secret.to_owned() };
    Some((form_decoded(id)?, secret))
}

fn form_decoded(text: &str) -> Option<String> {
    let pair = format!("v={}", text.replace('&', "%26"));
    let (_, value) = url::form_urlencoded::parse(pair.as_bytes()).next()?;
    (!value.contains('\u{FFFD}')).then(|| value.into_owned())
}

fn several_methods() -> OAuthError {
    OAuthErrorCode::InvalidRequest.because("use exactly one way of client authentication")
}
