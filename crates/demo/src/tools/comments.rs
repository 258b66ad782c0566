//! Comments on requests.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::records::id::Id;
use crate::records::requests::Request;
use crate::refusal::Refusal;
use crate::server::WorkflowServer;
use crate::text::Text;
use crate::views::CommentView;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListComments {
    /// The id of the request, such as REQ-1001.
    request_id: Id<Request>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddComment {
    /// The id of the request, such as REQ-1001.
    request_id: Id<Request>,
    /// What to say. Everybody who sees the request can read it.
    text: Text<4000>,
}

#[derive(Serialize, JsonSchema)]
struct CommentList {
    /// Oldest first.
    comments: Vec<CommentView>,
}

#[derive(Serialize, JsonSchema)]
struct OneComment {
    comment: CommentView,
}

#[tool_router(router = comment_tools, vis = "pub(crate)")]
impl WorkflowServer {
    #[tool(
        title = "List comments",
        description = "Lists what people said about a request, oldest first.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn list_comments(
        &self,
        Parameters(args): Parameters<ListComments>,
    ) -> Result<Json<CommentList>, Refusal> {
        let id = args.request_id;
        self.workflow.read(|records| {
            records.requests.get(id)?;
            Ok(Json(CommentList { comments: records.view_comments(id) }))
        })
    }

    #[tool(
        title = "Add a comment",
        description = "Says something about a request in your name. It cannot be taken back.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    fn add_comment(
        &self,
        caller: Caller,
        Parameters(args): Parameters<AddComment>,
    ) -> Result<Json<OneComment>, Refusal> {
        self.workflow.change(|records| {
            let id = records.comment(&caller, args.request_id, args.text.into_string())?;
            let comment = records.comments.get(id)?;
            Ok(Json(OneComment { comment: records.view_comment(id, comment) }))
        })
    }
}
