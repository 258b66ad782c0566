//! A panic costs the request in which it happens and nothing else, and tells no secrets.

use std::any::Any;
use std::panic::{AssertUnwindSafe, PanicHookInfo, set_hook};

use futures_util::FutureExt as _;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full};
use kernel::SecureRandom;
use kernel::encoding::base64url;

use super::app::{AuthBody, Body};

/// The answer, or 500 with a reference to the log if making it panics.
pub(super) async fn contained(
    random: &dyn SecureRandom,
    answer: impl Future<Output = Response<Body>> + Unpin,
) -> Response<Body> {
    // Whatever the request had begun is dropped with it; what requests share is behind locks that
    // are poisoned, or in the database, where half of a unit of work is never seen.
    let answered = AssertUnwindSafe(answer).catch_unwind().await;
    answered.unwrap_or_else(|_| failed(random))
}

/// From now on panics are reported in the log: where, and with which words if these stand in the
/// program. Words that were put together at run time are withheld, because what an `unwrap` shows
/// may hold a token, and standard error usually ends in the same log.
pub(crate) fn report_in_log() {
    set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map(tracing::field::display);
        tracing::error!(place, message = fixed_words(panic.payload()), "panicked");
    }));
}

fn fixed_words(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("(withheld: it shows values)")
}

fn failed(random: &dyn SecureRandom) -> Response<Body> {
    let mut reference = [0; 6];
    random.fill(&mut reference);
    let reference = base64url(&reference);
    tracing::error!(%reference, "a handler panicked; the request was answered with 500");
    let body = serde_json::json!({
        "error": "server_error",
        "error_description": format!("unexpected failure; the log has the reference {reference}"),
    });
    let mut response = Response::new(Either::Right(AuthBody::new(Full::from(body.to_string()))));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::panic::take_hook;

    use http::Request;
    use hyper::body::Incoming;
    use kernel::OsRandom;
    use net::server::{Limits, Workers, serve};
    use testkit::{CapturedLog, Place, random};
    use tokio::net::TcpListener;

    use super::*;

    fn handler(request: &Request<Incoming>, secret: &str) -> Response<Body> {
        match request.uri().path() {
            "/shows" => panic!("cannot read {secret}"),
            "/fixed" => panic!("these words stand in the program"),
            _ => Response::new(Either::Right(AuthBody::from("served"))),
        }
    }

    /// T-LOG-03: 500 with a reference that the log has too, the process goes on, and what the
    /// panic shows is nowhere.
    #[tokio::test]
    async fn t_log_03_a_panic_costs_one_request() {
        let log = CapturedLog::start();
        let secret = random();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = secret.clone();
        let answer = move |request, _| {
            let told = told.clone();
            let handled = async move { handler(&request, &told) };
            async move { contained(&OsRandom::new(), Box::pin(handled)).await }
        };
        let (limits, workers) = (Limits::default(), Workers::here());
        let serving = serve(listener, limits, workers, answer, std::future::pending());
        let serving = tokio::spawn(serving);
        let place = Place::new(&url, &url);
        let usual = take_hook();
        report_in_log();
        let shows = place.get(&place.at("/shows")).await;
        let fixed = place.get(&place.at("/fixed")).await;
        set_hook(usual);
        let served = place.get(&place.at("/")).await;
        assert_eq!((served.status, served.body.as_str()), (200, "served"));
        for failed in [&shows, &fixed] {
            failed.refuses(500, "server_error");
            let json = failed.json();
            let description = json["error_description"].as_str().unwrap();
            let (_, reference) = description.rsplit_once(' ').unwrap();
            assert_eq!(reference.len(), 8, "{description}");
            assert!(log.text().contains(reference), "{reference}: {}", log.text());
            assert!(!failed.body.contains(&secret) && !failed.body.contains("panics.rs"));
        }
        log.is_free_of([secret.as_str()]);
        let text = log.text();
        assert_eq!(text.matches("panics.rs:").count(), 2, "{text}");
        assert!(text.contains("these words stand in the program"), "{text}");
        assert!(!text.contains("cannot read"), "{text}");
        assert!(!serving.is_finished());
    }
}
