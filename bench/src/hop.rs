//! The reference hop: the least that an authenticating hop can do on hyper, to know what is within
//! reach. It checks the token, reads which tool is called, and passes bytes on, on one thread. There
//! is no policy, session, limit, timeout, log or record.

mod pool;
mod tokens;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};

use crate::cli;
use pool::{Lent, Pool};
use tokens::Tokens;

type Body = Either<Full<Bytes>, Lent>;

/// What all connections share, on the one thread that there is.
struct Hop {
    tokens: Tokens,
    pool: Rc<Pool>,
    /// The upstream's name for itself.
    host: HeaderValue,
}

/// What a gateway has to know of a message before it can judge it.
#[derive(Deserialize)]
struct Message<'a> {
    method: &'a str,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    name: Option<&'a str>,
}

/// Serves until the process ends.
pub(crate) async fn serve(options: &cli::Hop) -> anyhow::Result<()> {
    let hop = Rc::new(Hop {
        tokens: Tokens::of(options.issuer).await?,
        pool: Rc::new(Pool::to(options.upstream)),
        host: HeaderValue::from_str(&options.upstream.to_string())?,
    });
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listener = TcpListener::bind(address).await?;
    LocalSet::new().run_until(accept(listener, hop)).await
}

async fn accept(listener: TcpListener, hop: Rc<Hop>) -> anyhow::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let hop = Rc::clone(&hop);
        let service = service_fn(move |request| {
            let hop = Rc::clone(&hop);
            async move { Ok::<_, Infallible>(hop.answer(request).await.unwrap_or_else(refused)) }
        });
        // A client that goes away is nobody's mistake.
        spawn_local(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn refused(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = status;
    response
}

impl Hop {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, StatusCode> {
        let (mut head, body) = request.into_parts();
        let credential = head.headers.remove(AUTHORIZATION);
        let token = credential.as_ref().and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        if !token.is_some_and(|token| self.tokens.is_good(token)) {
            return Err(StatusCode::UNAUTHORIZED);
        }
        let body = body.collect().await.map_err(|_| StatusCode::BAD_REQUEST)?.to_bytes();
        if !may_pass(&body) {
            return Err(StatusCode::BAD_REQUEST);
        }
        head.headers.insert(HOST, self.host.clone());
        let request = Request::from_parts(head, Full::new(body));
        let response = self.pool.send(request).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
        Ok(response.map(Either::Right))
    }
}

/// A call names its tool. A gateway would look up here whether it is allowed.
fn may_pass(body: &[u8]) -> bool {
    let Ok(message) = serde_json::from_slice::<Message<'_>>(body) else { return false };
    message.method != "tools/call" || message.params.is_some_and(|params| params.name.is_some())
}
