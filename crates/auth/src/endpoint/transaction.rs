//! What every step between `/authorize` and the decision has in common: finding the transaction,
//! checking that this is the browser in which it began, and leaving it again.

use axum::http::request::Parts;
use axum::response::Response;
use http::StatusCode;
use kernel::{Plain, Timestamp};
use model::authorization::{AuthorizationHandle, BrowserBinding};
use model::{Authorization, AuthorizationRequest, ClientId, ClientOrigin, Session, Stage, Subject};
use net::headers::FormTarget;
use pages::{AlreadyDone, Client, ClientTrust, Deployment, Navigation, OpenApp};
use protocol::params::Params;
use protocol::redirect_uri::RedirectKind;
use protocol::{OAuthError, RedirectUri, ResourceUri};

use crate::answer::{PageFailure, page_response, see_other};
use crate::browser::{Browser, cookies::CookieNames, is_cross_site};
use crate::config::Resource;
use crate::server::AuthServer;

/// A transaction, opened by the browser in which it began.
pub(super) struct Opened {
    pub(super) authorization: Authorization,
    pub(super) handle: Plain<AuthorizationHandle>,
    pub(super) binding: Plain<BrowserBinding>,
    pub(super) browser: Browser,
}

/// Finds the transaction that `txn` names. The name alone is no authority: the browser's cookie
/// must fit (AZ-7, AZ-8).
pub(super) async fn open(
    server: &AuthServer,
    parts: &Parts,
    params: &Params,
) -> Result<Opened, PageFailure> {
    let handle = params.one("txn")?.and_then(Plain::<AuthorizationHandle>::parse);
    let handle = handle.ok_or_else(PageFailure::expired)?;
    let browser = Browser::of(parts, &CookieNames::of(&server.config));
    open_handle(server, browser, handle).await
}

/// The transaction with this handle, in the browser in which it began.
pub(super) async fn open_handle(
    server: &AuthServer,
    browser: Browser,
    handle: Plain<AuthorizationHandle>,
) -> Result<Opened, PageFailure> {
    let mut reader = server.store.read().await?;
    let found = store::authorization::find(reader.conn(), &handle.hash()).await?;
    let authorization = found
        .filter(|authorization| !authorization.is_expired(server.now()))
        .ok_or_else(PageFailure::expired)?;
    let binding = browser.binding.clone().ok_or_else(PageFailure::other_browser)?;
    if binding.hash() != authorization.browser {
        return Err(PageFailure::other_browser());
    }
    Ok(Opened { authorization, handle, binding, browser })
}

/// The person who is asked for consent, in the session that is asked.
pub(super) struct Decider {
    pub(super) session: Session,
    pub(super) subject: Subject,
    pub(super) authenticated_at: Timestamp,
}

impl Opened {
    /// Refuses a form that this transaction's page did not make (HD-5, AZ-15, T-LOGIN-01).
    pub(super) fn check_form(
        &self,
        server: &AuthServer,
        parts: &Parts,
        params: &Params,
    ) -> Result<(), PageFailure> {
        let genuine = server.csrf.verify(params.one("csrf")?, Some(&self.handle), &self.binding);
        if genuine && !is_cross_site(parts) { Ok(()) } else { Err(forged_form()) }
    }

    /// The person who is asked for consent, if the session that is asked is this browser's and still
    /// lives. Whoever else is signed in here now has to come over the bridge first.
    pub(super) async fn current_decider(
        &self,
        server: &AuthServer,
    ) -> Result<Option<Decider>, PageFailure> {
        let Stage::Resumed { subject: asked, session: Some(in_session), authenticated_at } =
            &self.authorization.stage
        else {
            return Ok(None);
        };
        let signed_in = self.session(server).await?;
        let same = signed_in
            .filter(|(session, subject)| session.hash == *in_session && subject.id == *asked);
        let authenticated_at = *authenticated_at;
        Ok(same.map(|(session, subject)| Decider { session, subject, authenticated_at }))
    }

    /// The token for the forms that only the session that is asked may send.
    pub(super) fn csrf_of(&self, server: &AuthServer, decider: &Decider) -> String {
        server.csrf.token_of_session(Some(&self.handle), &self.binding, &decider.session.hash)
    }

    /// The person who sent a form of theirs: the session that saw the page is the one that is
    /// asked, and it still lives.
    pub(super) async fn decider(
        &self,
        server: &AuthServer,
        params: &Params,
    ) -> Result<Decider, PageFailure> {
        let decider = self.current_decider(server).await?.ok_or_else(left)?;
        let token = params.one("csrf")?;
        let saw_it = server.csrf.is_of_session(token, Some(&self.handle), &decider.session.hash);
        if saw_it { Ok(decider) } else { Err(left()) }
    }

    /// The person who is signed in in this browser, if there is one.
    pub(super) async fn session(
        &self,
        server: &AuthServer,
    ) -> Result<Option<(Session, Subject)>, PageFailure> {
        find_session(server, &self.browser).await
    }
}

/// A form that another site made the browser post.
pub(super) fn forged_form() -> PageFailure {
    PageFailure::Refused {
        status: StatusCode::FORBIDDEN,
        title: "This form didn't come from our page",
        what_happened: "Another site may have tried to act as you. Nothing was done.".into(),
        what_to_do: "Go back to the app that sent you here and connect again.",
    }
}

/// The page was opened by somebody who is not signed in here any more.
pub(super) fn left() -> PageFailure {
    PageFailure::Refused {
        status: StatusCode::FORBIDDEN,
        title: "This page is out of date",
        what_happened: "Somebody signed out or in on this browser since it was opened. Nothing \
                        was allowed."
            .into(),
        what_to_do: "Reload the page and answer as the person it then names, or connect again \
                     in the app.",
    }
}

/// The person who is signed in in this browser, if there is one and nobody disabled that person, the
/// person's provider or all of the person's organizations.
pub(super) async fn find_session(
    server: &AuthServer,
    browser: &Browser,
) -> Result<Option<(Session, Subject)>, PageFailure> {
    let Some(secret) = &browser.session else {
        return Ok(None);
    };
    let mut reader = server.store.read().await?;
    let found = store::session::find(reader.conn(), &secret.hash(), server.now()).await?;
    let Some((session, mut subject)) = found else { return Ok(None) };
    let has_someone_to_act_for = server.disabled.leaves_organization(&mut subject);
    Ok((has_someone_to_act_for && server.is_active(&subject)).then_some((session, subject)))
}

/// A path of ours with the transaction's handle.
pub(super) fn step(server: &AuthServer, path: &str, handle: &Plain<AuthorizationHandle>) -> String {
    format!("{}{path}?txn={}", server.config.base_path(), handle.reveal())
}

/// The client of a frozen request, as pages show it.
pub(super) fn shown_client(request: &AuthorizationRequest) -> Client<'_> {
    let standing = standing(request.client_origin, &request.client);
    Client { name: &request.client_name, standing }
}

/// Who vouches for a client's name.
pub(super) fn standing(origin: ClientOrigin, id: &ClientId) -> ClientTrust<'_> {
    match origin {
        ClientOrigin::Configured => ClientTrust::Registered,
        ClientOrigin::Dynamic => ClientTrust::SelfDeclared,
        ClientOrigin::Document => ClientTrust::Document { host: host_of(id) },
    }
}

/// The host of an id that is a URL in normal form.
fn host_of(id: &ClientId) -> &str {
    let rest = id.as_str().strip_prefix("https://").unwrap_or_default();
    rest.split(['/', ':', '?']).next().unwrap_or_default()
}

/// Sends the answer to the client: always with `iss` (RFC 9207), with `state` exactly as it came.
/// Applications with a scheme of their own get a page with a link as well (CL-18).
pub(super) fn return_to_client(
    server: &AuthServer,
    client: Client<'_>,
    redirect_uri: &RedirectUri,
    state: Option<&str>,
    answer: &[(&str, &str)],
) -> Result<Response, PageFailure> {
    let location = answer_url(server, redirect_uri, state, answer);
    if !matches!(redirect_uri.kind(), RedirectKind::PrivateUse { .. }) {
        return see_other(&location);
    }
    let html = pages::open_app(&OpenApp {
        deployment: Deployment { title: &server.config.title },
        client,
        redirect: redirect_uri,
        return_url: &location,
        navigation: Navigation::Automatic,
    });
    Ok(page_response(StatusCode::OK, html, FormTarget::OffSite))
}

/// The redirect URI with an authorization response in its query.
pub(super) fn answer_url(
    server: &AuthServer,
    redirect_uri: &RedirectUri,
    state: Option<&str>,
    answer: &[(&str, &str)],
) -> String {
    let mut params = answer.to_vec();
    params.extend(state.map(|state| ("state", state)));
    params.push(("iss", &server.config.issuer));
    redirect_uri.with_params(&params)
}

/// The parameters of an error response (RFC 6749 §4.1.2.1).
pub(super) fn error_params(error: &OAuthError) -> [(&str, &str); 2] {
    [("error", error.code.as_str()), ("error_description", &error.description)]
}

/// The page for a transaction that had its answer (T-CB-16, T-CO-08).
pub(super) fn already_done(server: &AuthServer, opened: &Opened) -> Response {
    let html = pages::already_done(&AlreadyDone {
        deployment: Deployment { title: &server.config.title },
        client: Some(shown_client(&opened.authorization.request)),
    });
    page_response(StatusCode::OK, html, FormTarget::OwnSite)
}

/// The title, URL and words of a resource, as pages show them; of one that is gone, its URL.
pub(super) fn shown_resource<'a>(
    known: Option<&'a Resource>,
    uri: &'a ResourceUri,
) -> pages::Resource<'a> {
    let url = uri.as_str();
    match known {
        Some(resource) => {
            pages::Resource { title: &resource.title, url, words: &resource.scope_words }
        }
        None => pages::Resource { title: "", url, words: pages::ScopeWords::NEUTRAL },
    }
}
