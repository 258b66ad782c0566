//! Asks a server for its tools, for our own knowledge: what the consent page shows, and which
//! arguments have headers. Nobody is shown this list.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::UserType;
use protocol::mcp::method::TOOLS_LIST;
use protocol::mcp::{METHOD_HEADER, member};
use serde_json::value::RawValue;
use upstream::Transport;
use upstream::connection::legacy::{LegacyPeer, question};
use upstream::connection::{Caller, Connection, ConnectionError, Outcome, Question};
use upstream::shares::Whose;
use upstream::wire::json::{Members, Object, quoted};
use upstream::{Upstream, own_declaration, own_meta};

use crate::outbound::{Cause, Probe};

/// How many pages of a list are read.
const MAX_PAGES: usize = 50;

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
                    let params = cursor.map(|cursor| after(Some(&cursor)).finish());
                    let question = (peer.next_id(), TOOLS_LIST);
                    cause.ask_peer(peer, caller, question, params.as_deref()).await?
                }
            };
            let answer = asked.answer().await?;
            let Outcome::Result(result) = answer.outcome()? else {
                return Err(ConnectionError::Garbled);
            };
            page(result);
            let members = Members::read(result.get()).map_err(|_| ConnectionError::Garbled)?;
            cursor = members.text(member::NEXT_CURSOR);
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// A `tools/list` of a modern client that declares no capabilities.
fn modern(id: u64, cursor: Option<&str>) -> Question {
    let mut params = after(cursor);
    params.member(member::META, &own_meta());
    let mut question = question(id, TOOLS_LIST, Some(&params.finish()));
    let method = (HeaderName::from_static(METHOD_HEADER), HeaderValue::from_static(TOOLS_LIST));
    question.mirrors.push(method);
    question
}

/// The parameters that ask for the page at this cursor.
fn after(cursor: Option<&str>) -> Object {
    let mut params = Object::with_capacity(256);
    if let Some(cursor) = cursor {
        params.member(member::CURSOR, &quoted(cursor));
    }
    params
}
