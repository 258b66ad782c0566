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
