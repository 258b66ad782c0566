"""A program that acts for itself, with the official Python client.

Reads the setting as JSON on standard input and ends with 0 when everything held. Standard output
is JSON: the tokens that it got, for the check that no log holds them.

    url, issuer  where the server is, and whose tokens it takes
    client_id    who the program is
    secret       its secret, with method saying how it is sent; or
    pem          its private key, with algorithm
    expected     the tools that it must see
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import httpx2
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from story import Memory


def provider(setting: dict[str, Any], storage: Memory) -> Any:
    """The client's own provider for what the program has."""
    common = {
        "server_url": setting["url"],
        "storage": storage,
        "client_id": setting["client_id"],
        "issuer": setting["issuer"],
    }
    if "secret" in setting:
        return ClientCredentialsOAuthProvider(
            client_secret=setting["secret"],
            token_endpoint_auth_method=setting["method"],
            scope="mcp:read mcp:admin",
            **common,
        )
    signed = SignedJWTParameters(
        issuer=setting["client_id"],
        subject=setting["client_id"],
        signing_key=setting["pem"],
        signing_algorithm=setting["algorithm"],
    )
    return PrivateKeyJWTOAuthProvider(
        assertion_provider=signed.create_assertion_provider(), **common
    )


async def tell(setting: dict[str, Any]) -> list[str]:
    """The whole story; gives back the tokens."""
    storage = Memory()
    auth = provider(setting, storage)
    async with httpx2.AsyncClient(auth=auth, timeout=30) as http_client:
        transport = streamable_http_client(setting["url"], http_client=http_client)
        async with Client(transport) as client:
            listed = sorted(tool.name for tool in (await client.list_tools()).tools)
            assert listed == sorted(setting["expected"]), f"listed {listed}"
            result = await client.call_tool("list_requests", {})
            assert not result.is_error, result.content
    for token in storage.issued:
        assert token.scope == "mcp:read", token.scope
        assert token.refresh_token is None
    return [token.access_token for token in storage.issued]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(tell(json.load(sys.stdin)))))
