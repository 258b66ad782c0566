//! Query strings and form bodies (RFC 6749 §3.1, §3.2), with OAuth's rules about repetition.

use url::form_urlencoded;

/// The parameters of one request, decoded.
///
/// OA-3: a parameter without a value counts as absent. OA-2: a defined parameter must not repeat.
#[derive(Clone, Default)]
pub struct Params(Vec<(String, String)>);

/// Why a parameter list cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// More parameters than any client sends (DS-3).
    #[error("the request has more than {MAX_PARAMS} parameters")]
    TooMany,
    /// Not `application/x-www-form-urlencoded` in UTF-8.
    #[error("the parameters are not valid UTF-8")]
    NotUtf8,
    /// U+0000, which no text that a person or a client means to send holds, and which not every
    /// database can.
    #[error("the parameters must not hold a NUL character")]
    Nul,
    /// OA-2: a parameter appears twice.
    #[error("the parameter {0} must not be repeated")]
    Repeated(&'static str),
}

const MAX_PARAMS: usize = 100;

impl Params {
    /// Decodes a query string or a form body.
    pub fn parse(encoded: &[u8]) -> Result<Self, ParamsError> {
        let mut params = Vec::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if params.len() == MAX_PARAMS {
                return Err(ParamsError::TooMany);
            }
            // The decoder puts U+FFFD where bytes are not UTF-8.
            if name.contains('\u{FFFD}') || value.contains('\u{FFFD}') {
                return Err(ParamsError::NotUtf8);
            }
            if name.contains('\0') || value.contains('\0') {
                return Err(ParamsError::Nul);
            }
            params.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(params))
    }

    /// The value of a parameter that may appear once at most.
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, ParamsError> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(ParamsError::Repeated(name));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// All values of a parameter that may repeat, such as `resource` (RFC 8707 §2).
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(n, value)| n == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Whether the parameter is there at all, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// OA-2, OA-3, T-AZ-11.
    #[test]
    fn oa_2_repeated_and_oa_3_empty_parameters() {
        let params = Params::parse(b"a=1&a=1&b=&c=x%20y+z&resource=r1&resource=r2").unwrap();
        assert_eq!(params.one("a"), Err(ParamsError::Repeated("a")));
        assert_eq!(params.one("b"), Ok(None));
        assert_eq!(params.one("c"), Ok(Some("x y z")));
        assert_eq!(params.one("missing"), Ok(None));
        assert_eq!(params.all("resource").collect::<Vec<_>>(), ["r1", "r2"]);
    }

    /// T-DOS-05.
    #[test]
    fn t_dos_05_floods_and_bad_bytes_are_refused() {
        assert_eq!(Params::parse("a=1&".repeat(200).as_bytes()).err(), Some(ParamsError::TooMany));
        assert_eq!(Params::parse(b"a=%ff%fe").err(), Some(ParamsError::NotUtf8));
        for nul in ["a=b%00", "a%00=b", "a=\0"] {
            assert_eq!(Params::parse(nul.as_bytes()).err(), Some(ParamsError::Nul), "{nul:?}");
        }
    }
}
