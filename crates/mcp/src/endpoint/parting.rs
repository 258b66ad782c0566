//! What a client does last with a token that is no longer good: it opens its idle stream again, or
//! ends its session. Answered with 401, each of these would open a window in which somebody is to
//! sign in for nothing.
//!
//! So they are answered without, but only where the token was really one for this server, is at its
//! end, and the session is that very principal's. Everything else stays 401, which tells nobody
//! whether a session is there.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Method, StatusCode};
use protocol::mcp::{ACCESS_ENDED, SESSION_HEADER};

use crate::access::bearer;
use crate::endpoint::message::Admitted;
use crate::endpoint::server::Server;
use crate::observe::RequestRecord;
use crate::reply::{Answer, Fault};
use crate::request::Shared;
use crate::{endpoint, reply};

/// How long the upstream may take to hear that a session ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// The answer to such a request; `None` for every other.
pub(crate) async fn answer(
    shared: &Arc<Shared>,
    server: &Arc<Server>,
    parts: &Parts,
    record: &RequestRecord,
) -> Option<Answer> {
    let last = matches!(parts.method, Method::GET | Method::DELETE);
    if !last || !parts.headers.contains_key(SESSION_HEADER) {
        return None;
    }
    let unverified = bearer::credential(&parts.headers).ok()??;
    let permit = server.endpoint.verifier.ended(unverified).await?;
    let (method, headers) = (parts.method.clone(), &parts.headers);
    let admitted = Admitted { shared, server, permit, method, headers, record };
    admitted.session(None).ok()??;
    let _counted = shared.in_flight.take(admitted.permit.whose())?;
    record.admitted(&admitted.permit);
    record.because("access_ended");
    Some(match admitted.method {
        Method::DELETE => {
            // Nobody is there any more to hear of trouble.
            let _ = tokio::time::timeout(PATIENCE, endpoint::end_session(&admitted)).await;
            Ok(reply::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(no_stream()),
    })
}

/// Clients take it as the sign that there is no stream to open, and go on without.
fn no_stream() -> reply::Refused {
    let (status, code) = (StatusCode::METHOD_NOT_ALLOWED, ACCESS_ENDED);
    let message = "access ended; the next request says how to sign in again";
    Fault { status, code, message }.for_id(None).allowing("POST, DELETE")
}
