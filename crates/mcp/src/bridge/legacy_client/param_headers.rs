//! Headers that mirror single arguments of a tool call (D-51, C-15).

use protocol::mcp::{member, method};
use upstream::wire::json::Members;

use super::asker::{Asker, Mirrors, Original};
use crate::tools::schemas::{Known, generate};

/// A tool that nobody knows makes us ask no more often than this.
const ASK_EVERY_SECONDS: i64 = 5;

/// The headers for a request; the tools are asked for once if this one is unknown.
pub(super) async fn of(asker: &Asker, original: &Original) -> Mirrors {
    let Some(tool) = original.name.as_deref().filter(|_| &*original.method == method::TOOLS_CALL)
    else {
        return Vec::new();
    };
    if matches!(asker.server.tools.schemas.headers_of(tool), Known::Unknown) {
        fetch(asker, ASK_EVERY_SECONDS).await;
    }
    made(asker, original, tool)
}

/// The same after the tools were asked for anew (C-20).
pub(super) async fn again(asker: &Asker, original: &Original) -> Mirrors {
    fetch(asker, 0).await;
    made(asker, original, original.name.as_deref().unwrap_or_default())
}

fn made(asker: &Asker, original: &Original, tool: &str) -> Mirrors {
    let Known::Headers(headers) = asker.server.tools.schemas.headers_of(tool) else {
        return Vec::new();
    };
    let params = Members::of(original.params.as_deref()).ok();
    let arguments = params.and_then(|params| params.get(member::ARGUMENTS));
    generate(&headers, arguments)
}

async fn fetch(asker: &Asker, every_seconds: i64) {
    let (upstream, now) = (&asker.server.upstream, asker.shared.trust.now());
    // A server that cannot list its tools now will say of the call what is wrong.
    asker.server.tools.schemas.refresh(upstream, &asker.caller, now, every_seconds).await;
}
