//! What the person allowed this client before (CO-2): it may answer in the person's place, and where the
//! client asks for more, only that is asked.

use axum::http::request::Parts;
use model::authorization::Asking;
use model::{AuthorizationRequest, ConsentKey, RememberedConsent, Subject};
use pages::Earlier;
use protocol::redirect_uri::RedirectKind;
use protocol::{Scope, Scopes};

use super::consent::acting_for;
use super::transaction::Opened;
use crate::answer::PageFailure;
use crate::browser::is_own_doing;
use crate::server::AuthServer;

/// What a person is asked for.
pub(super) struct Offer {
    /// All that the client gets if the person allows it without leaving anything out.
    pub(super) scopes: Scopes,
    /// What the client has by grants that live.
    held: Scopes,
}

impl Offer {
    /// Requested ∩ ceiling ∩ user type. The ceiling is applied again, in case it came down meanwhile.
    /// A client that asks for more keeps what it has; one that asks for less gets less.
    pub(super) async fn of(
        server: &AuthServer,
        opened: &Opened,
        subject: &Subject,
    ) -> Result<Self, PageFailure> {
        let request = &opened.authorization.request;
        let resource = server.resources.find(&request.resource);
        let ceiling = resource.map_or(Scopes::NONE, |resource| resource.ceiling);
        let possible = ceiling.and(server.user_type(subject).allows());
        let requested = request.scopes.and(possible);
        let mut reader = server.store.read().await?;
        let organization = acting_for(subject);
        let (client, at) = (&request.client, &request.resource);
        let held = store::grant::held(reader.conn(), &subject.id, client, at, organization).await?;
        let asks_for_more = !held.contains_all(requested);
        let scopes = if asks_for_more { requested.or(held.and(possible)) } else { requested };
        Ok(Self { scopes, held })
    }

    /// What the person said of this scope before (T-CO-04).
    pub(super) fn earlier(&self, scope: Scope) -> Earlier {
        match self.held {
            Scopes::NONE => Earlier::Nothing,
            held if held.contains(scope) => Earlier::Allowed,
            _ => Earlier::NotCovered,
        }
    }

    /// The consent that answers in the person's place, if one may. Never where any program could take the
    /// answer, and never when another site sent the browser here (CO-6, T-CO-09, RFC 8252 §8.6).
    pub(super) async fn answered_before(
        &self,
        server: &AuthServer,
        parts: &Parts,
        opened: &Opened,
        subject: &Subject,
    ) -> Result<Option<RememberedConsent>, PageFailure> {
        let request = &opened.authorization.request;
        let may = request.asking == Asking::AsNeeded
            && matches!(request.redirect_uri.kind(), RedirectKind::Web { .. })
            && is_own_doing(parts);
        if !may {
            return Ok(None);
        }
        let key = key(request, subject);
        let mut reader = server.store.read().await?;
        let before = store::consent::find(reader.conn(), &key).await?;
        Ok(before.filter(|before| {
            let ends = before.consented_at.plus_seconds(server.config.remembered_consent);
            server.now() < ends && before.covers(self.scopes)
        }))
    }
}

fn key(request: &AuthorizationRequest, subject: &Subject) -> ConsentKey {
    ConsentKey {
        subject: subject.id.clone(),
        organization: acting_for(subject).map(str::to_owned),
        client: request.client.clone(),
        client_metadata: request.client_metadata.clone(),
        redirect_uri: request.redirect_uri.clone(),
        resource: request.resource.clone(),
    }
}
