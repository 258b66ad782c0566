//! What ID tokens and logout tokens must both say: who made them, for whom, and when.

use kernel::Timestamp;
use serde_json::Value;

use super::config::Config;
use super::rejected;
use crate::claims::{Claims, one_line};
use crate::provider::ProviderError;

/// OpenID Connect Core §3.1.3.7, 2 to 5. The issuer is compared byte by byte.
pub(super) fn parties(claims: &Claims, config: &Config) -> Result<(), ProviderError> {
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    if issuer != config.issuer {
        let issuer = one_line(issuer, 200);
        return Err(rejected(format!("the token's iss is {issuer:?}, not the configured issuer")));
    }
    let audience = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) if several.iter().all(Value::is_string) => {
            several.iter().filter_map(Value::as_str).collect()
        }
        _ => return Err(rejected("the token's aud is neither a text nor a list of texts")),
    };
    if !audience.contains(&config.client_id.as_str()) {
        let audience = one_line(&audience.join(" "), 200);
        return Err(rejected(format!("the token is for {audience:?}, not for our client_id")));
    }
    // With several audiences, azp says for whom it was made; where it stands, it must be us.
    match claims.get("azp") {
        None => only_trusted(&audience, config),
        Some(party) if party.as_str() == Some(config.client_id.as_str()) => Ok(()),
        Some(_) => Err(rejected("the token's azp is not our client_id")),
    }
}

/// UP-2, §3.1.3.7, 3: without an `azp`, whoever else may present the token must be trusted with it.
fn only_trusted(audience: &[&str], config: &Config) -> Result<(), ProviderError> {
    let trusted = |one: &str| {
        one == config.client_id || config.trusted_audiences.iter().any(|other| other == one)
    };
    let others: Vec<_> = audience.iter().copied().filter(|one| !trusted(one)).collect();
    if others.is_empty() {
        return Ok(());
    }
    let others = one_line(&others.join(" "), 200);
    Err(rejected(format!(
        "the token has no azp and is also for {others:?}, which trusted_audiences does not name"
    )))
}

/// RFC 7519 §4.1.4 to §4.1.6. Returns when the token was made.
pub(super) fn times(
    claims: &Claims,
    config: &Config,
    now: Timestamp,
) -> Result<i64, ProviderError> {
    let (now, skew) = (now.as_seconds(), config.clock_skew_seconds);
    let issued = date(claims, "iat")?.ok_or_else(|| rejected("the token has no iat"))?;
    if issued > now.saturating_add(skew) {
        let ahead = issued.saturating_sub(now);
        return Err(rejected(format!(
            "the token was issued {ahead} s in the future; compare the provider's clock with ours"
        )));
    }
    if date(claims, "nbf")?.is_some_and(|from| from > now.saturating_add(skew)) {
        return Err(rejected("the token is not valid yet (nbf); compare the clocks"));
    }
    if let Some(until) = date(claims, "exp")?
        && until.saturating_add(skew) <= now
    {
        let late = now.saturating_sub(until);
        return Err(rejected(format!("the token expired {late} s ago; compare the clocks")));
    }
    Ok(issued)
}

/// A `NumericDate`, in whole seconds; RFC 7519 §2 allows fractions.
pub(super) fn date(claims: &Claims, name: &str) -> Result<Option<i64>, ProviderError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second; `as` saturates")]
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
    seconds.map(Some).ok_or_else(|| rejected(format!("the token's {name} is not a number")))
}
