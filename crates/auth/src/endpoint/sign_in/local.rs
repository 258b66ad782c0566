//! `/sign-in/{provider}` for accounts of our own: a user name, a password, and a code if the
//! account has one.
//!
//! An unknown name, a wrong password, a disabled and a locked account look the same and take the
//! same time (T-LOGIN-02, T-LOGIN-03). A lock keeps strangers out and not the person: a browser in
//! which the person signed in before goes by a count of its own ([`model::device`]).

mod attempt;
mod ticket;

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use model::Account;
use net::headers::FormTarget;
use pages::{Deployment, LocalSignIn, SecondFactor};
use protocol::Identity;
use protocol::identity::Email;
use protocol::params::Params;

use self::attempt::{Attempt, Right, Verdict};
use self::ticket::Ticket;
use super::complete::{complete, no_proof};
use super::failure::{find, last_segment_but, no_such_provider};
use crate::answer::{PageFailure, page_response};
use crate::browser::cookies::CookieNames;
use crate::endpoint::visit::Visit;
use crate::providers::{Provider, ProviderKind};
use crate::request;
use crate::server::AuthServer;

const WRONG: &str = "Wrong user name or password, or too many attempts. \
                     Check them, or wait a few minutes.";
const WRONG_CODE: &str = "That code is wrong or already used, or there were too many attempts. \
                          Wait for the next one, or for ten minutes.";

/// The form.
pub(crate) async fn get(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, _) = request.into_parts();
    let provider = local(&server, last_segment_but(&parts.uri, ""))?;
    let params = request::query(&parts)?;
    let visit = Visit::open(&server, &parts, &params).await?;
    Ok(ask_password(&server, &visit, provider, "", None))
}

/// The form's answer: the password, or the code after it.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let id = last_segment_but(request.uri(), "").to_owned();
    let provider = local(&server, &id)?;
    let (parts, params) = request::form(request).await?;
    let visit = Visit::open(&server, &parts, &params).await?;
    visit.check_form(&server, &parts, &params)?;
    let attempt = Attempt::of(&server, &parts);
    match params.one("ticket")? {
        None => password(&server, &visit, provider, &attempt, &params).await,
        Some(ticket) => code(&server, &visit, provider, &attempt, ticket, &params).await,
    }
}

async fn password(
    server: &AuthServer,
    visit: &Visit,
    provider: &Provider,
    attempt: &Attempt,
    params: &Params,
) -> Result<Response, PageFailure> {
    let username = params.one("username")?.unwrap_or_default().trim().to_lowercase();
    let password = params.one("password")?.unwrap_or_default();
    match attempt.password(server, &username, password).await? {
        Verdict::Right(right) => finish(server, visit, provider, *right).await,
        Verdict::NeedsCode(account) => Ok(ask_code(server, visit, provider, &account, None)),
        Verdict::Wrong => Ok(ask_password(server, visit, provider, &username, Some(WRONG))),
    }
}

async fn code(
    server: &AuthServer,
    visit: &Visit,
    provider: &Provider,
    attempt: &Attempt,
    ticket: &str,
    params: &Params,
) -> Result<Response, PageFailure> {
    let ticket = Ticket::open(server, visit, ticket).ok_or_else(PageFailure::expired)?;
    let account = attempt::find(server, &ticket).await?.ok_or_else(PageFailure::expired)?;
    let code = params.one("code")?.unwrap_or_default();
    match attempt.code(server, &account, code).await? {
        Verdict::Right(right) => finish(server, visit, provider, *right).await,
        Verdict::NeedsCode(_) => Ok(ask_code(server, visit, provider, &account, None)),
        Verdict::Wrong => Ok(ask_code(server, visit, provider, &account, Some(WRONG_CODE))),
    }
}

/// The browser is remembered as one in which this person signed in.
async fn finish(
    server: &AuthServer,
    visit: &Visit,
    provider: &Provider,
    right: Right,
) -> Result<Response, PageFailure> {
    let proof = no_proof(identity(provider, right.account));
    let mut response = complete(server, visit, proof).await?;
    let names = CookieNames::of(&server.config);
    if let Some(cookie) = names.set_device(right.device.reveal()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The operator typed the address, so rules may rely on it.
fn identity(provider: &Provider, account: Account) -> Identity {
    Identity {
        provider: provider.id.clone(),
        external_id: account.id.as_str().to_owned(),
        name: account.name,
        email: account.email.map(|address| Email { address, verified: true }),
        groups: account.groups,
        ..Identity::default()
    }
}

fn ask_password(
    server: &AuthServer,
    visit: &Visit,
    provider: &Provider,
    username: &str,
    notice: Option<&str>,
) -> Response {
    let html = pages::local_sign_in(&LocalSignIn {
        deployment: Deployment { title: &server.config.title },
        form: visit.form(&action(server, provider), &visit.csrf(server)),
        provider_name: &provider.name,
        asking: visit.asking(visit.resource(server).as_deref()),
        username,
        notice,
        other_ways: Some(&visit.step(server, "/sign-in")),
    });
    page(html, notice)
}

fn ask_code(
    server: &AuthServer,
    visit: &Visit,
    provider: &Provider,
    account: &Account,
    notice: Option<&str>,
) -> Response {
    let html = pages::second_factor(&SecondFactor {
        deployment: Deployment { title: &server.config.title },
        form: visit.form(&action(server, provider), &visit.csrf(server)),
        ticket: &Ticket::of(account).seal(server, visit),
        notice,
    });
    page(html, notice)
}

/// The answer redirects on to the client, so the form may lead off-site.
fn page(html: String, notice: Option<&str>) -> Response {
    let status = if notice.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    page_response(status, html, FormTarget::OffSite)
}

fn action(server: &AuthServer, provider: &Provider) -> String {
    format!("{}/sign-in/{}", server.config.base_path(), provider.id)
}

fn local<'a>(server: &'a AuthServer, id: &str) -> Result<&'a Provider, PageFailure> {
    let provider = find(server, id)?;
    matches!(provider.kind, ProviderKind::Local).then_some(provider).ok_or_else(no_such_provider)
}
