//! The client credentials grant: a client acts for itself, without a person (RFC 6749 §4.4, MCP
//! extension `io.modelcontextprotocol/oauth-client-credentials`).
//!
//! Only clients that an operator configured for it may, with what the operator assigned (CC-1,
//! CC-2). Programs ask for what a challenge or `scopes_supported` names, whatever they are set to;
//! so asking for more is answered with what there is, and never refused.

use std::sync::Arc;

use kernel::Id;
use model::person::MACHINES;
use model::{Client, Identity, Subject, SubjectId};
use protocol::params::Params;
use protocol::token::TokenResponse;
use protocol::{OAuthError, OAuthErrorCode, Scopes, UserType};
use store::unit::{AuthorizeMachine, AuthorizeMachineOutcome};

use super::access::{issue, new_token_id};
use crate::answer::ClientFailure;
use crate::config::{Machine, Resource};
use crate::request::invalid;
use crate::server::AuthServer;

/// Issues an access token to a client for itself. There is no refresh token: it can ask again.
pub(super) async fn authorize(
    server: &AuthServer,
    client: &Client,
    params: &Params,
) -> Result<TokenResponse, ClientFailure> {
    let machine = server.config.machine(&client.id).ok_or_else(|| {
        OAuthErrorCode::UnauthorizedClient
            .because("this client may not act for itself; the operator configures that")
    })?;
    let resource = resource_of(server, machine, params)?;
    server.throttle.token(&client.id, &SubjectId::from_stored(client.id.as_str()))?;
    let scopes = narrowed(params, machine.scopes.and(resource.ceiling))?;
    let token_id = new_token_id(server);
    let unit = AuthorizeMachine {
        client: client.id.clone(),
        name: client.name.clone(),
        resource: resource.uri.clone(),
        scopes: machine.scopes,
        issued: scopes,
        grant_id: Id::generate(&*server.random),
        token: token_id.clone(),
        now: server.now(),
    };
    match server.store.write(unit).await? {
        AuthorizeMachineOutcome::Authorized(grant) => {
            issue(server, &grant, &itself(client), scopes, token_id, None)
        }
        AuthorizeMachineOutcome::Disabled => Err(OAuthErrorCode::InvalidClient
            .because("an administrator disabled this client, or what it wants to use")
            .into()),
    }
}

/// The resource that the request names, or the first that the machine may use.
fn resource_of(
    server: &AuthServer,
    machine: &Machine,
    params: &Params,
) -> Result<Arc<Resource>, OAuthError> {
    let refuse = |why: &'static str| OAuthErrorCode::InvalidTarget.because(why);
    let Some(named) = server.resources.named(params)? else {
        let first = server.resources.first_of(&machine.servers);
        return first.ok_or_else(|| refuse("none of the client's servers is served here"));
    };
    if !machine.servers.contains(&named.name) {
        return Err(refuse("the operator did not assign this resource to the client"));
    }
    Ok(named)
}

/// What was asked for, as far as it was assigned; all of that, if nothing of it was asked for
/// (RFC 6749 §3.3 lets a server ignore what was asked, and the answer says what was issued).
fn narrowed(params: &Params, assigned: Scopes) -> Result<Scopes, OAuthError> {
    let text = params.one("scope").map_err(invalid)?.unwrap_or_default();
    let asked = Scopes::parse_requested(text)
        .map_err(|error| OAuthErrorCode::InvalidScope.because(error.to_string()))?;
    if assigned.is_empty() {
        return Err(OAuthErrorCode::InvalidScope
            .because("nothing that the operator assigned to the client exists on this resource"));
    }
    let possible = asked.known.and(assigned);
    Ok(if possible.is_empty() { assigned } else { possible })
}

/// The subject of the token: the client. People's ids have a form that no configured client's id
/// can have, so it is never taken for one of them (CC-2).
fn itself(client: &Client) -> Subject {
    Subject {
        id: Id::from_stored(client.id.as_str()),
        identity: Identity {
            provider: MACHINES.to_owned(),
            external_id: client.id.as_str().to_owned(),
            name: client.name.clone(),
            ..Identity::default()
        },
        organization: None,
        user_type: UserType::Workload,
        disabled_at: None,
    }
}
