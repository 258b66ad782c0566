//! `GET /authorize` (OAuth 2.1 §4.1.1).
//!
//! The order of the checks is the security of the endpoint (AZ-2): the client, then the redirect
//! URI, and until both are known every error is a page here. Only then may errors travel.

mod check;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use http::header::SET_COOKIE;
use kernel::Plain;
use model::authorization::{
    AUTHORIZATION_LIFETIME_SECONDS, Asking, AuthorizationHandle, BrowserBinding,
};
use model::{Authorization, AuthorizationRequest, Client, ClientId, Stage};
use protocol::client_document::DocumentUrl;
use protocol::params::Params;
use protocol::redirect_uri::RedirectKind;
use protocol::{OAuthErrorCode, RedirectUri};
use store::unit::{BeginAuthorization, BeginOutcome, Room};

use self::check::{MAX_STATE, Prompt, check_request};
use super::refuse::{Refused, refuse};
use super::transaction::{find_session, step};
use crate::answer::{PageFailure, see_other};
use crate::browser::{Browser, cookies::CookieNames, is_own_doing};
use crate::clients::CannotTell;
use crate::documents::NoDocument;
use crate::request;
use crate::server::AuthServer;

/// Transactions that may wait for people at the same time (T-AZ-28).
const MAX_OPEN: i64 = 100_000;

/// A client and a redirect URI of it. Errors may go there.
struct Asker {
    client: Client,
    redirect_uri: RedirectUri,
    state: Option<String>,
}

impl Asker {
    /// A state that is too long to check is too long to send back.
    fn refused(&self) -> Refused<'_> {
        Refused {
            client: &self.client.id,
            name: &self.client.name,
            origin: self.client.origin,
            redirect_uri: &self.redirect_uri,
            state: self.state.as_deref().filter(|state| state.len() <= MAX_STATE),
        }
    }
}

/// Starts an authorization.
pub(crate) async fn get(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, _) = request.into_parts();
    if !server.throttle.authorization(request::peer(&parts)) {
        return Err(PageFailure::TooFast);
    }
    let params = request::query(&parts)?;
    let client = known_client(&server, request::peer(&parts), &params).await?;
    let redirect_uri = registered_redirect(&server, &client, &params)?;
    let state = params.one("state").ok().flatten().map(str::to_owned);
    let asker = Asker { client, redirect_uri, state };
    match check_request(&server, &asker, &params) {
        Ok((checked, prompt)) => begin(&server, &parts, &asker, checked, prompt).await,
        Err(error) => refuse(&server, &asker.refused(), &error),
    }
}

/// AZ-2, first: an unknown client gets a page, never a redirect (T-AZ-01, T-AZ-02).
async fn known_client(
    server: &AuthServer,
    from: IpAddr,
    params: &Params,
) -> Result<Client, PageFailure> {
    let id = params.one("client_id")?.ok_or_else(|| {
        PageFailure::bad_request("The app did not say who it is: client_id is missing.")
    })?;
    let id = ClientId::from_text(id);
    if server.disabled.has_client(&id) {
        tracing::info!(client.id = %id, "an authorization is refused: the client is switched off");
        return Err(PageFailure::Refused {
            status: http::StatusCode::FORBIDDEN,
            title: "This app is switched off here",
            what_happened: "An administrator switched it off, so it can't connect.".into(),
            what_to_do: "Ask your administrator. Nothing you can change in the app helps.",
        });
    }
    let known = server.client(&id, from).await.map_err(|error| match error {
        CannotTell::Store(error) => error.into(),
        CannotTell::Document(error) => no_document(&id, &error),
    })?;
    known.ok_or_else(|| PageFailure::Refused {
        status: http::StatusCode::BAD_REQUEST,
        title: "We don't know this app",
        what_happened: "Its registration may have expired, or belongs to another server.".into(),
        what_to_do: "Remove the connection in the app and add it again; the app then registers \
                     itself again.",
    })
}

/// CI-11: a page, since nothing is known to which an error could go. What went wrong on the way to the
/// document is in the log only (SS-5); what is wrong with the document is for its developer. Of the id the
/// page has the host alone, since anybody can write anything into the rest (SS-6).
fn no_document(id: &ClientId, error: &NoDocument) -> PageFailure {
    tracing::info!(client.id = %id, %error, "an authorization is refused");
    let own = DocumentUrl::parse(id.as_str());
    let place = own.map_or_else(|_| String::new(), |own| format!(" at {}", own.host()));
    let (what_happened, what_to_do) = match error {
        NoDocument::Away(_) | NoDocument::Refused(_) => (
            format!("The description of this app{place} can't be fetched from here at the moment."),
            "Try again in a minute. If it stays like this, tell your administrator: the server's log \
             says what failed, and [oauth.registration] has settings for closed networks.",
        ),
        NoDocument::Bad(why) => (
            format!("The description of this app{place} can't be used: {why}."),
            "Tell the app's maker. Nothing you can change here helps.",
        ),
    };
    let (status, title) = (http::StatusCode::BAD_REQUEST, "We can't read who this app is");
    PageFailure::Refused { status, title, what_happened, what_to_do }
}

/// AZ-2, second: the redirect URI must be one of the client's (RU-2 to RU-4, RU-8, RU-9).
fn registered_redirect(
    server: &AuthServer,
    client: &Client,
    params: &Params,
) -> Result<RedirectUri, PageFailure> {
    let Some(unverified) = params.one("redirect_uri")? else {
        return only_redirect(client);
    };
    RedirectUri::parse(unverified, &server.config.redirect_policy)
        .ok()
        .filter(|requested| client.admits_redirect(requested))
        .ok_or_else(|| PageFailure::Refused {
            status: http::StatusCode::BAD_REQUEST,
            title: "The app gave the wrong return address",
            what_happened: "Its redirect_uri isn't one it registered, so nothing was sent there."
                .into(),
            what_to_do: "Remove the connection in the app and add it again. If it happens again, \
                         tell the app's maker.",
        })
}

/// RU-9: without the parameter there must be exactly one, and one that says its port.
fn only_redirect(client: &Client) -> Result<RedirectUri, PageFailure> {
    match client.redirect_uris.as_slice() {
        [only] if !matches!(only.kind(), RedirectKind::Loopback { .. }) => Ok(only.clone()),
        _ => Err(PageFailure::bad_request(
            "The app did not say where the answer goes: redirect_uri is missing.",
        )),
    }
}

/// Everything is in order: the request is frozen, the browser bound, and the person moves on.
async fn begin(
    server: &AuthServer,
    parts: &Parts,
    asker: &Asker,
    mut frozen: AuthorizationRequest,
    prompt: Prompt,
) -> Result<Response, PageFailure> {
    if !is_own_doing(parts) {
        // T-CO-09: later steps are of our own pages, so only this one knows who sent the browser.
        frozen.asking = Asking::Always;
    }
    let names = CookieNames::of(&server.config);
    let browser = Browser::of(parts, &names);
    let session = find_session(server, &browser).await?;
    let now = server.now();
    let fresh = session.filter(|(session, _)| prompt.accepts(session.authenticated_at, now));
    if prompt == Prompt::None {
        let code = if fresh.is_some() {
            OAuthErrorCode::ConsentRequired.because("the person has to consent")
        } else {
            OAuthErrorCode::LoginRequired.because("the person has to sign in")
        };
        return refuse(server, &asker.refused(), &code);
    }
    let handle = Plain::<AuthorizationHandle>::generate(&*server.random);
    // One binding for each browser, so that any number of tabs can wait at once (AZ-9).
    let known = browser.binding.clone();
    let binding = known.unwrap_or_else(|| Plain::<BrowserBinding>::generate(&*server.random));
    let authorization = Authorization {
        handle: handle.hash(),
        browser: binding.hash(),
        request: frozen,
        stage: Stage::Pending,
        created_at: now,
        expires_at: now.plus_seconds(AUTHORIZATION_LIFETIME_SECONDS),
    };
    let source = server.throttle.source(request::peer(parts));
    let begun = BeginAuthorization { authorization, source, room: Room::of(MAX_OPEN) };
    match server.store.write(begun).await? {
        BeginOutcome::Begun => {}
        BeginOutcome::TooMany => return Err(PageFailure::Overloaded),
    }
    let next = if fresh.is_some() { "/auth-bridge" } else { "/sign-in" };
    let mut response = see_other(&step(server, next, &handle))?;
    if let Some(cookie) = names.set(&names.binding, binding.reveal()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
