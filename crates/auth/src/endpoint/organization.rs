//! A person with several organizations says for which one the client is to act, after sign-in and
//! before consent. `POST /authorize/organization` remembers it.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use model::{Stage, Subject};
use net::headers::FormTarget;
use pages::{Deployment, Form};
use store::unit::{ChooseOrganization, ChooseOrganizationOutcome};

use super::consent;
use super::transaction::{Decider, Opened, open, shown_client, step};
use crate::answer::{PageFailure, page_response, see_other};
use crate::request;
use crate::server::AuthServer;

/// The question.
pub(super) fn ask(server: &AuthServer, opened: &Opened, decider: &Decider) -> Response {
    let subject = &decider.subject;
    let organizations: Vec<&str> =
        subject.identity.organizations.iter().map(String::as_str).collect();
    let html = pages::choose_organization(&pages::ChooseOrganization {
        deployment: Deployment { title: &server.config.title },
        form: Form {
            action: &format!("{}/authorize/organization", server.config.base_path()),
            csrf: &opened.csrf_of(server, decider),
            txn: Some(opened.handle.reveal()),
        },
        person: &subject.identity.name,
        organizations: &organizations,
        remembered: subject.organization.as_deref(),
        client: shown_client(&opened.authorization.request),
    });
    // "Cancel" sends the refusal to the client, as "Deny" does on the consent page.
    page_response(StatusCode::OK, html, FormTarget::OffSite)
}

/// The answer, or one of the ways out.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, PageFailure> {
    let (parts, params) = request::form(request).await?;
    let opened = open(&server, &parts, &params).await?;
    opened.check_form(&server, &parts, &params)?;
    if let Stage::Resumed { .. } = &opened.authorization.stage {
        let decider = opened.decider(&server, &params).await?;
        consent::still_registered(&server, &opened).await?;
        match params.one("decision")? {
            Some("deny") => return consent::deny(&server, &opened, decider).await,
            Some("switch") => return consent::switch(&server, &opened).await,
            _ => choose(&server, &decider.subject, params.one("organization")?).await?,
        }
    }
    see_other(&step(&server, "/authorize/resume", &opened.handle))
}

/// Remembers the choice, if it is one of the person's organizations.
pub(super) async fn choose(
    server: &AuthServer,
    subject: &Subject,
    organization: Option<&str>,
) -> Result<(), PageFailure> {
    let organization = organization.ok_or_else(not_a_member)?.to_owned();
    if server.disabled.has_organization(&organization) {
        return Err(not_a_member());
    }
    let unit = ChooseOrganization { subject: subject.id.clone(), organization, now: server.now() };
    match server.store.write(unit).await? {
        ChooseOrganizationOutcome::Chosen => Ok(()),
        ChooseOrganizationOutcome::NotAMember => Err(not_a_member()),
    }
}

fn not_a_member() -> PageFailure {
    PageFailure::bad_request("You don't belong to that organization.")
}
