//! The door: only the gateway may speak for people, and everybody behind it has a name or none.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use subtle::ConstantTimeEq as _;

use crate::identity::{Identity, header};
use crate::records::Workflow;

/// What the door needs to know.
pub(crate) struct Gate {
    secret: Option<String>,
    workflow: Arc<Workflow>,
}

/// Lets a request in, with its [`Caller`](crate::caller::Caller) attached, or answers it.
pub(crate) async fn admit(
    State(gate): State<Arc<Gate>>,
    mut request: Request,
    next: Next,
) -> Response {
    if !gate.trusts(request.headers()) {
        let help = "this server speaks to its gateway only; send X-Wicketgate-Key";
        return (StatusCode::UNAUTHORIZED, help).into_response();
    }
    // Nothing behind the door has a use for the credential, so nothing can leak it.
    request.headers_mut().remove(header::KEY);
    let identity = match Identity::from_headers(request.headers()) {
        Ok(identity) => identity,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    match gate.workflow.recognise(identity) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(full) => (StatusCode::SERVICE_UNAVAILABLE, full.to_string()).into_response(),
    }
}

impl Gate {
    pub(crate) fn new(secret: Option<String>, workflow: Arc<Workflow>) -> Self {
        Self { secret, workflow }
    }

    /// Whether the request carries the shared secret exactly once, or none is configured. An empty
    /// secret is a mistake in the configuration and opens the door to nobody.
    fn trusts(&self, headers: &HeaderMap) -> bool {
        let Some(secret) = &self.secret else {
            return true;
        };
        let mut presented = headers.get_all(header::KEY).iter();
        match (presented.next(), presented.next()) {
            (Some(unverified), None) => {
                !secret.is_empty() && unverified.as_bytes().ct_eq(secret.as_bytes()).into()
            }
            _ => false,
        }
    }
}
