//! What is known of a server's tools: lists and how they are filtered, the schemas of their
//! arguments, and the tasks that they began.

pub(crate) mod lists;
pub(crate) mod schemas;
pub(crate) mod tasks;
