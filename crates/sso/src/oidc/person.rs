//! From what was said to who it is.

use kernel::Redacted;
use protocol::Identity;
use protocol::identity::{Attributes, Email};
use serde_json::Value;

use super::Provider;
use super::token::Tokens;
use super::userinfo::UserInfo;
use crate::claims::{Source, Vouched, email, external_id, listed, text, texts};
use crate::provider::{ProviderError, SignedIn, UpstreamSession};

impl Provider {
    /// The person, with what the provider gave for later.
    pub(super) fn person(
        &self,
        said: &UserInfo,
        tokens: Tokens,
    ) -> Result<SignedIn, ProviderError> {
        let identity = self.identity(said)?;
        let upstream = UpstreamSession {
            id: said.id_token.get("sid").and_then(text),
            logout_hint: tokens.id.map(|token| token.reveal().to_owned()),
            ends_at: None,
            refresh_token: self.kept(tokens.refresh),
        };
        Ok(SignedIn { identity, upstream })
    }

    /// What is not needed is not kept.
    fn kept(&self, refresh_token: Option<Redacted>) -> Option<Redacted> {
        self.rechecks_after()?;
        if refresh_token.is_none() {
            tracing::warn!(provider = self.config.id, "sso.oidc.no_refresh_token");
        }
        refresh_token
    }

    pub(super) fn identity(&self, said: &UserInfo) -> Result<Identity, ProviderError> {
        let names = &self.config.claims;
        let external_id = self.id_of(said)?;
        let email = self.email_of(said);
        Ok(Identity {
            provider: self.config.id.clone(),
            name: name_of(said, &names.name)
                .or_else(|| email.as_ref().map(|email| email.address.clone()))
                .unwrap_or_else(|| external_id.clone()),
            external_id,
            email,
            groups: match &said.looked_up_groups {
                Some(groups) => {
                    listed(self.source(&names.groups), groups.iter().cloned().map(Ok::<_, &str>))?
                }
                None => self.all_of(said, &names.groups)?,
            },
            organizations: self.all_of(said, &names.organization)?,
            attributes: self.attributes(said)?,
        })
    }

    fn attributes(&self, said: &UserInfo) -> Result<Attributes, ProviderError> {
        let mut attributes = Attributes::new();
        for name in &self.config.kept_claims {
            let values = self.all_of(said, name)?;
            if !values.is_empty() {
                attributes.insert(name.clone(), values);
            }
        }
        Ok(attributes)
    }

    fn all_of(&self, said: &UserInfo, name: &str) -> Result<Vec<String>, ProviderError> {
        said.at(name).map_or(Ok(Vec::new()), |value| texts(self.source(name), value))
    }

    fn source<'a>(&'a self, claim: &'a str) -> Source<'a> {
        Source { provider: &self.config.id, claim }
    }

    /// UP-3: the stable id.
    fn id_of(&self, said: &UserInfo) -> Result<String, ProviderError> {
        let claim = &self.config.claims.user;
        let id = said.at(claim).and_then(stable_id).ok_or_else(|| {
            let lacks = format!("{claim}, which identifies the person, is missing or not text");
            ProviderError::Incomplete(lacks)
        });
        external_id(claim, id?)
    }

    /// Whether an address is verified counts only from whoever gave that address: the two sources
    /// may name different ones.
    fn email_of(&self, said: &UserInfo) -> Option<Email> {
        let name = &self.config.claims.email;
        let address = said.at(name).and_then(text)?;
        let of = |claims| crate::claims::at(claims, name).and_then(text).as_ref() == Some(&address);
        let verified = [&said.id_token, &said.userinfo]
            .into_iter()
            .filter(|claims| of(claims))
            .find_map(|claims| claims.get("email_verified"));
        email(self.source(name), address, Vouched::read(verified), &self.config.domains)
    }
}

/// A text as it is, or a whole number; a list is no id.
pub(super) fn stable_id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) if id.is_i64() || id.is_u64() => Some(id.to_string()),
        _ => None,
    }
}

fn name_of(said: &UserInfo, name: &str) -> Option<String> {
    let shown = |name| said.at(name).and_then(text).map(|name| name.trim().to_owned());
    [name, "preferred_username"].into_iter().filter_map(shown).find(|name| !name.is_empty())
}
