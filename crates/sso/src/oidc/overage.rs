//! People in so many groups that their token has none (Entra ID, above 200).
//!
//! The token then points to a directory (OpenID Connect Core §5.6.2, aggregated and distributed
//! claims). The address it gives is never used: the operator's is.

use reqwest::Client;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::config::GroupOverage;
use super::http::{self, unavailable};
use crate::claims::{Claims, at};
use crate::provider::ProviderError;

#[derive(Deserialize)]
struct Page {
    value: Vec<Membership>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Membership {
    id: String,
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
}

/// The access token would go with the question.
const NEXT_ELSEWHERE: &str =
    "Microsoft Graph's link to the next page must not be used: it leads to another host";

/// Pages of 999 memberships each.
const MAX_PAGES: usize = 10;

/// Whether the token says that it leaves groups out.
pub(super) fn is_overage(id_token: &Claims, groups: &str) -> bool {
    if groups.is_empty() || at(id_token, groups).is_some() {
        return false;
    }
    let elsewhere = id_token.get("_claim_names").and_then(Value::as_object);
    let elsewhere = elsewhere.is_some_and(|names| names.contains_key(groups));
    // The short form, which knows only this one claim.
    let has_groups = match id_token.get("hasgroups") {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(flag)) => flag.eq_ignore_ascii_case("true"),
        _ => false,
    };
    elsewhere || (has_groups && groups == "groups")
}

/// Where to ask for them.
pub(super) fn directory(overage: &GroupOverage) -> Result<&str, ProviderError> {
    match overage {
        GroupOverage::MicrosoftGraph { url } => Ok(url),
        GroupOverage::Refuse => Err(ProviderError::Incomplete(
            "the person is in too many groups, so the token has none of them; let the application \
             send only the groups assigned to it, or set group_overage = \"microsoft_graph\""
                .to_owned(),
        )),
    }
}

/// The ids of all groups that the person is in, directly or through others.
pub(super) async fn look_up(
    http: &Client,
    base: &str,
    access_token: &str,
) -> Result<Vec<String>, ProviderError> {
    let base = Url::parse(base).map_err(|_| unusable())?;
    let mut address = base.clone();
    address
        .path_segments_mut()
        .map_err(|()| unusable())?
        .pop_if_empty()
        .extend(["me", "transitiveMemberOf"]);
    address.set_query(Some("$select=id&$top=999"));
    let mut groups = Vec::new();
    for _ in 0..MAX_PAGES {
        let page = ask(http, address, access_token).await?;
        // Roles and administrative units are memberships, too.
        let is_group = |one: &Membership| {
            one.kind.as_deref().is_none_or(|kind| kind == "#microsoft.graph.group")
        };
        groups.extend(page.value.into_iter().filter(is_group).map(|one| one.id));
        let Some(next) = page.next else { return Ok(groups) };
        // The access token must not go anywhere else.
        let next = Url::parse(&next).ok().filter(|next| next.origin() == base.origin());
        address = next.ok_or_else(|| unavailable(NEXT_ELSEWHERE))?;
    }
    let detail = "the person is in more groups than Microsoft Graph was asked for (9990)";
    Err(ProviderError::Incomplete(detail.to_owned()))
}

async fn ask(http: &Client, address: Url, access_token: &str) -> Result<Page, ProviderError> {
    let answer = http::send(http.get(address).bearer_auth(access_token)).await?;
    match answer.status.as_u16() {
        200 => answer.json(),
        401 | 403 => Err(ProviderError::Misconfigured(format!(
            "Microsoft Graph does not let us see the person's groups ({}); the application needs \
             the delegated permission GroupMember.Read.All, and scopes = […, \"User.Read\"]",
            answer.status.as_u16()
        ))),
        _ => Err(answer.is_unexpected()),
    }
}

fn unusable() -> ProviderError {
    unavailable("the Microsoft Graph address cannot be used: it is not a URL to build on")
}
