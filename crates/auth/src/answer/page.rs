//! Answers to people: pages with their security headers, and redirects.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER,
};
use net::headers::FormTarget;
use net::host::BadHost;
use pages::{Deployment, Failure};
use protocol::error::RETRY_AFTER_SECONDS;
use protocol::params::ParamsError;
use sso::ProviderError;
use store::StoreError;

use super::client::Chain;
use crate::server::AuthServer;

/// Why a person gets an error page. These never redirect anywhere (AZ-2, RU-8).
#[derive(Debug)]
pub(crate) enum PageFailure {
    /// The request cannot go on; the page says why and what to do.
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The error in a few words.
        title: &'static str,
        /// What happened.
        what_happened: String,
        /// What the person can do.
        what_to_do: &'static str,
    },
    /// An identity provider did not answer, or not in a way to go on with.
    Provider {
        /// The provider's id, for the log.
        id: String,
        /// The provider's name, for the person.
        name: String,
        /// What went wrong; for the log only (UP-7).
        error: ProviderError,
    },
    /// More people are signing in than the server allows at once (T-AZ-28).
    Overloaded,
    /// One network begins more sign-ins than people do.
    TooFast,
    /// Storage is away; trying again later helps.
    Unavailable(StoreError),
    /// Something that should not happen.
    Unexpected(Box<dyn std::error::Error + Send + Sync>),
}

impl PageFailure {
    /// A request that some program made wrongly.
    pub(crate) fn bad_request(what_happened: impl Into<String>) -> Self {
        Self::Refused {
            status: StatusCode::BAD_REQUEST,
            title: "This request cannot be used",
            what_happened: what_happened.into(),
            what_to_do: "Go back to the app that sent you here and connect again. If it happens \
                         again, tell the app's maker or your administrator.",
        }
    }

    /// The request was sent to another name than ours.
    pub(crate) fn bad_host(bad: BadHost) -> Self {
        Self::Refused {
            status: match bad {
                BadHost::NotOne => StatusCode::BAD_REQUEST,
                BadHost::NotOurs => StatusCode::MISDIRECTED_REQUEST,
            },
            title: "This server goes by another name",
            what_happened: format!("It was opened at an address that isn't its own: {bad}."),
            what_to_do: "Open it at the address you were given. If another page sent you here, \
                         don't use that page.",
        }
    }

    /// The transaction is over, or never was.
    pub(crate) fn expired() -> Self {
        Self::Refused {
            status: StatusCode::BAD_REQUEST,
            title: "This sign-in is no longer open",
            what_happened: "It expired or was already used.".into(),
            what_to_do: "Go back to the app that sent you here and connect again.",
        }
    }

    /// The browser is not the one in which the transaction began (AZ-7).
    pub(crate) fn other_browser() -> Self {
        Self::Refused {
            status: StatusCode::FORBIDDEN,
            title: "This sign-in began in another browser",
            what_happened: "To keep you safe, it can only be finished in the browser where it \
                            began, with cookies switched on."
                .into(),
            what_to_do: "Go back to the app that sent you here and connect again. If somebody \
                         sent you this link, don't use it.",
        }
    }
}

impl From<StoreError> for PageFailure {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() {
            Self::Unavailable(error)
        } else {
            Self::Unexpected(error.into())
        }
    }
}

impl From<ParamsError> for PageFailure {
    fn from(error: ParamsError) -> Self {
        Self::bad_request(format!("The request is malformed: {error}."))
    }
}

impl From<protocol::OAuthError> for PageFailure {
    fn from(error: protocol::OAuthError) -> Self {
        Self::bad_request(format!("The request is malformed: {}.", error.description))
    }
}

/// Turns a handler's result into a response and logs what went wrong, once.
pub(crate) fn answer_person(
    server: &AuthServer,
    result: Result<Response, PageFailure>,
) -> Response {
    let failure = match result {
        Ok(response) => return response,
        Err(failure) => failure,
    };
    let reference = server.reference();
    match failure {
        PageFailure::Refused { status, title, what_happened, what_to_do } => {
            tracing::info!(%reference, status = status.as_u16(), title, what_happened, "page refused");
            error_page(server, status, title, &what_happened, what_to_do, &reference)
        }
        PageFailure::Provider { id, name, error } => {
            tracing::warn!(%reference, provider = id, %error, "sign-in at a provider failed");
            server.meter.signed_in(server.config.kind_of(&id), "failed");
            provider_page(server, &name, &error, &reference)
        }
        PageFailure::Overloaded => {
            tracing::warn!(%reference, "too many authorizations are open");
            try_again(server, "Too many people are signing in right now.", &reference)
        }
        PageFailure::TooFast => {
            tracing::warn!(%reference, "too many sign-ins begin in one network");
            let mut response =
                try_again(server, "Too many sign-ins were started from your network.", &reference);
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response
        }
        PageFailure::Unavailable(cause) => {
            tracing::warn!(%reference, error = %Chain(&cause), "storage is unavailable");
            let what_happened = "The server cannot reach its database. Nothing was changed.";
            try_again(server, what_happened, &reference)
        }
        PageFailure::Unexpected(cause) => {
            tracing::error!(%reference, error = %Chain(&*cause), "unexpected failure");
            error_page(
                server,
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong",
                "The server could not finish this. Nothing was allowed.",
                "Try again. If it happens again, give the reference to your administrator.",
                &reference,
            )
        }
    }
}

/// A page with its headers.
pub(crate) fn page_response(status: StatusCode, html: String, form_target: FormTarget) -> Response {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    net::headers::page(headers, &format!("'{}'", pages::style_hash()), form_target);
    response
}

/// A 303, the only redirect we send: it never repeats a POST or its body (OA-5, T-AZ-32).
pub(crate) fn see_other(location: &str) -> Result<Response, PageFailure> {
    let location =
        HeaderValue::from_str(location).map_err(|error| PageFailure::Unexpected(error.into()))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    net::headers::nosniff(headers);
    Ok(response)
}

/// What a person reads of a provider's trouble: which kind it is and what helps, and a reference
/// with which the administrator finds the rest.
fn provider_page(
    server: &AuthServer,
    name: &str,
    error: &ProviderError,
    reference: &str,
) -> Response {
    let (status, title, what_happened) = match error {
        ProviderError::Unavailable(_) => {
            let what_happened = format!("{name} does not answer at the moment.");
            return try_again(server, &what_happened, reference);
        }
        ProviderError::Refused { code, .. } => (
            StatusCode::FORBIDDEN,
            "The sign-in was refused",
            format!("{name} answered \u{201c}{code}\u{201d}."),
        ),
        ProviderError::Rejected(_) => (
            StatusCode::FORBIDDEN,
            "The sign-in could not be verified",
            format!("We couldn't confirm the sign-in from {name}."),
        ),
        ProviderError::Incomplete(_) => (
            StatusCode::FORBIDDEN,
            "Something is missing from the sign-in",
            format!("{name} didn't tell us everything we need to know about you."),
        ),
        ProviderError::Misconfigured(_) => (
            StatusCode::BAD_GATEWAY,
            "Sign-in isn't set up correctly",
            format!("This server and {name} aren't set up to work together yet."),
        ),
    };
    let what_to_do = "Go back to the app that sent you here and connect again. If it happens \
                      again, give your administrator this reference; the server's log has the \
                      reason beside it.";
    error_page(server, status, title, &what_happened, what_to_do, reference)
}

/// 503 with the time after which trying again makes sense.
fn try_again(server: &AuthServer, what_happened: &str, reference: &str) -> Response {
    let mut response = error_page(
        server,
        StatusCode::SERVICE_UNAVAILABLE,
        "Please try again in a moment",
        what_happened,
        "Reload this page in a few seconds.",
        reference,
    );
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    response
}

fn error_page(
    server: &AuthServer,
    status: StatusCode,
    title: &str,
    what_happened: &str,
    what_to_do: &str,
    reference: &str,
) -> Response {
    let html = pages::failure(&Failure {
        deployment: Deployment { title: &server.config.title },
        status: status.as_u16(),
        title,
        what_happened,
        what_to_do,
        reference: Some(reference),
    });
    page_response(status, html, FormTarget::OwnSite)
}
