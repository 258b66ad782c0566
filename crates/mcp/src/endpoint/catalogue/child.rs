//! The tools of a program. It is started on behalf of the person who is asked to consent, as it will
//! be for their calls, and counts among their programs.

use http::{HeaderName, HeaderValue};
use protocol::mcp::{METHOD_HEADER, MODERN_REVISION};

use crate::outbound::{Cause, Probe};
use crate::request::Endpoint;
use crate::upstream::connection::legacy::question;
use crate::upstream::connection::{Caller, ConnectionError, ServerMessage};
use crate::upstream::own_declaration;

const LIST: &str = "tools/list";

/// The answer to `tools/list`.
pub(super) async fn fetch(server: &Endpoint, caller: &Caller) -> Option<Vec<u8>> {
    let answer = list(server, caller).await;
    answer.ok().map(|answer| answer.text.to_vec())
}

async fn list(server: &Endpoint, caller: &Caller) -> Result<ServerMessage, ConnectionError> {
    let upstream = &server.upstream;
    let (declared, cause) = (own_declaration(), Cause::from(Probe::Tools));
    if upstream.speaks(caller).await?.modern {
        let connection = upstream.modern_connection(caller).await?;
        let params = format!(
            "{{\"_meta\":{{\"io.modelcontextprotocol/protocolVersion\":\"{MODERN_REVISION}\",\
             \"io.modelcontextprotocol/clientCapabilities\":{{}},\
             \"io.modelcontextprotocol/clientInfo\":{}}}}}",
            declared.client_info
        );
        let mut question = question(upstream.next_id(), LIST, Some(&params));
        question
            .mirrors
            .push((HeaderName::from_static(METHOD_HEADER), HeaderValue::from_static(LIST)));
        return cause.ask(&**connection, caller, question).await?.answer().await;
    }
    let peer = upstream.legacy_peer(caller, &declared, None).await?;
    let asked = cause.ask_peer(&peer, caller, (peer.next_id(), LIST), None).await;
    let answered = match asked {
        Ok(answer) => answer.answer().await,
        Err(error) => Err(error),
    };
    // Sessions of clients declare something else, so this one is of no more use. Where it is
    // everybody's, somebody else may be asking in it.
    if !upstream.is_shared_by_everyone() {
        peer.close();
    }
    answered
}
