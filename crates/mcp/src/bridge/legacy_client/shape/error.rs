//! Error codes that legacy clients know.

use protocol::jsonrpc::member::{CODE, MESSAGE};
use protocol::jsonrpc::{INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST};
use protocol::mcp::{
    HEADER_MISMATCH, LOWEST_RESERVED, MISSING_CAPABILITY, RESOURCE_NOT_FOUND, UNSUPPORTED_VERSION,
    method,
};
use serde_json::value::RawValue;
use upstream::wire::json::{Members, NoObject, Object, quoted};

/// C-50: the codes of the modern revision mean nothing to a legacy client, or something else. What
/// they say is between the sidecar and the upstream.
pub(super) fn shaped(method: &str, error: &RawValue) -> Result<String, NoObject> {
    let members = Members::read(error.get())?;
    let code = members.get(CODE).and_then(|code| code.get().parse::<i32>().ok());
    let (code, message) = match code.ok_or(NoObject)? {
        // Modern servers have no code of its own for it.
        INVALID_PARAMS if method == method::RESOURCES_READ => (RESOURCE_NOT_FOUND, None),
        MISSING_CAPABILITY => {
            let message = "the MCP server needs something of this client that it does not offer";
            (INVALID_REQUEST, Some(message))
        }
        HEADER_MISMATCH | UNSUPPORTED_VERSION => {
            let message = "the gateway and the upstream MCP server do not understand each other";
            (INTERNAL_ERROR, Some(message))
        }
        LOWEST_RESERVED..=HEADER_MISMATCH => {
            (INTERNAL_ERROR, Some("the upstream MCP server refused the request"))
        }
        _ => return Ok(error.get().to_owned()),
    };
    let mut object = Object::with_capacity(error.get().len() + 64);
    object.member(CODE, &code.to_string());
    match message {
        Some(message) => object.member(MESSAGE, &quoted(message)),
        None => object.members(&members, |name| name != CODE),
    };
    Ok(object.finish())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn shape(method: &str, text: &str) -> String {
        shaped(method, serde_json::from_str(text).unwrap()).unwrap()
    }

    /// D-59: the code that legacy clients know; what stands beside it stays.
    #[test]
    fn d_59_a_missing_resource() {
        let error = r#"{"code":-32602,"message":"no such thing","data":{"uri":"a:b"}}"#;
        let legacy = r#"{"code":-32002,"message":"no such thing","data":{"uri":"a:b"}}"#;
        assert_eq!(shape("resources/read", error), legacy);
        assert_eq!(shape("tools/call", error), error);
    }

    /// C-50: none of the modern codes, nor their data.
    #[test]
    fn c_50_modern_codes_stay_behind() {
        for (code, expected) in [
            (-32020, -32603),
            (-32021, -32600),
            (-32022, -32603),
            (-32042, -32603),
            (-32099, -32603),
        ] {
            let error = format!(r#"{{"code":{code},"message":"m","data":{{"x":1}}}}"#);
            let shaped: serde_json::Value =
                serde_json::from_str(&shape("tools/call", &error)).unwrap();
            assert_eq!((&shaped["code"], shaped.get("data")), (&expected.into(), None), "{code}");
        }
        for kept in [-32601, -32000, -31403, 17] {
            let error = format!(r#"{{"code":{kept},"message":"m"}}"#);
            assert_eq!(shape("tools/call", &error), error);
        }
    }
}
