//! D-33: a legacy server's error in modern words.

use http::StatusCode;
use protocol::jsonrpc::member::{CODE, ERROR};
use protocol::jsonrpc::{
    INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, response,
};
use protocol::mcp::{
    HEADER_MISMATCH, LOWEST_RESERVED, RESOURCE_NOT_FOUND, URL_ELICITATION_REQUIRED, method,
};
use serde_json::value::RawValue;
use upstream::connection::ConnectionError;
use upstream::wire::json::{Members, Object};

use super::bridged_request::BridgedRequest;
use super::url;
use crate::passthrough::front::ClientMessage;

/// The answer to a request that failed.
pub(super) fn answer(
    asked: &BridgedRequest,
    error: &RawValue,
) -> Result<ClientMessage, ConnectionError> {
    let members = Members::read(error.get()).map_err(|_| ConnectionError::Garbled)?;
    let code: i64 = members
        .get(CODE)
        .and_then(|code| code.get().parse().ok())
        .ok_or(ConnectionError::Garbled)?;
    if code == i64::from(URL_ELICITATION_REQUIRED) && asked.may_be_asked() {
        return Ok(url::answer(asked, &members));
    }
    let code = modern(code, &asked.method);
    let mut object = Object::with_capacity(error.get().len() + 8);
    object.member(CODE, &code.to_string());
    object.members(&members, |name| name != CODE);
    Ok(ClientMessage::answer(response(&asked.id, ERROR, &object.finish()), status(code)))
}

/// C-50: codes that have gone, or that have another meaning now, never reach a modern client. Its
/// reading of -32020 to -32022 would be that this server is a modern one with an opinion.
fn modern(code: i64, method: &str) -> i64 {
    let Ok(known) = i32::try_from(code) else { return code };
    let modern = match known {
        RESOURCE_NOT_FOUND => INVALID_PARAMS,
        // 2025-11-25, "Tasks": so does a tool answer that runs only as a task. The method is known
        // here, so it is the tool that cannot be called.
        METHOD_NOT_FOUND if method == method::TOOLS_CALL => INVALID_PARAMS,
        LOWEST_RESERVED..=HEADER_MISMATCH => INTERNAL_ERROR,
        other => other,
    };
    modern.into()
}

/// C-42: the HTTP status that goes with a code.
pub(super) fn status(code: i64) -> StatusCode {
    match i32::try_from(code) {
        Ok(METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        Ok(PARSE_ERROR | INVALID_REQUEST) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D-33, C-50: which codes pass and which change.
    #[test]
    fn c_50_codes_of_another_time() {
        for (legacy, ours) in [
            (-32002, -32602),
            (-32020, -32603),
            (-32022, -32603),
            (-32042, -32603),
            (-32099, -32603),
            (-32601, -32601),
            (-32000, -32000),
            (-32100, -32100),
            (7, 7),
        ] {
            assert_eq!(modern(legacy, "resources/read"), ours, "{legacy}");
        }
        assert_eq!(modern(-32601, "tools/call"), -32602);
        assert_eq!(status(-32601), 404);
        assert_eq!(status(-32602), 200);
    }
}
