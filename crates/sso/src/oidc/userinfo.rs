//! Everything that the provider says of a person: the ID token, the userinfo endpoint where it is
//! needed (OpenID Connect Core §5.3), and groups that were left out.

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::config::Userinfo;
use super::discovery::Document;
use super::http::{self, unavailable};
use super::id_token::check_subject;
use super::token::Tokens;
use super::{Provider, rejected};
use crate::claims::{Claims, at};
use crate::provider::ProviderError;

/// What was said, and by which of the two. The ID token is signed and wins; its claims are empty
/// where none came.
pub(super) struct UserInfo {
    pub(super) id_token: Claims,
    pub(super) userinfo: Claims,
    /// Groups from a directory that was asked because the token left them out.
    pub(super) looked_up_groups: Option<Vec<String>>,
}

impl UserInfo {
    /// The claim at this path.
    pub(super) fn at(&self, path: &str) -> Option<&Value> {
        at(&self.id_token, path).or_else(|| at(&self.userinfo, path))
    }
}

impl Provider {
    pub(super) async fn gather(
        &self,
        document: &Document,
        id_token: Claims,
        tokens: &Tokens,
    ) -> Result<UserInfo, ProviderError> {
        let access_token = tokens.access_token();
        let looked_up_groups = self.groups_left_out(&id_token, access_token).await?;
        let userinfo = if self.needs_userinfo(&id_token, looked_up_groups.is_some()) {
            self.ask_userinfo(document, &id_token, access_token).await?
        } else {
            Claims::new()
        };
        Ok(UserInfo { id_token, userinfo, looked_up_groups })
    }

    /// Everything from the userinfo endpoint, where no ID token came: §12.2 leaves that to the
    /// provider. Whom it is about is for the caller to compare.
    pub(super) async fn gather_without_id_token(
        &self,
        document: &Document,
        tokens: &Tokens,
    ) -> Result<UserInfo, ProviderError> {
        if self.config.userinfo == Userinfo::Never {
            let lacks = "a refresh gives no ID token there, and userinfo is \"never\"";
            return Err(ProviderError::Misconfigured(lacks.to_owned()));
        }
        let access_token = tokens.access_token();
        let (Some(endpoint), Some(token)) = (&document.userinfo_endpoint, access_token) else {
            let lacks = "a refresh gives no ID token there, and userinfo cannot be asked";
            return Err(ProviderError::Misconfigured(lacks.to_owned()));
        };
        let userinfo = self.fetch_userinfo(endpoint, token).await?;
        check_subject(&userinfo)?;
        let looked_up_groups = self.groups_left_out(&userinfo, access_token).await?;
        Ok(UserInfo { id_token: Claims::new(), userinfo, looked_up_groups })
    }

    fn needs_userinfo(&self, id_token: &Claims, has_groups: bool) -> bool {
        match self.config.userinfo {
            Userinfo::Never => false,
            Userinfo::Always => true,
            Userinfo::WhenNeeded => {
                let names = &self.config.claims;
                let groups = if has_groups { "" } else { &names.groups };
                let wanted = [&names.user, &names.name, &names.email, &names.organization];
                let mut wanted = wanted
                    .into_iter()
                    .chain(&self.config.kept_claims)
                    .map(String::as_str)
                    .chain([groups]);
                wanted.any(|name| !name.is_empty() && at(id_token, name).is_none())
            }
        }
    }

    /// §5.3.2: without the same `sub` it may be about somebody else (T-UP-04).
    async fn ask_userinfo(
        &self,
        document: &Document,
        id_token: &Claims,
        access_token: Option<&str>,
    ) -> Result<Claims, ProviderError> {
        let (Some(endpoint), Some(access_token)) = (&document.userinfo_endpoint, access_token)
        else {
            return if self.config.userinfo == Userinfo::Always {
                let lacks = "userinfo = \"always\", but there is no userinfo endpoint or token";
                Err(ProviderError::Misconfigured(lacks.to_owned()))
            } else {
                Ok(Claims::new())
            };
        };
        let claims = self.fetch_userinfo(endpoint, access_token).await?;
        match (claims.get("sub"), id_token.get("sub")) {
            (Some(there), Some(here)) if there == here => Ok(claims),
            (Some(Value::Number(there)), Some(Value::String(here)))
                if there.to_string() == *here =>
            {
                Err(rejected(
                    "userinfo is about another sub: it is a number there and a text in the ID \
                     token; the provider must make a text of it, or set userinfo = \"never\"",
                ))
            }
            _ => Err(rejected("userinfo is about another sub")),
        }
    }

    async fn fetch_userinfo(
        &self,
        endpoint: &Url,
        access_token: &str,
    ) -> Result<Claims, ProviderError> {
        let answer = http::send(self.http.get(endpoint.clone()).bearer_auth(access_token)).await?;
        if answer.content_type.to_ascii_lowercase().starts_with("application/jwt") {
            let signed = "userinfo comes as a JWT; set the application to plain JSON there";
            return Err(ProviderError::Misconfigured(signed.to_owned()));
        }
        match answer.status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let status = answer.status.as_u16();
                let detail = format!(
                    "the userinfo endpoint refuses our access token ({status}); if it is not \
                     needed, set userinfo = \"never\""
                );
                return Err(ProviderError::Misconfigured(detail));
            }
            _ => return Err(answer.is_unexpected()),
        }
        answer.json()
    }

    /// Groups that the token left out because there are too many, if it did.
    async fn groups_left_out(
        &self,
        id_token: &Claims,
        access_token: Option<&str>,
    ) -> Result<Option<Vec<String>>, ProviderError> {
        if !super::overage::is_overage(id_token, &self.config.claims.groups) {
            return Ok(None);
        }
        let base = super::overage::directory(&self.config.group_overage)?;
        let Some(access_token) = access_token else {
            return Err(unavailable("no access token came to ask Microsoft Graph with"));
        };
        super::overage::look_up(&self.http, base, access_token).await.map(Some)
    }
}
