//! Which tools a server offers, for people who are asked to consent.

use serde::{Deserialize, Serialize};

/// One tool, as it is shown beside the scope that opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueTool {
    /// The name on the wire.
    pub name: String,
    /// A title for people; the name if the server gives none.
    pub title: String,
    /// The scope that the tool needs.
    pub scope: String,
}
