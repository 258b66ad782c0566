//! The caller of a tool, as the tools see it.

use http::request::Parts;
use rmcp::ErrorData;
use rmcp::handler::server::common::{AsRequestContext, FromContextPart};

use crate::records::id::Id;
use crate::records::people::{Person, UserType};

/// Somebody whom the gate has let in. Only the application's register of people makes one, so a
/// tool that takes a `Caller` cannot be run for somebody unknown.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    person: Id<Person>,
    user_type: UserType,
    scopes: Vec<String>,
    client: Option<String>,
}

impl Caller {
    pub(crate) fn new(
        person: Id<Person>,
        user_type: UserType,
        scopes: Vec<String>,
        client: Option<String>,
    ) -> Self {
        Self { person, user_type, scopes, client }
    }

    /// The caller's own record.
    pub(crate) fn person(&self) -> Id<Person> {
        self.person
    }

    /// What the gateway says the caller is.
    pub(crate) fn user_type(&self) -> UserType {
        self.user_type
    }

    /// The scopes of the token in use.
    pub(crate) fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The client in use.
    pub(crate) fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }
}

/// Taken from the HTTP request of this very call, never from the session that it belongs to: two
/// requests of one session may come from different people.
impl<C: AsRequestContext> FromContextPart<C> for Caller {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        context
            .as_request_context()
            .extensions
            .get::<Parts>()
            .and_then(|parts| parts.extensions.get::<Self>())
            .cloned()
            .ok_or_else(|| ErrorData::internal_error("the request came past the gate", None))
    }
}
