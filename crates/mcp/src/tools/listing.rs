//! Asks a server for its tools, for our own knowledge: what the consent page shows, and which
//! arguments have headers. Nobody is shown this list.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::UserType;
use protocol::mcp::{METHOD_HEADER, MODERN_REVISION};
use serde_json::value::RawValue;
use upstream::Transport;
use upstream::connection::legacy::{LegacyPeer, question};
use upstream::connection::{Caller, Connection, ConnectionError, Outcome, Question};
use upstream::shares::Whose;
use upstream::wire::json::{Members, quoted};
use upstream::{Upstream, own_declaration};

use crate::outbound::{Cause, Probe};

/// How many pages of a list are read.
const MAX_PAGES: usize = 50;
const LIST: &str = "tools/list";

/// Where the pages come from.
enum Source {
    Modern(Arc<Box<dyn Connection>>),
    Legacy(Arc<LegacyPeer>),
}

/// Asks for all tools on behalf of `caller`, in whichever generation of MCP the server speaks, and
/// hands over one page after the other, each the result of one `tools/list`.
///
/// # Errors
///
/// Why a page cannot be had; those before it were handed over.
pub(crate) async fn list(
    upstream: &Arc<Upstream>,
    caller: &Caller,
    mut page: impl FnMut(&RawValue),
) -> Result<(), ConnectionError> {
    let speaks = upstream.speaks(caller).await?;
    // D-62: a stream of 2024-11-05 carries nothing modern, whatever the configuration says.
    if speaks.modern && upstream.transport != Transport::HttpSse {
        match list_modern(upstream, caller, &mut page).await {
            // A server that was said to speak both may speak one of them.
            Err(error) if speaks.legacy && is_no_list(error) => {}
            listed => return listed,
        }
    }
    let peer = upstream.legacy_peer(caller, &own_declaration(), None).await?;
    let listed = Source::Legacy(Arc::clone(&peer)).pages(upstream, caller, &mut page).await;
    // Sessions of clients declare something else, so this one is of no more use. Where it is
    // everybody's, somebody else may be asking in it.
    if !upstream.is_shared_by_everyone() {
        peer.close();
    }
    listed
}

/// The same as a modern client, whose arguments alone have headers.
pub(crate) async fn list_modern(
    upstream: &Arc<Upstream>,
    caller: &Caller,
    mut page: impl FnMut(&RawValue),
) -> Result<(), ConnectionError> {
    let source = Source::Modern(upstream.modern_connection(caller).await?);
    source.pages(upstream, caller, &mut page).await
}

/// Whether the server did answer, but with no list.
fn is_no_list(error: ConnectionError) -> bool {
    matches!(
        error,
        ConnectionError::Garbled
            | ConnectionError::Unclaimed
            | ConnectionError::Refused(_)
            | ConnectionError::SessionGone
    )
}

/// Nobody in particular: what is asked on their behalf carries no identity.
pub(crate) fn nobody(user_type: UserType) -> Caller {
    let whose = Whose { principal: [0; 32], person: [0; 32] };
    Caller { whose, user_type, identity: Arc::default(), headers: HeaderMap::new() }
}

impl Source {
    async fn pages(
        &self,
        upstream: &Upstream,
        caller: &Caller,
        page: &mut impl FnMut(&RawValue),
    ) -> Result<(), ConnectionError> {
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let cause = Cause::from(Probe::Tools);
            let asked = match self {
                Self::Modern(connection) => {
                    let question = modern(upstream.next_id(), cursor.as_deref());
                    cause.ask(&***connection, caller, question).await?
                }
                Self::Legacy(peer) => {
                    let params = cursor.map(|cursor| cursor_member(&cursor));
                    let params = params.map(|member| format!("{{{member}}}"));
                    cause.ask_peer(peer, caller, (peer.next_id(), LIST), params.as_deref()).await?
                }
            };
            let answer = asked.answer().await?;
            let Outcome::Result(result) = answer.outcome()? else {
                return Err(ConnectionError::Garbled);
            };
            page(result);
            let members = Members::read(result.get()).map_err(|_| ConnectionError::Garbled)?;
            cursor = members.text("nextCursor");
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// A `tools/list` of a modern client that declares no capabilities (MCP 2026-07-28, "Per-request metadata").
fn modern(id: u64, cursor: Option<&str>) -> Question {
    let cursor = cursor.map(|cursor| format!("{},", cursor_member(cursor))).unwrap_or_default();
    let params = format!(
        "{{{cursor}\"_meta\":{{\"io.modelcontextprotocol/protocolVersion\":\"{MODERN_REVISION}\",\
         \"io.modelcontextprotocol/clientCapabilities\":{{}},\
         \"io.modelcontextprotocol/clientInfo\":{}}}}}",
        own_declaration().client_info
    );
    let mut question = question(id, LIST, Some(&params));
    let method = (HeaderName::from_static(METHOD_HEADER), HeaderValue::from_static(LIST));
    question.mirrors.push(method);
    question
}

fn cursor_member(cursor: &str) -> String {
    format!("\"cursor\":{}", quoted(cursor))
}
