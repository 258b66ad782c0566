//! `POST /introspect` (RFC 7662): a resource server asks what an access token is worth.
//!
//! Only clients that an operator configured for it, and only about tokens for their own servers
//! (IN-3). Whatever else is asked, the answer is that the token is not active: not even that it
//! exists is told (IN-2). Nothing is cached, so an answer is never older than a revocation (IN-5).

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use model::{Client, ClientAuth};
use protocol::OAuthErrorCode;
use protocol::introspection::{ActiveToken, IntrospectionResponse};
use protocol::token::AccessClaims;

use crate::answer::{ClientFailure, json_response};
use crate::config::Resource;
use crate::request::{self, invalid};
use crate::server::AuthServer;
use crate::token::authenticate;

/// Says what an access token is worth.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, ClientFailure> {
    let (parts, params) = request::form(request).await?;
    let client = authenticate(&server, &parts, &params).await?;
    if client.auth == ClientAuth::None {
        // Anybody can name a public client (IN-1).
        return Err(OAuthErrorCode::InvalidClient
            .because("a public client proves nothing; use one that authenticates")
            .into());
    }
    let token = params.one("token").map_err(invalid)?;
    let token = token.ok_or_else(|| OAuthErrorCode::InvalidRequest.because("token is missing"))?;
    let active = introspect(&server, &client, token).await?;
    let mut response = json_response(200, &IntrospectionResponse::of(active));
    net::headers::client_endpoint(response.headers_mut());
    Ok(response)
}

async fn introspect(
    server: &AuthServer,
    client: &Client,
    token: &str,
) -> Result<Option<ActiveToken>, ClientFailure> {
    let Some(servers) = server.config.introspects(&client.id) else {
        tracing::info!(client.id = %client.id,
            "asked about a token, and no server is its own: see introspects in [[oauth.client]]");
        return Ok(None);
    };
    let Some(claims) = server.issued(token) else { return Ok(None) };
    let Some(resource) = server.resources.of_audience(&claims.aud) else { return Ok(None) };
    if !servers.contains(&resource.name) || !server.is_good(&claims).await? {
        return Ok(None);
    }
    Ok(Some(described(claims, &resource)))
}

/// What the token may do is what a sidecar would let it do: a ceiling that was lowered since counts.
fn described(claims: AccessClaims, resource: &Resource) -> ActiveToken {
    ActiveToken {
        scope: claims.scope.and(resource.ceiling).and(claims.user_type.allows()),
        client_id: claims.client_id,
        token_type: "Bearer",
        exp: claims.exp,
        iat: claims.iat,
        sub: claims.sub,
        aud: claims.aud,
        iss: claims.iss,
        jti: claims.jti,
        user_type: claims.user_type,
        organization: claims.organization,
    }
}
