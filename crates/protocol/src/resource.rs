//! Resource indicators (RFC 8707) in the canonical form that MCP asks for.

use std::fmt;

use url::Url;

/// The canonical identifier of one MCP server: an absolute http(s) URI without query or fragment.
///
/// Scheme and host are lower case, a default port is dropped and so is one trailing slash
/// (MCP authorization, "Canonical Server URI").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourceUri(String);

/// The text is not a resource identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("resource must be an absolute http or https URI without query, fragment or user name")]
pub struct MalformedResource;

impl ResourceUri {
    /// Reads and canonicalises a `resource` parameter or a configured value.
    pub fn parse(unverified: &str) -> Result<Self, MalformedResource> {
        let visible = unverified.bytes().all(|b| matches!(b, 0x21..=0x7E) && b != b'\\');
        let url = Url::parse(unverified).map_err(|_| MalformedResource)?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        // The URL parser resolves dot segments; an identifier that needed it is not one of ours. Of
        // two slashes at the end one would be left, and the next reader would take that one away.
        let literal_path =
            !unverified.contains("/.") && !url.path().ends_with("//") && unverified.len() <= 2048;
        if !(visible && plain && literal_path) {
            return Err(MalformedResource);
        }
        let text = url.as_str();
        Ok(Self(text.strip_suffix('/').unwrap_or(text).to_owned()))
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// RI-2: case of scheme and host, default port and one trailing slash do not matter.
    #[test]
    fn ri_2_equal_identifiers_have_one_form() {
        let canonical = ResourceUri::parse("https://mcp.example.com/mcp").unwrap();
        for same in [
            "https://MCP.example.com/mcp",
            "HTTPS://mcp.example.com/mcp",
            "https://mcp.example.com:443/mcp",
            "https://mcp.example.com/mcp/",
        ] {
            assert_eq!(ResourceUri::parse(same).unwrap(), canonical, "{same}");
        }
        assert_ne!(ResourceUri::parse("https://mcp.example.com/MCP").unwrap(), canonical);
    }

    /// T-AZ-12.
    #[test]
    fn t_az_12_what_is_no_resource_is_refused() {
        for bad in [
            "",
            "/mcp",
            "mcp.example.com/mcp",
            "https://h/mcp#f",
            "https://h/mcp?x=1",
            "https://u@h/mcp",
            "ftp://h/mcp",
            "https://h/a/../mcp",
            "https://h/mcp//",
            "https://h//",
            "https://h\\mcp",
        ] {
            assert_eq!(ResourceUri::parse(bad), Err(MalformedResource), "{bad}");
        }
    }
}
