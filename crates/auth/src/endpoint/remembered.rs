//! What the person allowed this client before (CO-2): it may answer in the person's place, and where the
//! client asks for more, only that is asked.

use axum::response::Response;
use model::authorization::Asking;
use model::person::Acting;
use model::{AuthorizationRequest, ClientOrigin, ConsentKey, RememberedConsent, Subject};
use pages::Earlier;
use protocol::redirect_uri::RedirectKind;
use protocol::{Scope, Scopes};
use store::unit::Consent;

use super::consent::{acting_for, approve};
use super::transaction::{Decider, Opened};
use crate::answer::PageFailure;
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
        drop(reader);
        if held.contains_all(requested) {
            return Ok(Self { scopes: requested, held });
        }
        // An operator may have given the client less since.
        let client = server.registered(client).await?;
        let most = client.map_or(Scopes::ALL, |client| client.scopes);
        Ok(Self { scopes: requested.or(held.and(possible).and(most)), held })
    }

    /// What the person said of this scope before (T-CO-04).
    pub(super) fn earlier(&self, scope: Scope) -> Earlier {
        match self.held {
            Scopes::NONE => Earlier::Nothing,
            held if held.contains(scope) => Earlier::Allowed,
            _ => Earlier::NotCovered,
        }
    }
}

/// The answer for somebody who has just come back from sign-in, if an earlier consent gives it. It is
/// looked for only then: once a page was shown, its buttons decide. Never where any program could take the
/// answer, and never where another site began it (CO-6, T-CO-09, RFC 8252 §8.6).
pub(super) async fn answer(
    server: &AuthServer,
    opened: &Opened,
    decider: Decider,
) -> Result<Option<Response>, PageFailure> {
    let (request, subject) = (&opened.authorization.request, &decider.subject);
    let may = request.asking == Asking::AsNeeded
        && matches!(request.redirect_uri.kind(), RedirectKind::Web { .. })
        && server.may_use(subject, &request.resource)
        && !matches!(subject.acting_for(), Acting::MustChoose(_));
    if !may || !says_the_same(server, request).await? {
        return Ok(None);
    }
    let Offer { scopes, .. } = Offer::of(server, opened, subject).await?;
    let Some(before) = find(server, request, subject).await? else { return Ok(None) };
    if scopes.is_empty() || !before.covers(scopes) {
        return Ok(None);
    }
    approve(server, opened, decider, scopes, Consent::Remembered(before)).await.map(Some)
}

/// RU-12, CI-15: the client may have changed since the transaction began. What its document said then
/// counts to the end.
async fn says_the_same(
    server: &AuthServer,
    request: &AuthorizationRequest,
) -> Result<bool, PageFailure> {
    if request.client_origin == ClientOrigin::Document {
        return Ok(!server.disabled.has_client(&request.client));
    }
    let client = server.registered(&request.client).await?;
    Ok(client.is_some_and(|client| client.metadata_hash() == request.client_metadata))
}

/// What the person allowed, unless that is too long ago.
async fn find(
    server: &AuthServer,
    request: &AuthorizationRequest,
    subject: &Subject,
) -> Result<Option<RememberedConsent>, PageFailure> {
    let key = key(request, subject);
    let mut reader = server.store.read().await?;
    let before = store::consent::find(reader.conn(), &key).await?;
    Ok(before.filter(|before| {
        server.now() < before.consented_at.plus_seconds(server.config.remembered_consent)
    }))
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
