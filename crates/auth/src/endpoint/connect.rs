//! `GET /connect`: how to connect a client, for people.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use net::headers::FormTarget;
use pages::{Audience, Connect, Deployment};

use crate::answer::{PageFailure, page_response};
use crate::config::SignIn;
use crate::server::AuthServer;

/// The connect page of the default server.
pub(crate) async fn get(server: Arc<AuthServer>, _: Request) -> Result<Response, PageFailure> {
    let config = &server.config;
    let resource = server.resources.default().ok_or_else(PageFailure::expired)?;
    let html = pages::connect(&Connect {
        deployment: Deployment { title: &config.title },
        resource: pages::Resource {
            title: &resource.title,
            url: resource.uri.as_str(),
            words: &resource.scope_words,
        },
        key: "wicketgate",
        account: &format!("{}/account", config.base_path()),
        audience: match config.sign_in {
            SignIn::DemoPeople | SignIn::FixedUser(_) => Audience::Visitors,
            SignIn::Nobody | SignIn::Providers(_) => Audience::Members,
        },
    });
    Ok(page_response(StatusCode::OK, html, FormTarget::OwnSite))
}
