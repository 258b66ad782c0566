//! Not written yet.

use bytes::Bytes;
use protocol::jsonrpc::Message;

use crate::forward::Call;
use crate::judge::Way;
use crate::reply::Answer;

pub(crate) async fn answer(
    call: &Call<'_>,
    _message: &Message<'_>,
    _way: Way,
    _body: Bytes,
) -> Answer {
    std::future::ready(Err(call.bad_gateway("this is not bridged yet"))).await
}

/// GET: the standing stream of a session that the sidecar holds.
pub(crate) async fn listen(call: &Call<'_>) -> Answer {
    std::future::ready(Err(call.bad_gateway("this is not bridged yet"))).await
}

/// DELETE: the client ends its session.
pub(crate) async fn end(call: &Call<'_>) -> Answer {
    std::future::ready(Err(call.bad_gateway("this is not bridged yet"))).await
}
