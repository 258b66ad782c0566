//! The `WWW-Authenticate` challenge of an MCP server (RFC 6750 §3, RFC 9728 §5.1).

use crate::scope::Scopes;

/// What a challenge says.
#[derive(Clone, Debug)]
pub struct Challenge<'a> {
    /// The URL of the protected resource's metadata.
    pub resource_metadata: &'a str,
    /// The scopes that the request (or this server) needs.
    pub scope: Scopes,
    /// Why a presented token did not do; nothing when none was presented (BR-2).
    pub error: Option<ChallengeError>,
}

/// RFC 6750 §3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeError {
    /// The request is malformed: 400.
    InvalidRequest,
    /// The token is not valid here, or no longer: 401.
    InvalidToken,
    /// The token is valid but a grant of more scope is needed: 403.
    InsufficientScope,
}

impl ChallengeError {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }

    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
        }
    }
}

impl Challenge<'_> {
    /// The header's value.
    pub fn to_header(&self) -> String {
        let error = self.error.map_or(String::new(), |e| format!("error=\"{}\", ", e.as_str()));
        format!(
            "Bearer {error}resource_metadata=\"{}\", scope=\"{}\"",
            self.resource_metadata, self.scope
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BR-2, BR-3.
    #[test]
    fn br_2_no_error_without_a_token() {
        let mut challenge = Challenge {
            resource_metadata: "https://h/.well-known/oauth-protected-resource/mcp",
            scope: Scopes::READ,
            error: None,
        };
        assert_eq!(
            challenge.to_header(),
            "Bearer resource_metadata=\"https://h/.well-known/oauth-protected-resource/mcp\", \
             scope=\"mcp:read\""
        );
        challenge.error = Some(ChallengeError::InsufficientScope);
        assert!(challenge.to_header().starts_with("Bearer error=\"insufficient_scope\", "));
    }
}
