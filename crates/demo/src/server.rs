//! The MCP server: every tool, prompt and resource under one roof.

use std::sync::Arc;

use rmcp::handler::server::router::prompt::PromptRouter;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::{
    CompleteRequestParams, CompleteResult, Implementation, ListResourceTemplatesResult,
    ListResourcesResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, prompt_handler, tool_handler};

use crate::records::Workflow;
use crate::{completion, resources, schema};

const INSTRUCTIONS: &str = "Workflow is where people ask for things and other people approve them. \
    Start with get_my_profile to learn who you act for, then list_requests. Deciding a request \
    (submit_action) and changing processes or settings have consequences for others: ask the \
    person first. When a tool answers with an error, the text says why and what to do.";

/// One session's handle to the application. Cheap to clone.
#[derive(Clone)]
pub(crate) struct WorkflowServer {
    pub(crate) workflow: Arc<Workflow>,
    tools: Arc<ToolRouter<Self>>,
    prompts: Arc<PromptRouter<Self>>,
}

impl WorkflowServer {
    pub(crate) fn new(workflow: Arc<Workflow>) -> Self {
        let tools = Self::request_tools()
            + Self::request_change_tools()
            + Self::decision_tools()
            + Self::comment_tools()
            + Self::favourite_tools()
            + Self::delegation_tools()
            + Self::process_tools()
            + Self::participant_tools()
            + Self::profile_tools()
            + Self::report_tools()
            + Self::admin_tools();
        Self {
            workflow,
            tools: Arc::new(schema::tidy(tools)),
            prompts: Arc::new(Self::prompt_router()),
        }
    }
}

#[tool_handler(router = self.tools)]
#[prompt_handler(router = self.prompts)]
impl ServerHandler for WorkflowServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_completions()
            .build();
        let name = Implementation::new("workflow-demo", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(capabilities)
            .with_server_info(name.with_title("Workflow"))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(resources::list())
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resources::read(&self.workflow, &request.uri).map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        completion::complete(&self.workflow, &request)
    }
}
