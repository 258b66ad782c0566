//! From what a provider says to a person.

use std::collections::BTreeMap;

use kernel::encoding::sha256_base64url;
use protocol::Identity;
use protocol::identity::Attributes;

use super::assertion::{Facts, NameId};
use super::names::{TRANSIENT_FORMAT, UNSPECIFIED_FORMAT};
use crate::claims::{self, Source, Vouched};
use crate::provider::{ProviderError, SignedIn, UpstreamSession};
use crate::saml::{Assertion, Config};

/// The name under which the subject itself can be used as an attribute.
const NAME_ID: &str = "NameID";

/// The end of the attribute's name with which Entra ID says that groups were left out.
const GROUPS_ELSEWHERE: &str = "/claims/groups.link";

/// The person of these facts, at the provider with this name.
///
/// # Errors
///
/// [`ProviderError::Incomplete`] if nothing in them identifies the person.
pub(super) fn person(
    facts: Facts,
    config: &Config,
    idp_entity_id: &str,
) -> Result<Assertion, ProviderError> {
    let names = &config.attributes;
    warn_of_another_format(&facts, config);
    groups_are_there(&facts.attributes, &names.groups)?;
    let external_id = external_id(&facts, config, idp_entity_id)?;
    let mut attributes = facts.attributes;
    if let Some(name_id) = &facts.name_id {
        attributes.insert(NAME_ID.to_owned(), vec![name_id.value.clone()]);
    }
    let email = only(&attributes, &names.email);
    let email = email.and_then(|address| {
        claims::email(source(config, &names.email), address, Vouched::NotSaid, &config.domains)
    });
    let all_of = |name: &str| {
        let values = values(&attributes, name).iter().cloned().map(Ok::<_, &str>);
        claims::listed(source(config, name), values)
    };
    let mut kept = Attributes::new();
    for name in &config.kept_claims {
        let values = all_of(name)?;
        if !values.is_empty() {
            kept.insert(name.clone(), values);
        }
    }
    let name = only(&attributes, &names.name)
        .or_else(|| email.as_ref().map(|email| email.address.clone()))
        .or_else(|| only(&attributes, &names.user))
        .unwrap_or_default();
    let identity = Identity {
        provider: config.id.clone(),
        external_id,
        name,
        email,
        groups: all_of(&names.groups)?,
        organizations: all_of(&names.organization)?,
        attributes: kept,
    };
    // An assertion's ID is unique at its provider (SAML core §1.3.4); hashed, it is also short.
    let one_time_id = key(&["assertion", idp_entity_id, &facts.id]);
    let upstream = UpstreamSession {
        id: facts.session_index,
        ends_at: facts.ends_at,
        ..UpstreamSession::default()
    };
    let signed_in = SignedIn { identity, upstream };
    Ok(Assertion { signed_in, one_time_id, expires_at: facts.expires_at })
}

/// Some providers answer with a format of their own where they cannot make the one that was asked
/// for. Once they can, the same person comes under another name (SA-16).
fn warn_of_another_format(facts: &Facts, config: &Config) {
    let (Some(name_id), Some(asked)) = (&facts.name_id, &config.name_id_format) else { return };
    if asked != UNSPECIFIED_FORMAT && *asked != name_id.format {
        let (provider, came) = (&config.id, claims::one_line(&name_id.format, 200));
        tracing::warn!(provider, asked, came, "sso.saml.another_name_id_format");
    }
}

/// SA-16: the name alone says nothing. Another provider, format or qualifier makes it another
/// person.
fn external_id(
    facts: &Facts,
    config: &Config,
    idp_entity_id: &str,
) -> Result<String, ProviderError> {
    let attribute = config.attributes.user.as_str();
    if attribute != NAME_ID {
        let values = facts.attributes.get(attribute).map(Vec::as_slice);
        let [value] = values.unwrap_or_default() else {
            let found = values.unwrap_or_default().len();
            return incomplete(format!("the attribute {attribute} has {found} values, not one"));
        };
        let value = claims::external_id(attribute, value.clone())?;
        return Ok(key(&["attribute", idp_entity_id, attribute, &value]));
    }
    let Some(name_id) = &facts.name_id else {
        return incomplete("the subject has no readable NameID; name an attribute as user");
    };
    if name_id.format == TRANSIENT_FORMAT {
        return incomplete(
            "the NameID is transient, so it identifies nobody; ask for a persistent one \
             (name_id_format) or name an attribute as user",
        );
    }
    if name_id.value.is_empty() {
        return incomplete(
            "the provider sent an empty NameID; ask for a kind that it fills in (name_id_format) \
             or name an attribute as user",
        );
    }
    let value = claims::external_id(NAME_ID, name_id.value.clone())?;
    let [qualifier, sp_qualifier] = qualifiers(name_id, config, idp_entity_id);
    Ok(key(&["nameid", idp_entity_id, &name_id.format, &value, qualifier, sp_qualifier]))
}

/// SAML core §8.3.7: a qualifier that is not there means the provider, or us. So that nobody
/// becomes another person when a provider begins to spell them out, those two count as not there.
fn qualifiers<'a>(name_id: &'a NameId, config: &Config, idp_entity_id: &str) -> [&'a str; 2] {
    let unless = |qualifier: &'a Option<String>, usual: &str| {
        qualifier.as_deref().filter(|qualifier| *qualifier != usual).unwrap_or_default()
    };
    [unless(&name_id.qualifier, idp_entity_id), unless(&name_id.sp_qualifier, &config.entity_id)]
}

/// A short key for several texts, none of which can run into the next.
fn key(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    sha256_base64url(&bytes)
}

/// Entra ID puts a link in place of the groups of a person who has more than 150 of them. Without
/// its groups an administrator would be let in as somebody else. The link leads to a directory that
/// wants an access token, and SAML gives none.
fn groups_are_there(
    attributes: &BTreeMap<String, Vec<String>>,
    groups: &str,
) -> Result<(), ProviderError> {
    let elsewhere = attributes.keys().any(|name| name.ends_with(GROUPS_ELSEWHERE));
    if groups.is_empty() || !elsewhere || !values(attributes, groups).is_empty() {
        return Ok(());
    }
    incomplete(
        "the person is in too many groups, so the answer has a link instead of them; let the \
         application send only the groups assigned to it, or use kind = \"oidc\" with \
         group_overage = \"microsoft_graph\"",
    )
}

fn source<'a>(config: &'a Config, attribute: &'a str) -> Source<'a> {
    Source { provider: &config.id, claim: attribute }
}

fn values<'a>(attributes: &'a BTreeMap<String, Vec<String>>, name: &str) -> &'a [String] {
    let found = attributes.get(name).filter(|_| !name.is_empty());
    found.map(Vec::as_slice).unwrap_or_default()
}

fn only(attributes: &BTreeMap<String, Vec<String>>, name: &str) -> Option<String> {
    match values(attributes, name) {
        [value] => claims::short(value.clone()),
        _ => None,
    }
}

fn incomplete<T>(what: impl Into<String>) -> Result<T, ProviderError> {
    Err(ProviderError::Incomplete(what.into()))
}
