//! `/account`: who I am here, for which organization I act, what I have connected, and the way
//! out. Every change is a form with a token of this browser (T-CONN-03).

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use kernel::{Id, Plain, Timestamp};
use model::authorization::BrowserBinding;
use model::person::Acting;
use model::{ClientOrigin, Grant, Session, Subject};
use net::headers::FormTarget;
use pages::{Account, AccountHolder, Connection, Deployment, ProviderSignOut, SignedOut};
use protocol::client_document::DocumentUrl;
use protocol::params::Params;
use store::unit::{EndSession, RevokeOutcome, RevokeOwnGrant};

use super::organization::choose;
use super::transaction::{find_session, left, standing};
use super::visit::Visit;
use crate::answer::{PageFailure, page_response, see_other};
use crate::browser::{Browser, cookies::CookieNames};
use crate::config::{Resource, SignIn};
use crate::providers::ProviderKind;
use crate::request;
use crate::server::AuthServer;

/// The page; somebody who is not signed in is asked to.
pub(crate) async fn get(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, _) = request.into_parts();
    let browser = Browser::of(&parts, &CookieNames::of(&server.config));
    match (find_session(&server, &browser).await?, &browser.binding) {
        (Some((session, subject)), Some(binding)) => {
            let ended = ended(&server, &parts, &subject).await?;
            show(&server, &session, &subject, binding, ended).await
        }
        _ => to_sign_in(&server, browser),
    }
}

/// Ends a connection of the person's own; another person's does not exist (T-ADM-03).
pub(crate) async fn disconnect(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (_, subject, params) = act_as_shown(&server, request).await?;
    let grant = params.one("grant")?.map(|id| Id::from_stored(id.to_owned()));
    let grant = grant.ok_or_else(|| PageFailure::bad_request("No connection was chosen."))?;
    let unit = RevokeOwnGrant { grant: grant.clone(), subject: subject.id, now: server.now() };
    let RevokeOutcome::Revoked { .. } = server.store.write(unit).await? else {
        return back(&server);
    };
    server.announce_change();
    see_other(&format!("{}/account?ended={}", server.config.base_path(), grant.as_str()))
}

/// Chooses the organization that new connections act for.
pub(crate) async fn organization(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (_, subject, params) = act_as_shown(&server, request).await?;
    choose(&server, &subject, params.one("organization")?).await?;
    back(&server)
}

/// Ends the session here, and offers to end the provider's (LO-2). The binding goes as well, so
/// that nothing that was begun goes on under another name (LO-3, T-CB-12).
pub(crate) async fn sign_out(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (session, subject, _) = act(&server, request).await?;
    let at_provider = provider_sign_out(&server, &session, &subject).await;
    server.store.write(EndSession { hash: session.hash, now: server.now() }).await?;
    let html = pages::signed_out(&SignedOut {
        deployment: Deployment { title: &server.config.title },
        at_provider: at_provider
            .as_ref()
            .map(|(name, url)| ProviderSignOut { provider_name: name, url }),
    });
    let mut response = page_response(StatusCode::OK, html, FormTarget::OwnSite);
    let names = CookieNames::of(&server.config);
    for cookie in [names.clear(&names.session), names.clear(&names.binding)].into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Where a provider sends people whom it signed out. Whatever the query says, they stay here
/// (T-UP-13).
pub(crate) async fn signed_out(
    server: Arc<AuthServer>,
    _: Request,
) -> Result<Response, PageFailure> {
    let deployment = Deployment { title: &server.config.title };
    let html = pages::signed_out(&SignedOut { deployment, at_provider: None });
    Ok(page_response(StatusCode::OK, html, FormTarget::OwnSite))
}

/// What every form here needs: a signed-in person, in this browser, with our form.
async fn act(
    server: &AuthServer,
    request: Request,
) -> Result<(Session, Subject, Params), PageFailure> {
    let (parts, params): (Parts, _) = request::form(request).await?;
    let visit = Visit::to_account(server, &parts)?;
    visit.check_form(server, &parts, &params)?;
    let signed_in = find_session(server, &visit.browser).await?;
    let (session, subject) = signed_in.ok_or_else(PageFailure::expired)?;
    Ok((session, subject, params))
}

/// What a form needs that changes something of its person: it must be the one whom the page showed.
async fn act_as_shown(
    server: &AuthServer,
    request: Request,
) -> Result<(Session, Subject, Params), PageFailure> {
    let (session, subject, params) = act(server, request).await?;
    let saw_it = server.csrf.is_of_session(params.one("csrf")?, None, &session.hash);
    if saw_it { Ok((session, subject, params)) } else { Err(left()) }
}

async fn show(
    server: &AuthServer,
    session: &Session,
    subject: &Subject,
    binding: &Plain<BrowserBinding>,
    ended: Option<Grant>,
) -> Result<Response, PageFailure> {
    let organization = match subject.acting_for() {
        Acting::Organization(name) => Some(name),
        Acting::Nobody | Acting::MustChoose(_) => None,
    };
    let mut reader = server.store.read().await?;
    let grants = store::grant::of_subject(reader.conn(), &subject.id).await?;
    drop(reader);
    let since: Vec<String> = grants.iter().map(|grant| date(grant.created_at)).collect();
    let known: Vec<_> = grants.iter().map(|grant| server.resources.find(&grant.resource)).collect();
    let shown = grants.iter().zip(&since).zip(&known);
    let connections: Vec<Connection<'_>> = shown
        .map(|((grant, since), known)| connection(server, grant, known.as_deref(), since))
        .collect();
    let organizations: Vec<&str> =
        subject.identity.organizations.iter().map(String::as_str).collect();
    let html = pages::account(&Account {
        deployment: Deployment { title: &server.config.title },
        action: &format!("{}/account", server.config.base_path()),
        connect: &format!("{}/connect", server.config.base_path()),
        csrf: &server.csrf.token_of_session(None, binding, &session.hash),
        person: AccountHolder {
            name: &subject.identity.name,
            email: subject.identity.email.as_ref().map(|email| email.address.as_str()),
            user_type: server.user_type(subject),
            provider_name: provider_name(server, subject),
        },
        organizations: &organizations,
        organization,
        connections: &connections,
        disconnected: ended.as_ref().map(|grant| shown_client(server, grant)),
    });
    Ok(page_response(StatusCode::OK, html, FormTarget::OwnSite))
}

fn connection<'a>(
    server: &AuthServer,
    grant: &'a Grant,
    known: Option<&'a Resource>,
    since: &'a str,
) -> Connection<'a> {
    Connection {
        id: grant.id.as_str(),
        client: shown_client(server, grant),
        redirect_host: &grant.redirect_host,
        resource: super::transaction::shown_resource(known, &grant.resource),
        organization: grant.organization.as_deref(),
        scopes: grant.scopes,
        since,
    }
}

fn shown_client<'a>(server: &AuthServer, grant: &'a Grant) -> pages::Client<'a> {
    let origin = match () {
        () if server.config.clients.iter().any(|client| client.id == grant.client) => {
            ClientOrigin::Configured
        }
        () if DocumentUrl::is_meant(grant.client.as_str()) => ClientOrigin::Document,
        () => ClientOrigin::Dynamic,
    };
    pages::Client { name: &grant.client_name, standing: standing(origin, &grant.client) }
}

/// The connection that the person has just ended, named in the query. Anybody can make a link with
/// a query, so only what is this person's and has ended counts.
async fn ended(
    server: &AuthServer,
    parts: &Parts,
    subject: &Subject,
) -> Result<Option<Grant>, PageFailure> {
    let params = request::query(parts)?;
    let Some(id) = params.one("ended")? else { return Ok(None) };
    let mut reader = server.store.read().await?;
    let grant = store::grant::find(reader.conn(), &Id::from_stored(id.to_owned())).await?;
    Ok(grant.filter(|grant| grant.subject == subject.id && grant.revoked.is_some()))
}

fn to_sign_in(server: &AuthServer, browser: Browser) -> Result<Response, PageFailure> {
    let names = CookieNames::of(&server.config);
    let binding =
        browser.binding.unwrap_or_else(|| Plain::<BrowserBinding>::generate(&*server.random));
    let mut response = see_other(&format!("{}/sign-in", server.config.base_path()))?;
    if let Some(cookie) = names.set(&names.binding, binding.reveal()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The provider's name and its sign-out URL, if signing out here is to lead there.
async fn provider_sign_out(
    server: &AuthServer,
    session: &Session,
    subject: &Subject,
) -> Option<(String, String)> {
    let SignIn::Providers(providers) = &server.config.sign_in else { return None };
    let provider = providers.iter().find(|p| p.id == subject.identity.provider)?;
    let ProviderKind::Oidc { party, signs_out_there: true, .. } = &provider.kind else {
        return None;
    };
    let sealed = session.logout_hint_sealed.as_deref();
    let hint = sealed.and_then(|sealed| server.open_logout_hint(sealed, &session.hash));
    let return_to = server.config.url("/signed-out");
    match party.logout_url(hint.as_deref(), &return_to, &server.reference()).await {
        Ok(url) => Some((provider.name.clone(), url?)),
        Err(error) => {
            tracing::warn!(provider = provider.id, %error, "no sign-out at the provider");
            None
        }
    }
}

fn provider_name<'a>(server: &'a AuthServer, subject: &'a Subject) -> &'a str {
    let id = subject.identity.provider.as_str();
    match &server.config.sign_in {
        SignIn::Providers(providers) => {
            providers.iter().find(|provider| provider.id == id).map_or(id, |p| p.name.as_str())
        }
        SignIn::Nobody | SignIn::DemoPeople | SignIn::FixedUser(_) => id,
    }
}

fn back(server: &AuthServer) -> Result<Response, PageFailure> {
    see_other(&format!("{}/account", server.config.base_path()))
}

/// The day, as in "on 21 Nov 2026".
fn date(moment: Timestamp) -> String {
    let since_epoch = Duration::from_millis(moment.as_millis().unsigned_abs());
    let http_date = httpdate::fmt_http_date(UNIX_EPOCH + since_epoch);
    // "Sat, 21 Nov 2026 13:20:15 GMT"
    format!("on {}", http_date.get(5..16).unwrap_or(&http_date))
}
