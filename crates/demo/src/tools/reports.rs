//! The report: slow on purpose, with progress, and it stops when the client no longer wants it.

use std::time::Duration;

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::ProgressNotificationParam;
use rmcp::service::RequestContext;
use rmcp::{RoleServer, tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::records::Records;
use crate::refusal::Refusal;
use crate::server::WorkflowServer;

const MAX_STEPS: u8 = 10;
const MAX_DELAY_MS: u64 = 5_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExportReport {
    /// In how many steps to work, 1 to 10. Progress is reported after each.
    #[serde(default = "default_steps")]
    #[schemars(range(min = 1, max = 10))]
    steps: u8,
    /// How long each step takes, in milliseconds. More than 5000 counts as 5000.
    #[serde(default = "default_delay")]
    delay_ms: u64,
}

#[derive(Serialize, JsonSchema)]
struct Report {
    /// The report as comma-separated values, with a heading.
    csv: String,
    /// How many requests it holds.
    rows: usize,
    /// In how many steps it was made.
    steps: u8,
}

#[tool_router(router = report_tools, vis = "pub(crate)")]
impl WorkflowServer {
    #[tool(
        title = "Export a report",
        description = "Makes a table of all requests. Takes about two seconds, reports progress and can be cancelled.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn export_report(
        &self,
        context: RequestContext<RoleServer>,
        Parameters(args): Parameters<ExportReport>,
    ) -> Result<Json<Report>, Refusal> {
        if !(1..=MAX_STEPS).contains(&args.steps) {
            let reason = format!("steps must be 1 to {MAX_STEPS}, not {}", args.steps);
            return Err(Refusal::Invalid(reason));
        }
        let delay = Duration::from_millis(args.delay_ms.min(MAX_DELAY_MS));
        report_progress(&context, 0, args.steps).await;
        for step in 1..=args.steps {
            tokio::select! {
                () = context.ct.cancelled() => return Err(Refusal::Cancelled),
                () = tokio::time::sleep(delay) => {}
            }
            report_progress(&context, step, args.steps).await;
        }
        let (csv, rows) = self.workflow.read(table);
        Ok(Json(Report { csv, rows, steps: args.steps }))
    }
}

fn default_steps() -> u8 {
    4
}

fn default_delay() -> u64 {
    500
}

/// MCP, utilities/progress: only a request that carries a progress token is told how far it is.
async fn report_progress(context: &RequestContext<RoleServer>, done: u8, total: u8) {
    let Some(token) = context.meta.get_progress_token() else {
        return;
    };
    let progress = ProgressNotificationParam::new(token, f64::from(done))
        .with_total(f64::from(total))
        .with_message(format!("{done} of {total} steps done"));
    // A client that has gone hears nothing; the cancellation above ends the work.
    drop(context.peer.notify_progress(progress).await);
}

fn table(records: &Records) -> (String, usize) {
    let mut csv = String::from("id,title,owner,approver,state,amount_eur\n");
    let mut rows = 0;
    for (id, request) in records.requests.iter() {
        let name = |person| records.people.get(person).map_or("", |person| person.name.as_str());
        let amount = request.amount_eur.map_or_else(String::new, |amount| amount.to_string());
        let fields = [
            id.to_string(),
            quoted(&request.title),
            quoted(name(request.owner)),
            quoted(name(request.approver)),
            request.state.as_str().to_owned(),
            amount,
        ];
        csv.push_str(&fields.join(","));
        csv.push('\n');
        rows += 1;
    }
    (csv, rows)
}

/// RFC 4180 §2: a field in double quotes, with double quotes inside doubled.
fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}
