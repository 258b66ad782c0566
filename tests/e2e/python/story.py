"""The story of one person with the official Python client.

Reads the setting as JSON on standard input and ends with 0 when everything held. Standard output
is JSON: the secrets it touched, for the check that no log holds them.

    url         the MCP URL, the only thing the client knows about the server
    mode        "auto", "legacy" or a revision
    user        whom to sign in as
    ticks       what to tick at the first consent and, if there is one, at the second
    expected    the tools that this person must see
    hidden      a tool that must not exist for them, or null
    challenged  whether the process tools open after a second consent
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import httpx2
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.auth.oauth2 import AuthorizationCodeResult
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp.shared.exceptions import MCPError

from person import Person

INVALID_PARAMS = -32602
LONG_AGO = 1.0


class Memory(TokenStorage):
    """What the client keeps, and every token that it was ever given."""

    def __init__(self) -> None:
        self.issued: list[OAuthToken] = []
        self._client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.issued[-1] if self.issued else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.issued.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._client = client_info


def make_provider(url: str, storage: Memory, person: Person) -> OAuthClientProvider:
    """The client's own OAuth, with the person in the place of the browser."""
    way_back: dict[str, str] = {}

    async def open_browser(authorization_url: str) -> None:
        way_back.clear()
        way_back.update(await asyncio.to_thread(person.authorize, authorization_url))

    async def wait_for_redirect() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(
            code=way_back["code"], state=way_back.get("state"), iss=way_back.get("iss")
        )

    metadata = OAuthClientMetadata.model_validate(
        {
            "client_name": "End-to-end story in Python",
            "redirect_uris": ["http://127.0.0.1:6198/callback"],
            "token_endpoint_auth_method": "none",
        }
    )
    return OAuthClientProvider(url, metadata, storage, open_browser, wait_for_redirect)


async def call(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    """A call that must succeed."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error, f"{name}: {result.content}"
    assert result.structured_content is not None, name
    return result.structured_content


async def must_be_unknown(client: Client, name: str) -> None:
    """MCP, tools: a tool that this person can never have does not exist for them."""
    try:
        result = await client.call_tool(name, {})
    except MCPError as error:
        assert error.code == INVALID_PARAMS, error
        # Whoever may use unruled tools hears it from the server behind, in its own words.
        message = error.message.lower()
        assert "unknown tool" in message or "tool not found" in message, error
    else:
        raise AssertionError(f"{name} answered: {result}")


async def widen(client: Client, storage: Memory) -> None:
    """RFC 6750 §3.1: the challenge leads to a second consent, and then the call goes through."""
    before = len(storage.issued)
    processes = (await call(client, "list_processes"))["processes"]
    process = next(p["id"] for p in processes if p["state"] == "running")
    await call(client, "process_pause", process_id=process)
    await call(client, "process_resume", process_id=process)
    assert len(storage.issued) == before + 1, "one more consent, and only one"
    assert "mcp:process_admin" in (storage.issued[-1].scope or "").split()


async def must_refresh(client: Client, provider: OAuthClientProvider, storage: Memory) -> None:
    """An access token at its end is renewed, with the same scope and a new refresh token."""
    before = storage.issued[-1]
    provider.context.token_expiry_time = LONG_AGO
    await call(client, "list_requests")
    after = storage.issued[-1]
    assert after.access_token != before.access_token
    assert after.refresh_token not in (None, before.refresh_token)
    assert set((after.scope or "").split()) == set((before.scope or "").split())


async def tell(setting: dict[str, Any]) -> list[str]:
    """The whole story; gives back the secrets."""
    storage = Memory()
    person = Person(setting["user"], setting["ticks"])
    provider = make_provider(setting["url"], storage, person)
    async with httpx2.AsyncClient(auth=provider, timeout=30) as http_client:
        transport = streamable_http_client(setting["url"], http_client=http_client)
        async with Client(transport, mode=setting["mode"]) as client:
            listed = sorted(tool.name for tool in (await client.list_tools()).tools)
            assert listed == sorted(setting["expected"]), f"listed {listed}"
            await call(client, "list_requests")
            if setting["hidden"]:
                await must_be_unknown(client, setting["hidden"])
            if setting["challenged"]:
                await widen(client, storage)
            await must_refresh(client, provider, storage)
    tokens = [secret for t in storage.issued for secret in (t.access_token, t.refresh_token) if secret]
    return tokens + person.codes


if __name__ == "__main__":
    json.dump(asyncio.run(tell(json.load(sys.stdin))), sys.stdout)
