//! What a person signs in for: a client's authorization, or the account page.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::response::Response;
use kernel::{Hashed, Plain};
use model::Authorization;
use model::authorization::{AuthorizationHandle, BrowserBinding};
use net::headers::FormTarget;
use pages::{Asking, Form};
use protocol::params::Params;

use super::transaction::{self, Opened, forged_form, shown_client, step};
use crate::answer::{PageFailure, page_response, see_other};
use crate::browser::{Browser, cookies::CookieNames, is_cross_site};
use crate::config::Resource;
use crate::server::AuthServer;

/// A browser that is about to sign somebody in.
pub(super) struct Visit {
    /// What for.
    purpose: Purpose,
    /// What the browser presented.
    pub(super) browser: Browser,
    /// The binding that the browser proved to have.
    pub(super) binding: Plain<BrowserBinding>,
}

enum Purpose {
    Authorization { handle: Plain<AuthorizationHandle>, authorization: Box<Authorization> },
    Account,
}

impl Visit {
    /// The authorization that `txn` names, in the browser in which it began (AZ-7, AZ-8); without
    /// `txn` the account page, in a browser that has a binding.
    pub(super) async fn open(
        server: &AuthServer,
        parts: &Parts,
        params: &Params,
    ) -> Result<Self, PageFailure> {
        if params.one("txn")?.is_some() {
            return transaction::open(server, parts, params).await.map(Self::from);
        }
        Self::to_account(server, parts)
    }

    /// A visit to the account page, in a browser that has a binding.
    pub(super) fn to_account(server: &AuthServer, parts: &Parts) -> Result<Self, PageFailure> {
        let browser = Browser::of(parts, &CookieNames::of(&server.config));
        let binding = browser.binding.clone().ok_or_else(PageFailure::other_browser)?;
        Ok(Self { purpose: Purpose::Account, browser, binding })
    }

    /// The visit to which somebody comes back, with the handle that waited sealed meanwhile.
    pub(super) async fn reopen(
        server: &AuthServer,
        browser: Browser,
        handle: Option<Plain<AuthorizationHandle>>,
    ) -> Result<Self, PageFailure> {
        if let Some(handle) = handle {
            return transaction::open_handle(server, browser, handle).await.map(Self::from);
        }
        let binding = browser.binding.clone().ok_or_else(PageFailure::other_browser)?;
        Ok(Self { purpose: Purpose::Account, browser, binding })
    }

    /// The authorization, if this is about one.
    pub(super) fn authorization(&self) -> Option<&Authorization> {
        match &self.purpose {
            Purpose::Authorization { authorization, .. } => Some(authorization),
            Purpose::Account => None,
        }
    }

    /// The authorization's handle, if this is about one.
    pub(super) fn handle(&self) -> Option<&Plain<AuthorizationHandle>> {
        match &self.purpose {
            Purpose::Authorization { handle, .. } => Some(handle),
            Purpose::Account => None,
        }
    }

    /// Its hash.
    pub(super) fn handle_hash(&self) -> Option<Hashed<AuthorizationHandle>> {
        self.authorization().map(|authorization| authorization.handle.clone())
    }

    /// A path of ours that goes on with this visit.
    pub(super) fn step(&self, server: &AuthServer, path: &str) -> String {
        match self.handle() {
            Some(handle) => step(server, path, handle),
            None => format!("{}{path}", server.config.base_path()),
        }
    }

    /// Where a person goes who just signed in.
    pub(super) fn onward(&self, server: &AuthServer) -> Result<Response, PageFailure> {
        match &self.purpose {
            Purpose::Authorization { .. } => see_other(&self.step(server, "/auth-bridge")),
            Purpose::Account => see_other(&self.step(server, "/account")),
        }
    }

    /// A page of this visit, whose form may end at a provider.
    pub(super) fn page(html: String) -> Response {
        page_response(http::StatusCode::OK, html, FormTarget::OffSite)
    }

    /// The token for this visit's forms.
    pub(super) fn csrf(&self, server: &AuthServer) -> String {
        server.csrf.token(self.handle(), &self.binding)
    }

    /// A form of this visit.
    pub(super) fn form<'a>(&'a self, action: &'a str, csrf: &'a str) -> Form<'a> {
        Form { action, csrf, txn: self.handle().map(Plain::reveal) }
    }

    /// The resource that is asked for, if it is still served.
    pub(super) fn resource(&self, server: &AuthServer) -> Option<Arc<Resource>> {
        server.resources.find(&self.authorization()?.request.resource)
    }

    /// Who asks, as pages show it, for which resource.
    pub(super) fn asking<'a>(&'a self, resource: Option<&'a Resource>) -> Asking<'a> {
        let Some(authorization) = self.authorization() else {
            return Asking::Account;
        };
        let request = &authorization.request;
        Asking::Authorization {
            client: shown_client(request),
            redirect: &request.redirect_uri,
            resource: super::transaction::shown_resource(resource, &request.resource),
        }
    }

    /// Refuses a form that this visit's page did not make (HD-5, AZ-15, T-LOGIN-01).
    pub(super) fn check_form(
        &self,
        server: &AuthServer,
        parts: &Parts,
        params: &Params,
    ) -> Result<(), PageFailure> {
        let genuine = server.csrf.verify(params.one("csrf")?, self.handle(), &self.binding);
        if genuine && !is_cross_site(parts) { Ok(()) } else { Err(forged_form()) }
    }
}

impl From<Opened> for Visit {
    fn from(opened: Opened) -> Self {
        Self {
            purpose: Purpose::Authorization {
                handle: opened.handle,
                authorization: Box::new(opened.authorization),
            },
            browser: opened.browser,
            binding: opened.binding,
        }
    }
}
