//! What is known of a server's tools: lists and how they are filtered, the schemas of their
//! arguments, and the tasks that they began.

pub(crate) mod discoveries;
pub(crate) mod listing;
pub(crate) mod lists;
pub(crate) mod schemas;
pub(crate) mod tasks;

use std::sync::Arc;

use protocol::jsonrpc::Params;

use crate::access::Permit;
use crate::policy::Hints;
use crate::policy::judge::KnownTools;
use discoveries::Discoveries;
use lists::Lists;
use schemas::Schemas;
use tasks::Handles;

/// What is known of one server's tools.
pub(crate) struct Tools {
    pub(crate) lists: Arc<Lists>,
    pub(crate) schemas: Schemas,
    pub(crate) discoveries: Discoveries,
    pub(crate) tasks: Handles,
}

impl KnownTools for Tools {
    fn is_unreadable(&self, tool: &str) -> bool {
        self.lists.dropped().contains(tool)
    }

    fn hints(&self, tool: &str) -> Option<Hints> {
        self.lists.hints(tool)
    }

    fn tool_of_task(&self, permit: &Permit, params: &Params<'_>) -> Option<String> {
        self.tasks.named(permit, params).map(|task| task.tool)
    }
}
