//! Connections to upstreams whose messages are read here instead of passed untouched: across
//! eras, and wherever the transport is not Streamable HTTP.

pub mod child;
pub mod legacy;
pub mod opening;
pub(crate) mod pipe;
pub(crate) mod pool;
mod response_stream;
mod server_message;
pub(crate) mod session_state;
pub(crate) mod sse;
pub mod streamable;
mod trouble;

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::UserType;
use std::sync::Arc;
use tokio::sync::broadcast;

pub use response_stream::ResponseStream;
pub use server_message::{Kind, Outcome, ServerMessage};
pub use trouble::ConnectionError;

use crate::shares::Whose;

/// On whose behalf a message goes to an upstream.
#[derive(Clone)]
pub struct Caller {
    /// The person and the client.
    pub whose: Whose,
    /// What kind of user the person is.
    pub user_type: UserType,
    /// The headers that tell the upstream who calls.
    pub identity: Arc<[(HeaderName, HeaderValue)]>,
    /// The client's harmless headers: trace context and user agent.
    pub headers: HeaderMap,
}

/// A request to an upstream, ready to be sent.
#[derive(Clone, Debug)]
pub struct Question {
    /// Our id for it, unique on its connection. A question that wants progress uses the same number as
    /// its `progressToken`, which is how news of it finds back.
    pub id: u64,
    /// The JSON-RPC method.
    pub method: Box<str>,
    /// The whole JSON-RPC message.
    pub text: String,
    /// Headers that mirror the body (2026-07-28); only HTTP has a use for them.
    pub mirrors: Vec<(HeaderName, HeaderValue)>,
}

/// One connection, or one session, to an upstream.
pub trait Connection: Send + Sync {
    /// Sends a request. The stream yields every message that belongs to this request, its response
    /// last; dropping it before that cancels the request.
    fn ask<'a>(
        &'a self,
        caller: &'a Caller,
        question: Question,
    ) -> BoxFuture<'a, Result<ResponseStream, ConnectionError>>;

    /// Sends what wants no answer: a notification, or the answer to a question of the server's.
    fn tell<'a>(
        &'a self,
        caller: &'a Caller,
        text: String,
    ) -> BoxFuture<'a, Result<(), ConnectionError>>;

    /// What the server says on no request's account. The first listener opens whatever it takes.
    fn listen(&self, caller: &Caller) -> broadcast::Receiver<Arc<ServerMessage>>;

    /// Waits briefly until the stream for that is open, so that nothing the server says is lost.
    /// Where there is nothing to open it stands at once.
    fn listens(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Tells the connection which revision `initialize` agreed on.
    fn agreed(&self, version: &str);

    /// Whether it can still be used. Once false, never true again.
    fn is_open(&self) -> bool;

    /// Ends it, as far as that is not so already.
    fn close(&self, caller: &Caller);
}
