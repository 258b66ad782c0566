//! `/sign-in`: who are you? Nothing happens at a provider before the person clicks (CO-1, CO-5).

use std::sync::Arc;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use kernel::{Id, Plain};
use model::person::SessionSecret;
use model::{Identity, Subject};
use net::headers::FormTarget;
use pages::{Deployment, Form, Offer, Person};
use sso::demo_people;
use store::unit::{SignIn as SignInUnit, SignInOutcome};

use super::transaction::{Opened, open, shown_client, step};
use crate::answer::{PageFailure, page_response, see_other};
use crate::browser::cookies::CookieNames;
use crate::config::SignIn;
use crate::request;
use crate::server::AuthServer;

/// Seconds for which a browser stays signed in.
const SESSION_LIFETIME: i64 = 8 * 60 * 60;

/// The sign-in page.
pub(crate) async fn get(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, _) = request.into_parts();
    let params = request::query(&parts)?;
    let opened = open(&server, &parts, &params).await?;
    match &server.config.sign_in {
        SignIn::DemoPeople => Ok(show(&server, &opened)),
        SignIn::FixedUser(identity) => sign_in(&server, &opened, identity.clone()).await,
        SignIn::Nobody => Err(nobody()),
    }
}

/// The person's choice.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, params): (Parts, _) = request::form(request).await?;
    let opened = open(&server, &parts, &params).await?;
    opened.check_form(&server, &parts, &params)?;
    let chosen = match &server.config.sign_in {
        SignIn::DemoPeople => params.one("user")?.and_then(demo_people::find),
        SignIn::FixedUser(_) | SignIn::Nobody => None,
    };
    let person = chosen.ok_or_else(|| PageFailure::bad_request("Nobody was chosen."))?;
    sign_in(&server, &opened, person.identity()).await
}

/// Makes the session and sends the person back over the bridge. The session is a new one, whatever
/// the browser had before (AZ-10).
async fn sign_in(
    server: &AuthServer,
    opened: &Opened,
    identity: Identity,
) -> Result<Response, PageFailure> {
    let now = server.now();
    let session = Plain::<SessionSecret>::generate(&*server.chance);
    let candidate = Subject {
        id: Id::generate(&*server.chance),
        identity,
        user_type: protocol::UserType::Basic,
        disabled_at: None,
    };
    let unit = SignInUnit {
        user_type: server.user_type(&candidate),
        candidate_id: candidate.id,
        identity: candidate.identity,
        session: (session.hash(), now.plus_seconds(SESSION_LIFETIME)),
        replaces: opened.browser.session.as_ref().map(Plain::hash),
        now,
    };
    match server.store.write(unit).await? {
        SignInOutcome::SignedIn(subject) => {
            tracing::info!(subject.id = %subject.id, provider = subject.identity.provider, "signed in");
        }
        SignInOutcome::Disabled => return Err(disabled()),
    }
    let names = CookieNames::of(&server.config);
    let mut response = see_other(&step(server, "/auth-bridge", &opened.handle))?;
    if let Some(cookie) = names.set(&names.session, session.reveal()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

fn show(server: &AuthServer, opened: &Opened) -> Response {
    let request = &opened.authorization.request;
    let people = demo_people::PEOPLE.map(|person| Person {
        id: person.key,
        name: person.name,
        user_type: person.user_type,
    });
    let html = pages::sign_in(&pages::SignIn {
        deployment: Deployment { title: &server.config.title },
        form: Form {
            action: &format!("{}/sign-in", server.config.base_path()),
            csrf: &opened.csrf(server),
            txn: opened.handle.reveal(),
        },
        client: shown_client(request),
        redirect: &request.redirect_uri,
        resource: super::consent::shown_resource(server, &request.resource),
        offer: Offer::People(&people),
        notice: None,
    });
    page_response(StatusCode::OK, html, FormTarget::OffSite)
}

fn nobody() -> PageFailure {
    PageFailure::Refused {
        status: StatusCode::SERVICE_UNAVAILABLE,
        title: "Nobody can sign in here yet",
        what_happened: "No sign-in provider is configured.".into(),
        what_to_do: "Ask your administrator to configure one: see [sign_in] in the configuration \
                     reference.",
    }
}

fn disabled() -> PageFailure {
    PageFailure::Refused {
        status: StatusCode::FORBIDDEN,
        title: "Your access is switched off",
        what_happened: "An administrator has disabled your account here.".into(),
        what_to_do: "Ask your administrator if you think that this is a mistake.",
    }
}
