//! Client authentication at the token and revocation endpoints (OAuth 2.1 §2.4; CA-1 to CA-8).

mod assertion;
mod presented;

use axum::http::request::Parts;
use kernel::{Hashed, Plain};
use model::client::{ChosenSecret, ClientSecret, KeySource, Signing};
use model::{Client, ClientAuth, SubjectId};
use protocol::OAuthErrorCode;
use protocol::client_keys::ClientKeys;
use protocol::params::Params;
use store::unit::{UseAssertion, UseAssertionOutcome};

use self::assertion::Assertion;
use self::presented::{Presented, Proof};
use crate::answer::ClientFailure;
use crate::clients::CannotTell;
use crate::documents::NoDocument;
use crate::request;
use crate::server::AuthServer;

/// The client that sent this request.
pub(crate) async fn authenticate(
    server: &AuthServer,
    parts: &Parts,
    params: &Params,
) -> Result<Client, ClientFailure> {
    let presented = presented::read(parts, params, server.now())?;
    let known = match server.client(&presented.client, request::peer(parts)).await {
        Ok(known) => known,
        Err(CannotTell::Store(error)) => return Err(error.into()),
        // Clients forget who they are over invalid_client; this passes.
        Err(CannotTell::Document(NoDocument::Away(_) | NoDocument::Refused(_))) => {
            return Err(OAuthErrorCode::TemporarilyUnavailable
                .because("the client's metadata document cannot be fetched; send the request again")
                .into());
        }
        Err(CannotTell::Document(NoDocument::Bad(_))) => None,
    };
    match known {
        Some(client)
            if proves(server, &presented.proof, &client).await?
                && !is_disabled(server, &client).await? =>
        {
            Ok(client)
        }
        // One answer for an unknown client and a wrong secret (ST-3).
        _ => Err(failed(server, parts, &presented)),
    }
}

/// Whether an administrator disabled it as people are disabled, which is for machines only: it is
/// nobody then at every endpoint (CA-8, T-CA-09).
async fn is_disabled(server: &AuthServer, client: &Client) -> Result<bool, ClientFailure> {
    if server.config.machine(&client.id).is_none() {
        return Ok(false);
    }
    let mut reader = server.store.read().await?;
    let itself = SubjectId::from_stored(client.id.as_str());
    let found = store::subject::find(reader.conn(), &itself).await?;
    Ok(found.is_some_and(|machine| machine.disabled_at.is_some()))
}

fn failed(server: &AuthServer, parts: &Parts, presented: &Presented<'_>) -> ClientFailure {
    let error = OAuthErrorCode::InvalidClient
        .because("unknown client, or it did not authenticate in the registered way");
    let (from, client) = (request::peer(parts), presented.client.as_str());
    let error = server.throttle.failed_authentication(from, client, error);
    let by_basic = matches!(presented.proof, Proof::Basic(_));
    if by_basic && error.code == OAuthErrorCode::InvalidClient {
        ClientFailure::BadBasicCredentials(error)
    } else {
        error.into()
    }
}

/// The registered method is enforced (CA-2, T-CA-06).
async fn proves(
    server: &AuthServer,
    proof: &Proof<'_>,
    client: &Client,
) -> Result<bool, ClientFailure> {
    Ok(match (proof, &client.auth) {
        (Proof::None, ClientAuth::None) => true,
        (Proof::Post(secret), ClientAuth::SecretPost(hash)) => is_generated(secret, hash),
        (Proof::Basic(secret), ClientAuth::SecretBasic(hash)) => {
            secret.readings().any(|secret| is_generated(secret, hash))
        }
        (Proof::Post(secret), ClientAuth::Secrets(chosen)) => is_chosen(server, secret, chosen),
        (Proof::Basic(secret), ClientAuth::Secrets(chosen)) => {
            secret.readings().any(|secret| is_chosen(server, secret, chosen))
        }
        (Proof::Assertion(assertion), ClientAuth::PrivateKeyJwt(signing)) => {
            is_signed(server, assertion, client, signing).await?
        }
        _ => false,
    })
}

/// Secrets that were made here have a form of their own.
fn is_generated(secret: &str, hash: &Hashed<ClientSecret>) -> bool {
    Plain::<ClientSecret>::parse(secret).is_some_and(|secret| secret.hash() == *hash)
}

/// Operators choose secrets of any form. One that is past its time proves nothing (CA-8).
fn is_chosen(server: &AuthServer, secret: &str, chosen: &[ChosenSecret]) -> bool {
    let hash = kernel::encoding::sha256_base64url(secret.as_bytes());
    let hash = Hashed::<ClientSecret>::from_stored(hash);
    let now = server.now();
    let counts = |one: &ChosenSecret| one.expires_at.is_none_or(|end| now < end);
    chosen.iter().any(|one| one.hash == hash && counts(one))
}

/// RFC 7523 §3: made out to us, signed with one of the client's own keys, and never seen before.
async fn is_signed(
    server: &AuthServer,
    assertion: &Assertion<'_>,
    client: &Client,
    signing: &Signing,
) -> Result<bool, ClientFailure> {
    let problem = if !assertion.is_for(&server.config, signing.audience) {
        "its aud is not the issuer as one text"
    } else if !assertion.is_signed_with(keys_of(signing)) {
        "none of the client's keys made its signature"
    } else if use_up(server, assertion, client).await? == UseAssertionOutcome::Replayed {
        "its jti was used before"
    } else {
        return Ok(true);
    };
    tracing::info!(client.id = %client.id, problem, "a client's assertion was refused");
    Ok(false)
}

/// The keys by which a client's assertions are believed now: where they come from is told here.
fn keys_of(signing: &Signing) -> &ClientKeys {
    let KeySource::Registered(keys) = &signing.keys;
    keys
}

/// Last of all, so that nobody but the client can use up an id.
async fn use_up(
    server: &AuthServer,
    assertion: &Assertion<'_>,
    client: &Client,
) -> Result<UseAssertionOutcome, ClientFailure> {
    let unit = UseAssertion {
        client: client.id.clone(),
        id: assertion.id().to_owned(),
        expires_at: assertion.expires_at(),
        now: server.now(),
    };
    Ok(server.store.write(unit).await?)
}
