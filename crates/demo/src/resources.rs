//! Resources: help pages, and every request under its own address.

use rmcp::ErrorData;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate,
};
use serde_json::json;

use crate::records::Workflow;
use crate::records::id::Id;
use crate::refusal::Refusal;

/// The template under which requests are read.
pub(crate) const REQUEST_TEMPLATE: &str = "workflow://requests/{id}";
const REQUEST_PREFIX: &str = "workflow://requests/";

struct HelpPage {
    uri: &'static str,
    name: &'static str,
    title: &'static str,
    description: &'static str,
    text: &'static str,
}

const HELP: [HelpPage; 3] = [
    HelpPage {
        uri: "workflow://help/getting-started",
        name: "getting-started",
        title: "Getting started",
        description: "What Workflow is and the first things to try.",
        text: include_str!("help/getting-started.md"),
    },
    HelpPage {
        uri: "workflow://help/approvals",
        name: "approvals",
        title: "How approvals work",
        description: "Who decides a request, and what delegation changes.",
        text: include_str!("help/approvals.md"),
    },
    HelpPage {
        uri: "workflow://help/permissions",
        name: "permissions",
        title: "Who may do what",
        description: "What the gateway decides and what the application decides.",
        text: include_str!("help/permissions.md"),
    },
];

/// The help pages.
pub(crate) fn list() -> ListResourcesResult {
    let pages = HELP.iter().map(|page| {
        Resource::new(page.uri, page.name)
            .with_title(page.title)
            .with_description(page.description)
            .with_mime_type("text/markdown")
            .with_size(u64::try_from(page.text.len()).unwrap_or(u64::MAX))
    });
    ListResourcesResult::with_all_items(pages.collect())
}

/// The one template.
pub(crate) fn templates() -> ListResourceTemplatesResult {
    let request = ResourceTemplate::new(REQUEST_TEMPLATE, "request")
        .with_title("A request")
        .with_description("A request with its comments and history, by id.")
        .with_mime_type("application/json");
    ListResourceTemplatesResult::with_all_items(vec![request])
}

/// The contents behind a URI.
pub(crate) fn read(workflow: &Workflow, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let help = HELP.iter().find(|page| page.uri == uri);
    let contents = match help {
        Some(page) => ResourceContents::text(page.text, uri).with_mime_type("text/markdown"),
        None => {
            ResourceContents::text(request(workflow, uri)?, uri).with_mime_type("application/json")
        }
    };
    Ok(ReadResourceResult::new(vec![contents]))
}

fn request(workflow: &Workflow, uri: &str) -> Result<String, ErrorData> {
    let unknown = || ErrorData::resource_not_found("no such resource", Some(json!({ "uri": uri })));
    let id = uri.strip_prefix(REQUEST_PREFIX).and_then(Id::parse).ok_or_else(unknown)?;
    let found = workflow.read(|records| {
        let request = records.requests.get(id)?;
        Ok::<_, Refusal>(json!({
            "request": records.view_request(id, request),
            "comments": records.view_comments(id),
            "history": records.view_actions(id),
        }))
    });
    found.map(|view| view.to_string()).map_err(|_| unknown())
}
