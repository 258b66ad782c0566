//! Which URL leads to which endpoint.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, any, get, options, post};
use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};

use crate::answer::{
    ClientFailure, PageFailure, answer_client, answer_person, not_here, page_response,
};
use crate::endpoint::{
    account, authorize, bridge, connect, consent, documents, introspect, organization, register,
    resume, revoke, sign_in, status,
};
use crate::server::AuthServer;
use crate::{audit, token};

/// The authorization server's routes, at the issuer's path and in the host-root forms that
/// discovery asks for (RFC 8414 §3.1, MCP authorization-server-discovery).
pub fn router(server: Arc<AuthServer>) -> Router {
    let base = server.config.base_path().to_owned();
    let at = |path: &str| format!("{base}{path}");
    let mut router = Router::new()
        .route(&at("/jwks"), document(documents::jwks))
        .route(&at("/openapi.json"), document(documents::description))
        .route(&at("/status/{list}"), document_of(status::get))
        .route(&at("/register"), registration(&server))
        .route(&at("/token"), for_clients(token::post))
        .route(&at("/revoke"), for_clients(revoke::post))
        .route(&at("/introspect"), for_servers(introspect::post))
        .route(&at(protocol::audit::REPORT_PATH), for_clients(audit::post))
        .route(&at("/authorize"), page(authorize::get))
        .route(&at("/authorize/resume"), page(resume::get))
        .route(&at("/authorize/consent"), form(consent::post))
        .route(&at("/sign-in"), page(sign_in::get).merge(form(sign_in::post)))
        .route(&at("/authorize/organization"), form(organization::post))
        .route(
            &at("/sign-in/{provider}"),
            page(sign_in::local_page).merge(form(sign_in::local_form)),
        )
        .route(&at("/sign-in/{provider}/callback"), page(sign_in::callback))
        .route(
            &at("/sign-in/{provider}/backchannel-logout"),
            for_clients(sign_in::back_channel_logout),
        )
        .route(&at("/saml/{provider}/acs"), form(sign_in::acs))
        .route(&at("/saml/{provider}/metadata"), page(sign_in::metadata))
        .route(&at("/auth-bridge"), page(bridge::get))
        .route(&at("/oauth-auth-bridge"), page(bridge::get))
        .route(&at("/account"), page(account::get))
        .route(&at("/account/disconnect"), form(account::disconnect))
        .route(&at("/account/organization"), form(account::organization))
        .route(&at("/account/sign-out"), form(account::sign_out))
        .route(&at("/signed-out"), page(account::signed_out))
        .route(&at("/connect"), page(connect::get));
    for path in metadata_paths(&base) {
        router = router.route(&path, document(documents::metadata));
    }
    router
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&server), for_our_host))
        .with_state(server)
}

/// Every place in which clients look for the metadata of an issuer with this path.
fn metadata_paths(base: &str) -> Vec<String> {
    let names = ["oauth-authorization-server", "openid-configuration"];
    let inserted = names.map(|name| format!("/.well-known/{name}{base}"));
    let appended = names.map(|name| format!("{base}/.well-known/{name}"));
    let mut paths: Vec<String> = inserted.into_iter().chain(appended).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

type Server = Arc<AuthServer>;

/// Refuses what was sent to another name than ours, where nothing but the network says who somebody
/// is (A13): a name that was made to point here would make any page one of our own.
async fn for_our_host(State(server): State<Server>, request: Request, next: Next) -> Response {
    if !server.config.trusts_the_network() {
        return next.run(request).await;
    }
    match net::host::check(request.uri(), request.headers(), &server.config.allowed_hosts) {
        Ok(()) => next.run(request).await,
        Err(bad) => answer_person(&server, Err(PageFailure::bad_host(bad))),
    }
}

/// A public document that needs no request.
fn document(read: fn(&AuthServer) -> Response) -> MethodRouter<Server> {
    get(async move |State(server): State<Server>| read(&server)).merge(options(preflight))
}

/// A public document that depends on the URL.
fn document_of<F, A>(read: F) -> MethodRouter<Server>
where
    F: Fn(Server, Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, ClientFailure>> + Send,
{
    get(move |State(server): State<Server>, request: Request| {
        let answer = read(Arc::clone(&server), request);
        async move { answer_client(&server, answer.await) }
    })
    .merge(options(preflight))
}

/// An endpoint that programs post to.
fn for_clients<F, A>(handle: F) -> MethodRouter<Server>
where
    F: Fn(Server, Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, ClientFailure>> + Send,
{
    post(move |State(server): State<Server>, request: Request| {
        let answer = handle(Arc::clone(&server), request);
        async move { answer_client(&server, answer.await) }
    })
    .merge(options(preflight))
}

/// An endpoint that servers post to: no page in a browser has business there.
fn for_servers<F, A>(handle: F) -> MethodRouter<Server>
where
    F: Fn(Server, Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, ClientFailure>> + Send,
{
    post(move |State(server): State<Server>, request: Request| {
        let answer = handle(Arc::clone(&server), request);
        async move {
            let mut answer = answer_client(&server, answer.await);
            net::headers::not_for_browsers(answer.headers_mut());
            answer
        }
    })
}

/// Whatever the method, an endpoint that is switched off is not there (A15).
fn registration(server: &AuthServer) -> MethodRouter<Server> {
    if server.config.registration.enabled {
        return for_clients(register::post);
    }
    any(async || {
        not_here("dynamic registration is switched off; ask the administrator for a client id")
    })
}

/// A page. HEAD is not taken for GET here, because these GETs do something (T-AZ-30).
fn page<F, A>(handle: F) -> MethodRouter<Server>
where
    F: Fn(Server, Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, PageFailure>> + Send,
{
    get(move |State(server): State<Server>, request: Request| {
        let answer =
            (request.method() != Method::HEAD).then(|| handle(Arc::clone(&server), request));
        async move {
            match answer {
                Some(answer) => answer_person(&server, answer.await),
                None => method_not_allowed("GET"),
            }
        }
    })
}

/// A form that people post.
fn form<F, A>(handle: F) -> MethodRouter<Server>
where
    F: Fn(Server, Request) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, PageFailure>> + Send,
{
    post(move |State(server): State<Server>, request: Request| {
        let answer = handle(Arc::clone(&server), request);
        async move { answer_person(&server, answer.await) }
    })
}

async fn preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    net::headers::preflight(response.headers_mut());
    response
}

async fn not_found() -> Response {
    not_here("nothing is here")
}

/// The router adds `Allow`.
async fn wrong_method() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

fn method_not_allowed(allow: &'static str) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response = page_response(status, String::new(), net::headers::FormTarget::OwnSite);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}
