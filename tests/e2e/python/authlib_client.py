"""Authlib, as a client of plain OAuth and as a resource server.

Reads the setting as JSON on standard input and ends with 0 when everything held. Standard output
is JSON: the secrets it touched, for the check that no log holds them.

    issuer, resource  whose tokens, and for what
    story             metadata, person, machine or signer
    secret            that of every client that is configured with one
    client_id         of a machine; a person's client registers
    method            how it authenticates; a signer has algorithm and pem, and for_endpoint if it
                      names the token endpoint as the audience, as Authlib does by itself
    redirect_uri      of a person's client
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx2
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oauth2.rfc9207 import AuthorizationServerMetadata as WithIssuer
from joserfc.jwk import import_key

from person import Person

KEY_TYPES = {"ES256": "EC", "RS256": "RSA", "PS256": "RSA", "EdDSA": "OKP"}
LIFETIME_SECONDS = 60


class ResourceServer(JWTBearerTokenValidator):
    """Believes access tokens by RFC 9068 §4, with the keys that the metadata name."""

    def __init__(self, metadata: dict[str, Any], resource: str) -> None:
        super().__init__(metadata["issuer"], resource)
        self._keys = httpx2.get(metadata["jwks_uri"]).raise_for_status().json()

    def get_jwks(self) -> dict[str, Any]:
        return self._keys

    def accept(self, token: str, scope: str) -> dict[str, Any]:
        """Its claims, if it is good for this scope here."""
        claims = self.authenticate_token(token)
        self.validate_token(claims, [scope], None)
        return claims


def discover(issuer: str) -> dict[str, Any]:
    """RFC 8414 §3, each member checked; the issuer must be the one that was asked for (§3.3)."""
    url = get_well_known_url(issuer, external=True)
    metadata = AuthorizationServerMetadata(httpx2.get(url).raise_for_status().json())
    metadata.validate(metadata_classes=[WithIssuer])
    assert metadata["issuer"] == issuer, metadata["issuer"]
    return metadata


def must_be_refused(action: Callable[[], Any], error: str) -> None:
    """The library reads the answer as this error of RFC 6749 §5.2."""
    try:
        answer = action()
    except OAuthError as refused:
        assert refused.error == error, f"{refused.error}: {refused.description}"
    else:
        raise AssertionError(f"not {error}: {answer}")


def introspect(setting: dict[str, Any], metadata: dict[str, Any], token: str) -> dict[str, Any]:
    """RFC 7662, as the resource server that the operator configured."""
    with OAuth2Client("resource-server", setting["secret"]) as client:
        answer = client.introspect_token(metadata["introspection_endpoint"], token, "access_token")
    return answer.raise_for_status().json()


def register(setting: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    """RFC 7591, which Authlib leaves to its users."""
    wanted = {
        "redirect_uris": [setting["redirect_uri"]],
        "token_endpoint_auth_method": setting["method"],
    }
    answer = httpx2.post(metadata["registration_endpoint"], json=wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


def ask(client: OAuth2Client, metadata: dict[str, Any], person: Person) -> tuple[str, str, str]:
    """A person is asked, and comes back: verifier, state and the whole answer."""
    verifier = generate_token(48)
    url, state = client.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier
    )
    back = person.authorize(url)
    assert back["iss"] == metadata["issuer"], "RFC 9207 §2.4, which Authlib does not check itself"
    return verifier, state, f"{client.redirect_uri}?{httpx2.QueryParams(back)}"


def story_of_a_person(setting: dict[str, Any], metadata: dict[str, Any]) -> list[str]:
    """From registration to revocation, with what goes wrong on the way."""
    registered = register(setting, metadata)
    person = Person("basic", ["default"] * 2)
    endpoint = metadata["token_endpoint"]
    secret = registered.get("client_secret")
    with OAuth2Client(
        registered["client_id"],
        secret,
        token_endpoint_auth_method=setting["method"],
        revocation_endpoint_auth_method=setting["method"],
        redirect_uri=setting["redirect_uri"],
        code_challenge_method="S256",
    ) as client:
        verifier, state, back = ask(client, metadata, person)
        redeem = {"authorization_response": back, "state": state}
        must_be_refused(
            lambda: client.fetch_token(endpoint, code_verifier=generate_token(48), **redeem),
            "invalid_grant",
        )
        verifier, state, back = ask(client, metadata, person)
        redeem = {"authorization_response": back, "state": state, "code_verifier": verifier}
        first = client.fetch_token(endpoint, **redeem)
        resources = ResourceServer(metadata, setting["resource"])
        claims = resources.accept(first["access_token"], "mcp:read")
        assert claims["client_id"] == registered["client_id"]
        second = client.refresh_token(endpoint)
        assert second["refresh_token"] != first["refresh_token"]
        assert introspect(setting, metadata, second["access_token"])["active"] is True
        answer = client.revoke_token(metadata["revocation_endpoint"], second["refresh_token"])
        assert answer.status_code == 200, answer.text
        assert introspect(setting, metadata, second["access_token"]) == {"active": False}
        must_be_refused(
            lambda: client.refresh_token(endpoint, refresh_token=second["refresh_token"]),
            "invalid_grant",
        )
        client.client_secret = "not the secret"
        if secret is not None:
            must_be_refused(lambda: client.fetch_token(endpoint, **redeem), "invalid_client")
    tokens = [token[name] for token in (first, second) for name in ("access_token", "refresh_token")]
    return [*tokens, *person.codes, verifier, *([secret] if secret else [])]


def story_of_a_machine(setting: dict[str, Any], metadata: dict[str, Any]) -> list[str]:
    """RFC 6749 §4.4 by a secret. Authlib does not encode it in HTTP Basic (§2.3.1)."""
    with OAuth2Client(
        setting["client_id"], setting["secret"], token_endpoint_auth_method=setting["method"]
    ) as client:
        return must_act_for_itself(client, setting, metadata)


def story_of_a_signer(setting: dict[str, Any], metadata: dict[str, Any]) -> list[str]:
    """The same by a signature (RFC 7523 §2.2)."""
    key = import_key(setting["pem"], KEY_TYPES[setting["algorithm"]])
    with OAuth2Client(
        setting["client_id"], key, token_endpoint_auth_method="private_key_jwt"
    ) as client:
        client.register_client_auth_method(signing(setting, metadata))
        tokens = must_act_for_itself(client, setting, metadata)
        # Authlib puts its jti into the claims that it was given, and so sends the same one again.
        must_be_refused(
            lambda: client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials"),
            "invalid_client",
        )
    return tokens


def signing(setting: dict[str, Any], metadata: dict[str, Any]) -> PrivateKeyJWT:
    """How it signs; by itself Authlib would make assertions that last an hour."""
    audience = None if setting.get("for_endpoint") else metadata["issuer"]
    ends = {"exp": int(time.time()) + LIFETIME_SECONDS}
    return PrivateKeyJWT(audience, claims=ends, alg=setting["algorithm"])


def must_act_for_itself(
    client: OAuth2Client, setting: dict[str, Any], metadata: dict[str, Any]
) -> list[str]:
    """A token, good for what was assigned and no more."""
    token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["scope"] == "mcp:read", token["scope"]
    assert "refresh_token" not in token
    claims = ResourceServer(metadata, setting["resource"]).accept(token["access_token"], "mcp:read")
    assert claims["sub"] == setting["client_id"]
    assert introspect(setting, metadata, token["access_token"])["active"] is True
    return [token["access_token"]]


STORIES: dict[str, Callable[[dict[str, Any], dict[str, Any]], list[str]]] = {
    "metadata": lambda _setting, _metadata: [],
    "person": story_of_a_person,
    "machine": story_of_a_machine,
    "signer": story_of_a_signer,
}


def tell(setting: dict[str, Any]) -> list[str]:
    """The whole story; gives back the secrets."""
    return STORIES[setting["story"]](setting, discover(setting["issuer"]))


if __name__ == "__main__":
    json.dump(tell(json.load(sys.stdin)), sys.stdout)
