//! What a request presents to say on whose behalf it comes.

use std::fmt;

/// A presented credential. Nothing about it is true before [`super::Verifier`] says so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential<'r> {
    /// A JSON Web Token (RFC 7519): an access token of the issuer (RFC 9068), or its own request
    /// for a list of tools.
    Jwt(&'r str),
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jwt(_) => f.write_str("Jwt(***)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It may stand in a log by mistake.
    #[test]
    fn it_says_nothing_of_itself() {
        assert_eq!(format!("{:?}", Some(Credential::Jwt("canary"))), "Some(Jwt(***))");
    }
}
