//! Completion of request and process ids while a person types them.

use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo};

use crate::records::{Records, Workflow};
use crate::resources::REQUEST_TEMPLATE;

/// Ids that begin with what was typed, at most as many as one answer may hold.
pub(crate) fn complete(
    workflow: &Workflow,
    request: &CompleteRequestParams,
) -> Result<CompleteResult, ErrorData> {
    let typed = request.argument.value.to_ascii_uppercase();
    let mut ids = workflow.read(|records| ids(records, request));
    ids.retain(|id| id.starts_with(&typed));
    let total = u32::try_from(ids.len()).ok();
    let has_more = ids.len() > CompletionInfo::MAX_VALUES;
    ids.truncate(CompletionInfo::MAX_VALUES);
    CompletionInfo::with_pagination(ids, total, has_more)
        .map(CompleteResult::new)
        .map_err(|error| ErrorData::internal_error(error, None))
}

fn ids(records: &Records, request: &CompleteRequestParams) -> Vec<String> {
    let reference = &request.r#ref;
    let place = reference.as_prompt_name().or_else(|| reference.as_resource_uri());
    match (place, request.argument.name.as_str()) {
        (Some(REQUEST_TEMPLATE), "id") | (Some("review_request"), "request_id") => {
            records.requests.iter().map(|(id, _)| id.to_string()).collect()
        }
        (Some("draft_request"), "process_id") => {
            records.processes.iter().map(|(id, _)| id.to_string()).collect()
        }
        _ => Vec::new(),
    }
}
