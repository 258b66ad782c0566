//! Whichever way a person proved who they are: a session, and onward.

use axum::response::Response;
use http::header::SET_COOKIE;
use kernel::{Id, Plain, Redacted, Timestamp};
use model::Subject;
use model::person::{SessionSecret, hash_upstream_session};
use protocol::{Identity, UserType};
use sso::{SignedIn, UpstreamSession};
use store::unit::{OneTime, SignIn, SignInOutcome, UpstreamRefresh};

use super::failure::{disabled, switched_off};
use crate::answer::PageFailure;
use crate::browser::cookies::CookieNames;
use crate::endpoint::visit::Visit;
use crate::server::AuthServer;

/// Seconds for which a browser stays signed in, unless the provider wants less.
const SESSION_LIFETIME: i64 = 8 * 60 * 60;

/// What a sign-in came to.
pub(in crate::endpoint) struct Proof {
    pub(in crate::endpoint) signed_in: SignedIn,
    /// What makes this proof good once only, if nothing else did before.
    pub(in crate::endpoint) one_time: Option<OneTime>,
}

impl Proof {
    pub(in crate::endpoint) const fn of(signed_in: SignedIn) -> Self {
        Self { signed_in, one_time: None }
    }
}

/// A sign-in that needs none: the demo's people and the fixed user.
pub(in crate::endpoint) fn no_proof(identity: Identity) -> Proof {
    Proof::of(SignedIn { identity, upstream: UpstreamSession::default() })
}

/// Makes the session and sends the person on. The session is a new one, whatever the browser had
/// before (AZ-10).
pub(in crate::endpoint) async fn complete(
    server: &AuthServer,
    visit: &Visit,
    proof: Proof,
) -> Result<Response, PageFailure> {
    let now = server.now();
    let session = Plain::<SessionSecret>::generate(&*server.random);
    let upstream = proof.signed_in.upstream;
    let hint = upstream.logout_hint.as_deref();
    let candidate = Subject {
        id: Id::generate(&*server.random),
        identity: proof.signed_in.identity,
        organization: None,
        user_type: UserType::Basic,
        disabled_at: None,
    };
    admit(server, &candidate)?;
    let upstream_refresh = kept(server, &candidate.identity, upstream.refresh_token.as_ref());
    let unit = SignIn {
        user_type: server.user_type(&candidate),
        candidate_id: candidate.id,
        identity: candidate.identity,
        session: (session.hash(), session_end(now, upstream.ends_at)),
        upstream_session: upstream.id.as_deref().map(hash_upstream_session),
        logout_hint_sealed: hint.map(|hint| server.seal_logout_hint(hint, &session.hash())),
        upstream_refresh,
        replaces: visit.browser.session.as_ref().map(Plain::hash),
        one_time: proof.one_time,
        now,
    };
    match server.store.write(unit).await? {
        SignInOutcome::SignedIn(subject) => {
            let kind = server.config.kind_of(&subject.identity.provider);
            server.meter.signed_in(kind, "signed_in");
            // How many groups, and not which: names of groups can say much about a person.
            tracing::info!(
                subject.id = %subject.id,
                provider = subject.identity.provider,
                user_type = server.user_type(&subject).as_str(),
                groups = subject.identity.groups.len(),
                "signed in"
            );
        }
        SignInOutcome::Disabled => return Err(disabled()),
        SignInOutcome::Replayed => return Err(PageFailure::expired()),
    }
    let names = CookieNames::of(&server.config);
    let mut response = visit.onward(server)?;
    if let Some(cookie) = names.set(&names.session, session.reveal()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Refuses whoever comes from a provider, or for organizations, that an administrator switched off.
fn admit(server: &AuthServer, candidate: &Subject) -> Result<(), PageFailure> {
    let provider = &candidate.identity.provider;
    if server.disabled.has_provider(provider) {
        tracing::info!(provider, "a sign-in is refused: the provider is switched off");
        return Err(switched_off("This way to sign in is switched off"));
    }
    if !server.disabled.leaves_organization(&mut candidate.clone()) {
        tracing::info!(provider, "a sign-in is refused: the organization is switched off");
        return Err(switched_off("Your organization has no access at the moment"));
    }
    Ok(())
}

/// SAML's `SessionNotOnOrAfter` is honoured (SA-9).
fn session_end(now: Timestamp, wanted: Option<Timestamp>) -> Timestamp {
    let ours = now.plus_seconds(SESSION_LIFETIME);
    wanted.map_or(ours, |wanted| wanted.min(ours))
}

/// Something to ask the provider with later, if it is to be asked at all.
fn kept(server: &AuthServer, identity: &Identity, token: Option<&Redacted>) -> UpstreamRefresh {
    if server.config.rechecked_at(&identity.provider).is_none() {
        return UpstreamRefresh::Forget;
    }
    token.map_or(UpstreamRefresh::Keep, |token| {
        UpstreamRefresh::Replace(server.seal_upstream_refresh(token.reveal(), identity))
    })
}
