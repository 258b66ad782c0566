//! The tools of a server of 2024-11-05, asked for in nobody's name (D-62).

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};

use crate::request::{Endpoint, Shared};
use crate::tools::lists::filter::{Message, answers, read};
use crate::upstream::connection::sse::{Opened, open_stream};
use crate::upstream::http::{BackendId, Outgoing};
use crate::upstream::wire::reader::Reader;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"wicketgate","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;

/// The answer to `tools/list`. The session ends with the stream.
pub(super) async fn fetch(shared: &Shared, server: &Endpoint) -> Option<Vec<u8>> {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/event-stream"))]);
    let opened = open_stream(&server.upstream, headers, shared.limits.list_bytes).await.ok()?;
    let Opened { mut reader, backend, path } = opened;
    let post = |text| post(server, (backend, path.clone()), text);
    post(INITIALIZE).await?;
    answer(&mut reader, "1").await?;
    post(INITIALIZED).await?;
    post(LIST).await?;
    answer(&mut reader, "2").await
}

async fn post(
    server: &Endpoint,
    (backend, path): (BackendId, Option<PathAndQuery>),
    text: &'static str,
) -> Option<()> {
    let json = HeaderValue::from_static("application/json");
    let outgoing = Outgoing {
        method: Method::POST,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, json)]),
        body: Bytes::from_static(text.as_bytes()),
        backend: Some(backend),
        path,
        standing: false,
    };
    let sent = server.upstream.http.send(outgoing).await.ok()?;
    sent.response.status().is_success().then_some(())
}

async fn answer(reader: &mut Reader, id: &str) -> Option<Vec<u8>> {
    while let Some(event) = reader.next().await.ok()? {
        let message = event.message();
        let is_answer = |text: &Vec<u8>| !matches!(read(text), Ok(Message::Other));
        if let Some(message) = message.filter(|text| is_answer(text) && answers(text, Some(id))) {
            return Some(message);
        }
    }
    None
}
