//! The `Authorization` header (RFC 6750 §2.1), which is the only place a token may be in.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::access::Credential;

/// The header is not one bearer credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The presented credential. `None` without a token, or with a scheme that is not ours: both are
/// answered with a bare challenge (BR-2). Query and body are never looked at (BR-1).
pub(crate) fn credential(headers: &HeaderMap) -> Result<Option<Credential<'_>>, Malformed> {
    let mut credentials = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (credentials.next(), credentials.next());
    if second.is_some() {
        return Err(Malformed);
    }
    let Some(value) = first else {
        return Ok(None);
    };
    // A header value holds no control characters, so this asks what `HeaderValue::to_str` asks,
    // many bytes at a time.
    let value = std::str::from_utf8(value.as_bytes()).map_err(|_| Malformed)?;
    if !value.is_ascii() {
        return Err(Malformed);
    }
    // Proxies join repeated headers with a comma, which no token contains.
    if memchr::memchr(b',', value.as_bytes()).is_some() {
        return Err(Malformed);
    }
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let token = rest.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Ok(None);
    }
    if is_token68(token) { Ok(Some(Credential::Jwt(token))) } else { Err(Malformed) }
}

/// RFC 9110 §11.2: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_token68(token: &str) -> bool {
    let body = token.trim_end_matches('=').as_bytes();
    // Each byte is looked at, without a way out between: that compiles to vector instructions.
    !body.is_empty() && body.iter().fold(true, |all, byte| all & is_token68_byte(*byte))
}

/// From `-` to `9` stand `-`, `.`, `/` and the digits.
const fn is_token68_byte(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'-'..=b'9' | b'+' | b'_' | b'~')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, Malformed> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let token = |Credential::Jwt(token)| token.to_owned();
        credential(&headers).map(|presented| presented.map(token))
    }

    /// T-MCP-20, T-MCP-21.
    #[test]
    fn t_mcp_21_grammar() {
        for good in ["Bearer a.b-c_d", "bearer a.b-c_d", "BEARER a.b-c_d", "Bearer  a.b-c_d"] {
            assert_eq!(read(&[good]), Ok(Some("a.b-c_d".to_owned())), "{good:?}");
        }
        for none in ["Bearer", "Bearer ", "Bearer\ta", "Basic YTpi", "DPoP a.b.c", "Negotiate"] {
            assert_eq!(read(&[none]), Ok(None), "{none:?}");
        }
        for bad in
            ["Bearer a b", "Bearer,", "Bearer a,b", "Bearer a\tb", "Bearer =", "Bearer \"a\""]
        {
            assert_eq!(read(&[bad]), Err(Malformed), "{bad:?}");
        }
    }

    /// T-MCP-21: of all bytes, those of the grammar.
    #[test]
    fn t_mcp_21_each_byte() {
        for byte in 0..=u8::MAX {
            let listed = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_token68_byte(byte), listed, "{byte:#x}");
            let Ok(value) = HeaderValue::from_bytes(&[b"Bearer a".as_slice(), &[byte]].concat())
            else {
                assert!(!listed, "{byte:#x}");
                continue;
            };
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
            // A space ends the token, and "=" pads it.
            let good = listed || byte == b' ' || byte == b'=';
            assert_eq!(credential(&headers).is_ok(), good, "{byte:#x}");
        }
    }

    /// T-MCP-22.
    #[test]
    fn t_mcp_22_one_header() {
        assert_eq!(read(&["Bearer a", "Bearer a"]), Err(Malformed));
        assert_eq!(read(&["Bearer a, Bearer b"]), Err(Malformed));
        assert_eq!(read(&[]), Ok(None));
    }
}
