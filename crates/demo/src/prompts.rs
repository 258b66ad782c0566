//! Prompts that a person picks from a menu.

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{GetPromptResult, PromptMessage, Role};
use rmcp::{ErrorData, prompt, prompt_router};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::caller::Caller;
use crate::records::id::Id;
use crate::records::processes::Process;
use crate::records::requests::{Request, RequestState};
use crate::refusal::Refusal;
use crate::server::WorkflowServer;
use crate::text::Text;

#[derive(Deserialize, JsonSchema)]
struct ReviewRequest {
    /// The id of the request, such as REQ-1001.
    request_id: Id<Request>,
}

#[derive(Deserialize, JsonSchema)]
struct DraftRequest {
    /// What you need, in your own words.
    purpose: Text<1000>,
    /// The id of the process, such as PRC-1. Without it, the fitting one is looked for.
    process_id: Option<Id<Process>>,
}

#[prompt_router(vis = "pub(crate)")]
impl WorkflowServer {
    #[prompt(
        title = "Summarise my day",
        description = "What waits for you, and what became of what you asked for."
    )]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the prompt macro hands its extractors over by value"
    )]
    fn summarise_my_day(&self, caller: Caller) -> GetPromptResult {
        let me = caller.person();
        let (name, waiting, mine) = self.workflow.read(|records| {
            let open = |r: &Request| r.state == RequestState::Open;
            let waiting = records.requests.iter().filter(|(_, r)| r.approver == me && open(r));
            let mine = records.requests.iter().filter(|(_, r)| r.owner == me && open(r));
            let name = records.people.get(me).map_or_else(|_| String::new(), |p| p.name.clone());
            (name, waiting.count(), mine.count())
        });
        message(format!(
            "You act for {name} in Workflow. {waiting} requests wait for their decision and {mine} \
             of their own are open. Look at both with list_requests (filter waiting_for_me, then \
             mine), and write a short summary: what to decide first and why, and what to chase. \
             Decide nothing yourself."
        ))
    }

    #[prompt(
        title = "Review a request",
        description = "Weighs up one request and proposes a decision, without taking it."
    )]
    fn review_request(
        &self,
        Parameters(args): Parameters<ReviewRequest>,
    ) -> Result<GetPromptResult, ErrorData> {
        let id = args.request_id;
        let title = self.workflow.read(|records| records.requests.get(id).map(|r| r.title.clone()));
        let title = title.map_err(|refusal| into_error(&refusal))?;
        Ok(message(format!(
            "Read {id} (\"{title}\") with get_request. Say what speaks for it and against it, what \
             is unclear, and which decision you propose with which note. Do not call submit_action \
             before the person agrees."
        )))
    }

    #[prompt(
        title = "Draft a request",
        description = "Turns what you need into a request that an approver can decide at once."
    )]
    fn draft_request(
        &self,
        Parameters(args): Parameters<DraftRequest>,
    ) -> Result<GetPromptResult, ErrorData> {
        let place = match args.process_id {
            Some(id) => {
                let found = self.workflow.read(|records| {
                    records.processes.get(id).map(|p| format!("{id} ({})", p.name))
                });
                found.map_err(|refusal| into_error(&refusal))?
            }
            None => "the process that fits (see list_processes)".to_owned(),
        };
        let purpose = &*args.purpose;
        Ok(message(format!(
            "Draft a request for {place}. The person says: \"{purpose}\". Propose a title, a \
             description of two or three sentences, a priority and an amount, ask for what is \
             missing, and call create_request when the person agrees."
        )))
    }
}

fn message(text: String) -> GetPromptResult {
    GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)])
}

/// A prompt has no error result as a tool has, so what is refused is an invalid argument.
fn into_error(refusal: &Refusal) -> ErrorData {
    ErrorData::invalid_params(refusal.to_string(), None)
}
