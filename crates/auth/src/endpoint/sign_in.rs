//! `/sign-in`: who are you? Nothing happens at a provider before the person clicks (CO-1, CO-5).
//!
//! ```text
//! begin      the person goes to a provider
//! callback   and comes back
//! acs        or a provider's answer arrives without the person's cookie (SAML)
//! local      or the person has an account here
//! complete   whichever way: a session, and onward
//! ```

mod acs;
mod back_channel;
mod begin;
mod callback;
mod complete;
mod failure;
mod local;
pub(super) mod portal;
mod waiting;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use pages::{Deployment, Offer, Person};
use sso::demo_people;

use super::visit::Visit;
use crate::answer::PageFailure;
use crate::config::SignIn;
use crate::providers::Provider;
use crate::request;
use crate::server::AuthServer;

pub(crate) use self::acs::{metadata, post as acs};
pub(crate) use self::back_channel::post as back_channel_logout;
pub(crate) use self::callback::get as callback;
pub(super) use self::complete::complete;
use self::complete::no_proof;
pub(crate) use self::local::{get as local_page, post as local_form};

/// The sign-in page.
pub(crate) async fn get(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, _) = request.into_parts();
    let params = request::query(&parts)?;
    let visit = Visit::open(&server, &parts, &params).await?;
    match &server.config.sign_in {
        SignIn::DemoPeople => Ok(show_people(&server, &visit)),
        SignIn::Providers(providers) => show_providers(&server, &visit, providers, None),
        SignIn::FixedUser(identity) => complete(&server, &visit, no_proof(identity.clone())).await,
        SignIn::Nobody => Err(failure::nobody()),
    }
}

/// The person's choice.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, params): (Parts, _) = request::form(request).await?;
    let visit = Visit::open(&server, &parts, &params).await?;
    visit.check_form(&server, &parts, &params)?;
    match &server.config.sign_in {
        SignIn::DemoPeople => {
            let chosen = params.one("user")?.and_then(demo_people::find);
            let person = chosen.ok_or_else(nobody_chosen)?;
            complete(&server, &visit, no_proof(person.identity())).await
        }
        SignIn::Providers(providers) => {
            let email = params.one("email")?;
            let chosen = match (params.one("provider")?, email) {
                (Some(id), _) => providers.iter().find(|provider| provider.id == id),
                (None, Some(email)) => at_home(providers, email),
                (None, None) => None,
            };
            match (chosen, email) {
                (Some(provider), _) => {
                    begin::begin(&server, &visit, request::peer(&parts), provider, email).await
                }
                (None, Some(_)) => show_providers(&server, &visit, providers, Some(UNKNOWN)),
                (None, None) => Err(nobody_chosen()),
            }
        }
        SignIn::FixedUser(_) | SignIn::Nobody => Err(nobody_chosen()),
    }
}

const UNKNOWN: &str = "We know no sign-in for that address. Check it, or choose one below.";

/// Home-realm discovery: the provider whose people have addresses of this domain. Whether there is
/// such a person is the provider's to say.
fn at_home<'a>(providers: &'a [Provider], email: &str) -> Option<&'a Provider> {
    let (_, domain) = email.trim().rsplit_once('@')?;
    let is_home = |known: &String| known.eq_ignore_ascii_case(domain);
    providers.iter().find(|provider| provider.domains.iter().any(is_home))
}

fn show_people(server: &AuthServer, visit: &Visit) -> Response {
    let people = demo_people::PEOPLE.map(|person| Person {
        id: person.key,
        name: person.name,
        user_type: person.user_type,
    });
    show(server, visit, Offer::People(&people), None)
}

fn show_providers(
    server: &AuthServer,
    visit: &Visit,
    providers: &[Provider],
    notice: Option<&str>,
) -> Result<Response, PageFailure> {
    let open_here: Vec<&Provider> =
        providers.iter().filter(|provider| begin::can_begin(server, visit, provider)).collect();
    if open_here.is_empty() {
        return Err(failure::only_from_an_app());
    }
    let shown: Vec<pages::Provider<'_>> = open_here
        .iter()
        .map(|provider| pages::Provider { id: &provider.id, name: &provider.name })
        .collect();
    // One provider needs no question about where somebody belongs.
    let find_by_email =
        open_here.len() > 1 && open_here.iter().any(|provider| !provider.domains.is_empty());
    Ok(show(server, visit, Offer::Providers { providers: &shown, find_by_email }, notice))
}

fn show(server: &AuthServer, visit: &Visit, offer: Offer<'_>, notice: Option<&str>) -> Response {
    let action = format!("{}/sign-in", server.config.base_path());
    let html = pages::sign_in(&pages::SignIn {
        deployment: Deployment { title: &server.config.title },
        form: visit.form(&action, &visit.csrf(server)),
        asking: visit.asking(visit.resource(server).as_deref()),
        offer,
        notice,
    });
    Visit::page(html)
}

fn nobody_chosen() -> PageFailure {
    PageFailure::bad_request("No way to sign in was chosen.")
}
