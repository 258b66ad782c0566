//! Requests to a token endpoint.

use std::net::SocketAddr;

use anyhow::ensure;
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use crate::wire::Wire;

/// What a client holds after an authorization.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    expires_in: u32,
}

/// Where the codes of all clients go, also in bench/oidc-provider.
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
/// The PKCE verifier of all authorizations, also in bench/oidc-provider.
pub(crate) const VERIFIER: &str = "the-same-verifier-will-do-for-every-measurement";

/// What redeems a code.
pub(crate) fn code_form(client_id: &str, code: &str) -> String {
    Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", REDIRECT_URI)
        .append_pair("code_verifier", VERIFIER)
        .append_pair("code", code)
        .finish()
}

/// What redeems a refresh token.
pub(crate) fn refresh_form(client_id: &str, refresh_token: &str) -> String {
    format!("grant_type=refresh_token&client_id={client_id}&refresh_token={refresh_token}")
}

/// What revokes a refresh token.
pub(crate) fn revocation_form(client_id: &str, refresh_token: &str) -> String {
    format!("client_id={client_id}&token={refresh_token}")
}

/// A form, sent to a path of the server there.
pub(crate) fn post_form(host: SocketAddr, path: &str, form: &str) -> String {
    let length = form.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    )
}

/// Whether it looks like one: three parts.
pub(crate) fn is_jwt(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Sends one of these forms. The answer must have both tokens.
pub(crate) async fn redeem(
    wire: &mut Wire,
    host: SocketAddr,
    form: &str,
) -> anyhow::Result<Tokens> {
    let answer = wire.ask(post_form(host, "/token", form).as_bytes()).await?;
    ensure!(
        answer.status == 200,
        "the token endpoint: status {}: {}",
        answer.status,
        String::from_utf8_lossy(answer.body)
    );
    let tokens: Tokens = serde_json::from_slice(answer.body)?;
    ensure!(
        tokens.expires_in > 0 && is_jwt(&tokens.access_token),
        "an answer without an access token that is a JWT"
    );
    Ok(tokens)
}
