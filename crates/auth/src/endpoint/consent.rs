//! The consent page and `POST /authorize/consent` (CO-1 to CO-9).
//!
//! `granted = requested ∩ ceiling ∩ user type ∩ ticked`. The first two were applied when the
//! request was frozen; the other two are applied here.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use kernel::Plain;
use model::code::CodeSecret;
use model::person::Acting;
use model::{ClientOrigin, Code, Stage, Subject};
use net::headers::FormTarget;
use pages::{Consent, Deployment, Earlier, Form, Lifetime, ScopeChoice, Tick};
use protocol::catalogue::Consenting;
use protocol::params::Params;
use protocol::redirect_uri::RedirectKind;
use protocol::{OAuthErrorCode, RedirectUri, Scope, Scopes};
use store::unit::{
    Approve, ApproveOutcome, Consent as Yes, DeniedBy, Deny, DenyOutcome, EndSession,
};

use super::organization;
use super::refuse::{Refused, refuse};
use super::remembered::Offer;
use super::transaction::{
    Decider, Opened, already_done, error_params, open, return_to_client, shown_client,
    shown_resource, step,
};
use crate::answer::{PageFailure, page_response, see_other};
use crate::browser::cookies::CookieNames;
use crate::config::Resource;
use crate::request;
use crate::server::AuthServer;

/// The consent page for a person who came back from sign-in.
pub(super) async fn show(
    server: &AuthServer,
    opened: &Opened,
    decider: &Decider,
) -> Result<Response, PageFailure> {
    let subject = &decider.subject;
    let request = &opened.authorization.request;
    let Some(resource) = server.resources.find(&request.resource) else {
        return not_served(server, opened);
    };
    if !server.may_use(subject, &request.resource) {
        return Err(not_for(&resource, subject));
    }
    if matches!(subject.acting_for(), Acting::MustChoose(_)) {
        return Ok(organization::ask(server, opened, decider));
    }
    let person = Consenting {
        user_type: server.user_type(subject),
        sub: subject.id.as_str().to_owned(),
        client_id: request.client.as_str().to_owned(),
        organization: acting_for(subject).map(str::to_owned),
    };
    let offer = Offer::of(server, opened, subject).await?;
    if offer.scopes.is_empty() {
        return nothing_to_offer(server, opened);
    }
    let asks_again = refused_lately(server, opened).await?;
    let catalogue = server.tools(&request.resource, person).await;
    let scopes: Vec<ScopeChoice> = offer
        .scopes
        .iter()
        .map(|scope| (scope, offer.earlier(scope)))
        .map(|(scope, earlier)| ScopeChoice {
            scope,
            tick: tick(scope, earlier, &request.redirect_uri),
            earlier,
        })
        .collect();
    let config = &server.config;
    let html = pages::consent(&Consent {
        deployment: Deployment { title: &config.title },
        form: Form {
            action: &format!("{}/authorize/consent", config.base_path()),
            csrf: &opened.csrf_of(server, decider),
            txn: Some(opened.handle.reveal()),
        },
        client: shown_client(request),
        asks_again,
        redirect: &request.redirect_uri,
        resource: shown_resource(Some(&resource), &request.resource),
        person: &subject.identity.name,
        organization: acting_for(subject).map(|name| pages::Organization {
            name,
            may_change: subject.identity.organizations.len() > 1,
        }),
        scopes: &scopes,
        catalogue: catalogue.as_ref().map(|tools| tools.as_slice()),
        lifetime: Lifetime {
            access: seconds(config.access_token_lifetime),
            idle: Some(seconds(config.refresh_token_lifetime)),
            account_url: Some(&config.url("/account")),
        },
    });
    Ok(page_response(StatusCode::OK, html, FormTarget::OffSite))
}

/// The person's decision.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, params): (Parts, _) = request::form(request).await?;
    let opened = open(&server, &parts, &params).await?;
    opened.check_form(&server, &parts, &params)?;
    match &opened.authorization.stage {
        Stage::Resumed { .. } => {}
        Stage::Pending => return see_other(&step(&server, "/auth-bridge", &opened.handle)),
        Stage::Approved | Stage::Denied => return Ok(already_done(&server, &opened)),
    }
    let decider = opened.decider(&server, &params).await?;
    still_registered(&server, &opened).await?;
    match params.one("decision")? {
        Some("allow") => allow(&server, &opened, &params, decider).await,
        Some("deny") => deny(&server, &opened, decider).await,
        Some("organization") => Ok(organization::ask(&server, &opened, &decider)),
        Some("switch") => switch(&server, &opened).await,
        _ => Err(PageFailure::bad_request("Please choose Allow or Deny.")),
    }
}

async fn allow(
    server: &AuthServer,
    opened: &Opened,
    params: &Params,
    decider: Decider,
) -> Result<Response, PageFailure> {
    let subject = &decider.subject;
    let Some(resource) = server.resources.find(&opened.authorization.request.resource) else {
        return not_served(server, opened);
    };
    if !server.may_use(subject, &resource.uri) {
        return Err(not_for(&resource, subject));
    }
    // What the page said is what is granted: a change in another tab shows the page anew, and so
    // does an answer before the choice of an organization.
    let must_choose = matches!(subject.acting_for(), Acting::MustChoose(_));
    if must_choose || params.one("organization")? != acting_for(subject) {
        return see_other(&step(server, "/authorize/resume", &opened.handle));
    }
    let offered = Offer::of(server, opened, subject).await?.scopes;
    let scopes = ticked(params, opened.authorization.request.scopes, offered);
    if scopes.is_empty() {
        return Err(PageFailure::bad_request(
            "You ticked nothing. Tick at least one, or choose Deny.",
        ));
    }
    approve(server, opened, decider, scopes, Yes::Given).await
}

/// Makes a code for these scopes and sends it to the client.
pub(super) async fn approve(
    server: &AuthServer,
    opened: &Opened,
    decider: Decider,
    scopes: Scopes,
    consent: Yes,
) -> Result<Response, PageFailure> {
    let Decider { session, subject, authenticated_at } = decider;
    let organization = acting_for(&subject).map(str::to_owned);
    let request = &opened.authorization.request;
    let now = server.now();
    let code = Plain::<CodeSecret>::generate(&*server.random);
    let unit = Approve {
        handle: opened.authorization.handle.clone(),
        browser: opened.authorization.browser.clone(),
        consent,
        client_metadata: request.client_metadata.clone(),
        code: Code {
            hash: code.hash(),
            client: request.client.clone(),
            client_name: request.client_name.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            resource: request.resource.clone(),
            scopes,
            subject: subject.id.clone(),
            organization,
            authenticated_at,
            created_at: now,
            expires_at: now.plus_seconds(server.config.code_lifetime),
            failed_redemptions: 0,
            redeemed_as: None,
        },
        subject: subject.id,
        session: session.hash,
        now,
    };
    match server.store.write(unit).await? {
        ApproveOutcome::Approved => {}
        ApproveOutcome::Completed => return Ok(already_done(server, opened)),
        ApproveOutcome::Forgotten => {
            return see_other(&step(server, "/authorize/resume", &opened.handle));
        }
        ApproveOutcome::Gone => return Err(PageFailure::expired()),
    }
    tracing::info!(client.id = %request.client, scopes = %scopes, consent.remembered = consent != Yes::Given, "consent given");
    answer(server, opened, &[("code", code.reveal())])
}

/// CO-8: a refusal is final for this transaction.
pub(super) async fn deny(
    server: &AuthServer,
    opened: &Opened,
    decider: Decider,
) -> Result<Response, PageFailure> {
    let unit = Deny {
        handle: opened.authorization.handle.clone(),
        browser: opened.authorization.browser.clone(),
        by: DeniedBy::Session(decider.subject.id, decider.session.hash),
        now: server.now(),
    };
    match server.store.write(unit).await? {
        DenyOutcome::Denied => {
            let error = OAuthErrorCode::AccessDenied.because("the person refused");
            answer(server, opened, &error_params(&error))
        }
        DenyOutcome::Completed => Ok(already_done(server, opened)),
        DenyOutcome::Gone => Err(PageFailure::expired()),
    }
}

/// "Not you?": the session ends and the sign-in page comes again, in the same transaction.
pub(super) async fn switch(server: &AuthServer, opened: &Opened) -> Result<Response, PageFailure> {
    if let Some(session) = &opened.browser.session {
        server.store.write(EndSession { hash: session.hash(), now: server.now() }).await?;
    }
    let names = CookieNames::of(&server.config);
    let mut response = see_other(&step(server, "/sign-in", &opened.handle))?;
    if let Some(cookie) = names.clear(&names.session) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

fn answer(
    server: &AuthServer,
    opened: &Opened,
    params: &[(&str, &str)],
) -> Result<Response, PageFailure> {
    let request = &opened.authorization.request;
    let client = shown_client(request);
    return_to_client(server, client, &request.redirect_uri, request.state.as_deref(), params)
}

/// RU-12: what was registered when the transaction began may be gone by now, and then nothing is
/// sent there (T-RU-20).
pub(super) async fn still_registered(
    server: &AuthServer,
    opened: &Opened,
) -> Result<(), PageFailure> {
    let request = &opened.authorization.request;
    if request.client_origin == ClientOrigin::Document {
        // What its document said when the transaction began is what counts to the end (CI-15).
        let is_off = server.disabled.has_client(&request.client);
        return if is_off { Err(PageFailure::expired()) } else { Ok(()) };
    }
    let client = server.registered(&request.client).await?;
    client
        .filter(|client| client.admits_redirect(&request.redirect_uri))
        .map(drop)
        .ok_or_else(PageFailure::expired)
}

/// The organization to act for, unless there is none or it is yet to be chosen.
pub(super) fn acting_for(subject: &Subject) -> Option<&str> {
    match subject.acting_for() {
        Acting::Organization(name) => Some(name),
        Acting::Nobody | Acting::MustChoose(_) => None,
    }
}

/// The server is not for this person, whatever the scopes. The person can still be somebody else.
fn not_for(resource: &Resource, subject: &Subject) -> PageFailure {
    let title = &resource.title;
    PageFailure::Refused {
        status: StatusCode::FORBIDDEN,
        title: "You don't have access to this server",
        what_happened: format!(
            "{} doesn't have access to {}.",
            subject.identity.name,
            if title.is_empty() { "this server" } else { title },
        ),
        what_to_do: "Ask your administrator for access. If you have another account, sign out on \
                     the account page and connect again.",
    }
}

/// Some clients ask a second time at once after a refusal (observed: Codex). The person should know that it
/// is the same one.
async fn refused_lately(server: &AuthServer, opened: &Opened) -> Result<bool, PageFailure> {
    let authorization = &opened.authorization;
    let (browser, client) = (&authorization.browser, &authorization.request.client);
    let mut reader = server.store.read().await?;
    let conn = reader.conn();
    Ok(store::authorization::refused_lately(conn, browser, client, server.now()).await?)
}

/// What was ticked, of what was offered; reading is not optional where it was asked for.
fn ticked(params: &Params, requested: Scopes, offered: Scopes) -> Scopes {
    let ticked: Scopes = params.all("scope").filter_map(Scope::parse).collect();
    ticked.or(Scopes::READ.and(requested)).and(offered)
}

/// Administrative scopes are a deliberate choice: once for a site, and each time where any program on the
/// computer could say that it is this client.
fn tick(scope: Scope, earlier: Earlier, redirect: &RedirectUri) -> Tick {
    let is_of_a_site = matches!(redirect.kind(), RedirectKind::Web { .. });
    match scope {
        Scope::Read => Tick::Fixed,
        Scope::Write => Tick::On,
        _ if earlier == Earlier::Allowed && is_of_a_site => Tick::On,
        Scope::ProcessAdmin | Scope::Admin => Tick::Off,
    }
}

/// The resource was taken out of the configuration since the transaction began (RFC 8707 §2).
fn not_served(server: &AuthServer, opened: &Opened) -> Result<Response, PageFailure> {
    let error = OAuthErrorCode::InvalidTarget.because("this resource is not served here any more");
    refuse(server, &Refused::from(&opened.authorization.request), &error)
}

/// Nothing of what the client asked for is open to this kind of user.
fn nothing_to_offer(server: &AuthServer, opened: &Opened) -> Result<Response, PageFailure> {
    let error = OAuthErrorCode::AccessDenied
        .because("none of the requested scopes is available to this user type");
    refuse(server, &Refused::from(&opened.authorization.request), &error)
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(count.unsigned_abs())
}
