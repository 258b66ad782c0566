//! How clients of each generation ask for news.

use serde_json::Value;

use crate::ask::{Ask, Era, STATELESS_META, What};
use crate::lane::{Lane, Place};
use crate::standing::Standing;
use crate::template::MARKER;
use crate::tool;
use crate::wire::Wire;

use anyhow::ensure;

/// What is subscribed to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    /// What never happens.
    Lists,
    /// What happens again and again.
    Ticks,
}

/// A subscription of a modern client, acknowledged in full.
pub(crate) async fn listen(
    lane: &Lane,
    place: &Place,
    interest: Interest,
) -> anyhow::Result<Standing> {
    let filter = match interest {
        Interest::Lists => r#"{"toolsListChanged":true}"#.to_owned(),
        Interest::Ticks => format!(r#"{{"resourceSubscriptions":["{}"]}}"#, tool::TICKS),
    };
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":{MARKER},"method":"subscriptions/listen","params":{{"notifications":{filter},"_meta":{{{STATELESS_META}}}}}}}"#
    );
    let headers = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\n";
    let request = lane.request(place, headers, &body);
    let mut standing = Standing::open(lane.address, &request).await?;
    let first: Value = serde_json::from_str(&standing.next().await?)?;
    ensure!(
        first["method"] == "notifications/subscriptions/acknowledged"
            && first["params"]["notifications"] == serde_json::from_str::<Value>(&filter)?
            && first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == MARKER,
        "the subscription was not acknowledged as asked for: {first}"
    );
    Ok(standing)
}

/// The standing stream of a legacy client that has subscribed.
pub(crate) async fn stand(lane: &Lane, place: &Place) -> anyhow::Result<Standing> {
    let ask = Ask { what: What::List, era: Era::Sessions };
    let mut wire = Wire::connect(lane.address).await?;
    let session = lane.session(&mut wire, ask, place).await?;
    let headers = ask.headers(session.as_deref());
    let subscribe = format!(
        r#"{{"jsonrpc":"2.0","id":{MARKER},"method":"resources/subscribe","params":{{"uri":"{}"}}}}"#,
        tool::TICKS
    );
    let answer = wire.ask(&lane.request(place, &headers, &subscribe)).await?;
    let message: Value = serde_json::from_slice(answer.body)?;
    ensure!(message["result"].is_object(), "resources/subscribe: {message}");
    let (path, host) = (place.path, lane.address);
    let token = place.token.as_deref().unwrap_or_default();
    let get = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench\r\n\
         Accept: text/event-stream\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
    );
    Standing::open(lane.address, get.as_bytes()).await
}
