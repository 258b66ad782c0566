//! What an administrator switched off, whatever the configuration says of it (GR-2).

/// Something that is switched off.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Disabled {
    /// What kind of thing it is.
    pub kind: DisabledKind,
    /// Which one: a client's id, an organization's name, a provider's id, or the resource of a server.
    pub name: String,
}

/// The kinds of things that can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DisabledKind {
    /// A client, wherever it is registered.
    Client,
    /// An organization that people act for.
    Organization,
    /// An identity provider, with all its people.
    Provider,
    /// An MCP server.
    Server,
}

impl DisabledKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Client, Self::Organization, Self::Provider, Self::Server];

    /// The name in storage and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Organization => "organization",
            Self::Provider => "provider",
            Self::Server => "server",
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Disabled {
    /// The thing of this kind with this name.
    pub fn new(kind: DisabledKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}
