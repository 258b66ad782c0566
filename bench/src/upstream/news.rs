//! Streams that stand: `subscriptions/listen`, and the GET of a session.
//!
//! Changes are numbered by the clock of the process, so that whoever misses one can tell, however
//! many streams it opened meanwhile.

use futures_util::{StreamExt as _, stream};
use http_body_util::StreamBody;
use tokio::time::Instant;

use super::Events;
use super::events::framed;
use crate::tool;

/// Whether anything changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    Never,
    Ticks,
}

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// MCP 2026-07-28, "Subscriptions": what was asked for is acknowledged, then news follow, marked
/// with the request they answer.
pub(super) fn subscribed(id: &str, filter: &str, news: News, start: Instant) -> Events {
    let acknowledged = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"_meta":{{"{SUBSCRIPTION}":{id}}},"notifications":{filter}}}}}"#
    );
    let mark = format!(r#","{SUBSCRIPTION}":{id}"#);
    let first = stream::iter([Ok(framed(&acknowledged))]);
    StreamBody::new(first.chain(ticks(mark, news, start)).boxed())
}

/// MCP 2025-11-25, "Listening for Messages from the Server".
pub(super) fn standing(news: News, start: Instant) -> Events {
    StreamBody::new(ticks(String::new(), news, start).boxed())
}

fn ticks(
    mark: String,
    news: News,
    start: Instant,
) -> impl futures_util::Stream<Item = Result<hyper::body::Frame<bytes::Bytes>, std::convert::Infallible>>
{
    let next = 1 + ticked(start);
    stream::unfold((next, mark), move |(number, mark)| async move {
        if news == News::Never {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep_until(start + tool::TICK * number).await;
        let uri = tool::TICKS;
        let message = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"uri":"{uri}","_meta":{{"tick":{number}{mark}}}}}}}"#
        );
        Some((Ok(framed(&message)), (number + 1, mark)))
    })
}

fn ticked(start: Instant) -> u32 {
    let ticks = start.elapsed().as_millis() / tool::TICK.as_millis();
    u32::try_from(ticks).unwrap_or(u32::MAX)
}
