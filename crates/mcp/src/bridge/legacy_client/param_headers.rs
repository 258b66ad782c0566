//! Headers that mirror single arguments of a tool call (D-51, C-15).

use kernel::Timestamp;

use super::asker::{Asker, Mirrors, Original};
use crate::tools::schemas::{Known, generate};
use crate::upstream::connection::Outcome;
use crate::upstream::wire::json::{Members, quoted};

/// When the tools were last asked for because one was unknown.
#[derive(Default)]
pub(super) struct Listed(tokio::sync::Mutex<Option<Timestamp>>);

const MAX_PAGES: usize = 50;
/// A tool that nobody knows makes us ask no more often than this.
const ASK_EVERY_SECONDS: i64 = 5;

/// The headers for a request; the tools are asked for once if this one is unknown.
pub(super) async fn of(asker: &Asker, original: &Original) -> Mirrors {
    let Some(tool) = original.name.as_deref().filter(|_| &*original.method == "tools/call") else {
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
    let arguments = params.and_then(|params| params.get("arguments"));
    generate(&headers, arguments)
}

/// Lists all tools for their schemas alone; nobody is shown the list.
async fn fetch(asker: &Asker, every_seconds: i64) {
    let now = asker.shared.trust.now();
    let mut listed = asker.state.legacy_clients.listed.0.lock().await;
    if every_seconds > 0 && listed.is_some_and(|at| now < at.plus_seconds(every_seconds)) {
        return;
    }
    *listed = Some(now);
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let params = cursor.map_or_else(
            || "{}".to_owned(),
            |cursor| format!("{{\"cursor\":{}}}", quoted(&cursor)),
        );
        let question = asker.question("tools/list", &params, Vec::new());
        let Ok(exchange) = asker.ask(question).await else { return };
        // A server that cannot list its tools now will say of the call what is wrong.
        let Ok(answer) = exchange.answer().await else { return };
        let Ok(Outcome::Result(result)) = answer.outcome() else { return };
        asker.server.tools.schemas.learn(result);
        let members = Members::read(result.get()).ok();
        cursor = members.and_then(|members| members.text("nextCursor"));
        if cursor.is_none() {
            return;
        }
    }
}
